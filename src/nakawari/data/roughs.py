"""Rough drawings of clean ones: what an animator scribbles before a breakdown is drawn.

The lines of a drawing, wobbling, doubled, thick, broken, and some of them left out.
"""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt

from nakawari.ops.strokes import line_coverage, trace

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]

WAVE_PX = 24.0
"""Length of a wobble along a line."""
SHIFT = 4
"""Bits behind the point with which lines are drawn."""


def rough(
    drawing: Bytes,
    seed: int = 0,
    *,
    wobble_px: float = 1.0,
    missing: float = 0.1,
    doubled: float = 0.3,
    thickness: tuple[int, int] = (2, 4),
    pencil: tuple[int, int, int] = (110, 110, 120),
) -> Bytes:
    """A rough of a drawing, on white.

    Args:
        drawing: [H, W, 3], 0-255, with dark lines.
        seed: the same gives the same rough.
        wobble_px: how far lines are from where they should be, standard deviation.
        missing: share of the strokes that is left out; as many of the others are broken.
        doubled: share of the strokes that is drawn twice.
        thickness: least and most, pixels.
        pencil: its colour.
    """
    rng = np.random.default_rng((seed, 13))
    strokes = trace(line_coverage(drawing))
    sheet = np.full(drawing.shape, 255, np.uint8)
    for a, b in pairwise(strokes.start):
        line = strokes.place[a:b].astype(np.float64)
        chance = rng.random(3)
        if len(line) < 4 or chance[0] < missing:
            continue
        pieces = [line]
        if chance[1] < missing:
            cut = int(rng.integers(1, len(line)))
            pieces = [line[: max(2, cut - 4)], line[min(len(line) - 2, cut + 4) :]]
        for piece in pieces * (2 if chance[2] < doubled else 1):
            at = np.rint((piece + _wobble(rng, piece, wobble_px)) * 2**SHIFT).astype(np.int32)
            width = int(rng.integers(thickness[0], thickness[1] + 1))
            cv2.polylines(sheet, [at.reshape(-1, 1, 2)], False, pencil, width, cv2.LINE_AA, SHIFT)
    return sheet


def _wobble(rng: np.random.Generator, line: Floats, size_px: float) -> Floats:
    """[N, 2]: a wave of chance along a line, and a shift of the whole of half its size."""
    knots = 2 + int(len(line) / WAVE_PX)
    where = np.linspace(0, knots - 1, len(line))
    waves = rng.normal(0, size_px, (knots, 2))
    whole = rng.normal(0, 0.5 * size_px, 2)
    return np.stack([np.interp(where, np.arange(knots), waves[:, i]) for i in (0, 1)], 1) + whole
