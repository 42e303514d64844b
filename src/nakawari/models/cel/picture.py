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
from nakawari.models.cel.lay import boxes_at, lay_regions, lay_strokes, meet, tables
from nakawari.models.cel.lines import turns, windowed
from nakawari.models.cel.mix import lay_over, look_up, only_touching
from nakawari.models.cel.motions import Floats, Places
from nakawari.ops.lines import nearest_outside
from nakawari.ops.regions import label_regions

if TYPE_CHECKING:
    from nakawari.models.cel.plan import Plan

Labels = npt.NDArray[np.int32]
Shares = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

SEEN_PX = 2
"""A line is visible where a region beside it shows within this many pixels."""
CRUMB_PX, CRUMB_SHARE = 30, 0.15
"""A piece of a region that lines cut off, of at most so many pixels and such a share, is no part of it."""
MIDDLE_PX, THIN_PX = 0.5, 0.8
"""A hard line is at least this far to either side of its middle; one of a smaller half-width is no wider."""
HARD_BEYOND, SOFT_BEYOND = 0.75, 1.5
"""How much of what is around a line comes along with it, pixels: its own edge."""
PIECE = 0.7
"""Share of the vertices around one of which the other key has to show, so that it is shown."""
TORN_PX = 0.6
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
class _Strips:
    """Lines at t, with what is around them.

    Attributes:
        hit: [H, W], the vertex that each pixel is at, those of key 0 first; -1: none.
        place: [H, W, 2], the place in its key.
        rim, away: [H, W], pixels out of its rim, and from its middle.
    """

    hit: Labels
    place: Shares
    rim: Shares
    away: Shares


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
    strips = _strokes(plan, t, nearer, laid)
    pixels, area = plan.both, plan.keys[nearer].regions.area
    if plan.hard:
        line, ink = _hard_lines(plan, strips)
        source = pixels.paint[laid.key.astype(np.intp), *_pixels(laid.place)]
        specks, nearest = _specks(laid.label, line, area)
        source.reshape(-1)[specks] = source.reshape(-1)[nearest]
        made = np.where(line, ink, source)
        moving = plan.passing[source] | _lines_move(plan, strips.hit, line)
        return Mixture(made, made, np.zeros((height, width), np.float32), _stirred(plan, moving))
    first, second = (np.empty((height, width), np.int32) for _ in range(2))
    share, cover = (np.zeros((height, width), np.float32) for _ in range(2))
    count0 = len(plan.keys[0].regions.area)
    owner = np.where(laid.key == nearer, laid.label, laid.beneath) + laid.key * np.int32(count0)
    look_up(
        pixels.rgb, pixels.inked, pixels.paint, pixels.labels, count0, owner, laid.place, first, second, share
    )
    _mix_where_torn(plan, t, nearer, laid, owner, first, second, share)
    specks, nearest = _specks(laid.label, strips.rim <= 0, area)
    for each in (first, second, share):
        each.reshape(-1)[specks] = each.reshape(-1)[nearest]
    moving = plan.passing[first] | plan.passing[second]
    lay_over(
        pixels.rgb, pixels.coverage, pixels.paint, pixels.ink, len(plan.lines[0].strokes.place),
        strips.hit, strips.place, first, second, share, cover,
    )  # fmt: skip
    moving |= _lines_move(plan, strips.hit, cover > 0)
    return Mixture(first, second, share, _stirred(plan, moving))


def _pixels(place: Shares) -> tuple[Places, Places]:
    """Rows and columns of the pixels at places [..., 2] inside the picture."""
    height, width = place.shape[:2]
    at = np.floor(place + 0.5).astype(np.int64)
    return at[..., 1].clip(0, height - 1), at[..., 0].clip(0, width - 1)


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
        pixels, owner, rank, np.concatenate([plan.found.motion0, plan.found.motion1]), plan.both.labels,
        np.array([count0]), tables(motions, t), motions.grid, motions.first, motions.bends(t),
        plan.both.paint, one, other, some,
    )  # fmt: skip
    first.reshape(-1)[pixels], second.reshape(-1)[pixels], share.reshape(-1)[pixels] = one, other, some
    only_touching(plan.both.rgb, *share.shape, first, second, share)


def _ranks(order: Places) -> Places:
    """[K]: how many regions are in front of each."""
    rank = np.empty(len(order), np.int64)
    rank[order[::-1]] = np.arange(len(order))
    return rank


