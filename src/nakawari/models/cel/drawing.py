"""A key taken apart: what is paint, what is line, which regions the paint makes, which strokes the lines."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from nakawari.models.animeinterp.descriptor import PaintDescriptor
from nakawari.ops.colours import pack
from nakawari.ops.lines import nearest_outside
from nakawari.ops.regions import Bytes, Floats, Labels, Regions, describe, label_regions
from nakawari.ops.strokes import (
    COVERED,
    Strokes,
    inks,
    joined,
    spotted_coverage,
    trace,
    widest_line,
    without_spots,
)

Mask = npt.NDArray[np.bool_]
Places = npt.NDArray[np.int64]

SMALLEST_PX, MOST = 4, 600
"""Pieces of paint that are smaller, or not among this many largest, move with what is beside them."""
HARD_TOLERANCE, SMOOTH_TOLERANCE = 2, 8
"""Largest difference of a channel between neighbours of one region, on hard and on smoothed drawings."""
HARD_COLOURS, HARD_BETWEEN = 96, 0.1
"""A drawing of more colours is smoothed, and so is one of whose pixels beside others more than this share lie
between two of them (of drawings with hard edges under 0.04 do, of smoothed ones a quarter and more)."""
FLAT_NEIGHBOURS = 3
"""A pixel of paint looks like at least so many of the eight around it; others are edges between paints."""
FRINGE_PX, TRACE = 2, 1
"""So near to lines, what is by more than this (0-255) darker than beside them is not their paint."""
BORDER_SHARE = 0.3
"""A region that has more of the picture's frame is background: it stays, or pans with all that stays."""
CRUMBS_PX = 12
"""So near pieces that are too small go with a region that is no background."""
REACH = 5
"""Vertices to either side along a stroke among which its purest ink is looked for."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """One key.

    Attributes:
        rgb: [H, W, 3], 0-255, over middle grey where it has alpha.
        hard: whether its edges are hard or smoothed.
        coverage: [H, W], how much of each pixel lines cover.
        paint: [H, W] int32, the pixel whose colour is the paint at each place: itself, or under lines and in
            smoothed edges the nearest pixel of paint, counted row by row.
        labels: [H, W] int32, regions; lines belong to the region beside them.
        regions: statistics of their paint.
        rows: [K, N], what the regions look like (`PaintDescriptor`).
        strokes: of its lines.
        ink: [N] int32, the pixel whose colour each vertex of the strokes has.
    """

    rgb: Bytes
    hard: bool
    coverage: Floats
    paint: Labels
    labels: Labels
    regions: Regions
    rows: Floats
    strokes: Strokes
    ink: Labels

    @property
    def line(self) -> Mask:
        """[H, W], pixels of lines."""
        return self.coverage > COVERED

    @property
    def ground(self) -> Mask:
        """[K]: regions that are background."""
        return _framing(self.labels, len(self.regions.area))


def is_hard(rgb: Bytes) -> bool:
    """Whether a picture [H, W, 3] has few colours, and next to no smoothed edges."""
    packed = pack(rgb)
    return len(np.unique(packed)) <= HARD_COLOURS and _between_others(rgb, packed) <= HARD_BETWEEN


def _between_others(rgb: Bytes, packed: npt.NDArray[np.int32]) -> float:
    """Of pixels unlike one beside them, the share between both sides in each channel, as mixes are."""
    between, edges = 0, 0
    for axis in (0, 1):
        colours, codes = np.moveaxis(rgb, axis, 0), np.moveaxis(packed, axis, 0)
        unlike = codes[1:] != codes[:-1]
        edges += int(np.count_nonzero(unlike[1:] | unlike[:-1]))
        at, along = np.nonzero(unlike[1:] & unlike[:-1])
        one, here, other = (colours[at + step, along] for step in range(3))
        mixed = (np.minimum(one, other) <= here) & (here <= np.maximum(one, other))
        between += int(np.count_nonzero(mixed.all(1)))
    return between / max(1, edges)


def take_apart(rgb: Bytes, hard: bool | None = None) -> Drawing:
    """A key, [H, W, 3], 0-255, as the model sees it; `hard` None: as its edges are."""
    hard = is_hard(rgb) if hard is None else hard
    if hard:
        lines = [mask.astype(np.float32) for mask in inks(rgb)]
        coverage = np.maximum.reduce(lines) if lines else np.zeros(rgb.shape[:2], np.float32)
        depth = np.zeros(rgb.shape[:2], np.uint8)
    else:
        coverage, depth = spotted_coverage(rgb)
        lines = [without_spots(coverage, widest_line(len(rgb)))]
    line = coverage > COVERED
    edge = line if hard else line | (coverage > 0.05) | ~_flat(rgb)
    if edge.all():
        edge = np.zeros_like(line)
    labels, regions = _regions(rgb, ~edge, HARD_TOLERANCE if hard else SMOOTH_TOLERANCE)
    paint = np.arange(edge.size, dtype=np.int32)
    holes, nearest = nearest_outside(edge | _fringe(line, depth))
    paint[holes] = nearest
    each = [trace(one) for one in lines]
    strokes = joined(each)
    rows = PaintDescriptor()(rgb, labels, regions)
    return Drawing(
        rgb,
        hard,
        coverage,
        paint.reshape(edge.shape),
        labels,
        regions,
        rows,
        strokes,
        np.concatenate(
            [_purest(rgb, *one) for one in zip(lines, each, strict=True)] or [np.zeros(0, np.int32)]
        ),
    )


def _fringe(line: Mask, depth: Bytes) -> Mask:
    """Pixels around lines that are a trace darker than paper or paint: what is left of smoothed edges."""
    near = cv2.dilate(line.astype(np.uint8), np.ones((2 * FRINGE_PX + 1, 2 * FRINGE_PX + 1), np.uint8)) > 0
    return near & (depth > TRACE)


def _flat(rgb: Bytes) -> Mask:
    """Pixels that look like their neighbours."""
    height, width = rgb.shape[:2]
    padded = cv2.copyMakeBorder(rgb, 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    alike = np.zeros((height, width), np.uint8)
    for y, x in ((0, 0), (0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1), (2, 2)):
        apart = cv2.absdiff(rgb, padded[y : y + height, x : x + width])
        most = cv2.max(cv2.max(apart[..., 0], apart[..., 1]), apart[..., 2])
        alike += (np.asarray(most).reshape(height, width) <= SMOOTH_TOLERANCE).astype(np.uint8)
    return np.asarray(alike >= FLAT_NEIGHBOURS)


def _regions(rgb: Bytes, free: Mask, tolerance: int) -> tuple[Labels, Regions]:
    """Labels 0..K-1 of all pixels, and the statistics of the free ones."""
    labels, count = label_regions(rgb, tolerance, free)
    area = np.bincount(labels[free], minlength=max(1, count))
    kept = np.flatnonzero(area >= min(SMALLEST_PX, area.max()))
    kept = np.sort(kept[np.argsort(-area[kept], kind="stable")][:MOST])
    number = np.full(len(area) + 1, -1, np.int32)
    number[kept] = np.arange(len(kept))
    labels = np.ascontiguousarray(number[labels])
    regions = _statistics(rgb, labels, len(kept))
    flat = labels.reshape(-1)
    crumbs = free & (labels < 0)
    if crumbs.any():
        # what is in the lines of a figure is not the ground that it stands before
        figure = (labels >= 0) & ~_framing(labels, len(kept))[labels]
        holes, nearest = nearest_outside(~figure)
        some = crumbs.reshape(-1)[holes]
        holes, nearest = holes[some], nearest[some]
        far = np.abs(np.stack(np.divmod(holes, labels.shape[1])) - np.divmod(nearest, labels.shape[1])).max(0)
        flat[holes[far <= CRUMBS_PX]] = flat[nearest[far <= CRUMBS_PX]]
    holes, nearest = nearest_outside(labels < 0)
    flat[holes] = flat[nearest]
    return labels, regions


def _framing(labels: Labels, count: int) -> Mask:
    """[K]: regions that have much of the picture's frame; labels below 0 are none."""
    frame = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    return np.asarray(np.bincount(frame[frame >= 0], minlength=count) > BORDER_SHARE * len(frame))


