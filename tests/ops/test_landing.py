"""Pushing both keys at once, and looking both up, against the general ops."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from nakawari.ops.gather import HIDDEN, believe, disagreement, mix_along
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
            random.random((height, width)) < 0.8,
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
    beyond = [outside(motion, way) for way in (-T, 1 - T)]
    inside, away = [far <= 0.5 for far in beyond], [far >= 1.5 for far in beyond]
    both = inside[0] & inside[1]
    mix = (1 - T) * from0 + T * from1
    wanted = (np.abs(from0 - from1) + np.abs(mix - evidence)).sum(0)
    found, light, share = disagreement(side0.rgb, side1.rgb, motion, evidence, T)
    assert 0.2 < both.mean() < 1
    assert found[both] == pytest.approx(wanted[both], abs=0.05)
    assert light[both] == pytest.approx(mix.sum(0)[both], abs=0.05)
    assert (share[both] == np.float32(T)).all()
    assert (share[away[0] & away[1]] == np.float32(T)).all()
    assert share[inside[0] & away[1]].max() < 0.2 < 0.8 < share[inside[1] & away[0]].min()


def outside(motion, share):
    """By how many pixels what is looked up lies outside."""
    height, width = motion.shape[1:]
    x, y = share * motion[0] + np.arange(width), share * motion[1] + np.arange(height)[:, None]
    return np.maximum(np.maximum(-x, x - width + 1), np.maximum(-y, y - height + 1))


@pytest.mark.parametrize("behind", [0, 1])
def test_what_is_behind_a_thing_that_surely_moves_is_asked_of_the_other_key(behind):
    still = np.zeros((2, 8, 8), np.float32)
    keys = [np.full((8, 8, 3), value, np.uint8) for value in (40, 90)]
    known = [np.zeros((8, 8, 3), np.float32) for _ in keys]
    known[behind][:, :4] = (12, 0, 1)  # moves otherwise, surely
    known[behind][:, 6:] = (12, 0, 0)  # and perhaps
    evidence = np.full((3, 8, 8), 90 if behind == 0 else 40, np.float32)
    found, light, share = disagreement(*keys, still, evidence, 0.5, known=tuple(known))
    shown = 1 if behind == 0 else 0
    assert share[:, :4] == pytest.approx(shown, abs=0.05)
    assert light[:, :4] / 3 == pytest.approx(90 if shown else 40, abs=2.5)
    assert found[:, :4] == pytest.approx(HIDDEN, abs=8)
    assert (share[:, 4:] == 0.5).all()
    assert found[:, 4:] == pytest.approx(3 * (50 + 25))


def test_candidates_are_believed_by_the_inverse_square_of_their_costs():
    costs = np.array([10.0, 40, 10], np.float32).reshape(3, 1, 1).repeat(2, 2)
    unsure = np.array([[0.5, 0.0]], np.float32)
    shares = np.array([T, 0.0, 1.0], np.float32).reshape(3, 1, 1).repeat(2, 2)
    weights = believe(costs, np.array([[2, 2]]), unsure, 20.0, shares)
    odds = np.array([1 / 30**2, 1 / 60**2, 1 / 30**2])
    wanted = 0.5 * odds / odds.sum() + [0, 0, 0.5]
    assert weights.sum(1)[:, 0, 0] == pytest.approx(wanted, rel=1e-5)
    assert weights.sum(1)[:, 0, 1].tolist() == [0, 0, 1]
    assert weights[:, 1] == pytest.approx(shares * weights.sum(1), rel=1e-5)


def test_mixing_is_lookups_by_weight():
    side0, side1 = sides()
    images = [planes(side.rgb)[0].numpy() / np.float32(255) for side in (side0, side1)]
    motions = np.stack([np.ascontiguousarray(side.flow.transpose(2, 0, 1)) for side in (side0, side1)])
    weights = np.random.default_rng(2).uniform(0.02, 1, (2, 2, 70, 37)).astype(np.float32)
    weights[0, :, :9] = 0  # one alone
    weights /= weights.sum((0, 1))
    wanted = sum(
        weights[k, key] * looked_up(rgb, motions[k], share)
        for k in range(2)
        for key, (rgb, share) in enumerate(((side0.rgb, -T), (side1.rgb, 1 - T)))
    )
    assert mix_along(*images, motions, weights, T) == pytest.approx(wanted / 255, abs=1e-4)


def test_motion_of_half_size_is_taken_from_the_nearest_and_weights_from_between():
    side0, side1 = sides()
    images = [planes(side.rgb)[0].numpy() / np.float32(255) for side in (side0, side1)]
    small = np.ascontiguousarray(side0.flow.transpose(2, 0, 1)[None, :, ::2, ::2][..., :35, :18])
    rows, columns = np.arange(70) * 35 // 70, np.arange(37) * 18 // 37
    large = small[:, :, rows][..., columns] * np.array([37 / 18, 2], np.float32)[:, None, None]
    motions = [np.ascontiguousarray(np.concatenate([each, -each])) for each in (small, large)]
    odds = np.random.default_rng(2).uniform(0.3, 0.7, (35, 18)).astype(np.float32)
    weights = []
    for each in (odds, cv2.resize(odds, (37, 70))):
        weights.append(np.stack([[(1 - T) * each, T * each], [(1 - T) * (1 - each), T * (1 - each)]]))
    found, wanted = (mix_along(*images, m, w, T) for m, w in zip(motions, weights, strict=True))
    assert found == pytest.approx(wanted, abs=1e-4)
