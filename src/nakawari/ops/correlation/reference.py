"""Correlation in torch: slow, differentiable, on any device. This is the definition."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def local_correlation(features0: Tensor, features1: Tensor, radius: int) -> Tensor:
    """As `correlation.local_correlation`."""
    height, width = features0.shape[2:]
    side = 2 * radius + 1
    padded = F.pad(features1, (radius,) * 4)
    planes = [
        (features0 * padded[:, :, dy : dy + height, dx : dx + width]).mean(1)
        for dy in range(side)
        for dx in range(side)
    ]
    return torch.stack(planes, 1)
