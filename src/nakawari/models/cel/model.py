"""The row `cel`."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from nakawari.errors import InputError
from nakawari.models.arcs import Curved
from nakawari.models.base import Drawn, Encoded, Pair
from nakawari.models.cel.drawing import Drawing, take_apart
from nakawari.models.cel.explain import CelExplanation, confidence, explain, flow
from nakawari.models.cel.hints import Hints
from nakawari.models.cel.plan import Plan, understand
from nakawari.models.costs import COSTS
from nakawari.models.keys import Picture
from nakawari.tensors import to_frame

STEEP = 4
"""Power of the share of what changes that is surely matched, as a quarter is what should be looked at. Of
twenty tight in-betweens between drawings from film seven are below that, none of which could be used; of
twenty procedural ones none is: there the share is 0.88 at least."""
PALETTES = ("auto", "lock", "keep")


class Work:
    """A pair that is understood when it is first needed, so that hints can be given before."""

    def __init__(self, one: Drawing, other: Drawing, palette: str) -> None:
        self.one, self.other = one, other
        self.hard = palette == "lock" or (palette == "auto" and one.hard and other.hard)
        self.hints: Hints | None = None
        self._plan: Plan | None = None

    @property
    def plan(self) -> Plan:
        """Everything about the pair."""
        if self._plan is None:
            self._plan = understand(self.one, self.other, self.hard, self.hints)
        return self._plan


class Cel(Curved):
    """Regions and lines matched, moved whole, and drawn from the keys' own pixels; runs on the CPU."""

    cost = COSTS["cel"]

    def __init__(self, name: str, device: torch.device | str = "cpu") -> None:
        super().__init__(name, device)
        self.options = {"palette": "auto"}

    def _adjust(self, options: dict[str, Any]) -> None:
        if options["palette"] not in PALETTES:
            raise InputError(f"palette is {options['palette']!r}; wanted one of {', '.join(PALETTES)}.")
        self.options = options

    def prepare(
        self, frame0: Picture | Encoded, frame1: Picture | Encoded, *, hints: Hints | None = None
    ) -> Pair:
        """See `Interpolator.prepare`; and take hints.

        Raises:
            InputError: hints do not fit the keys, or the guide is no line drawing of what is between them.
        """
        pair = super().prepare(frame0, frame1)
        if hints is not None and hints.guide is not None and pair.box is None:
            raise InputError("both keys are equal; nothing between them can follow a guide.")
        for work in pair.state or ():
            work.hints = hints
            work.plan  # noqa: B018 - understood now, not at the first t
        return pair

    def explain(self, pair: Pair, item: int = 0) -> CelExplanation:
        """What was found out about a pair that `prepare` gave; `item` of a batch.

        Raises:
            InputError: the keys are equal, or were drawn in tiles: there is nothing to tell.
        """
        if not pair.state:
            raise InputError("nothing is known of this pair: its keys are equal, or it is drawn in tiles.")
        return explain(pair.state[item].plan)

    def confidence(self, pair: Pair) -> float | None:
        """See `Interpolator.confidence`: from the share that is surely matched; of a batch the least."""
        if not pair.state:
            return None
        return min(confidence(work.plan) for work in pair.state) ** STEEP

    def _encode(self, image: Tensor) -> list[Drawing]:
        hard = False if self.options["palette"] == "keep" else None
        return [take_apart(to_frame(one[None]), hard) for one in image]

    def _prepare(
        self, image0: Tensor, image1: Tensor, features0: list[Drawing], features1: list[Drawing]
    ) -> list[Work]:
        palette = self.options["palette"]
        return [Work(one, other, palette) for one, other in zip(features0, features1, strict=True)]

    def _flows(self, state: list[Work]) -> tuple[Tensor, Tensor]:
        both = [np.stack([flow(work.plan, second) for work in state]) for second in (False, True)]
        flow01, flow10 = (torch.from_numpy(a.transpose(0, 3, 1, 2).copy()).to(self.device) for a in both)
        return flow01, flow10

    def _bend(self, state: list[Work], turn0: Tensor, turn1: Tensor) -> None:
        for work, turn in zip(state, turn0, strict=True):
            work.plan.bend(turn[0].cpu().numpy())

    def _at(self, state: list[Work], t: float, image0: Tensor, image1: Tensor) -> Drawn:
        made, cover = [], []
        for work, one, other in zip(state, image0, image1, strict=True):
            found = work.plan.mixture(t)
            pixels = torch.cat([one.flatten(1), other.flatten(1)], 1)
            first, second = (
                torch.from_numpy(a.astype(np.int64)).to(one.device) for a in (found.first, found.second)
            )
            picture = pixels[:, first]
            if found.share.any():
                share = torch.from_numpy(found.share).to(one.device, one.dtype)
                picture = torch.lerp(picture, pixels[:, second], share)
            made.append(picture)
            cover.append(torch.from_numpy(found.moving)[None].to(one.device))
        return Drawn(torch.stack(made), torch.stack(cover))


def build(name: str, weights: object, device: torch.device, precision: torch.dtype) -> Cel:
    """The CATALOG entry."""
    return Cel(name, device)
