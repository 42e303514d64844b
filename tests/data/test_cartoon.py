"""Scenes know their motion exactly: what the flow says is what the pixels do."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
import torch.nn.functional as F

from nakawari.data.cartoon import CartoonStream, draw, render, when, write
from nakawari.data.cartoon.pose import along, farthest, pose, slope
from nakawari.data.cartoon.scene import OPACITY, Cel, Grade, Scene, X, Y, still_tracks, track, values
from nakawari.data.cartoon.write import CASTS, FARTHEST
from nakawari.data.sample import NAMES, collate
from nakawari.errors import InputError

SIZE = (96, 128)
PAIRS = ("01", "10", "0t", "1t", "t0", "t1")


def backward_warp(image, flow):
    height, width = image.shape[-2:]
    x = torch.arange(width) + flow[:, 0]
    y = torch.arange(height)[:, None] + flow[:, 1]
    grid = torch.stack(((2 * x + 1) / width - 1, (2 * y + 1) / height - 1), -1)
    return F.grid_sample(image, grid, padding_mode="border", align_corners=False)


def shrink(mask):
    """Only where all neighbours are set too: bilinear sampling mixes them."""
    return F.max_pool2d(1 - mask.float()[:, None], 5, 1, 2)[:, 0] == 0


def square(colour, size=9, at=(40.0, 40.0), **keywords):
    image = np.zeros((size + 4, size + 4, 4), np.uint8)
    image[2:-2, 2:-2] = (*colour, 255)
    middle = (size + 3) / 2
    return Cel(image, (middle, middle), float(size), anchor=at, **keywords)


@pytest.mark.parametrize("cast", CASTS)
def test_warping_by_the_flow_gives_the_other_frame(cast):
    sample = render([write(5, 11, SIZE, cast=cast, graded=False)], [0.4])
    for source, target in PAIRS:
        named = f"{source}{target}"
        warped = backward_warp(getattr(sample, f"frame{target}").float(), getattr(sample, f"flow{named}"))
        seen = shrink(getattr(sample, f"visible{named}"))
        error = (warped - getattr(sample, f"frame{source}").float()).abs().mean(1)[seen]
        assert seen.float().mean() > 0.2
        assert error.mean() < 3.0, named
        assert error.median() <= 1.0, named


@pytest.mark.parametrize("cast", CASTS)
def test_flow_there_and_back_is_nothing(cast):
    sample = render([write(6, 3, SIZE, cast=cast, graded=False)], [0.5])
    back = backward_warp(sample.flow10, sample.flow01)
    seen = shrink(sample.visible01)
    assert (back + sample.flow01).norm(dim=1)[seen].quantile(0.97) < 0.5


def test_the_compiled_twin_agrees_with_the_definition():
    scenes = [write(9, index, (32, 48), graded=False) for index in range(6)]
    times = [when(9, index) for index in range(6)]
    fast, slow = render(scenes, times), render(scenes, times, reference=True)
    for name in NAMES[:3]:
        assert (getattr(fast, name).int() - getattr(slow, name).int()).abs().max() <= 2, name
    for name in NAMES[3:19]:
        same = (getattr(fast, name).float() - getattr(slow, name).float()).abs() <= 0.01
        assert same.float().mean() > 0.995, name


def test_the_same_seed_gives_the_same_bytes_and_another_does_not():
    first, again, other = draw(1, 5, SIZE), draw(1, 5, SIZE), draw(1, 6, SIZE)
    for name, tensor in first.tensors().items():
        assert torch.equal(tensor, getattr(again, name)), name
    assert not torch.equal(first.frame0, other.frame0)


def test_bytes_do_not_depend_on_threads():
    threads = cv2.getNumThreads(), torch.get_num_threads()
    try:
        made = []
        for number in (1, 2):
            cv2.setNumThreads(number)
            torch.set_num_threads(number)
            made.append([draw(1, index, (128, 128)) for index in range(10)])
    finally:
        cv2.setNumThreads(threads[0])
        torch.set_num_threads(threads[1])
    for one, two in zip(*made, strict=True):
        for name, tensor in one.tensors().items():
            assert torch.equal(tensor, getattr(two, name)), name


def test_a_still_scene_is_bit_equal_at_all_times():
    scene = write(2, 8, SIZE, cast="bust")
    scene.camera[:, (1, 3)] = 0
    scene.grade.gain1, scene.grade.flicker = scene.grade.gain0, 0.0
    for cel in scene.cels:
        cel.tracks[:, (1, 3)] = 0
    sample = render([scene], [0.3])
    assert torch.equal(sample.frame0, sample.framet)
    assert torch.equal(sample.frame0, sample.frame1)
    assert sample.flow01.abs().max() < 1e-3
    assert bool(sample.visible01.all())


def test_a_caption_stays_bit_equal_while_all_else_moves():
    view = write(4, 2, SIZE, cast="view", graded=False)
    image = np.zeros((20, 60, 4), np.uint8)
    image[2:-2, 2:-2] = (250, 240, 20, 255)
    image[6:10, 6:40] = (0, 0, 0, 255)
    view.cels.append(Cel(image, (0.0, 0.0), 1.0, anchor=(30.0, 70.0), order=500.0, depth=0.0, part=9))
    view.camera[0] = track(-8, 16)
    sample = render([view], [0.5])
    box = (..., slice(73, 87), slice(33, 87))
    assert not torch.equal(sample.frame0, sample.frame1)
    assert torch.equal(sample.frame0[box], sample.framet[box])
    assert torch.equal(sample.frame0[box], sample.frame1[box])
    assert bool((sample.labels0[box] == 9).all())
    assert sample.flow01[box].abs().max() < 1e-4


def test_a_square_in_front_hides_what_it_passes():
    mover = square((255, 0, 0), at=(20.0, 40.0), order=1.0, part=1)
    mover.tracks[X] = track(0, 24)
    wall = square((0, 0, 255), size=40, at=(60.0, 40.0), order=0.0, part=2)
    sample = render([Scene((80, 100), [wall, mover])], [0.5])
    assert sample.flow01[0, 0, 40, 20] == pytest.approx(24)
    assert sample.flowt0[0, 0, 40, 32] == pytest.approx(-12)
    assert sample.labels0[0, 40, 20] == 1
    assert bool(sample.visible01[0, 40, 20])
    assert not bool(sample.visible01[0, 40, 44])  # the wall, where the square will be
    assert not bool(sample.visiblet0[0, 40, 20])  # the paper, where the square was


def test_what_leaves_the_frame_is_not_visible():
    mover = square((255, 0, 0), at=(85.0, 40.0), part=1)
    mover.tracks[X] = track(0, 30)
    sample = render([Scene((80, 100), [mover])], [0.5])
    assert not bool(sample.visible01[0, 40, 85])


def test_nothing_on_the_canvas_moves_farther_than_the_limit():
    for index in range(12):
        scene = write(12, index, SIZE)
        assert farthest(scene) <= FARTHEST * SIZE[1] + 1e-6
        sample = render([scene], [0.5])
        assert sample.flow01[sample.visible01[:, None].expand_as(sample.flow01)].abs().max() <= 0.26 * SIZE[1]


def test_rgba_scenes_have_straight_alpha_and_nothing_behind():
    sample = draw(3, 1, SIZE, alpha=True)
    assert sample.frame0.shape == (4, *SIZE)
    assert bool((sample.frame0[3] == 0).any())
    half = square((200, 100, 50), at=(30.0, 30.0))
    half.tracks[OPACITY] = track(0.5)
    drawn = render([Scene((60, 60), [half])], [0.5], alpha=True).frame0[0, :, 30, 30]
    assert drawn.tolist() == pytest.approx([200, 100, 50, 128], abs=2)


def test_light_changes_over_time_and_flow_does_not_care():
    scene = Scene((40, 40), [square((100, 100, 100), at=(20.0, 20.0))], grade=Grade(gain1=(0.5, 0.5, 0.5)))
    sample = render([scene], [0.5])
    assert [int(f[0, 0, 20, 20]) for f in (sample.frame0, sample.framet, sample.frame1)] == [100, 75, 50]


@pytest.mark.parametrize(
    "grade",
    [
        Grade(blur=0.8),
        Grade(sharpen=0.5),
        Grade(dct=60),
        Grade(levels=8),
        Grade(grain=3.0),
        Grade(vignette=0.5),
    ],
)
def test_grades_change_all_frames_alike(grade):
    scene = Scene((45, 53), [square((180, 30, 90), size=20, at=(25.0, 25.0))])
    plain = render([scene], [0.5])
    scene.grade = grade
    graded = render([scene], [0.5])
    assert not torch.equal(plain.frame0, graded.frame0)
    assert torch.equal(graded.frame0, graded.frame1)
    assert (plain.frame0.int() - graded.frame0.int()).abs().float().mean() < 40


def test_tracks_start_and_end_where_they_say():
    at = values(track(3.0, 4.0, ease=0.7, arc=2.0), np.array((0.0, 0.5, 1.0)))
    assert at.tolist() == pytest.approx([3.0, 7.0, 7.0])


def test_the_slope_of_a_bend_is_its_derivative():
    bend = np.array((0.4, -0.2, 0.1, 0.8, 0.0, 5.0))
    v = np.linspace(0.05, 1.2, 40)
    numeric = (along(bend, v + 1e-6) - along(bend, v - 1e-6)) / 2e-6
    assert slope(bend, v) == pytest.approx(numeric, abs=1e-6)


def test_children_move_with_their_parents():
    parent = square((0, 0, 0), at=(30.0, 30.0))
    parent.tracks[X], parent.tracks[Y] = track(0, 7), track(0, -3)
    child = square((9, 9, 9), at=parent.pivot, parent=0)
    where = pose(Scene((60, 60), [parent, child]), np.array((0.0, 1.0)))
    assert where.affine[1, 1, :, 2] - where.affine[0, 1, :, 2] == pytest.approx([7, -3])


def test_a_stream_is_a_function_of_its_index():
    stream = CartoonStream(4, (48, 48), names=("flow01", "labels0"))
    together = stream.batch([3, 4, 5])
    assert set(together) == {"frame0", "framet", "frame1", "t", "flow01", "labels0"}
    alone = collate([stream[4]]).tensors()
    for name, tensor in together.items():
        assert torch.equal(tensor[1], alone[name][0]), name


def test_wrong_requests_are_refused():
    scene = Scene((20, 20), [square((1, 2, 3))], still_tracks()[:4] * 0)
    with pytest.raises(InputError, match="wanted 0 <= t <= 1"):
        render([scene], [1.5])
    with pytest.raises(InputError, match="of one canvas size"):
        render([scene, Scene((21, 20), scene.cels)], [0.5, 0.5])
