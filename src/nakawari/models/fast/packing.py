"""What the network's first layer takes of each candidate: 13 planes, and of them every second pixel apart.

`reference` says it in torch, on any device; on the CPU one pass does the same in a sixth of the time.
"""

# ruff: noqa: ANN001, ANN202
from __future__ import annotations

from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from nakawari.ops.compiled import compile_kernel, in_bands

PLANES = 13
"""Colours in both keys (6), colours that landed (3), cost, length, inside (2)."""
COST_UNIT, LENGTH_UNIT, MOST_COST = 255.0, 4.0, 510.0


def pack(views: Tensor, evidence: Tensor, cost: Tensor, length: Tensor, inside: Tensor) -> Tensor:
    """[B K, 4 PLANES, h / 2, w / 2] float32 of what `net.Seen` holds; channels last, as convolutions of few
    channels are twice as fast so.
    """
    if cost.device.type != "cpu":
        return reference(views, evidence, cost, length, inside)
    batch, count, height, width = cost.shape
    out = np.empty((batch * count, height // 2, width // 2, 4 * PLANES), np.float32)
    seen = [x.contiguous().numpy() for x in (views, evidence, cost.float(), length.float(), inside)]
    for number in range(batch):
        own = out[number * count : (number + 1) * count]
        in_bands(partial(_pack, *(x[number] for x in seen), own), height // 2)
    return torch.from_numpy(out).permute(0, 3, 1, 2)


def reference(views: Tensor, evidence: Tensor, cost: Tensor, length: Tensor, inside: Tensor) -> Tensor:
    """The same, in torch."""
    landed = (evidence.float() / 255 - 0.5)[:, None].expand(-1, cost.shape[1], -1, -1, -1)
    shown = [
        views.float() / 255 - 0.5,
        landed,
        cost.float().clamp(0, MOST_COST)[:, :, None] / COST_UNIT,
        length.float()[:, :, None] / LENGTH_UNIT,
        inside.float(),
    ]
    packed = F.pixel_unshuffle(torch.cat(shown, 2).flatten(0, 1), 2)
    return packed.contiguous(memory_format=torch.channels_last)


@compile_kernel(
    "void(u1[:, :, :, ::1], u1[:, :, ::1], f4[:, :, ::1], f4[:, :, ::1], b1[:, :, :, ::1],"
    "f4[:, :, :, ::1], i8, i8)",
    fast=True,
)
def _pack(views, evidence, cost, length, inside, out, top, bottom):  # type: ignore[no-untyped-def]
    count, _, width, _ = out.shape
    byte, half = np.float32(1 / 255), np.float32(0.5)
    most, unit, far = np.float32(MOST_COST), np.float32(1 / COST_UNIT), np.float32(1 / LENGTH_UNIT)
    for k in range(count):
        for row in range(top, bottom):
            for column in range(width):
                for part in range(4):
                    y, x = 2 * row + part // 2, 2 * column + part % 2
                    for c in range(6):
                        out[k, row, column, 4 * c + part] = np.float32(views[k, c, y, x]) * byte - half
                    for c in range(3):
                        out[k, row, column, 4 * (c + 6) + part] = np.float32(evidence[c, y, x]) * byte - half
                    out[k, row, column, 36 + part] = min(max(cost[k, y, x], np.float32(0)), most) * unit
                    out[k, row, column, 40 + part] = length[k, y, x] * far
                    out[k, row, column, 44 + part] = np.float32(inside[k, 0, y, x])
                    out[k, row, column, 48 + part] = np.float32(inside[k, 1, y, x])
