"""Outlines laid onto outlines: iterated closest points by kinds, then what is left as a smooth bend (numba).

Source: Besl & McKay 1992, "A Method for Registration of 3-D Shapes". Differs: a point prefers targets of its
own kind, far pairs count little, and turning and growing are held back.
"""

# ruff: noqa: ANN001, ANN201, ANN202
from __future__ import annotations

import numpy as np

from nakawari.ops.compiled import compile_kernel

STEPS = 12
"""Of laying the whole outline."""
STIFF_PX = 5.0
"""A region turns and grows only as far as its outline asks for it more than this much slack would."""
LARGEST_SCALE, LARGEST_TURN = 0.4, 1.2
"""Logarithm and radians: no region grows or turns by more between two keys."""
MISFIT_PX = 6.0
"""What it costs a point to land on another kind of border."""
STEADY_PX = 2
"""Pixels around a border that say where it is to a part of a pixel."""
STRANGE, HELD = 0.02, 0.1
"""What such a point counts when an outline is bent; and what not bending counts."""


@compile_kernel("f8(f8[:, ::1], f8[:, ::1])")
def nearest_mean(place, targets):  # type: ignore[no-untyped-def]
    """Mean distance of places to their nearest targets."""
    total = 0.0
    for n in range(len(place)):
        least = np.inf
        for m in range(len(targets)):
            dx, dy = place[n, 0] - targets[m, 0], place[n, 1] - targets[m, 1]
            least = min(least, dx * dx + dy * dy)
        total += np.sqrt(least)
    return total / len(place)


@compile_kernel("void(i4[:, ::1], i8[:], i8[:], b1, f8[:, ::1])")
def steady(labels, columns, rows, down, place):  # type: ignore[no-untyped-def]
    """Where borders between a pixel and the next one (to the right, or `down`) are, to a part of a pixel.

    Pixels tell it in whole steps, and outlines of such steps lock onto one another. So a border is the mean
    of those between the same two regions that are at most STEADY_PX away.
    """
    height, width = labels.shape
    for n in range(len(columns)):
        x, y = columns[n], rows[n]
        a, b = labels[y, x], labels[y + down, x + (not down)]
        cx, cy = x + 0.5 * (not down), y + 0.5 * down
        sx, sy, count = 0.0, 0.0, 0
        for v in range(max(0, y - STEADY_PX - 1), min(height, y + STEADY_PX + 2)):
            for u in range(max(0, x - STEADY_PX - 1), min(width, x + STEADY_PX + 2)):
                here = labels[v, u]
                if here not in (a, b):
                    continue
                there = b if here == a else a
                if u + 1 < width and labels[v, u + 1] == there:
                    px, py = u + 0.5, v + 0.0
                    if (px - cx) ** 2 + (py - cy) ** 2 <= STEADY_PX * STEADY_PX:
                        sx, sy, count = sx + px, sy + py, count + 1
                if v + 1 < height and labels[v + 1, u] == there:
                    px, py = u + 0.0, v + 0.5
                    if (px - cx) ** 2 + (py - cy) ** 2 <= STEADY_PX * STEADY_PX:
                        sx, sy, count = sx + px, sy + py, count + 1
        place[n, 0], place[n, 1] = sx / count, sy / count


@compile_kernel("Tuple((i8, f8))(f8, f8, i8, f8[:, ::1], i8[::1])")
def _nearest(x, y, kind, targets, kinds):  # type: ignore[no-untyped-def]
    best, least = 0, np.inf
    for m in range(len(targets)):
        dx, dy = x - targets[m, 0], y - targets[m, 1]
        d = dx * dx + dy * dy
        if kind < 0 or kinds[m] != kind:
            d += MISFIT_PX * MISFIT_PX
        if d < least:
            best, least = m, d
    return best, least


