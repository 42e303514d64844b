"""ATD-12K for training: triplets, and their coarse flow where it was made.

`nakawari.data.atd12k` knows the layout. What is held out is the published test.
"""

from __future__ import annotations

from itertools import chain
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from nakawari.data.atd12k import find_triplets
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
        self.triplets = tuple(chain.from_iterable(find_triplets(folder, part, guides) for part in parts))
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
