"""How far a flow is from the true one."""

from __future__ import annotations

from torch import Tensor


def endpoint_error(flow: Tensor, truth: Tensor, valid: Tensor | None = None, epsilon: float = 0.01) -> Tensor:
    """Mean Euclidean distance between flow vectors, in pixels.

    Args:
        flow, truth: [B, 2, H, W], pixels.
        valid: [B, 1, H, W], weight of each pixel (0: the truth is not known there); None: all count.
        epsilon: pixels; makes the distance smooth where it is nearly right.

    Returns:
        a scalar; 0 where nothing is valid.
    """
    squared = (flow.float() - truth.float()).square().sum(1, keepdim=True) + epsilon**2
    distance = squared.sqrt()
    if valid is None:
        return distance.mean()
    weight = valid.to(distance.dtype)
    return (distance * weight).sum() / weight.sum().clamp_min(1.0)