@compile_kernel(
    "Tuple((f8[::1], f8[::1], f8))(f8[:, ::1], i8[::1], f8[::1], f8[:, ::1], i8[::1], f8[:, ::1])"
)
def lay_whole(place, kind, weight, targets, kinds, starts):  # type: ignore[no-untyped-def]
    """Iterated closest points by kinds: log of a, b, and the mean distance that is left."""
    count = len(place)
    aim = np.empty((count, 2))
    far = np.empty(count)
    w = np.empty(count)
    best_start, least = 0, np.inf
    for s in range(len(starts)):
        total = 0.0
        for n in range(count):
            _, d = _nearest(place[n, 0] + starts[s, 0], place[n, 1] + starts[s, 1], kind[n], targets, kinds)
            total += weight[n] * min(np.sqrt(d), 40.0)
        if total < least:
            best_start, least = s, total
    ax, ay = 1.0, 0.0
    bx, by = starts[best_start, 0], starts[best_start, 1]
    error = 0.0
    for _ in range(STEPS):
        for n in range(count):
            x = ax * place[n, 0] - ay * place[n, 1] + bx
            y = ay * place[n, 0] + ax * place[n, 1] + by
            m, d = _nearest(x, y, kind[n], targets, kinds)
            aim[n, 0], aim[n, 1] = targets[m, 0], targets[m, 1]
            far[n] = np.hypot(x - aim[n, 0], y - aim[n, 1])
            w[n] = weight[n] * (1.0 if kind[n] >= 0 and kinds[m] == kind[n] else 0.15)
        middle = np.median(far)
        rounded = max(1.0, 2.0 * middle)
        error = middle
        total, px, py, qx, qy = 0.0, 0.0, 0.0, 0.0, 0.0
        for n in range(count):
            w[n] /= 1 + (far[n] / rounded) ** 2
            total += w[n]
            px += w[n] * place[n, 0]
            py += w[n] * place[n, 1]
            qx += w[n] * aim[n, 0]
            qy += w[n] * aim[n, 1]
        if total < 1e-9:
            break
        px, py, qx, qy = px / total, py / total, qx / total, qy / total
        size = total * STIFF_PX * STIFF_PX
        re, im = size, 0.0
        for n in range(count):
            ux, uy = place[n, 0] - px, place[n, 1] - py
            vx, vy = aim[n, 0] - qx, aim[n, 1] - qy
            re += w[n] * (ux * vx + uy * vy)
            im += w[n] * (ux * vy - uy * vx)
            size += w[n] * (ux * ux + uy * uy)
        re, im = re / size, im / size
        scale = min(max(np.log(max(np.hypot(re, im), 1e-6)), -LARGEST_SCALE), LARGEST_SCALE)
        turn = min(max(np.arctan2(im, re), -LARGEST_TURN), LARGEST_TURN)
        ax, ay = np.exp(scale) * np.cos(turn), np.exp(scale) * np.sin(turn)
        bx, by = qx - (ax * px - ay * py), qy - (ay * px + ax * py)
    return np.array([np.log(np.hypot(ax, ay)), np.arctan2(ay, ax)]), np.array([bx, by]), error


@compile_kernel(
    "f8(f8[:, ::1], i8[::1], f8[::1], f8[:, ::1], i8[::1], f8[::1], f8[::1], f8[::1], f8[:, ::1])"
)
def lay_bent(place, kind, weight, targets, kinds, log, shift, grid, bend):  # type: ignore[no-untyped-def]
    """Fill the knots of a bend; returns the mean distance that is left at the outline."""
    count = len(place)
    ax, ay = np.exp(log[0]) * np.cos(log[1]), np.exp(log[0]) * np.sin(log[1])
    size = ax * ax + ay * ay
    pull = np.zeros((count, 2))
    trust = np.zeros(count)
    aim = np.empty((count, 2))
    step, across, down = grid[2], np.int64(grid[3]), np.int64(grid[4])
    reach = 2.5 * step
    error = 0.0
    for turn in range(3):
        error = 0.0
        for n in range(count):
            u, v = place[n, 0] + pull[n, 0], place[n, 1] + pull[n, 1]
            x, y = ax * u - ay * v + shift[0], ay * u + ax * v + shift[1]
            m, _ = _nearest(x, y, kind[n], targets, kinds)
            dx, dy = targets[m, 0] - x, targets[m, 1] - y
            far = np.hypot(dx, dy)
            error += min(far, 10.0)
            aim[n, 0] = pull[n, 0] + (ax * dx + ay * dy) / size
            aim[n, 1] = pull[n, 1] + (ax * dy - ay * dx) / size
            same = kind[n] >= 0 and kinds[m] == kind[n]
            trust[n] = weight[n] * (1.0 if same else STRANGE) / (1 + (far / (4 + 0.5 * step)) ** 4)
        error /= count
        spread = max(3.0, reach * (0.5, 0.3, 0.15)[turn])
        for n in range(count):
            sx, sy, total = 0.0, 0.0, HELD
            for k in range(count):
                dx, dy = place[n, 0] - place[k, 0], place[n, 1] - place[k, 1]
                w = trust[k] * np.exp(-(dx * dx + dy * dy) / (2 * spread * spread))
                sx += w * aim[k, 0]
                sy += w * aim[k, 1]
                total += w
            pull[n, 0], pull[n, 1] = sx / total, sy / total
    for j in range(down):
        for i in range(across):
            x, y = grid[0] + i * step, grid[1] + j * step
            sx, sy, total = 0.0, 0.0, 1e-9
            for n in range(count):
                dx, dy = x - place[n, 0], y - place[n, 1]
                w = (trust[n] + 1e-3) / (dx * dx + dy * dy + 0.25 * step * step) ** 2
                sx += w * pull[n, 0]
                sy += w * pull[n, 1]
                total += w
            bend[j * across + i, 0], bend[j * across + i, 1] = sx / total, sy / total
    return error
