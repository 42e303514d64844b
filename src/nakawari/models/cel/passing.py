"""Which pixels of the keys surely go somewhere, so that they may cover what is the same in both keys."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from nakawari.models.cel.drawing import Drawing
from nakawari.models.cel.lines import Moving
from nakawari.models.cel.matching import COLOUR
from nakawari.models.cel.motions import Motions
from nakawari.models.cel.register import Registered
from nakawari.ops.regions import label_regions

Bytes = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.int32]
Mask = npt.NDArray[np.bool_]

BETTER = 0.5
"""What a region's motion leaves unexplained, of what is unexplained if it stays, when it surely moves."""
NOISE = 6
"""Keys whose channels (0-255) differ by no more show the same."""
CHANCE_PX, CHANGED_AROUND = 200, 0.6
"""Pieces of one colour that are the same in both keys, of at most so many pixels and with more than such a
share of their surroundings changed, are the same by chance."""


def passing(
    keys: tuple[Drawing, Drawing],
    found: Registered,
    lines: tuple[Moving, Moving],
    vertex: Labels,
    led: tuple[Mask, Mask],
) -> Mask:
    """[2·H·W], for each pixel of key 0, then of key 1, row by row: whether it surely moves.

    A pixel of a line does if its stroke does: where both keys are equal around it, a stroke stays. Of paint,
    its region's motion explains the other key far better than that the region stays, and it was itself seen
    to leave or to arrive: the keys differ at one end of its way at least. A still gradient that a motion
    shears, or the frame around a picture, does neither. What is the same in both keys by chance moves too,
    and so does a region of which a hint tells where it goes: that another like it comes to lie where it was
    (the next of a row, the next spoke) is no sign that it stays.

    Args:
        keys, found, lines: the drawings, and how their regions and strokes move.
        led: [K0], [K1], regions that hints send elsewhere.
        vertex: [2, H, W], the vertex of the strokes of its key that a pixel is at; -1: paint.
    """
    height, width = keys[0].labels.shape
    chance = by_chance(keys[0].rgb, keys[1].rgb).reshape(-1)
    changed = (keys[0].rgb != keys[1].rgb).any(2).reshape(-1)
    moves = moving(found.motions)
    both = []
    for own, other, motion, hinted, second in (
        (keys[0], keys[1], found.motion0, led[0], False),
        (keys[1], keys[0], found.motion1, led[1], True),
    ):
        surely = np.zeros(height * width, np.bool_)
        pixels = np.flatnonzero(moves[motion][own.labels.reshape(-1)])
        labels = own.labels.reshape(-1)[pixels]
        row, column = np.divmod(pixels, width)
        goes = found.motions.origin if second else found.motions.at
        place = np.stack([column, row], 1).astype(np.float64)
        at = np.rint(goes(motion[labels], place, 1.0)).astype(np.int64)
        inside = (at[:, 0] >= 0) & (at[:, 1] >= 0) & (at[:, 0] < width) & (at[:, 1] < height)
        goal = at[:, 1].clip(0, height - 1) * width + at[:, 0].clip(0, width - 1)
        colours = own.rgb.reshape(-1, 3)[pixels].astype(np.int16)
        there = other.rgb.reshape(-1, 3)
        if_still, if_gone = (_unlike(colours, there[to]) for to in (pixels, goal))
        if_gone[~inside] = if_still[~inside]
        better = np.bincount(labels, if_gone) < BETTER * np.bincount(labels, if_still)
        surely[pixels] = (changed[pixels] | changed[goal]) & better[labels]
        surely[pixels] |= hinted[labels]
        of_line = vertex[int(second)].reshape(-1)
        inked = np.flatnonzero(of_line >= 0)
        surely[inked] = lines[int(second)].moves[of_line[inked]]
        both.append(surely | chance)
    return np.concatenate(both)


def by_chance(rgb0: Bytes, rgb1: Bytes) -> Mask:
    """[H, W]: where two keys [H, W, 3] are the same, but next to nothing around is.

    Such are places in which lines of both keys cross, or dark paint of one lies over that of the other.
    """
    same = cv2.absdiff(rgb0, rgb1).max(2) <= NOISE
    piece, count = label_regions(rgb0, 0, same)
    size = np.bincount(piece[same], minlength=count)
    beside, beside_changed = np.zeros(count), np.zeros(count)
    height, width = same.shape
    small = np.zeros(same.shape, np.bool_)
    small[same] = size[piece[same]] <= CHANCE_PX
    y, x = np.nonzero(small)
    own = piece[y, x]
    for dy, dx in ((-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1)):
        v, u = y + dy, x + dx
        inside = np.flatnonzero((v >= 0) & (v < height) & (u >= 0) & (u < width))
        v, u, of = v[inside], u[inside], own[inside]
        other = ~same[v, u] | (piece[v, u] != of)
        beside += np.bincount(of, other, count)
        beside_changed += np.bincount(of, ~same[v, u], count)
    small[y, x] = (beside_changed > CHANGED_AROUND * beside)[own]
    return small


def moving(motions: Motions) -> Mask:
    """[M]: which motions are one, and not none."""
    bends = np.maximum.reduceat(np.abs(motions.bend).max(1), motions.first)
    return np.asarray(motions.linear.any(1) | motions.shift.any(1) | (bends > 0))


def _unlike(one: npt.NDArray[np.int16], other: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """How other the paint is, [N]; beyond COLOUR no more."""
    apart = np.abs(one - other)
    most = np.maximum(np.maximum(apart[:, 0], apart[:, 1]), apart[:, 2])
    return np.asarray(np.minimum(most, COLOUR), np.float32)
