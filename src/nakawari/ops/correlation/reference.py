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


def local_correlation_backward(
    grad: Tensor, features0: Tensor, features1: Tensor, radius: int
) -> tuple[Tensor, Tensor]:
    """Gradients of `local_correlation` for both maps."""
    with torch.enable_grad():
        maps = features0.detach().requires_grad_(), features1.detach().requires_grad_()
        grad0, grad1 = torch.autograd.grad(local_correlation(*maps, radius), maps, grad)
    return grad0, grad1
