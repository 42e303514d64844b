"""Which region is which: looks, place, and dense search as a witness, settled for all regions at once.

What a region looks like comes from segment-guided matching's descriptor (paint, size, shape, neighbours).
Where it should be comes first from dense search, then from the regions around it that are matched already,
which is how a hint, or a match that is sure, helps others.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from nakawari.errors import InputError
from nakawari.models.cel.drawing import Drawing
from nakawari.models.cel.hints import Hints
from nakawari.ops.lines import REACH_PX, slope_to_lines
from nakawari.ops.regions import contacts, intersections
from nakawari.ops.search import dense_search, global_shift, search_around

Floats = npt.NDArray[np.float64]
Flow = npt.NDArray[np.float32]
Partners = npt.NDArray[np.int64]

NONE = -1
COLOUR = 30.0
"""Means of a channel (0-255) that differ by more are other paint."""
AREAS = 5.0
"""Ratio of areas from which two regions are not each other."""
UNLIKE, AWAY, UNSEEN = 1.2, 0.5, 0.8
"""Weights: of looks, of the distance in sizes of the region, of what dense search says."""
UNMOVED = 0.5
"""What a pair that fills the very same box, with as many pixels, gains."""
ALONE = 1.6
"""A pair that costs more is no match."""
TINY_PX, STRAY_PX, STRAY_SHARE, SPREADS = 100, 6.0, 0.5, 3.0
"""A region of fewer pixels whose partner is farther from where those around it go (pixels, and share of
how far they go), and than so many times the spread of these, is no match, unless dense search sees it go
there too, or nothing else is like it."""
SEEN, CERTAIN = 0.25, 0.95
ROUNDS, RECALLS = 4, 8
"""Of settling all; and of letting strays go."""
NEAR = 6
"""Neighbours that say where a region went, besides those that it touches."""
LARGE_PX = 300_000
"""Dense search runs on half of a picture with more pixels."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What does not depend on hints.

    Attributes:
        flow01, flow10: [H, W, 2] float32, pixels, by dense search on lines and grey.
        looks: [K0, K1], 0 alike to 1.
        colour: [K0, K1], largest difference of a mean channel.
        ratio: [K0, K1], of the larger area to the smaller.
        votes: [K0, K1], share of a region that the flow brings to another, mean of both ways.
        moves0, moves1: [K, 2], median flow of each region.
        touch0: [K0, K0] bool, whether regions touch.
    """

    flow01: Flow
    flow10: Flow
    looks: Floats
    colour: Floats
    ratio: Floats
    votes: Floats
    moves0: Floats
    moves1: Floats
    touch0: npt.NDArray[np.bool_]


def gather(one: Drawing, other: Drawing) -> Evidence:
    """Compare all regions of two keys, and search densely."""
    flow01, flow10 = dense(one, other)
    area0, area1 = (drawing.regions.area.astype(np.float64) for drawing in (one, other))
    count0, count1 = len(area0), len(area1)
    landed0, landed1 = _landing(one, other, flow01, count1), _landing(other, one, flow10, count0)
    votes = 0.5 * (landed0 / area0[:, None] + (landed1 / area1[:, None]).T)
    ratio = area0[:, None] / area1[None]
    pairs, _ = contacts(one.labels, count0)
    touch = np.zeros((count0, count0), np.bool_)
    touch[pairs[:, 0], pairs[:, 1]] = True
    return Evidence(
        flow01,
        flow10,
        1.0 - intersections(one.rows, other.rows).astype(np.float64),
        np.abs(one.regions.colour[:, None] - other.regions.colour[None]).max(2),
        np.maximum(ratio, 1 / ratio),
        votes,
        _median(one, flow01, count0),
        _median(other, flow10, count1),
        touch,
    )


def dense(one: Drawing, other: Drawing) -> tuple[Flow, Flow]:
    """Flow both ways, [H, W, 2], on grey mixed with the distance to lines."""
    height, width = one.labels.shape
    half = height * width > LARGE_PX
    pictures = []
    for drawing in (one, other):
        grey = np.asarray(cv2.cvtColor(drawing.rgb, cv2.COLOR_RGB2GRAY), np.uint8)
        mixed = slope_to_lines(grey, drawing.line, REACH_PX)
        if half:
            mixed = np.asarray(
                cv2.resize(mixed, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.uint8
            )
        pictures.append(mixed)
    search = dense_search(finest=1 if not half else 0)
    flows = search_around(pictures[0], pictures[1], global_shift(pictures[0], pictures[1]), search)
    if not half:
        return flows
    scale = np.array([width / pictures[0].shape[1], height / pictures[0].shape[0]], np.float32)
    one_way, back = (cv2.resize(flow, (width, height)) * scale for flow in flows)
    return np.asarray(one_way, np.float32), np.asarray(back, np.float32)


def _landing(one: Drawing, other: Drawing, flow: Flow, count: int) -> Floats:
    """[K, count]: how many pixels of paint of each region the flow brings to each of the other key."""
    height, width = one.labels.shape
    y, x = np.nonzero(~one.line)
    to_x = np.rint(x + flow[y, x, 0]).astype(np.int64)
    to_y = np.rint(y + flow[y, x, 1]).astype(np.int64)
    inside = (to_x >= 0) & (to_x < width) & (to_y >= 0) & (to_y < height)
    own = one.labels[y, x][inside].astype(np.int64)
    there = other.labels[to_y[inside], to_x[inside]]
    rows = len(one.regions.area)
    return np.bincount(own * count + there, minlength=rows * count).reshape(rows, count).astype(np.float64)


def _median(drawing: Drawing, flow: Flow, count: int) -> Floats:
    """[K, 2]: the median flow of each region's pixels, every third of a row; of small regions the mean."""
    labels = drawing.labels
    out = np.empty((count, 2))
    some = labels[::3, ::3].reshape(-1)
    area = np.bincount(some, minlength=count)
    middle = (np.cumsum(area) - area + area // 2)[area > 0]
    whole = np.bincount(labels.reshape(-1), minlength=count)
    for axis in (0, 1):
        plane = flow[..., axis]
        out[:, axis] = np.bincount(labels.reshape(-1), plane.reshape(-1), count) / np.maximum(whole, 1)
        values = plane[::3, ::3].reshape(-1)
        out[area > 0, axis] = values[np.lexsort((values, some))[middle]]
    return out


@dataclass(frozen=True, slots=True)
class Matches:
    """Partners both ways, NONE without one; how surely, [0, 1]; how far regions of key 0 seem to go; and
    of which regions of each key hints tell the partner, what lies there included; see `_told_of`.
    """

    partners01: Partners
    partners10: Partners
    sure: Floats
    moves: Floats
    told: tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]


