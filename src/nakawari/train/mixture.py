"""What interpolation networks learn from: sources, mixed and augmented, each sample from its number alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nakawari.data.augment import Recipe, augment
from nakawari.data.sample import FLOWS, LABELS, VALID, Sample, collate
from nakawari.errors import InputError
from nakawari.train.sources import SourceConfig
from nakawari.train.task import Samples

Motions = Mapping[str, tuple[Tensor, Tensor]]
"""By name, flow 0→1 and flow 1→0, each [2, H, W] in pixels."""
Search = Callable[[Any, Any], Motions]
"""Finds them between two H×W×3 uint8 frames."""

REVERSED = str.maketrans("01", "10")
"""What a name is called when time runs backwards: augmentation may turn one into the other."""
_CHOICE, _CHANGE = 3, 4
"""Streams of random numbers of a sample: which source it comes from, how it is augmented."""


@dataclass(frozen=True, slots=True)
class MixtureConfig:
    """The table `[data]`.

    Attributes:
        sources: tables `[[data.sources]]`.
        crops: samples that are cut from one canvas, one after the other; drawing and searching it cost more
            than cutting it.
        augment: crops, flips, turns, time reversal and colours.
        known: flows, masks and labels that the losses want (see `Sample`), such as "flow01", "visible01".
            Where a source does not know them they are 0, and so is "has_flow"; but "valid01" is whether
            flow01 is known, pixel by pixel, and so is what a set says of single pixels.
        held_out: pictures of the evaluation on scenes that are never trained on.
        triplets: folders DIR/NAME/frame1, frame2, frame3 to be scored as well.
        triplets_each: pictures of each of them, evenly spread; 0: all.
        photo: photo-like scenes to be scored as well: what training on drawings costs elsewhere.
    """

    sources: tuple[SourceConfig, ...] = (SourceConfig(),)
    crops: int = 1
    augment: Recipe = field(default_factory=lambda: Recipe(crop=(256, 256)))
    known: tuple[str, ...] = ("flow01", "flow10", "visible01", "visible10")
    held_out: int = 32
    triplets: tuple[str, ...] = ()
    triplets_each: int = 32
    photo: int = 0

    def check(self) -> MixtureConfig:
        """Raise InputError where crops do not fit or nothing is chosen; returns itself."""
        if not self.sources or any(s.weight <= 0 for s in self.sources):
            raise InputError("data.sources wants one source at least, and weights above 0.")
        if self.photo < 0:
            raise InputError(f"data.photo is {self.photo}; wanted 0 or more.")
        if self.augment.rotate and self.known:
            raise InputError("data.augment.rotate wants data.known = []; only frames are turned freely.")
        if self.augment.scale is not None and self.augment.scale[0] > self.augment.scale[1]:
            raise InputError(f"data.augment.scale is {self.augment.scale}; wanted the least first.")
        if self.crops < 1:
            raise InputError(f"data.crops is {self.crops}; wanted 1 or more.")
        names = set(Sample.__dataclass_fields__) - {"frame0", "framet", "frame1", "t"}
        unknown = sorted(set(self.known) - names)
        if unknown:
            raise InputError(f"data.known names {', '.join(unknown)}; wanted of {', '.join(sorted(names))}.")
        crop = self.augment.crop
        for source in self.sources:
            source.check(crop, self.held_out)
            if crop is None and source.canvas != self.sources[0].canvas:
                raise InputError("data.sources have several canvases; wanted data.augment.crop as well.")
        return self


class Mixture:
    """Sample i: a source, an item of it and an augmentation, all chosen by (seed, i).

    Args:
        config: checked.
        seed: of the mixture.
        search: where it is given, NAME01 and NAME10 are what it finds on the whole canvas, cut and turned
            like the truth.
        augmented: False gives canvases as they are.
        held_out: of animations and published sets, those that are kept for measuring. (Scenes differ by
            their seed.)
    """

    def __init__(
        self,
        config: MixtureConfig,
        seed: int,
        search: Search | None = None,
        augmented: bool = True,
        held_out: bool = False,
    ) -> None:
        self.config, self.seed, self.search, self.augmented = config, seed, search, augmented
        weights = np.array([source.weight for source in config.sources])
        self._shares = np.cumsum(weights / weights.sum())
        guided = not {"guide01", "guide10"}.isdisjoint(config.known)
        self._items = [source.items(seed, held_out, guided) for source in config.sources]
        self._kept = {*config.known, *(name.translate(REVERSED) for name in config.known)}

    def batch(self, indices: Sequence[int]) -> Samples:
        """Samples `indices`, as `Sample` names them, and what the search found."""
        made = list(self._samples(indices))
        tensors = collate(self._complete(sample) for sample, _ in made).tensors()
        flows = [name for name in self.config.known if name in FLOWS]
        known = [all(getattr(sample, name) is not None for name in flows) for sample, _ in made]
        tensors["has_flow"] = torch.tensor(known)
        for name in made[0][1]:
            found = collate(motions[name] for _, motions in made)
            assert found.flow01 is not None
            assert found.flow10 is not None
            tensors |= {f"{name}01": found.flow01, f"{name}10": found.flow10}
        return tensors

    def sample(self, index: int) -> tuple[Sample, dict[str, Sample]]:
        """Sample `index`, and the same with each of the search's motions in place of the true one."""
        return next(self._samples([index]))

    def _samples(self, indices: Sequence[int]) -> Iterator[tuple[Sample, dict[str, Sample]]]:
        """Samples in order; neighbours share the canvas that they are cut from."""
        crops = self.config.crops if self.augmented else 1
        for number, group in groupby(indices, lambda index: index // crops):
            whole, seen = self._canvas(number)
            for index in group:
                truth = self._augment(whole, index).only(*self.config.known)
                yield truth, {name: self._augment(one, index) for name, one in seen.items()}

    def _canvas(self, number: int) -> tuple[Sample, dict[str, Sample]]:
        """Canvas `number`, with what is known of it, and with what the search finds."""
        chance = np.random.default_rng((self.seed, number, _CHOICE))
        source = int(np.searchsorted(self._shares, chance.random(), side="right"))
        whole = self._items[min(source, len(self._items) - 1)](number).only(*self._kept)
        if self.search is None:
            return whole, {}
        frames = [frame.permute(1, 2, 0).contiguous().numpy() for frame in (whole.frame0, whole.frame1)]
        bare = whole.frame0, whole.framet, whole.frame1, whole.t
        return whole, {
            name: Sample(*bare, flow01=forth, flow10=back)
            for name, (forth, back) in self.search(*frames).items()
        }

    def _complete(self, sample: Sample) -> Sample:
        """What is wanted and not known is 0."""
        tensors, size = sample.tensors(), sample.frame0.shape[-2:]
        for name in self.config.known:
            if name not in tensors:
                shape = (2, *size) if name in FLOWS else size
                kind = torch.float32 if name in FLOWS else torch.uint8 if name in LABELS else torch.bool
                known = name in VALID and getattr(sample, name.replace("valid", "flow")) is not None
                tensors[name] = torch.full(shape, known, dtype=kind)
        return Sample(**tensors)

    def _augment(self, sample: Sample, index: int) -> Sample:
        """The same changes for the same index, whatever flows the sample has."""
        if not self.augmented:
            return sample
        return augment(sample, self.config.augment, np.random.default_rng((self.seed, index, _CHANGE)))


def to_device_float(batch: Samples, channels_last: bool) -> Samples:
    """Frames as float32 in [0, 1], flows as float32; masks and labels as they are."""
    return {name: _ready(name, tensor, channels_last) for name, tensor in batch.items()}


def _ready(name: str, tensor: Tensor, channels_last: bool) -> Tensor:
    if name.startswith("frame"):
        image = tensor.float().mul_(1 / 255)
        return image.contiguous(memory_format=torch.channels_last) if channels_last else image
    return tensor.float() if tensor.is_floating_point() else tensor
