"""The table `[losses]` as far as all families share it: how a made picture is judged.

A weight of 0 leaves a term out, and what it would need is not asked for. Terms that want a classifier's
weights take the official files, or "stand-in" in their place; weights that come of that say so in their
header.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import torch
from torch import Tensor

from nakawari.losses.colour_class import classes_of, wishes
from nakawari.losses.image import census, charbonnier, l1, laplacian, line_weighted_l1
from nakawari.losses.lines import chamfer_distance, nedt_distance
from nakawari.losses.perceptual import STAND_IN, Perceptual, Statement, StyleWeights, load_lpips
from nakawari.losses.rife import laplacian_bands
from nakawari.nn.lpips import Lpips
from nakawari.train.task import Samples


@dataclass(frozen=True, slots=True)
class Style:
    """L1, VGG and Gram with the weights of FILM; see `losses.perceptual`.

    Attributes:
        weight: of all three; 0: none of this.
        statement: "film", "thesis" or "thesis-code".
        features: torchvision's VGG-19 file, or "stand-in".
        switch: the step from which weights are (1, 0.25, `gram`) and not (1, 1, 0); -1: never.
        gram: 0 makes it FILM's VGG loss.
    """

    weight: float = 0.0
    statement: Statement = "film"
    features: str = ""
    switch: int = -1
    gram: float = 40.0


@dataclass(frozen=True, slots=True)
class Perceived:
    """LPIPS.

    Attributes:
        weight: 0: none of this.
        backbone: torchvision's AlexNet or VGG16 file, or "stand-in".
        heads: the published file of the linear layers.
    """

    weight: float = 0.0
    backbone: str = ""
    heads: str = ""


@dataclass(frozen=True, slots=True)
class Colour:
    """Colour classification; see `losses.colour_class`.

    Attributes:
        weight: β; 0: none of this.
        measured: whether evaluations say how far the document's wishes are met, also where `weight` is 0.
        count, softness, rarity: as `classes_of` takes them.
    """

    weight: float = 0.0
    measured: bool = False
    count: int = 16
    softness: float = 0.08
    rarity: float = 0.0


@dataclass(frozen=True, slots=True)
class Pictures:
    """Weights of what a picture is judged by.

    Attributes:
        l1, charbonnier, laplacian, census, lines: see `losses.image`.
        bands: the Laplacian pyramid of RIFE's code.
        chamfer, nedt: distances of lines.
        style, lpips, colour: tables of their own.
    """

    l1: float = 0.0
    charbonnier: float = 0.0
    laplacian: float = 0.0
    bands: float = 0.0
    census: float = 0.0
    lines: float = 0.0
    chamfer: float = 0.0
    nedt: float = 0.0
    style: Style = field(default_factory=Style)
    lpips: Perceived = field(default_factory=Perceived)
    colour: Colour = field(default_factory=Colour)

    @property
    def any(self) -> bool:
        """Whether a picture is judged at all."""
        return any(getattr(self, name) for name in PLAIN) or any(
            table.weight for table in (self.style, self.lpips, self.colour)
        )

    def ready(self, device: torch.device) -> None:
        """Load what terms need, so that a missing file is known before the first step.

        Raises:
            ModelError: a file is not named, absent, or another's.
        """
        if self.style.weight:
            _perceptual(self.style.statement, self.style.features, device)
        if self.lpips.weight:
            _lpips(self.lpips.backbone, self.lpips.heads, device)

    def notes(self) -> dict[str, Any]:
        """What the results must say of themselves."""
        used = {
            "style": self.style.weight and self.style.features,
            "lpips": self.lpips.weight and self.lpips.backbone,
        }
        stand_ins = sorted(name for name, file in used.items() if file == STAND_IN)
        return {"stand-in features": stand_ins} if stand_ins else {}


PLAIN: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "l1": l1,
    "charbonnier": charbonnier,
    "laplacian": laplacian,
    "bands": laplacian_bands,
    "census": census,
    "lines": line_weighted_l1,
    "chamfer": chamfer_distance,
    "nedt": nedt_distance,
}
"""Terms of two pictures and nothing else."""


@cache
def _perceptual(statement: Statement, features: str, device: torch.device) -> Perceptual:
    return Perceptual(statement, features, device)


@cache
def _lpips(backbone: str, heads: str, device: torch.device) -> Lpips:
    return load_lpips(backbone, heads, device)


def colour_wishes(made: Tensor, batch: Samples, colour: Colour) -> dict[str, float]:
    """`wishes` of one picture, "motion" where the batch knows it; nothing unless they are measured."""
    if not colour.measured:
        return {}
    keys = batch["frame0"], batch["frame1"]
    classes = classes_of(*keys, colour.count, colour.softness)
    found = wishes(classes, made.clamp(0, 1), *keys, batch.get("flowt0"), batch.get("visiblet0"))
    return {name: float(value.mean()) for name, value in found.items()}


def judge(made: Tensor, batch: Samples, step: int, config: Pictures) -> tuple[Tensor, dict[str, Tensor]]:
    """The weighted sum of a picture's terms, and the terms without their weights, detached.

    Args:
        made: [B, 3, H, W], not clamped.
        batch: holds `framet`, and the keys.
        step: of training; the style loss changes its weights on the way.
        config: the weights.
    """
    truth, device = batch["framet"], made.device
    total = made.new_zeros((), dtype=torch.float32)
    terms: dict[str, Tensor] = {}
    for name, term in PLAIN.items():
        if getattr(config, name):
            terms[name] = term(made, truth)
            total = total + getattr(config, name) * terms[name]
    if config.style.weight:
        s = config.style
        weights = StyleWeights() if s.switch < 0 else StyleWeights.at(step, s.switch, s.gram)
        net = _perceptual(s.statement, s.features, device)
        near = net.l1(made, truth)
        vgg, gram = net(made, truth, gram=weights.gram > 0)
        terms |= {"style_l1": near, "vgg": vgg, "gram": gram}
        total = total + s.weight * (weights.l1 * near + weights.vgg * vgg + weights.gram * gram)
    if config.lpips.weight:
        with torch.autocast(device.type, enabled=False):
            terms["lpips"] = _lpips(config.lpips.backbone, config.lpips.heads, device)(
                made.float(), truth
            ).mean()
        total = total + config.lpips.weight * terms["lpips"]
    if config.colour.weight:
        c = config.colour
        classes = classes_of(batch["frame0"], batch["frame1"], c.count, c.softness, c.rarity)
        terms["colour"] = classes.loss(made, truth)
        total = total + c.weight * terms["colour"]
    return total, {name: value.detach() for name, value in terms.items()}