def match(one: Drawing, other: Drawing, seen: Evidence, hints: Hints | None = None) -> Matches:
    """Settle which region is which."""
    from scipy.optimize import linear_sum_assignment

    allowed = (seen.colour <= COLOUR) & (seen.ratio <= AREAS)
    forced = np.zeros(allowed.shape, np.bool_)
    told = _told(one, other, hints, allowed, forced) if hints is not None else None
    centre0, centre1 = one.regions.centre, other.regions.centre
    same = (one.regions.box[:, None] == other.regions.box[None]).all(2) & (seen.ratio == 1)
    size = np.sqrt(np.minimum(one.regions.area[:, None], other.regions.area[None])) + 8.0
    base = (
        UNLIKE * seen.looks
        + seen.colour / COLOUR
        + 0.3 * np.log(seen.ratio)
        - UNSEEN * seen.votes
        - UNMOVED * same
    )
    moves = seen.moves0 if told is None else _toward(seen.moves0, told, centre0)
    partners, cost = np.full(len(centre0), NONE), np.zeros(allowed.shape)
    recalled, rounds = np.zeros(allowed.shape, np.bool_), 0
    for _ in range(ROUNDS + RECALLS):
        away = np.linalg.norm(centre0[:, None] + moves[:, None] - centre1[None], axis=2) / size
        cost = np.where(allowed, base + AWAY * np.minimum(away, 6), 1e3)
        cost[forced] = -1e2
        left = np.minimum(np.where(recalled, ALONE, cost), ALONE)
        rows, columns = linear_sum_assignment(left)
        good = left[rows, columns] < ALONE
        before, partners = partners, np.full(len(centre0), NONE)
        partners[rows[good]] = columns[good]
        rounds += 1
        if (partners == before).all() or rounds >= ROUNDS:
            stray = _stray(partners, _margin(cost, partners, forced), moves, seen, one, other)
            if not len(stray):
                break
            recalled[stray, partners[stray]] = True
            continue
        moves = _around(partners, centre0, centre1, seen, one, told)
    back = np.full(len(centre1), NONE)
    found = np.flatnonzero(partners >= 0)
    back[partners[found]] = found
    return Matches(partners, back, _margin(cost, partners, forced), moves, _told_of(forced, partners, same))


