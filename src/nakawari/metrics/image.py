"""Distances between the pixels of a made frame and the truth: psnr, ssim, ssim_paper, ie.

All take two H×W×3 frames of one size and type (uint8, uint16, or float in [0, 1]), bring them to [0, 1]
in float64 and give one number. What is rounded to 8 bits before it is measured scores a little lower than
the floats would (0.02 dB at 30 dB).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from nakawari.errors import ShapeError
from nakawari.tensors import Array, check_frame

PSNR_CAP_DB = 100.0
"""What equal frames score. No PSNR is higher, so that means stay finite and JSON holds only numbers."""


def unit(frame: Array) -> npt.NDArray[np.float64]:
    """A frame as float64 in [0, 1]."""
    scale = 1.0 if np.issubdtype(frame.dtype, np.floating) else float(np.iinfo(frame.dtype).max)
    return frame.astype(np.float64) / scale


def unit_pair(made: Array, truth: Array) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Both frames as float64 in [0, 1].

    Raises:
        ShapeError: not two H×W×3 frames of one size and type.
    """
    for name, frame in (("made", made), ("truth", truth)):
        check_frame(frame, name)
        if frame.shape[2] != 3:
            raise ShapeError(f"{name} is {list(frame.shape)}; wanted [H, W, 3]. Composite it over a colour.")
    if made.shape != truth.shape or made.dtype != truth.dtype:
        raise ShapeError(
            f"made is {list(made.shape)} {made.dtype} and truth {list(truth.shape)} {truth.dtype}; "
            "wanted one size and type."
        )
    return unit(made), unit(truth)


def psnr(made: Array, truth: Array) -> float:
    """Peak signal-to-noise ratio in dB: −10·log10 of the mean squared error over all pixels and channels.

    At most `PSNR_CAP_DB`, which is also what equal frames score.
    """
    one, other = unit_pair(made, truth)
    error = float(np.mean(np.square(one - other)))
    floor = 10 ** (-PSNR_CAP_DB / 10)
    return float(-10 * np.log10(max(error, floor)))


def ssim(made: Array, truth: Array) -> float:
    """Structural similarity: Gaussian window 11×11 of σ 1.5, range 1, mean over pixels and RGB; 1 when equal.

    Raises:
        ShapeError: a side is shorter than the window.

    Source: Wang et al. 2004; population (not sample) covariance as there.
    """
    # skimage cuts the Gaussian at 3.5 σ: a radius of 5 pixels, 11×11
    gaussian = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    return _structural_similarity(made, truth, side=11, data_range=1.0, **gaussian)


def ssim_paper(made: Array, truth: Array) -> float:
    """Structural similarity as published for ATD-12K: uniform window 7×7, range 2; higher than `ssim`.

    The range of 2 for pictures in [0, 1] makes both stabilising constants four times too large. It is kept
    because every number in print has it.

    Raises:
        ShapeError: a side is shorter than the window.
    """
    return _structural_similarity(made, truth, side=7, data_range=2.0, win_size=7)


def ie(made: Array, truth: Array) -> float:
    """Interpolation error in 0–255: length of the RGB difference of a pixel, mean over pixels.

    Differs: Middlebury's is the root of the mean square; this is the mean of the lengths, as published
    for ATD-12K.
    """
    one, other = unit_pair(made, truth)
    lengths = np.sqrt(np.square(255 * (one - other)).sum(axis=2))
    return float(lengths.mean())


def _structural_similarity(made: Array, truth: Array, side: int, **options: Any) -> float:
    from skimage import metrics

    one, other = unit_pair(made, truth)
    height, width = one.shape[:2]
    if min(height, width) < side:
        raise ShapeError(f"the frames are {width}x{height}; wanted at least {side}x{side} pixels for SSIM.")
    measure: Any = metrics.structural_similarity  # skimage has no types
    return float(measure(one, other, channel_axis=2, **options))
