"""Drawing at t: regions of the nearer key laid by their motions, back to front, and its lines on top.

Nothing is mixed here: for each pixel of the new picture it is found which pixel of which key it shows. Paint
that is hidden in the nearer key and comes out is looked for in the other one. Lines are drawn anew along
their strokes, as wide as they were.
"""

# ruff: noqa: ANN001, ANN201
from __future__ import annotations

import numpy as np
import numpy.typing as npt

from nakawari.models.cel.motions import back, bent, power
from nakawari.ops.compiled import compile_kernel

Labels = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]


@compile_kernel(
    "void(i8[::1], i8[::1], f8[:, ::1], f8[:, ::1], f8[:, ::1], i8[::1], f8[:, ::1], f8, b1, i8,"
    " i4[:, ::1], i4[:, ::1], i4[:, ::1], i4[:, ::1])"
)
def lay_regions(  # type: ignore[no-untyped-def]
    order, motion, boxes, table, grid, first, bend, t, second, fine, labels, paint, shown, source
):
    """Lay regions in `order`, from front to back, into `shown` (labels) and `source` (pixels of the key).

    Both are [fine·H, fine·W]. Only where `shown` is -1 is anything laid. `boxes` are where regions are at t;
    `table` is that of t and of 1; `second`: labels and paint are those of key 1, else of key 0.
    """
    height, width = labels.shape
    rows, columns = shown.shape
    one = np.float64(fine)
    whole = np.empty(4)
    for k in range(len(order)):
        i = order[k]
        m = motion[i]
        left, top = int(max(0.0, boxes[i, 0] * one)), int(max(0.0, boxes[i, 1] * one))
        right = int(min(np.float64(columns), np.ceil(boxes[i, 2] * one) + 1))
        bottom = int(min(np.float64(rows), np.ceil(boxes[i, 3] * one) + 1))
        for c in range(4):
            whole[c] = table[m, 4 + c]
        for row in range(top, bottom):
            for column in range(left, right):
                if shown[row, column] != -1:
                    continue
                x, y = (column + 0.5) / one - 0.5, (row + 0.5) / one - 0.5
                px, py = back(table, grid, first, bend, t, m, x, y)
                if second:
                    rx, ry = bent(grid, first, bend, m, px, py)
                    u, v = px + rx, py + ry
                    px = whole[0] * u - whole[1] * v + whole[2]
                    py = whole[1] * u + whole[0] * v + whole[3]
                sx, sy = np.int64(np.floor(px + 0.5)), np.int64(np.floor(py + 0.5))
                if 0 <= sx < width and 0 <= sy < height and labels[sy, sx] == i:
                    shown[row, column] = i
                    source[row, column] = paint[sy, sx]


@compile_kernel("void(f8[:, ::1], f8[::1], i4[::1], i8[::1], b1[::1], b1, f4[:, ::1], i4[:, ::1])")
def draw_strokes(place, radius, ink, start, drawn, hard, cover, source):  # type: ignore[no-untyped-def]
    """Draw runs of vertices that are `drawn` as round-ended strokes: the largest cover of a pixel wins."""
    height, width = cover.shape
    edge = 0.0 if hard else 0.5
    for s in range(len(start) - 1):
        for n in range(start[s], start[s + 1]):
            if not drawn[n]:
                continue
            next_one = n + 1 if n + 1 < start[s + 1] and drawn[n + 1] else n
            ax, ay = place[n, 0], place[n, 1]
            bx, by = place[next_one, 0], place[next_one, 1]
            ra, rb = radius[n], radius[next_one]
            reach = max(ra, rb) + 1.0
            left, top = int(max(0.0, min(ax, bx) - reach)), int(max(0.0, min(ay, by) - reach))
            right = int(min(width - 1.0, np.ceil(max(ax, bx) + reach)))
            bottom = int(min(height - 1.0, np.ceil(max(ay, by) + reach)))
            dx, dy = bx - ax, by - ay
            length = dx * dx + dy * dy
            for y in range(top, bottom + 1):
                for x in range(left, right + 1):
                    share = 0.0
                    if length > 1e-12:
                        share = min(max(((x - ax) * dx + (y - ay) * dy) / length, 0.0), 1.0)
                    ex, ey = x - ax - share * dx, y - ay - share * dy
                    r = ra + share * (rb - ra)
                    value = r - np.sqrt(ex * ex + ey * ey) + edge
                    if hard:
                        # more than 1 for the pixels inside, the deeper the more
                        covered = np.float32(1 + value) if value >= 0 else np.float32(0)
                    else:
                        covered = np.float32(min(max(value, 0.0), 1.0, 2 * r))
                    if covered > cover[y, x]:
                        cover[y, x] = covered
                        source[y, x] = ink[n]


def tables(motions, t: float) -> Floats:  # type: ignore[no-untyped-def]
    """[M, 8]: `power` at t, then at 1."""
    return np.ascontiguousarray(np.concatenate([power(motions, t), power(motions, 1.0)], 1))


def boxes_at(motions, motion, box, t: float, second: bool) -> Floats:  # type: ignore[no-untyped-def]
    """[K, 4]: boxes that hold regions of a key at t."""
    corners = box[:, [0, 1, 2, 1, 0, 3, 2, 3]].astype(np.float64).reshape(-1, 2)
    repeated = np.repeat(motion, 4)
    if second:
        corners = motions.origin(repeated, corners, 1.0)
    moved = motions.at(repeated, corners, t).reshape(-1, 4, 2)
    reach = _largest_bend(motions)[motion][:, None] + 3.0
    return np.concatenate([moved.min(1) - reach, moved.max(1) + reach], 1)


def _largest_bend(motions) -> Floats:  # type: ignore[no-untyped-def]
    size = np.abs(motions.bend).max(1)
    return np.asarray(np.maximum.reduceat(size, motions.first) * np.exp(np.abs(motions.linear[:, 0])))
