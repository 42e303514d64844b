"""Networks with random parameters that behave: the same on every machine, neither silent nor saturated."""

from __future__ import annotations

import zlib
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor


def seeded(shapes: Mapping[str, tuple[int, ...]], seed: int = 0) -> dict[str, Tensor]:
    """Parameters by name; each depends on its name and shape alone."""
    return {key: _parameter(key, tuple(shape), seed) for key, shape in shapes.items()}


def _parameter(key: str, shape: tuple[int, ...], seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(zlib.crc32(f"{key} {shape} {seed}".encode()))
    if key.endswith("beta"):
        return 0.5 + torch.rand(shape, generator=generator)
    if len(shape) == 1 and key.endswith("weight"):  # a learned rectifier
        return 0.1 + 0.3 * torch.rand(shape, generator=generator)
    values = torch.randn(shape, generator=generator)
    if len(shape) == 1:
        return 0.1 * values
    fan = shape[0] * 4 if shape[2] == 4 else shape[1] * shape[2] * shape[3]
    return values * (2 / fan) ** 0.5


def picture(height: int, width: int, seed: int) -> Tensor:
    """[1, 3, H, W] in [0, 1]: soft blobs of three sizes."""
    generator = torch.Generator().manual_seed(seed)
    layers = [
        F.interpolate(
            torch.rand(1, 3, max(2, height // k), max(2, width // k), generator=generator),
            size=(height, width),
            mode="bilinear",
        )
        for k in (64, 24, 8)
    ]
    return sum(layers[1:], layers[0]) / 3
