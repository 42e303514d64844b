"""`fast`: our own network, trained by us and shipped. `net.py` tells how it works."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from nakawari import checkpoints
from nakawari.models.classic import Classic
from nakawari.models.classic.candidates import Candidates
from nakawari.models.classic.synthesis import Choice
from nakawari.models.costs import COSTS
from nakawari.models.fast.choosing import choose
from nakawari.models.fast.net import FastConfig, FastNet
from nakawari.models.official import open_weights, shipped


class Fast(Classic):
    """Search as `classic` does, and a network that chooses."""

    windowed = True

    def __init__(self, name: str, net: FastNet, device: torch.device | str = "cpu") -> None:
        super().__init__(name, device)
        self.net = net.eval().to(device)
        self.cost = COSTS[name]

    def _choose(self, candidates: Candidates) -> Choice:
        return choose(self.net, candidates, self.side)


def build(name: str, weights: str | Path | None, device: torch.device, precision: torch.dtype) -> Fast:
    """The CATALOG entry."""
    path = shipped(name) if weights is None else Path(weights)
    found = open_weights(path, name)
    config: dict[str, Any] = {**found.config}
    if "widths" in config:
        config["widths"] = tuple(config["widths"])
    net = FastNet(FastConfig(**config))
    checkpoints.load_strictly(net, found.tensors, str(path))
    return Fast(name, net, device)
