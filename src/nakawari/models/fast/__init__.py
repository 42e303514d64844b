"""`fast`: our own network, trained by us and shipped. `net.py` tells how it works."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from nakawari import checkpoints
from nakawari.models.arcs import Curved
from nakawari.models.base import Drawn
from nakawari.models.costs import COSTS
from nakawari.models.fast.net import FastNet, Motion
from nakawari.models.fast.parts import FastConfig
from nakawari.models.official import open_weights, shipped
from nakawari.ops.search import search_both
from nakawari.tensors import to_frame


@dataclass(slots=True)
class _State:
    motion: Motion
    images: tuple[Tensor, Tensor]
    turn: Tensor | None = None
    """[2B, 1, H, W], radians: by how much pixels of both keys turn on their way; None: they move straight."""


COVERED = 0.1
"""Share of moving things, of all that lands on a pixel, from which something surely passes over it."""


class Fast(Curved):
    """Search, correct, splat, and choose."""

    multiple = 16
    windowed = True
    context_px = 64
    knows_stillness = True

    def __init__(self, name: str, net: FastNet, device: torch.device | str = "cpu") -> None:
        super().__init__(name, device)
        self.net = net.eval().to(device)
        self.cost = COSTS[name]

    def _encode(self, image: Tensor) -> Any:
        return self.net.encoder(image)

    def _prepare(self, image0: Tensor, image1: Tensor, features0: Any, features1: Any) -> _State:
        pairs = [
            search_both(to_frame(one[None]), to_frame(other[None]))
            for one, other in zip(image0, image1, strict=True)
        ]
        search = torch.stack([flow for way in zip(*pairs, strict=True) for flow in way]).to(image0.device)
        motion = self.net.motion(image0, image1, features0, features1, search, self.side)
        return _State(motion, (image0, image1))

    def _at(self, state: _State, t: float, image0: Tensor, image1: Tensor) -> Drawn:
        image, _, moving = self.net.draw(state.motion, t, image0, image1, self.side, state.turn)
        return Drawn(image.clamp(0, 1), moving > COVERED)

    def _flows(self, state: _State) -> tuple[Tensor, Tensor]:
        flow01, flow10 = state.motion.flow.chunk(2)
        return flow01, flow10

    def _bend(self, state: _State, turn0: Tensor, turn1: Tensor) -> None:
        state.turn = torch.cat([turn0, -turn1]).to(state.motion.flow)


def build(name: str, weights: str | Path | None, device: torch.device, precision: torch.dtype) -> Fast:
    """The CATALOG entry."""
    path = shipped(name) if weights is None else Path(weights)
    found = open_weights(path, name)
    net = FastNet(FastConfig(**found.config))
    checkpoints.load_strictly(net, found.tensors, str(path))
    return Fast(name, net, device)
