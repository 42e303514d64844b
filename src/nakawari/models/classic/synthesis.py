"""Drawing at t: of the motions that a pixel may have (`candidates.py`), the one that agrees best wins."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt

from nakawari.models.classic.candidates import MOVES, Candidates, along
from nakawari.models.classic.motion import Floats, largest
from nakawari.models.classic.sprites import Sprite
from nakawari.ops.gather import BY_TIME, keep_better

Mask = npt.NDArray[np.bool_]

SURE = 200.0
"""Disagreement (sum of three channels, 0-255, both kinds together) below which a motion is certain."""
COVERED = 0.1
"""Landed share from which something surely passes."""
ALIKE = 0.1
"""Largest difference (range 1) of a sprite's pixel in both keys."""


@dataclass(slots=True)
class Choice:
    """What is drawn at t, at working size.

    Attributes:
        motion: [2, h, w], pixels from key 0 to key 1.
        bend: [2, h, w], how far beside its chord each pixel is; `STRAIGHT`: nowhere.
        cover: [h, w], where that is surely the motion of something that moves.
        share: [h, w], of key 1; `BY_TIME`: t.
    """

    motion: Floats
    bend: Floats
    cover: Mask
    share: Floats = field(default_factory=lambda: BY_TIME)


def by_agreement(candidates: Candidates) -> Choice:
    """The candidate with the least disagreement around each pixel."""
    size = candidates.evidence.shape[1:]
    best, agrees = np.zeros((2, *size), np.float32), np.zeros(size, np.bool_)
    least = np.full(size, np.inf, np.float32)
    for number, motion in enumerate(candidates.motions):
        doubt, cost = candidates.judge(number)
        keep_better(cost, doubt, motion, SURE, least, best, agrees)
    return Choice(best, candidates.bend(best), cover_of(candidates, best, agrees))


def cover_of(candidates: Candidates, motion: Floats, agrees: Mask) -> Mask:
    """Where something that moves surely passes: it landed there, or it was chosen and agrees."""
    moves = np.maximum(np.abs(motion[0]), np.abs(motion[1])) > MOVES
    return np.asarray((candidates.moving > COVERED) | (agrees & moves))


def enlarge(mask: Mask, height: int, width: int) -> Mask:
    """A mask from working size to picture size."""
    if mask.shape == (height, width):
        return mask
    return np.asarray(cv2.resize(mask.view(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST) > 0)


def lay(picture: Floats, image0: Floats, image1: Floats, sprite: Sprite, t: float) -> Mask:
    """Lay a sprite over `picture` in place; gives the pixels that it covers."""
    height, width = picture.shape[:2]
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP

    whole = np.array(sprite.move, np.float32)
    come = along(whole.reshape(2, 1, 1), sprite.turn, t).reshape(2)

    def put(image: Floats, x: float, y: float) -> Floats:
        place = np.array([[1, 0, x], [0, 1, y]], np.float32)
        return np.asarray(cv2.warpAffine(image, place, (width, height), flags=flags), np.float32)

    masks = sprite.mask0.astype(np.float32), sprite.mask1.astype(np.float32)
    mask = np.maximum(put(masks[0], *-come), put(masks[1], *(whole - come)))
    from0, from1 = put(image0, *-come), put(image1, *(whole - come))
    alpha = (mask * (largest(np.abs(from0 - from1)) < ALIKE))[..., None]
    picture += alpha * ((1 - t) * from0 + t * from1 - picture)
    return np.asarray(alpha[..., 0] > 0)
