"""How motion sees a key, and pictures looked up along a motion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from nakawari.ops.lines import distance_to, line_map

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

REACH = 16
"""Pixels from a line up to which a picture of distances still slopes."""
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


def lookup(picture: npt.NDArray[Any], flow: Floats, share: float = 1.0) -> npt.NDArray[Any]:
    """`picture` at p + share * flow(p), bilinear; places outside take the nearest edge pixel.

    Flow is [H, W, 2].
    """
    height, width = flow.shape[:2]
    x = share * flow[..., 0] + np.arange(width, dtype=np.float32)
    y = share * flow[..., 1] + np.arange(height, dtype=np.float32)[:, None]
    return np.asarray(cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))


def returns(flow: Floats, back: Floats) -> npt.NDArray[np.bool_]:
    """Where going along `flow`, then along `back`, ends near the start: a pixel, or a tenth of the way."""
    loop = flow + lookup(back, flow)
    length = cv2.magnitude(flow[..., 0], flow[..., 1])
    return np.asarray(cv2.magnitude(loop[..., 0], loop[..., 1]) < np.maximum(1.0, 0.1 * length))
