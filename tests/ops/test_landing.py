"""Pushing both keys at once, and looking both up, against the general ops."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from nakawari.ops.gather import disagreement, keep_better, mix_along
from nakawari.ops.landing import Side, land
from nakawari.ops.splat import splat_sums
from nakawari.ops.warp import backward_warp

T = 0.3


def sides(height=70, width=37, reach=9.0):
    random = np.random.default_rng(0)

    def side():
        return Side(
            random.integers(0, 256, (height, width, 3)).astype(np.uint8),
            random.normal(0, reach, (height, width, 2)).astype(np.float32),
            random.uniform(0.05, 1, (height, width)).astype(np.float32),
            random.random((height, width)) < 0.5,
        )

    return side(), side()


def planes(array):
    return torch.from_numpy(np.ascontiguousarray(array.transpose(2, 0, 1)).astype(np.float32))[None]


def pushed(side, share, sign):
    load = torch.cat([sign * planes(side.flow), planes(side.rgb), planes(side.moves[..., None])], 1)
    sums, mass = splat_sums(load, planes(side.flow) * share, planes(side.trust[..., None]))
    return sums[0].numpy(), mass[0, 0].numpy()


@pytest.mark.parametrize("threads", [1, 3])
def test_landing_is_splatting(threads):
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        side0, side1 = sides()
        landed = land(side0, side1, T, 1e-3)
        (sums0, mass0), (sums1, mass1) = pushed(side0, T, 1), pushed(side1, 1 - T, -1)
    finally:
        torch.set_num_threads(before)
    assert np.array_equal(landed.hole, mass0 + mass1 < 1e-3)
    known = ~landed.hole
    both = ((sums0 + sums1) / np.maximum(mass0 + mass1, 1e-9))[:, known]
    found = np.concatenate([landed.motion, landed.colours, landed.moving[None]])[:, known]
    assert found == pytest.approx(both, rel=1e-4, abs=1e-3)
    for motion, sums, mass in ((landed.motion0, sums0, mass0), (landed.motion1, sums1, mass1)):
        wanted = np.where(mass < 1e-3, landed.motion, sums[:2] / np.maximum(mass, 1e-9))
        assert motion[:, known] == pytest.approx(wanted[:, known], rel=1e-3, abs=1e-3)


def test_what_leaves_the_picture_lands_nowhere():
    side0, side1 = sides(reach=0.0)
    side0.flow[:] = side1.flow[:] = 1e6
    assert land(side0, side1, T, 1e-3).hole.all()


def looked_up(rgb, motion, share):
    return backward_warp(planes(rgb), torch.from_numpy(motion)[None] * share)[0].numpy()


def test_disagreement_is_of_both_keys_and_of_what_is_expected():
    side0, side1 = sides()
    motion = np.ascontiguousarray(side0.flow.transpose(2, 0, 1))
    evidence = planes(sides()[0].rgb)[0].numpy()
    from0, from1 = looked_up(side0.rgb, motion, -T), looked_up(side1.rgb, motion, 1 - T)
    mix = (1 - T) * from0 + T * from1
    wanted = np.abs(from0 - from1) + np.abs(mix - evidence)
    found, light = disagreement(side0.rgb, side1.rgb, motion, evidence, T)
    assert found == pytest.approx(wanted.sum(0), abs=0.05)
    assert light == pytest.approx(mix.sum(0), abs=0.05)


def test_the_better_is_kept():
    least = np.array([[5.0, 5.0]], np.float32)
    best, agrees = np.zeros((2, 1, 2), np.float32), np.zeros((1, 2), bool)
    cost = np.array([[4.0, 5.0]], np.float32)
    keep_better(cost, cost, np.ones((2, 1, 2), np.float32), 4.5, least, best, agrees)
    assert least.tolist() == [[4, 5]]
    assert best[:, 0].tolist() == [[1, 0], [1, 0]]
    assert agrees.tolist() == [[True, False]]


def test_mixing_is_two_lookups():
    side0, side1 = sides()
    images = [planes(side.rgb)[0].numpy() / np.float32(255) for side in (side0, side1)]
    motion = np.ascontiguousarray(side0.flow.transpose(2, 0, 1))
    wanted = (1 - T) * looked_up(side0.rgb, motion, -T) + T * looked_up(side1.rgb, motion, 1 - T)
    assert mix_along(*images, motion, T) == pytest.approx(wanted / 255, abs=1e-4)
    small = np.ascontiguousarray(motion[:, ::2, ::2][:, :35, :18])
    rows, columns = np.arange(70) * 35 // 70, np.arange(37) * 18 // 37
    large = small[:, rows][:, :, columns] * np.array([37 / 18, 2], np.float32)[:, None, None]
    large = np.ascontiguousarray(large)
    assert mix_along(*images, small, T) == pytest.approx(mix_along(*images, large, T), abs=1e-4)
