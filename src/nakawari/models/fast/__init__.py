"""`fast`: our own network, trained by us and shipped. `net.py` tells how it works."""

from __future__ import annotations

import torch

from nakawari import checkpoints
from nakawari.errors import ModelError
from nakawari.models.classic import Classic
from nakawari.models.classic.candidates import Candidates
from nakawari.models.classic.synthesis import Choice
from nakawari.models.costs import COSTS
from nakawari.models.fast.choosing import choose
from nakawari.models.fast.net import FastConfig, FastNet
from nakawari.models.official import Weights, open_weights, shipped

_EARLIER = "These are weights of an earlier `fast`, which is not read any more."


class Fast(Classic):
    """Search as `classic` does, and a network that weighs what is found."""

    windowed = True
    cost = COSTS["fast"]

    def __init__(self, name: str, net: FastNet, device: torch.device | str = "cpu") -> None:
        super().__init__(name, device)
        self.net = net.eval().to(device)

    def _choose(self, candidates: Candidates) -> Choice:
        return choose(self.net, candidates, self.side)


def build(name: str, weights: Weights | None, device: torch.device, precision: torch.dtype) -> Fast:
    """The CATALOG entry; without weights, those that are shipped."""
    found = open_weights(shipped(name), name) if weights is None else weights
    try:
        net = FastNet(FastConfig(**checkpoints.as_arguments(found.config)))
    except TypeError as error:
        raise ModelError(_EARLIER) from error
    if "strictness" in found.tensors:  # of the one that chose
        raise ModelError(_EARLIER)
    checkpoints.load_strictly(net, found.tensors, f"weights of {name}")
    return Fast(name, net, device)
