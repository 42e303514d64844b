"""When the light changes: fades, flashes, a lamp that is lit.

Judging motion by colour fails where all colours change. So the change is found first, as a gain and an offset
of each channel, by a search for motion that goes by shape; both keys are brought to the light of the one that
shows more contrast, and what is drawn between them is brought to the light of its time.

Only light that changes everywhere alike is known: if a good part is explained better without a change, as
where a lamp lights the rest, or where plain paper changes colour behind a figure, there is none.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from nakawari.ops.following import lookup, returns
from nakawari.ops.search import dense_search, global_shift, search_around
from nakawari.tensors import to_frame

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

HARDLY = 3.0
"""Levels (0-255) by which mean and spread of every channel must differ at most, where light stays."""
SIDE = 256
"""The change is looked for at about this width."""
SEEN, LEFT = 6.0, 0.5
"""Levels by which most of what is followed must change, and the share of that which may be left."""
WORSE = 0.05
"""Share of what is followed that may be explained worse with the change than without, by `SEEN` levels."""
SPREAD = 8.0
"""Standard deviation, in levels, of colours from which a gain can be told."""
FOLLOWED = 0.3
"""Share of the picture that must be followed."""
GAIN = 3.0
"""Of the strongest change: beyond, the weaker key shows too little."""
ROUNDS, TRIMMED, CLOSE = 4, 2.0, 2.0
"""Times that the change is fitted, each to what was off by so many medians at most, or so many levels."""


@dataclass(frozen=True, slots=True)
class Light:
    """How the light of a batch of pairs changes.

    Attributes:
        gain, offset: [B, 3, 1, 1], what takes colours from the light of key 0 to that of key 1.
        first: [B, 1, 1, 1] bool, whether the light of key 0 is the one that shows more.
    """

    gain: Tensor
    offset: Tensor
    first: Tensor

    @staticmethod
    def of(image0: Tensor, image1: Tensor) -> Light | None:
        """The change between [B, 3, H, W] keys in [0, 1]; None where there is none."""
        pairs = zip(*([to_frame(one[None]) for one in image] for image in (image0, image1)), strict=True)
        found = [change_of_light(*pair) for pair in pairs]
        if all(one is None for one in found):
            return None
        known = torch.tensor([one or ((1.0,) * 3, (0.0,) * 3) for one in found]).to(image0)
        gain, offset = known[:, 0, :, None, None], known[:, 1, :, None, None] / 255
        return Light(gain, offset, gain.mean(1, keepdim=True) <= 1)

    def evened(self, image0: Tensor, image1: Tensor) -> tuple[Tensor, Tensor]:
        """Both keys in the light that shows more; values may leave [0, 1]."""
        return torch.where(self.first, image0, self._on(image0)), torch.where(
            self.first, self._back(image1), image1
        )

    def relit(self, image: Tensor, t: float) -> Tensor:
        """A picture in that light, in the light at t."""
        of_first, of_second = torch.lerp(image, self._on(image), t), torch.lerp(self._back(image), image, t)
        lit = torch.where(self.first, of_first, of_second).clamp(0, 1)
        stays = (self.gain == 1).all(1, keepdim=True) & (self.offset == 0).all(1, keepdim=True)
        return torch.where(stays, image, lit)

    def _on(self, image: Tensor) -> Tensor:
        return self.gain * image + self.offset

    def _back(self, image: Tensor) -> Tensor:
        return (image - self.offset) / self.gain


def change_of_light(rgb0: Bytes, rgb1: Bytes) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
    """Gain and offset (in levels) of the channels, from [H, W, 3] key 0 to key 1; None: light stays."""
    if np.abs(np.subtract(cv2.meanStdDev(rgb0), cv2.meanStdDev(rgb1))).max() < HARDLY:
        return None
    height, width = rgb0.shape[:2]
    share = min(1.0, SIDE / max(height, width))
    size = max(1, round(share * width)), max(1, round(share * height))
    small0, small1 = (
        np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8) for rgb in (rgb0, rgb1)
    )
    ours, theirs = _followed(small0, small1)
    if len(ours) < FOLLOWED * size[0] * size[1]:
        return None
    fits = [_fit(ours[:, channel], theirs[:, channel]) for channel in range(3)]
    if any(fit is None or not 1 / GAIN < fit[0] < GAIN for fit in fits):
        return None
    gain, offset = np.array([fit for fit in fits if fit is not None], np.float32).T
    before = np.abs(theirs - ours).max(1)
    after = np.abs(theirs - (gain * ours + offset)).max(1)
    if np.median(before) < SEEN or np.median(after) > LEFT * np.median(before):
        return None
    if (after > before + SEEN).mean() > WORSE:
        return None
    return tuple(map(float, gain)), tuple(map(float, offset))


def _followed(rgb0: Bytes, rgb1: Bytes) -> tuple[Floats, Floats]:
    """Colours of what search follows forth and back, [N, 3] in each key."""
    grey0, grey1 = (np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.uint8) for rgb in (rgb0, rgb1))
    shift = global_shift(_levelled(grey0), _levelled(grey1))
    flow, back = search_around(grey0, grey1, shift, dense_search(finest=1))
    sure = returns(flow, back)
    ours, theirs = rgb0[sure].astype(np.float32), lookup(rgb1, flow)[sure].astype(np.float32)
    return ours, theirs


def _levelled(grey: Bytes) -> Bytes:
    """With the mean and the spread that all pictures get, for what compares colours."""
    mean, spread = (float(value[0, 0]) for value in cv2.meanStdDev(grey))
    return np.asarray(
        cv2.convertScaleAbs(grey, alpha=40 / max(1.0, spread), beta=128 - 40 * mean / max(1.0, spread))
    )


def _fit(x: Floats, y: Floats) -> tuple[float, float] | None:
    """The line through most of the points; None: there is none. What is black or white says nothing."""
    inside = (np.minimum(x, y) > 2) & (np.maximum(x, y) < 253)
    kept = inside
    line = None
    for _ in range(ROUNDS):
        if kept.sum() < 100:
            return None
        of = x[kept] - x[kept].mean()
        spread = float(of @ of)
        if spread < SPREAD**2 * len(of):
            return None
        gain = float(of @ y[kept]) / spread
        line = gain, float(y[kept].mean() - gain * x[kept].mean())
        off = np.abs(gain * x + line[1] - y)
        kept = inside & (off <= max(CLOSE, TRIMMED * float(np.median(off[inside]))))
    return line
