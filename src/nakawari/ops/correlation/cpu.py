"""Local correlation on CPU cores (numba, float32).

Rows are cut into bands, one for each thread. A row of one plane is a sum over channels of products of two
rows, one of them shifted: the inner loop runs along x, and what it needs stays in the nearest cache.
"""

# ruff: noqa: ANN001, ANN202
from __future__ import annotations

from functools import partial

import numpy as np
import torch
from torch import Tensor

from nakawari.ops.compiled import compile_kernel, in_bands


def local_correlation(features0: Tensor, features1: Tensor, radius: int) -> Tensor:
    """As `reference.local_correlation`, for contiguous float32 tensors on the CPU."""
    batch, _, height, width = features0.shape
    out = torch.zeros(batch, (2 * radius + 1) ** 2, height, width)
    arrays = [tensor.detach().numpy() for tensor in (features0, features1, out)]
    for b in range(batch):
        in_bands(partial(_forward, *(array[b] for array in arrays), radius), height, smallest=8)
    return out


def local_correlation_backward(
    grad: Tensor, features0: Tensor, features1: Tensor, radius: int
) -> tuple[Tensor, Tensor]:
    """Gradients of `local_correlation` for both maps, for contiguous float32 tensors on the CPU."""
    height = features0.shape[2]
    grads = torch.zeros_like(features0), torch.zeros_like(features1)
    inputs = [tensor.detach().numpy() for tensor in (grad, features0, features1)]
    outputs = [tensor.numpy() for tensor in grads]
    for b in range(features0.shape[0]):
        g, f0, f1 = (array[b] for array in inputs)
        # Seen from the second map, its partners lie on the other side.
        in_bands(partial(_pull, g, f1, outputs[0][b], radius, 1), height, smallest=8)
        in_bands(partial(_pull, g, f0, outputs[1][b], radius, -1), height, smallest=8)
    return grads


@compile_kernel("void(f4[:, :, ::1], f4[:, :, ::1], f4[:, :, ::1], i8, i8, i8)", fast=True)
def _forward(features0, features1, out, radius, top, bottom):  # type: ignore[no-untyped-def]
    channels, height, width = features0.shape
    side = 2 * radius + 1
    scale = np.float32(1) / np.float32(channels)
    for y in range(top, bottom):
        for dy in range(-radius, radius + 1):
            if not 0 <= y + dy < height:
                continue
            for dx in range(-radius, radius + 1):
                left, right = max(0, -dx), min(width, width - dx)
                row = out[(dy + radius) * side + dx + radius, y]
                for c in range(channels):
                    own, other = features0[c, y], features1[c, y + dy]
                    for x in range(left, right):
                        row[x] += own[x] * other[x + dx]
                for x in range(left, right):
                    row[x] *= scale


@compile_kernel("void(f4[:, :, ::1], f4[:, :, ::1], f4[:, :, ::1], i8, i8, i8, i8)", fast=True)
def _pull(grad, other, out, radius, way, top, bottom):  # type: ignore[no-untyped-def]
    """Gradient of one map (`way` 1: the first, -1: the second) from the features of the other."""
    channels, height, width = other.shape
    side = 2 * radius + 1
    scale = np.float32(1) / np.float32(channels)
    for y in range(top, bottom):
        for dy in range(-radius, radius + 1):
            from_y = y + way * dy
            if not 0 <= from_y < height:
                continue
            # the planes of `grad` lie on the grid of the first map
            grad_y = y if way == 1 else from_y
            for dx in range(-radius, radius + 1):
                shift = way * dx
                left, right = max(0, -shift), min(width, width - shift)
                pulls = grad[(dy + radius) * side + dx + radius, grad_y]
                move = np.int64(0) if way == 1 else shift
                for c in range(channels):
                    target, source = out[c, y], other[c, from_y]
                    for x in range(left, right):
                        target[x] += pulls[x + move] * source[x + shift] * scale
