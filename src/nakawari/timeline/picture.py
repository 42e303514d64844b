"""Reduce a frame to what detection looks at: luma, its sums over small cells, and the colour of the cells.

Everything but the luma stands on the grid of the cells, a sixteenth of the pixels, so that a frame costs
a few passes over its luma and the rest is small. Colour is looked at on that grid only: cartoons change
it in areas, and files store it coarsely anyway.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from nakawari.errors import ShapeError

Array = npt.NDArray[Any]

CELL = 4
"""Side of a cell, pixels of the reduced luma."""

WORKING_HEIGHT = 540
"""Frames are halved, thirded … towards this height: small motion grows with the frame, cost need not."""


@dataclass(slots=True)
class Picture:
    """A reduced frame. Cell grids are float32, [H / CELL, W / CELL]."""

    levels: Array
    """Luma, float32 [H, W], 0–255."""
    cells: Array
    """Mean luma of each cell."""
    squares: Array
    """Mean squared luma of each cell."""
    contrast: Array
    """Variance of the luma in and beside each cell: ringing of a line spills into the cells around it."""
    chroma: tuple[Array, ...]
    """Mean Cb and Cr of each cell, 0 for grey; empty where the frame has no colour."""
    edges: Array
    """Squared contrast of the colour in and beside each cell."""
    stirred: Array
    """Energy by which the cells around each cell changed when this picture came …"""
    stained: Array
    """… and by which their colours did."""


def picture(frame: Array, chroma: Sequence[Array] | None = None) -> Picture:
    """Reduce a checked frame: H×W×3 (or ×4) RGB, or H×W luma with its chroma planes where it has them."""
    import cv2

    luma, colour = reduced(frame, chroma)
    levels = luma.astype(np.float32)
    cells, squares = pooled(levels), pooled(cv2.multiply(levels, levels))
    beside = np.ones((3, 3), np.uint8)
    contrast = cv2.dilate(cv2.subtract(squares, cv2.multiply(cells, cells)), beside)
    edges = np.zeros_like(cells)
    for plane in colour:
        edges += (cv2.dilate(plane, beside) - cv2.erode(plane, beside)) ** 2
    return Picture(
        levels, cells, squares, contrast, colour, edges, np.zeros_like(cells), np.zeros_like(cells)
    )


def reduced(frame: Array, chroma: Sequence[Array] | None = None) -> tuple[Array, tuple[Array, ...]]:
    """Luma H×W uint8, reduced towards `WORKING_HEIGHT`, sides multiples of `CELL`; Cb and Cr of its cells."""
    import cv2

    height, width = frame.shape[:2]
    factor = max(1, round(min(height, width) / WORKING_HEIGHT))
    frame = _eight_bits(frame)
    if factor > 1:
        frame = cv2.resize(frame, (width // factor, height // factor), interpolation=cv2.INTER_AREA)
    if frame.ndim == 3:
        colours = cv2.cvtColor(np.ascontiguousarray(frame[..., :3]), cv2.COLOR_RGB2YCrCb)
        luma, cr, cb = cv2.split(colours)
        planes: Sequence[Array] = [_padded(cb), _padded(cr)]
    else:
        luma = frame
        planes = [_eight_bits(plane) for plane in chroma or ()]
    luma = _padded(luma)
    size = (luma.shape[1] // CELL, luma.shape[0] // CELL)
    return luma, tuple(_cells(plane, size) - np.float32(128) for plane in planes)


def pooled(values: Array) -> Array:
    """Means over cells of a float32 plane; by halves, which is exact for whole numbers, and fast."""
    import cv2

    size = CELL
    while size > 1:
        half = (values.shape[1] // 2, values.shape[0] // 2)
        values = cv2.resize(values, half, interpolation=cv2.INTER_AREA)
        size //= 2
    return values


def _cells(plane: Array, size: tuple[int, int]) -> Array:
    """A plane on the grid of the cells, float32; halved in eight bits first where it is much larger."""
    import cv2

    while plane.shape[1] >= 4 * size[0] and plane.shape[0] >= 4 * size[1]:
        half = (plane.shape[1] // 2, plane.shape[0] // 2)
        plane = cv2.resize(plane, half, interpolation=cv2.INTER_AREA)
    return cv2.resize(plane.astype(np.float32), size, interpolation=cv2.INTER_AREA)


def _eight_bits(plane: Array) -> Array:
    import cv2

    if plane.dtype == np.uint16:
        return np.asarray(cv2.convertScaleAbs(plane, alpha=1 / 257))
    return plane


def _padded(plane: Array) -> Array:
    import cv2

    height, width = plane.shape
    bottom = max(4 * CELL - height, -height % CELL)
    right = max(4 * CELL - width, -width % CELL)
    if bottom or right:
        return np.asarray(cv2.copyMakeBorder(plane, 0, bottom, 0, right, cv2.BORDER_REPLICATE))
    return plane


def check(frame: Array, chroma: Sequence[Array] | None, shape: tuple[int, ...] | None) -> None:
    """Refuse what `picture` does not take, or what is not of `shape` (H, W) where that is given.

    Raises:
        ShapeError: says what was found and what is wanted.
    """
    if frame.ndim not in (2, 3) or (frame.ndim == 3 and frame.shape[2] not in (3, 4)) or 0 in frame.shape:
        raise ShapeError(f"frame is {list(frame.shape)}; wanted [H, W, 3], [H, W, 4] or [H, W].")
    if chroma is not None:
        if frame.ndim != 2:
            raise ShapeError(f"frame is {list(frame.shape)} with chroma beside; wanted luma [H, W] then.")
        if len(chroma) != 2 or any(plane.ndim != 2 or 0 in plane.shape for plane in chroma):
            shapes = [list(plane.shape) for plane in chroma]
            raise ShapeError(f"chroma is {shapes}; wanted two planes [h, w], Cb and Cr.")
    for name, plane in (("frame", frame), *(("chroma", plane) for plane in chroma or ())):
        if plane.dtype not in (np.uint8, np.uint16):
            raise ShapeError(f"{name} is {plane.dtype}; wanted uint8 or uint16.")
    if shape is not None and frame.shape[:2] != shape:
        raise ShapeError(f"frame is {list(frame.shape[:2])}; wanted {list(shape)} like the frames before.")
