"""How strokes move: with one of the regions beside them, then onto the strokes of the other key.

Which region a line belongs to is not drawn. It is the one whose motion brings it onto a line, and what is to
either side of it to where the other key looks alike. What is left is snapped, where it looks as much alike
then, smoothly along the stroke, so that a line ends where the other key has it, and stays in one piece.
"""

# ruff: noqa: ANN001, ANN202, C901
from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from nakawari.models.cel.drawing import Drawing
from nakawari.models.cel.matching import Flow
from nakawari.models.cel.motions import Floats, Motions, Places, sagging
from nakawari.models.cel.register import Registered
from nakawari.models.cel.witness import across
from nakawari.ops.compiled import compile_kernel
from nakawari.ops.lines import distance_to
from nakawari.ops.strokes import Strokes

Mask = npt.NDArray[np.bool_]

WINDOW = 8
"""Vertices to either side over which it is judged which motion a stroke follows."""
BESIDE_PX = 2.0
"""Beyond the rim of a line, where the regions beside it are looked for."""
SNAP_PX = 5.0
"""Farther than this from any stroke of the other key, a vertex has no counterpart."""
OTHER_INK = 60
"""Inks whose channels differ by more (0-255) are other lines."""
OFF, AWAY_PX = 1 / 16, 8.0
"""What a pixel off the nearest line costs beside being unlike; and from where it costs no more."""
SEARCHED, SNAPPED = 0.01, 0.01
"""How much more alike it has to make a stroke, of all that can be unlike, that dense search leads it; and how
much less alike snapping may make it."""
UNTOLD = 10.0
"""Where both keys are equal around a line of a region that hints send elsewhere: what other motions cost."""
SMOOTH = 6
"""Passes of smoothing of displacements along a stroke."""
AHEAD = 3
"""Vertices to either side that tell the direction of a stroke."""
STILL_PX = 0.3
"""What moves less is drawn as it is in the key."""


@dataclass(frozen=True, slots=True)
class Moving:
    """The strokes of one key in motion.

    Attributes:
        strokes: of the key.
        motion: [N], the motion that each vertex follows.
        base: [N, 2], the place of key 0 that each vertex is at.
        offset: [N, 2], pixels: added at the other key, in proportion on the way.
        sides: [N, 2], the regions (of this key) to either side.
        met: [N] bool, whether it ends on a stroke of the other key.
        moves: [N] bool, whether it goes farther than STILL_PX.
        second: whether the key is key 1.
        sag: [N, 2], pixels: how much each vertex is off that way, and off its motion, at `Motions.sag_t`.
    """

    strokes: Strokes
    motion: Places
    base: Floats
    offset: Floats
    sides: Places
    met: Mask
    moves: Mask
    second: bool
    sag: Floats

    def at(self, motions: Motions, t: float) -> Floats:
        """[N, 2]: where the vertices are at t."""
        share = 1 - t if self.second else t
        way = motions.at(self.motion, self.base, t) + share * self.offset
        return way + sagging(t, motions.sag_t) * self.sag


