"""ATD-12K for training: triplets, and their coarse flow where it was made.

`nakawari.data.atd12k` knows the layout. What is held out is the published test.
"""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from nakawari.data.atd12k import ANNOTATIONS, FRAMES, find_triplets
from nakawari.data.sample import Sample
from nakawari.data.sets.options import Options, PublishedSet
from nakawari.errors import MediaError

_PARTS: dict[str, tuple[Literal["train", "test"], ...]] = {
    "train": ("train",),
    "held-out": ("test",),
    "all": ("train", "test"),
}


class Atd12k(PublishedSet):
    """Three frames each, the second midway; guide01 and guide10 where they are asked for.

    Raises:
        InputError: the folder or a frame is missing.
        MediaError: guides are asked for, and a triplet has none.
    """

    def __init__(self, folder: str, options: Options) -> None:
        self.options = options
        guides = options.guides or None
        parts = _PARTS[options.split]
        if not options.early:  # of a set in parts, what is there
            parts = tuple(p for p in parts if any((Path(folder) / n).is_dir() for n in FRAMES[p])) or parts
        found = {part: find_triplets(folder, part, guides, early=options.early) for part in parts}
        self.triplets = tuple(chain.from_iterable(found.values()))
        self.annotated = len(self.triplets) - len(found.get("test", ()))
        """The number of the first triplet that was published with an annotation."""
        without = [each.name for each in self.triplets if each.guide is None]
        if options.guided and without:
            raise MediaError(
                f"{len(without)} of {len(self.triplets)} triplets of {folder} have no coarse flow, such as "
                f"{without[0]}; make it with: nakawari data guides."
            )

    def __len__(self) -> int:
        return len(self.triplets)

    def read(self, number: int, rng: np.random.Generator) -> Sample:
        """Item `number`."""
        triplet = self.triplets[number]
        frames = [torch.from_numpy(np.ascontiguousarray(frame.transpose(2, 0, 1)))
                  for frame in triplet.read_frames(self.options.resize)]  # fmt: skip
        sample = Sample(frames[0], frames[1], frames[2], torch.tensor(0.5))
        guide = triplet.read_guide() if self.options.guided else None
        if guide is not None:
            size = (frames[0].shape[1], frames[0].shape[2])
            sample.guide01, sample.guide10 = _fitted(guide.flow01, size), _fitted(guide.flow10, size)
        return sample

    def inspect(self, number: int) -> None:
        """As `read`, and its annotation and coarse flow."""
        super().inspect(number)
        triplet = self.triplets[number]
        if triplet.read_annotation() is None and number >= self.annotated:
            raise MediaError(f"{triplet.name} has no annotation; wanted {ANNOTATIONS}/NAME/NAME.json.")
        triplet.read_guide()


def _fitted(flow: npt.NDArray[np.float32], size: tuple[int, int]) -> Tensor:
    """Flow on another size, by the nearest pixel: pieces keep their rims."""
    height, width = flow.shape[1:]
    if (height, width) == size:
        return torch.from_numpy(flow)
    scale = (size[1] / width, size[0] / height)
    planes = [
        cv2.resize(plane, size[::-1], interpolation=cv2.INTER_NEAREST) * np.float32(factor)
        for plane, factor in zip(flow, scale, strict=True)
    ]
    return torch.from_numpy(np.stack(planes))
