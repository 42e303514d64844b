"""Which pixels of the keys surely go somewhere, so that they may cover what is the same in both keys."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from nakawari.models.cel.drawing import Drawing
from nakawari.models.cel.lines import Moving
from nakawari.models.cel.matching import COLOUR
from nakawari.models.cel.motions import Motions
from nakawari.models.cel.register import Registered

Labels = npt.NDArray[np.int32]
Mask = npt.NDArray[np.bool_]

BETTER = 0.5
"""What a region's motion leaves unexplained, of what is unexplained if it stays, when it surely moves."""


def passing(
    keys: tuple[Drawing, Drawing], found: Registered, lines: tuple[Moving, Moving], vertex: Labels
) -> Mask:
    """[2·H·W], for each pixel of key 0, then of key 1, row by row: whether it surely moves.

    A pixel of a line does if its stroke does: where both keys are equal around it, a stroke stays. Of paint,
    its region's motion explains the other key far better than that the region stays, and it was itself seen
    to leave or to arrive: the keys differ at one end of its way at least. A still gradient that a motion
    shears, or the frame around a picture, does neither.

    Args:
        keys, found, lines: the drawings, and how their regions and strokes move.
        vertex: [2, H, W], the vertex of the strokes of its key that a pixel is at; -1: paint.
    """
    height, width = keys[0].labels.shape
    changed = (keys[0].rgb != keys[1].rgb).any(2).reshape(-1)
    moves = _moving(found.motions)
    both = []
    for own, other, motion, second in (
        (keys[0], keys[1], found.motion0, False),
        (keys[1], keys[0], found.motion1, True),
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
        of_line = vertex[int(second)].reshape(-1)
        inked = np.flatnonzero(of_line >= 0)
        surely[inked] = lines[int(second)].moves[of_line[inked]]
        both.append(surely)
    return np.concatenate(both)


def _moving(motions: Motions) -> Mask:
    """[M]: motions that are none are left out."""
    bends = np.maximum.reduceat(np.abs(motions.bend).max(1), motions.first)
    return np.asarray(motions.linear.any(1) | motions.shift.any(1) | (bends > 0))


def _unlike(one: npt.NDArray[np.int16], other: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """How other the paint is, [N]; beyond COLOUR no more."""
    apart = np.abs(one - other)
    most = np.maximum(np.maximum(apart[:, 0], apart[:, 1]), apart[:, 2])
    return np.asarray(np.minimum(most, COLOUR), np.float32)
