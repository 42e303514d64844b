"""Correlation in torch: slow, differentiable, on any device. This is the definition."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

CHUNK = 2048
"""So many pixels have their agreement with all others in memory at once, when it is on demand."""


def look_up(volumes: Sequence[Tensor], places: Tensor, radius: int) -> Tensor:
    """As `correlation.look_up`."""
    batch, _, height, width = places.shape
    flat = places.flatten(2).transpose(1, 2)
    found = torch.cat([_around(v, flat / 2**level, radius) for level, v in enumerate(volumes)], 2)
    return found.view(batch, height, width, -1).permute(0, 3, 1, 2)


def look_up_on_demand(features0: Tensor, pyramid1: Sequence[Tensor], places: Tensor, radius: int) -> Tensor:
    """As `correlation.look_up_on_demand`: all-pairs agreement for a chunk of pixels after the other."""
    batch, channels, height, width = features0.shape
    own = features0.flatten(2).transpose(1, 2) * channels**-0.5
    maps = [(f.flatten(2), int(f.shape[2]), int(f.shape[3])) for f in pyramid1]
    flat = places.flatten(2).transpose(1, 2)
    found = []
    for start in range(0, height * width, CHUNK):
        rows = slice(start, start + CHUNK)
        with torch.autocast(own.device.type, enabled=False):
            volumes = [torch.matmul(own[:, rows], f).view(batch, -1, h, w) for f, h, w in maps]
        around = [_around(v, flat[:, rows] / 2**level, radius) for level, v in enumerate(volumes)]
        found.append(torch.cat(around, 2))
    return torch.cat(found, 1).view(batch, height, width, -1).permute(0, 3, 1, 2)


def look_nearby(features0: Tensor, features1: Tensor, radius: int) -> Tensor:
    """As `correlation.look_nearby`."""
    height, width = features0.shape[2:]
    wide = F.pad(features1, (radius,) * 4)
    steps = range(2 * radius + 1)
    parts = [wide[:, :, y : y + height, x : x + width] for y in steps for x in steps]
    return torch.stack([(features0 * part).mean(1) for part in parts], 1)


def _around(volume: Tensor, places: Tensor, radius: int) -> Tensor:
    """[B, N, (2 radius + 1)^2] of a [B, N, h, w] volume around [B, N, 2] places."""
    batch, count, height, width = volume.shape
    reach = torch.arange(-radius, radius + 1, device=places.device, dtype=places.dtype)
    window = torch.stack(torch.meshgrid(reach, reach, indexing="ij"), -1)  # (dx, dy), dx slower
    points = places.reshape(-1, 1, 1, 2) + window
    # one pixel beyond the edge the bilinear weight ends; further out there is nothing to find
    x = (2 * points[..., 0].clamp(-1, width) + 1) / width - 1
    y = (2 * points[..., 1].clamp(-1, height) + 1) / height - 1
    maps = volume.reshape(batch * count, 1, height, width)
    grid = torch.stack([x, y], -1).to(volume.dtype)
    sampled = F.grid_sample(maps, grid, padding_mode="zeros", align_corners=False)
    return sampled.view(batch, count, -1)
