"""FILM as an interpolator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from nakawari.allocation import map_blocks
from nakawari.checkpoints import load_strictly
from nakawari.models.base import Drawn, Interpolator
from nakawari.models.costs import COSTS
from nakawari.models.film.net import FilmConfig, FilmNet, Flows, Pyramid
from nakawari.models.halving import Halving
from nakawari.models.official import Weights


@dataclass(slots=True)
class State:
    """A pair: the keys, what each tells, and their motion."""

    images: tuple[Tensor, Tensor]
    pyramids: tuple[Pyramid, Pyramid]
    flows: Flows


class Film(Interpolator):
    """FILM.

    Options:
        recursive: reach t by halving again and again, as the paper does, which was trained at ½ only; else
        any t
            is drawn directly, with flow in proportion, as the PyTorch port does.

    Differs: frames are padded by replication, not with black around them; what is drawn is clamped to [0, 1].
    """

    windowed = True
    options: Mapping[str, Any] = {"recursive": False}

    def __init__(self, name: str, net: FilmNet, device: torch.device | str = "cpu") -> None:
        super().__init__(name, device)
        self.net = net.eval().to(device)
        self.cost = COSTS[name]
        self.multiple = 2 ** (net.config.levels - 1)

    def _encode(self, image: Tensor) -> Pyramid:
        if self.side is not None:
            map_blocks()
        return self.net.extract(image, self.side)

    def _prepare(
        self, image0: Tensor, image1: Tensor, features0: Pyramid, features1: Pyramid
    ) -> State | Halving:
        first = (features0, features1)

        def prepare(one: Tensor, other: Tensor) -> State:
            known = first if one is image0 and other is image1 else (self._encode(one), self._encode(other))
            return State((one, other), known, self.net.motion(*known, self.side))

        if not self.options["recursive"]:
            return prepare(image0, image1)
        return Halving(
            prepare, lambda state, one, other: self._draw_one(state, 0.5, one, other), image0, image1
        )

    def _at(self, state: State | Halving, t: float, image0: Tensor, image1: Tensor) -> Drawn:
        if isinstance(state, Halving):
            return Drawn(state.at(t, image0, image1))
        return Drawn(self._draw_one(state, t, image0, image1))

    def _draw_one(self, state: State, t: float, image0: Tensor, image1: Tensor) -> Tensor:
        pyramids = state.pyramids
        if image0 is not state.images[0]:
            pyramids = (self._encode(image0), self._encode(image1))
        return self.net.draw(*pyramids, state.flows, t, self.side).clamp(0, 1)


def build(name: str, weights: Weights, device: torch.device, precision: torch.dtype) -> Film:
    """The CATALOG entry."""
    net = FilmNet(FilmConfig.from_dict(weights.config))
    load_strictly(net, weights.tensors, weights.source)
    return Film(name, net.to(precision), device)
