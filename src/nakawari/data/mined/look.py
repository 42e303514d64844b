"""A drawing reduced to what triplets are judged by, and how alike two of them are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from nakawari.data.mined.captions import has_caption

Array = npt.NDArray[Any]

LONG_PX = 640
"""The longer side at which motion and likeness are measured, as the RRLD pipeline does."""
BLACK = 2
"""Levels below which a channel is black."""


@dataclass(frozen=True, slots=True)
class Look:
    """A reduced drawing.

    Attributes:
        grey: [h, w] uint8.
        scale: pixels of the drawing a pixel here.
        black: share of pixels of which all channels are black.
        captioned: whether a line of text lies over it.
    """

    grey: Array
    scale: float
    black: float
    captioned: bool


def as_drawing(frame: Array, size: tuple[int, int] | None = None) -> Array:
    """A frame, H×W×3 or ×4 of 8 or 16 bits, as H×W×3 uint8; what is transparent shows white paper.

    Args:
        frame: RGB or RGBA with straight alpha.
        size: (H, W) to which it is brought; None: as it is.
    """
    if frame.dtype == np.uint16:
        frame = cv2.convertScaleAbs(frame, alpha=1 / 257)
    if frame.shape[2] == 4:
        alpha = frame[..., 3:].astype(np.float32) / 255
        frame = np.rint(frame[..., :3] * alpha + 255 * (1 - alpha)).astype(np.uint8)
    if size is not None and frame.shape[:2] != size:
        way = cv2.INTER_AREA if size[0] < frame.shape[0] else cv2.INTER_CUBIC
        frame = cv2.resize(frame, size[::-1], interpolation=way)
    return np.ascontiguousarray(frame)


def look_at(drawing: Array) -> Look:
    """Reduce a drawing, H×W×3 uint8."""
    height, width = drawing.shape[:2]
    scale = max(1.0, max(height, width) / LONG_PX)
    size = (max(16, round(width / scale)), max(16, round(height / scale)))
    small = cv2.resize(drawing, size, interpolation=cv2.INTER_AREA)
    grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
    black = float(np.mean(small.max(axis=2) < BLACK))
    return Look(grey, width / size[0], black, has_caption(grey))


def likeness(one: Look, other: Look) -> float:
    """Structural similarity of two drawings of one size: Gaussian window of σ 1.5, luma; 1 when equal.

    Source: Wang et al. 2004. Luma and a reduced size, for it is asked of every pair of a film.
    """
    x, y = one.grey.astype(np.float32), other.grey.astype(np.float32)

    def mean(plane: Array) -> Array:
        return cv2.GaussianBlur(plane, (11, 11), 1.5)

    mx, my = mean(x), mean(y)
    vx, vy = mean(x * x) - mx * mx, mean(y * y) - my * my
    xy = mean(x * y) - mx * my
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    index = ((2 * mx * my + c1) * (2 * xy + c2)) / ((mx * mx + my * my + c1) * (vx + vy + c2))
    return float(index.mean())
