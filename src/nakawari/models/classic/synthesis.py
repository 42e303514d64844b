"""Drawing at t: the motions that a pixel may have (`candidates.py`), each as much as it can be believed.

Where one is certain it is taken alone. Where none is, each counts by the inverse square of its cost: a sharp
edge between guesses is a tear that no drawing has, and a guess of small weight keeps a limb that the best one
leaves out.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from nakawari.models.boxes import unequal
from nakawari.models.classic.candidates import MOVES, WINDOW, Candidates, along
from nakawari.models.classic.motion import Floats, largest
from nakawari.models.classic.sprites import Sprite
from nakawari.ops.gather import Numbers, Views, believe

Mask = npt.NDArray[np.bool_]

SURE = 200.0
"""Disagreement (sum of three channels, 0-255, both kinds together) below which a motion is certain."""
CERTAIN = 16.0
"""Cost below which the best motion is taken alone; at twice that much, all count as they can be believed."""
SLIGHT = 20.0
"""Differences of cost below this hardly count."""
COVERED = 0.1
"""Landed share from which something surely passes."""
SPECK = 300
"""Pixels of a patch below which it may be the same in both keys by chance."""
ALIKE = 0.1
"""Largest difference (range 1) of a sprite's pixel in both keys."""


@dataclass(slots=True)
class Choice:
    """What is drawn at t, at working size.

    Attributes:
        motions: [K, 2, h, w], pixels from key 0 to key 1.
        bends: [K, 2, h, w], how far beside its chord each pixel is; `ALL_STRAIGHT`: nowhere.
        weights: [K, 2, h, w], how much of what key 0 and key 1 show along each; 1 together.
        cover: [h, w], where that is surely the motion of something that moves.
    """

    motions: Floats
    bends: Floats
    weights: Floats
    cover: Mask


@dataclass(slots=True)
class Judged:
    """What is thought of all candidates.

    Attributes:
        doubts, costs: [K, h, w], of each; see `Candidates.judge`.
        best: [h, w], the number of the cheapest.
        least: [h, w], its cost.
        unsure: [h, w], from 0, where that is certain, to 1.
    """

    doubts: Floats
    costs: Floats
    best: Numbers
    least: Floats
    unsure: Floats

    @staticmethod
    def of(candidates: Candidates, views: Views | None = None) -> Judged:
        """Judge all of them; `views` [K, …]: filled in with what both keys show along each."""
        count, size = len(candidates.motions), candidates.rgb0.shape[:2]
        doubts, costs = (np.empty((count, *size), np.float32) for _ in range(2))
        for k in range(count):
            seen = None if views is None else Views(views.colours[k], views.inside[k])
            doubts[k], costs[k] = candidates.judge(k, seen)
        best = cheapest(costs)
        least = taken(costs[:, None], best)[0]
        unsure = cv2.blur(((least - CERTAIN) / CERTAIN).clip(0, 1), (WINDOW, WINDOW))
        return Judged(doubts, costs, best, least, np.asarray(unsure, np.float32))

    def weights(self, t: float) -> Floats:
        """The weights of a `Choice` at t, [K, 2, h, w], by the rule."""
        return believe(self.costs, self.best, self.unsure, SLIGHT, t)


def by_agreement(candidates: Candidates) -> Choice:
    """Each candidate as much as its agreement around each pixel lets it be believed."""
    judged = Judged.of(candidates)
    return chosen(candidates, judged, judged.best, judged.weights(candidates.t))


def chosen(candidates: Candidates, judged: Judged, best: Numbers, weights: Floats) -> Choice:
    """The choice of `weights`, [K, 2, h, w], whose largest are of the candidates `best`, [h, w]."""
    motion = taken(candidates.motions, best)
    cover = cover_of(candidates, motion, taken(judged.doubts[:, None], best)[0] < SURE)
    cover |= (judged.unsure == 1) & specks(candidates)
    return Choice(candidates.motions, candidates.bends(), weights, cover)


def specks(candidates: Candidates) -> Mask:
    """Small patches that are the same in both keys: amid what cannot be followed, by chance."""
    still = ~unequal(candidates.rgb0, candidates.rgb1)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(still.view(np.uint8), connectivity=4)
    small = stats[:, cv2.CC_STAT_AREA] < SPECK
    small[0] = False
    return np.asarray(small[labels])


def cheapest(costs: Floats) -> Numbers:
    """The number of the first of the least of [K, h, w], [h, w]. numpy's own over such an axis is slow."""
    number, least = np.zeros(costs.shape[1:], np.int64), costs[0].copy()
    for k in range(1, len(costs)):
        number[costs[k] < least] = k
        np.minimum(least, costs[k], out=least)
    return number


def taken(rows: Floats, number: Numbers) -> Floats:
    """Of [K, C, h, w], the numbers [h, w], [C, h, w]. numpy's own takes thrice the time."""
    out: Floats = rows[0].copy()
    for k in range(1, len(rows)):
        np.copyto(out, rows[k], where=number == k)
    return out


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
