"""RIFE as an interpolator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from nakawari.checkpoints import load_strictly
from nakawari.errors import InputError
from nakawari.models.base import Drawn, Interpolator
from nakawari.models.costs import COSTS
from nakawari.models.halving import Halving
from nakawari.models.official import Weights
from nakawari.models.rife.look import beside, resize
from nakawari.models.rife.net import IFNet, Motion
from nakawari.models.rife.versions import RifeConfig

FLOW_SCALES = (0.25, 0.5, 1.0, 2.0)


@dataclass(slots=True)
class Known:
    """What a frame alone tells: its colours and features, and context for the refinement."""

    key: Tensor
    context: list[Tensor]


@dataclass(slots=True)
class State:
    """A pair.

    Attributes:
        images: the keys that motion was looked for on.
        known: of each key.
        first: what the first block sees, whatever t is.
        motion: where there is only ½.
    """

    images: tuple[Tensor, Tensor]
    known: tuple[Known, Known]
    first: Tensor
    motion: Motion | None


@dataclass(slots=True)
class Both:
    """A pair as it is and turned by half a circle, with the pictures that each was prepared from."""

    straight: State | Halving
    turned: State | Halving
    images: tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]


class Rife(Interpolator):
    """Any release.

    Options:
        flow_scale: size of the picture on which motion is looked for: 0.5 for 4K.
        ensemble: look both ways and average: twice the work, steadier where the network is unsure.
        tta: draw the pictures turned by half a circle as well, and average, as the paper's tables do: twice
            the work; only in the paper's models.

    Differs: frames are padded by replication, not with black; where only ½ can be drawn, other t are reached
    by halving again and again.
    """

    windowed = True
    options: Mapping[str, Any] = {"flow_scale": 1.0, "ensemble": False, "tta": False}

    def __init__(self, name: str, net: IFNet, device: torch.device | str = "cpu") -> None:
        super().__init__(name, device)
        self.net = net.eval().to(device)
        self.cost = COSTS[name]
        net.settle()
        self.adjust()

    def _adjust(self, options: dict[str, Any]) -> None:
        config, flow_scale = self.net.config, options["flow_scale"]
        if flow_scale not in FLOW_SCALES:
            raise InputError(f"flow_scale is {flow_scale}; wanted one of {', '.join(map(str, FLOW_SCALES))}.")
        if options["ensemble"] and not config.ensemble:
            raise InputError(f"{self.name} has no ensemble; leave it out.")
        if options["tta"] and not config.context:
            raise InputError(f"{self.name} has no tta: only the paper's models do. Leave it out.")
        self.options = options
        self.scales = tuple(scale / flow_scale for scale in config.scales)
        self.multiple = max(config.multiple, int(config.multiple / flow_scale))

    def _encode(self, image: Tensor) -> Known:
        refinement = self.net.refinement
        return Known(
            self.net.encode(image, self.side), [] if refinement is None else refinement.context(image)
        )

    def _prepare(
        self, image0: Tensor, image1: Tensor, features0: Known, features1: Known
    ) -> State | Halving | Both:
        straight = self._prepare_one(image0, image1, features0, features1)
        if not self.options["tta"]:
            return straight
        turned = turn(image0), turn(image1)
        other = self._prepare_one(*turned, self._encode(turned[0]), self._encode(turned[1]))
        return Both(straight, other, ((image0, image1), turned))

    def _prepare_one(
        self, image0: Tensor, image1: Tensor, features0: Known, features1: Known
    ) -> State | Halving:
        if self.net.config.timed:
            return self._know(image0, image1, features0, features1)
        first = (features0, features1)

        def prepare(one: Tensor, other: Tensor) -> State:
            known = first if one is image0 and other is image1 else (self._encode(one), self._encode(other))
            return self._know(one, other, *known)

        return Halving(prepare, lambda state, one, other: self._merge(state, 0.5, one, other), image0, image1)

    def _know(self, image0: Tensor, image1: Tensor, known0: Known, known1: Known) -> State:
        keys = (known0.key, known1.key)
        first = beside(*(resize(key, 1 / self.scales[0]) for key in keys))
        state = State((image0, image1), (known0, known1), first, None)
        if not self.net.config.timed:
            state.motion = self._motion(state, 0.5)
        return state

    def _motion(self, state: State, t: float) -> Motion:
        keys = (state.known[0].key, state.known[1].key)
        return self.net.motion(keys, t, self.scales, self.options["ensemble"], state.first, side=self.side)

    def _at(self, state: State | Halving | Both, t: float, image0: Tensor, image1: Tensor) -> Drawn:
        if not isinstance(state, Both):
            return Drawn(self._at_one(state, t, image0, image1))
        own = image0 is state.images[0][0]
        turned = state.images[1] if own else (turn(image0), turn(image1))
        other = turn(self._at_one(state.turned, t, *turned))
        return Drawn((self._at_one(state.straight, t, image0, image1) + other) / 2)

    def _at_one(self, state: State | Halving, t: float, image0: Tensor, image1: Tensor) -> Tensor:
        if isinstance(state, Halving):
            return state.at(t, image0, image1)
        return self._merge(state, t, image0, image1)

    def _merge(self, state: State, t: float, image0: Tensor, image1: Tensor) -> Tensor:
        motion = state.motion or self._motion(state, t)
        own = image0 is state.images[0]
        context = (state.known[0].context, state.known[1].context) if own else None
        return self.net.merge(motion, image0, image1, context, self.side)


def turn(picture: Tensor) -> Tensor:
    """[B, C, H, W] turned by half a circle."""
    return picture.flip((2, 3))


def build(name: str, weights: Weights, device: torch.device, precision: torch.dtype) -> Rife:
    """The CATALOG entry."""
    net = IFNet(RifeConfig.from_dict(weights.config))
    load_strictly(net, weights.tensors, weights.source)
    return Rife(name, net.to(precision), device)