def follow(
    own: Drawing,
    other: Drawing,
    found: Registered,
    flow: Flow,
    second: bool,
    led: Mask,
    pins: Floats | None = None,
) -> Moving:
    """Find out how the strokes of `own` go to the other key.

    Args:
        own, other: the key, and the other one.
        found: motions of the regions.
        flow: [H, W, 2], dense search from `own` to `other`.
        second: whether `own` is key 1.
        led: [K], regions of `own` that hints send elsewhere: their lines go along, though the keys are equal.
        pins: [N, 4], places of `own` and how far they go, which no snapping may undo.
    """
    strokes = own.strokes
    place = strokes.place.astype(np.float64)
    motion_of = found.motion1 if second else found.motion0
    sides = _sides(strokes, own)
    motions = found.motions
    landings, bases = [], []
    for side in (0, 1):
        motion = motion_of[sides[:, side]]
        base = motions.origin(motion, place, 1.0) if second else place
        landing = motions.at(motion, base, 0.0 if second else 1.0)
        landings.append(landing)
        bases.append(base)
    height, width = own.labels.shape
    at = np.rint(place).astype(np.int64)
    landings.append(place + flow[at[:, 1].clip(0, height - 1), at[:, 0].clip(0, width - 1)])
    unlike = np.stack([_unlike(own, other, landing) for landing in landings], 1)
    away = distance_to(other.line)
    off = np.stack([windowed(np.minimum(_sampled(away, each), AWAY_PX), strokes) for each in landings], 1)
    cost = unlike + OFF * off
    cost[:, 2] += SEARCHED
    rests, along = _unchanged(own, other), led[sides]
    told = rests & along.any(1)
    rests &= ~told
    cost[told, :2] += UNTOLD * ~along[told]
    cost[told, 2] += UNTOLD
    chosen = cost.argmin(1)
    side = np.where(chosen == 2, cost[:, :2].argmin(1), chosen)
    rows = np.arange(len(place))
    motion = motion_of[sides[rows, side]]
    base = np.stack(bases)[side, rows] if len(place) else place
    landing = np.stack(landings)[chosen, rows] if len(place) else place
    carried = np.stack(landings)[side, rows] if len(place) else place
    snap, met = _snap(own, other, strokes, landing)
    snap[_unlike(own, other, landing + snap) > unlike[rows, chosen] + SNAPPED] = 0
    left = landing + snap - carried
    if pins is not None and len(place):
        left *= _unpinned(place, pins)[:, None]
    offset = _smoothed(strokes, carried + left - place) - (carried - place) if len(place) else left
    offset[rests] = (place - carried)[rests]
    gone = carried + offset - place
    moves = np.hypot(*gone.T) > STILL_PX if len(place) else np.zeros(0, np.bool_)
    return Moving(strokes, motion, base, offset, sides, met, moves, second, np.zeros_like(place))


def _unlike(own: Drawing, other: Drawing, landing: Floats) -> Floats:
    """[N] in [0, 1]: how unlike what is across the strokes of `own` is to what is across `landing`."""
    strokes = own.strokes
    place = strokes.place.astype(np.float64)
    normals = []
    for along in (_ahead(strokes, place), _ahead(strokes, landing)):
        normal = 1j * along / np.maximum(np.abs(along), 1e-6)
        normals.append(np.stack([normal.real, normal.imag], 1))
    out = np.empty(len(place))
    reach = strokes.radius.astype(np.float64) + BESIDE_PX
    across(own.rgb, other.rgb, place, np.ascontiguousarray(landing, np.float64), *normals, reach, out)
    return windowed(out, strokes)


def _ahead(strokes: Strokes, at: Floats) -> npt.NDArray[np.complex128]:
    """[N]: from AHEAD vertices before each to as many after it on its stroke."""
    n, branch = np.arange(len(at)), strokes.branch()
    low = np.maximum(n - AHEAD, strokes.start[branch])
    high = np.minimum(n + AHEAD, strokes.start[branch + 1] - 1)
    return np.asarray(at[high, 0] - at[low, 0] + 1j * (at[high, 1] - at[low, 1]))


def turns(strokes: Strokes, at: Floats) -> Floats:
    """[N, 2]: cosine and sine of the way back from the direction of strokes at `at` to that in the key."""
    here, there = _ahead(strokes, strokes.place.astype(np.float64)), _ahead(strokes, at)
    way = here * there.conj()
    size = np.abs(way)
    way = np.where(size > 0.5, way / np.maximum(size, 1e-9), 1.0)
    return np.stack([way.real, way.imag], 1)


def _unchanged(own: Drawing, other: Drawing) -> Mask:
    """[N]: vertices around which both keys are equal, as far as the line is wide: they stay."""
    changed = (own.rgb != other.rgb).any(2).astype(np.uint8)
    height, width = changed.shape
    at = np.rint(own.strokes.place).astype(np.int64)
    y, x = at[:, 1].clip(0, height - 1), at[:, 0].clip(0, width - 1)
    reach = np.ceil(own.strokes.radius).clip(1, 3)
    near = [(cv2.dilate(changed, np.ones((2 * n + 1, 2 * n + 1), np.uint8)) > 0)[y, x] for n in (1, 2, 3)]
    return np.asarray(~np.choose(reach.astype(np.int64) - 1, near))


