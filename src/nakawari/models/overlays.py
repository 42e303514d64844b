"""What stays while the picture pans: captions, logos, a figure that stands still before moving scenery.

Such a layer must not take part in the search for motion, or letters are torn along with the scenery behind
them. It is found where both keys show the same, the pan would have it otherwise, and its outline is in both:
where a plain sleeve only comes to lie on a sleeve, what is the same ends at the edge of one of the keys. The
layer is taken off both keys (what is behind it is taken from the other key), and laid over what is drawn.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from nakawari.models.boxes import box_of
from nakawari.ops.lines import nearest_outside
from nakawari.ops.search import global_shift, shifted
from nakawari.tensors import to_frame

Bytes = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]

STILL, OTHERWISE = 6, 24
"""Largest difference (0-255, any channel) of what stays, and least of what the pan would bring."""
MOSTLY_STILL = 0.75
"""A picture of which more stays does not pan: something moves over flat colour."""
SMALLEST, BESIDE = 20, 8
"""Pixels of the smallest piece that stands alone, and how near to one a smaller one is believed."""
SEEDED = 0.3
"""Share of a piece of what stays that the pan must contradict."""
BESIDE_IT, NEAR_IT, OUTLINED = 3, 49, 0.4
"""Pixels around a piece that are compared with it; side of the box in which pieces are asked together; and
the share of what stands out in any key that must stand out in both."""
RIM = 2
"""Pixels around the layer that may belong to its smoothed edge."""
EDGE, AROUND = 16, 9
"""Grey levels of a still edge; side of the window around a pixel in which such edges pin it."""
SHIFTS = 3
"""Shifts that are tried: what stays disturbs the first."""
FINER = 3
"""Pixels around the shift that was found at a small size among which the exact one is looked for."""


@dataclass(frozen=True, slots=True)
class Overlay:
    """A still layer.

    Attributes:
        mask: [H, W], its pixels, with its rim.
        shift: (x, y), pixels that everything else pans by, from key 0 to key 1.
    """

    mask: Mask
    shift: tuple[int, int]


def pinned(rgb0: Bytes, rgb1: Bytes) -> Mask:
    """Still pixels that nothing covers, whatever flow says: of a caption, of a painted background.

    They are beside still edges: both sides are equal in both keys, while the changed pixels of an edge that
    moved lie between the still ones.
    """
    still = _apart(rgb0, rgb1) == 0
    grey = cv2.cvtColor(rgb0, cv2.COLOR_RGB2GRAY).astype(np.int16)
    edge = np.zeros(still.shape, np.float32)
    edge[:, 1:] += still[:, 1:] & still[:, :-1] & (np.abs(np.diff(grey, axis=1)) > EDGE)
    edge[1:] += still[1:] & still[:-1] & (np.abs(np.diff(grey, axis=0)) > EDGE)
    found = cv2.boxFilter(edge, -1, (AROUND, AROUND), normalize=False) >= AROUND / 2
    return np.asarray(still & found)


@dataclass(frozen=True, slots=True)
class Stillness:
    """What stays in a batch of pairs.

    Attributes:
        pins: [B, 1, H, W] bool, pixels that nothing covers.
        layer: [B, 1, H, W] bool, what stays while the rest pans; None where nothing does.
        shown: both keys as they are, [B, 3, H, W].
        beneath: both keys without the layer.
    """

    pins: Tensor
    layer: Tensor | None
    shown: tuple[Tensor, Tensor]
    beneath: tuple[Tensor, Tensor]

    @staticmethod
    def of(image0: Tensor, image1: Tensor, layers: bool = True) -> Stillness:
        """What stays in [B, 3, H, W] keys; `layers` False: layers are not looked for."""
        bytes0, bytes1 = ([to_frame(one[None]) for one in image] for image in (image0, image1))
        pins = _stack([pinned(one, other) for one, other in zip(bytes0, bytes1, strict=True)], image0)
        found = [
            find_overlay(one, other) if layers else None for one, other in zip(bytes0, bytes1, strict=True)
        ]
        shown = image0, image1
        if not any(found):
            return Stillness(pins, None, shown, shown)
        none = np.zeros(image0.shape[2:], np.bool_)
        layer = _stack([none if overlay is None else overlay.mask for overlay in found], image0)
        beneath = []
        for own, other, first in ((image0, image1, True), (image1, image0, False)):
            bare = [
                one if overlay is None else take_off(one, partner, overlay, first)
                for one, partner, overlay in zip(own, other, found, strict=True)
            ]
            beneath.append(torch.stack(bare))
        return Stillness(pins, layer, shown, (beneath[0], beneath[1]))

    def laid_over(self, image: Tensor, cover: Tensor | None, t: float) -> tuple[Tensor, Tensor | None]:
        """What was drawn beneath, and what its motion covers, with what stays on top."""
        stays = self.pins
        if self.layer is not None:
            image = torch.where(self.layer, torch.lerp(*self.shown, t), image)
            stays = stays | self.layer
        return image, None if cover is None else cover & ~stays


def _stack(masks: list[Mask], like: Tensor) -> Tensor:
    return torch.from_numpy(np.stack(masks))[:, None].to(like.device)


def find_overlay(rgb0: Bytes, rgb1: Bytes) -> Overlay | None:
    """The still layer of two keys, [H, W, 3], 0-255; None where nothing pans or all of it does."""
    still = _apart(rgb0, rgb1) <= STILL
    if still.mean() > MOSTLY_STILL:
        return None
    grey0, grey1 = (np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.uint8) for rgb in (rgb0, rgb1))
    shift = _exact(grey0, grey1, global_shift(grey0, grey1, SHIFTS), still)
    if shift == (0, 0):
        return None
    back = (-shift[0], -shift[1])
    brought = np.maximum(_apart(rgb0, shifted(rgb1, shift)), _apart(rgb1, shifted(rgb0, back)))
    seed = _pieces(still & (brought > OTHERWISE))
    layer = _outlined(_whole(seed, still), rgb0, rgb1, still)
    if not layer.any():
        return None
    kernel = np.ones((2 * RIM + 1, 2 * RIM + 1), np.uint8)
    return Overlay(cv2.dilate(layer.astype(np.uint8), kernel) > 0, shift)


def take_off(image: Tensor, other: Tensor, overlay: Overlay, first: bool) -> Tensor:
    """A key [3, H, W] without the layer: what was behind it, from the other key or from beside it."""
    shift = overlay.shift if first else (-overlay.shift[0], -overlay.shift[1])
    own, theirs = (np.ascontiguousarray(x.permute(1, 2, 0).float().cpu().numpy()) for x in (image, other))
    hidden = shifted(overlay.mask.astype(np.uint8), shift) > 0
    out = np.where((overlay.mask & ~hidden)[..., None], shifted(theirs, shift), own)
    holes, nearest = nearest_outside(overlay.mask & hidden)
    flat = out.reshape(-1, out.shape[2])
    flat[holes] = flat[nearest]
    return torch.from_numpy(np.ascontiguousarray(out.transpose(2, 0, 1))).to(image.device, image.dtype)


def _apart(one: Bytes, other: Bytes) -> Bytes:
    """The largest difference of a channel."""
    difference = cv2.absdiff(one, other)
    return np.maximum(np.maximum(difference[..., 0], difference[..., 1]), difference[..., 2])


def _exact(grey0: Bytes, grey1: Bytes, shift: tuple[int, int], still: Mask) -> tuple[int, int]:
    """The shift near the given one that explains most of what does not stay."""
    if shift == (0, 0):
        return shift
    height, width = grey0.shape
    own, moves = np.ascontiguousarray(grey0[::2, ::2]), (~still[::2, ::2]).astype(np.uint8)
    if not moves.any():
        return shift
    left, top = (abs(by) + FINER for by in shift)
    wide = cv2.copyMakeBorder(grey1, top, top, left, left, cv2.BORDER_REPLICATE)
    best, least = shift, np.inf
    for y in range(shift[1] - FINER, shift[1] + FINER + 1):
        for x in range(shift[0] - FINER, shift[0] + FINER + 1):
            moved = wide[top + y : top + y + height : 2, left + x : left + x + width : 2]
            apart = np.minimum(cv2.absdiff(own, np.ascontiguousarray(moved)), OTHERWISE)
            cost = cv2.mean(apart, moves)[0]
            if cost < least:
                best, least = (x, y), cost
    return best


def _whole(seed: Mask, still: Mask) -> Mask:
    """Pieces that are mostly seed: where a letter comes to lie on a letter, a pan tells nothing."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(still.astype(np.uint8), connectivity=8)
    share = np.bincount(labels[seed], minlength=count) / stats[:, cv2.CC_STAT_AREA]
    return np.asarray((share > SEEDED)[labels] & still | seed)


