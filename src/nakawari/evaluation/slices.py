"""Where in a picture a method is better or worse: the places that papers speak of, found from exact motion.

    out-of-frame   what was outside of one of the two keys
    occluded       what was inside of both, and covered in one of them
    large-motion   what goes farther than a tenth of the width from key to key
    flat           what moves and has no texture around it

Errors are pooled over the pixels of a slice in all pictures, so a picture counts by how much it has of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from nakawari.data.sample import Sample
from nakawari.errors import InputError
from nakawari.metrics.image import PSNR_CAP_DB

Mask = npt.NDArray[np.bool_]

NAMES = ("out-of-frame", "occluded", "large-motion", "flat")
LARGE = 0.1
"""Of the width, from key to key."""
MOVES_PX = 1.0
FLAT = 4
"""Of 255: a 5×5 window whose values differ by no more has no texture."""
_WINDOW = np.ones((5, 5), np.uint8)


def slices_of(sample: Sample) -> dict[str, Mask]:
    """The slices of the middle frame, each [H, W].

    Args:
        sample: one scene with flowt0, flowt1, visiblet0 and visiblet1.

    Raises:
        InputError: its motion is not known.
    """
    flows, seen = (sample.flowt0, sample.flowt1), (sample.visiblet0, sample.visiblet1)
    if any(x is None for x in (*flows, *seen)):
        raise InputError("slices want samples that know flowt0, flowt1, visiblet0 and visiblet1.")
    to0, to1 = (flow.float().numpy() for flow in flows if flow is not None)
    visible = np.logical_and(*(mask.numpy() for mask in seen if mask is not None))
    inside = _inside(to0) & _inside(to1)
    way = np.hypot(*(to1 - to0))
    frame = np.ascontiguousarray(sample.framet[:3].permute(1, 2, 0).numpy())
    spread = cv2.dilate(frame, _WINDOW).astype(int) - cv2.erode(frame, _WINDOW)
    return {
        "out-of-frame": ~inside,
        "occluded": inside & ~visible,
        "large-motion": way > LARGE * way.shape[1],
        "flat": (spread.max(2) <= FLAT) & (way > MOVES_PX),
    }


def _inside(flow: npt.NDArray[np.float32]) -> Mask:
    """Whether p + flow(p) is in the picture: [2, H, W] → [H, W]."""
    height, width = flow.shape[1:]
    x, y = np.arange(width) + flow[0], np.arange(height)[:, None] + flow[1]
    return np.asarray((x > -0.5) & (x < width - 0.5) & (y > -0.5) & (y < height - 0.5))


@dataclass(frozen=True, slots=True)
class Squares:
    """Squared errors of some pixels.

    Attributes:
        pixels: how many.
        total: the sum over them of the mean over channels, for values in [0, 1].
    """

    pixels: int = 0
    total: float = 0.0

    def __add__(self, other: Squares) -> Squares:
        return Squares(self.pixels + other.pixels, self.total + other.total)

    @property
    def psnr(self) -> float | None:
        """In dB; None: there are no pixels."""
        if not self.pixels:
            return None
        return float(-10 * np.log10(max(self.total / self.pixels, 10 ** (-PSNR_CAP_DB / 10))))


def squares(
    made: npt.NDArray[np.uint8], truth: npt.NDArray[np.uint8], masks: Mapping[str, Mask]
) -> dict[str, Squares]:
    """Squared errors by slice, of one picture [H, W, 3]; "whole" is all of it."""
    error = np.square((made.astype(np.float64) - truth) / 255).mean(2)
    found = {"whole": Squares(error.size, float(error.sum()))}
    return found | {name: Squares(int(mask.sum()), float(error[mask].sum())) for name, mask in masks.items()}


def pooled(each: Iterable[Mapping[str, Squares]]) -> dict[str, Squares]:
    """The slices of many pictures put together."""
    total: dict[str, Squares] = {}
    for one in each:
        for name, value in one.items():
            total[name] = total.get(name, Squares()) + value
    return total
