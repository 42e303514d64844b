"""Trapped-ball segmentation on a CPU core (numba): what `reference.py` defines, in a few visits a pixel.

The reference repeats operations on the whole picture for every fill. Here the eroded picture is kept up to
date instead: a fill takes its own pixels out of it and those that the ball reaches around its rim, so a pass
costs a few visits to every pixel however many fills there are.
"""

# ruff: noqa: ANN001, ANN202, C901, PLR0912
# mypy: disable-error-code="operator, call-overload, assignment"
from __future__ import annotations

import numpy as np
import numpy.typing as npt

from nakawari.ops.compiled import compile_kernel

Bytes = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.int32]

BINS = 25
"""Of a colour histogram, per channel."""


def fill_balls(free: Bytes, ball: Bytes, most: int, labels: Labels, count: int) -> int:
    """Fill what the ball reaches; see `reference.fill_balls`. `free` and `labels` are changed in place."""
    import cv2

    open_places = np.ascontiguousarray(cv2.erode(free, ball))
    radius = ball.shape[0] // 2
    offsets = np.ascontiguousarray(np.argwhere(ball) - radius)
    return int(_fill_balls(free, open_places, offsets, most, labels, count))


def fill_floods(free: Bytes, most: int, labels: Labels, count: int) -> int:
    """Fill connected areas; see `reference.fill_floods`. `free` and `labels` are changed in place."""
    return int(_fill_floods(free, most, labels, count))


def merge_round(labels: Labels, picture: Bytes) -> Labels:
    """One round of `reference.merge`: `labels` as the round leaves them."""
    kinds = int(labels.max()) + 1
    flat = labels.reshape(-1)
    area = np.bincount(flat, minlength=kinds)
    first = np.concatenate([[0], np.cumsum(area)])
    order = np.empty(flat.size, np.int32)
    _sort_pixels(flat, first[:-1].copy(), order)
    merged = labels.copy()
    histogram = np.zeros((kinds, 3 * BINS))
    _histograms(picture, order, first, histogram)
    _merge_round(labels, first, order, histogram, merged)
    return merged


def grow(labels: Labels, rounds: int) -> Labels:
    """Give the pixels of lines to their neighbours; see `reference.grow`."""
    grown = labels.copy()
    _grow(grown, rounds)
    return grown


