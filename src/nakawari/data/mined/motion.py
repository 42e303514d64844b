"""Motion of a triplet: whether it is worth learning from, and what an annotator would say of it.

Flow is laid on the middle drawing: `back` to the first, `forth` to the last, in pixels of the reduced
drawings. What is said from it is an estimate and is marked so wherever it is written: flow between cartoons
is poor in flat colour, and nobody published where "easy" ends.

Source: Li et al. 2021 (ATD-12K), section 3; Chen & Zwicker 2022 (EISAI), the RRLD pipeline.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from nakawari.data.mined.look import LONG_PX, Look

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float32]

STIRRED = 10
"""Levels by which a place differs that has changed; grain and compression are below."""
TEXTURE = 24
"""Levels by which neighbours differ where flow can be relied on."""
MOVES_PX = 2.0
"""What moves less is not covered by motion."""
CROWDED, STILL = 0.5, 0.0025
"""Most and least share of the picture that motion may cover."""
PAN_PX, PAN_STD_PX = 0.25, 0.25
"""All of a picture moves by more than the first, all of it alike to within the second: a pan."""
PAN_TILES = (8, 8)
"""In more than half of so many tiles something slides."""
UNEVEN = 0.3
"""Largest mean of |(back + forth) / 2| over |back − forth|: 0 is straight and even, ½ stood still once."""

SPEEDS_PX, COVERS = (5.0, 15.0), (0.015, 0.05)
"""Where medium and hard begin: mean motion from first to last in pixels of a picture 960 wide, and share of
the middle drawing that is covered in one of the others. Ours, for those of ATD-12K are not in print."""
RESIDUAL_PX, CHANGE = 1.5, 20
"""The box holds what moves against the background by more than this, or changes by so many levels."""
LEAST_PART = 0.0008
"""Smaller specks (of the picture) do not widen the box."""

MOTIONS = ("translation", "rotation", "scaling", "deformation")


@dataclass(frozen=True, slots=True)
class Motion:
    """Flow on the grid of the middle drawing, [h, w, 2], pixels."""

    back: Floats
    forth: Floats


@dataclass(frozen=True, slots=True)
class Estimate:
    """What flow says of a triplet.

    Attributes:
        level: 0 easy, 1 medium, 2 hard.
        roi: x, y, width, height around what moves in the middle drawing, its own pixels.
        motion: one of MOTIONS.
        speed_px: mean motion from first to last, pixels of a picture 960 wide.
        covered: share of the middle drawing that is covered in the first or last.
    """

    level: int
    roi: tuple[int, int, int, int]
    motion: str
    speed_px: float
    covered: float


def flow_between(one: Look, other: Look) -> Floats:
    """Dense flow, [h, w, 2] pixels, on the grid of `one`; 0 where nothing is stirred.

    A flow that is smooth everywhere drags empty paper along with what moves over it; but paper that looks the
    same in both drawings, and that no changing outline encloses, has not moved.

    Source: Kroeger et al. 2016 (DIS), as OpenCV has it.
    """
    finder = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    flow: Any = np.zeros((*one.grey.shape, 2), np.float32)
    flow = finder.calc(one.grey, other.grey, flow)
    return np.where(_stirred(one, other)[..., None], flow, np.float32(0))


def _stirred(one: Look, other: Look) -> Array:
    """Where the two differ, and what is enclosed by that, [h, w] bool."""
    changed = (cv2.absdiff(one.grey, other.grey) > STIRRED).astype(np.uint8)
    rims = cv2.morphologyEx(cv2.dilate(changed, np.ones((5, 5), np.uint8)), cv2.MORPH_CLOSE,
                            np.ones((9, 9), np.uint8))  # fmt: skip
    outside = cv2.copyMakeBorder(1 - rims, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=1)
    cv2.floodFill(outside, None, (0, 0), 2)
    return np.asarray(outside[1:-1, 1:-1] != 2)


def coverage(motion: Motion) -> Array:
    """Where the middle drawing moves by more than MOVES_PX to a place inside the picture, [h, w] bool."""
    covered = np.zeros(motion.back.shape[:2], bool)
    for flow in (motion.back, motion.forth):
        height, width = flow.shape[:2]
        x = np.arange(width) + flow[..., 0]
        y = np.arange(height)[:, None] + flow[..., 1]
        inside = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
        covered |= (np.hypot(flow[..., 0], flow[..., 1]) > MOVES_PX) & inside
    return covered


def is_pan(middle: Look, motion: Motion) -> bool:
    """Whether the picture slides: what has lines moves alike along one axis at least, all over the picture.

    Differs: that it is all over the picture is asked as well, or every figure that walks straight is a pan.
    """
    edge = _lines(middle)
    edge = edge if edge.any() else np.ones_like(edge)
    for flow in (motion.back, motion.forth):
        speed = np.hypot(flow[..., 0], flow[..., 1])
        alike = float(speed[edge].mean()) > PAN_PX and float(flow[edge].std(axis=0).min()) < PAN_STD_PX
        moved = ((speed > PAN_PX) & edge).astype(np.float32)
        if alike and float(np.mean(cv2.resize(moved, PAN_TILES, interpolation=cv2.INTER_AREA) > 0)) > 0.5:
            return True
    return False


def _lines(look: Look) -> Array:
    """Where a drawing has lines and rims: there flow can be relied on, [h, w] bool."""
    return np.asarray(cv2.morphologyEx(look.grey, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > TEXTURE)


def unevenness(middle: Look, motion: Motion, covered: Array) -> float:
    """Mean over what moves of how far the middle drawing lies from midway, over the whole distance.

    Differs: over its lines and rims, for beside them the paper that a figure left or will reach has no motion
        of its own, and whatever flow finds there would count as uneven.
    """
    covered = covered & _lines(middle)
    if not covered.any():
        return 0.0
    back, forth = motion.back[covered], motion.forth[covered]
    off = np.linalg.norm(back + forth, axis=1) / 2
    way = np.linalg.norm(back - forth, axis=1)
    return float(np.mean(off / np.maximum(way, 1e-3)))


def fault(middle: Look, motion: Motion) -> str | None:
    """Why the RRLD pipeline would drop it: still, pan, crowded, uneven; None: it would not."""
    covered = coverage(motion)
    share = float(covered.mean())
    if share <= STILL:
        return "still"
    if is_pan(middle, motion):
        return "pan"
    if share > CROWDED:
        return "crowded"
    return "uneven" if unevenness(middle, motion, covered) >= UNEVEN else None


def estimate(
    first: Look, middle: Look, last: Look, motion: Motion, returns: tuple[Floats, Floats]
) -> Estimate:
    """Level, box and type.

    Args:
        first, middle, last: the drawings.
        motion: of the middle one.
        returns: flow to the middle drawing from the first and from the last, which tells what is covered.
    """
    way = motion.forth - motion.back
    to_960 = 960 / LONG_PX
    speed = float(np.hypot(way[..., 0], way[..., 1]).mean()) * to_960
    hidden = _lost(middle, first, motion.back, returns[0]) | _lost(middle, last, motion.forth, returns[1])
    covered = float(hidden.mean())
    level = max(sum(speed >= s for s in SPEEDS_PX), sum(covered >= c for c in COVERS))
    mask = moving(first, middle, last, motion)
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    x, y = int(columns[0]), int(rows[0])
    box = (x, y, int(columns[-1]) + 1 - x, int(rows[-1]) + 1 - y)
    roi = tuple(round(side * middle.scale) for side in box)
    return Estimate(level, roi, motion_type(motion, mask), round(speed, 3), round(covered, 4))  # type: ignore[arg-type]


def _lost(middle: Look, other: Look, there: Floats, back: Floats) -> Array:
    """Where the middle drawing is covered in another: there and back ends elsewhere, and shows another level.

    In flat colour flow wanders without anything being covered; that shows the same level.
    """
    height, width = there.shape[:2]
    x = np.arange(width, dtype=np.float32) + there[..., 0]
    y = np.arange(height, dtype=np.float32)[:, None] + there[..., 1]
    returned = cv2.remap(back, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    off = np.sum((there + returned) ** 2, axis=2)
    apart = off > 0.01 * (np.sum(there**2, axis=2) + np.sum(returned**2, axis=2)) + 0.5
    shown = cv2.remap(other.grey, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(apart & (cv2.absdiff(shown, middle.grey) > CHANGE))


def moving(first: Look, middle: Look, last: Look, motion: Motion) -> Array:
    """What moves against the background in the middle drawing, [h, w] bool; all of it where nothing does.

    A region's inside moves although flow may not see it: it changes at its rim, so rims count as well.
    """
    way = motion.forth - motion.back
    ground = np.median(way.reshape(-1, 2), axis=0)
    mask = np.linalg.norm(way - ground, axis=2) > RESIDUAL_PX
    if float(np.hypot(*ground)) < 0.5:
        changed = np.maximum(cv2.absdiff(first.grey, middle.grey), cv2.absdiff(last.grey, middle.grey))
        mask |= changed > CHANGE
    tidy = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((7, 7), np.uint8))
    _, labels, stats, _ = cv2.connectedComponentsWithStats(tidy)
    large = stats[:, cv2.CC_STAT_AREA] >= max(4, LEAST_PART * mask.size)
    large[0] = False
    kept = large[labels]
    return kept if kept.any() else np.ones_like(kept)


def motion_type(motion: Motion, mask: Array) -> str:
    """Which part of the motion of `mask` is the largest: of a similarity fitted to it, or what is left over.

    Each part is said in pixels: how far the region's middle goes, how far turning and growing move its
    pixels, and how far they lie from where all three would take them.
    """
    y, x = np.nonzero(mask)
    step = max(1, len(x) // 4000)
    grid = np.stack((x, y), 1)[::step].astype(np.float64)
    start = grid + motion.back[y[::step], x[::step]]
    end = grid + motion.forth[y[::step], x[::step]]
    weight = np.ones(len(grid))
    for _ in range(4):  # what does not follow weighs little
        total = weight.sum()
        from_middle = start - (middle := (weight[:, None] * start).sum(0) / total)
        to_middle = end - (goal := (weight[:, None] * end).sum(0) / total)
        spread = float((weight * (from_middle**2).sum(1)).sum()) + 1e-9
        cosine = float((weight * (from_middle * to_middle).sum(1)).sum()) / spread
        crossed = from_middle[:, 0] * to_middle[:, 1] - from_middle[:, 1] * to_middle[:, 0]
        sine = float((weight * crossed).sum()) / spread
        turned = np.stack(
            (cosine * from_middle[:, 0] - sine * from_middle[:, 1],
             sine * from_middle[:, 0] + cosine * from_middle[:, 1]), 1
        )  # fmt: skip
        left_over = np.linalg.norm(to_middle - turned, axis=1)
        weight = 1 / (1 + (left_over / 2) ** 2)
    radius = float(np.sqrt(spread / total))
    parts = (
        float(np.linalg.norm(goal - middle)),
        abs(float(np.arctan2(sine, cosine))) * radius,
        abs(float(np.hypot(sine, cosine)) - 1) * radius,
        float(left_over.mean()),
    )
    return MOTIONS[int(np.argmax(parts))]
