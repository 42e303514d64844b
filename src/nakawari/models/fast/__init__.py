"""`fast` and `best`: `classic`, led by a matcher that we trained.

    matching.py   the matcher: flow both ways of two pictures, learned from scenes whose flow is known
    leading.py    what it finds, or search where that is more exact; and what is in front

What leads makes two candidates more than `classic` has, and what it brings to t is the evidence that all are
judged by. It draws nothing itself: every colour is a mix of what the keys show. `best` has the same weights
and takes more time to match.
"""

from __future__ import annotations

import torch
from torch import Tensor

from nakawari import checkpoints
from nakawari.models import find
from nakawari.models.classic import Classic, Encoded, State
from nakawari.models.classic.candidates import Field, known_of
from nakawari.models.classic.motion import grey_look
from nakawari.models.costs import COSTS
from nakawari.models.fast.leading import EFFORTS, leading, match
from nakawari.models.fast.matching import Matcher, MatcherConfig
from nakawari.models.official import Weights, open_weights, shipped


class Fast(Classic):
    """Search and matcher; runs its network on the device and with the precision, the rest on the CPU."""

    def __init__(
        self,
        name: str,
        matcher: Matcher,
        device: torch.device | str = "cpu",
        precision: torch.dtype = torch.float32,
    ) -> None:
        super().__init__(name, device)
        self.cost = COSTS[name]
        self.effort = EFFORTS[name]
        self.matcher = matcher.eval().to(device, precision)

    def _prepare(
        self, image0: Tensor, image1: Tensor, features0: list[Encoded], features1: list[Encoded]
    ) -> list[State]:
        states = super()._prepare(image0, image1, features0, features1)
        for state in states:
            led = self._leading(state)
            state.fields.insert(0, led)
            state.known = known_of(led)
        return states

    def _leading(self, state: State) -> Field:
        """The field of motion that is tried first, of what `classic` knows of a pair."""
        searched = state.fields[0][0].flow, state.fields[0][1].flow
        matched = match(self.matcher, state.rgb0, state.rgb1, state.shifts[-1], self.effort)
        return leading(grey_look(state.rgb0), grey_look(state.rgb1), searched, matched)


def build(name: str, weights: Weights | None, device: torch.device, precision: torch.dtype) -> Fast:
    """The CATALOG entry of both; without weights, those that are shipped."""
    row = find(name).weights_of
    found = open_weights(shipped(row), row) if weights is None else weights
    matcher = Matcher(MatcherConfig.of(found.config))
    checkpoints.load_strictly(matcher, found.tensors, f"weights of {row}")
    return Fast(name, matcher, device, precision)
