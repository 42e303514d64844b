"""Local correlation on CPU cores (numba, float32).

Maps are laid out with their channels last, so that a pixel's features lie together: an agreement is then a
product of two short runs of memory, and a gradient a sum of such runs. Rows of all maps of the batch are cut
into bands, one for each thread.
"""

# ruff: noqa: ANN001, ANN202
from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nakawari.ops.compiled import compile_kernel, in_bands


def local_correlation(features0: Tensor, features1: Tensor, radius: int) -> Tensor:
    """As `reference.local_correlation`, for float32 tensors on the CPU."""
    batch, _, height, width = features0.shape
    planes = (2 * radius + 1) ** 2
    # Laid out with channels last as well: what follows is a convolution.
    out = torch.empty(batch, planes, height, width, memory_format=torch.channels_last)
    arrays = [_pixels(tensor) for tensor in (features0, features1, out)]
    in_bands(partial(_forward, *arrays, radius), batch * height, smallest=8)
    return out


def local_correlation_backward(
    grad: Tensor, features0: Tensor, features1: Tensor, radius: int
) -> tuple[Tensor, Tensor]:
    """Gradients of `local_correlation` for both maps, for float32 tensors on the CPU."""
    batch, _, height, _ = features0.shape
    grads = [torch.empty_like(x, memory_format=torch.channels_last) for x in (features0, features1)]
    pull, own, other, own_grad, other_grad = (_pixels(x) for x in (grad, features0, features1, *grads))
    # Seen from the second map, its partners lie on the other side.
    in_bands(partial(_pull, pull, other, own_grad, radius, 1), batch * height, smallest=8)
    in_bands(partial(_pull, pull, own, other_grad, radius, -1), batch * height, smallest=8)
    return grads[0], grads[1]


def _pixels(tensor: Tensor) -> Any:
    """A view [B, H, W, C], or a copy where the channels do not lie together."""
    return tensor.detach().permute(0, 2, 3, 1).contiguous().numpy()


@compile_kernel("void(f4[:, :, :, ::1], f4[:, :, :, ::1], f4[:, :, :, ::1], i8, i8, i8)", fast=True)
def _forward(features0, features1, out, radius, top, bottom):  # type: ignore[no-untyped-def]
    _, height, width, channels = features0.shape
    scale = np.float32(1) / np.float32(channels)
    for row in range(top, bottom):
        b, y = row // height, row % height
        for x in range(width):
            own, said = features0[b, y, x], out[b, y, x]
            k = 0
            for to_y in range(y - radius, y + radius + 1):
                for to_x in range(x - radius, x + radius + 1):
                    total = np.float32(0)
                    if 0 <= to_y < height and 0 <= to_x < width:
                        other = features1[b, to_y, to_x]
                        for c in range(np.uint32(channels)):
                            total += own[c] * other[c]
                    said[k] = total * scale
                    k += 1


@compile_kernel("void(f4[:, :, :, ::1], f4[:, :, :, ::1], f4[:, :, :, ::1], i8, i8, i8, i8)", fast=True)
def _pull(grad, other, out, radius, way, top, bottom):  # type: ignore[no-untyped-def]
    """Gradient of one map (`way` 1: the first, -1: the second) from the features of the other."""
    _, height, width, channels = other.shape
    scale = np.float32(1) / np.float32(channels)
    for row in range(top, bottom):
        b, y = row // height, row % height
        for x in range(width):
            target = out[b, y, x]
            target[:] = np.float32(0)
            k = 0
            for dy in range(-radius, radius + 1):
                for dx in range(-radius, radius + 1):
                    from_y, from_x = y + way * dy, x + way * dx
                    if 0 <= from_y < height and 0 <= from_x < width:
                        # the planes of `grad` lie on the grid of the first map
                        pull = grad[b, y, x, k] if way == 1 else grad[b, from_y, from_x, k]
                        source = other[b, from_y, from_x]
                        pull *= scale
                        for c in range(np.uint32(channels)):
                            target[c] += pull * source[c]
                    k += 1
