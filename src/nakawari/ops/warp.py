"""Backward warping and arithmetic of flow. Flow is [B, 2, H, W] in pixels, (x right, y down)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from nakawari.tensors import check_flow, check_image


def pixel_grid(like: Tensor) -> Tensor:
    """The place of each pixel, [1, 2, H, W], (x, y), of the size, device and type of `like`."""
    height, width = like.shape[-2:]
    y = torch.arange(height, device=like.device, dtype=like.dtype)
    x = torch.arange(width, device=like.device, dtype=like.dtype)
    return torch.stack([x[None].expand(height, -1), y[:, None].expand(-1, width)])[None]


def backward_warp(image: Tensor, flow: Tensor) -> Tensor:
    """Look up, for each pixel p, `image` at p + flow(p): the inverse of moving along the flow.

    Args:
        image: [B, C, H, W], any range.
        flow: [B, 2, H, W], pixels. Places outside take the nearest edge pixel.

    Returns:
        [B, C, H, W], bilinear between pixels.

    Raises:
        ShapeError: a shape does not fit.
    """
    check_image(image)
    check_flow(flow, like=image)
    return sample(image, pixel_grid(flow) + flow)


def warp_part(image: Tensor, flow: Tensor, top: int, left: int) -> Tensor:
    """A part of what `backward_warp` gives: `flow` is [B, 2, h, w] from row `top`, column `left` on."""
    corner = torch.tensor([left, top], device=flow.device, dtype=flow.dtype)[:, None, None]
    return sample(image, pixel_grid(flow) + flow + corner)


def sample(image: Tensor, place: Tensor) -> Tensor:
    """Look up `image` at places, whole coordinates being pixel centres.

    Args:
        image: [B, C, H, W], any range.
        place: [B, 2, h, w], pixels, (x, y). Places outside take the nearest edge pixel.

    Returns:
        [B, C, h, w], bilinear between pixels.
    """
    height, width = image.shape[-2:]
    # Clamping the places is border padding, which not every device has in grid_sample.
    x = place[:, 0].clamp(0, width - 1) * (2 / max(width - 1, 1)) - 1
    y = place[:, 1].clamp(0, height - 1) * (2 / max(height - 1, 1)) - 1
    grid = torch.stack([x, y], -1).to(image.dtype)
    return F.grid_sample(image, grid, mode="bilinear", padding_mode="zeros", align_corners=True)


def resize_flow(flow: Tensor, size: tuple[int, int]) -> Tensor:
    """The same motion at another picture size (H, W): resampled bilinearly, vectors scaled alike."""
    check_flow(flow)
    height, width = flow.shape[-2:]
    if (height, width) == tuple(size):
        return flow
    resized = F.interpolate(flow, size=tuple(size), mode="bilinear", align_corners=False)
    scale = torch.tensor([size[1] / width, size[0] / height], device=flow.device, dtype=flow.dtype)
    return resized * scale[:, None, None]


def flow_at(flow01: Tensor, t: float) -> Tensor:
    """Flow from frame 0 to time t, for pixels of frame 0 that move evenly along `flow01`."""
    return flow01 * t
