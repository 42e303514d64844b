"""Flat colour regions: connected pixels that differ little from their neighbours, and which is which.

Cel animation is painted in flat colours, so a region is a part of a drawing, and the same region in the
next drawing has the same colour and nearly the same shape, however far it went. That is what finds a part
that moved further than flow can look.
"""

# ruff: noqa: ANN001, ANN202
from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from nakawari.ops.compiled import compile_kernel, in_bands

RIVAL, FAR = 0.1, 2.5
"""A region hardly less alike than the best, and not further than this many times as far, leaves doubt."""

Labels = npt.NDArray[np.int32]
Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Regions:
    """Statistics of the labels 0..K-1 of one picture.

    Attributes:
        area: [K], pixels.
        centre: [K, 2], mean (x, y).
        box: [K, 4], left, top, right, bottom (ends excluded).
        colour: [K, 3], mean, 0-255.
    """

    area: npt.NDArray[np.int64]
    centre: npt.NDArray[np.float64]
    box: npt.NDArray[np.int64]
    colour: npt.NDArray[np.float64]


def label_regions(
    picture: Bytes, tolerance: int = 6, free: npt.NDArray[np.bool_] | None = None
) -> tuple[Labels, int]:
    """Cut a picture into flat regions.

    Args:
        picture: [H, W, 3], 0-255.
        tolerance: neighbours (of four) belong together when no channel differs by more. Compression noise
            and slow gradients stay one region; a painted edge, even a smoothed one, is steeper.
        free: [H, W], pixels that may belong to a region; None: all.

    Returns:
        labels [H, W] from 0 in raster order, -1 where not free, and their number.
    """
    labels = np.empty(picture.shape[:2], np.int32)
    free = np.ones(labels.shape, np.bool_) if free is None else np.ascontiguousarray(free)
    count = _label(np.ascontiguousarray(picture), tolerance, free, labels)
    return labels, int(count)


def describe(picture: Bytes, labels: Labels, count: int) -> Regions:
    """Area, centre, box and mean colour of each label."""
    sums = np.zeros((count, 6), np.int64)
    box = np.zeros((count, 4), np.int64)
    _describe(np.ascontiguousarray(picture), labels, sums, box)
    area = sums[:, 0]
    return Regions(area, sums[:, 1:3] / area[:, None], box, sums[:, 3:] / area[:, None])


def pool(features: Floats, labels: Labels, count: int) -> Floats:
    """Mean feature of each label (super-pixel pooling), [K, C]; 0 where a label has no pixel.

    Args:
        features: [C, H, W].
        labels: [H, W], 0..count-1.
        count: of labels.

    Source: Liu et al. 2015, "Learning Depth from Single Monocular Images Using Deep Convolutional Neural
    Fields", section 3.4.
    """
    sums = np.zeros((len(features), count))
    planes = np.ascontiguousarray(features).reshape(len(features), -1)
    flat = np.ascontiguousarray(labels).reshape(-1)
    in_bands(partial(_pool, planes, flat, sums), len(features), smallest=1)
    area = np.bincount(flat, minlength=count)
    return np.ascontiguousarray((sums / np.maximum(area, 1)).T, np.float32)


def intersections(one: Floats, other: Floats) -> Floats:
    """[K0, K1]: of every pair of rows of [K0, N] and [K1, N], the sum of the smaller values."""
    sums = np.empty((len(one), len(other)), np.float32)
    in_bands(partial(_intersections, one, other, sums), len(one), smallest=1)
    return sums


