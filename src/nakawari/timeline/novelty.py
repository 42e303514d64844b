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

Array = npt.NDArray[Any]

WIDTH = 160

LEAST_CHANCE = 10.0
"""Least difference (levels) that counts as a new scene: black and nearly black are one."""

LEAST_LIT_CHANCE = 4.0
"""The same once the light is made equal, where what differs is shape alone."""

NOTICED = 0.2
"""Novelty below which nobody asks about earlier frames."""


@dataclass(slots=True)
class SmallPicture:
    """A picture 160 wide."""

    luma: Array
    suspect: bool = False
    """Whether the frame before did not explain it."""


def small_picture(luma: Array) -> SmallPicture:
    """`luma` (H×W uint8) as a picture on which cuts are looked for."""
    import cv2

    # dense flow crashes on a few rows, and a ribbon of a picture need not keep its proportions
    height = min(max(WIDTH // 3, round(WIDTH * luma.shape[0] / luma.shape[1])), 3 * WIDTH)
    small = cv2.resize(luma, (WIDTH, height), interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (3, 3), 0)
    return SmallPicture(small)


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
    found = _unexplained(a.luma, b.luma, LEAST_CHANCE)
    if found < NOTICED:
        return found
    lit = _lit_like(a.luma, b.luma)
    return found if lit is None else min(found, _unexplained(lit, b.luma, LEAST_LIT_CHANCE))


def _unexplained(a: Array, b: Array, least: float) -> float:
    import cv2

    chance = max(_chance(a, b), least)
    plain = float(np.mean(cv2.absdiff(a, b)))
    if plain < 0.02 * chance:
        return plain / chance
    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
    (dx, dy), _ = cv2.phaseCorrelate(a.astype(np.float32), b.astype(np.float32))
    left = []
    for source, target, sign in ((a, b, -1.0), (b, a, 1.0)):
        starts = [(0.0, 0.0)]
        if abs(dx) + abs(dy) > 4:
            starts.append((sign * dx, sign * dy))
        fields = [flow.calc(target, source, np.full((*a.shape, 2), start, np.float32)) for start in starts]
        left.append(min(_left(source, target, field) for field in fields))
    return min(plain, *left) / chance


def _lit_like(a: Array, b: Array) -> Array | None:
    """`a` in the light of `b`, None where that is no other: a fade or a flicker is no new scene."""
    import cv2

    spread = float(a.std())
    gain = float(b.std()) / spread if spread > 0.5 else 1.0
    bias = float(b.mean()) - gain * float(a.mean())
    if not 1 / 3 < gain < 3 or (abs(gain - 1) < 0.02 and abs(bias) < 2):
        return None
    return cv2.addWeighted(a, gain, a, 0.0, bias)


def _left(source: Array, target: Array, field: Array) -> float:
    import cv2

    height, width = target.shape
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    mx, my = x + field[..., 0], y + field[..., 1]
    warped = cv2.remap(source, mx, my, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    inside = (mx >= 0) & (mx <= width - 1) & (my >= 0) & (my <= height - 1)
    difference = cv2.absdiff(target, warped)
    if inside.mean() < 0.3:
        return float(difference.mean())
    return float(difference[inside].mean())


def _chance(a: Array, b: Array) -> float:
    """Expected difference in levels of a pixel of one picture and an unrelated pixel of the other."""
    below_a, below_b = (np.cumsum(np.bincount(p.ravel(), minlength=256)) / p.size for p in (a, b))
    # E|x - y| = ∫ F(1 - G) + G(1 - F)
    return float(np.sum(below_a * (1 - below_b) + below_b * (1 - below_a)))
