"""The motions that a pixel of the picture at t may have, and what is known for choosing among them.

Flow is known at the pixels of the keys, so it is splatted to t first. Each candidate then says, for each
pixel of the new picture, where it came from in key 0 and where it goes in key 1, so both keys can be
looked up there. A true motion shows the same thing in both. That alone is blind in one way: where a thing
passes, the background behind it agrees as well. So a candidate must also agree with what splatting the
colours themselves puts there, which forgets nothing that is in the keys; and where that puts lines, there
must be lines.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch

from nakawari.models.classic.motion import Bytes, Floats, Look, largest
from nakawari.ops.arcs import along_arc
from nakawari.ops.following import leaves, lookup, returns
from nakawari.ops.gather import ALL_STRAIGHT, NOTHING_KNOWN, STRAIGHT, Known, disagreement
from nakawari.ops.landing import Side, land
from nakawari.ops.lines import contrast, nearest_outside

SHARPNESS = 20.0
"""Log-importance lost by a pixel that its flow brings from black to white."""
WINDOW = 5
"""Side of the box over which agreement is averaged, pixels."""
AROUND, MISSING = 17, 2.0
"""Side of the box in which lines are counted, pixels, and what it costs when some are missing."""
UNSEEN = 0.02
"""Trust of a flow that leads out of the picture, at least: nothing speaks against it."""
BACKWARD_HANDICAP, STILL_HANDICAP = 3.0, 12.0
"""What a candidate must be better by (sum of three channels, 0-255) than the ones before it."""
MOVES, TRUSTED = 0.2, 0.05
"""Pixels of motion and trust of the flow from which something surely moves."""
OUTLINE = 5
"""Side of the box around a pixel of sure motion in which motion is sure too: outlines never quite agree."""
THIN = 1e-3
"""Less landed weight than this is a hole."""


Field = tuple[Side, Side]
"""What both keys push along one flow."""


def trusted(flows: tuple[Floats, Floats], look0: Look, look1: Look) -> Field:
    """Flow in both directions, [H, W, 2], with trust that falls with the difference of what it connects."""
    sides = []
    for own, other, flow, back in ((look0, look1, *flows), (look1, look0, *flows[::-1])):
        apart = cv2.absdiff(own.grey, lookup(other.grey, flow))
        trust = np.exp(apart.astype(np.float32) * np.float32(-SHARPNESS / 255))
        np.maximum(trust, np.float32(UNSEEN), out=trust, where=leaves(flow))
        sure = returns(flow, back) & (trust > TRUSTED)
        sides.append(Side(own.rgb, flow, trust, sure & (largest(np.abs(flow)) > MOVES), sure))
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


@dataclass(slots=True)
class Candidates:
    """What may be at t, at working size.

    Attributes:
        rgb0, rgb1: [h, w, 3], 0-255, the keys without sprites.
        t: between 0 and 1.
        motions: [K, 2, h, w], pixels from key 0 to key 1: two for each field (what landed of key 0, and of
            key 1), then one for each global shift.
        shifts_at: the number of the first of these.
        handicaps: of each, what it must be better by.
        evidence: [3, h, w], 0-255, the colours that landed.
        lines: [h, w], how much contrast there is in them around each pixel.
        moving: [h, w], share of what landed that surely moves.
        turns: what moves along arcs; None: nothing.
        known: what `known_of` gives, where flow tells what is in front; else nothing.
    """

    rgb0: Bytes
    rgb1: Bytes
    t: float
    motions: Floats
    shifts_at: int
    handicaps: list[float]
    evidence: Floats
    lines: Floats
    moving: Floats
    turns: Turns | None = None
    known: Known = NOTHING_KNOWN

    def bend(self, number: int) -> Floats:
        """How far beside its chord a motion is at each pixel, [2, h, w]; `STRAIGHT` where nothing turns.

        Global shifts do not turn: they say where things stand that nothing is known of.
        """
        if self.turns is None:
            return STRAIGHT
        if number >= self.shifts_at:
            return np.zeros_like(self.motions[number])
        return self.turns.bend(self.motions[number], self.t)

    def bends(self) -> Floats:
        """`bend` of all motions, [K, 2, h, w]; `ALL_STRAIGHT` where nothing turns."""
        if self.turns is None:
            return ALL_STRAIGHT
        return np.stack([self.bend(number) for number in range(len(self.motions))])

    def judge(self, number: int) -> tuple[Floats, Floats, Floats]:
        """Doubt and cost of a motion, 0-1530 and some more, and the share of key 1 in it; [h, w] each.

        Doubt is how far the keys disagree along it, and with the evidence; see `ops.gather`. Cost is that
        around each pixel, with what is missing of the lines that landed, and the handicap.
        """
        motion = self.motions[number]
        keys, bend = (self.rgb0, self.rgb1), self.bend(number)
        doubt, light, share = disagreement(*keys, motion, self.evidence, self.t, bend, self.known)
        missing = np.maximum(self.lines - lines_around(light), 0)
        cost = np.asarray(cv2.blur(doubt, (WINDOW, WINDOW)), np.float32)
        cost += np.float32(MISSING) * missing + np.float32(self.handicaps[number])
        return doubt, cost, share


def known_of(field: Field) -> Known:
    """The motion of the pixels of both keys, and whether it is sure; see `ops.gather.disagreement`."""
    kernel = np.ones((OUTLINE, OUTLINE), np.uint8)
    out = []
    for side, way in ((field[0], np.float32(1)), (field[1], np.float32(-1))):
        sure = cv2.dilate(side.sure.view(np.uint8), kernel)
        out.append(np.concatenate([way * side.flow, sure[..., None]], 2, dtype=np.float32))
    return out[0], out[1]


def lines_around(light: Floats) -> Floats:
    """How much contrast there is around each pixel of [h, w]."""
    return np.asarray(cv2.blur(contrast(light), (AROUND, AROUND)), np.float32)


def find_candidates(
    rgb0: Bytes,
    rgb1: Bytes,
    fields: list[Field],
    shifts: list[tuple[int, int]],
    t: float,
    turns: Turns | None = None,
    known: Known = NOTHING_KNOWN,
) -> Candidates:
    """Push all that is known of a pair to t.

    Args:
        rgb0, rgb1: [h, w, 3], 0-255, the keys without sprites.
        fields: flow to try; the first splats the evidence too.
        shifts: global motions to try.
        t: between 0 and 1.
        turns: what moves along arcs; None: nothing.
        known: what `known_of` gives.
    """
    motions = np.empty((2 * len(fields) + len(shifts), 2, *rgb0.shape[:2]), np.float32)
    handicaps: list[float] = []
    landed = [land(*field, t, THIN) for field in (fields if turns is None else turns.sent(fields, t))]
    for each in landed:
        holes, nearest = nearest_outside(each.hole)
        for picture in (each.motion, each.colours, each.moving[None]):
            flat = picture.reshape(len(picture), -1)
            flat[:, holes] = flat[:, nearest]
        for motion, handicap in ((each.motion0, 0.0), (each.motion1, BACKWARD_HANDICAP)):
            motion.reshape(2, -1)[:, holes] = each.motion.reshape(2, -1)[:, holes]
            motions[len(handicaps)] = motion
            handicaps.append(handicap)
    for shift in shifts:
        motions[len(handicaps), 0], motions[len(handicaps), 1] = shift
        handicaps.append(STILL_HANDICAP)
    first = landed[0]
    lines = lines_around(first.colours.sum(0))
    return Candidates(
        rgb0,
        rgb1,
        t,
        motions,
        2 * len(fields),
        handicaps,
        first.colours,
        lines,
        first.moving,
        turns,
        known,
    )