def _sides(strokes: Strokes, drawing: Drawing) -> Places:
    """[N, 2]: the regions to the left and right of each vertex."""
    place = strokes.place.astype(np.float64)
    way = np.zeros_like(place)
    if len(place) > 2:
        way[1:-1] = place[2:] - place[:-2]
    for a, b in zip(strokes.start[:-1], strokes.start[1:], strict=True):
        if b - a > 1:
            way[a], way[b - 1] = place[a + 1] - place[a], place[b - 1] - place[b - 2]
        else:
            way[a] = (1, 0)
    length = np.maximum(np.hypot(*way.T), 1e-6)
    normal = np.stack([-way[:, 1], way[:, 0]], 1) / length[:, None]
    height, width = drawing.labels.shape
    out = np.empty((len(place), 2), np.int64)
    reach = (strokes.radius.astype(np.float64) + BESIDE_PX)[:, None]
    for side, sign in enumerate((1, -1)):
        at = np.rint(place + sign * reach * normal).astype(np.int64)
        out[:, side] = drawing.labels[at[:, 1].clip(0, height - 1), at[:, 0].clip(0, width - 1)]
    return out


def _sampled(picture: npt.NDArray[np.float32], place: Floats) -> Floats:
    height, width = picture.shape
    at = np.rint(place).astype(np.int64)
    return np.asarray(picture[at[:, 1].clip(0, height - 1), at[:, 0].clip(0, width - 1)], np.float64)


def windowed(values: Floats, strokes: Strokes) -> Floats:
    """Mean over WINDOW vertices to either side of the same stroke."""
    total = np.concatenate([[0.0], np.cumsum(values)])
    branch = strokes.branch()
    n = np.arange(len(values))
    low = np.maximum(n - WINDOW, strokes.start[branch])
    high = np.minimum(n + WINDOW + 1, strokes.start[branch + 1])
    return np.asarray((total[high] - total[low]) / np.maximum(high - low, 1))


def _snap(own: Drawing, other: Drawing, strokes: Strokes, landing: Floats) -> tuple[Floats, Mask]:
    """The way from each landing to the other key's strokes of the same ink; zero where there is none."""
    target = other.strokes.place.astype(np.float64)
    if not len(target) or not len(landing):
        return np.zeros_like(landing), np.zeros(len(landing), np.bool_)
    flat0, flat1 = own.rgb.reshape(-1, 3).astype(np.int64), other.rgb.reshape(-1, 3).astype(np.int64)
    ink0, ink1 = flat0[own.ink], flat1[other.ink]
    start1, cells = other.strokes.start, _cells(target)
    way, met = _project(strokes.start, landing, ink0, np.ascontiguousarray(target), ink1, start1, *cells)
    return np.asarray(way), np.asarray(met)


CELL_PX = 8.0


def _cells(target: Floats) -> tuple[Places, Places, npt.NDArray[np.int64]]:
    """Targets sorted into square cells: where each begins, the targets in order, cells across and down."""
    column, row = (np.floor(target[:, i] / CELL_PX).astype(np.int64).clip(0, None) for i in (0, 1))
    size = np.array([column.max() + 1, row.max() + 1], np.int64)
    number = row * size[0] + column
    order = np.argsort(number, kind="stable")
    start = np.searchsorted(number[order], np.arange(size.prod() + 1))
    return start.astype(np.int64), order.astype(np.int64), size


def _unpinned(place: Floats, pins: Floats) -> Floats:
    """[N]: 0 at pinned places, 1 from some pixels away."""
    reach = np.linalg.norm(place[:, None] - pins[None, :, :2], axis=2).min(1)
    return np.asarray(np.clip((reach - 2) / 8, 0, 1))


def _smoothed(strokes: Strokes, gone: Floats) -> Floats:
    """Displacements smoothed along strokes; where strokes meet they go together."""
    gone = np.ascontiguousarray(gone)
    ends = np.stack([strokes.start[:-1], strokes.start[1:] - 1], 1)
    used = strokes.node >= 0
    number, at = strokes.node[used], ends[used]
    for _ in range(3):
        if len(number):
            count = np.maximum(np.bincount(number), 1)
            for axis in (0, 1):
                gone[at, axis] = (np.bincount(number, gone[at, axis]) / count)[number]
        _smooth(strokes.start, strokes.closed, strokes.node, gone, SMOOTH)
    return gone


