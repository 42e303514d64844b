"""How much of a picture is new: what no motion of an earlier picture explains.

A cut is a frame that earlier frames do not explain. Difference alone does not tell it from a fast pan or
an action cut on threes, so the earlier picture is first moved to fit (a global shift by phase correlation,
then dense flow, both on a picture 160 pixels wide), in both directions, because what a moving figure
uncovers is new in one direction only. What remains is put in relation to what two unrelated pictures of
the same tones would leave, so that cuts between similar palettes count as much as any.

Frames 2, 3 and 4 before are looked at as well where the one before does not explain the picture:
behind a flash the old scene stands as it was.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from nakawari.timeline.picture import Picture

Array = npt.NDArray[Any]

WIDTH = 160

LEAST_CHANCE = 10.0
"""Least difference (levels) that counts as a new scene: black and nearly black are one."""

LEAST_LIT_CHANCE = 4.0
"""The same once the light is made equal, where what differs is shape alone."""

FAMILIAR = 0.09
"""Novelty that no rule of cuts asks to know better: flow is only computed for what seems newer."""

NOTICED = 0.2
"""Novelty below which nobody asks about earlier frames."""


@dataclass(slots=True)
class SmallPicture:
    """A picture 160 wide: luma, and with colour Cb and Cr as well, H×W×(1 or 3) uint8."""

    planes: Array
    below: Array
    """Of each plane, the share of pixels at most at each level: [planes, 256]."""
    suspect: bool = False
    """Whether the frame before did not explain it."""


def small_picture(whole: Picture) -> SmallPicture:
    """A picture on which cuts are looked for."""
    import cv2

    rows, columns = whole.cells.shape
    # dense flow crashes on a few rows, and a ribbon of a picture need not keep its proportions
    height = min(max(WIDTH // 3, round(WIDTH * rows / columns)), 3 * WIDTH)
    planes = [whole.cells, *(plane + np.float32(128) for plane in whole.chroma)]
    merged = cv2.resize(cv2.merge(planes), (WIDTH, height), interpolation=cv2.INTER_AREA)
    return _small(cv2.convertScaleAbs(cv2.GaussianBlur(merged, (3, 3), 0)))


def _small(planes: Array) -> SmallPicture:
    import cv2

    planes = planes.reshape(*planes.shape[:2], -1)
    counts = [cv2.calcHist([planes], [n], None, [256], [0, 256]).ravel() for n in range(planes.shape[2])]
    return SmallPicture(planes, np.cumsum(np.array(counts), axis=1) / planes[..., 0].size)


def novelty(before: list[SmallPicture], now: SmallPicture) -> tuple[float, ...]:
    """Novelty of `now` against each of `before` (newest first); the older ones only where it matters."""
    first = unexplained(before[0], now)
    now.suspect = first > NOTICED
    values = [first]
    for older, between in zip(before[1:], before, strict=False):
        # the older one can only tell of a flash when something between was new
        if not (now.suspect or between.suspect):
            break
        values.append(unexplained(older, now))
    return tuple(values)


def unexplained(a: SmallPicture, b: SmallPicture) -> float:
    """Share of the change between two pictures that no motion explains: 0 same scene … ~1 unrelated."""
    found = _unexplained(a, b, LEAST_CHANCE)
    if found < NOTICED:
        return found
    lit = _lit_like(a, b)
    return found if lit is None else min(found, _unexplained(lit, b, LEAST_LIT_CHANCE))


def _unexplained(a: SmallPicture, b: SmallPicture, least: float) -> float:
    import cv2

    chance = max(_chance(a, b), least)
    found = sum(cv2.mean(cv2.absdiff(a.planes, b.planes))) / chance
    if found < FAMILIAR:
        return found
    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
    luma_a, luma_b = (np.ascontiguousarray(p.planes[..., 0]) for p in (a, b))
    (dx, dy), _ = cv2.phaseCorrelate(luma_a.astype(np.float32), luma_b.astype(np.float32))
    shifts = [(0.0, 0.0), (dx, dy)] if abs(dx) + abs(dy) > 4 else [(0.0, 0.0)]
    for source, target, old, new, sign in (
        (luma_a, luma_b, a.planes, b.planes, -1.0),
        (luma_b, luma_a, b.planes, a.planes, 1.0),
    ):
        for x, y in shifts:
            start = np.full((*source.shape, 2), (sign * x, sign * y), np.float32)
            found = min(found, _left(old, new, flow.calc(target, source, start)) / chance)
            if found < FAMILIAR:
                return found
    return found


def _lit_like(a: SmallPicture, b: SmallPicture) -> SmallPicture | None:
    """`a` in the light of `b`, None where that is no other: a fade or a flicker is no new scene."""
    import cv2

    old, new = (cv2.meanStdDev(p.planes) for p in (a, b))
    spread = float(old[1][0, 0])
    gain = float(new[1][0, 0]) / spread if spread > 0.5 else 1.0
    biases = (new[0] - gain * old[0]).ravel()
    if not 1 / 3 < gain < 3 or (abs(gain - 1) < 0.02 and np.abs(biases).max() < 2):
        return None
    lit = a.planes * np.float32(gain) + biases.astype(np.float32)
    return _small(np.clip(lit + 0.5, 0, 255).astype(np.uint8))


def _left(source: Array, target: Array, field: Array) -> float:
    import cv2

    height, width = target.shape[:2]
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    mx, my = x + field[..., 0], y + field[..., 1]
    warped = cv2.remap(source, mx, my, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    inside = (mx >= 0) & (mx <= width - 1) & (my >= 0) & (my <= height - 1)
    difference = cv2.absdiff(target.reshape(height, width, -1), warped.reshape(height, width, -1))
    mask = None if inside.mean() < 0.3 else inside.astype(np.uint8)
    return float(sum(cv2.mean(difference, mask)))


def _chance(a: SmallPicture, b: SmallPicture) -> float:
    """Expected difference in levels of a pixel of one picture and an unrelated one of the other, summed."""
    # E|x - y| = ∫ F(1 - G) + G(1 - F)
    return float(np.sum(a.below * (1 - b.below) + b.below * (1 - a.below)))
