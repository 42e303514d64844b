"""Which pixels of the keys surely go somewhere, so that they may cover what is the same in both keys."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from nakawari.models.cel.drawing import Drawing
from nakawari.models.cel.matching import COLOUR
from nakawari.models.cel.register import Registered

Mask = npt.NDArray[np.bool_]

BETTER = 0.5
"""What a region's motion leaves unexplained, of what is unexplained if it stays, when it surely moves."""


def passing(keys: tuple[Drawing, Drawing], found: Registered) -> Mask:
    """[2·H·W], for each pixel of key 0, then of key 1, row by row: whether it surely moves.

    Its region's motion explains the other key far better than that the region stays, and it was itself seen
    to leave or to arrive: the keys differ at one end of its way at least. A still gradient that a motion
    shears, or the frame around a picture, does neither.
    """
    height, width = keys[0].labels.shape
    changed = (keys[0].rgb != keys[1].rgb).any(2).reshape(-1)
    row, column = np.divmod(np.arange(height * width), width)
    place = np.stack([column, row], 1).astype(np.float64)
    both = []
    for own, other, motion, second in (
        (keys[0], keys[1], found.motion0, False),
        (keys[1], keys[0], found.motion1, True),
    ):
        labels = own.labels.reshape(-1)
        goes = found.motions.origin if second else found.motions.at
        at = np.rint(goes(motion[labels], place, 1.0)).astype(np.int64)
        inside = ((at >= 0) & (at < (width, height))).all(1)
        goal = at[:, 1].clip(0, height - 1) * width + at[:, 0].clip(0, width - 1)
        colours = own.rgb.reshape(-1, 3).astype(np.int16)
        there = other.rgb.reshape(-1, 3)
        stays, moves = (_unlike(colours, there[to]) for to in (slice(None), goal))
        moves[~inside] = stays[~inside]
        better = np.bincount(labels, moves) < BETTER * np.bincount(labels, stays)
        both.append((changed | changed[goal]) & better[labels])
    return np.concatenate(both)


def _unlike(one: npt.NDArray[np.int16], other: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """How other the paint is, [N]; beyond COLOUR no more."""
    return np.asarray(np.minimum(np.abs(one - other).max(1), COLOUR), np.float32)
