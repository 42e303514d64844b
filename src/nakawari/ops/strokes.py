"""Lines of a drawing as strokes: where thin dark lines are, their middles in order, and how wide they are.

A line is what a closing fills: darker than both of its sides, and no wider than a few pixels. Its skeleton is
cut at ends and crossings into branches, and each branch is a polyline whose places and widths are means over
the line pixels around it. So they are exact to a part of a pixel although the pixels are hard.
"""

# ruff: noqa: ANN001, ANN202, C901, PLR0912
from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from nakawari.ops.colours import pack
from nakawari.ops.compiled import compile_kernel

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
Places = npt.NDArray[np.int64]

CONTRAST = 20
"""Grey levels, of any channel, that a line is darker than what is beside it."""
COVERED = 0.5
"""A pixel that a line covers by more is part of it."""
ROUNDED_PX = 0.25
"""By how much half the width of a line may exceed the largest disc of whole pixels that fits into it."""
MOST_INKS = 8
THIN_OF_COLOUR, THIN_OF_ALL, LEAST_OF_ALL = 0.6, 0.2, 0.01
"""Share of a colour's pixels that are thin, or of all thin pixels that have the colour: from there it is ink,
unless it has less than the last of all thin pixels."""
DARKER, MAIN_DARKER = 0.75, 0.5
"""Share of its border along which an ink is darker than what is beyond; it may be lighter than black clothes
where most of what is thin is it."""
CROSSED = 0.7
"""Share of its border that an ink has with other things than lines."""
ALONG = 4
"""Steps to either side over which places and widths are averaged."""


def widest_line(height: int) -> int:
    """Pixels: the widest line of a picture of this height; what is wider is a region of its own."""
    return max(5, 2 * round(height * 0.004) + 1)


def line_coverage(picture: Bytes, widest: int | None = None) -> Floats:
    """How much of each pixel a line covers, [H, W] in [0, 1].

    Args:
        picture: [H, W, 3], 0-255.
        widest: pixels; None: `widest_line`.
    """
    widest = widest_line(len(picture)) if widest is None else widest
    return without_spots(spotted_coverage(picture, widest)[0], widest)


def spotted_coverage(picture: Bytes, widest: int | None = None) -> tuple[Floats, Bytes]:
    """`line_coverage` with the spots, pieces that are no longer than a line is wide.

    Also [H, W], 0-255: how much darker lines are than what is beside them, in any channel.
    """
    widest = widest_line(len(picture)) if widest is None else widest
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (widest + 2, widest + 2))
    closed = cv2.morphologyEx(picture, cv2.MORPH_CLOSE, kernel, borderType=cv2.BORDER_REPLICATE)
    darkest = cv2.erode(picture, np.ones((5, 5), np.uint8), borderType=cv2.BORDER_REPLICATE)
    depth = np.asarray(cv2.subtract(closed, picture))
    most = depth.max(2)
    whole = np.maximum(cv2.subtract(closed, darkest).astype(np.float32), CONTRAST)
    return np.asarray((depth / whole).max(2) * (most >= CONTRAST), np.float32), most


