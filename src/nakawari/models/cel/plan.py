"""All about a pair that does not depend on t."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt

from nakawari.models.cel.drawing import Drawing
from nakawari.models.cel.guide import follow_guide
from nakawari.models.cel.hints import Hints
from nakawari.models.cel.inking import HARD_BEYOND, LOOSE_PX, SOFT_BEYOND, outline, strips_of
from nakawari.models.cel.lines import Moving, follow
from nakawari.models.cel.matching import Evidence, Matches, along, gather, match
from nakawari.models.cel.motions import Floats, Places
from nakawari.models.cel.passing import moving, passing
from nakawari.models.cel.picture import Mixture, mixture, specks_of
from nakawari.models.cel.register import Registered, register
from nakawari.ops.strokes import CONTRAST

Bytes = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.int32]
Mask = npt.NDArray[np.bool_]

LEAST_TURN = 0.03
"""Radians: paths that are to turn by less stay as they are."""
BIT_PX = 16
FRINGE_PX, FAINT = 2, 0.05
"""So far around a line, what it covers by more than this share is its smoothed edge."""


@dataclass(frozen=True, slots=True)
class Both:
    """The pixels of both keys, end to end: key 0, then key 1, row by row.

    Attributes:
        rgb: [2·H·W, 3], 0-255.
        labels: [2, H, W], regions, each counted in its own key.
        paint: [2, H, W], the nearest pixel of paint.
        coverage: [2, H, W], how much lines cover.
        line, inked: [2, H, W], pixels of lines; and of their edges.
        outline: [2, H, W], more than a half where a line is, and smooth across its edge.
        loose, bits: [2, H, W], pixels of lines that are in no strip; and of crumbs and regions of at most
            BIT_PX, which go along with lines beside them.
        ink: the pixel of each vertex of strokes.
        vertex: [2, H, W], the vertex of its key's strokes that each pixel of lines is at; -1: none.
    """

    rgb: Bytes
    labels: Labels
    paint: Labels
    coverage: npt.NDArray[np.float32]
    line: Mask
    outline: npt.NDArray[np.float32]
    inked: Mask
    loose: Mask
    bits: Mask
    ink: Labels
    vertex: Labels


def both(one: Drawing, other: Drawing, hard: bool) -> Both:
    """Two keys of one size, end to end."""
    keys, size = (one, other), np.int32(one.labels.size)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * FRINGE_PX + 1, 2 * FRINGE_PX + 1))
    line = np.stack([key.line for key in keys])
    near = np.stack([cv2.dilate(one.astype(np.uint8), disc) > 0 for one in line])
    coverage = np.stack([np.where(fringe, _unmixed(key), 0) for key, fringe in zip(keys, near, strict=True)])
    coverage = np.maximum(coverage, np.stack([key.coverage for key in keys]) * near).astype(np.float32)
    inked = line | (coverage > FAINT)
    lined, beyond = line if hard else inked, HARD_BEYOND if hard else SOFT_BEYOND
    strips = [strips_of(key, LOOSE_PX) for key in keys]
    small = np.stack([key.regions.area[key.labels] <= BIT_PX for key in keys])
    return Both(
        np.concatenate([key.rgb.reshape(-1, 3) for key in keys]),
        np.stack([key.labels for key in keys]),
        np.stack([one.paint, other.paint + size]),
        coverage,
        line,
        np.stack([outline(one) for one in line]),
        inked,
        np.stack([pixels & (own.rim > beyond) for pixels, own in zip(lined, strips, strict=True)]),
        np.stack([_crumbs(key) for key in keys]) | (small & ~line),
        np.concatenate([one.ink, other.ink + size]),
        np.stack([np.where(pixels, own.hit, -1) for pixels, own in zip(lined, strips, strict=True)]),
    )


def _crumbs(key: Drawing) -> Mask:
    """[H, W]: what `specks_of` finds in the key itself."""
    found = np.zeros(key.labels.shape, np.bool_)
    found.reshape(-1)[specks_of(key.labels, key.line, key.regions.area)[0]] = True
    return found


def _unmixed(key: Drawing) -> npt.NDArray[np.float32]:
    """[H, W]: how much darkest ink beside each pixel is mixed with the paint nearest to it."""
    colour = key.rgb.astype(np.float32)
    paint = colour.reshape(-1, 3)[key.paint]
    ink = cv2.erode(key.rgb, np.ones((5, 5), np.uint8), borderType=cv2.BORDER_REPLICATE).astype(np.float32)
    way = ink - paint
    share = ((colour - paint) * way).sum(2) / np.maximum((way * way).sum(2), CONTRAST**2)
    return np.asarray(share.clip(0, 1), np.float32)


@dataclass(slots=True)
class Plan:
    """A pair, understood.

    Attributes:
        keys, both: the drawings, each by itself, and end to end.
        seen, matches, found: evidence, partners, motions.
        lines: strokes of both keys in motion.
        orders: regions of each key from back to front.
        passing: [2·H·W], pixels of both keys end to end that surely move.
        led: [K0], [K1] bool, regions that hints send elsewhere.
        hard: whether the result has hard edges.
        guide: a rough and its time, that paths pass; see `guide.py`.
        lifted: [K0], [K1] bool, regions that it leads off their chords.
        stirred: [H, W], where something is in a key that it leads so.
    """

    keys: tuple[Drawing, Drawing]
    both: Both
    seen: Evidence
    matches: Matches
    found: Registered
    lines: tuple[Moving, Moving]
    orders: tuple[Places, Places]
    passing: Mask
    led: tuple[Mask, Mask]
    hard: bool
    guide: tuple[Bytes, float] | None = None
    lifted: tuple[Mask, Mask] | None = None
    stirred: Mask | None = None
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
        if self.guide is not None:  # what an arc tells already, it need not tell
            follow_guide(self, *self.guide)

    def mixture(self, t: float) -> Mixture:
        """What the picture at t is made of; the last one is remembered."""
        if t not in self.last:
            self.last = {t: mixture(self, t)}
        return self.last[t]


def understand(
    one: Drawing, other: Drawing, hard: bool, hints: Hints | None = None, seen: Evidence | None = None
) -> Plan:
    """Find out all about a pair."""
    seen = gather(one, other) if seen is None else seen
    matches = match(one, other, seen, hints)
    pins = None if hints is None else pins_of(hints)
    found = register(one, other, matches, seen.flow01, pins)
    turned = None if pins is None else np.concatenate([pins[:, :2] + pins[:, 2:], -pins[:, 2:]], 1)
    goes = moving(found.motions)
    led = (  # background is passed, whatever is told of it
        matches.told[0] & ~one.ground & goes[found.motion0],
        matches.told[1] & ~other.ground & goes[found.motion1],
    )
    lines = (
        follow(one, other, found, seen.flow01, False, led[0], pins),
        follow(other, one, found, seen.flow10, True, led[1], turned),
    )
    pixels = both(one, other, hard)
    plan = Plan(
        (one, other),
        pixels,
        seen,
        matches,
        found,
        lines,
        (back_to_front(one, found.front0), back_to_front(other, found.front1)),
        passing((one, other), found, lines, pixels.vertex, led),
        led,
        hard,
    )
    if hints is not None and hints.guide is not None:
        plan.guide = hints.guide, hints.guide_t
        follow_guide(plan, *plan.guide)
    return plan


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
    ground = drawing.ground
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