@compile_kernel("i8(u1[:, ::1], u1[:, ::1], i8[:, ::1], i8, i4[:, ::1], i8)")
def _fill_balls(free, core, ball, most, labels, count):  # type: ignore[no-untyped-def]
    """`core` is `free` eroded: 1 can hold the ball's centre. While a fill is made its centres are 2."""
    height, width = free.shape
    centres = np.empty(height * width, np.int32)
    filled = np.empty(height * width, np.int32)
    last = count + most
    for start in range(height * width):
        if core[start // width, start % width] != 1:
            continue
        if count == last:
            break
        count += 1
        core[start // width, start % width] = 2
        centres[0] = start
        found, head = 1, 0
        while head < found:
            y, x = centres[head] // width, centres[head] % width
            head += 1
            for k in range(4):
                v, u = y + (k == 0) - (k == 1), x + (k == 2) - (k == 3)
                if 0 <= v < height and 0 <= u < width and core[v, u] == 1:
                    core[v, u] = 2
                    centres[found] = v * width + u
                    found += 1
        size = 0
        for i in range(found):
            y, x = centres[i] // width, centres[i] % width
            inner = (
                (y == 0 or core[y - 1, x] == 2)
                and (y == height - 1 or core[y + 1, x] == 2)
                and (x == 0 or core[y, x - 1] == 2)
                and (x == width - 1 or core[y, x + 1] == 2)
            )
            if inner:
                if free[y, x]:
                    free[y, x] = 0
                    labels[y, x] = count
                    filled[size] = centres[i]
                    size += 1
                continue
            for b in range(len(ball)):
                v, u = y + ball[b, 0], x + ball[b, 1]
                if 0 <= v < height and 0 <= u < width and free[v, u]:
                    free[v, u] = 0
                    labels[v, u] = count
                    filled[size] = v * width + u
                    size += 1
        for i in range(size):
            y, x = filled[i] // width, filled[i] % width
            core[y, x] = 0
            inner = (
                (y == 0 or labels[y - 1, x] == count)
                and (y == height - 1 or labels[y + 1, x] == count)
                and (x == 0 or labels[y, x - 1] == count)
                and (x == width - 1 or labels[y, x + 1] == count)
            )
            if inner:
                continue
            for b in range(len(ball)):
                v, u = y + ball[b, 0], x + ball[b, 1]
                if 0 <= v < height and 0 <= u < width:
                    core[v, u] = 0
    return count


@compile_kernel("i8(u1[:, ::1], i8, i4[:, ::1], i8)")
def _fill_floods(free, most, labels, count):  # type: ignore[no-untyped-def]
    height, width = free.shape
    queue = np.empty(height * width, np.int32)
    last = count + most
    for start in range(height * width):
        if not free[start // width, start % width]:
            continue
        if count == last:
            break
        count += 1
        free[start // width, start % width] = 0
        queue[0] = start
        found, head = 1, 0
        while head < found:
            y, x = queue[head] // width, queue[head] % width
            head += 1
            labels[y, x] = count
            for k in range(4):
                v, u = y + (k == 0) - (k == 1), x + (k == 2) - (k == 3)
                if 0 <= v < height and 0 <= u < width and free[v, u]:
                    free[v, u] = 0
                    queue[found] = v * width + u
                    found += 1
    return count


@compile_kernel("void(i4[::1], i8[::1], i4[::1])")
def _sort_pixels(flat, slot, order):  # type: ignore[no-untyped-def]
    """Pixels by label, in raster order within each; `slot` is where each label begins, and is used up."""
    for p in range(len(flat)):
        k = flat[p]
        order[slot[k]] = p
        slot[k] += 1


@compile_kernel("void(u1[:, :, ::1], i4[::1], i8[::1], f8[:, ::1])")
def _histograms(picture, order, first, histogram):  # type: ignore[no-untyped-def]
    """Share of each bin, per label; the bins of a channel span what the label's own pixels span."""
    width = picture.shape[1]
    table = np.empty(256, np.int64)
    for k in range(1, len(first) - 1):
        size = first[k + 1] - first[k]
        if size == 0:
            continue
        for c in range(3):
            low, high = 255, 0
            for i in range(first[k], first[k + 1]):
                value = np.int64(picture[order[i] // width, order[i] % width, c])
                low, high = min(low, value), max(high, value)
            begin, end = (low - 0.5, high + 0.5) if low == high else (np.float64(low), np.float64(high))
            step = (end - begin) / BINS
            for value in range(low, high + 1):
                b = min(np.int64((value - begin) / step), BINS - 1)
                if value < begin + b * step:
                    b -= 1
                elif b < BINS - 1 and value >= begin + (b + 1) * step:
                    b += 1
                table[value] = b
            for i in range(first[k], first[k + 1]):
                histogram[k, c * BINS + table[picture[order[i] // width, order[i] % width, c]]] += 1
            for b in range(BINS):
                histogram[k, c * BINS + b] /= 3 * size


@compile_kernel("f8(f8[::1], f8[::1])")
def _intersection(one, other):  # type: ignore[no-untyped-def]
    """Sum of the smaller values, added up in the order of numpy's `sum`: equal scores must stay equal."""
    lane = np.zeros(8)
    length = len(one)
    whole = length - length % 8
    for i in range(whole):
        lane[i % 8] += min(one[i], other[i])
    total = ((lane[0] + lane[1]) + (lane[2] + lane[3])) + ((lane[4] + lane[5]) + (lane[6] + lane[7]))
    for i in range(whole, length):
        total += min(one[i], other[i])
    return total


@compile_kernel("b1(i4[:, ::1], i4[::1], i8)")
def _ends_in_a_point(labels, points, label):  # type: ignore[no-untyped-def]
    """Whether the 8-connected part that begins last in raster order is one pixel."""
    height, width = labels.shape
    lonely = -1
    for i in range(len(points) - 1, -1, -1):
        y, x = points[i] // width, points[i] % width
        alone = True
        for v in range(max(0, y - 1), min(height, y + 2)):
            for u in range(max(0, x - 1), min(width, x + 2)):
                if labels[v, u] == label and (v != y or u != x):
                    alone = False
        if alone:
            lonely = i
            break
    if lonely < 0:
        return False
    seen = np.zeros(len(points), np.bool_)  # what belongs to parts that begin before that pixel
    for i in range(lonely):
        seen[i] = True
    queue = np.empty(len(points), np.int64)
    for i in range(lonely):
        queue[i] = i
    found, head = lonely, 0
    while head < found:
        y, x = points[queue[head]] // width, points[queue[head]] % width
        head += 1
        for v in range(max(0, y - 1), min(height, y + 2)):
            for u in range(max(0, x - 1), min(width, x + 2)):
                if labels[v, u] != label:
                    continue
                i = np.searchsorted(points, np.int32(v * width + u))
                if not seen[i]:
                    seen[i] = True
                    queue[found] = i
                    found += 1
    return found == len(points) - 1


@compile_kernel("void(i4[:, ::1], i8[::1], i4[::1], f8[:, ::1], i4[:, ::1])")
def _merge_round(labels, first, order, histogram, merged):  # type: ignore[no-untyped-def]
    height, width = labels.shape
    kinds = len(first) - 1
    touched = np.zeros(height * width, np.int32)
    contact = np.zeros(kinds, np.int64)
    near = np.empty(kinds, np.int64)
    for j in range(1, kinds):
        area = first[j + 1] - first[j]
        if area == 0 or area >= 500:
            continue
        points = order[first[j] : first[j + 1]]
        found = 0
        for p in points:
            y, x = p // width, p % width
            for k in range(4):
                v, u = y + (k == 0) - (k == 1), x + (k == 2) - (k == 3)
                if not (0 <= v < height and 0 <= u < width) or labels[v, u] == j:
                    continue
                if touched[v * width + u] == j:
                    continue
                touched[v * width + u] = j
                other = merged[v, u]
                if other == 0:
                    continue
                if contact[other] == 0:
                    near[found] = other
                    found += 1
                contact[other] += 1
        near[:found].sort()
        new, best, score, contact_best = j, -1.0, -1.0, -1
        if found == 0 and area < 5:
            new = 0
        for i in range(found):
            score = _intersection(histogram[j], histogram[near[i]])
            if score > best:
                best, contact_best, new = score, contact[near[i]], near[i]
        for i in range(found):
            contact[near[i]] = 0
        merges = (
            area < 50
            or (found == 1 and (area < 300 or contact_best > 2))
            or (score > 0.2 and area < 150 and contact_best > 1)
            or (score > 0.25 and area < 250 and contact_best > 8)
            or _ends_in_a_point(labels, points, j)
        )
        if merges:
            for p in points:
                merged[p // width, p % width] = new


@compile_kernel("void(i4[:, ::1], i8)")
def _grow(labels, rounds):  # type: ignore[no-untyped-def]
    height, width = labels.shape
    left = np.empty(height * width, np.int32)
    gained = np.empty(height * width, np.int32)
    taken = np.empty(height * width, np.int32)
    steps_y = np.array([0, -1, -1, -1, 0, 1, 1, 1])
    steps_x = np.array([-1, -1, 0, 1, 1, 1, 0, -1])
    count = 0
    for p in range(height * width):
        if labels[p // width, p % width] == 0:
            left[count] = p
            count += 1
    for _ in range(rounds):
        kept, gains = 0, 0
        for i in range(count):
            p = left[i]
            y, x = p // width, p % width
            rim = (
                (x > 0 and labels[y, x - 1] != 0)
                or (x < width - 1 and labels[y, x + 1] != 0)
                or (y > 0 and labels[y - 1, x] != 0)
                or (y < height - 1 and labels[y + 1, x] != 0)
            )
            new = 0
            if rim:
                for k in range(8):
                    v, u = y + steps_y[k], x + steps_x[k]
                    # The first row and column give nothing away leftwards and upwards of a pixel.
                    if v >= height or u >= width or (steps_y[k] < 0 and v < 1) or (steps_x[k] < 0 and u < 1):
                        continue
                    if v < 0 or u < 0 or labels[v, u] == 0:
                        continue
                    new = labels[v, u]
                    break
            if new:
                gained[gains] = p
                taken[gains] = new
                gains += 1
            else:
                left[kept] = p
                kept += 1
        for i in range(gains):
            labels[gained[i] // width, gained[i] % width] = taken[i]
        count = kept
        if gains == 0 or count == 0:
            break
