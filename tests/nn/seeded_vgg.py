"""VGG-19 with weights drawn from a seed: torchvision's keys, no download."""

from __future__ import annotations

import torch

from nakawari.nn.vgg import PLAN


def seeded_vgg(seed: int = 0) -> dict[str, torch.Tensor]:
    """A state dict as torchvision's file holds it, a part of the classifier included."""
    generator = torch.Generator().manual_seed(seed)
    tensors, before = {}, 3
    for _, index, channels in PLAN:
        scale = (2 / (9 * before)) ** 0.5
        tensors[f"features.{index}.weight"] = torch.randn(channels, before, 3, 3, generator=generator) * scale
        tensors[f"features.{index}.bias"] = torch.randn(channels, generator=generator) * 0.05
        before = channels
    tensors["classifier.0.bias"] = torch.zeros(4096)
    return tensors
