"""Where the lines of a picture are, and how near every pixel is to one, in torch on any device."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

_SIGMA, _RATIO, _THRESHOLD = 1.0, 1.6, 0.005
_GREY = (0.299, 0.587, 0.114)


def line_map(image: Tensor) -> Tensor:
    """Where the dark lines are: what `metrics.lines.line_map` finds, for batches on any device.

    Args:
        image: [B, 3, H, W] in [0, 1].

    Returns:
        [B, 1, H, W] bool; True where the wide Gaussian of the grey picture exceeds the narrow one.
    """
    weights = torch.tensor(_GREY, device=image.device).view(1, 3, 1, 1)
    grey = (image.float() * weights).sum(1, keepdim=True)
    return _blur(grey, _SIGMA * _RATIO) - _blur(grey, _SIGMA) > _THRESHOLD


def _blur(image: Tensor, sigma: float) -> Tensor:
    radius = int(4 * sigma)
    offsets = torch.arange(-radius, radius + 1, dtype=torch.float32, device=image.device)
    taps = torch.exp(-0.5 * (offsets / sigma).square())
    taps = taps / taps.sum()
    with torch.autocast(image.device.type, enabled=False):
        image = F.conv2d(F.pad(image, (radius, radius, 0, 0), mode="replicate"), taps.view(1, 1, 1, -1))
        return F.conv2d(F.pad(image, (0, 0, radius, radius), mode="replicate"), taps.view(1, 1, -1, 1))


def truncated_distance(mask: Tensor, reach_px: int) -> Tensor:
    """Euclidean distance to the nearest true pixel, exact up to `reach_px`, which is what all beyond get.

    Args:
        mask: [B, 1, H, W] bool.
        reach_px: at least 1.

    Returns:
        [B, 1, H, W] float32, pixels.
    """
    far = float(reach_px**2)
    squared = torch.where(mask, 0.0, far)
    for sides in ((1, 0), (0, 1)):  # down the columns, then along the rows: squares of distances add
        squared = _lower_envelope(squared, reach_px, sides, far)
    return squared.clamp_max(far).sqrt()


def _lower_envelope(squared: Tensor, reach: int, sides: tuple[int, int], far: float) -> Tensor:
    """The minimum over d of `squared` shifted by d, plus d²."""
    height, width = squared.shape[-2:]
    rows, columns = sides[0] * reach, sides[1] * reach
    padded = F.pad(squared, (columns, columns, rows, rows), value=far)
    best = squared
    for shift in range(1, reach):
        for d in (reach - shift, reach + shift):
            top, left = sides[0] * d, sides[1] * d
            moved = padded[..., top : top + height, left : left + width]
            best = torch.minimum(best, moved + shift**2)
    return best


def line_nearness(image: Tensor, decay_px: float, reach_px: int) -> Tensor:
    """How near each pixel is to a line: exp(−distance / decay_px), 0 from `reach_px` on. [B, 1, H, W]."""
    distance = truncated_distance(line_map(image), reach_px)
    return torch.where(distance < reach_px, torch.exp(-distance / decay_px), 0.0)


_SOFTNESS = 0.0007
"""Of a difference of Gaussians, in grey: half-way decided this far from the threshold."""


def soft_line_map(image: Tensor) -> Tensor:
    """`line_map` with a gradient: how surely there is a line.

    Args:
        image: [B, 3, H, W] in [0, 1].

    Returns:
        [B, 1, H, W] in (0, 1), above ½ where `line_map` is true.
    """
    weights = torch.tensor(_GREY, device=image.device).view(1, 3, 1, 1)
    grey = (image.float() * weights).sum(1, keepdim=True)
    darker = _blur(grey, _SIGMA * _RATIO) - _blur(grey, _SIGMA)
    return torch.sigmoid((darker - _THRESHOLD) / _SOFTNESS)


def soft_distance(lines: Tensor, reach_px: int) -> Tensor:
    """Distance to the nearest line, with a gradient into how surely it is one.

    A pixel that is a line by the share s is taken to have one at √((1 − s)ᵏ) of the whole reach, with k such
    that s = ½ is one pixel.

    Args:
        lines: [B, 1, H, W] in [0, 1], such as `soft_line_map` gives.
        reach_px: what is farther counts as so far.

    Returns:
        [B, 1, H, W], pixels; for shares of 0 and 1 what `truncated_distance` gives.
    """
    far = float(reach_px**2)
    squared = (1 - lines.float()).clamp_min(0) ** max(1.0, math.log2(far)) * far
    for sides in ((1, 0), (0, 1)):
        squared = _lower_envelope(squared, reach_px, sides, far)
    return (squared.clamp_max(far) + 1e-6).sqrt()


def chamfer_distance(made: Tensor, truth: Tensor, reach_px: int = 16) -> Tensor:
    """Chamfer line distance as a loss: how far the lines of each picture are from those of the other.

    Args:
        made, truth: [B, 3, H, W] in [0, 1].
        reach_px: lines that are farther apart count as so far.

    Returns:
        a scalar, pixels: the mean over the lines of both, so that empty paper does not thin it out.

    Source: Chen & Zwicker 2022 (EISAI), where it is a metric.
    Differs: lines are soft and distances end at `reach_px`; divided by the number of line pixels, not by all.
    """
    own = soft_line_map(made)
    with torch.no_grad():
        wanted = line_map(truth)
        to_wanted = truncated_distance(wanted, reach_px)
    missing = (soft_distance(own, reach_px) * wanted).sum() / wanted.sum().clamp_min(1)
    astray = (own * to_wanted).sum() / own.sum().clamp_min(1.0)
    return 0.5 * (missing + astray)


def nedt(lines: Tensor, reach_px: int = 32, sharpness: float = 36.0) -> Tensor:
    """Normalised Euclidean distance transform: 0 on lines, towards 1 away from them, quickly.

    Args:
        lines: [B, 1, H, W] in [0, 1].
        reach_px: distances end there.
        sharpness: 1 − exp(−sharpness · distance / longer side).

    Source: Chen & Zwicker 2022 (EISAI), section 3.3.
    """
    return 1 - torch.exp(-sharpness * soft_distance(lines, reach_px) / max(lines.shape[-2:]))


def nedt_distance(made: Tensor, truth: Tensor, reach_px: int = 32, levels: int = 3) -> Tensor:
    """L1 between the distance transforms of both pictures' lines at `levels` sizes, summed.

    Source: Chen & Zwicker 2022 (EISAI), its second loss (weight 5).
    Differs: it is taken of the made picture's own lines; there a network predicts the transform.
    """
    with torch.no_grad():
        wanted = nedt(soft_line_map(truth), reach_px)
    difference = nedt(soft_line_map(made), reach_px) - wanted
    total = difference.abs().mean()
    for _ in range(levels - 1):
        if min(difference.shape[-2:]) < 2:
            break
        difference = F.avg_pool2d(difference, 2)
        total = total + difference.abs().mean()
    return total