@compile_kernel("void(i8[::1], b1[::1], i8[:, ::1], f8[:, ::1], i8)")
def _smooth(start, closed, node, gone, passes):  # type: ignore[no-untyped-def]
    for s in range(len(start) - 1):
        a, count = start[s], start[s + 1] - start[s]
        if count < 3:
            continue
        before = np.empty((count, 2))
        for _ in range(passes):
            before[:] = gone[a : a + count]
            for n in range(count):
                if closed[s]:
                    left, right = (n - 1) % count, (n + 1) % count
                elif n == 0:
                    if node[s, 0] >= 0:
                        continue
                    left, right = 0, 1
                elif n == count - 1:
                    if node[s, 1] >= 0:
                        continue
                    left, right = n - 1, n
                else:
                    left, right = n - 1, n + 1
                for c in range(2):
                    gone[a + n, c] = 0.25 * before[left, c] + 0.5 * before[n, c] + 0.25 * before[right, c]


@compile_kernel(
    "Tuple((f8[:, ::1], b1[::1]))(i8[::1], f8[:, ::1], i8[:, ::1], f8[:, ::1], i8[:, ::1], i8[::1],"
    " i8[::1], i8[::1], i8[::1])"
)
def _project(start, landing, ink0, target, ink1, start1, cell_start, order, size):  # type: ignore[no-untyped-def]
    """The way to the nearest target of the same ink that runs the same way, at most SNAP_PX."""
    count = len(landing)
    way = np.zeros((count, 2))
    met = np.zeros(count, np.bool_)
    stroke1 = np.empty(len(target), np.int64)
    for s in range(len(start1) - 1):
        for n in range(start1[s], start1[s + 1]):
            stroke1[n] = s
    for s in range(len(start) - 1):
        for n in range(start[s], start[s + 1]):
            x, y = landing[n, 0], landing[n, 1]
            a, b = max(start[s], n - 2), min(start[s + 1] - 1, n + 2)
            tx, ty = landing[b, 0] - landing[a, 0], landing[b, 1] - landing[a, 1]
            length = np.sqrt(tx * tx + ty * ty)
            column, row = int(np.floor(x / CELL_PX)), int(np.floor(y / CELL_PX))
            least, bx, by = SNAP_PX * SNAP_PX, 0.0, 0.0
            for j in range(max(0, row - 1), min(size[1], row + 2)):
                for i in range(max(0, column - 1), min(size[0], column + 2)):
                    for k in range(cell_start[j * size[0] + i], cell_start[j * size[0] + i + 1]):
                        m = order[k]
                        dx, dy = target[m, 0] - x, target[m, 1] - y
                        d = dx * dx + dy * dy
                        if d >= least:
                            continue
                        apart = 0
                        for c in range(3):
                            apart = max(apart, abs(ink0[n, c] - ink1[m, c]))
                        if apart > OTHER_INK:
                            continue
                        q = stroke1[m]
                        e, f = max(start1[q], m - 2), min(start1[q + 1] - 1, m + 2)
                        ux, uy = target[f, 0] - target[e, 0], target[f, 1] - target[e, 1]
                        norm = length * np.sqrt(ux * ux + uy * uy)
                        if norm > 1e-6:
                            cosine = abs(tx * ux + ty * uy) / norm
                            d += 9.0 * (1 - cosine) * (1 - cosine)
                        if d < least:
                            # onto the piece of stroke around the nearest vertex, not the vertex itself
                            least, bx, by = d, dx, dy
                            step = np.sqrt(ux * ux + uy * uy)
                            if step > 1e-6:
                                along = (dx * ux + dy * uy) / step
                                along = min(max(along, -0.7), 0.7)
                                bx, by = dx - along * ux / step, dy - along * uy / step
                            met[n] = True
            way[n, 0], way[n, 1] = bx, by
    return way, met
