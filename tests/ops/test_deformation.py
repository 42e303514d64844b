"""Flow that minimises the paper's Eq. 6."""

from __future__ import annotations

import numpy as np
import pytest

from nakawari.ops.deformation import deform


def disc(centre, radius, size=(60, 70), stretch=1.0):
    """A bright disc on black, its rim one pixel soft."""
    y, x = np.mgrid[: size[0], : size[1]]
    away = np.hypot((x - centre[0]) / stretch, y - centre[1])
    return (200 * np.clip(radius + 0.5 - away, 0, 1)).astype(np.float32)


def energy(patch0, patch1, flow):
    from scipy.ndimage import map_coordinates

    y, x = np.mgrid[: patch0.shape[0], : patch0.shape[1]].astype(float)
    moved = map_coordinates(patch1, [y + flow[1], x + flow[0]], order=1, mode="nearest")
    return np.abs(moved - patch0).sum() + sum((np.diff(p, axis=k) ** 2).sum() for p in flow for k in (0, 1))


def test_equal_patches_do_not_move():
    assert (deform(disc((30, 30), 12), disc((30, 30), 12)) == 0).all()


@pytest.mark.parametrize("shift", [(1.5, -0.75), (3, 2)])
def test_a_shift_is_found(shift):
    patch0 = disc((32, 28), 14)
    patch1 = disc((32 + shift[0], 28 + shift[1]), 14)
    flow = deform(patch0, patch1)
    inside = patch0 > 100
    assert np.abs(flow[:, inside].mean(1) - shift).max() < 0.5


def test_a_piece_that_stretches_deforms():
    patch0, patch1 = disc((35, 30), 15), disc((35, 30), 15, stretch=1.25)
    flow = deform(patch0, patch1)
    assert flow[0, 30, 46] > 1.5
    assert flow[0, 30, 24] < -1.5
    assert np.abs(flow[1, 30, 20:50]).max() < 1
    assert energy(patch0, patch1, flow) < 0.2 * energy(patch0, patch1, np.zeros_like(flow))


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (9, 1), (13, 40), (80, 25)], ids=str)
def test_no_flow_is_worse_than_any_start(size):
    random = np.random.default_rng(0)
    patch0, patch1 = (random.uniform(0, 255, size).astype(np.float32) for _ in range(2))
    starts = [(0.0, 0.0), (2.0, -1.0)]
    reached = energy(patch0, patch1, deform(patch0, patch1, starts))
    for start in starts:
        flow = np.stack([np.full(size, v, np.float32) for v in start])
        assert reached <= energy(patch0, patch1, flow) * (1 + 1e-4)


def test_a_start_far_away_is_taken():
    patch0, patch1 = disc((15, 30), 10), disc((55, 30), 10)
    flow = deform(patch0, patch1, [(0.0, 0.0), (40.0, 0.0)])
    assert (flow[0] == 40).all()
    assert (flow[1] == 0).all()
