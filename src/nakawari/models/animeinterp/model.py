"""AnimeInterp as an interpolator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from nakawari.checkpoints import load_strictly
from nakawari.errors import InputError, ModelError
from nakawari.models.animeinterp.config import AnimeInterpConfig
from nakawari.models.animeinterp.net import AnimeInterpNet, Features, Flows, Scales
from nakawari.models.animeinterp.pictures import draw, flow_picture
from nakawari.models.animeinterp.sgm import Matched, SegmentGuidedMatching, stacked
from nakawari.models.base import Drawn, Interpolator, Pair
from nakawari.models.costs import COSTS
from nakawari.models.explanation import Explanation, planes_last
from nakawari.models.official import Weights
from nakawari.tensors import Array

LEAST = 64
"""Pixels to a side that the four scales of agreement need; smaller pictures are padded to it."""


WORKING_PX = 960 * 540
"""Larger frames are matched at this size, for which the constants of matching were chosen."""
RULES: Mapping[str, Any] = {"vgg": "auto", "contours": "auto"}
"""How pieces are matched, unless something else is said."""


@dataclass(slots=True)
class _State:
    images: tuple[Tensor, Tensor]
    scales: tuple[Scales, Scales]
    flows: Flows
    matched: list[Matched]


class AnimeInterp(Interpolator):
    """Coarse flow of segments, refined, splatted, painted.

    Options:
        guide: where the coarse flow comes from: True is segment-guided matching, None or False nothing at
            all (what weights begin with that were learned so); or any callable, see `base.Guide`.
        iterations: corrections of the flow; None is as many as the weights were trained with (12).
        vgg, contours: as `SegmentGuidedMatching` takes them.
    """

    windowed = True
    options: Mapping[str, Any] = {"guide": True, "iterations": None, **RULES}
    shows = True

    def __init__(
        self,
        name: str,
        net: AnimeInterpNet,
        device: torch.device | str = "cpu",
        precision: torch.dtype = torch.float32,
    ) -> None:
        super().__init__(name, device)
        self.net = net.eval().to(device, precision)
        # official: flow is found on pictures resized to a multiple of 8, so only the grid's 4 is padded
        self.cost = COSTS[name]
        self.multiple = 4 if net.config.mode == "official" else 8
        self._matching: SegmentGuidedMatching | None = None
        self.options = {**self.options, "guide": net.config.guided or None}
        self.adjust()

    def _adjust(self, options: dict[str, Any]) -> None:
        iterations, guide = options["iterations"], options["guide"]
        if iterations is not None and not (isinstance(iterations, int) and iterations >= 1):
            raise InputError(f"iterations is {iterations!r}; wanted a whole number of at least 1.")
        if not (guide in (True, False, None) or callable(guide)):
            raise InputError(f"guide is {guide!r}; wanted True, None or a callable.")
        rules = {name: options[name] for name in RULES}
        if any(rules[name] != self.options[name] for name in RULES):
            self._matching = None
        if guide is True and rules != RULES:  # what is wrong with them is said now
            self._matching = self._matching or SegmentGuidedMatching(most_px=WORKING_PX, **rules)
        self.options = options

    @property
    def matching(self) -> SegmentGuidedMatching | None:
        """What matches pieces; None where another guide, or none, is chosen."""
        if self.options["guide"] is not True:
            return None
        if self._matching is None:
            rules = {name: self.options[name] for name in RULES}
            self._matching = SegmentGuidedMatching(most_px=WORKING_PX, **rules)
        return self._matching

    def notes(self) -> list[str]:
        """Where the coarse flow comes from, and what pieces are told apart by."""
        if self.matching is not None:
            said = [f"{self.name}: segment-guided matching, {self.matching.descriptor.words}."]
        else:
            said = [] if self.options["guide"] else [f"{self.name}: without coarse flow of segments."]
        return said + super().notes()

    def pictures(self, pair: Pair) -> dict[str, Array]:
        """Pieces, matches and coarse flow as `pictures.draw` shows them, and the refined flow.

        Of a batch the first; nothing of pairs whose frames are equal.
        """
        state = pair.state
        if not isinstance(state, _State):
            return {}
        seen = draw(state.matched[0]) if state.matched else {}
        flows = [flow[0].float().cpu().numpy() for flow in state.flows]
        longest = max(1.0, *(float(np.hypot(*flow).max()) for flow in flows))
        names = ("refined01", "refined10")
        return seen | {name: flow_picture(flow, longest) for name, flow in zip(names, flows, strict=True)}

    def explain(self, pair: Pair) -> Explanation | None:
        """The refined flow, and the pieces that were matched, where they were."""
        state = pair.state
        if not isinstance(state, _State):
            return None
        flow01, flow10 = (planes_last(flow[0], pair.size) for flow in state.flows)
        found = Explanation(flow01, flow10)
        if state.matched:
            seen = state.matched[0]
            rows, columns = (
                np.arange(size) * own // padded
                for size, own, padded in zip(pair.size, seen.flow01.shape[1:], seen.frame0.size, strict=True)
            )
            found.labels0, found.labels1 = (
                frame.pieces.labels[rows[:, None], columns].astype(np.int32)
                for frame in (seen.frame0, seen.frame1)
            )
            found.partners01, found.partners10 = seen.partners01, seen.partners10
        return found

    def _encode(self, image: Tensor) -> Features:
        return self.net.encode(_at_least(image))

    def _prepare(self, image0: Tensor, image1: Tensor, features0: Features, features1: Features) -> _State:
        matched, coarse = self._coarse(image0, image1)
        image0, image1 = _at_least(image0), _at_least(image1)
        flows = self.net.flows(image0, image1, features0, features1, coarse, self.options["iterations"])
        return _State((image0, image1), (features0.splat, features1.splat), flows, matched)

    def _coarse(self, image0: Tensor, image1: Tensor) -> tuple[list[Matched], Flows | None]:
        """What was matched, and the coarse flow."""
        if self.matching is not None:
            matched = self.matching.pairs(image0, image1)
            flows = stacked(matched, image0.device)
        elif self.options["guide"]:
            matched, flows = [], self.options["guide"](image0, image1)
        else:
            return [], None
        flow01, flow10 = (_at_least(_fitted(flow, image0)) for flow in flows)
        return matched, (flow01, flow10)

    def _at(self, state: _State, t: float, image0: Tensor, image1: Tensor) -> Drawn:
        size = image0.shape[2:]
        image0, image1 = _at_least(image0), _at_least(image1)
        scales = [
            known if torch.equal(image, seen) else self.net.features(image)
            for image, seen, known in zip((image0, image1), state.images, state.scales, strict=True)
        ]
        made = self.net.draw(image0, image1, scales[0], scales[1], state.flows, t, self.side)
        return Drawn(made[..., : size[0], : size[1]].clamp(0, 1))


def _at_least(image: Tensor) -> Tensor:
    """Pad to LEAST pixels, for pictures that have hardly any."""
    bottom, right = max(0, LEAST - image.shape[2]), max(0, LEAST - image.shape[3])
    return F.pad(image, (0, right, 0, bottom), mode="replicate") if bottom or right else image


def _fitted(flow: Tensor, image: Tensor) -> Tensor:
    """A guide's flow on the padded grid: flow of the frame as it came is padded as the frame was."""
    flow = flow.to(image.device, torch.float32)
    bottom, right = image.shape[2] - flow.shape[2], image.shape[3] - flow.shape[3]
    if flow.ndim != 4 or flow.shape[1] != 2 or not (0 <= bottom < 8 and 0 <= right < 8):
        raise InputError(
            f"the guide gave flow of {list(flow.shape)}; wanted [B, 2, {image.shape[2]}, {image.shape[3]}]."
        )
    return F.pad(flow, (0, right, 0, bottom), mode="replicate") if bottom or right else flow


def build(name: str, weights: Weights, device: torch.device, precision: torch.dtype) -> AnimeInterp:
    """The CATALOG entry.

    Raises:
        ModelError: the weights do not fit, or are a starting state for training.
    """
    net = AnimeInterpNet(config_of(weights))
    load_strictly(net, weights.tensors, weights.source or name)
    return AnimeInterp(name, net, device, precision)


def config_of(weights: Weights) -> AnimeInterpConfig:
    """The configuration that weights say they are of.

    Raises:
        ModelError: it names what this version does not know, or the weights are only a starting state.
    """
    known = {key: weights.config[key] for key in AnimeInterpConfig.__slots__ if key in weights.config}
    extra = sorted(set(weights.config) - set(known) - {"untrained"})
    if extra:
        raise ModelError(f"the weights of {weights.model} were made with {', '.join(extra)}, unknown here.")
    untrained = weights.config.get("untrained")
    if untrained:
        raise ModelError(
            f"these weights are a starting state for training: {', '.join(untrained)} saw no data yet."
        )
    return AnimeInterpConfig(**known)
