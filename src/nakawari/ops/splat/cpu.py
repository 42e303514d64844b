"""Splatting on CPU cores (numba, float32).

Forward: the result is cut into bands of rows, one for each thread, and each thread looks only at the
source rows that can reach its band. Each result pixel is summed by one thread, in the order of the
source, so there are no races and the result does not depend on the number of threads. Landing places of
a run of source pixels are worked out once and used for all channels.

Backward: a pure gather; source rows are cut into bands.
"""

# ruff: noqa: ANN001, ANN202
from __future__ import annotations

from functools import partial

import numpy as np
import torch
from torch import Tensor

from nakawari.ops.compiled import compile_kernel, in_bands

RUN = 512
"""Source pixels whose landing places are kept at hand (about 30 kB) while the channels go by."""


def splat_sums(source: Tensor, flow: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """As `reference.splat_sums`, for contiguous float32 tensors on the CPU."""
    batch, _, height, _ = source.shape
    sums, mass = torch.zeros_like(source), torch.zeros_like(weight)
    arrays = [tensor.detach().numpy() for tensor in (source, flow, weight, sums, mass)]
    for b in range(batch):
        s, f, w, out, total = (array[b] for array in arrays)
        reach = np.empty((height, 2), np.int64)
        in_bands(partial(_reach, f[1], reach), height)
        in_bands(partial(_forward, s, f, w[0], out, total[0], reach), height)
    return sums, mass


def splat_sums_backward(
    grad_sums: Tensor, grad_mass: Tensor, source: Tensor, flow: Tensor, weight: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """As `reference.splat_sums_backward`, for contiguous float32 tensors on the CPU."""
    batch, _, height, _ = source.shape
    grads = torch.empty_like(source), torch.empty_like(flow), torch.empty_like(weight)
    inputs = [tensor.detach().numpy() for tensor in (grad_sums, grad_mass, source, flow, weight)]
    outputs = [tensor.numpy() for tensor in grads]
    for b in range(batch):
        gs, gm, s, f, w = (array[b] for array in inputs)
        out_s, out_f, out_w = (array[b] for array in outputs)
        in_bands(partial(_backward, gs, gm[0], s, f, w[0], out_s, out_f, out_w[0]), height)
    return grads


@compile_kernel("void(f4[:, ::1], i8[:, ::1], i8, i8)")
def _reach(flow_y, reach, top, bottom):  # type: ignore[no-untyped-def]
    """First and last result row that each source row can touch."""
    height, width = flow_y.shape
    for y in range(top, bottom):
        first, behind = np.float32(-1 - y), np.float32(height - y)
        low, high = behind, np.float32(-2 - y)
        for x in range(width):
            move = flow_y[y, x]
            lands = (move >= first) & (move < behind)  # false for NaN and infinities
            low, high = min(low, move if lands else low), max(high, move if lands else high)
        reach[y, 0] = y + np.int64(np.floor(low))
        reach[y, 1] = y + np.int64(np.floor(high)) + 1


@compile_kernel("void(f4[::1], f4[::1], i8, i8, i8, i8, i8, u4[:, ::1], f4[:, ::1], f4[:, ::1])")
def _land(flow_x, flow_y, y, start, width, top, bottom, index, share, slope):  # type: ignore[no-untyped-def]
    """Where a run of pixels of row `y` lands in rows `top`..`bottom` of the result.

    Fills, for each pixel of the run: the four corners in the flat picture (`index`), the shares of left,
    right, upper and lower (`share`), and 1 for those of these that are inside (`slope`). A share outside
    is 0 and has the place of a corner inside, so loops over channels need no tests. All of it is free of
    branches, so that the compiler makes vector code of it.
    """
    one, zero = np.float32(1), np.float32(0)
    low, high, first = np.float32(top - 1), np.float32(bottom), np.float32(top)
    rightmost, upmost, lowest, stride = (
        np.int32(width - 1),
        np.int32(top),
        np.int32(bottom - 1),
        np.int32(width),
    )
    for k in range(np.uint32(min(RUN, width - start))):
        x = np.uint32(start) + k
        floor_x, floor_y = np.floor(flow_x[x]), np.floor(flow_y[x])
        to_x, to_y = np.float32(x) + floor_x, np.float32(y) + floor_y
        lands = (to_x >= -1) & (to_x < width) & (to_y >= low) & (to_y < high)  # false for NaN
        left, above = np.int32(to_x if lands else zero), np.int32(to_y if lands else first)
        has0, has1 = lands & (left >= 0), lands & (left < rightmost)
        has2, has3 = lands & (above >= upmost), lands & (above < lowest)
        right, below = min(left + np.int32(1), rightmost), min(above + np.int32(1), lowest)
        left, above = max(left, np.int32(0)), max(above, upmost)
        index[0, k], index[1, k] = above * stride + left, above * stride + right
        index[2, k], index[3, k] = below * stride + left, below * stride + right
        share[0, k] = floor_x + one - flow_x[x] if has0 else zero
        share[1, k] = flow_x[x] - floor_x if has1 else zero
        share[2, k] = floor_y + one - flow_y[x] if has2 else zero
        share[3, k] = flow_y[x] - floor_y if has3 else zero
        slope[0, k], slope[1, k] = one if has0 else zero, one if has1 else zero
        slope[2, k], slope[3, k] = one if has2 else zero, one if has3 else zero


@compile_kernel(
    "void(f4[:, :, ::1], f4[:, :, ::1], f4[:, ::1], f4[:, :, ::1], f4[:, ::1], i8[:, ::1], i8, i8)"
)
def _forward(source, flow, weight, sums, mass, reach, top, bottom):  # type: ignore[no-untyped-def]
    """Fill rows `top`..`bottom` of `sums` and `mass`."""
    channels, height, width = source.shape
    index = np.empty((4, RUN), np.uint32)
    share, slope, part = (
        np.empty((4, RUN), np.float32),
        np.empty((4, RUN), np.float32),
        np.empty((4, RUN), np.float32),
    )
    i0, i1, i2, i3 = index[0], index[1], index[2], index[3]
    p0, p1, p2, p3 = part[0], part[1], part[2], part[3]
    flat, flat_mass = sums.reshape(channels, -1), mass.reshape(-1)
    for y in range(height):
        if reach[y, 1] < top or reach[y, 0] >= bottom:
            continue
        for start in range(0, width, RUN):
            _land(flow[0, y], flow[1, y], y, start, width, top, bottom, index, share, slope)
            count = np.uint32(min(RUN, width - start))
            for k in range(count):
                w = weight[y, np.uint32(start) + k]
                upper, lower = share[2, k] * w, share[3, k] * w
                p0[k], p1[k] = share[0, k] * upper, share[1, k] * upper
                p2[k], p3[k] = share[0, k] * lower, share[1, k] * lower
            for k in range(count):
                flat_mass[i0[k]] += p0[k]
                flat_mass[i1[k]] += p1[k]
                flat_mass[i2[k]] += p2[k]
                flat_mass[i3[k]] += p3[k]
            for c in range(channels):
                row, plane = source[c, y], flat[c]
                for k in range(count):
                    value = row[np.uint32(start) + k]
                    plane[i0[k]] += value * p0[k]
                    plane[i1[k]] += value * p1[k]
                    plane[i2[k]] += value * p2[k]
                    plane[i3[k]] += value * p3[k]


@compile_kernel(
    "void(f4[:, :, ::1], f4[:, ::1], f4[:, :, ::1], f4[:, :, ::1], f4[:, ::1],"
    " f4[:, :, ::1], f4[:, :, ::1], f4[:, ::1], i8, i8)",
    fast=True,
)
def _backward(  # type: ignore[no-untyped-def]
    grad_sums, grad_mass, source, flow, weight, grad_source, grad_flow, grad_weight, top, bottom
):
    """Gather the gradients of source rows `top`..`bottom`."""
    channels, height, width = source.shape
    index = np.empty((4, RUN), np.uint32)
    share, slope, pulled = (
        np.empty((4, RUN), np.float32),
        np.empty((4, RUN), np.float32),
        np.empty((3, RUN), np.float32),
    )
    i0, i1, i2, i3 = index[0], index[1], index[2], index[3]
    x0, x1, y0, y1 = share[0], share[1], share[2], share[3]
    flat, flat_mass = grad_sums.reshape(channels, -1), grad_mass.reshape(-1)
    for y in range(top, bottom):
        for start in range(0, width, RUN):
            _land(flow[0, y], flow[1, y], y, start, width, 0, height, index, share, slope)
            count = np.uint32(min(RUN, width - start))
            for c in range(channels + 1):
                plane = flat_mass if c == channels else flat[c]
                for k in range(count):
                    x = np.uint32(start) + k
                    value = np.float32(1) if c == channels else source[c, y, x]
                    g0, g1, g2, g3 = plane[i0[k]], plane[i1[k]], plane[i2[k]], plane[i3[k]]
                    upper, lower = x0[k] * g0 + x1[k] * g1, x0[k] * g2 + x1[k] * g3
                    pull = y0[k] * upper + y1[k] * lower
                    across = y0[k] * (slope[1, k] * g1 - slope[0, k] * g0)
                    across += y1[k] * (slope[1, k] * g3 - slope[0, k] * g2)
                    down = slope[3, k] * lower - slope[2, k] * upper
                    if c < channels:
                        grad_source[c, y, x] = pull * weight[y, x]
                    if c == 0:
                        pulled[0, k], pulled[1, k], pulled[2, k] = pull * value, across * value, down * value
                    else:
                        pulled[0, k] += pull * value
                        pulled[1, k] += across * value
                        pulled[2, k] += down * value
            for k in range(count):
                x = np.uint32(start) + k
                grad_weight[y, x] = pulled[0, k]
                grad_flow[0, y, x] = pulled[1, k] * weight[y, x]
                grad_flow[1, y, x] = pulled[2, k] * weight[y, x]
