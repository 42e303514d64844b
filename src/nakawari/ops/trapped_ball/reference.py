"""Trapped-ball segmentation, step by step on whole pictures (numpy): slow, and what the word means here.

All labels are [H, W] int32: 0 is line, fills count from 1 in the order in which they are found.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.int32]
Mask = npt.NDArray[np.bool_]

CROSS = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], np.uint8)
BINS = 25
"""Of a colour histogram, per channel."""
LASTING_PX = 500
"""A region of this many pixels is never merged away."""


def disc(radius: int) -> Bytes:
    """The ball: [2r + 1, 2r + 1], 1 where it is. Each row is as wide as the circle is there, rounded."""
    rows = np.arange(-radius, radius + 1)
    half = np.rint(np.sqrt(radius**2 - rows**2)).astype(int)
    return (np.abs(rows)[None] <= half[:, None]).astype(np.uint8)


def fill_balls(free: Bytes, ball: Bytes, most: int, labels: Labels, count: int) -> int:
    """Fill what a ball reaches that is dropped where it first fits, again and again.

    Args:
        free: [H, W], 1 where nothing is yet; what is filled becomes 0, in place.
        ball: as `disc` gives it.
        most: fills at most.
        labels: [H, W]; gets `count` + 1, `count` + 2, … in place.
        count: fills so far.

    Returns:
        fills now.
    """
    for _ in range(most):
        core = ~_dilate(free == 0, ball)
        if not core.any():
            break
        count += 1
        fill = _dilate(_part_of_first(core), ball)
        free[fill] = 0
        labels[fill] = count
    return count


def fill_floods(free: Bytes, most: int, labels: Labels, count: int) -> int:
    """Fill the 4-connected parts of what is free, in raster order; arguments as of `fill_balls`."""
    for _ in range(most):
        if not free.any():
            break
        count += 1
        fill = _part_of_first(free == 1)
        free[fill] = 0
        labels[fill] = count
    return count


def merge_round(labels: Labels, picture: Bytes) -> Labels:
    """Small regions join the neighbour whose colours are most alike, in order of their numbers.

    What a region is (its pixels, area and histogram) is taken from before the round; what it touches is
    looked up as the round goes, so a region can touch pixels that have just joined it.

    official: the histograms of two regions span different ranges, and where the rule asks for a score it
    takes that of the neighbour with the highest number, not that of the best one.

    Args:
        labels: [H, W], 0 is line and stays line.
        picture: [H, W, 3], 0-255.

    Returns:
        the labels after the round.
    """
    merged = labels.copy()
    regions = {int(k): labels == k for k in np.unique(labels)}
    histograms = {k: _histogram(picture[region]) for k, region in regions.items()}
    for k, region in regions.items():
        area = int(region.sum())
        if k == 0 or area >= LASTING_PX:
            continue
        rim = _dilate(region, CROSS) & ~region
        near, contacts = np.unique(merged[rim], return_counts=True)
        contacts, near = contacts[near != 0], near[near != 0]
        if len(near):
            scores = [np.minimum(histograms[k], histograms[int(other)]).sum() for other in near]
            best = int(np.argmax(scores))
            new, last, contact = int(near[best]), float(scores[-1]), int(contacts[best])
        else:
            new, last, contact = (0 if area < 5 else k), -1.0, -1
        if _joins(area, len(near), contact, last) or _ends_in_a_point(region):
            merged[region] = new
    return merged


def _joins(area: int, neighbours: int, contact: int, score: float) -> bool:
    if area < 50:
        return True
    if neighbours == 1 and (area < 300 or contact > 2):
        return True
    if score > 0.2 and area < 150 and contact > 1:
        return True
    return score > 0.25 and area < 250 and contact > 8


def grow(labels: Labels, rounds: int) -> Labels:
    """Line pixels beside a region take a label, ring by ring: the first of W, NW, N, NE, E, SE, S, SW.

    official: the first column and row give nothing away to the right and down.
    """
    grown = labels.copy()
    height, width = labels.shape
    order = [(0, -1), (-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1)]
    for _ in range(rounds):
        before = grown.copy()
        rim = (before == 0) & _dilate(before != 0, CROSS)
        for y, x in np.argwhere(rim):
            for dy, dx in order:
                v, u = y + dy, x + dx
                barred = (
                    (dy < 0 and v < 1) or (dx < 0 and u < 1) or v >= height or u >= width or v < 0 or u < 0
                )
                if not barred and before[v, u]:
                    grown[y, x] = before[v, u]
                    break
        if (grown == before).all():
            break
    return grown


def _dilate(mask: Mask, ball: Bytes) -> Mask:
    radius = ball.shape[0] // 2
    height, width = mask.shape
    wide = np.pad(mask, radius)
    out = np.zeros_like(mask)
    for dy, dx in np.argwhere(ball):
        out |= wide[dy : dy + height, dx : dx + width]
    return out


def _part_of_first(mask: Mask) -> Mask:
    """The 4-connected part of the first pixel in raster order."""
    part = np.zeros_like(mask)
    part.reshape(-1)[int(mask.argmax())] = True
    while True:
        more = _dilate(part, CROSS) & mask
        if (more == part).all():
            return part
        part = more


def _histogram(colours: Bytes) -> npt.NDArray[np.float64]:
    """[3 · BINS], sum 1; each channel's bins span its own least to its own greatest value."""
    counts = np.concatenate([np.histogram(colours[:, c], BINS)[0] for c in range(3)])
    return np.asarray(counts / counts.sum(), np.float64)


def _ends_in_a_point(region: Mask) -> bool:
    """Whether the 8-connected part that begins last in raster order is one pixel."""
    rest, part = region.copy(), region
    while rest.any():
        part = np.zeros_like(rest)
        part.reshape(-1)[int(rest.argmax())] = True
        while True:
            more = _dilate(part, np.ones((3, 3), np.uint8)) & rest
            if (more == part).all():
                break
            part = more
        rest &= ~part
    return int(part.sum()) == 1
