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

    Shares are those of the flow beside the whole pixels around it, not of the place beside the pixels
    around that: so the rounding of a place, which is coarser the further right and down it is, is in none,
    and a flow does the same everywhere.
    """
    height, width = flow.shape[2:]
    down = torch.arange(height, device=flow.device, dtype=flow.dtype)[:, None]
    right = torch.arange(width, device=flow.device, dtype=flow.dtype)
    floor = flow.detach().floor()
    left, top = right + floor[:, :1], down + floor[:, 1:]
    lands = (left >= -1) & (left < width) & (top >= -1) & (top < height)  # false for NaN and infinities
    left, top = torch.where(lands, left, -1), torch.where(lands, top, -1)
    inner = torch.where(lands, flow, 0)  # no NaN meets a gradient
    floor = torch.where(lands, floor, 0)
    share1, share0 = inner - floor, floor + 1 - inner
    for dy in (0, 1):
        for dx in (0, 1):
            share_x, share_y = (share1 if dx else share0)[:, :1], (share1 if dy else share0)[:, 1:]
            qx, qy = left.long() + dx, top.long() + dy
            inside = lands & (qx >= 0) & (qx < width) & (qy >= 0) & (qy < height)
            index = torch.where(inside, qy * width + qx, 0)
            yield index, inside, share_x * share_y, share_y * (2 * dx - 1), share_x * (2 * dy - 1)
