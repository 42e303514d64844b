"""All about a pair that does not depend on t, and from which pixels the picture at t is made."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt

from nakawari.models.cel.drawing import Drawing
from nakawari.models.cel.hints import Hints
from nakawari.models.cel.lines import Moving, follow
from nakawari.models.cel.matching import Evidence, Matches, along, gather, match
from nakawari.models.cel.motions import Floats, Places
from nakawari.models.cel.paint import boxes_at, draw_strokes, lay_regions, tables
from nakawari.models.cel.passing import passing
from nakawari.models.cel.register import Registered, is_background, register
from nakawari.ops.lines import nearest_outside
from nakawari.ops.regions import label_regions

Labels = npt.NDArray[np.int32]
Mask = npt.NDArray[np.bool_]

FINE = 3
"""Samples along each side of a pixel where edges are smoothed."""
SEEN_PX = 2
"""A line is visible where a region beside it shows within this many pixels."""
LEAST_TURN = 0.03
"""Radians: paths that are to turn by less stay as they are."""
CRUMB_PX, CRUMB_SHARE = 30, 0.15
"""A piece of a region that lines cut off, of at most so many pixels and such a share, is no part of it."""
HARD_LEAST, SOFT_LEAST = 0.5, 0.3
"""Least half-width of a line that is drawn, pixels."""


@dataclass(frozen=True, slots=True)
class Mixture:
    """A picture as pixels of the keys.

    Attributes:
        first, second: [H, W] int32, places in both keys end to end (key 0, then key 1), row by row.
        share: [H, W] float32, how much of `second` there is.
        moving: [H, W] bool, where something that surely moves is.
    """

    first: Labels
    second: Labels
    share: npt.NDArray[np.float32]
    moving: Mask


@dataclass(slots=True)
class Plan:
    """A pair, understood.

    Attributes:
        keys: both drawings.
        seen, matches, found: evidence, partners, motions.
        lines: strokes of both keys in motion.
        order0, order1: regions of each key from back to front.
        passing: [2·H·W], pixels of both keys end to end that surely move.
        hard: whether the result has hard edges.
    """

    keys: tuple[Drawing, Drawing]
    seen: Evidence
    matches: Matches
    found: Registered
    lines: tuple[Moving, Moving]
    order0: Places
    order1: Places
    passing: Mask
    hard: bool
    last: dict[float, Mixture] = field(default_factory=dict)

    def bend(self, turn0: npt.NDArray[np.float32]) -> None:
        """Let regions move along arcs.

        Args:
            turn0: [H, W], radians, by how much the pixels of key 0 turn on their way (`ops.arcs`).

        What a region turns by itself is an arc already; its path is bent by the rest.
        """
        motions, motion = self.found.motions, self.found.motion0
        labels = self.keys[0].labels.reshape(-1)
        area = np.bincount(labels, minlength=len(motion))
        turn = np.bincount(labels, turn0.reshape(-1).astype(np.float64), len(motion)) / np.maximum(area, 1)
        centre = self.keys[0].regions.centre
        own = np.flatnonzero(motion == np.arange(len(motion)))
        gone = motions.at(own, centre[own], 1.0) - centre[own]
        rest = np.clip(turn[own] - motions.linear[own, 1], -np.pi, np.pi)
        across = np.stack([-gone[:, 1], gone[:, 0]], 1) * 2 * np.tan(rest / 4)[:, None]
        across[np.abs(turn[own]) < LEAST_TURN] = 0
        motions.leave[own], motions.arrive[own] = -across, across
        self.last = {}

    def mixture(self, t: float) -> Mixture:
        """What the picture at t is made of; the last one is remembered."""
        if t not in self.last:
            self.last = {t: _mixture(self, t)}
        return self.last[t]


def understand(
    one: Drawing, other: Drawing, hard: bool, hints: Hints | None = None, seen: Evidence | None = None
) -> Plan:
    """Find out all about a pair."""
    seen = gather(one, other) if seen is None else seen
    matches = match(one, other, seen, hints)
    pins = None if hints is None else pins_of(hints)
    found = register(one, other, matches, pins)
    turned = None if pins is None else np.concatenate([pins[:, :2] + pins[:, 2:], -pins[:, 2:]], 1)
    lines = (
        follow(one, other, found, seen.flow01, False, pins),
        follow(other, one, found, seen.flow10, True, turned),
    )
    return Plan(
        (one, other),
        seen,
        matches,
        found,
        lines,
        back_to_front(one, found.front0),
        back_to_front(other, found.front1),
        passing((one, other), found),
        hard,
    )


def pins_of(hints: Hints) -> Floats | None:
    """[N, 4]: places of key 0 whose goal is told, and how far they go."""
    pins = [(*a, b[0] - a[0], b[1] - a[1]) for a, b in hints.points]
    for stroke0, stroke1 in hints.strokes:
        pins += [(*a, b[0] - a[0], b[1] - a[1]) for a, b in zip(along(stroke0), along(stroke1), strict=True)]
    return np.array(pins, np.float64) if pins else None


def back_to_front(drawing: Drawing, front: dict[tuple[int, int], float]) -> Places:
    """Regions in an order in which who is in front comes later; where nothing is known, the smaller later."""
    import heapq

    area = drawing.regions.area
    count = len(area)
    ground = is_background(drawing)
    behind: list[list[int]] = [[] for _ in range(count)]
    waits = np.zeros(count, np.int64)
    for (i, j), better in front.items():
        if better > 1.0:  # i is in front of j
            behind[j].append(i)
            waits[i] += 1
    heap = [(-int(ground[i]), -int(area[i]), i) for i in range(count) if not waits[i]]
    heapq.heapify(heap)
    order: list[int] = []
    done = np.zeros(count, np.bool_)
    while len(order) < count:
        if not heap:  # a circle: the largest of the rest goes first
            rest = np.flatnonzero(~done)
            i = int(rest[np.argmax(area[rest])])
            heap = [(-int(ground[i]), -int(area[i]), i)]
        i = heapq.heappop(heap)[2]
        if done[i]:
            continue
        done[i] = True
        order.append(i)
        for j in behind[i]:
            waits[j] -= 1
            if waits[j] <= 0 and not done[j]:
                heapq.heappush(heap, (-int(ground[j]), -int(area[j]), j))
    return np.array(order, np.int64)


def _mixture(plan: Plan, t: float) -> Mixture:
    nearer = 0 if t < 0.5 else 1
    fine = 1 if plan.hard else FINE
    shown, source, gap = _fills(plan, t, nearer, fine)
    if fine == 1:
        first, second = source, source
        share = np.zeros(source.shape, np.float32)
        label, hole = shown, gap
    else:
        first, second, share = _dominant(source, shown, fine)
        middle = slice(fine // 2, None, fine)
        label, hole = shown[middle, middle], gap[middle, middle]
    label, hole = np.ascontiguousarray(label), np.ascontiguousarray(hole)
    cover, ink, passed = _strokes(plan, t, nearer, label, hole)
    passed |= plan.passing[first] | plan.passing[second]
    specks, nearest = _specks(label, cover > 0.5, plan.keys[nearer].regions.area)
    for source in (first, second):
        source.reshape(-1)[specks] = source.reshape(-1)[nearest]
    share.reshape(-1)[specks] = 0
    return _with_lines(plan, Mixture(first, second, share, passed), cover, ink)


def _fills(plan: Plan, t: float, nearer: int, fine: int) -> tuple[Labels, Labels, Mask]:
    """Regions at t: labels of the nearer key, pixels of both keys end to end, what the other key filled."""
    height, width = plan.keys[0].labels.shape
    size = height * width
    layers: list[tuple[Labels, Labels]] = []
    for key in (nearer, 1 - nearer):
        drawing = plan.keys[key]
        shown = np.full((height * fine, width * fine), -1, np.int32)
        if layers:
            shown[layers[0][0] >= 0] = -2
        source = np.zeros(shown.shape, np.int32)
        motion = plan.found.motion1 if key else plan.found.motion0
        motions = plan.found.motions
        lay_regions(
            np.ascontiguousarray((plan.order1 if key else plan.order0)[::-1]),
            motion,
            boxes_at(motions, motion, drawing.regions.box.astype(np.float64) + _ALL_LINES, t, bool(key)),
            tables(motions, t),
            motions.grid,
            motions.first,
            motions.bend,
            t,
            bool(key),
            fine,
            drawing.labels,
            drawing.paint,
            shown,
            source,
        )
        layers.append((shown, source + np.int32(size * key)))
    (shown, source), (beneath, other) = layers
    gap = shown < 0
    source = np.where(gap, other, source)
    lost = gap & (beneath < 0)
    holes, nearest = nearest_outside(lost)
    flat, labels = source.reshape(-1), shown.reshape(-1)
    flat[holes], labels[holes] = flat[nearest], labels[nearest]
    return shown, source, gap & ~lost


def _specks(label: Labels, line: Mask, area: Places) -> tuple[Places, Places]:
    """Crumbs of regions that lines cut off, and for each of their pixels the nearest one that is none.

    In a key no line cuts a region in two. What lies alone at t is there because a line and the paint beside
    it went two ways by a pixel.
    """
    coded = np.stack([label & 255, label >> 8 & 255, label >> 16 & 255], 2).astype(np.uint8)
    pieces, count = label_regions(coded, 0, ~line)
    size = np.bincount(pieces[~line], minlength=count)
    first = np.zeros(count, np.int64)
    flat = pieces.reshape(-1)
    inside = np.flatnonzero(flat >= 0)
    first[flat[inside]] = label.reshape(-1)[inside]
    whole = area[np.maximum(first, 0)]
    crumb = (size <= CRUMB_PX) & (size < CRUMB_SHARE * whole)
    small = np.zeros(label.shape, np.bool_)
    small.reshape(-1)[inside] = crumb[flat[inside]]
    holes, nearest = nearest_outside(small | line)
    keep = small.reshape(-1)[holes]
    return holes[keep], nearest[keep]


_ALL_LINES = np.array([-4.0, -4.0, 4.0, 4.0])
"""Boxes of paint, grown by what lines around it may add."""


def _dominant(source: Labels, shown: Labels, fine: int) -> tuple[Labels, Labels, npt.NDArray[np.float32]]:
    """The pixel of a key in the middle of each pixel, one of the paint beside it, and the share of that."""
    height, width = source.shape[0] // fine, source.shape[1] // fine
    blocks = (height, fine, width, fine)
    samples, paints = (
        a.reshape(blocks).transpose(0, 2, 1, 3).reshape(height, width, fine * fine) for a in (source, shown)
    )
    middle = paints[..., fine * fine // 2]
    differs = paints != middle[..., None]
    first = samples[..., fine * fine // 2]
    beside = np.take_along_axis(samples, differs.argmax(2)[..., None], 2)[..., 0]
    share = differs.mean(2, dtype=np.float32)
    return first.copy(), np.where(share > 0, beside, first), share


def _strokes(
    plan: Plan, t: float, nearer: int, label: Labels, gap: Mask
) -> tuple[npt.NDArray[np.float32], Labels, Mask]:
    """Cover and ink of all lines at t, and where those are that move."""
    height, width = label.shape
    cover = np.zeros((height, width), np.float32)
    ink = np.zeros((height, width), np.int32)
    passed = np.zeros((height, width), np.uint8)
    least = HARD_LEAST if plan.hard else SOFT_LEAST
    for key in (nearer, 1 - nearer):
        moving = plan.lines[key]
        if not len(moving.strokes):
            continue
        place = moving.at(plan.found.motions, t)
        near = key == nearer
        drawn = _visible(place, moving.sides, label) if near else ~moving.met & _inside(place, gap)
        radius = np.maximum(moving.strokes.radius.astype(np.float64), least)
        source = plan.keys[key].ink + np.int32(height * width * key)
        draw_strokes(place, radius, source, moving.strokes.start, drawn, plan.hard, cover, ink)
        at = np.rint(place[drawn & moving.moves & moving.met]).astype(np.int64)
        passed[at[:, 1].clip(0, height - 1), at[:, 0].clip(0, width - 1)] = 1
    return cover, ink, (cv2.dilate(passed, np.ones((7, 7), np.uint8)) > 0) & (cover > 0)


def _visible(place: Floats, sides: Places, label: Labels) -> Mask:
    """Vertices beside which one of their regions shows."""
    height, width = label.shape
    at = np.rint(place).astype(np.int64)
    seen = np.zeros(len(place), np.bool_)
    for dy in range(-SEEN_PX, SEEN_PX + 1):
        for dx in range(-SEEN_PX, SEEN_PX + 1):
            y, x = (at[:, 1] + dy).clip(0, height - 1), (at[:, 0] + dx).clip(0, width - 1)
            there = label[y, x]
            seen |= (there == sides[:, 0]) | (there == sides[:, 1])
    return seen


def _inside(place: Floats, mask: Mask) -> Mask:
    height, width = mask.shape
    at = np.rint(place).astype(np.int64)
    inside = (at[:, 0] >= 0) & (at[:, 1] >= 0) & (at[:, 0] < width) & (at[:, 1] < height)
    return np.asarray(inside & mask[at[:, 1].clip(0, height - 1), at[:, 0].clip(0, width - 1)])


def _with_lines(plan: Plan, fills: Mixture, cover: npt.NDArray[np.float32], ink: Labels) -> Mixture:
    """Lines laid over paint: instead of it where edges are hard, mixed with it by their cover elsewhere."""
    line = cover > 0
    if plan.hard:
        share = np.where(line, 0, fills.share).astype(np.float32)
        first, second = np.where(line, ink, fills.first), np.where(line, ink, fills.second)
        return Mixture(first, second, share, fills.moving)
    base = np.where(fills.share > 0.5, fills.second, fills.first)
    share = np.where(line, cover, fills.share).astype(np.float32)
    first, second = np.where(line, base, fills.first), np.where(line, ink, fills.second)
    return Mixture(first, second, share, fills.moving)
