"""Which colour piece is which: affinity, penalties, and only what chooses each other.

Source: Li et al. 2021, "Deep Animation Video Interpolation in the Wild", section 4.1, Eq. 1-5.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from nakawari.ops.regions import Floats, Regions, intersections

NONE = -1
ROWS = 1024
"""Rows of the matrix of degrees that are held at a time."""
MOST = 8192
"""Pieces of a picture that take part, the largest ones: time grows with the square of their number."""

Partners = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Penalties:
    """What is taken off the affinity of two pieces.

    Attributes:
        far: a distance of centroids beyond this share of the diagonal costs …
        distance_weight: … this times that share.
        size_rule: "share" costs `size_weight` times the difference of areas as a share of the picture
            (Eq. 3); "ratio" costs `size_weight` times the ratio of areas where that is above 3.
        size_weight: see `size_rule`.
    """

    far: float
    distance_weight: float
    size_rule: Literal["share", "ratio"]
    size_weight: float


def mutual_matches(
    rows0: Floats, rows1: Floats, regions0: Regions, regions1: Regions, size: tuple[int, int], rule: Penalties
) -> tuple[Partners, Partners]:
    """The partner of each piece of either picture, NONE where the choice is not mutual.

    Args:
        rows0, rows1: [K0, N] and [K1, N], as a `Descriptor` gives them.
        regions0, regions1: statistics of the pieces.
        size: (H, W) of the pictures.
        rule: penalties.

    Returns:
        [K0] numbers of pieces of picture 1, and [K1] of picture 0.
    """
    part0, part1 = _largest(regions0), _largest(regions1)
    forth = np.empty(len(part0), np.int64)
    back, best = np.zeros(len(part1), np.int64), np.full(len(part1), -np.inf, np.float32)
    taking1 = _choose(regions1, part1)
    for start in range(0, len(part0), ROWS):
        some = part0[start : start + ROWS]
        degree = intersections(rows0[some], rows1[part1])
        degree -= _penalty(_choose(regions0, some), taking1, size, rule)
        forth[start : start + ROWS] = degree.argmax(1)
        rows = degree.argmax(0)
        value = degree[rows, np.arange(len(part1))]
        better = value > best
        back[better], best[better] = start + rows[better], value[better]
    partner0, partner1 = np.full(len(rows0), NONE), np.full(len(rows1), NONE)
    mutual = np.flatnonzero(back[forth] == np.arange(len(part0)))
    partner0[part0[mutual]] = part1[forth[mutual]]
    partner1[part1[forth[mutual]]] = part0[mutual]
    return partner0, partner1


def _penalty(one: Regions, other: Regions, size: tuple[int, int], rule: Penalties) -> Floats:
    area0, area1 = one.area[:, None].astype(np.float32), other.area[None].astype(np.float32)
    if rule.size_rule == "share":
        cost = rule.size_weight * np.abs(area0 - area1) / (size[0] * size[1])
    else:
        ratio = np.maximum(area0 / area1, area1 / area0)
        cost = np.where(ratio > 3, rule.size_weight * ratio, 0)
    centre0, centre1 = one.centre[:, None].astype(np.float32), other.centre[None].astype(np.float32)
    away = np.hypot(centre0[..., 0] - centre1[..., 0], centre0[..., 1] - centre1[..., 1]) / np.hypot(*size)
    return np.asarray(cost + np.where(away > rule.far, rule.distance_weight * away, 0), np.float32)


def _largest(regions: Regions) -> npt.NDArray[np.int64]:
    order = np.argsort(-regions.area, kind="stable")[:MOST]
    return np.sort(order)


def _choose(regions: Regions, chosen: npt.NDArray[np.int64]) -> Regions:
    return Regions(regions.area[chosen], regions.centre[chosen], regions.box[chosen], regions.colour[chosen])
