"""Drawing at t: several motions are tried at each pixel of the new picture, and the one that agrees wins.

Flow is known at the pixels of the keys, so it is splatted to t first. Each candidate then says, for each
pixel of the new picture, where it came from in key 0 and where it goes in key 1, so both keys can be
looked up there. A true motion shows the same thing in both. That alone is blind in one way: where a thing
passes, the background behind it agrees as well. So a candidate must also agree with what splatting the
colours themselves puts there, which forgets nothing that is in the keys.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from nakawari.models.classic.motion import Bytes, Floats, Look, largest, lookup, returns
from nakawari.models.classic.sprites import Sprite
from nakawari.ops.gather import disagreement, keep_better
from nakawari.ops.landing import Side, land
from nakawari.ops.lines import nearest_outside

Mask = npt.NDArray[np.bool_]

SHARPNESS = 20.0
"""Log-importance lost by a pixel that its flow brings from black to white."""
WINDOW = 5
"""Side of the box over which agreement is averaged, pixels."""
BACKWARD_HANDICAP, STILL_HANDICAP = 3.0, 12.0
"""What a candidate must be better by (sum of three channels, 0-255) than the ones before it."""
SURE = 200.0
"""Disagreement (sum of three channels, 0-255, both kinds together) below which a motion is certain."""
MOVES, TRUSTED, COVERED = 0.2, 0.05, 0.1
"""Pixels of motion, trust of the flow, and landed share from which something surely passes."""
THIN = 1e-3
"""Less landed weight than this is a hole."""
ALIKE = 0.1
"""Largest difference (range 1) of a sprite's pixel in both keys."""


Field = tuple[Side, Side]
"""What both keys push along one flow."""


def trusted(flows: tuple[Floats, Floats], look0: Look, look1: Look) -> Field:
    """Flow in both directions, [H, W, 2], with trust that falls with the difference of what it connects."""
    sides = []
    for own, other, flow, back in ((look0, look1, *flows), (look1, look0, *flows[::-1])):
        apart = cv2.absdiff(own.grey, lookup(other.grey, flow))
        trust = np.exp(apart.astype(np.float32) * np.float32(-SHARPNESS / 255))
        moves = (largest(np.abs(flow)) > MOVES) & returns(flow, back) & (trust > TRUSTED)
        sides.append(Side(own.rgb, flow, trust, moves))
    return sides[0], sides[1]


def choose_motion(
    rgb0: Bytes, rgb1: Bytes, fields: list[Field], shifts: list[tuple[int, int]], t: float
) -> tuple[Floats, Mask]:
    """The motion 0→1 of each pixel of the picture at t.

    Args:
        rgb0, rgb1: [H, W, 3], 0-255, the keys without sprites.
        fields: flow to try; the first splats the evidence too.
        shifts: global motions to try.
        t: between 0 and 1.

    Returns:
        motion [2, H, W], and where it surely is that of something that moves, [H, W].
    """
    candidates: list[tuple[Floats, float]] = []
    size = rgb0.shape[:2]
    landed = [land(side0, side1, t, THIN) for side0, side1 in fields]
    for each in landed:
        holes, nearest = nearest_outside(each.hole)
        for picture in (each.motion, each.colours, each.moving[None]):
            flat = picture.reshape(len(picture), -1)
            flat[:, holes] = flat[:, nearest]
        for motion, handicap in ((each.motion0, 0.0), (each.motion1, BACKWARD_HANDICAP)):
            motion.reshape(2, -1)[:, holes] = each.motion.reshape(2, -1)[:, holes]
            candidates.append((motion, handicap))
    for shift in shifts:
        still = np.empty((2, *size), np.float32)
        still[0], still[1] = shift
        candidates.append((still, STILL_HANDICAP))
    best, agrees = _best(rgb0, rgb1, candidates, landed[0].colours, t)
    moving = np.maximum(np.abs(best[0]), np.abs(best[1])) > MOVES
    return best, (landed[0].moving > COVERED) | (agrees & moving)


def _best(
    rgb0: Bytes, rgb1: Bytes, candidates: list[tuple[Floats, float]], evidence: Floats, t: float
) -> tuple[Floats, Mask]:
    """The candidate with the least disagreement around each pixel, and whether it agrees at the pixel."""
    size = rgb0.shape[:2]
    best, agrees = np.zeros((2, *size), np.float32), np.zeros(size, np.bool_)
    least = np.full(size, np.inf, np.float32)
    for motion, handicap in candidates:
        doubt = disagreement(rgb0, rgb1, motion, evidence, t)
        cost = np.asarray(cv2.blur(doubt, (WINDOW, WINDOW)), np.float32)
        cost += np.float32(handicap)
        keep_better(cost, doubt, motion, SURE, least, best, agrees)
    return best, agrees


def enlarge(mask: Mask, height: int, width: int) -> Mask:
    """A mask from working size to picture size."""
    if mask.shape == (height, width):
        return mask
    return np.asarray(cv2.resize(mask.view(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST) > 0)


def lay(picture: Floats, image0: Floats, image1: Floats, sprite: Sprite, t: float) -> Mask:
    """Lay a sprite over `picture` in place; gives the pixels that it covers."""
    height, width = picture.shape[:2]
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP

    def put(image: Floats, share: float) -> Floats:
        place = np.array([[1, 0, share * sprite.move[0]], [0, 1, share * sprite.move[1]]], np.float32)
        return np.asarray(cv2.warpAffine(image, place, (width, height), flags=flags), np.float32)

    mask = np.maximum(put(sprite.mask0.astype(np.float32), -t), put(sprite.mask1.astype(np.float32), 1 - t))
    from0, from1 = put(image0, -t), put(image1, 1 - t)
    alpha = (mask * (largest(np.abs(from0 - from1)) < ALIKE))[..., None]
    picture += alpha * ((1 - t) * from0 + t * from1 - picture)
    return np.asarray(alpha[..., 0] > 0)