def inks(picture: Bytes, widest: int | None = None) -> list[Mask]:
    """The lines of a drawing without smoothed edges, ink by ink, the most used first.

    A pixel is thin where no disc of its colour, as wide as the widest line, covers it. An ink is a colour
    that is mostly thin, or much of what is thin, and darker than what it borders on, but other lines: so tips
    and strips of shade are none, and black hair is no line.

    Args:
        picture: [H, W, 3], 0-255, of few colours.
        widest: pixels; None: `widest_line`.

    Returns:
        at most MOST_INKS masks [H, W].
    """
    widest = widest_line(len(picture)) if widest is None else widest
    kinds, number = np.unique(pack(picture), return_inverse=True)
    colour = number.reshape(picture.shape[:2]).astype(np.float32)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (widest | 1, widest | 1))
    least, most = (op(colour, kernel, borderType=cv2.BORDER_REPLICATE) for op in (cv2.erode, cv2.dilate))
    centre = np.asarray(least == most)
    thin = cv2.dilate(centre.astype(np.uint8), kernel) == 0
    total = np.bincount(number.reshape(-1), minlength=len(kinds))
    count = np.bincount(number.reshape(-1)[thin.reshape(-1)], minlength=len(kinds))
    order = np.argsort(-count, kind="stable")
    border = _borders(number.reshape(picture.shape[:2]), len(kinds))
    light = (kinds >> 16) * 299 + (kinds >> 8 & 255) * 587 + (kinds & 255) * 114
    lighter = np.less.outer(light, light)
    inked = np.zeros(len(kinds), np.bool_)
    found: list[Mask] = []
    for kind in order:
        if len(found) == MOST_INKS or count[kind] < LEAST_OF_ALL * count.sum():
            break
        thin_one, much = count[kind] >= THIN_OF_COLOUR * total[kind], count[kind] >= THIN_OF_ALL * count.sum()
        free = border[kind, ~inked]  # a line may cross other lines, but not lie between them
        whole = free.sum() if free.sum() > CROSSED * border[kind].sum() else border[kind].sum()
        dark = border[kind, lighter[kind] & ~inked].sum() / max(1, whole)
        if not (thin_one or much) or dark <= (MAIN_DARKER if thin_one and much else DARKER):
            continue
        mask = without_spots((thin & (colour == kind)).astype(np.float32), widest) > 0
        if mask.any():
            found.append(mask)
            inked[kind] = True
    return found


def _borders(number: Places, many: int) -> Places:
    """[many, many]: how many pixels of one colour are beside pixels of another one."""
    found = np.zeros((many, many), np.int64)
    for one, other in ((number[:, 1:], number[:, :-1]), (number[1:], number[:-1])):
        differ = one != other
        found += np.bincount(one[differ] * many + other[differ], minlength=many**2).reshape(many, many)
    return found + found.T


