"""Slices: found where they are in scenes whose motion is exact, and pooled by pixels."""

import numpy as np
import pytest
import torch

from nakawari.data.cartoon import draw
from nakawari.data.photo import PhotoStream
from nakawari.data.sample import Sample
from nakawari.errors import InputError
from nakawari.evaluation.slices import NAMES, Squares, pooled, slices_of, squares


def scene(way: float, cover: slice | None = None) -> Sample:
    """All moves by `way` pixels to the right from key to key; `cover` columns are hidden in frame 0."""
    frame = torch.full((3, 20, 40), 128, dtype=torch.uint8)
    frame[:, :, 20:] = torch.randint(0, 255, (3, 20, 20), generator=torch.Generator().manual_seed(0)).byte()
    to0, to1 = torch.zeros(2, 20, 40), torch.zeros(2, 20, 40)
    to0[0], to1[0] = -way / 2, way / 2
    seen = torch.ones(20, 40, dtype=torch.bool)
    hidden = seen.clone()
    if cover:
        hidden[:, cover] = False
    return Sample(
        frame, frame, frame, torch.tensor(0.5), flowt0=to0, flowt1=to1, visiblet0=hidden, visiblet1=seen
    )


def test_each_slice_is_where_it_is() -> None:
    found = slices_of(scene(6, slice(10, 14)))
    assert set(found) == set(NAMES)
    assert np.array_equal(np.flatnonzero(found["out-of-frame"][0]), [0, 1, 2, 37, 38, 39])
    assert np.array_equal(np.flatnonzero(found["occluded"][5]), [10, 11, 12, 13])
    assert found["large-motion"].all()
    assert not slices_of(scene(3))["large-motion"].any()
    assert np.array_equal(np.flatnonzero(found["flat"][10]), np.arange(18))
    assert not slices_of(scene(0.5))["flat"].any()


def test_errors_are_pooled_over_pixels() -> None:
    truth = np.zeros((4, 4, 3), np.uint8)
    made = truth.copy()
    made[0, 0] = 255
    mask = np.zeros((4, 4), bool)
    mask[0] = True
    one = squares(made, truth, {"row": mask})
    assert one == {"whole": Squares(16, 1.0), "row": Squares(4, 1.0)}
    both = pooled([one, squares(truth, truth, {"row": np.ones((4, 4), bool)})])
    assert both["row"] == Squares(20, 1.0)
    assert both["row"].psnr == pytest.approx(10 * np.log10(20))
    assert Squares().psnr is None
    assert Squares(3, 0).psnr == 100


def test_scenes_have_all_slices_and_unknown_motion_is_refused() -> None:
    total = dict.fromkeys(NAMES, 0)
    for index in range(12):
        for name, mask in slices_of(draw(1, index, (64, 64), 0.5)).items():
            total[name] += int(mask.sum())
    assert all(total.values()), total
    with pytest.raises(InputError, match="flowt0"):
        slices_of(PhotoStream(1, (32, 32))[0])


def test_photo_like_scenes_are_a_function_of_their_number() -> None:
    stream = PhotoStream(3, (40, 56), 0.5)
    one, again = stream[5], PhotoStream(3, (40, 56), 0.5)[5]
    assert torch.equal(one.frame0, again.frame0)
    assert torch.equal(one.framet, again.framet)
    assert one.frame0.shape == (3, 40, 56)
    assert not torch.equal(one.frame0, stream[6].frame0)
    middle = (one.frame0.float() + one.frame1.float()) / 2
    assert 0.5 < float((one.framet.float() - middle).abs().mean()) < 40  # it moves, and is not a cross-fade
