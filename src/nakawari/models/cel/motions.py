"""How regions move: a similarity along its own spiral, a smooth bend on top, and an arc.

A point p of key 0 is at

    x_t(p) = a^t (p + t r(p) + s(p) sag(t)) + b_t + arc(t)

with complex places: a turns and scales, b_t = b (a^t - 1) / (a - 1) leads along a logarithmic spiral, so that
what turns keeps its size; r bends; `arc`, and s as a rough tells it, are zero at both keys. A motion is one
row of the arrays below. Its bends r and s are small grids over the region, linear between their knots.

Source: Whited et al. 2010, "BetweenIT: An Interactive Tool for Tight Inbetweening", for spirals.
"""

# ruff: noqa: ANN001, ANN201, ANN202
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nakawari.ops.compiled import compile_kernel

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]

KNOTS = 14
"""Of a bend along the longer side of its region, about."""
ROUNDS = 6
"""Of the fixed point that undoes a bend."""


@dataclass(slots=True)
class Motions:
    """M motions.

    Attributes:
        linear: [M, 2], logarithm of a: log scale and angle.
        shift: [M, 2], b, pixels.
        grid: [M, 5], of the bend: left, top, pixels between knots, knots across, knots down.
        first: [M], where its knots begin in `bend`.
        bend: [G, 2], pixels.
        leave, arrive: [M, 2], pixels: how the path at either key differs from its chord, across it.
        sag: [G, 2], pixels: how much each knot is off its path at `sag_t`.
        sag_t: in (0, 1).
    """

    linear: Floats
    shift: Floats
    grid: Floats
    first: Places
    bend: Floats
    leave: Floats
    arrive: Floats
    sag: Floats
    sag_t: float = 0.5

    def __len__(self) -> int:
        return len(self.linear)

    def at(self, motion: Places, place: Floats, t: float) -> Floats:
        """[N, 2]: where places of key 0 are at t, each by its own motion [N]."""
        out = np.empty((len(motion), 2))
        _move(*self._tables(t), motion, np.ascontiguousarray(place, np.float64), False, out)
        return out

    def origin(self, motion: Places, place: Floats, t: float) -> Floats:
        """[N, 2]: where in key 0 that is which is at these places at t."""
        out = np.empty((len(motion), 2))
        _move(*self._tables(t), motion, np.ascontiguousarray(place, np.float64), True, out)
        return out

    def _tables(self, t: float) -> tuple[Floats, Floats, Places, Floats]:
        return power(self, t), self.grid, self.first, self.bends(t)

    def bends(self, t: float) -> Floats:
        """[G, 4]: the bend of each knot at t, then at 1."""
        return np.concatenate([t * self.bend + sagging(t, self.sag_t) * self.sag, self.bend], 1)


def sagging(t: float, sag_t: float) -> float:
    """How much of what was told of the moment `sag_t` there is at t: a parabola, 0 at both keys."""
    return t * (1 - t) / (sag_t * (1 - sag_t))


def power(motions: Motions, t: float) -> Floats:
    """[M, 4]: real and imaginary part of a^t, then of b_t with the arc."""
    log = motions.linear[:, 0] + 1j * motions.linear[:, 1]
    whole, part = np.exp(log), np.exp(t * log)
    turns = np.abs(whole - 1) > 1e-6
    share = np.where(turns, (part - 1) / np.where(turns, whole - 1, 1), t)
    shift = (motions.shift[:, 0] + 1j * motions.shift[:, 1]) * share
    arc = motions.leave * (t**3 - 2 * t**2 + t) + motions.arrive * (t**3 - t**2)
    return np.stack([part.real, part.imag, shift.real + arc[:, 0], shift.imag + arc[:, 1]], 1)


def still(count: int) -> Motions:
    """So many motions that stay where they are."""
    grid = np.tile(np.array([0.0, 0.0, 1.0, 1.0, 1.0]), (count, 1))
    nothing = [np.zeros((count, 2)) for _ in range(4)]
    flat = np.zeros((count, 2))
    return Motions(nothing[0], nothing[1], grid, np.arange(count), flat, nothing[2], nothing[3], flat)


