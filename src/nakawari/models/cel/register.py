"""How a matched region moves: its outline laid onto its partner's, first as a whole, then bent.

An outline is the borders that a region has with others. A border that lies between two regions belongs on the
border between their partners, so outlines slide little and corners find corners. Where a region is partly
hidden its border is that of what is in front: such borders fit the motion of the one in front, and that is
also how it is known who is in front.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nakawari.models.cel.closest import lay_bent, lay_whole, nearest_mean, steady
from nakawari.models.cel.drawing import Drawing
from nakawari.models.cel.matching import NONE, Flow, Matches
from nakawari.models.cel.motions import Floats, Motions, Places, lay_grids, still
from nakawari.models.cel.witness import Witness
from nakawari.ops.regions import contacts

Labels = npt.NDArray[np.int32]

MOST_POINTS = 140
"""Of an outline that take part."""
MET_PX, SWEEPS = 0.05, 4
"""A pinned place is met when it is this near to where it was told to go; passes with bumps of one width."""


@dataclass(frozen=True, slots=True)
class Outline:
    """Borders between regions of one key: [N, 2] places between pixels, sorted by the region whose they are.

    Attributes:
        place: (x, y).
        other: [N], the region beyond.
        start: [K + 1], where each region's points begin.
    """

    place: Floats
    other: Places
    start: Places


def outline(labels: Labels, count: int) -> Outline:
    """All borders; each is there twice, once for either side."""
    found = []
    for axis in (0, 1):
        one = labels[:, :-1] if axis == 0 else labels[:-1]
        next_one = labels[:, 1:] if axis == 0 else labels[1:]
        y, x = np.nonzero(one != next_one)
        place = np.empty((len(x), 2))
        steady(labels, x, y, axis == 1, place)
        a, b = one[y, x].astype(np.int64), next_one[y, x].astype(np.int64)
        found += [(place, a, b), (place, b, a)]
    place, own, other = (np.concatenate(parts) for parts in zip(*found, strict=True))
    order = np.argsort(own, kind="stable")
    start = np.searchsorted(own[order], np.arange(count + 1))
    return Outline(np.ascontiguousarray(place[order]), np.ascontiguousarray(other[order]), start)


@dataclass(slots=True)
class Registered:
    """Motions of all regions.

    Attributes:
        motions: one for each region of key 0, in their order.
        motion0, motion1: [K0], [K1], the motion of each region.
        front0, front1: {(i, j): pixels} for regions that touch: how much better their border fits the
            motion of i; above 0: i is in front.
        fit: [K0], pixels: how far from its partner's outline that of a region ends, mean.
        given: [K0] bool: the motion is taken from a neighbour.
    """

    motions: Motions
    motion0: Places
    motion1: Places
    front0: dict[tuple[int, int], float]
    front1: dict[tuple[int, int], float]
    fit: Floats
    given: npt.NDArray[np.bool_]


def register(
    one: Drawing, other: Drawing, matches: Matches, flow: Flow, pins: Floats | None = None
) -> Registered:
    """Lay every matched region onto its partner.

    Args:
        one, other: the keys.
        matches: which region is which.
        flow: [H, W, 2], dense search from `one` to `other`.
        pins: [N, 4], places of key 0 (x, y) and how far they go: they are met.
    """
    count0, count1 = len(one.regions.area), len(other.regions.area)
    lines0, lines1 = outline(one.labels, count0), outline(other.labels, count1)
    partners = matches.partners01
    kind0 = np.where(lines0.other >= 0, partners[lines0.other], NONE)
    weight = np.ones(len(lines0.place))
    ground = one.ground
    motions = still(count0)
    fit = np.full(count0, np.inf)
    witness = Witness(one, other, partners)
    for turn in range(2):
        for i in np.flatnonzero(partners >= 0).tolist():
            if turn and (weight[lines0.start[i] : lines0.start[i + 1]] == 1).all():
                continue
            _lay(
                i, int(partners[i]), one, other, lines0, lines1, kind0, weight, matches, motions, fit, ground
            )
        if turn:
            witness.ask(flow, motions, fit)
            witness.join(motions, fit)
        front = _front(lines0, motions, partners, fit, lines1, kind0, ground)
        if turn == 0:
            weight = _own(lines0, front)
    motion0, given = _inherit(one, partners, motions, ground)
    boxes = np.stack([np.concatenate([one.regions.box[:, :2], one.regions.box[:, 2:]], 1)])[0]
    motions.grid, motions.first = lay_grids(boxes)
    motions.bend = np.zeros((int((motions.grid[:, 3] * motions.grid[:, 4]).sum()), 2))
    motions.sag = np.zeros_like(motions.bend)
    for i in np.flatnonzero((partners >= 0) & ~ground).tolist():
        _bend(i, int(partners[i]), lines0, lines1, kind0, weight, motions, fit)
    witness.straighten(motions)
    if pins is not None:
        _pin(one, motions, motion0, pins)
    motion1 = _of_second(other, matches, motion0, motions)
    back = {(int(partners[i]), int(partners[j])): v for (i, j), v in front.items()
            if partners[i] >= 0 and partners[j] >= 0}  # fmt: skip
    return Registered(motions, motion0, motion1, front, back, fit, given)


def _some(start: int, end: int) -> Places:
    step = max(1, (end - start) // MOST_POINTS)
    return np.arange(start, end, step)


def _lay(
    i: int, j: int, one: Drawing, other: Drawing, lines0: Outline, lines1: Outline, kind0: Places,
    weight: Floats, matches: Matches, motions: Motions, fit: Floats, ground: npt.NDArray[np.bool_],
) -> None:  # fmt: skip
    some = _some(int(lines0.start[i]), int(lines0.start[i + 1]))
    there = _some(int(lines1.start[j]), int(lines1.start[j + 1]))
    gone = other.regions.centre[j] - one.regions.centre[i]
    still_there = (one.regions.box[i] == other.regions.box[j]).all() and bool(np.abs(gone).max() == 0)
    if still_there or ground[i] or len(some) < 3 or len(there) < 3:
        motions.linear[i] = 0
        motions.shift[i] = 0 if ground[i] else gone
        fit[i] = 0
        return
    starts = np.stack([gone, matches.moves[i]])
    if fit[i] < np.inf:
        starts = np.concatenate([starts, motions.shift[i : i + 1]])
    log, shift, error = lay_whole(
        lines0.place[some], kind0[some], weight[some], lines1.place[there], lines1.other[there], starts
    )
    motions.linear[i], motions.shift[i], fit[i] = log, shift, error


def _front(
    lines0: Outline, motions: Motions, partners: Places, fit: Floats, lines1: Outline, kind0: Places,
    ground: npt.NDArray[np.bool_],
) -> dict[tuple[int, int], float]:  # fmt: skip
    """For pairs of matched regions that touch: whose motion leads their border to their partners' border."""
    found: dict[tuple[int, int], float] = {}
    misses: dict[tuple[int, int], float] = {}
    for i in np.flatnonzero(partners >= 0).tolist():
        a, b = int(lines0.start[i]), int(lines0.start[i + 1])
        c, d = int(lines1.start[partners[i]]), int(lines1.start[partners[i] + 1])
        others = np.unique(lines0.other[a:b])
        for j in others[partners[others] >= 0].tolist():
            mine = a + np.flatnonzero(lines0.other[a:b] == j)[:: max(1, (b - a) // MOST_POINTS)]
            theirs = c + np.flatnonzero(lines1.other[c:d] == partners[j])
            if len(mine) < 3 or len(theirs) < 3:
                continue
            moved = _laid(lines0.place[mine], motions.linear[i], motions.shift[i])
            misses[i, j] = float(nearest_mean(moved, lines1.place[theirs]))
    for (i, j), miss in misses.items():
        if (j, i) in misses:
            found[i, j] = misses[j, i] - miss
            if ground[i] != ground[j]:
                found[i, j] = 9.0 if ground[j] else -9.0
    return found


def _laid(place: Floats, log: Floats, shift: Floats) -> Floats:
    """Places under one similarity."""
    moved = (place[:, 0] + 1j * place[:, 1]) * np.exp(log[0] + 1j * log[1]) + complex(*shift)
    return np.stack([moved.real, moved.imag], 1)


def _own(lines0: Outline, front: dict[tuple[int, int], float]) -> Floats:
    """[N]: how much a point of a border belongs to the region, not to what is in front of it."""
    owner = np.repeat(np.arange(len(lines0.start) - 1), np.diff(lines0.start))
    weight = np.ones(len(owner))
    for (i, j), better in front.items():
        if better < -1.0:
            a, b = int(lines0.start[i]), int(lines0.start[i + 1])
            weight[a:b][lines0.other[a:b] == j] = 0.05
    return weight


def _inherit(
    one: Drawing, partners: Places, motions: Motions, ground: npt.NDArray[np.bool_]
) -> tuple[Places, npt.NDArray[np.bool_]]:
    """The motion of each region: its own, or that of the neighbour with the longest border to it."""
    motion = np.where(partners >= 0, np.arange(len(partners)), NONE)
    given = partners < 0
    pairs, length = contacts(one.labels, len(partners))
    # a background says little about what is before it
    length = np.where(ground[pairs[:, 1]], length * 0.2, length) if len(pairs) else length
    for _ in range(8):
        open_ = motion < 0
        if not open_.any():
            break
        use = open_[pairs[:, 0]] & (motion[pairs[:, 1]] >= 0)
        if not use.any():
            break
        order = np.lexsort((length[use], pairs[use, 0]))
        own, near = pairs[use][order].T
        motion[own] = motion[near]  # the last one written has the longest border
    return np.where(motion < 0, np.arange(len(partners)), motion), given


def _of_second(other: Drawing, matches: Matches, motion0: Places, motions: Motions) -> Places:
    partners = matches.partners10
    motion = np.where(partners >= 0, motion0[np.maximum(partners, 0)], NONE)
    pairs, length = contacts(other.labels, len(partners))
    ground = other.ground
    length = np.where(ground[pairs[:, 1]], length * 0.2, length) if len(pairs) else length
    for _ in range(8):
        use = (motion[pairs[:, 0]] < 0) & (motion[pairs[:, 1]] >= 0)
        if not use.any():
            break
        order = np.lexsort((length[use], pairs[use, 0]))
        own, near = pairs[use][order].T
        motion[own] = motion[near]
    return np.where(motion < 0, 0, motion)


def _bend(
    i: int, j: int, lines0: Outline, lines1: Outline, kind0: Places, weight: Floats, motions: Motions,
    fit: Floats,
) -> None:  # fmt: skip
    """What is left between the laid outline and the partner's, smoothed along it and spread inwards."""
    some = _some(int(lines0.start[i]), int(lines0.start[i + 1]))
    a, b = int(lines1.start[j]), int(lines1.start[j + 1])
    there = np.arange(a, b, max(1, (b - a) // (4 * MOST_POINTS)))
    if len(some) < 8 or len(there) < 8 or (fit[i] == 0 and not motions.shift[i].any()):
        return
    first, end = int(motions.first[i]), int(motions.first[i] + motions.grid[i, 3] * motions.grid[i, 4])
    left = lay_bent(
        lines0.place[some], kind0[some], weight[some], lines1.place[there], lines1.other[there],
        motions.linear[i], motions.shift[i], motions.grid[i], motions.bend[first:end],
    )  # fmt: skip
    fit[i] = left


def _pin(one: Drawing, motions: Motions, motion0: Places, pins: Floats) -> None:
    """Bend motions so that pinned places go where they were told, those of one motion together.

    Wide bumps first, which take what is around along, then narrower ones for what is left.
    """
    at = np.rint(pins[:, :2]).astype(np.int64)
    by = motion0[one.labels[at[:, 1], at[:, 0]]]
    for m in np.unique(by).tolist():
        own = pins[by == m]
        left, top, step, across, down = motions.grid[m]
        a, b = int(motions.first[m]), int(motions.first[m] + across * down)
        knots = np.stack(
            np.meshgrid(left + step * np.arange(int(across)), top + step * np.arange(int(down))), 2
        ).reshape(-1, 1, 2)
        back = np.exp(-(motions.linear[m, 0] + 1j * motions.linear[m, 1]))
        reach = max(1.5 * step, 0.2 * step * max(across, down))
        while True:
            bumps = np.exp(-((np.linalg.norm(knots - own[None, :, :2], axis=2) / reach) ** 2))
            felt = _at_places(bumps, motions.grid[m], own[:, :2])
            for _ in range(SWEEPS):
                here = motions.at(np.full(len(own), m), own[:, :2], 1.0)
                miss = own[:, :2] + own[:, 2:] - here
                if np.hypot(*miss.T).max() < MET_PX:
                    break
                turned = (miss[:, 0] + 1j * miss[:, 1]) * back
                wanted = np.stack([turned.real, turned.imag], 1)
                share, *_ = np.linalg.lstsq(felt, wanted, rcond=0.05)
                motions.bend[a:b] += bumps @ share
            if reach <= step or np.hypot(*miss.T).max() < MET_PX:
                break
            reach = max(step, reach / 2)


def _at_places(bumps: Floats, grid: Floats, places: Floats) -> Floats:
    """[N, K]: what each of K bumps, [knots, K], is worth at N places, by the interpolation between knots."""
    left, top, step, across, down = grid
    u = np.clip((places[:, 0] - left) / step, 0, across - 1)
    v = np.clip((places[:, 1] - top) / step, 0, down - 1)
    i, j = (np.minimum(x.astype(np.int64), int(n) - 2) for x, n in ((u, across), (v, down)))
    du, dv, wide = (u - i)[:, None], (v - j)[:, None], int(across)
    first = j * wide + i
    above = (1 - du) * bumps[first] + du * bumps[first + 1]
    below = (1 - du) * bumps[first + wide] + du * bumps[first + wide + 1]
    return np.asarray((1 - dv) * above + dv * below)
