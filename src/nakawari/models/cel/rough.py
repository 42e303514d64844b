"""Lines of a rough: a loose drawing, whose lines wobble, break, are doubled and thick, and close nothing."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from nakawari.errors import InputError
from nakawari.models.cel.motions import Floats, Places
from nakawari.ops.strokes import COVERED, line_coverage, trace

Bytes = npt.NDArray[np.uint8]
Masks = npt.NDArray[np.bool_]

WIDEST, WIDEST_PX = 0.03, 7
"""Of the picture's height, or pixels: the widest line of a rough."""
LEAST_PX, MOST = 24, 0.35
"""A rough has lines at least so long in all, and is covered by them at most so far."""
AHEAD = 4
"""Vertices to either side that tell the direction of a line."""
DIRECTIONS = 4
"""In which lines are told apart; each overlaps with those beside it."""


@dataclass(frozen=True, slots=True)
class Lines:
    """Vertices of lines.

    Attributes:
        place: [N, 2], (x, y).
        way: [N, 2], the direction as cosine and sine of the double angle, which has no sign; 0: unknown.
        half_px: half the width of the lines, median.
    """

    place: Floats
    way: Floats
    half_px: float = 0.0


def rough_lines(guide: Bytes) -> Lines:
    """The middles of the lines of a rough.

    Args:
        guide: [H, W, 3 or 4], 0-255: dark on light, or on nothing.

    Raises:
        InputError: there are no lines, or nothing but lines.
    """
    rgb = guide[..., :3]
    if guide.shape[2] == 4:
        alpha = guide[..., 3:].astype(np.uint16)
        rgb = ((rgb * alpha + 255 * (255 - alpha)) // 255).astype(np.uint8)
    coverage = line_coverage(np.ascontiguousarray(rgb), max(WIDEST_PX, int(WIDEST * len(rgb)) | 1))
    dark = (coverage > COVERED).astype(np.float32)
    # lines that were drawn twice are one
    merged = np.asarray(cv2.morphologyEx(dark, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8)), np.float32)
    if merged.mean() > MOST:
        raise InputError(
            f"the guide is dark in {merged.mean():.0%} of its pixels; wanted dark lines on clean paper."
        )
    strokes = trace(merged)
    if len(strokes.place) < LEAST_PX:
        raise InputError("the guide shows no lines; wanted dark lines on clean, light paper.")
    place = strokes.place.astype(np.float64)
    return Lines(place, directions(place, strokes.start), float(np.median(strokes.radius)))


def directions(place: Floats, start: Places) -> Floats:
    """[N, 2]: which way lines run at their vertices, as in `Lines`; lines begin at `start`."""
    n = np.arange(len(place))
    line = np.repeat(np.arange(len(start) - 1), np.diff(start))
    low, high = np.maximum(n - AHEAD, start[line]), np.minimum(n + AHEAD, start[line + 1] - 1)
    along = place[high] - place[low]
    size = np.hypot(*along.T)
    twice = (along[:, 0] + 1j * along[:, 1]) ** 2 / np.maximum(size, 1e-6) ** 2
    return np.where(size[:, None] > 1, np.stack([twice.real, twice.imag], 1), 0.0)


def angle_of(way: Floats) -> Floats:
    """[N], radians: the direction that is kept as that of its double angle."""
    return np.asarray(0.5 * np.arctan2(way[:, 1], way[:, 0]))


def direction_of(way: Floats) -> Places:
    """[N]: which of DIRECTIONS is nearest."""
    return np.rint(angle_of(way) * DIRECTIONS / np.pi).astype(np.int64) % DIRECTIONS


def by_direction(lines: Lines, shape: tuple[int, int]) -> Masks:
    """[DIRECTIONS, H, W]: vertices of lines that run about so."""
    masks = np.zeros((DIRECTIONS, *shape), np.bool_)
    at = np.rint(lines.place).astype(np.int64)
    y, x = at[:, 1].clip(0, shape[0] - 1), at[:, 0].clip(0, shape[1] - 1)
    unknown = ~lines.way.any(1)
    for k in range(DIRECTIONS):
        twice = 2 * np.pi * k / DIRECTIONS
        like = lines.way @ np.array((np.cos(twice), np.sin(twice)))
        near = unknown | (like > np.cos(1.5 * np.pi / DIRECTIONS))
        masks[k, y[near], x[near]] = True
    return masks