def lay_grids(boxes: Places) -> tuple[Floats, Places]:
    """Grids over boxes [M, 4] (left, top, right, bottom), a knot to spare, and where the knots begin."""
    sides = (boxes[:, 2:] - boxes[:, :2]).astype(np.float64)
    step = np.maximum(3.0, sides.max(1) / KNOTS)
    across, down = (np.ceil(sides[:, i] / step) + 3 for i in (0, 1))
    grid = np.stack([boxes[:, 0] - step, boxes[:, 1] - step, step, across, down], 1)
    first = np.concatenate([[0], np.cumsum(across * down)[:-1]]).astype(np.int64)
    return grid, first


@compile_kernel("Tuple((f8, f8))(f8[:, ::1], i8[::1], f8[:, ::1], i8, f8, f8, i8)")
def bent(grid, first, bends, m, x, y, c):  # type: ignore[no-untyped-def]
    """The bend at (x, y) of motion m: columns c and c + 1 of `bends`."""
    across, down = np.int64(grid[m, 3]), np.int64(grid[m, 4])
    u = min(max((x - grid[m, 0]) / grid[m, 2], 0.0), across - 1.0)
    v = min(max((y - grid[m, 1]) / grid[m, 2], 0.0), down - 1.0)
    left, above = np.int64(u), np.int64(v)
    right, below = min(left + 1, across - 1), min(above + 1, down - 1)
    fx, fy = u - left, v - above
    k = first[m]
    i, j = k + above * across, k + below * across
    rx = (bends[i + left, c] * (1 - fx) + bends[i + right, c] * fx) * (1 - fy)
    rx += (bends[j + left, c] * (1 - fx) + bends[j + right, c] * fx) * fy
    ry = (bends[i + left, c + 1] * (1 - fx) + bends[i + right, c + 1] * fx) * (1 - fy)
    ry += (bends[j + left, c + 1] * (1 - fx) + bends[j + right, c + 1] * fx) * fy
    return rx, ry


@compile_kernel("Tuple((f8, f8))(f8[:, ::1], f8[:, ::1], i8[::1], f8[:, ::1], i8, f8, f8)")
def forth(table, grid, first, bends, m, x, y):  # type: ignore[no-untyped-def]
    """Where (x, y) of key 0 is at the t of the tables."""
    rx, ry = bent(grid, first, bends, m, x, y, 0)
    u, v = x + rx, y + ry
    return table[m, 0] * u - table[m, 1] * v + table[m, 2], table[m, 1] * u + table[m, 0] * v + table[m, 3]


@compile_kernel("Tuple((f8, f8))(f8[:, ::1], f8[:, ::1], i8[::1], f8[:, ::1], i8, f8, f8)")
def back(table, grid, first, bends, m, x, y):  # type: ignore[no-untyped-def]
    """The place of key 0 that is at (x, y) at the t of the tables."""
    size = table[m, 0] * table[m, 0] + table[m, 1] * table[m, 1]
    dx, dy = x - table[m, 2], y - table[m, 3]
    u = (table[m, 0] * dx + table[m, 1] * dy) / size
    v = (table[m, 0] * dy - table[m, 1] * dx) / size
    px, py = u, v
    for _ in range(ROUNDS):
        rx, ry = bent(grid, first, bends, m, px, py, 0)
        nx, ny = u - rx, v - ry
        moved = abs(nx - px) + abs(ny - py)
        px, py = nx, ny
        if moved < 0.02:
            break
    return px, py


@compile_kernel("void(f8[:, ::1], f8[:, ::1], i8[::1], f8[:, ::1], i8[::1], f8[:, ::1], b1, f8[:, ::1])")
def _move(table, grid, first, bends, motion, place, undo, out):  # type: ignore[no-untyped-def]
    for n in range(len(motion)):
        if undo:
            x, y = back(table, grid, first, bends, motion[n], place[n, 0], place[n, 1])
        else:
            x, y = forth(table, grid, first, bends, motion[n], place[n, 0], place[n, 1])
        out[n, 0], out[n, 1] = x, y
