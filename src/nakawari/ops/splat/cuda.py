"""Splatting on NVIDIA GPUs (triton, float32).

Forward: each program takes a run of source pixels and adds them with atomics, channel by channel, so the
order of additions, and with it the last bits of the result, is not fixed. Backward: a pure gather.
"""

# ruff: noqa: ANN001, ANN202, N803
from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

RUN = 256
"""Source pixels of one program."""


def splat_sums(source: Tensor, flow: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """As `reference.splat_sums`, for contiguous float32 tensors on one GPU."""
    batch, channels, height, width = source.shape
    sums, mass = torch.zeros_like(source), torch.zeros_like(weight)
    _forward[_programs(batch, height, width)](
        source, flow, weight, sums, mass, channels, height, width, RUN=RUN
    )
    return sums, mass


def splat_sums_backward(
    grad_sums: Tensor, grad_mass: Tensor, source: Tensor, flow: Tensor, weight: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """As `reference.splat_sums_backward`, for contiguous float32 tensors on one GPU."""
    batch, channels, height, width = source.shape
    grads = torch.empty_like(source), torch.empty_like(flow), torch.empty_like(weight)
    _backward[_programs(batch, height, width)](
        grad_sums, grad_mass, source, flow, weight, *grads, channels, height, width, RUN=RUN
    )
    return grads


def _programs(batch: int, height: int, width: int) -> tuple[int, int]:
    return triton.cdiv(height * width, RUN), batch


@triton.jit
def _land(flow_ptr, b, pixel, valid, height, width):  # type: ignore[no-untyped-def]
    """Whether pixels land; their upper left corners; the shares of left, right, upper and lower."""
    area = height * width
    flow_x = tl.load(flow_ptr + b * 2 * area + pixel, valid, other=0.0)
    flow_y = tl.load(flow_ptr + (b * 2 + 1) * area + pixel, valid, other=0.0)
    floor_x, floor_y = tl.floor(flow_x), tl.floor(flow_y)
    to_x, to_y = (pixel % width).to(tl.float32) + floor_x, (pixel // width).to(tl.float32) + floor_y
    lands = valid & (to_x >= -1) & (to_x < width) & (to_y >= -1) & (to_y < height)  # false for NaN
    left, above = tl.where(lands, to_x, 0.0).to(tl.int32), tl.where(lands, to_y, 0.0).to(tl.int32)
    flow_x, flow_y = tl.where(lands, flow_x, 0.0), tl.where(lands, flow_y, 0.0)
    floor_x, floor_y = tl.where(lands, floor_x, 0.0), tl.where(lands, floor_y, 0.0)
    return lands, left, above, floor_x + 1 - flow_x, flow_x - floor_x, floor_y + 1 - flow_y, flow_y - floor_y


@triton.jit  # type: ignore[untyped-decorator]
def _forward(source, flow, weight, sums, mass, channels, height, width, RUN: tl.constexpr):  # type: ignore[no-untyped-def]
    pixel = tl.program_id(0) * RUN + tl.arange(0, RUN)
    b = tl.program_id(1).to(tl.int64)
    area = height * width
    valid = pixel < area
    lands, left, above, x0, x1, y0, y1 = _land(flow, b, pixel, valid, height, width)
    load = tl.load(weight + b * area + pixel, valid, other=0.0)
    in0, in1 = lands & (left >= 0), lands & (left + 1 < width)
    has0, has1 = above >= 0, above + 1 < height
    corner = above * width + left
    p00, p01 = x0 * y0 * load, x1 * y0 * load
    p10, p11 = x0 * y1 * load, x1 * y1 * load
    out = mass + b * area + corner
    tl.atomic_add(out, p00, in0 & has0)
    tl.atomic_add(out + 1, p01, in1 & has0)
    tl.atomic_add(out + width, p10, in0 & has1)
    tl.atomic_add(out + width + 1, p11, in1 & has1)
    for c in range(channels):
        plane = (b * channels + c) * area
        value = tl.load(source + plane + pixel, valid, other=0.0)
        out = sums + plane + corner
        tl.atomic_add(out, value * p00, in0 & has0)
        tl.atomic_add(out + 1, value * p01, in1 & has0)
        tl.atomic_add(out + width, value * p10, in0 & has1)
        tl.atomic_add(out + width + 1, value * p11, in1 & has1)


@triton.jit  # type: ignore[untyped-decorator]
def _backward(  # type: ignore[no-untyped-def]
    grad_sums,
    grad_mass,
    source,
    flow,
    weight,
    grad_source,
    grad_flow,
    grad_weight,
    channels,
    height,
    width,
    RUN: tl.constexpr,
):
    pixel = tl.program_id(0) * RUN + tl.arange(0, RUN)
    b = tl.program_id(1).to(tl.int64)
    area = height * width
    valid = pixel < area
    lands, left, above, x0, x1, y0, y1 = _land(flow, b, pixel, valid, height, width)
    load = tl.load(weight + b * area + pixel, valid, other=0.0)
    in0, in1 = lands & (left >= 0), lands & (left + 1 < width)
    has0, has1 = above >= 0, above + 1 < height
    corner = above * width + left
    base = grad_mass + b * area + corner
    g00, g01 = tl.load(base, in0 & has0, other=0.0), tl.load(base + 1, in1 & has0, other=0.0)
    g10 = tl.load(base + width, in0 & has1, other=0.0)
    g11 = tl.load(base + width + 1, in1 & has1, other=0.0)
    upper, lower = x0 * g00 + x1 * g01, x0 * g10 + x1 * g11
    pulled = y0 * upper + y1 * lower
    across = y0 * (g01 - g00) + y1 * (g11 - g10)
    down = lower - upper
    for c in range(channels):
        plane = (b * channels + c) * area
        value = tl.load(source + plane + pixel, valid, other=0.0)
        base = grad_sums + plane + corner
        g00, g01 = tl.load(base, in0 & has0, other=0.0), tl.load(base + 1, in1 & has0, other=0.0)
        g10 = tl.load(base + width, in0 & has1, other=0.0)
        g11 = tl.load(base + width + 1, in1 & has1, other=0.0)
        upper, lower = x0 * g00 + x1 * g01, x0 * g10 + x1 * g11
        pull = y0 * upper + y1 * lower
        tl.store(grad_source + plane + pixel, pull * load, valid)
        pulled += pull * value
        across += (y0 * (g01 - g00) + y1 * (g11 - g10)) * value
        down += (lower - upper) * value
    tl.store(grad_weight + b * area + pixel, pulled, valid)
    tl.store(grad_flow + b * 2 * area + pixel, across * load, valid)
    tl.store(grad_flow + (b * 2 + 1) * area + pixel, down * load, valid)
