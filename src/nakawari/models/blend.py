"""Cross-fade: the shortest complete model. Documentation, test double and last resort, nothing to look at."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from nakawari.models.base import Drawn, Interpolator
from nakawari.models.costs import COSTS


class Blend(Interpolator):
    """Average the keys, weighted by t."""

    context_px = 0
    cost = COSTS["blend"]

    def _prepare(self, image0: Tensor, image1: Tensor, features0: Any, features1: Any) -> None:
        return None

    def _at(self, state: None, t: float, image0: Tensor, image1: Tensor) -> Drawn:
        return Drawn(image0.lerp(image1, t))


def build(name: str, weights: object, device: torch.device, precision: torch.dtype) -> Blend:
    """The CATALOG entry."""
    return Blend(name, device)
