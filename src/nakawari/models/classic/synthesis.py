"""Drawing at t: several motions are tried at each pixel of the new picture, and the one that agrees wins.

Flow is known at the pixels of the keys, so it is splatted to t first. Each candidate then says, for each
pixel of the new picture, where it came from in key 0 and where it goes in key 1, so both keys can be
looked up there. A true motion shows the same thing in both. That alone is blind in one way: where a thing
passes, the background behind it agrees as well. So a candidate must also agree with what splatting the
colours themselves puts there, which forgets nothing that is in the keys.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
import torch

from nakawari.models.classic.motion import Bytes, Floats, largest, lookup, returns, shifted
from nakawari.models.classic.sprites import Sprite
from nakawari.ops.lines import fill_from_nearest
from nakawari.ops.splat import splat_sums

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
STILL_EDGE, OVERLAY = 16, 9
"""Grey levels of a still edge; side of the window around a pixel in which such edges make it an overlay."""
SMALLEST_ISLAND, LARGEST_ISLAND = 30, 0.02
"""Pixels, and share of the picture, of something still in a pan."""
PANNED, PANNED_SHARE = 8, 0.5
"""Largest difference (0-255) that a pan leaves; the share of such pixels that an island may have."""
MOSTLY = 0.5
"""A picture of which more is still does not pan: something moves over flat colour."""
THIN = 1e-3
"""Less landed weight than this is a hole."""
ALIKE = 0.1
"""Largest difference (range 1) of a sprite's pixel in both keys."""


@dataclass(slots=True)
class Field:
    """Flow between the keys in both directions, and how far each pixel is trusted (0 to 1)."""

    flow01: Floats
    flow10: Floats
    trust0: Floats
    trust1: Floats


def trusted(flows: tuple[Floats, Floats], grey0: Bytes, grey1: Bytes) -> Field:
    """Flow with trust that falls with the difference of what it connects."""
    trust = [
        np.exp(cv2.absdiff(own, lookup(other, flow)).astype(np.float32) * np.float32(-SHARPNESS / 255))
        for own, other, flow in ((grey0, grey1, flows[0]), (grey1, grey0, flows[1]))
    ]
    return Field(*flows, *trust)


def choose_motion(
    rgb0: Bytes, rgb1: Bytes, fields: list[Field], shifts: list[tuple[int, int]], t: float
) -> tuple[Floats, Mask]:
    """The motion 0→1 of each pixel of the picture at t.

    Args:
        rgb0, rgb1: [H, W, 3], 0-255, the keys without sprites.
        fields: flow to try; the first gives the splatted colours.
        shifts: global motions to try.
        t: between 0 and 1.

    Returns:
        motion [H, W, 2], and where it surely is that of something that moves, [H, W].
    """
    candidates: list[tuple[Floats, float]] = []
    evidence: Bytes | None = None
    moving = np.zeros(rgb0.shape[:2], np.float32)
    for field in fields:
        extra0, extra1 = _evidence(rgb0, rgb1, field) if evidence is None else (None, None)
        sums0, mass0 = _push(field.flow01, field.flow01, field.trust0, t, extra0)
        sums1, mass1 = _push(-field.flow10, field.flow10, field.trust1, 1 - t, extra1)
        mass = mass0 + mass1
        both = fill_from_nearest((sums0 + sums1) / np.maximum(mass, 1e-9)[..., None], mass < THIN)
        if evidence is None:
            evidence = both[..., 2:5].round().clip(0, 255).astype(np.uint8)
            moving = both[..., 5]
        for sums, own, handicap in ((sums0, mass0, 0.0), (sums1, mass1, BACKWARD_HANDICAP)):
            motion = sums[..., :2] / np.maximum(own, 1e-9)[..., None]
            candidates.append((np.where((own < THIN)[..., None], both[..., :2], motion), handicap))
    assert evidence is not None
    for shift in shifts:
        candidates.append((np.full((*rgb0.shape[:2], 2), shift, np.float32), STILL_HANDICAP))
    best, agrees = _best(rgb0, rgb1, candidates, evidence, t)
    covers = (moving > COVERED) | (agrees & (largest(np.abs(best)) > MOVES))
    return best, covers


def _evidence(rgb0: Bytes, rgb1: Bytes, field: Field) -> tuple[Floats, Floats]:
    """What is splatted beside motion: colours, and whether the pixel surely moves."""
    out = []
    for rgb, flow, back, trust in (
        (rgb0, field.flow01, field.flow10, field.trust0),
        (rgb1, field.flow10, field.flow01, field.trust1),
    ):
        moves = (largest(np.abs(flow)) > MOVES) & returns(flow, back) & (trust > TRUSTED)
        out.append(np.dstack([rgb.astype(np.float32), moves.astype(np.float32)]))
    return out[0], out[1]


