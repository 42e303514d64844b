"""How motion sees a key, and which of two flows explains the keys."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from nakawari.ops.following import lookup
from nakawari.ops.lines import distance_to, line_map

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
Flows = tuple[Floats, Floats]
"""Flow 0→1 and 1→0, [h, w, 2], pixels."""

REACH = 16
"""Pixels from a line up to which a picture of distances still slopes."""
AROUND = 31
"""Side of the box over which it counts what a flow explains, pixels."""
ASTRAY, MOST = 4.0, 10.0
"""What a pixel counts, in levels, by which a flow does not lead back; and pixels that count at most."""
SAME, FAR_BETTER = 1.0, 0.5
"""Differences of a level are none; and the share of what one flow leaves unexplained below which another must
be to take its place."""
LITTLE = 0.01
"""Share of the picture that may be left unexplained before flow is found in a second way."""
LARGE = 200_000
"""Pixels of the largest picture in which motion is found at full size."""


@dataclass(slots=True)
class Look:
    """A key as motion sees it, at working size.

    Attributes:
        rgb: [h, w, 3].
        grey: [h, w].
        distance: [h, w], grey mixed with the distance to the nearest line. It slopes towards lines from
            afar, which is what lets a gradient method find a thin line, or a small figure on white, that
            moved by more than its own width.
    """

    rgb: Bytes
    grey: Bytes
    distance: Bytes


def working_size(height: int, width: int) -> tuple[int, int]:
    """(H, W) at which motion is found: all of a small picture, half of a large one."""
    if height * width <= LARGE:
        return height, width
    return (height + 1) // 2, (width + 1) // 2


def grey_look(rgb: Bytes) -> Look:
    """Looks of an [h, w, 3] picture of working size, 0-255, in which nobody looks for lines."""
    grey = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.uint8)
    return Look(rgb, grey, grey)


def look(rgb: Bytes) -> Look:
    """All looks of an [h, w, 3] picture of working size, 0-255."""
    grey = grey_look(rgb).grey
    slope = np.minimum(distance_to(line_map(grey)), REACH) * np.float32(128 / REACH)
    mixed = cv2.addWeighted(grey, 0.5, slope.astype(np.uint8), 1.0, 0.0)
    return Look(rgb, grey, np.asarray(mixed, np.uint8))


def largest(picture: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The largest channel of [H, W, C], [H, W]: numpy's own maximum over a short axis is slow."""
    out = picture[..., 0]
    for channel in range(1, picture.shape[2]):
        out = np.maximum(out, picture[..., channel])
    return out


def summed(picture: npt.NDArray[Any]) -> Floats:
    """The sum over the channels of [H, W, C], [H, W]: as slow in numpy as the maximum."""
    first, second, *more = cv2.split(picture)
    total = cv2.add(first, second, dtype=cv2.CV_32F)
    for channel in more:
        total = cv2.add(total, channel, dtype=cv2.CV_32F)
    return np.asarray(total, np.float32)


def unexplained(own: Bytes, other: Bytes, flow: Floats, back: Floats) -> Floats:
    """Levels (0-255) by which keys [h, w, 3] differ along a flow, and pixels that it leads astray, [h, w]."""
    apart = summed(cv2.absdiff(own, lookup(other, flow))) / np.float32(3)
    astray = summed(np.abs(cv2.add(flow, lookup(back, flow))))
    total = cv2.scaleAdd(np.minimum(astray, np.float32(MOST)), ASTRAY, apart)
    return np.asarray(cv2.blur(total, (AROUND, AROUND)), np.float32)


def far_better(rgb0: Bytes, rgb1: Bytes, flows: Flows, find: Callable[[], Flows]) -> Flows:
    """Flow of two keys [h, w, 3] both ways, and where others leave far less unexplained, those.

    `find` finds the others; it is not asked where hardly anything is left.
    """
    most = [
        unexplained(own, other, flows[way], flows[1 - way]) * np.float32(FAR_BETTER) - np.float32(SAME)
        for own, other, way in ((rgb0, rgb1, 0), (rgb1, rgb0, 1))
    ]
    if max(float((left > 0).mean()) for left in most) < LITTLE:
        return flows
    others = find()
    mixed = []
    for own, other, way in ((rgb0, rgb1, 0), (rgb1, rgb0, 1)):
        better = unexplained(own, other, others[way], others[1 - way]) < most[way]
        mixed.append(np.where(better[..., None], others[way], flows[way]).astype(np.float32))
    return mixed[0], mixed[1]
