"""How far a flow is from the true one."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from nakawari.errors import ShapeError


def endpoint_error(
    flow: Tensor, truth: Tensor, valid: Tensor | None = None, epsilon: float = 0.01, power: float = 1.0
) -> Tensor:
    """Mean Euclidean distance between flow vectors, in pixels, or a power of it.

    Args:
        flow, truth: [B, 2, H, W], pixels.
        valid: [B, 1, H, W], weight of each pixel (0: the truth is not known there); None: all count.
        epsilon: pixels; makes the distance smooth where it is nearly right.
        power: of each distance; below 1, far misses that nobody can mend count for less (Sun et al. 2018,
            "PWC-Net", fine-tunes with 0.4).

    Returns:
        a scalar; 0 where nothing is valid.
    """
    squared = (flow.float() - truth.float()).square().sum(1, keepdim=True) + epsilon**2
    distance = squared.sqrt() if power == 1 else squared.pow(power / 2)
    if valid is None:
        return distance.mean()
    weight = valid.to(distance.dtype)
    return (distance * weight).sum() / weight.sum().clamp_min(1.0)


def multiscale_endpoint_error(
    flows: Sequence[Tensor],
    truth: Tensor,
    valid: Tensor | None = None,
    weights: Sequence[float] | None = None,
    epsilon: float = 0.01,
    power: float = 1.0,
) -> Tensor:
    """`endpoint_error` of flows found at several sizes.

    The truth is averaged down over the valid pixels of each cell, and a cell counts by its share of them.
    All distances are in pixels of the truth's size: a coarse flow is not let off by its own coarser pixels.

    Args:
        flows: each [B, 2, H / k, W / k] for whole k, in pixels of its own size, finest or coarsest first.
        truth: [B, 2, H, W], pixels.
        valid: [B, 1, H, W], or None.
        weights: one for each flow; None: all alike. The sum is divided by theirs.
        epsilon, power: as in `endpoint_error`.

    Raises:
        ShapeError: a flow's size does not divide the truth's, or there are not as many weights as flows.
    """
    shares = [1.0] * len(flows) if weights is None else list(weights)
    if len(shares) != len(flows) or not flows or sum(shares) <= 0:
        raise ShapeError(
            f"there are {len(shares)} weights for {len(flows)} flows; wanted one for each, sum above 0."
        )
    known = torch.ones_like(truth[:, :1]) if valid is None else valid.to(truth.dtype)
    total = truth.new_zeros((), dtype=torch.float32)
    for flow, share in zip(flows, shares, strict=True):
        scale = truth.shape[-1] // flow.shape[-1]
        if (flow.shape[-2] * scale, flow.shape[-1] * scale) != tuple(truth.shape[-2:]):
            raise ShapeError(f"flow is {list(flow.shape)}; wanted a whole fraction of {list(truth.shape)}.")
        cell = F.avg_pool2d(known, scale) if scale > 1 else known
        mean = F.avg_pool2d(truth * known, scale) / cell.clamp_min(1e-6) if scale > 1 else truth
        total = total + share * endpoint_error(flow.float() * scale, mean, cell, epsilon, power)
    return total / sum(shares)