def _push(
    motion: Floats, flow: Floats, trust: Floats, t: float, extra: Floats | None
) -> tuple[Floats, Floats]:
    """Splat motion (and `extra`) along `t` of the flow; sums [H, W, C] and mass [H, W]."""
    load = motion if extra is None else np.dstack([motion, extra])
    sums, mass = splat_sums(_tensor(load), _tensor(flow * np.float32(t)), _tensor(trust[..., None]))
    return np.ascontiguousarray(sums[0].permute(1, 2, 0).numpy()), mass[0, 0].numpy()


def _tensor(array: Floats) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(array.transpose(2, 0, 1)))[None]


def _best(
    rgb0: Bytes, rgb1: Bytes, candidates: list[tuple[Floats, float]], evidence: Bytes, t: float
) -> tuple[Floats, Mask]:
    """The candidate with the least disagreement around each pixel, and whether it agrees at the pixel."""
    ones = np.ones((1, 3), np.float32)
    best = np.zeros((*rgb0.shape[:2], 2), np.float32)
    cost = np.full(rgb0.shape[:2], np.inf, np.float32)
    agrees = np.zeros(rgb0.shape[:2], np.bool_)
    for motion, handicap in candidates:
        from0, from1 = lookup(rgb0, motion, -t), lookup(rgb1, motion, 1 - t)
        apart = cv2.absdiff(from0, from1)
        against = cv2.absdiff(cv2.addWeighted(from0, 1 - t, from1, t, 0.0), evidence)
        doubt = cv2.transform(cv2.add(apart, against, dtype=cv2.CV_32F), ones)
        total = cv2.blur(doubt, (WINDOW, WINDOW)) + np.float32(handicap)
        better = total < cost
        np.copyto(best, motion, where=better[..., None])
        np.copyto(cost, total, where=better)
        np.copyto(agrees, doubt < SURE, where=better)
    return best, agrees


def enlarge(motion: Floats, covers: Mask, height: int, width: int) -> tuple[Floats, Mask]:
    """Motion and mask from working size to picture size."""
    rows, columns = covers.shape
    if (rows, columns) == (height, width):
        return motion, covers
    scale = np.array([width / columns, height / rows], np.float32)
    large = cv2.resize(motion, (width, height), interpolation=cv2.INTER_NEAREST) * scale
    mask = cv2.resize(covers.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST) > 0
    return np.asarray(large, np.float32), np.asarray(mask)


def overlays(rgb0: Bytes, rgb1: Bytes, shift: tuple[int, int]) -> Mask:
    """Still pixels that flow never covers: a caption, a painted background.

    They are beside still edges: both sides are equal in both keys, while the changed pixels of an edge that
    moved lie between the still ones. Where everything pans by `shift` (pixels), small still islands that
    did not pan are overlays too: letters without an outline.
    """
    still = largest(cv2.absdiff(rgb0, rgb1)) == 0
    grey = cv2.cvtColor(rgb0, cv2.COLOR_RGB2GRAY).astype(np.int16)
    edge = np.zeros(still.shape, np.float32)
    edge[:, 1:] += still[:, 1:] & still[:, :-1] & (np.abs(np.diff(grey, axis=1)) > STILL_EDGE)
    edge[1:] += still[1:] & still[:-1] & (np.abs(np.diff(grey, axis=0)) > STILL_EDGE)
    found = cv2.boxFilter(edge, -1, (OVERLAY, OVERLAY), normalize=False) >= OVERLAY / 2
    if shift != (0, 0) and still.mean() < MOSTLY:
        found = found | _islands(still, largest(cv2.absdiff(rgb0, shifted(rgb1, shift))) < PANNED)
    return np.asarray(still & found)


def _islands(still: Mask, panned: Mask) -> Mask:
    """Connected still pixels, neither many nor few, of which the smaller part is explained by the pan."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(still.astype(np.uint8), connectivity=4)
    area = stats[:, cv2.CC_STAT_AREA]
    share = np.bincount(labels.reshape(-1), panned.reshape(-1).astype(np.float64), count) / area
    island = (area >= SMALLEST_ISLAND) & (area <= LARGEST_ISLAND * still.size) & (share < PANNED_SHARE)
    island[0] = False
    return np.asarray(island[labels])


def paint(image0: Floats, image1: Floats, motion: Floats, t: float) -> Floats:
    """Both keys, [H, W, C] floats, looked up along the motion and mixed by time."""
    from0, from1 = lookup(image0, motion, -t), lookup(image1, motion, 1 - t)
    return np.asarray(cv2.addWeighted(from0, 1 - t, from1, t, 0.0), np.float32)


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
