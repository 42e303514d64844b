"""Drawing at t: several motions are tried at each pixel of the new picture, and the one that agrees wins.

Flow is known at the pixels of the keys, so it is splatted to t first. Each candidate then says, for each
pixel of the new picture, where it came from in key 0 and where it goes in key 1, so both keys can be
looked up there. A true motion shows the same thing in both. That alone is blind in one way: where a thing
passes, the background behind it agrees as well. So a candidate must also agree with what splatting the
colours themselves puts there, which forgets nothing that is in the keys.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch

from nakawari.models.classic.motion import Bytes, Floats, Look, largest, lookup, returns
from nakawari.models.classic.sprites import Sprite
from nakawari.ops.arcs import along_arc
from nakawari.ops.gather import STRAIGHT, disagreement, keep_better
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


@dataclass(frozen=True, slots=True)
class Turns:
    """By how much pixels of each key turn on their way from key 0 to key 1, [H, W], radians."""

    turn0: Floats
    turn1: Floats

    def sent(self, fields: list[Field], t: float) -> list[Field]:
        """The same fields, whose pixels go along their arcs."""
        return [
            (
                replace(side0, way=_channels(along(_planes(side0.flow), self.turn0, t))),
                replace(side1, way=_channels(along(_planes(side1.flow), -self.turn1, 1 - t))),
            )
            for side0, side1 in fields
        ]

    def bend(self, motion: Floats, t: float) -> Floats:
        """How far beside its chord each pixel of the picture at t is, [2, H, W]; so is `motion`."""
        forth = np.ascontiguousarray(motion.transpose(1, 2, 0))
        turn = np.float32(1 - t) * lookup(self.turn0, forth, -t) + np.float32(t) * lookup(
            self.turn1, forth, 1 - t
        )
        return np.asarray(along(motion, turn, t) - np.float32(t) * motion, np.float32)


def along(flow: Floats, turn: npt.NDArray[Any] | float, t: float) -> Floats:
    """`ops.arcs.along_arc` of arrays: flow [2, H, W], turn [H, W]."""
    angle = torch.as_tensor(turn, dtype=torch.float32).expand(flow.shape[1:])[None, None]
    return along_arc(torch.from_numpy(np.ascontiguousarray(flow))[None], angle, t)[0].numpy()


def _planes(flow: Floats) -> Floats:
    return np.ascontiguousarray(flow.transpose(2, 0, 1))


def _channels(flow: Floats) -> Floats:
    return np.ascontiguousarray(flow.transpose(1, 2, 0))


def choose_motion(
    rgb0: Bytes,
    rgb1: Bytes,
    fields: list[Field],
    shifts: list[tuple[int, int]],
    t: float,
    turns: Turns | None = None,
) -> tuple[Floats, Mask]:
    """The motion 0→1 of each pixel of the picture at t.

    Args:
        rgb0, rgb1: [H, W, 3], 0-255, the keys without sprites.
        fields: flow to try; the first splats the evidence too.
        shifts: global motions to try.
        t: between 0 and 1.
        turns: what moves along arcs; None: nothing.

    Returns:
        motion [2, H, W], and where it surely is that of something that moves, [H, W].
    """
    candidates: list[tuple[Floats, float]] = []
    size = rgb0.shape[:2]
    sent = fields if turns is None else turns.sent(fields, t)
    landed = [land(side0, side1, t, THIN) for side0, side1 in sent]
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
    best, agrees = _best(rgb0, rgb1, candidates, landed[0].colours, t, turns)
    moving = np.maximum(np.abs(best[0]), np.abs(best[1])) > MOVES
    return best, (landed[0].moving > COVERED) | (agrees & moving)


def _best(
    rgb0: Bytes,
    rgb1: Bytes,
    candidates: list[tuple[Floats, float]],
    evidence: Floats,
    t: float,
    turns: Turns | None,
) -> tuple[Floats, Mask]:
    """The candidate with the least disagreement around each pixel, and whether it agrees at the pixel."""
    size = rgb0.shape[:2]
    best, agrees = np.zeros((2, *size), np.float32), np.zeros(size, np.bool_)
    least = np.full(size, np.inf, np.float32)
    for motion, handicap in candidates:
        bend = STRAIGHT if turns is None else turns.bend(motion, t)
        doubt = disagreement(rgb0, rgb1, motion, evidence, t, bend)
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
