"""An endless stream of samples: sample i is a pure function of (seed, i), so its index is all its state."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Sequence
from functools import cache

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import get_worker_info

from nakawari.data.augment import Recipe, augment
from nakawari.data.cartoon.render import render
from nakawari.data.cartoon.write import when, write
from nakawari.data.sample import Sample, collate

Size = tuple[int, int]


def draw(
    seed: int, index: int, size: Size = (256, 256), t: float | None = None, alpha: bool = False
) -> Sample:
    """Draw one sample on the CPU.

    Args:
        seed, index: what to draw; the same pair gives the same bytes.
        size: (height, width) of the canvas.
        t: of the middle frame; None: drawn from the seed.
        alpha: RGBA layers without a backdrop.
    """
    scene = write(seed, index, size, layers=alpha)
    return render([scene], [when(seed, index) if t is None else t], alpha=alpha)[0]


@cache
def settle() -> None:
    """Make this process a good worker: one thread, and freed memory is kept, for page faults are dear."""
    torch.set_num_threads(1)
    cv2.setNumThreads(0)
    if sys.platform.startswith("linux"):
        libc = ctypes.CDLL(None)
        if hasattr(libc, "mallopt"):  # glibc: M_MMAP_THRESHOLD, M_TRIM_THRESHOLD, M_TOP_PAD
            for option, value in ((-3, 1 << 30), (-1, 1 << 30), (-2, 1 << 26)):
                libc.mallopt(option, value)


class CartoonStream:
    """Samples by their index. Picklable and without state: workers may share it, and any order is right.

    Args:
        seed: of the stream.
        size: (height, width) of the canvases.
        recipe: crops and other augmentation, also a function of (seed, i); None: canvases as they are.
        names: which flows, masks and labels to keep; None: all.
        prepare: called with each canvas before it is cropped, to add guides; a function of a module.
        device: where `batch` draws. On a GPU scenes are painted here and drawn there.
    """

    def __init__(
        self,
        seed: int,
        size: Size = (256, 256),
        *,
        recipe: Recipe | None = None,
        names: Sequence[str] | None = None,
        prepare: Callable[[Sample], Sample] | None = None,
        device: str = "cpu",
    ) -> None:
        self.seed, self.size, self.recipe = seed, size, recipe
        self.names, self.prepare, self.device = names, prepare, device

    def __getitem__(self, index: int) -> Sample:
        """Sample `index`, drawn on the CPU."""
        return self._finish(draw(self.seed, index, self.size), index)

    def samples(self, indices: Sequence[int]) -> Sample:
        """The samples `indices` as a batch, on `device`."""
        if get_worker_info() is not None:
            settle()
        if torch.device(self.device).type == "cpu":
            return collate(self[index] for index in indices)
        scenes = [write(self.seed, index, self.size) for index in indices]
        drawn = render(scenes, [when(self.seed, index) for index in indices], self.device)
        return collate(self._finish(drawn[place], index) for place, index in enumerate(indices))

    def batch(self, indices: Sequence[int]) -> dict[str, Tensor]:
        """The samples `indices`, stacked, by name."""
        return self.samples(indices).tensors()

    def _finish(self, sample: Sample, index: int) -> Sample:
        if self.prepare is not None:
            sample = self.prepare(sample)
        if self.names is not None:
            sample = sample.only(*self.names)
        if self.recipe is not None:
            sample = augment(sample, self.recipe, np.random.default_rng((self.seed, index, 2)))
        return sample
