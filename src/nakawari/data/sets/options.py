"""What may be asked of a published set, and what it gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
import torch
from torch import Tensor

from nakawari.data.sample import Sample
from nakawari.data.sets.files import read_picture, same_size

Split = Literal["train", "held-out", "all"]
Passes = Literal["clean", "final", "both"]


@dataclass(frozen=True, slots=True)
class Options:
    """How a published set is read; what does not concern it is left alone.

    Attributes:
        split: "train" is all but what the set (or, where it has no such part, we) keep for measuring;
            "held-out" is that; "all" is both.
        t: the time of the middle frame, where a set has several; 0: any of them.
        resize: (height, width) to which frames are brought; None: as they are.
        passes: which renderings of Things and Sintel.
        guided: whether triplets of animation are read with their coarse flow.
        guides: folder of coarse flow, GUIDES/NAME; empty: the published place, or beside the frames.
        early: whether a missing frame is refused on opening, where that looks at frames at all; False: when
            it is read, so that all that are missing can be named.
    """

    split: Split = "train"
    t: float = 0.0
    resize: tuple[int, int] | None = None
    passes: Passes = "both"
    guided: bool = False
    guides: str = ""
    early: bool = True


class PublishedSet(Protocol):
    """A set in the layout in which it was published.

    Opening it reads lists and folders, no pictures; whatever is missing is named then, or when it is read.
    """

    def __len__(self) -> int:
        """How many items."""
        ...

    def pictures(self, number: int) -> list[Path]:
        """Those of item `number` from which `read` chooses; none where it reads all of it."""
        return []

    def read(self, number: int, rng: np.random.Generator) -> Sample:
        """Item `number`, whole; `rng` chooses where an item has more frames than three.

        Raises:
            MediaError: a file is missing or broken.
            ShapeError: its files do not fit each other.
        """
        ...

    def inspect(self, number: int) -> None:
        """Read all that there is of item `number`; raises as `read` does."""
        self.read(number, np.random.default_rng(number))
        for path in self.pictures(number):
            read_picture(path)


def frames_at(paths: Sequence[Path], t: float, resize: tuple[int, int] | None = None) -> Sample:
    """Frame 0, the one at `t`, and frame 1, read from `paths`."""
    frames = [read_picture(path, resize) for path in paths]
    same_size(paths, frames)
    return Sample(frames[0], frames[1], frames[2], torch.tensor(t, dtype=torch.float32))


def pair_of(paths: Sequence[Path], flow01: Tensor, flow_path: Path) -> Sample:
    """Two frames and flow. There is none between: what is seen at t = 1 is frame 1."""
    frames = [read_picture(path) for path in paths]
    same_size([*paths, flow_path], [*frames, flow01])
    return Sample(frames[0], frames[1], frames[1], torch.tensor(1.0), flow01=flow01)
