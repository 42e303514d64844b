"""`best`: `fast`, led by a matcher that has learned what belongs together.

    matching.py   the matcher: flow both ways of two pictures
    leading.py    what it finds, or search where that is more exact; and what is in front
    net.py        the matcher and what weighs, in one file

That makes two candidates more, and what they bring to t is the evidence that all candidates are judged by.
"""

from __future__ import annotations

import torch
from torch import Tensor

from nakawari import checkpoints
from nakawari.models.best.leading import leading, match
from nakawari.models.best.matching import Matcher
from nakawari.models.best.net import BestConfig, BestNet
from nakawari.models.classic import Encoded, State
from nakawari.models.classic.candidates import Field
from nakawari.models.classic.motion import grey_look
from nakawari.models.costs import COSTS
from nakawari.models.fast import Fast
from nakawari.models.official import Weights, open_weights, shipped


class Best(Fast):
    """Search and matcher, and a network that weighs what both find."""

    cost = COSTS["best"]

    def __init__(self, name: str, net: BestNet, device: torch.device | str = "cpu") -> None:
        super().__init__(name, net.weighing, device)
        self.matcher: Matcher = net.matcher.eval().to(device)

    def _prepare(
        self, image0: Tensor, image1: Tensor, features0: list[Encoded], features1: list[Encoded]
    ) -> list[State]:
        states = super()._prepare(image0, image1, features0, features1)
        for state in states:
            state.fields.insert(0, leading_field(self.matcher, state))
        return states


def leading_field(matcher: Matcher, state: State) -> Field:
    """The field of motion that is tried first, of what `classic` knows of a pair."""
    searched = state.fields[0][0].flow, state.fields[0][1].flow
    matched = match(matcher, state.rgb0, state.rgb1, state.shifts[-1])
    return leading(grey_look(state.rgb0), grey_look(state.rgb1), searched, matched)


def build(name: str, weights: Weights | None, device: torch.device, precision: torch.dtype) -> Best:
    """The CATALOG entry; without weights, those that are shipped."""
    found = open_weights(shipped(name), name) if weights is None else weights
    net = BestNet(BestConfig.of(found.config))
    checkpoints.load_strictly(net, found.tensors, f"weights of {name}")
    return Best(name, net, device)
