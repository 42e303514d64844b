"""Trapped-ball segmentation: the fast twin against the definition, and what it is for."""

from __future__ import annotations

import numpy as np
import pytest

from nakawari.errors import ShapeError
from nakawari.ops import trapped_ball
from nakawari.ops.trapped_ball import Ball, by_area, cpu, fill, grow, merge, reference

SIZES = [(1, 1), (1, 12), (12, 1), (17, 23), (40, 31)]


def free_places(size, seed, share=0.25):
    return np.random.default_rng(seed).random(size) > share


def blobs(size, seed, kinds=9):
    """Labels with small and larger parts, some of them in several pieces, and line (0) between."""
    random = np.random.default_rng(seed)
    coarse = random.integers(0, kinds, (size[0] // 3 + 1, size[1] // 3 + 1))
    labels = coarse.repeat(3, 0).repeat(3, 1)[: size[0], : size[1]]
    noise = random.random(size) < 0.1
    return np.where(noise, random.integers(0, kinds, size), labels).astype(np.int32)


@pytest.mark.parametrize("radius", [1, 2, 3, 4])
def test_the_ball_is_opencv_s_ellipse(radius):
    cv2 = pytest.importorskip("cv2")
    wanted = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    assert (reference.disc(radius) == wanted).all()


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("radius", [1, 2, 3])
@pytest.mark.parametrize("most", [2, 1000])
def test_balls_fill_as_defined(size, radius, most):
    for share in (0.02, 0.2):
        free = free_places(size, radius, share).astype(np.uint8)
        outcomes = []
        for twin in (reference, cpu):
            left, labels = free.copy(), np.zeros(size, np.int32)
            count = twin.fill_balls(left, reference.disc(radius), most, labels, 3)
            outcomes.append((count, left.tolist(), labels.tolist()))
        assert outcomes[0] == outcomes[1]


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("most", [3, 1000])
def test_floods_fill_as_defined(size, most):
    free = free_places(size, 5, 0.4).astype(np.uint8)
    outcomes = []
    for twin in (reference, cpu):
        left, labels = free.copy(), np.zeros(size, np.int32)
        count = twin.fill_floods(left, most, labels, 0)
        outcomes.append((count, left.tolist(), labels.tolist()))
    assert outcomes[0] == outcomes[1]


@pytest.mark.parametrize("size", [*SIZES, (70, 90)], ids=str)
@pytest.mark.parametrize("seed", range(4))
def test_a_round_of_merging_is_as_defined(size, seed):
    random = np.random.default_rng(seed)
    labels = blobs(size, seed)
    # Few colours: scores tie, and the first of equals must be taken by both.
    picture = random.choice(np.array([0, 40, 90, 255], np.uint8), (*size, 3))
    wanted = reference.merge_round(labels, picture)
    assert cpu.merge_round(labels, picture).tolist() == wanted.tolist()
    again = reference.merge_round(wanted, picture)
    assert cpu.merge_round(wanted, picture).tolist() == again.tolist()


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("rounds", [1, 3, 100])
def test_lines_go_to_their_neighbours_as_defined(size, rounds):
    labels = np.where(free_places(size, 9, 0.8), blobs(size, 1), 0).astype(np.int32)
    assert grow(labels, rounds).tolist() == reference.grow(labels, rounds).tolist()


def test_official_the_first_row_and_column_give_nothing_away():
    labels = np.zeros((3, 4), np.int32)
    labels[:, 0] = 5
    assert grow(labels).tolist() == labels.tolist()  # a column further in would have spread
    labels = np.zeros((3, 4), np.int32)
    labels[:, 1] = 5
    assert (grow(labels) == 5).all()


def ring(gap):
    """A square outline with a gap of some pixels in its right side; True is free."""
    free = np.ones((60, 80), np.bool_)
    free[10:50, 20] = free[10:50, 60] = free[10, 20:61] = free[49, 20:61] = False
    free[28 : 28 + gap, 60] = True
    return free


@pytest.mark.parametrize(("gap", "closed"), [(0, True), (3, True), (4, True), (9, False)])
def test_what_a_ball_cannot_leave_is_a_region(gap, closed):
    labels = fill(ring(gap), (Ball(3), Ball(2), Ball(1)))
    assert (labels[30, 40] != labels[30, 5]) == closed
    flooded = fill(ring(gap), ())
    assert (flooded[30, 40] != flooded[30, 5]) == (gap == 0)


def test_every_free_pixel_belongs_to_one_fill():
    free = free_places((50, 60), 3, 0.3)
    labels = fill(free, (Ball(3, largest=True), Ball(2), Ball(1)))
    assert ((labels > 0) == free).all()
    assert len(np.unique(labels[free])) == labels.max()


def test_only_the_largest_is_kept_where_that_is_asked():
    free = np.ones((40, 60), np.bool_)
    free[:, 20] = False
    labels = fill(free, (Ball(3, largest=True),), most_floods=0)
    assert set(np.unique(labels[:, :20])) == {0}
    assert (labels[20, 30:50] == 1).all()


@pytest.mark.parametrize(
    "free", [np.zeros((9, 9), np.bool_), np.ones((9, 9), np.bool_)], ids=["line", "bare"]
)
def test_pictures_without_lines_or_without_anything_else(free):
    labels = by_area(grow(merge(fill(free, (Ball(3, largest=True), Ball(1))), np.zeros((9, 9, 3), np.uint8))))
    assert (labels == 0).all()


def test_numbers_rise_with_area():
    labels = by_area(blobs((40, 40), 2))
    area = np.bincount(labels.reshape(-1))
    assert (np.diff(area) >= 0).all()
    assert area.min() > 0


def test_a_mask_is_asked_for():
    with pytest.raises(ShapeError, match="free is uint8"):
        trapped_ball.fill(np.ones((4, 4), np.uint8), ())  # type: ignore[arg-type]
