"""Parts that jump: flat regions that moved further than flow can look, cut out of both keys and moved whole.

A part is taken only when there is no doubt: flow explains it in neither key, colour, size and shape single
out one partner in the other key, the two masks overlap when laid on each other, the part does not overlap
itself (what moves by less than its size is for flow), and what is around it stays in both places (a window
that is covered while another one is uncovered does not jump). Then both keys get the other's picture
where the part was, and the part is laid over what is drawn.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from nakawari.models.classic.motion import largest
from nakawari.ops.regions import Labels, Regions, describe, label_regions, match_regions
from nakawari.ops.search import shifted

Bytes = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]
Picture = npt.NDArray[Any]

UNEXPLAINED = 24
"""A pixel that flow brings to a colour this different (0-255, largest channel) is not explained."""
SMALLEST_AREA = 64
LARGEST_SHARE = 0.12
MOST = 256
"""Regions of one key that take part, the largest first."""
FRINGE = 3
"""Pixels around a region that may belong to its outline and smoothed edge."""
GROUND, STAYS = 3, 0.5
"""Pixels around those in which the ground is looked at, and the share of it that must stay."""


@dataclass(slots=True)
class Sprite:
    """A part that jumps.

    Attributes:
        mask0, mask1: [H, W] bool, its pixels in each key, outline included.
        move: (x, y), pixels, from key 0 to key 1.
        turn: radians, by how much it turns on its way (its place, not its picture); 0: it goes straight.
    """

    mask0: Mask
    mask1: Mask
    move: tuple[float, float]
    turn: float = 0.0

    def enlarged(self, height: int, width: int) -> Sprite:
        """The same part in pictures of another size."""
        rows, columns = self.mask0.shape
        if (rows, columns) == (height, width):
            return self
        mask0, mask1 = (
            cv2.resize(mask.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST) > 0
            for mask in (self.mask0, self.mask1)
        )
        return Sprite(mask0, mask1, (self.move[0] * width / columns, self.move[1] * height / rows))


def find_sprites(rgb0: Bytes, rgb1: Bytes, error0: Bytes, error1: Bytes) -> list[Sprite]:
    """Parts that jump between two keys.

    Args:
        rgb0, rgb1: [H, W, 3], 0-255.
        error0, error1: [H, W], largest channel of what flow fails to explain in each key, 0-255.
    """
    height, width = error0.shape
    lost = [(error > UNEXPLAINED).astype(np.float64) for error in (error0, error1)]
    if min(int(mask.sum()) for mask in lost) < SMALLEST_AREA:
        return []
    labelled = [label_regions(rgb) for rgb in (rgb0, rgb1)]
    stats = [describe(rgb, *found) for rgb, found in zip((rgb0, rgb1), labelled, strict=True)]
    chosen0, chosen1 = (
        _candidates(labels, count, regions, mask)
        for (labels, count), regions, mask in zip(labelled, stats, lost, strict=True)
    )
    pairs = match_regions(stats[0], stats[1], chosen0, chosen1, float(np.hypot(height, width)))
    if not pairs:
        return []
    changed = largest(cv2.absdiff(rgb0, rgb1)) > UNEXPLAINED
    found = (_verify(changed, labelled[0][0] == i, labelled[1][0] == j) for i, j in pairs)
    return [sprite for sprite in found if sprite is not None]


def _candidates(
    labels: Labels, count: int, regions: Regions, lost: npt.NDArray[np.float64]
) -> npt.NDArray[np.int64]:
    share = np.bincount(labels.reshape(-1), lost.reshape(-1), count) / regions.area
    fits = (regions.area >= SMALLEST_AREA) & (regions.area <= LARGEST_SHARE * labels.size) & (share > 0.6)
    chosen = np.flatnonzero(fits)
    return chosen[np.argsort(-regions.area[chosen], kind="stable")][:MOST]


def _verify(changed: Mask, fill0: Mask, fill1: Mask) -> Sprite | None:
    """The pair as a sprite, or None when in doubt; `changed` is where the keys differ."""
    moments = [np.argwhere(fill).mean(0)[::-1] for fill in (fill0, fill1)]
    move = moments[1] - moments[0]
    whole = (round(float(move[0])), round(float(move[1])))
    landed = shifted(fill0.astype(np.uint8), (-whole[0], -whole[1])) > 0
    overlap = (landed & fill1).sum() / max(1, (landed | fill1).sum())
    if overlap < 0.8:
        return None
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * FRINGE + 1, 2 * FRINGE + 1))
    mask0, mask1 = (cv2.dilate(fill.astype(np.uint8), kernel) > 0 for fill in (fill0, fill1))
    if (mask0 & mask1).sum() > 0.1 * min(mask0.sum(), mask1.sum()):
        return None
    around = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * GROUND + 1, 2 * GROUND + 1))
    for mask in (mask0, mask1):
        ring = (cv2.dilate(mask.astype(np.uint8), around) > 0) & ~mask0 & ~mask1
        if not ring.any() or changed[ring].mean() > 1 - STAYS:
            return None
    return Sprite(mask0, mask1, (float(move[0]), float(move[1])))


def erase(key: Picture, other: Picture, sprites: list[Sprite], first: bool) -> Picture:
    """A key without the sprites: where they were, the other key's picture (where that shows none itself)."""
    if not sprites:
        return key
    own = np.logical_or.reduce([sprite.mask0 if first else sprite.mask1 for sprite in sprites])
    theirs = np.logical_or.reduce([sprite.mask1 if first else sprite.mask0 for sprite in sprites])
    out = key.copy()
    take = own & ~theirs
    out[take] = other[take]
    return out
