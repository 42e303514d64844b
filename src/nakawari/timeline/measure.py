"""Measure a running picture: one small record for each frame, from which everything else is decided.

Frames are compared at (nearly) full resolution, because a mouth in a wide shot is ten pixels wide, but
only sums over small cells are kept, so that a comparison costs a few passes over the luma plane. Each
frame is compared with the frame before it and with an *anchor*, the first frame of the run of like frames
that it stands in: a slow drift is too small to see from frame to frame and plain from the anchor.

What must not count as change: flicker (brightness is fitted as gain · x + bias, and what is left of it is
smooth, so the smooth part of the difference is taken away), grain (it is everywhere, so its energy is
known from the quiet half of the cells) and compression noise (it sits at lines and in texture, in
proportion to their contrast). What counts is the energy of the difference in a cell over the energy
that these explain. A slow pan hides below that; but it moves many tiles of the picture coherently
along their gradients, which noise does not, and a least-squares shift of each tile shows it. Where the light
changes, coding renews some blocks and leaves others, and their borders would pass for shifts at the lines
that they meet; so there all that a shift is measured by is taken without its local mean. Colour is
compared in the same way on the cells: a coat may change its colour and keep its luma.

Source of the shift: Lucas & Kanade 1981, one step, no pyramid: it is asked about parts of a pixel only.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from nakawari.timeline.novelty import SmallPicture, novelty, small_picture
from nakawari.timeline.picture import CELL, Picture, check, picture, pooled

Array = npt.NDArray[Any]

SMOOTH = 31
"""Side of the window (cells) in which a change of light is taken to be even."""

SETTLING, MOST_SETTLING = 0.5, 1500.0
"""Share of the energy of a change that coding may still clear up in the frame after it, and the most."""

MOST_GRAIN = 150.0
"""Energy in the quiet half of the cells beyond which it is no grain: the whole picture changed."""

GRAIN_MEMORY = 96
"""Comparisons that tell how much grain the film has: a pair in a fast pan has no quiet half."""

DECIDED = 6.0
"""Evidence beyond which nothing else is asked, no other cue and no anchor: no line is drawn as high."""

NEW_ANCHOR = 2.0
"""Evidence at which a frame surely shows a new drawing: from there on, drift is measured from it."""

RELIT = 0.5
"""Levels by which a picture gets brighter or darker as a whole, from which on its blocks are taken to be lit
unevenly: poor coding renews the light of some and leaves others as they were."""

BLOCK = 5
"""Side of the window (cells) in which light is taken to be even then."""

TILES = (8, 5)
"""Tiles across and down in which a shift is measured."""

LUCK = 8.0
"""Share of its change × cells that a shift explains by luck, in the luckiest of the tiles: two numbers fit
two cells of pure noise, and the best of n tries takes 2 ln n. It counts where the picture is small; where
tiles have hardly more cells than this, luck and motion cannot be told apart, and motion is believed."""

RANKS = (1, 4, 12)
"""Which of the most changed cells are kept: the largest alone may be noise."""

DRIFT_RANKS = (1, 4, 10)
"""Which of the most shifted tiles are kept."""


@dataclass(frozen=True, slots=True)
class Change:
    """How one frame differs from another, brightness apart."""

    peaks: tuple[float, ...]
    """Energy over explained energy of the most changed cells, at `RANKS`; around 1–10 for noise."""
    tints: tuple[float, ...]
    """The same of their colour."""
    drifts: tuple[float, ...]
    """Shift (pixels of the reduced luma) × share of the change that it explains, at `DRIFT_RANKS`."""
    slide: tuple[float, float]
    """Shift of the picture as a whole, pixels of the reduced luma, x right and y down."""
    gain: float
    bias: float
    """Brightness: new = gain · old + bias."""

    @property
    def evidence(self) -> float:
        """Log-odds of a new drawing, before anything is known of this film's noise; 0: could be either.

        Weights fitted by logistic regression on generated clips, from lossless-like to poor coding.
        """
        slid = np.dot((0.6, 0.4, 0.9), np.log(np.maximum(self.drifts, 0.0) + 0.002)) + 7.0
        return float(np.logaddexp.reduce((_moved(self.peaks), _moved(self.tints), slid)))


def _moved(peaks: tuple[float, ...]) -> float:
    return float(np.dot((0.9, 1.5, -0.5), np.log(np.array(peaks) + 0.05))) - 6.0


STILL = Change((0.0,) * len(RANKS), (0.0,) * len(RANKS), (0.0,) * len(DRIFT_RANKS), (0.0, 0.0), 1.0, 0.0)


@dataclass(frozen=True, slots=True)
class Measurement:
    """What is kept of a frame."""

    previous: Change
    """Against the frame before."""
    anchor: Change
    """Against the first frame of the run that the frame before stands in (as far as one can tell early)."""
    anchor_index: int
    """Number of that frame."""
    novelty: tuple[float, ...]
    """Share of the picture that frames 1, 2, 3 … before do not explain; 1 is a new scene."""


class Measurer:
    """Turns frames, given in order, into measurements; holds three pictures and a few small ones."""

    def __init__(self) -> None:
        self._shape: tuple[int, ...] | None = None
        self._previous: Picture | None = None
        self._anchor: Picture | None = None
        self._small: list[SmallPicture] = []
        self._anchor_index = 0
        self._grains: deque[float] = deque(maxlen=GRAIN_MEMORY)
        self._count = 0

    def add(self, frame: Array, chroma: Sequence[Array] | None = None) -> Measurement:
        """Measure the next frame.

        Args:
            frame: H×W×3 (or ×4) RGB, or H×W luma; uint8, or uint16 of full range; all of one size.
            chroma: the Cb and Cr planes that belong to a luma frame, of any (say half) size, grey at half
                range. What a decoder gives is cheaper than RGB made from it; narrow range does not matter.

        Raises:
            ShapeError: another kind of array, or another size than the frames before.
        """
        import cv2

        check(frame, chroma, self._shape)
        self._shape = frame.shape[:2]
        now = picture(frame, chroma)
        small = small_picture(now)
        if self._previous is None or self._anchor is None:
            self._previous = self._anchor = now
            self._small = [small]
            self._count = 1
            return Measurement(STILL, STILL, 0, ())
        usual = float(np.percentile(self._grains, 25)) if self._grains else MOST_GRAIN
        most = min(MOST_GRAIN, 2 * usual + 2)
        previous, energies, grain = _compare(self._previous, now, most)
        self._grains.append(grain)
        anchor = previous
        if self._anchor is not self._previous and previous.evidence < DECIDED:
            anchor = _compare(self._anchor, now, most)[0]
        now.stirred, now.stained = (cv2.dilate(energy, np.ones((3, 3), np.uint8)) for energy in energies)
        measurement = Measurement(previous, anchor, self._anchor_index, novelty(self._small, small))
        if max(previous.evidence, anchor.evidence) > NEW_ANCHOR:
            self._anchor, self._anchor_index = now, self._count
        self._count += 1
        self._previous = now
        self._small = [small, *self._small[:3]]
        return measurement


def _compare(a: Picture, b: Picture, most_grain: float) -> tuple[Change, tuple[Array, Array], float]:
    """The change from `a` to `b`, its energy in each cell (luma, colour), and its grain."""
    import cv2

    gain, bias = brightness(a.cells, b.cells)
    # mean and mean square of b - gain·a - bias over each cell, from sums that the pictures have already
    mean = b.cells - gain * a.cells - np.float32(bias)
    products = pooled(cv2.multiply(a.levels, b.levels))
    energy = b.squares + gain * (gain * a.squares - 2 * products) - bias * (2 * mean + np.float32(bias))
    smooth = cv2.blur(mean, (SMOOTH, SMOOTH))
    energy = np.maximum(energy - (2 * mean - smooth) * smooth, 0)
    grain = _median(energy)
    explained = 2 * min(grain, most_grain) + 4 + 0.05 * np.minimum(a.contrast, b.contrast)
    settling = np.minimum(SETTLING * a.stirred, MOST_SETTLING)
    ratio = np.maximum(energy - settling, 0) / explained
    peaks = _largest(ratio, RANKS)
    tint, tints = _tints(a, b, gain)
    drifts, slide = STILL.drifts, STILL.slide
    if max(_moved(peaks), _moved(tints)) < DECIDED:
        drifts, slide = _shifts(a.cells, b.cells, gain, bias)
    return Change(peaks, tints, drifts, slide, gain, bias), (energy, tint), grain


def _tints(a: Picture, b: Picture, gain: float) -> tuple[Array, tuple[float, ...]]:
    """Energy of the change of colour, and at `RANKS` the same over what noise explains."""
    import cv2

    energy = np.zeros_like(a.cells)
    if not a.chroma or not b.chroma:
        return energy, (0.0,) * len(RANKS)
    for old, new in zip(a.chroma, b.chroma, strict=True):
        mean = new - gain * old
        energy += (mean - cv2.blur(mean, (SMOOTH, SMOOTH))) ** 2
    explained = 2 * _median(energy) + 2 + 0.05 * np.minimum(a.edges, b.edges)
    settling = np.minimum(SETTLING * a.stained, MOST_SETTLING)
    return energy, _largest(np.maximum(energy - settling, 0) / explained, RANKS)


def brightness(a: Array, b: Array) -> tuple[float, float]:
    """Gain and bias that turn the brightness of `a` into that of `b`; (1, 0) where most of it is new.

    Least squares over some two thousand of the cells, refined twice on those that it fits best.
    """
    step = max(1, a.size // 2000) | 1
    x, y = a.ravel()[::step].astype(np.float64), b.ravel()[::step].astype(np.float64)
    inside = np.ones(x.shape, bool)
    gain, bias = 1.0, 0.0
    for _ in range(3):
        if inside.sum() < max(2, x.size // 2):
            return 1.0, 0.0
        u, v = x[inside], y[inside]
        spread = float(u.var())
        gain = float(np.mean((u - u.mean()) * (v - v.mean()))) / spread if spread > 1 else 1.0
        if not 0.5 < gain < 2:
            return 1.0, 0.0
        bias = float(v.mean() - gain * u.mean())
        off = np.abs(y - gain * x - bias)
        inside = off <= max(1.0, 2.5 * float(np.median(off)))
    return gain, bias


def _shifts(a: Array, b: Array, gain: float, bias: float) -> tuple[tuple[float, ...], tuple[float, float]]:
    """How far tiles slid (counted by how much of their change that explains), and the whole picture."""
    import cv2

    relit = abs(float(a.mean()) * (gain - 1) + bias) > RELIT
    a = a * gain + np.float32(bias)
    change: Array = b - a
    change = change - cv2.blur(change, (11, 11))
    middle = (a + b) * np.float32(0.5)
    gx = cv2.Sobel(middle, cv2.CV_32F, 1, 0, scale=1 / 8)
    gy = cv2.Sobel(middle, cv2.CV_32F, 0, 1, scale=1 / 8)
    weight = 1 / (1 + change * change / (16 + (gx * gx + gy * gy) * np.float32(0.5)))
    if relit:
        change, gx, gy = (plane - cv2.blur(plane, (BLOCK, BLOCK)) for plane in (change, gx, gy))

    def total(values: Array) -> npt.NDArray[np.float64]:
        tiles = cv2.resize(values * weight, TILES, interpolation=cv2.INTER_AREA)
        return np.asarray(tiles, np.float64)

    xx, xy, yy = total(gx * gx) + 0.05, total(gx * gy), total(gy * gy) + 0.05
    xt, yt, tt = total(gx * change), total(gy * change), total(change * change)
    u, v = _solve(xx, xy, yy, xt, yt)
    cells = a.size / (TILES[0] * TILES[1])
    chance = LUCK / cells if cells > 2 * LUCK else 0.0
    explained = np.maximum(-(u * xt + v * yt) / (tt + 0.05) - chance, 0) / (1 - chance)
    whole = _solve(*(np.asarray(total.mean()) for total in (xx, xy, yy, xt, yt)))
    drifts = _largest(CELL * np.hypot(u, v) * explained, DRIFT_RANKS)
    return drifts, (CELL * float(whole[0]), CELL * float(whole[1]))


def _solve(xx: Array, xy: Array, yy: Array, xt: Array, yt: Array) -> tuple[Array, Array]:
    """The shift (x, y) that explains most of a change, by its products with the gradients."""
    determinant = xx * yy - xy * xy
    return (xy * yt - yy * xt) / determinant, (xy * xt - xx * yt) / determinant


def _largest(values: npt.NDArray[Any], ranks: tuple[int, ...]) -> tuple[float, ...]:
    flat = values.ravel()
    keep = min(max(ranks), flat.size)
    top = np.sort(np.partition(flat, flat.size - keep)[flat.size - keep :])[::-1]
    return tuple(float(top[min(rank, keep) - 1]) for rank in ranks)


def _median(values: Array) -> float:
    """Median of a large array; `np.median` takes ten times as long."""
    flat = values.ravel()
    return float(np.partition(flat, flat.size // 2)[flat.size // 2])