def without_spots(coverage: Floats, widest: int) -> Floats:
    """Coverage, changed in place, without pieces no longer than `widest`: spots, corners of dark paint."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats((coverage > 0).astype(np.uint8), connectivity=8)
    sides = stats[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].max(1)
    coverage[(sides <= widest)[labels]] = 0
    return coverage


@dataclass(frozen=True, slots=True)
class Strokes:
    """Branches of the lines of one picture, end to end.

    Attributes:
        place: [N, 2] float32, (x, y) of all vertices.
        radius: [N] float32, half the width of the line there.
        start: [S + 1], where each branch begins in them.
        closed: [S] bool, whether the last vertex of a branch is beside its first.
        node: [S, 2], what the ends of a branch are joined to: branches with one number meet; -1: a free end.
    """

    place: Floats
    radius: Floats
    start: Places
    closed: Mask
    node: Places

    def __len__(self) -> int:
        return len(self.closed)

    def branch(self) -> Places:
        """[N], the branch of each vertex."""
        return np.repeat(np.arange(len(self)), np.diff(self.start))

    def polylines(self) -> list[Floats]:
        """One [n, 2] for each branch."""
        return [self.place[a:b] for a, b in pairwise(self.start)]


def joined(several: list[Strokes]) -> Strokes:
    """Strokes of several inks as one; they meet only among themselves."""
    if len(several) == 1:
        return several[0]
    place = np.concatenate([one.place for one in several]) if several else np.zeros((0, 2), np.float32)
    radius = np.concatenate([one.radius for one in several]) if several else np.zeros(0, np.float32)
    start, node, closed, vertices, nodes = [np.zeros(1, np.int64)], [], [], 0, 0
    for one in several:
        start.append(one.start[1:] + vertices)
        node.append(np.where(one.node >= 0, one.node + nodes, -1))
        closed.append(one.closed)
        vertices += len(one.place)
        nodes += int(one.node.max(initial=-1)) + 1
    return Strokes(
        place,
        radius,
        np.concatenate(start),
        np.concatenate(closed) if closed else np.zeros(0, np.bool_),
        np.concatenate(node) if node else np.zeros((0, 2), np.int64),
    )


def trace(coverage: Floats) -> Strokes:
    """The strokes of the lines that `line_coverage` found."""
    from skimage.morphology import skeletonize

    line = coverage > COVERED
    if not line.any():
        nothing = np.zeros(0, np.float32)
        ends = np.zeros((0, 2), np.int64)
        return Strokes(nothing.reshape(0, 2), nothing, np.zeros(1, np.int64), np.zeros(0, np.bool_), ends)
    rows, columns = np.flatnonzero(line.any(1)), np.flatnonzero(line.any(0))
    top, left = max(0, int(rows[0]) - 1), max(0, int(columns[0]) - 1)
    part = np.ascontiguousarray(coverage[top : rows[-1] + 2, left : columns[-1] + 2])
    thin: Any = skeletonize  # skimage has no types
    bone = np.ascontiguousarray(thin(part > COVERED))
    order, start, closed, node = (np.ascontiguousarray(a) for a in _walk(bone, _nodes(bone)))
    place = np.empty((len(order), 2), np.float32)
    radius = np.empty(len(order), np.float32)
    _measure(order, start, closed, _gathered(bone, part), bone.shape[1], place, radius)
    # what is joined at a crossing is no wider than the disc that fits into it
    inner = cv2.distanceTransform((part > COVERED).astype(np.uint8), cv2.DIST_L2, 5)
    radius = np.minimum(radius, np.asarray(inner, np.float32).reshape(-1)[order] + np.float32(ROUNDED_PX))
    _join(place, start, node)
    return Strokes(place + np.array((left, top), np.float32), radius, start, closed, node)


def _nodes(bone: Mask) -> npt.NDArray[np.int32]:
    """[H, W]: 0 no skeleton or inside a branch, else the number from 1 of a crossing (pixels that touch)."""
    count = cv2.filter2D(bone.astype(np.uint8), -1, np.ones((3, 3)), borderType=cv2.BORDER_CONSTANT)
    crossing = (bone & (_turns(np.ascontiguousarray(bone)) >= 3)) | (bone & (count >= 6))
    _, labels = cv2.connectedComponents(crossing.astype(np.uint8), connectivity=8)
    return np.asarray(labels, np.int32)


def _gathered(bone: Mask, coverage: Floats) -> npt.NDArray[np.float64]:
    """[H·W, 3] at skeleton pixels: x, y and coverage of the line pixels that are nearest to each, summed."""
    _, label = cv2.distanceTransformWithLabels(
        (~bone).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    owner = np.zeros(int(label.max()) + 1, np.int64)
    own = np.flatnonzero(bone)
    owner[label.reshape(-1)[own]] = own
    near = cv2.dilate((coverage > COVERED).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    some = np.flatnonzero(near & (coverage > 0))
    to, weight = owner[label.reshape(-1)[some]], coverage.reshape(-1)[some].astype(np.float64)
    columns = bone.shape[1]
    size = bone.size
    return np.stack(
        [
            np.bincount(to, weight * (some % columns), size),
            np.bincount(to, weight * (some // columns), size),
            np.bincount(to, weight, size),
        ],
        1,
    )


def _join(place: Floats, start: Places, node: Places) -> None:
    """Ends that meet in a crossing meet in one place."""
    ends = np.stack([start[:-1], start[1:] - 1], 1)
    used = node >= 0
    if not used.any():
        return
    number, at = node[used], ends[used]
    count = np.bincount(number)
    for axis in (0, 1):
        mean = np.bincount(number, place[at, axis]) / np.maximum(count, 1)
        place[at, axis] = mean[number]


@compile_kernel("i8[:, ::1](b1[:, ::1])")
def _turns(bone):  # type: ignore[no-untyped-def]
    """[H, W]: how often one meets the skeleton on the way round a skeleton pixel (3 or more: a crossing)."""
    height, width = bone.shape
    out = np.zeros((height, width), np.int64)
    for y in range(height):
        for x in range(width):
            if not bone[y, x]:
                continue
            before = False
            first = False
            for k in range(8):
                dy = (-1, -1, -1, 0, 1, 1, 1, 0)[k]
                dx = (-1, 0, 1, 1, 1, 0, -1, -1)[k]
                v, u = y + dy, x + dx
                here = 0 <= v < height and 0 <= u < width and bone[v, u]
                if k == 0:
                    first = here
                elif here and not before:
                    out[y, x] += 1
                before = here
            if first and not before:
                out[y, x] += 1
    return out


@compile_kernel("Tuple((i8[:], i8[:], b1[:], i8[:, :]))(b1[:, ::1], i4[:, ::1])")
def _walk(bone, nodes):  # type: ignore[no-untyped-def]
    """Follow the skeleton from crossings and free ends, then round what has neither."""
    height, width = bone.shape
    seen = np.zeros((height, width), np.bool_)
    total = 0
    for y in range(height):
        for x in range(width):
            total += bone[y, x]
    order = np.empty(2 * total + 8 * 1 + 4, np.int64)
    start = np.empty(total + 2, np.int64)
    closed = np.zeros(total + 1, np.bool_)
    node = np.full((total + 1, 2), -1, np.int64)
    used, branches = 0, 0
    start[0] = 0
    for stage in range(3):
        for y0 in range(height):
            for x0 in range(width):
                if not bone[y0, x0] or seen[y0, x0] or nodes[y0, x0] > 0:
                    continue
                near, at_node = 0, 0
                for k in range(8):
                    v, u = y0 + (-1, 0, 1, 0, -1, -1, 1, 1)[k], x0 + (0, 1, 0, -1, -1, 1, 1, -1)[k]
                    if 0 <= v < height and 0 <= u < width and bone[v, u]:
                        if nodes[v, u] > 0:
                            at_node = nodes[v, u]
                        else:
                            near += 1
                # first from crossings, then from free ends, then loops
                if stage == 0 and at_node == 0:
                    continue
                if stage == 1 and near > 1:
                    continue
                y, x = y0, x0
                first = at_node
                last = 0
                count = 0
                while True:
                    seen[y, x] = True
                    order[used] = y * width + x
                    used += 1
                    count += 1
                    found, to_y, to_x, meets = False, 0, 0, 0
                    for k in range(8):
                        v, u = y + (-1, 0, 1, 0, -1, -1, 1, 1)[k], x + (0, 1, 0, -1, -1, 1, 1, -1)[k]
                        if not (0 <= v < height and 0 <= u < width) or not bone[v, u]:
                            continue
                        if nodes[v, u] > 0:
                            if count > 3 or nodes[v, u] != first:
                                meets = nodes[v, u]
                        elif not seen[v, u] and not found:
                            found, to_y, to_x = True, v, u
                    last = meets
                    if (meets > 0 and count > 1) or not found:
                        break
                    y, x = to_y, to_x
                if first > 0:
                    node[branches, 0] = first - 1
                if last > 0:
                    node[branches, 1] = last - 1
                if first == 0 and last == 0 and count > 3:
                    closed[branches] = abs(y - y0) <= 1 and abs(x - x0) <= 1
                branches += 1
                start[branches] = used
    # crossings that touch nothing else are branches of one vertex
    return order[:used].copy(), start[: branches + 1].copy(), closed[:branches].copy(), node[:branches].copy()


@compile_kernel("void(i8[::1], i8[::1], b1[::1], f8[:, ::1], i8, f4[:, ::1], f4[::1])")
def _measure(order, start, closed, sums, width, place, radius):  # type: ignore[no-untyped-def]
    """Means over ALONG steps to either side: places with falling weight, width as area over length."""
    for s in range(len(start) - 1):
        first, count = start[s], start[s + 1] - start[s]
        for i in range(count):
            reach = ALONG
            if not closed[s]:
                reach = min(ALONG, i, count - 1 - i)
            x, y, total = 0.0, 0.0, 0.0
            for k in range(-reach, reach + 1):
                p = order[first + (i + k) % count]
                weight = (reach + 1 - abs(k)) * 1.0
                mass = sums[p, 2]
                if mass > 0:
                    x += weight * sums[p, 0] / mass
                    y += weight * sums[p, 1] / mass
                    total += weight
            p = order[first + i]
            if total > 0:
                place[first + i, 0], place[first + i, 1] = x / total, y / total
            else:
                place[first + i, 0], place[first + i, 1] = p % width, p // width
            low, high = i - ALONG, i + ALONG
            if not closed[s]:
                low, high = max(0, low), min(count - 1, high)
            area, length = 0.0, 0.0
            for k in range(low, high + 1):
                p = order[first + k % count]
                area += sums[p, 2]
                if k < high:
                    q = order[first + (k + 1) % count]
                    length += np.hypot(np.float64(p % width - q % width), np.float64(p // width - q // width))
            steps = high - low
            radius[first + i] = 0.5 * area / (length * (steps + 1) / steps if steps else 1.0)
