"""Where the lines of a picture are, and how near every pixel is to one, in torch on any device."""

from __future__ import annotations

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