def _strokes(plan: Plan, t: float, nearer: int, laid: _Laid) -> _Strips:
    height, width = laid.label.shape
    rim, away = (np.full((height, width), np.inf, np.float32) for _ in range(2))
    hit = np.full((height, width), -1, np.int32)
    place = np.zeros((height, width, 2), np.float32)
    gap = laid.key != nearer
    for key in (nearer, 1 - nearer):
        moving = plan.lines[key]
        if not len(moving.strokes):
            continue
        at = moving.at(plan.found.motions, t)
        if key == nearer:
            drawn = _visible(at, moving.sides, laid.label)
        else:  # what comes out from behind is a piece of line, not a dot in every seam
            drawn = ~moving.met & _inside(at, gap)
            drawn &= windowed(drawn.astype(np.float64), moving.strokes) > PIECE
        strokes = moving.strokes
        origin = strokes.place.astype(np.float64)
        lay_strokes(
            at, origin, turns(strokes, at), strokes.radius.astype(np.float64), strokes.start, drawn,
            HARD_BEYOND if plan.hard else SOFT_BEYOND, key * len(plan.lines[0].strokes.place),
            rim, away, hit, place,
        )  # fmt: skip
    return _Strips(hit, place, rim, away)


def _hard_lines(plan: Plan, strips: _Strips) -> tuple[Mask, Labels]:
    """Where lines are, and their ink: that of the key, moved; and the middle, so that none is torn."""
    hit, size = strips.hit, strips.hit.size
    radius = np.concatenate([lines.strokes.radius for lines in plan.lines])
    if not len(radius):
        return np.zeros(hit.shape, np.bool_), hit
    key = (hit >= len(plan.lines[0].strokes.place)).astype(np.intp)
    rows, columns = _pixels(strips.place)
    half = radius[np.maximum(hit, 0)]
    there = (hit >= 0) & (
        1.5 * (_between(plan.both.outline, key, strips.place) - 0.5) + (half - strips.away) > 0
    )
    there &= (half > THIN_PX) | (strips.away <= np.maximum(half, MIDDLE_PX))
    middle = (hit >= 0) & (strips.away <= MIDDLE_PX)
    pixel = (key * size + rows * hit.shape[1] + columns).astype(np.int32)
    return there | middle, np.where(
        plan.both.line[key, rows, columns], pixel, plan.both.ink[np.maximum(hit, 0)]
    )


def _between(pictures: Shares, key: Places, place: Shares) -> Shares:
    """Values of pictures [2, H, W] at places [H, W, 2] of the keys [H, W], bilinear."""
    height, width = place.shape[:2]
    x, y = place[..., 0].clip(0, width - 1), place[..., 1].clip(0, height - 1)
    left, above = x.astype(np.intp), y.astype(np.intp)
    right, below = np.minimum(left + 1, width - 1), np.minimum(above + 1, height - 1)
    fx, fy = x - left, y - above
    upper = pictures[key, above, left] * (1 - fx) + pictures[key, above, right] * fx
    lower = pictures[key, below, left] * (1 - fx) + pictures[key, below, right] * fx
    return np.asarray(upper * (1 - fy) + lower * fy)


def _lines_move(plan: Plan, hit: Labels, line: Mask) -> Mask:
    """Pixels of lines that surely move."""
    moves = np.concatenate([lines.moves & lines.met for lines in plan.lines] + [np.zeros(1, np.bool_)])
    passed = moves[hit].astype(np.uint8)
    return (cv2.dilate(passed, np.ones((7, 7), np.uint8)) > 0) & line


def _stirred(plan: Plan, moving: Mask) -> Mask:
    """What moves, and what a rough leads away from where both keys have it."""
    return moving if plan.stirred is None else moving | plan.stirred


def _visible(at: Floats, sides: Places, label: Labels) -> Mask:
    """Vertices beside which one of their regions shows."""
    height, width = label.shape
    near = np.rint(at).astype(np.int64)
    seen = np.zeros(len(at), np.bool_)
    for dy in range(-SEEN_PX, SEEN_PX + 1):
        for dx in range(-SEEN_PX, SEEN_PX + 1):
            y, x = (near[:, 1] + dy).clip(0, height - 1), (near[:, 0] + dx).clip(0, width - 1)
            there = label[y, x]
            seen |= (there == sides[:, 0]) | (there == sides[:, 1])
    return seen


def _inside(at: Floats, mask: Mask) -> Mask:
    height, width = mask.shape
    near = np.rint(at).astype(np.int64)
    inside = (near[:, 0] >= 0) & (near[:, 1] >= 0) & (near[:, 0] < width) & (near[:, 1] < height)
    return np.asarray(inside & mask[near[:, 1].clip(0, height - 1), near[:, 0].clip(0, width - 1)])


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