def contacts(labels: Labels, count: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Which labels touch: [E, 2] pairs, each both ways round, and [E] how many pixel edges they share."""
    found = []
    for one, other in ((labels[:, 1:], labels[:, :-1]), (labels[1:], labels[:-1])):
        differ = one != other
        a, b = one[differ].astype(np.int64), other[differ].astype(np.int64)
        found += [a * count + b, b * count + a]
    keys, lengths = np.unique(np.concatenate(found), return_counts=True)
    return np.stack([keys // count, keys % count], 1), lengths


def join_alike(labels: Labels, picture: Bytes, small: float, sliver: float, tolerance: float = 12) -> Labels:
    """Let small regions join the neighbour whose colour is nearest, all at once, until none is left to join.

    A region of `small` pixels or less joins whatever it touches; one of `sliver` or less only what has its
    colour. Larger ones never do, so two large ones are never joined, by a chain of small ones neither. A
    region of fewer than 5 pixels that touches nothing becomes line.

    Args:
        labels: [H, W], 0 is line and is no neighbour.
        picture: [H, W, 3], 0-255.
        small, sliver: pixels.
        tolerance: largest difference of a channel's means between regions of one colour.
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    while True:
        count = int(labels.max()) + 1
        flat = labels.reshape(-1)
        area = np.bincount(flat, minlength=count)
        colour = (
            np.stack(
                [np.bincount(flat, weights=picture[..., c].reshape(-1), minlength=count) for c in range(3)], 1
            )
            / np.maximum(area, 1)[:, None]
        )
        pairs, _ = contacts(labels, count)
        pairs = pairs[(pairs > 0).all(1)]
        unlike = np.abs(colour[pairs[:, 0]] - colour[pairs[:, 1]]).max(1)
        order = np.lexsort((unlike, pairs[:, 0]))
        _, nearest = np.unique(pairs[order, 0], return_index=True)
        edges = pairs[order[nearest]]
        own = area[edges[:, 0]]
        joins = (own <= small) | ((own <= sliver) & (unlike[order[nearest]] <= tolerance))
        edges = edges[joins]
        if not len(edges):
            break
        graph = coo_matrix((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), (count, count))
        labels = connected_components(graph, directed=False)[1].astype(np.int32)[labels]
        # Line is alone in its component and comes first, so it is 0 again.
    lonely = np.ones(count, np.bool_)
    lonely[pairs.reshape(-1)] = False
    return np.where((lonely & (area < 5))[labels], 0, labels).astype(np.int32)


def match_regions(
    one: Regions,
    other: Regions,
    choose0: npt.NDArray[np.int64],
    choose1: npt.NDArray[np.int64],
    diagonal: float,
) -> list[tuple[int, int]]:
    """Pairs of regions that can only be each other: alike in colour, size and shape, and mutually the best.

    Args:
        one, other: of the two pictures.
        choose0, choose1: the labels that take part.
        diagonal: of the picture, pixels; the nearer of two equals is better by its share of that.
    """
    if not len(choose0) or not len(choose1):
        return []
    colour = np.abs(one.colour[choose0][:, None] - other.colour[choose1][None]).max(2)
    size = np.abs(np.log(one.area[choose0][:, None] / other.area[choose1][None]))
    sides0 = (one.box[:, 2:] - one.box[:, :2])[choose0][:, None]
    sides1 = (other.box[:, 2:] - other.box[:, :2])[choose1][None]
    shape = (np.abs(sides0 - sides1) / np.maximum(np.minimum(sides0, sides1), 8)).max(2)
    away = np.linalg.norm(one.centre[choose0][:, None] - other.centre[choose1][None], axis=2)
    unlike = colour / 20 + size + shape
    unlike[(colour > 10) | (size > 0.25) | (shape > 0.2)] = np.inf
    cost = unlike + 0.5 * away / diagonal
    pairs = []
    for i, j in enumerate(cost.argmin(1)):
        if not np.isfinite(cost[i, j]) or cost[:, j].argmin() != i:
            continue
        rivals = (unlike < unlike[i, j] + RIVAL) & (away < FAR * away[i, j])
        if rivals[i].sum() == 1 and rivals[:, j].sum() == 1:
            pairs.append((int(choose0[i]), int(choose1[j])))
    return pairs


@compile_kernel("b1(u1[:, :, ::1], i8, i8, i8, i8, i8)")
def _alike(picture, y0, x0, y1, x1, tolerance):  # type: ignore[no-untyped-def]
    for c in range(3):
        if abs(np.int64(picture[y0, x0, c]) - np.int64(picture[y1, x1, c])) > tolerance:
            return False
    return True


@compile_kernel("i4(i4[::1], i8)")
def _root(parent, node):  # type: ignore[no-untyped-def]
    while parent[node] != node:
        parent[node] = parent[parent[node]]
        node = parent[node]
    return node


@compile_kernel("i8(u1[:, :, ::1], i8, b1[:, ::1], i4[:, ::1])")
def _label(picture, tolerance, free, labels):  # type: ignore[no-untyped-def]
    """Union-find in raster order: join left and above, then number the roots."""
    height, width, _ = picture.shape
    parent = np.empty(height * width, np.int32)
    for y in range(height):
        for x in range(width):
            here = y * width + x
            root = here
            if not free[y, x]:
                parent[here] = here
                continue
            if x > 0 and free[y, x - 1] and _alike(picture, y, x, y, x - 1, tolerance):
                root = _root(parent, here - 1)
            if y > 0 and free[y - 1, x] and _alike(picture, y, x, y - 1, x, tolerance):
                above = _root(parent, here - width)
                if above < root:
                    if root != here:
                        parent[root] = above
                    root = above
                elif root < above:
                    parent[above] = root
            parent[here] = root
    count = 0
    flat = labels.reshape(-1)
    for here in range(height * width):
        if not free[here // width, here % width]:
            flat[here] = -1
            continue
        root = _root(parent, here)
        if root == here:
            flat[here] = count
            count += 1
        else:
            flat[here] = flat[root]
    return count


@compile_kernel("void(u1[:, :, ::1], i4[:, ::1], i8[:, ::1], i8[:, ::1])")
def _describe(picture, labels, sums, box):  # type: ignore[no-untyped-def]
    height, width = labels.shape
    box[:, 0], box[:, 1] = width, height
    for y in range(height):
        for x in range(width):
            k = labels[y, x]
            sums[k, 0] += 1
            sums[k, 1] += x
            sums[k, 2] += y
            for c in range(3):
                sums[k, 3 + c] += picture[y, x, c]
            box[k, 0], box[k, 1] = min(box[k, 0], x), min(box[k, 1], y)
            box[k, 2], box[k, 3] = max(box[k, 2], x + 1), max(box[k, 3], y + 1)


@compile_kernel("void(f4[:, ::1], i4[::1], f8[:, ::1], i8, i8)")
def _pool(planes, labels, sums, top, bottom):  # type: ignore[no-untyped-def]
    for c in range(top, bottom):
        for p in range(len(labels)):
            sums[c, labels[p]] += planes[c, p]


@compile_kernel("void(f4[:, ::1], f4[:, ::1], f4[:, ::1], i8, i8)", fast=True)
def _intersections(one, other, sums, top, bottom):  # type: ignore[no-untyped-def]
    for i in range(top, bottom):
        for j in range(len(other)):
            total = np.float32(0)
            for n in range(one.shape[1]):
                total += min(one[i, np.uint32(n)], other[j, np.uint32(n)])
            sums[i, j] = total
