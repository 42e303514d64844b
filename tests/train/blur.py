"""A training module for tests: a small network that mends the average of the keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from nakawari.losses.image import l1


@dataclass(frozen=True, slots=True)
class Config:
    width: int = 8


@dataclass(frozen=True, slots=True)
class Losses:
    l1: float = 1.0


def build(config: Config) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(11, config.width, 3, padding=1), nn.ReLU(), nn.Conv2d(config.width, 3, 3, padding=1)
    )


def draw(net: nn.Module, batch: dict[str, Tensor]) -> Tensor:
    t = batch["t"].view(-1, 1, 1, 1)
    average = torch.lerp(batch["frame0"], batch["frame1"], t)
    motion = torch.cat((batch["search01"], batch["search10"]), 1) / 32
    seen = torch.cat((batch["frame0"], batch["frame1"], t.expand_as(average[:, :1]), motion), 1)
    made: Tensor = average + net(seen)
    return made


def losses(net: nn.Module, batch: dict[str, Tensor], step: int, config: Losses) -> dict[str, Tensor]:
    loss = config.l1 * l1(draw(net, batch), batch["framet"])
    return {"loss": loss, "known": batch["visible01"].float().mean()}


def search(frame0: Any, frame1: Any) -> dict[str, tuple[Tensor, Tensor]]:
    """A motion that frames alone decide, and that differs at every pixel."""
    height, width = frame0.shape[:2]
    across = torch.arange(width, dtype=torch.float32).expand(height, width)
    down = torch.arange(height, dtype=torch.float32)[:, None].expand(height, width)
    place = torch.stack((across, down))
    return {"search": (place, -place)}


def searcher(config: Losses) -> Any:
    return search
