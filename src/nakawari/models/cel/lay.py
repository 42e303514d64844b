"""Where everything of a key is at t: the region or stroke that each pixel shows, and the place in the key.

Nothing is coloured here, only looked up backwards: a pixel of the new picture finds the place, to a part of a
pixel, that it shows. Regions are laid front to back by their motions; strokes lie on top, each carrying along
the strip of the key around it, turned as the stroke turns, so that a line keeps its own shape and width.
"""

# ruff: noqa: ANN001, ANN201, ANN202, C901, PLR0912
from __future__ import annotations

import numpy as np
import numpy.typing as npt

from nakawari.models.cel.mix import between
from nakawari.models.cel.motions import Motions, Places, back, bent, power
from nakawari.ops.compiled import compile_kernel

Labels = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]

SIDE = 3
"""Samples along each side of a pixel in which parts meet that move apart."""

_moves = "f8[:, ::1], f8[:, ::1], i8[::1], f8[:, ::1], b1"


@compile_kernel("Tuple((f8, f8))(f8[:, ::1], f8[:, ::1], i8[::1], f8[:, ::1], b1, i8, f8, f8)")
def _source(table, grid, first, bends, second, m, x, y):  # type: ignore[no-untyped-def]
    """The place of a key that is at (x, y) at t by motion m; of key 1 if `second`, else of key 0."""
    px, py = back(table, grid, first, bends, m, x, y)
    if second:
        rx, ry = bent(grid, first, bends, m, px, py, 2)
        u, v = px + rx, py + ry
        px = table[m, 4] * u - table[m, 5] * v + table[m, 6]
        py = table[m, 5] * u + table[m, 4] * v + table[m, 7]
    return px, py


@compile_kernel(f"void(i8[::1], i8[::1], f8[:, ::1], {_moves}, i4[:, ::1], i4[:, ::1], f4[:, :, ::1])")
def lay_regions(  # type: ignore[no-untyped-def]
    order, motion, boxes, table, grid, first, bends, second, labels, shown, place
):
    """Lay regions in `order`, from front to back, into `shown` (labels) and `place` (x, y in the key).

    Only where `shown` is -1 is anything laid. `boxes` are where regions are at t; `table` and `bends` are
    those of t and of 1; `second`: the labels are those of key 1, else of key 0.
    """
    height, width = labels.shape
    for k in range(len(order)):
        i = order[k]
        m = motion[i]
        left, top = int(max(0.0, boxes[i, 0])), int(max(0.0, boxes[i, 1]))
        right = int(min(np.float64(width), np.ceil(boxes[i, 2]) + 1))
        bottom = int(min(np.float64(height), np.ceil(boxes[i, 3]) + 1))
        for y in range(top, bottom):
            for x in range(left, right):
                if shown[y, x] != -1:
                    continue
                px, py = _source(table, grid, first, bends, second, m, np.float64(x), np.float64(y))
                sx, sy = np.int64(np.floor(px + 0.5)), np.int64(np.floor(py + 0.5))
                if 0 <= sx < width and 0 <= sy < height and labels[sy, sx] == i:
                    shown[y, x] = i
                    place[y, x, 0], place[y, x, 1] = px, py


