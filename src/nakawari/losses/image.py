"""How far a made picture is from the true one.

All take `made` and `truth`, [B, 3, H, W] in [0, 1], and give a scalar in float32 (also under autocast).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from nakawari.errors import InputError
from nakawari.losses.lines import line_nearness

_LUMA = (0.299, 0.587, 0.114)
_TERNARY_SOFTNESS = 0.9 / 255
"""A difference between neighbours that is half-way decided (the 0.9 grey levels of UnFlow's 0.81)."""


def l1(made: Tensor, truth: Tensor) -> Tensor:
    """Mean absolute difference."""
    return (made.float() - truth.float()).abs().mean()


def charbonnier(made: Tensor, truth: Tensor, epsilon: float = 1e-3) -> Tensor:
    """Mean of sqrt(difference² + epsilon²): L1 that is smooth where it is nearly right."""
    return ((made.float() - truth.float()).square() + epsilon**2).sqrt().mean()


def laplacian(made: Tensor, truth: Tensor, levels: int = 5) -> Tensor:
    """L1 between Laplacian pyramids, level k weighted by 2^k: edges of every width count.

    Pictures too small for `levels` use as many as they have.

    Source: Bojanowski et al. 2018; as a loss of interpolation, Niklaus & Liu 2018.
    """
    difference = made.float() - truth.float()  # the pyramid is linear: one of the difference will do
    total = difference.new_zeros(())
    for level in range(levels - 1):
        if min(difference.shape[-2:]) < 8:
            break
        low = _shrink(difference)
        band = difference - F.interpolate(low, difference.shape[-2:], mode="bilinear", align_corners=False)
        total = total + float(2**level) * band.abs().mean()
        difference = low
    else:
        level = levels - 1
    return total + float(2**level) * difference.abs().mean()


def _shrink(image: Tensor) -> Tensor:
    """Binomial blur of five taps, then every second pixel."""
    taps = torch.tensor((1.0, 4.0, 6.0, 4.0, 1.0), device=image.device) / 16
    channels = image.shape[1]
    # Grouped convolution of few channels is four times as fast channels last (forward and backward, CPU).
    image = image.contiguous(memory_format=torch.channels_last)
    across, down = taps.view(1, 1, 1, 5), taps.view(1, 1, 5, 1)
    with torch.autocast(image.device.type, enabled=False):
        image = F.pad(image, (2, 2, 0, 0), mode="replicate")
        image = F.conv2d(image, across.expand(channels, 1, 1, 5), stride=(1, 2), groups=channels)
        image = F.pad(image, (0, 0, 2, 2), mode="replicate")
        return F.conv2d(image, down.expand(channels, 1, 5, 1), stride=(2, 1), groups=channels)


def census(made: Tensor, truth: Tensor, radius: int = 3) -> Tensor:
    """Soft Hamming distance between ternary census transforms: structure, whatever the brightness.

    Each pixel is described by how its grey compares with that of its (2·radius + 1)² neighbours, softly:
    less, alike, more.

    Source: Meister et al. 2018 (UnFlow), section 3.2, after Stein 2004.
    Differs: neighbours are compared as far as they are inside; UnFlow leaves a border out.

    Raises:
        InputError: the picture is too small for neighbours that far.
    """
    height, width = made.shape[-2:]
    if min(height, width) <= radius:
        raise InputError(f"census wants more than {radius} pixels a side; found {width}×{height}.")
    return _hamming(_grey(made), _grey(truth), radius)


def _grey(image: Tensor) -> Tensor:
    weights = torch.tensor(_LUMA, device=image.device).view(1, 3, 1, 1)
    grey: Tensor = (image.float() * weights).sum(1, keepdim=True)
    return grey


def _hamming(made: Tensor, truth: Tensor, radius: int) -> Tensor:
    """Mean soft Hamming distance, one offset at a time: no tensor of all neighbours is made.

    Two pixels are compared once: seen from the other one the distance is the same.
    """
    height, width = made.shape[-2:]
    both = torch.cat((made, truth), 1)
    offsets = [(y, x) for y in range(radius + 1) for x in range(-radius, radius + 1) if y > 0 or x > 0]
    total = made.new_zeros(())
    for y, x in offsets:
        here = both[..., : height - y, max(-x, 0) : width - max(x, 0)]
        there = both[..., y:, max(x, 0) : width - max(-x, 0)]
        step = there - here
        ternary = step * torch.rsqrt(step.square() + _TERNARY_SOFTNESS**2)
        squared = (ternary[:, :1] - ternary[:, 1:]).square()
        total = total + (squared / (0.1 + squared)).mean()
    return total / len(offsets)


def line_weighted_l1(
    made: Tensor, truth: Tensor, weight: float = 4.0, decay_px: float = 3.0, reach_px: int = 8
) -> Tensor:
    """L1 that counts 1 + `weight` times on the lines of the truth and fades to 1 away from them.

    Lines are a few per cent of a drawing's pixels, so plain L1 hardly feels one that is blurred or broken.
    Divided by the mean weight, so that it is comparable with `l1` whatever share of a picture is lines.

    Args:
        made, truth: pictures.
        weight: how much more a pixel on a line counts.
        decay_px: distance from a line at which that has fallen to 1/e.
        reach_px: distance beyond which pixels count as far away.

    Source: the line distance is the normalised Euclidean distance transform of Chen & Zwicker 2022.
    Differs: there it is an input of the network and a metric; here it weights the loss.
    """
    with torch.no_grad():
        emphasis = 1 + weight * line_nearness(truth, decay_px, reach_px)
    difference = (made.float() - truth.float()).abs()
    return (difference * emphasis).mean() / emphasis.mean()