def _told_of(
    forced: npt.NDArray[np.bool_], partners: Partners, same: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """[K0], [K1]: regions whose partner is told, and what lies just where such a one is in the other key.

    If one of a row is told to go on, the one that comes to lie where it was does not stay either.
    """
    found = np.flatnonzero(partners >= 0)
    told0, told1 = np.asarray(forced.any(1)), np.asarray(forced.any(0))
    count = -1
    while told0.sum() + told1.sum() > count:
        count = told0.sum() + told1.sum()
        told0 = np.asarray(told0 | same[:, told1].any(1))
        told1 = np.asarray(told1 | same[told0].any(0))
        either = np.asarray(told0[found] | told1[partners[found]])
        told0[found], told1[partners[found]] = either, either
    return told0, told1


def _stray(
    partners: Partners, sure: Floats, moves: Floats, seen: Evidence, one: Drawing, other: Drawing
) -> Partners:
    """Tiny regions of key 0 whose partners are elsewhere than everything around them says."""
    from scipy.spatial import cKDTree

    centre0, centre1 = one.regions.centre, other.regions.centre
    known = np.flatnonzero(partners >= 0)
    if len(known) < 3:
        return np.zeros(0, np.int64)
    gone = centre1[partners[known]] - centre0[known]
    near = cKDTree(centre0[known]).query(centre0[known], min(NEAR + 1, len(known)))[1][:, 1:]
    spread = np.median(np.linalg.norm(gone[near] - moves[known][:, None], axis=2), axis=1)
    off = np.linalg.norm(gone - moves[known], axis=1)
    tiny = np.minimum(one.regions.area[known], other.regions.area[partners[known]]) < TINY_PX
    unseen = (seen.votes[known, partners[known]] < SEEN) & (sure[known] < CERTAIN)
    far = STRAY_PX + STRAY_SHARE * np.linalg.norm(moves[known], axis=1)
    return np.asarray(known[tiny & unseen & (off > np.maximum(far, SPREADS * spread))], np.int64)


def _margin(cost: Floats, partners: Partners, forced: npt.NDArray[np.bool_]) -> Floats:
    """[K0]: how much better a match is than the next best of both its regions, 0 to 1."""
    sure = np.zeros(len(partners))
    for i in np.flatnonzero(partners >= 0):
        j = partners[i]
        rivals = np.concatenate([np.delete(cost[i], j), np.delete(cost[:, j], i), [ALONE]])
        sure[i] = 1.0 if forced[i, j] else float(np.clip((rivals.min() - cost[i, j]) / 0.5, 0, 1))
    return sure


def _around(
    partners: Partners, centre0: Floats, centre1: Floats, seen: Evidence, one: Drawing, told: Floats | None
) -> Floats:
    """Where each region goes by its neighbours that are matched: their weighted median, own flow included."""
    from scipy.spatial import cKDTree

    known = np.flatnonzero(partners >= 0)
    moves = seen.moves0.copy()
    if not len(known):
        return moves
    gone = centre1[partners[known]] - centre0[known]
    trust = 1 / (1 + np.log(seen.ratio[known, partners[known]]) * 4)
    tree = cKDTree(centre0[known])
    near = tree.query(centre0, min(NEAR + 1, len(known)))[1].reshape(len(centre0), -1)
    where = np.full(len(centre0), -1)
    where[known] = np.arange(len(known))
    for i in range(len(centre0)):
        touching = where[np.flatnonzero(seen.touch0[i])]
        group = np.unique(np.concatenate([near[i], touching[touching >= 0]]))
        group = group[known[group] != i]
        if not len(group):
            continue
        reach = np.linalg.norm(centre0[known[group]] - centre0[i], axis=1)
        weight = trust[group] / (1 + reach / (20 + np.sqrt(one.regions.area[i])))
        values = np.concatenate([gone[group], seen.moves0[i : i + 1]])
        weight = np.concatenate([weight, [0.7]])
        moves[i] = [_weighted_median(values[:, axis], weight) for axis in (0, 1)]
    return moves if told is None else _toward(moves, told, centre0)


def _weighted_median(values: Floats, weight: Floats) -> float:
    order = np.argsort(values)
    total = np.cumsum(weight[order])
    return float(values[order[np.searchsorted(total, 0.5 * total[-1])]])


def _told(
    one: Drawing,
    other: Drawing,
    hints: Hints,
    allowed: npt.NDArray[np.bool_],
    forced: npt.NDArray[np.bool_],
) -> Floats | None:
    """Write hints into what may be matched and what must; give places and moves that were told, [N, 4]."""
    height, width = one.labels.shape
    hints.check(height, width)

    def at(drawing: Drawing, place: tuple[float, float]) -> int:
        return int(drawing.labels[round(place[1]), round(place[0])])

    moves = [(*a, b[0] - a[0], b[1] - a[1]) for a, b in hints.points]
    for stroke0, stroke1 in hints.strokes:
        moves += [(*a, b[0] - a[0], b[1] - a[1]) for a, b in zip(along(stroke0), along(stroke1), strict=True)]
    for first, second in hints.points:
        i, j = at(one, first), at(other, second)
        if allowed[i, j]:
            force(allowed, forced, i, j)
    for first, second in hints.regions:
        i, j = at(one, first), at(other, second)
        force(allowed, forced, i, j)
        gone = other.regions.centre[j] - one.regions.centre[i]
        moves.append((*one.regions.centre[i], *gone))
    for first, second in hints.apart:
        i, j = at(one, first), at(other, second)
        if forced[i, j]:
            raise InputError(f"hints say that {first} and {second} are each other, and that they are not.")
        allowed[i, j] = False
    for place in hints.disappears:
        if forced[at(one, place)].any():
            raise InputError(f"hints say where {place} goes, and that it disappears.")
        allowed[at(one, place)] = False
    for place in hints.appears:
        if forced[:, at(other, place)].any():
            raise InputError(f"hints say where {place} comes from, and that it appears.")
        allowed[:, at(other, place)] = False
    return np.array(moves, np.float64) if moves else None


def force(allowed: npt.NDArray[np.bool_], forced: npt.NDArray[np.bool_], i: int, j: int) -> None:
    """Let i and j be each other's only choice; what was forced before stands."""
    if forced[i].any() or forced[:, j].any():
        return
    allowed[i], allowed[:, j] = False, False
    allowed[i, j] = forced[i, j] = True


def along(stroke: tuple[tuple[float, float], ...], count: int = 8) -> list[tuple[float, float]]:
    """So many places along a polyline, evenly, both ends included."""
    points = np.array(stroke, np.float64)
    length = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    wanted = np.linspace(0, length[-1], count)
    x, y = (np.interp(wanted, length, points[:, axis]) for axis in (0, 1))
    return list(zip(x.tolist(), y.tolist(), strict=True))


def _toward(moves: Floats, told: Floats, centre: Floats) -> Floats:
    """Moves bent towards those that were told, the more the nearer."""
    reach = np.linalg.norm(centre[:, None] - told[None, :, :2], axis=2)
    weight = np.exp(-((reach / 80) ** 2))
    total = weight.sum(1, keepdims=True)
    mean = (weight[..., None] * told[None, :, 2:]).sum(1) / np.maximum(total, 1e-9)
    share = np.minimum(total, 1)
    return np.asarray(moves * (1 - share) + mean * share)
