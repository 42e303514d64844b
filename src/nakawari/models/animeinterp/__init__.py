"""AnimeInterp, and AnimeInterp with global motion aggregation.

    config.py     variants: attention, "official" or "paper"
    sgm.py        segment-guided matching: coarse flow of colour pieces, the guide
    rfr.py        recurrent flow refinement (parts.py, gma.py are what it is made of)
    synthesis.py  splatting of frames and features, and the grid network that paints the result
    net.py        the three together
    official.py   weight files of the projects, by their keys

Source: Li et al. 2021, "Deep Animation Video Interpolation in the Wild"; the thesis "Deep Animation Video
Interpolation with Global Motion Aggregation and Style Loss".
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from nakawari.checkpoints import load_strictly
from nakawari.errors import ModelError
from nakawari.models.animeinterp.config import AnimeInterpConfig
from nakawari.models.animeinterp.net import AnimeInterpNet, Features, Flows, Scales
from nakawari.models.base import Drawn, Guide, Interpolator
from nakawari.models.official import Weights, open_weights
from nakawari.models.sources import weights_of

__all__ = ["AnimeInterp", "AnimeInterpConfig", "AnimeInterpNet", "build"]


@dataclass(slots=True)
class _State:
    images: tuple[Tensor, Tensor]
    scales: tuple[Scales, Scales]
    flows: Flows


class AnimeInterp(Interpolator):
    """Coarse flow of segments (where there is a guide), refined, splatted, painted."""

    takes_guide = True

    def __init__(
        self,
        name: str,
        net: AnimeInterpNet,
        device: torch.device | str = "cpu",
        precision: torch.dtype = torch.float32,
        guide: Guide | None = None,
    ) -> None:
        super().__init__(name, device)
        self.net = net.eval().to(device, precision)
        self.guide = guide
        # official: flow is found on pictures resized to a multiple of 8, so only the grid's 4 is padded
        self.multiple = 4 if net.config.mode == "official" else 8

    def _encode(self, image: Tensor) -> Features:
        return self.net.encode(_at_least(image, 8))

    def _prepare(self, image0: Tensor, image1: Tensor, features0: Features, features1: Features) -> _State:
        guide = None
        if self.guide is not None:
            flow01, flow10 = (_fitted(flow, image0) for flow in self.guide(image0, image1))
            guide = (flow01, flow10)
        image0, image1 = _at_least(image0, 8), _at_least(image1, 8)
        if guide is not None:
            guide = (_at_least(guide[0], 8), _at_least(guide[1], 8))
        flows = self.net.flows(image0, image1, features0, features1, guide)
        return _State((image0, image1), (features0.splat, features1.splat), flows)

    def _at(self, state: _State, t: float, image0: Tensor, image1: Tensor) -> Drawn:
        size = image0.shape[2:]
        image0, image1 = _at_least(image0, 8), _at_least(image1, 8)
        scales = [
            known if torch.equal(image, seen) else self.net.features(image)
            for image, seen, known in zip((image0, image1), state.images, state.scales, strict=True)
        ]
        made = self.net.draw(image0, image1, scales[0], scales[1], state.flows, t)
        return Drawn(made[..., : size[0], : size[1]].clamp(0, 1))


def _at_least(image: Tensor, side: int) -> Tensor:
    """Pad to `side` pixels: what the convolutions need, for pictures that have hardly any."""
    bottom, right = max(0, side - image.shape[2]), max(0, side - image.shape[3])
    return F.pad(image, (0, right, 0, bottom), mode="replicate") if bottom or right else image


def _fitted(flow: Tensor, image: Tensor) -> Tensor:
    """A guide's flow on the padded grid: flow of the frame as it came is padded as the frame was."""
    flow = flow.to(image.device, torch.float32)
    bottom, right = image.shape[2] - flow.shape[2], image.shape[3] - flow.shape[3]
    if flow.ndim != 4 or flow.shape[1] != 2 or not (0 <= bottom < 8 and 0 <= right < 8):
        raise ModelError(
            f"the guide gave flow of {list(flow.shape)}; wanted [B, 2, {image.shape[2]}, {image.shape[3]}]."
        )
    return F.pad(flow, (0, right, 0, bottom), mode="replicate") if bottom or right else flow


def build(
    name: str,
    weights: str | Path | Weights | None,
    device: torch.device,
    precision: torch.dtype,
    *,
    iterations: int | None = None,
    guide: Guide | None = None,
) -> AnimeInterp:
    """The CATALOG entry.

    Args:
        name: a row of CATALOG.
        weights: a file, ours or a project's; what `open_weights` gave; None: the file that was downloaded.
        device, precision: as chosen.
        iterations: corrections of the flow; None: as many as the weights were trained with (12).
        guide: gives coarse flow; None: the flow is found from nothing.

    Raises:
        ModelError: there are no weights, or they do not fit.
    """
    found = weights if isinstance(weights, Weights) else open_weights(weights or weights_of(name), name)
    config = config_of(found)
    if iterations is not None:
        config = replace(config, iterations=iterations)
    net = AnimeInterpNet(config)
    load_strictly(net, found.tensors, found.source or name)
    return AnimeInterp(name, net, device, precision, guide)


def config_of(found: Weights) -> AnimeInterpConfig:
    """The configuration that weights say they are of.

    Raises:
        ModelError: it names what this version does not know, or the weights are only a starting state.
    """
    known = {field: found.config[field] for field in AnimeInterpConfig.__slots__ if field in found.config}
    extra = sorted(set(found.config) - set(known) - {"untrained"})
    if extra:
        raise ModelError(f"the weights of {found.model} were made with {', '.join(extra)}, unknown here.")
    untrained = found.config.get("untrained")
    if untrained:
        raise ModelError(
            f"these weights are a starting state for training: {', '.join(untrained)} saw no data yet."
        )
    return AnimeInterpConfig(**known)
