"""Drawing at t: the motions that a pixel may have (`candidates.py`), each as much as it can be believed.

Where one is certain it is taken alone. Where none is, each counts by the inverse square of its cost: a sharp
edge between guesses is a tear that no drawing has, and a guess of small weight keeps a limb that the best one
leaves out. Where all around is lost, guesses are worth nothing: both keys are shown as they stand, one fading
into the other, or one of them.
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
from nakawari.ops.following import lookup
from nakawari.ops.gather import Numbers, believe

Mask = npt.NDArray[np.bool_]

SURE = 200.0
"""Disagreement (sum of three channels, 0-255, both kinds together) below which a motion is certain."""
CERTAIN = 16.0
"""Cost below which the best motion is taken alone; at twice that much, all count as they can be believed."""
FADES, STANDS = (80.0, 240.0), (30.0, 60.0)
"""Cost of the best motion, around a pixel, from which motion begins to be lost, and is wholly: where keys
fade into one another, and where one stands. A smear is at first nearer to the truth than a fade, but never as
sharp as one key."""
NO_HELP, SOME_HELP = 0.35, 0.1
"""Share of the cost of no motion that is left: such motion is no help, and such motion is right all the same
(the cost is of light, or of grain)."""
UNLIKE = 12.0
"""Difference of the keys beside the light (sum of three channels) from which one key may stand; at twice that
much it stands wholly."""
SURROUNDINGS = 31
"""Side of the box over which it counts whether all is lost, pixels."""
SLIGHT = 20.0
"""Differences of cost below this hardly count."""
COVERED, CREVICE = 0.1, 7
"""Landed share from which something surely passes; and side, in pixels, of gaps in that which are none."""
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
        doubts, costs, shares: [K, h, w], of each; see `Candidates.judge`.
        best: [h, w], the number of the cheapest.
        least: [h, w], its cost.
        unsure: [h, w], from 0, where that is certain, to 1.
    """

    doubts: Floats
    costs: Floats
    shares: Floats
    best: Numbers
    least: Floats
    unsure: Floats

    @staticmethod
    def of(candidates: Candidates) -> Judged:
        """Judge all of them."""
        count, size = len(candidates.motions), candidates.rgb0.shape[:2]
        doubts, costs, shares = (np.empty((count, *size), np.float32) for _ in range(3))
        for k in range(count):
            doubts[k], costs[k], shares[k] = candidates.judge(k)
        best = cheapest(costs)
        least = taken(costs[:, None], best)[0]
        unsure = cv2.blur(((least - CERTAIN) / CERTAIN).clip(0, 1), (WINDOW, WINDOW))
        return Judged(doubts, costs, shares, best, least, np.asarray(unsure, np.float32))

    def weights(self) -> Floats:
        """The weights of a `Choice`, [K, 2, h, w], by the rule."""
        return believe(self.costs, self.best, self.unsure, SLIGHT, self.shares)

    def lost(self, begins: float, wholly: float) -> Floats:
        """How much motion is lost, [h, w], 0 to 1: by what the best motion and no motion cost, all around.

        `begins`, `wholly`: one of `FADES` and `STANDS`.
        """
        best, none = (_around(cost) for cost in (self.least, self.costs[-1]))
        costly = ((best - begins) / (wholly - begins)).clip(0, 1)
        no_help = ((best / np.maximum(none, 1) - SOME_HELP) / (NO_HELP - SOME_HELP)).clip(0, 1)
        return np.asarray(costly * no_help, np.float32)


def by_agreement(candidates: Candidates, judged: Judged, lost: Floats, second: float) -> Choice:
    """Each candidate as much as its agreement around each pixel lets it be believed.

    Args:
        candidates: what may be at t.
        judged: what is thought of them.
        lost: [h, w], 0 to 1, where motion is lost and the keys stand.
        second: share of key 1 there.
    """
    weights = judged.weights()
    if lost.any():
        standing(weights, lost, second)
    motion = taken(candidates.motions, judged.best)
    cover = cover_of(candidates, motion, taken(judged.doubts[:, None], judged.best)[0] < SURE)
    cover |= (judged.unsure == 1) & specks(candidates)
    return Choice(candidates.motions, candidates.bends(), weights, cover)


def stands(candidates: Candidates, judged: Judged) -> Floats:
    """Where one key is to stand at all times of a pair, [h, w], 0 to 1.

    Motion is lost there though both keys should show it, and they differ by more than light: a ground that
    brightens must not wait.

    Args:
        candidates, judged: of half way.
    """
    flow = np.ascontiguousarray(candidates.motions[-1].transpose(1, 2, 0))
    shown = lookup(candidates.rgb0, flow, -0.5), lookup(candidates.rgb1, flow, 0.5)
    apart = np.asarray(cv2.subtract(*shown, dtype=cv2.CV_32F), np.float32)
    unlike = _around(np.abs(apart - _around(apart)).sum(2))
    share = taken(judged.shares[:, None], judged.best)[0]
    alone = np.abs(2 * share - 1)  # half way both keys have half a share
    lost = judged.lost(*STANDS) * (1 - alone)
    return np.asarray(lost * (unlike / UNLIKE - 1).clip(0, 1), np.float32)


def _around(values: Floats) -> Floats:
    """The mean over the surroundings of each pixel."""
    return np.asarray(cv2.blur(values, (SURROUNDINGS, SURROUNDINGS)), np.float32)


def standing(weights: Floats, lost: Floats, second: float) -> None:
    """Where motion is lost, let the keys stand, in place.

    Args:
        weights: [K, 2, h, w] of a `Choice`, changed; the last candidate is no motion, or the global shift.
        lost: [h, w], 0 to 1.
        second: share of key 1.
    """
    weights *= 1 - lost
    weights[-1, 0] += (1 - second) * lost
    weights[-1, 1] += second * lost


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
    return closed((candidates.moving > COVERED) | (agrees & moves))


def closed(cover: Mask) -> Mask:
    """Without small gaps: where a figure passes, single pixels of the paper behind it do not show."""
    kernel = np.ones((CREVICE, CREVICE), np.uint8)
    return np.asarray(cv2.morphologyEx(cover.view(np.uint8), cv2.MORPH_CLOSE, kernel) > 0)


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
