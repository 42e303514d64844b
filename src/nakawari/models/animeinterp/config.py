"""What variants of AnimeInterp differ in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from nakawari.errors import ModelError

Mode = Literal["official", "paper"]
Attention = Literal["none", "gma"]


@dataclass(frozen=True, slots=True)
class AnimeInterpConfig:
    """One variant.

    Attributes:
        attention: "none", or "gma": motion is shared among pixels that look alike.
        mode: "official" does what the released code does and its weights need: the coarse flow is added
            twice, the error attention has no effect, the context is the matching features', and flow is
            found on pictures resized to a multiple of 8. "paper" does what the papers say: the coarse
            flow is gated by the error attention and added once, features are normalised, and a context
            network of its own sees frame 0 (Fig. 3.3 of the thesis). It needs weights trained so.
        iterations: updates of the flow.
        refine: False leaves recurrent refinement out, the coarse flow is final ("w/o RFR" of the paper).
        guided: False: learned without coarse flow ("w/o SGM" of the paper), so that drawing looks for none
            unless it is asked to.
        narrow: all widths are divided by this (1, 2, 4, 8 or 16); above 1 for small experiments.
    """

    attention: Attention = "none"
    mode: Mode = "official"
    iterations: int = 12
    refine: bool = True
    guided: bool = True
    narrow: int = 1

    def __post_init__(self) -> None:
        for name, known in (("attention", ("none", "gma")), ("mode", ("official", "paper"))):
            value = getattr(self, name)
            if value not in known:
                raise ModelError(f"{name} is {value!r}; wanted {' or '.join(known)}.")
        if self.narrow not in (1, 2, 4, 8, 16):
            raise ModelError(f"narrow is {self.narrow}; wanted 1, 2, 4, 8 or 16.")
        if not (self.guided or self.refine):
            raise ModelError("refine and guided are both false; one of them has to find motion.")
        if self.iterations < 1:
            raise ModelError(f"iterations is {self.iterations}; wanted 1 or more.")

    @property
    def normalised(self) -> bool:
        """Whether matching features pass instance normalisation."""
        return self.mode == "paper" or self.attention == "gma"
