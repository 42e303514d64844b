"""The picture at t: regions of the nearer key laid by their motions, and its lines on top.

For each pixel it is found which pixel of which key it shows. Paint that is hidden in the nearer key and comes
out is looked for in the other one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from nakawari.models.cel.bare import filling
from nakawari.models.cel.inking import hard_lines, lay_lines, pixels_at
from nakawari.models.cel.lay import boxes_at, lay_regions, meet, tables
from nakawari.models.cel.mix import lay_over, look_up, only_touching
from nakawari.models.cel.motions import Places
from nakawari.models.cel.passing import NOISE
from nakawari.ops.lines import nearest_outside
from nakawari.ops.regions import label_regions

if TYPE_CHECKING:
    from nakawari.models.cel.plan import Plan

Labels = npt.NDArray[np.int32]
Shares = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

CRUMB_PX, CRUMB_SHARE = 30, 0.15
"""A piece of a region that lines cut off, of at most so many pixels and such a share, is no part of it."""
ELSE = 18
"""What differs in a channel (0-255) by more than this is something else, however noisy a picture is."""
TORN_PX = 0.25
"""Neighbours whose places in the keys are off by more than this are of parts that move apart."""


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
    share: Shares
    moving: Mask


@dataclass(frozen=True, slots=True)
class _Laid:
    """Regions at t.

    Attributes:
        label: [H, W], of the nearer key, -2 where it shows nothing.
        beneath: [H, W], of the other key, where that filled.
        key: [H, W] uint8, which key shows. place: [H, W, 2], the place in it.
    """

    label: Labels
    beneath: Labels
    key: npt.NDArray[np.uint8]
    place: Shares


def mixture(plan: Plan, t: float) -> Mixture:
    """What the picture at t is made of."""
    nearer = 0 if t < 0.5 else 1
    laid = _regions(plan, t, nearer)
    height, width = laid.label.shape
    strips = lay_lines(plan, t, nearer, laid.label, laid.key != nearer)
    pixels, same = plan.both, _same(plan)
    count0 = len(plan.keys[0].regions.area)
    owner = np.where(laid.key == nearer, laid.label, laid.beneath) + laid.key * np.int32(count0)
    whole, area = _wholes(plan, same, owner)
    key, (rows, columns) = laid.key.astype(np.intp), pixels_at(laid.place, height, width)
    crumbs = pixels.bits[key, rows, columns].reshape(-1)
    if plan.hard:
        line, ink = hard_lines(plan, t, strips)
        source = pixels.paint[key, rows, columns]
        specks, nearest = specks_of(whole, line, area)
        new = ~crumbs[specks]
        source.reshape(-1)[specks[new]] = source.reshape(-1)[nearest[new]]
        made = np.where(line, ink, source)
        moving = plan.passing[source] | _lines_move(plan, strips.hit, line)
        return Mixture(made, made, np.zeros((height, width), np.float32), _stirred(plan, moving))
    first, second = (np.empty((height, width), np.int32) for _ in range(2))
    share, cover = (np.zeros((height, width), np.float32) for _ in range(2))
    look_up(
        pixels.rgb, pixels.inked, pixels.paint, pixels.labels, count0, same, owner, laid.place,
        first, second, share,
    )  # fmt: skip
    _mix_where_torn(plan, t, nearer, laid, owner, first, second, share)
    specks, nearest = specks_of(whole, strips.rim <= 0, area)
    new = ~crumbs[specks]
    for each in (first, second, share):
        each.reshape(-1)[specks[new]] = each.reshape(-1)[nearest[new]]
    moving = plan.passing[first] | plan.passing[second]
    lay_over(
        pixels.rgb, pixels.coverage, pixels.paint, pixels.ink, len(plan.lines[0].strokes.place),
        strips.hit, strips.place, first, second, share, cover,
    )  # fmt: skip
    moving = _stirred(plan, moving | _lines_move(plan, strips.hit, cover > 0))
    _keep_what_stays(plan, nearer, moving, first, second, share)
    return Mixture(first, second, share, moving)


def _regions(plan: Plan, t: float, nearer: int) -> _Laid:
    shape = plan.keys[0].labels.shape
    motions = plan.found.motions
    layers: list[tuple[Labels, Shares]] = []
    for key in (nearer, 1 - nearer):
        drawing = plan.keys[key]
        shown = np.full(shape, -1, np.int32)
        if layers:
            shown[layers[0][0] >= 0] = -2
        place = np.zeros((*shape, 2), np.float32)
        motion = plan.found.motion1 if key else plan.found.motion0
        lay_regions(
            np.ascontiguousarray(plan.orders[key][::-1]), motion,
            boxes_at(motions, motion, drawing.regions.box.astype(np.float64) + _ALL_LINES, t, bool(key)),
            tables(motions, t), motions.grid, motions.first, motions.bends(t), bool(key),
            drawing.labels, shown, place,
        )  # fmt: skip
        layers.append((shown, place))
    (label, place), (beneath, other) = layers
    gap = label < 0
    place[gap] = other[gap]
    which = np.where(gap, 1 - nearer, nearer).astype(np.uint8)
    holes, nearest = filling(plan, nearer, label, beneath, place)
    for picture in (label, beneath, which):
        picture.reshape(-1)[holes] = picture.reshape(-1)[nearest]
    place.reshape(-1, 2)[holes] = place.reshape(-1, 2)[nearest]
    return _Laid(label, beneath, which, place)


_ALL_LINES = np.array([-4.0, -4.0, 4.0, 4.0])
"""Boxes of paint, grown by what lines around it may add."""


def _mix_where_torn(
    plan: Plan,
    t: float,
    nearer: int,
    laid: _Laid,
    owner: Labels,
    first: Labels,
    second: Labels,
    share: Shares,
) -> None:
    """Smoothed edges between parts that move apart, changed in place."""
    count0 = len(plan.keys[0].regions.area)
    torn = np.zeros(owner.shape, np.bool_)
    steps = (((slice(1, None),), (slice(None, -1),), (0, 1)), (np.s_[:, 1:], np.s_[:, :-1], (1, 0)))
    for here, before, step in steps:
        apart = np.abs(laid.place[here] - laid.place[before] - np.array(step, np.float32)).max(2) > TORN_PX
        apart = (apart | (laid.key[here] != laid.key[before])) & (owner[here] != owner[before])
        torn[here] |= apart
        torn[before] |= apart
    pixels = np.flatnonzero(torn)
    if not len(pixels):
        return
    rank = np.concatenate([_ranks(plan.orders[0]), _ranks(plan.orders[1])])
    behind = slice(count0) if nearer else slice(count0, None)
    rank[behind] += len(rank)
    motions = plan.found.motions
    one, other = (source.reshape(-1)[pixels] for source in (first, second))
    some = share.reshape(-1)[pixels]
    meet(
        pixels, owner, rank, _same(plan), np.concatenate([plan.found.motion0, plan.found.motion1]),
        plan.both.labels, np.array([count0]),
        tables(motions, t), motions.grid, motions.first, motions.bends(t),
        plan.both.rgb, plan.both.inked, plan.both.paint, one, other, some,
    )  # fmt: skip
    first.reshape(-1)[pixels], second.reshape(-1)[pixels], share.reshape(-1)[pixels] = one, other, some
    only_touching(plan.both.rgb, *share.shape, first, second, share)


def _keep_what_stays(
    plan: Plan, nearer: int, moving: Mask, first: Labels, second: Labels, share: Shares
) -> None:
    """What nothing surely passes is in place, though noise makes it differ: else passers-by leave crumbs."""
    apart = cv2.absdiff(plan.keys[0].rgb, plan.keys[1].rgb).max(2)
    here = np.flatnonzero((apart <= NOISE) & ~moving)
    own = (here + nearer * moving.size).astype(np.int32)
    one, other = (plan.both.rgb[each.reshape(-1)[here]].astype(np.float32) for each in (first, second))
    drawn = one + share.reshape(-1)[here, None] * (other - one)
    else_drawn = np.abs(drawn - plan.both.rgb[own]).max(1, initial=0) > ELSE
    for each in (first, second):
        each.reshape(-1)[here[else_drawn]] = own[else_drawn]


def _same(plan: Plan) -> Places:
    """[K0 + K1]: a number for each region of both keys, one for partners."""
    partners = plan.matches.partners10
    count0 = len(plan.matches.partners01)
    return np.concatenate(
        [np.arange(count0), np.where(partners >= 0, partners, count0 + np.arange(len(partners)))]
    )


def _wholes(plan: Plan, same: Places, owner: Labels) -> tuple[Labels, Places]:
    """[H, W], one number for partners, of the regions of both keys that show; and the larger area of each."""
    area = np.zeros(len(same), np.int64)
    np.maximum.at(area, same, np.concatenate([key.regions.area for key in plan.keys]))
    return same[owner].astype(np.int32), area


def _ranks(order: Places) -> Places:
    """[K]: how many regions are in front of each."""
    rank = np.empty(len(order), np.int64)
    rank[order[::-1]] = np.arange(len(order))
    return rank


def _lines_move(plan: Plan, hit: Labels, line: Mask) -> Mask:
    """Pixels of lines that surely move."""
    moves = np.concatenate([lines.moves & lines.met for lines in plan.lines] + [np.zeros(1, np.bool_)])
    passed = moves[hit].astype(np.uint8)
    return (cv2.dilate(passed, np.ones((7, 7), np.uint8)) > 0) & line


def _stirred(plan: Plan, moving: Mask) -> Mask:
    """What moves, what both keys show although it stays in neither, and what a rough leads away."""
    first, second = np.split(plan.passing, 2)
    moving = moving | (first & second).reshape(moving.shape)
    return moving if plan.stirred is None else moving | plan.stirred


def specks_of(label: Labels, line: Mask, area: Places) -> tuple[Places, Places]:
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