def _outlined(layer: Mask, rgb0: Bytes, rgb1: Bytes, still: Mask) -> Mask:
    """Pieces that stand out from what changes around them in both keys, as do the pieces near them."""
    box = box_of(layer)
    out = np.zeros_like(layer)
    if box is not None:
        box = box.grown(NEAR_IT, *layer.shape)
        box.crop(out)[...] = _pieces_outlined(*(box.crop(x) for x in (layer, rgb0, rgb1, still)))
    return out


def _pieces_outlined(layer: Mask, rgb0: Bytes, rgb1: Bytes, still: Mask) -> Mask:
    count, labels = cv2.connectedComponents(layer.astype(np.uint8), connectivity=8)
    disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * BESIDE_IT + 1, 2 * BESIDE_IT + 1))
    beside = (cv2.dilate(layer.astype(np.uint8), disk) > 0) & ~still
    places, nearest = nearest_outside(~layer, beside)
    edges = [
        np.abs(flat[places].astype(np.int16) - flat[nearest]).max(1) > OTHERWISE
        for flat in (rgb.reshape(-1, 3) for rgb in (rgb0, rgb1))
    ]
    votes = np.zeros((2, layer.size), np.float32)  # for an outline in both keys, and in one of them
    for vote, found in zip(votes, (edges[0] & edges[1], edges[0] ^ edges[1]), strict=True):
        np.add.at(vote, nearest[found], 1)
    own = _share(*(np.bincount(labels.reshape(-1), vote, minlength=count) for vote in votes))
    near = _share(
        *(cv2.boxFilter(v.reshape(layer.shape), -1, (NEAR_IT, NEAR_IT), normalize=False) for v in votes)
    )
    pixels = np.bincount(labels.reshape(-1), minlength=count)
    near = np.bincount(labels.reshape(-1), near.reshape(-1), minlength=count) / pixels
    outlined = np.minimum(own, near) > OUTLINED
    outlined[0] = False
    return np.asarray(outlined[labels])


def _share(one: npt.NDArray[Any], other: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Of the first, of both together; 0 where there is none."""
    return np.asarray(one / np.maximum(one + other, 1e-3))


def _pieces(mask: Mask) -> Mask:
    """Without what agrees by chance: specks, unless they stand beside a piece, as the dot of an i does."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    large = stats[:, cv2.CC_STAT_AREA] >= SMALLEST
    large[0] = False
    pieces = large[labels]
    if not pieces.any():
        return np.asarray(pieces)
    beside = cv2.dilate(pieces.astype(np.uint8), np.ones((2 * BESIDE + 1, 2 * BESIDE + 1), np.uint8)) > 0
    return np.asarray(mask & beside)
