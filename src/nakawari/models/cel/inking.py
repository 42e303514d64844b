"""Lines at t: strips of the keys that go along with their strokes, and which pixels of hard strips are line.

A hard line tells its edge only in whole pixels, but both keys drew it, in different places on their pixels.
So its outline is the mean of both keys', the nearer one counting more, looked up to a part of a pixel. Line
pixels that are in no strip (dark corners between strokes, hatching) go along with the nearest stroke, and so
do bits of paint between lines: teeth, fingers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from nakawari.models.cel.drawing import Drawing
from nakawari.models.cel.lay import lay_strokes
from nakawari.models.cel.lines import turns, windowed
from nakawari.models.cel.motions import Floats, Places

if TYPE_CHECKING:
    from nakawari.models.cel.plan import Plan

Labels = npt.NDArray[np.int32]
Shares = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

SEEN_PX = 2
"""A line is visible where a region beside it shows within this many pixels."""
MIDDLE_PX, TORN = 0.5, 0.2
"""So near to its middle a line is not torn, where more than this share of what is looked up there is line."""
HARD_BEYOND, SOFT_BEYOND = 0.75, 1.5
"""How much of what is around a line comes along with it, pixels: its own edge."""
LOOSE_PX = 3.0
"""So far out of the rim of a stroke, line pixels that are in no strip go along with it."""
PIECE = 0.7
"""Share of the vertices around one of which the other key has to show, so that it is shown."""
OUTLINE_SIGMA = 0.5
"""Pixels: hard outlines are known to a part of a pixel after this much smoothing. Pixels of lines keep more
than a half, others less."""
SMOOTHED, SMOOTHED_PX = 0.2, 0.1
"""How much, midway between the keys, the width of a stroke counts beside what its pixels are, which jitter;
and by how much of a pixel that width, a mean over whole pixels, is too small at its rim."""
SEEN_THERE = 0.4
"""Mean outline of the other key along a stroke from which it is believed to show that stroke."""


@dataclass(frozen=True, slots=True)
class Strips:
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

    @classmethod
    def none(cls, height: int, width: int) -> Strips:
        """No lines."""
        return cls(
            np.full((height, width), -1, np.int32),
            np.zeros((height, width, 2), np.float32),
            *(np.full((height, width), np.inf, np.float32) for _ in range(2)),
        )


def outline(line: Mask) -> Shares:
    """[H, W]: more than a half where a line is, and smooth across its edge."""
    return np.asarray(cv2.GaussianBlur(line.astype(np.float32), (0, 0), OUTLINE_SIGMA), np.float32)


def strips_of(key: Drawing, beyond: float) -> Strips:
    """The lines of a key as they are, with so much `beyond` their rims."""
    strips = Strips.none(*key.labels.shape)
    if len(key.strokes):
        place = key.strokes.place.astype(np.float64)
        _lay(strips, key, place, np.ones(len(place), np.bool_), 0, beyond)
    return strips


def _lay(strips: Strips, key: Drawing, at: Floats, drawn: Mask, number: int, beyond: float) -> None:
    strokes = key.strokes
    lay_strokes(
        at, strokes.place.astype(np.float64), turns(strokes, at), strokes.radius.astype(np.float64),
        strokes.start, drawn, beyond, number, strips.rim, strips.away, strips.hit, strips.place,
    )  # fmt: skip


def lay_lines(plan: Plan, t: float, nearer: int, label: Labels, gap: Mask) -> Strips:
    """Lines at t.

    Args:
        plan, t: of which pair, and when.
        nearer: the key whose lines are laid.
        label: [H, W], the regions of that key that show.
        gap: [H, W], where the other key shows, with its own lines.
    """
    strips = Strips.none(*label.shape)
    for key in (nearer, 1 - nearer):
        moving = plan.lines[key]
        if not len(moving.strokes):
            continue
        at = moving.at(plan.found.motions, t)
        if key == nearer:
            drawn = _visible(at, moving.sides, label)
        else:  # what comes out from behind is a piece of line, not a dot in every seam
            drawn = ~moving.met & _inside(at, gap)
            drawn &= windowed(drawn.astype(np.float64), moving.strokes) > PIECE
        number = key * len(plan.lines[0].strokes.place)
        _lay(strips, plan.keys[key], at, drawn, number, LOOSE_PX)
    far = (strips.hit >= 0) & (strips.rim > (HARD_BEYOND if plan.hard else SOFT_BEYOND))
    rows, columns = np.nonzero(far)
    key_of = (strips.hit[far] >= len(plan.lines[0].strokes.place)).astype(np.intp)
    stays = ~plan.both.loose[key_of, *pixels_at(strips.place[far], *far.shape)]
    strips.hit[rows[stays], columns[stays]] = -1
    return strips


def hard_lines(plan: Plan, t: float, strips: Strips) -> tuple[Mask, Labels]:
    """[H, W]: where lines are, and the pixels of both keys end to end that are their ink."""
    hit, size = strips.hit, strips.hit.size
    many = len(plan.lines[0].strokes.place)
    if not len(plan.both.ink):
        return np.zeros(hit.shape, np.bool_), hit
    rows, columns = np.nonzero(hit >= 0)
    vertex, place = hit[rows, columns], strips.place[rows, columns].astype(np.float64)
    key = (vertex >= many).astype(np.intp)
    own = between(plan.both.outline, key, place)
    there, weight = _elsewhere(plan, t, vertex, np.stack([columns, rows], 1).astype(np.float64))
    outlined = own + weight * (between(plan.both.outline, 1 - key, there) - own)
    radius = np.concatenate([lines.strokes.radius for lines in plan.lines])[vertex] + SMOOTHED_PX
    inside = (radius - strips.away[rows, columns]).clip(-1, 1)
    outlined += SMOOTHED * 2 * min(t, 1 - t) * inside
    drawn = (outlined > 0.5) | (
        (strips.away[rows, columns] <= MIDDLE_PX) & (between(plan.both.line, key, place) > TORN)
    )
    line, ink = np.zeros(hit.shape, np.bool_), np.zeros(hit.shape, np.int32)
    row, column = pixels_at(place, *hit.shape)
    bits = plan.both.bits[key, row, column]
    drawn |= (strips.rim[rows, columns] > HARD_BEYOND) | bits
    line[rows, columns] = drawn
    pixel = key * size + row * hit.shape[1] + column
    ink[rows, columns] = np.where(plan.both.line[key, row, column] | bits, pixel, plan.both.ink[vertex])
    return line, ink


def _elsewhere(plan: Plan, t: float, vertex: Labels, at: Floats) -> tuple[Floats, Floats]:
    """For places `at` [N, 2] in strips at t: the place in the other key, and how much that key counts."""
    there, weight = np.zeros_like(at), np.zeros(len(at))
    for key in (0, 1):
        moving, first = plan.lines[key], key * len(plan.lines[0].strokes.place)
        some = np.flatnonzero((vertex >= first) & (vertex < first + len(moving.met)))
        if not len(some):
            continue
        now, then = (moving.at(plan.found.motions, float(when)) for when in (t, 1 - key))
        turn_now, turn_then = (turns(moving.strokes, each) for each in (now, then))
        n = vertex[some] - first
        off = (at[some] - now[n]) @ np.array([1, 1j])
        turn = (turn_now[n] @ np.array([1, 1j])) * (turn_then[n] @ np.array([1, -1j]))
        off *= turn
        there[some] = then[n] + np.stack([off.real, off.imag], 1)
        seen = between(plan.both.outline, np.full(len(then), 1 - key), then)
        sure = moving.met & (windowed(seen, moving.strokes) > SEEN_THERE)
        weight[some] = sure[n] * (1 - t if key else t)
    return there, weight


def between(pictures: Shares | Mask, key: Places, place: Floats) -> Floats:
    """[N]: values of pictures [2, H, W] at places [N, 2] of the keys [N], bilinear."""
    height, width = pictures.shape[1:]
    x, y = place[:, 0].clip(0, width - 1), place[:, 1].clip(0, height - 1)
    left, above = x.astype(np.intp), y.astype(np.intp)
    right, below = np.minimum(left + 1, width - 1), np.minimum(above + 1, height - 1)
    fx, fy = x - left, y - above
    upper = pictures[key, above, left] * (1 - fx) + pictures[key, above, right] * fx
    lower = pictures[key, below, left] * (1 - fx) + pictures[key, below, right] * fx
    return np.asarray(upper * (1 - fy) + lower * fy)


def pixels_at(place: npt.NDArray[np.floating], height: int, width: int) -> tuple[Places, Places]:
    """Rows and columns of the pixels at places [..., 2] inside a picture."""
    at = np.floor(place + 0.5).astype(np.int64)
    return at[..., 1].clip(0, height - 1), at[..., 0].clip(0, width - 1)


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
