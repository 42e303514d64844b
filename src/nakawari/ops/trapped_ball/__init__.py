"""Trapped-ball segmentation: a line drawing cut into closed regions, though its lines have gaps.

A ball that is larger than a gap cannot leave through it, so what the ball reaches is a region that looks
closed. Large balls first, small ones after, and at last plain flood fill, so that every free pixel belongs to
some region. Small regions then join a neighbour, and the lines themselves are given to what they border.

`reference.py` defines the steps; `cpu.py` (numba) is what runs.

Source: Zhang et al. 2009, "Vectorizing Cartoon Animations", section 5; the order of steps and the rules of
merging are those of AnimeInterp's released segmentation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nakawari.errors import ShapeError
from nakawari.ops.trapped_ball import cpu
from nakawari.ops.trapped_ball.reference import disc

Labels = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Ball:
    """One pass of the segmentation.

    Attributes:
        radius: pixels.
        largest: keep only the largest fill (the background), and leave the rest to smaller balls.
        most: fills at most.
    """

    radius: int
    largest: bool = False
    most: int = 1 << 30


def fill(free: npt.NDArray[np.bool_], balls: Sequence[Ball], most_floods: int = 1 << 30) -> Labels:
    """Cut what is free of lines into fills.

    Args:
        free: [H, W], False on lines.
        balls: the passes, in order; flood fill follows.
        most_floods: fills at most of the flood.

    Returns:
        [H, W]: 0 on lines and on what no pass took, else the fill's number from 1, in the order found.

    Raises:
        ShapeError: `free` is no [H, W] mask.
    """
    if free.ndim != 2 or free.dtype != np.bool_:
        raise ShapeError(f"free is {free.dtype} {list(free.shape)}; wanted bool [H, W].")
    open_ = free.astype(np.uint8)
    labels = np.zeros(free.shape, np.int32)
    count = 0
    for ball in balls:
        if ball.largest:
            count = _fill_largest(open_, ball, labels, count)
        else:
            count = cpu.fill_balls(open_, disc(ball.radius), ball.most, labels, count)
    cpu.fill_floods(open_, most_floods, labels, count)
    return labels


def _fill_largest(free: npt.NDArray[np.uint8], ball: Ball, labels: Labels, count: int) -> int:
    trial = np.zeros_like(labels)
    if not cpu.fill_balls(free.copy(), disc(ball.radius), ball.most, trial, 0):
        return count
    sizes = np.bincount(trial.reshape(-1))[1:]
    for number in np.flatnonzero(sizes == sizes.max()) + 1:
        count += 1
        chosen = trial == number
        labels[chosen] = count
        free[chosen] = 0
    return count


def merge(labels: Labels, picture: npt.NDArray[np.uint8], rounds: int = 10) -> Labels:
    """Let small regions join a neighbour of like colours, as the released code does.

    Args:
        labels: [H, W], as `fill` gives them.
        picture: [H, W, 3], 0-255.
        rounds: at most; it ends when a round leaves as many labels as before.

    Returns:
        [H, W], labels with gaps in their numbers.
    """
    picture = np.ascontiguousarray(picture)
    count = _kinds(labels)
    for _ in range(rounds):
        labels = cpu.merge_round(np.ascontiguousarray(labels), picture)
        before, count = count, _kinds(labels)
        if count == before:
            break
    return labels


def grow(labels: Labels, rounds: int = 100) -> Labels:
    """Give the pixels of lines (0) to the regions beside them, ring by ring."""
    return cpu.grow(np.ascontiguousarray(labels), rounds)


def by_area(labels: Labels) -> Labels:
    """The same regions numbered from 0 by their area, the smallest first; of two equals, the lower first."""
    area = np.bincount(labels.reshape(-1))
    present = np.flatnonzero(area)
    number = np.zeros(len(area), np.int32)
    number[present[np.argsort(area[present], kind="stable")]] = np.arange(len(present))
    return number[labels]


def _kinds(labels: Labels) -> int:
    return int(np.count_nonzero(np.bincount(labels.reshape(-1))))
