"""Data specs: what is read, in what order, and what is refused with one line."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nakawari.errors import InputError
from nakawari.evaluation.data import KINDS, leave_one_out, opaque, open_data
from nakawari.timeline.plan import Drawing, Shot
from tests.evaluation.scenes import NAMES, draw, write


def test_triplets_are_read_in_natural_order_and_type(triplets: Path) -> None:
    data = open_data(f"triplets:{triplets}")
    assert tuple(data.names) == NAMES
    for _ in range(2):  # and once more from the start
        read = list(data)
        assert [triplet.name for triplet in read] == list(data.names)
        for number, triplet in enumerate(read):
            dtype = np.uint16 if triplet.name == "deep" else np.uint8
            for place, frame in enumerate((triplet.frame0, triplet.truth, triplet.frame1)):
                np.testing.assert_array_equal(frame, draw(2 * number + place, dtype))
                assert frame.dtype == dtype


def test_jpeg_and_alpha(triplets: Path) -> None:
    folder = triplets / "more"
    clear = np.dstack([draw(0), np.zeros((48, 64), np.uint8)])
    folder.mkdir()
    cv2.imwrite(str(folder / "frame1.png"), clear)
    cv2.imwrite(str(folder / "frame2.JPG"), draw(1)[..., ::-1])
    cv2.imwrite(str(folder / "frame3.jpeg"), draw(2)[..., ::-1])
    triplet = list(open_data(f"triplets:{triplets}"))[-1]
    assert triplet.name == "more"
    assert (triplet.frame0 == 255).all()
    assert np.abs(triplet.truth.astype(int) - draw(1)).mean() < 5


def test_opaque_is_over_white() -> None:
    frame = np.array([[[10, 20, 30, 255], [10, 20, 30, 0], [0, 100, 200, 51]]], np.uint8)
    np.testing.assert_array_equal(opaque(frame), [[[10, 20, 30], [255, 255, 255], [204, 224, 244]]])
    assert opaque(frame[..., :3]) is not None


@pytest.mark.parametrize(
    ("spec", "hint"),
    [
        ("triplet:x", "Did you mean triplets:x?"),
        ("triplets", "wanted triplets:PATH"),
        ("triplets:", "wanted triplets:PATH"),
        ("/some/folder", "names no data"),
        ("triplets:/no/such", "no such folder"),
        ("video:/no/such.mkv", "does not exist"),
        ("atd12k:/no/such", "is not ATD-12K as published"),
    ],
)
def test_wrong_specs(spec: str, hint: str) -> None:
    with pytest.raises(InputError) as caught:
        open_data(spec)
    assert hint in str(caught.value)
    assert "\n" not in str(caught.value)


def test_every_kind_is_listed_to_who_asks_for_another() -> None:
    with pytest.raises(InputError) as caught:
        open_data("nothing:x")
    assert all(f"{kind}:PATH" in str(caught.value) for kind in KINDS)


def test_incomplete_and_unlike_frames(triplets: Path) -> None:
    (triplets / "clip_2" / "frame3.png").unlink()
    with pytest.raises(InputError, match=r"clip_2 lacks frame3; wanted frame3\.png or frame3\.jpg"):
        open_data(f"triplets:{triplets}")
    write(triplets / "clip_2" / "frame3.png", draw(2)[:-1])
    with pytest.raises(InputError, match=r"clip_2/frame3\.png is 64x47 uint8 but frame1\.png is 64x48 uint8"):
        list(open_data(f"triplets:{triplets}"))
    with pytest.raises(InputError, match="holds no folders"):
        open_data(f"triplets:{triplets / 'clip_10'}")


@given(st.lists(st.lists(st.integers(1, 4), min_size=1, max_size=6), min_size=1, max_size=4))
def test_leave_one_out_stays_in_its_shot(lengths: list[list[int]]) -> None:
    shots, drawings, at = [], [], 0
    for shot in lengths:
        begin = at
        for length in shot:
            drawings.append(Drawing(at, at + length - 1))
            at += length
        shots.append(Shot(begin, at - 1, 1))
    found = leave_one_out(shots, drawings)
    assert len(found) == sum(max(0, len(shot) - 2) for shot in lengths)
    firsts = [drawing.first for drawing in drawings]
    for frames in found:
        place = firsts.index(frames[0])
        assert list(frames) == firsts[place : place + 3]
        assert sum(shot.first <= frames[0] and frames[2] <= shot.last for shot in shots) == 1


def test_video_leaves_one_drawing_out(tmp_path: Path) -> None:
    for frame in range(10):  # five drawings, each shown twice
        write(tmp_path / "clip" / f"{frame:03d}.png", draw(frame // 2))
    data = open_data(f"video:{tmp_path / 'clip'}")
    assert list(data.names) == ["000002", "000004", "000006"]
    read = list(data)
    assert [triplet.name for triplet in read] == list(data.names)
    for number, triplet in enumerate(read):
        for place, frame in enumerate((triplet.frame0, triplet.truth, triplet.frame1)):
            np.testing.assert_array_equal(frame, draw(number + place))


def test_a_still_clip_has_nothing_to_leave_out(tmp_path: Path) -> None:
    for frame in range(4):
        write(tmp_path / "clip" / f"{frame}.png", draw(0))
    with pytest.raises(InputError, match="wanted three in one shot"):
        _ = open_data(f"video:{tmp_path / 'clip'}").names
