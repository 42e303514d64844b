"""What splatting is, in plain torch: the definition that the fast twins must agree with."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor


def splat_sums(source: Tensor, flow: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Weighted sum of what lands on each pixel, and the sum of the weights.

    Args:
        source: [B, C, H, W].
        flow: [B, 2, H, W], pixels, (x right, y down); a pixel whose flow is not finite lands nowhere.
        weight: [B, 1, H, W], importance.

    Returns:
        sums [B, C, H, W] and mass [B, 1, H, W].
    """
    batch, channels, height, width = source.shape
    load = torch.cat([source * weight, weight], 1).flatten(2)
    sums = load.new_zeros(batch, channels + 1, height * width)
    for index, inside, share, _, _ in _corners(flow):
        landed = torch.where(inside.flatten(2), load * share.flatten(2), load.new_zeros(()))
        sums = sums.scatter_add(2, index.flatten(2).expand_as(load), landed)
    sums = sums.view(batch, channels + 1, height, width)
    return sums[:, :channels].clone(), sums[:, channels:].clone()


def splat_sums_backward(
    grad_sums: Tensor, grad_mass: Tensor, source: Tensor, flow: Tensor, weight: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of `source`, `flow` and `weight`, from those of both sums (shapes as there)."""
    grads = torch.cat([grad_sums, grad_mass], 1).flatten(2)
    load = torch.cat([source * weight, weight], 1)
    zero = load.new_zeros(())
    pulled = torch.zeros_like(load)
    grad_x, grad_y = torch.zeros_like(weight), torch.zeros_like(weight)
    for index, inside, share, slope_x, slope_y in _corners(flow):
        grad = grads.gather(2, index.flatten(2).expand(-1, load.shape[1], -1)).view_as(load)
        grad = torch.where(inside, grad, zero)
        pulled += grad * share
        along = (grad * load).sum(1, keepdim=True)
        grad_x += along * slope_x
        grad_y += along * slope_y
    grad_source = pulled[:, :-1] * weight
    grad_weight = (pulled[:, :-1] * source).sum(1, keepdim=True) + pulled[:, -1:]
    return grad_source, torch.cat([grad_x, grad_y], 1), grad_weight


def _corners(flow: Tensor) -> Iterator[tuple[Tensor, Tensor, Tensor, Tensor, Tensor]]:
    """The four pixels that each source pixel lands on.

    Yields:
        index in the flat picture (0 where outside), whether it is inside, its bilinear share and the
        share's slopes along x and y; each [B, 1, H, W].
    """
    height, width = flow.shape[2:]
    down = torch.arange(height, device=flow.device, dtype=flow.dtype)[:, None]
    right = torch.arange(width, device=flow.device, dtype=flow.dtype)
    x, y = right + flow[:, :1], down + flow[:, 1:]
    lands = torch.isfinite(x) & torch.isfinite(y) & (x > -1) & (x < width) & (y > -1) & (y < height)
    x, y = torch.where(lands, x, -1), torch.where(lands, y, -1)
    left, top = x.detach().floor(), y.detach().floor()
    fx, fy = x - left, y - top
    for dy in (0, 1):
        for dx in (0, 1):
            share_x, share_y = (fx if dx else 1 - fx), (fy if dy else 1 - fy)
            qx, qy = left.long() + dx, top.long() + dy
            inside = lands & (qx >= 0) & (qx < width) & (qy >= 0) & (qy < height)
            index = torch.where(inside, qy * width + qx, 0)
            yield index, inside, share_x * share_y, share_y * (2 * dx - 1), share_x * (2 * dy - 1)
