"""Scores of one picture while training, with nothing but torch, numpy and opencv.

PSNR and line distance are those of `metrics`; SSIM is the same measure as there, in torch, because a bare
training machine has no scikit-image.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from nakawari.metrics.image import psnr
from nakawari.metrics.lines import chamfer
from nakawari.tensors import to_frame

_RADIUS, _SIGMA = 5, 1.5
_C1, _C2 = 0.01**2, 0.03**2


def ssim(made: Tensor, truth: Tensor) -> Tensor:
    """Structural similarity with a Gaussian window of 11 pixels, the mean of channels and inner pixels.

    Args:
        made, truth: [B, C, H, W] in [0, 1], at least 11 pixels a side.

    Returns:
        [B].

    Source: Wang et al. 2004.
    """
    x, y = made.double(), truth.double()
    mean_x, mean_y, xx, yy, xy = (_window(each) for each in (x, y, x * x, y * y, x * y))
    var_x, var_y, cov = xx - mean_x**2, yy - mean_y**2, xy - mean_x * mean_y
    value = (2 * mean_x * mean_y + _C1) * (2 * cov + _C2)
    return (value / ((mean_x**2 + mean_y**2 + _C1) * (var_x + var_y + _C2))).mean((1, 2, 3))


def _window(image: Tensor) -> Tensor:
    """Gaussian means over windows that are wholly inside."""
    offsets = torch.arange(-_RADIUS, _RADIUS + 1, dtype=image.dtype, device=image.device)
    taps = torch.exp(-0.5 * (offsets / _SIGMA) ** 2)
    taps = taps / taps.sum()
    planes = image.flatten(0, 1)[:, None]
    planes = F.conv2d(F.conv2d(planes, taps.view(1, 1, 1, -1)), taps.view(1, 1, -1, 1))
    return planes.view(*image.shape[:2], *planes.shape[2:])


def score(made: Tensor, truth: Tensor) -> dict[str, float]:
    """Scores of one picture against the truth.

    Args:
        made, truth: [1, 3, H, W] in [0, 1]; `made` is rounded to 8 bits first, as it would be on disk.

    Returns:
        "psnr" in dB, "ssim", and "chamfer", the line distance × 1e5.
    """
    picture, wanted = to_frame(made), to_frame(truth)
    rounded = made.detach().float().clamp(0, 1).mul(255).round().div(255)
    return {
        "psnr": psnr(picture, wanted),
        "ssim": float(ssim(rounded, truth.float())),
        "chamfer": 1e5 * chamfer(picture, wanted),
    }
