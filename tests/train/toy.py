"""A real task, very small: draw the square between two squares."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from nakawari.train.config import Config


class Squares:
    """Sample i: a square at two places, and half-way."""

    def __init__(self, seed: int, size: int, break_at: int | None) -> None:
        self.seed, self.size, self.break_at = seed, size, break_at

    def batch(self, indices: Sequence[int]) -> dict[str, Tensor]:
        samples = [self._sample(index) for index in indices]
        return {name: torch.stack([s[name] for s in samples]) for name in samples[0]}

    def _sample(self, index: int) -> dict[str, Tensor]:
        chance = np.random.default_rng((self.seed, index))
        colour = torch.from_numpy(chance.random((3, 1, 1), np.float32))
        x, y = (int(v) for v in chance.integers(0, self.size - 8, 2))
        dx, dy = (2 * int(v) for v in chance.integers(-1, 2, 2))
        frames = torch.zeros(3, 3, self.size, self.size)
        for number, frame in enumerate(frames):
            left = min(max(x + number * dx // 2, 0), self.size - 4)
            top = min(max(y + number * dy // 2, 0), self.size - 4)
            frame[:, top : top + 4, left : left + 4] = colour
        if index == self.break_at:
            frames[0, 0, 0, 0] = math.nan
        return {"frame0": frames[0], "framet": frames[1], "frame1": frames[2]}


class Toy:
    """Three convolutions that see noisy frames (so that chance matters), scored without noise."""

    splits = ("held-out",)

    def __init__(self, config: Config, device: torch.device) -> None:
        self.config, self.device = config, device
        self.size = int(config.data.get("size", 16))
        self.break_at = config.data.get("break_at")
        self.noise = float(config.data.get("noise", 0.01))
        self.width = int(config.model_config.get("width", 8))

    def build(self) -> nn.Module:
        return nn.Sequential(
            nn.Conv2d(6, self.width, 3, padding=1),
            nn.LeakyReLU(0.1),
            nn.Conv2d(self.width, self.width, 3, padding=1, bias=False),
            nn.GroupNorm(2, self.width),
            nn.LeakyReLU(0.1),
            nn.Conv2d(self.width, 3, 1),
        )

    def data(self) -> Squares:
        return Squares(self.config.seed, self.size, self.break_at)

    def step(self, net: nn.Module, batch: dict[str, Tensor], step: int) -> dict[str, Tensor]:
        if int(os.environ.get("RANK", 0)) == int(os.environ.get("KILL_RANK", -1)) and step == int(
            os.environ.get("KILL_STEP", -1)
        ):
            os.kill(os.getpid(), 9)
        keys = torch.cat((batch["frame0"], batch["frame1"]), 1)
        made = net(keys + self.noise * torch.rand_like(keys)).float()
        loss = (made - batch["framet"]).abs().mean()
        if self.config.data.get("break_gradient") == step:
            loss = loss + 0 * (made - made).sum().sqrt()  # finite, with a gradient that is not
        return {"loss": loss, "charge": loss.detach() * 2}

    def evaluate(self, net: nn.Module, split: str) -> dict[str, float]:
        torch.rand(3)  # a careless evaluation must not change what is learned
        batch = Squares(10**6, self.size, None).batch(range(8))
        made = net(torch.cat((batch["frame0"], batch["frame1"]), 1))
        error = float((made - batch["framet"]).square().mean())
        return {"psnr": -10 * math.log10(error)}

    def sheet(self, net: nn.Module) -> np.ndarray:
        sample = Squares(10**6, self.size, None).batch(range(1))
        return (sample["framet"][0].permute(1, 2, 0).numpy() * 255).astype(np.uint8)

    def header(self) -> dict[str, Any]:
        return {"model": "toy", "config": {"width": self.width}, "data": "squares"}