def _statistics(rgb: Bytes, labels: Labels, count: int) -> Regions:
    """`describe`, without the pixels whose label is -1."""
    every = describe(rgb, np.ascontiguousarray(labels + 1), count + 1) if (labels < 0).any() else None
    if every is None:
        return describe(rgb, labels, count)
    return Regions(every.area[1:], every.centre[1:], every.box[1:], every.colour[1:])


def _purest(rgb: Bytes, coverage: Floats, strokes: Strokes) -> Labels:
    """For each vertex, the pixel near it, and along its branch, that the line covers most: the darkest."""
    if not len(strokes):
        return np.zeros(0, np.int32)
    height, width = coverage.shape
    at = np.rint(strokes.place).astype(np.int64)
    best, value = np.zeros(len(at), np.int64), np.full(len(at), -np.inf)
    for dy in (-1, 0, 1):
        for dx in (-1, 0, 1):
            y, x = (at[:, 1] + dy).clip(0, height - 1), (at[:, 0] + dx).clip(0, width - 1)
            cover, grey = coverage[y, x].astype(np.float64), rgb[y, x].astype(np.int64).sum(1)
            score = np.where(cover > COVERED, 1024.0 * np.minimum(cover, 1) - grey, -1e9)
            better = score > value
            best[better], value[better] = (y * width + x)[better], score[better]
    branch = strokes.branch()
    found, most = best.copy(), value.copy()
    for step in range(1, min(REACH, len(at) - 1) + 1):
        for one, other in ((slice(step, None), slice(None, -step)), (slice(None, -step), slice(step, None))):
            better = (branch[one] == branch[other]) & (value[other] > most[one])
            found[one][better], most[one][better] = best[other][better], value[other][better]
    return np.asarray(found, np.int32)
