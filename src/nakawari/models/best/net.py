"""What `best` has learned: to match, and to weigh what search and matcher found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import nn

from nakawari.checkpoints import as_arguments
from nakawari.errors import ModelError
from nakawari.models.best.matching import Matcher, MatcherConfig
from nakawari.models.fast.net import FastConfig, FastNet

SLOTS = 8
"""Candidates: those of `fast`, and two that the matcher leads to."""


@dataclass(frozen=True, slots=True)
class BestConfig:
    """The sizes of both networks."""

    matcher: MatcherConfig = field(default_factory=MatcherConfig)
    weighing: FastConfig = field(default_factory=lambda: FastConfig(slots=SLOTS))

    @staticmethod
    def of(told: Mapping[str, Any]) -> BestConfig:
        """Of what a weight file says: tables by name, lists for tuples.

        Raises:
            ModelError: it names what there is not.
        """
        parts = {name: as_arguments(part) for name, part in told.items()}
        try:
            return BestConfig(
                MatcherConfig(**parts.pop("matcher", {})),
                FastConfig(**{"slots": SLOTS} | parts.pop("weighing", {})),
                **parts,
            )
        except TypeError as error:
            raise ModelError(f"these weights are of another `best` than this one: {error}.") from error


class BestNet(nn.Module):
    """Both networks, so that they are one file."""

    def __init__(self, config: BestConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or BestConfig()
        self.matcher = Matcher(config.matcher)
        self.weighing = FastNet(config.weighing)