@compile_kernel(
    "void(i8[::1], i4[:, ::1], i8[::1], i8[::1], i8[::1], i4[:, :, ::1], i8[::1], f8[:, ::1], f8[:, ::1],"
    " i8[::1], f8[:, ::1], u1[:, ::1], b1[:, :, ::1], i4[:, :, ::1], i4[::1], i4[::1], f4[::1])"
)
def meet(  # type: ignore[no-untyped-def]
    pixels,
    owner,
    rank,
    same,
    motion,
    labels,
    many,
    table,
    grid,
    first,
    bends,
    rgb,
    inked,
    paint,
    one,
    other,
    share,
):
    """What pixels consist of in which parts meet that move apart.

    Where the part in front lies over what it lay over in its key, its smoothed edge comes along; elsewhere
    by SIDE² samples of the paints.

    Args:
        pixels: which, row by row.
        owner: [H, W], the region that each pixel shows: of key 0, or, after those, of key 1.
        rank, same, motion: of all regions of both keys; who has a smaller rank is in front, and partners have
            one number in `same`.
        labels, inked, paint: [2, H, W], of both keys; paint as pixels of both keys end to end.
        rgb: [2·H·W, 3], 0-255, both keys end to end.
        many: [1], how many regions key 0 has.
        one, other, share: filled: the paint that most samples have, the next one, and its share.
    """
    _, height, width = labels.shape
    near = np.empty(9, np.int64)
    hits, seen = np.empty(9, np.int64), np.empty(9, np.int32)
    for n in range(len(pixels)):
        y, x = pixels[n] // width, pixels[n] % width
        count = 0
        for v in range(max(0, y - 1), min(height, y + 2)):
            for u in range(max(0, x - 1), min(width, x + 2)):
                region = np.int64(owner[v, u])
                k = count
                while k > 0 and rank[near[k - 1]] > rank[region]:
                    k -= 1
                if k > 0 and near[k - 1] == region:
                    continue
                for j in range(count, k, -1):
                    near[j] = near[j - 1]
                near[k] = region
                count += 1
        along = -1
        for k in range(count):
            region = near[k]
            key = int(region >= many[0])
            px, py = _source(
                table, grid, first, bends, key == 1, motion[region], np.float64(x), np.float64(y)
            )
            u, v = int(np.floor(px)), int(np.floor(py))
            if not (0 <= u < width - 1 and 0 <= v < height - 1):
                continue
            own, beyond, known = False, False, True
            for corner in range(4):
                b, a = v + corner // 2, u + corner % 2
                label = np.int64(labels[key, b, a] + key * many[0])
                own |= label == region
                beyond |= label != region
                there = False
                for j in range(k, count):
                    there |= same[near[j]] == same[label]
                known &= there and not inked[key, b, a]
            if own:
                along = key if known and beyond else -1
                break
        if along >= 0:
            one[n], other[n], share[n] = between(rgb, height, width, along * height * width, px, py)
            continue
        hits[:count] = 0
        for sample in range(SIDE * SIDE):
            sy, sx = y + (sample // SIDE + 0.5) / SIDE - 0.5, x + (sample % SIDE + 0.5) / SIDE - 0.5
            for k in range(count):
                region = near[k]
                key = int(region >= many[0])
                px, py = _source(table, grid, first, bends, key == 1, motion[region], sx, sy)
                u, v = int(np.floor(px + 0.5)), int(np.floor(py + 0.5))
                if 0 <= u < width and 0 <= v < height and labels[key, v, u] == region - key * many[0]:
                    if not hits[k] or sample == SIDE * SIDE // 2:
                        seen[k] = paint[key, v, u]
                    hits[k] += 1
                    break
        best, next_one = -1, -1
        for k in range(count):
            if hits[k] and (best < 0 or hits[k] > hits[best]):
                best, next_one = k, best
            elif hits[k] and (next_one < 0 or hits[k] > hits[next_one]):
                next_one = k
        if best >= 0:
            one[n] = other[n] = seen[best]
            share[n] = 0
            if next_one >= 0:
                other[n] = seen[next_one]
                share[n] = hits[next_one] / (hits[best] + hits[next_one])


@compile_kernel(
    "void(f8[:, ::1], f8[:, ::1], f8[:, ::1], f8[::1], i8[::1], b1[::1], f8, i4, f4[:, ::1], f4[:, ::1],"
    " i4[:, ::1], f4[:, :, ::1])"
)
def lay_strokes(  # type: ignore[no-untyped-def]
    at, origin, turn, radius, start, drawn, beyond, number, rim, away, hit, place
):
    """Lay runs of vertices that are `drawn`, with the strip of the key around them; the nearest rim wins.

    Args:
        at, origin: [N, 2], where vertices are at t, and in the key.
        turn: [N, 2], cosine and sine of the way back from the direction at t to that in the key.
        radius: [N], half the width.
        beyond: how much of the strip beyond the rim comes along, pixels.
        number: of the first vertex, in `hit`.
        rim, away: [H, W], filled: how far outside of the rim, and of the middle, a pixel is.
        hit, place: [H, W] and [H, W, 2], filled: the vertex, and the place in the key.
    """
    height, width = rim.shape
    for s in range(len(start) - 1):
        for n in range(start[s], start[s + 1]):
            if not drawn[n]:
                continue
            m = n + 1 if n + 1 < start[s + 1] and drawn[n + 1] else n
            ax, ay = at[n, 0], at[n, 1]
            dx, dy = at[m, 0] - ax, at[m, 1] - ay
            length = dx * dx + dy * dy
            reach = max(radius[n], radius[m]) + beyond
            left, top = int(max(0.0, min(ax, ax + dx) - reach)), int(max(0.0, min(ay, ay + dy) - reach))
            right = int(min(width - 1.0, np.ceil(max(ax, ax + dx) + reach)))
            bottom = int(min(height - 1.0, np.ceil(max(ay, ay + dy) + reach)))
            for y in range(top, bottom + 1):
                for x in range(left, right + 1):
                    part = 0.0
                    if length > 1e-12:
                        part = min(max(((x - ax) * dx + (y - ay) * dy) / length, 0.0), 1.0)
                    ex, ey = x - ax - part * dx, y - ay - part * dy
                    far = np.sqrt(ex * ex + ey * ey)
                    out = far - radius[n] - part * (radius[m] - radius[n])
                    if out > beyond or out >= rim[y, x]:
                        continue
                    c = turn[n, 0] + part * (turn[m, 0] - turn[n, 0])
                    i = turn[n, 1] + part * (turn[m, 1] - turn[n, 1])
                    rim[y, x], away[y, x] = out, far
                    hit[y, x] = number + n
                    place[y, x, 0] = origin[n, 0] + part * (origin[m, 0] - origin[n, 0]) + c * ex - i * ey
                    place[y, x, 1] = origin[n, 1] + part * (origin[m, 1] - origin[n, 1]) + i * ex + c * ey


def tables(motions: Motions, t: float) -> Floats:
    """[M, 8]: `power` at t, then at 1."""
    return np.ascontiguousarray(np.concatenate([power(motions, t), power(motions, 1.0)], 1))


def boxes_at(motions: Motions, motion: Places, box: Floats, t: float, second: bool) -> Floats:
    """[K, 4]: boxes that hold regions of a key at t."""
    corners = box[:, [0, 1, 2, 1, 0, 3, 2, 3]].astype(np.float64).reshape(-1, 2)
    repeated = np.repeat(motion, 4)
    if second:
        corners = motions.origin(repeated, corners, 1.0)
    moved = motions.at(repeated, corners, t).reshape(-1, 4, 2)
    reach = _largest_bend(motions, t)[motion][:, None] + 3.0
    return np.concatenate([moved.min(1) - reach, moved.max(1) + reach], 1)


def _largest_bend(motions: Motions, t: float) -> Floats:
    size = np.abs(motions.bends(t)).max(1)
    return np.asarray(np.maximum.reduceat(size, motions.first) * np.exp(np.abs(motions.linear[:, 0])))
