"""A triplet with everything that is known about it: what generators make, shards hold and training takes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from nakawari.errors import InputError


@dataclass(slots=True)
class Sample:
    """Three frames and, where it is known, their exact motion.

    All tensors may have leading batch axes ([..., 3, H, W]). Names say from where to where: pixel p of frame0
    shows what is at p + flow01(p) in frame1.

    Attributes:
        frame0, framet, frame1: [3 or 4, H, W] uint8, RGB, or RGBA with straight alpha.
        t: [] float32, where `framet` lies between 0 and 1.
        flow01, flow10, flow0t, flow1t, flowt0, flowt1: [2, H, W] floats, pixels (x right, y down).
        visible01 and so on: [H, W] bool, whether that place is inside the second frame and not covered there.
        valid01, valid10: [H, W] bool, whether flow01 (flow10) is known there; None: wherever the flow is.
        guide01, guide10: like the flows, but estimated by something that is to be learned from or corrected.
        labels0, labelst, labels1: [H, W] uint8, the part on top; 0 is backdrop.
    """

    frame0: Tensor
    framet: Tensor
    frame1: Tensor
    t: Tensor
    flow01: Tensor | None = None
    flow10: Tensor | None = None
    flow0t: Tensor | None = None
    flow1t: Tensor | None = None
    flowt0: Tensor | None = None
    flowt1: Tensor | None = None
    visible01: Tensor | None = None
    visible10: Tensor | None = None
    visible0t: Tensor | None = None
    visible1t: Tensor | None = None
    visiblet0: Tensor | None = None
    visiblet1: Tensor | None = None
    labels0: Tensor | None = None
    labelst: Tensor | None = None
    labels1: Tensor | None = None
    guide01: Tensor | None = None
    guide10: Tensor | None = None
    valid01: Tensor | None = None
    valid10: Tensor | None = None

    def tensors(self) -> dict[str, Tensor]:
        """What is known, by name, in the order above."""
        named = {name: getattr(self, name) for name in NAMES}
        return {name: tensor for name, tensor in named.items() if tensor is not None}

    def only(self, *names: str) -> Sample:
        """The frames, t, and of the rest only what is named."""
        kept = {
            name: x for name, x in self.tensors().items() if name in FRAMES or name == "t" or name in names
        }
        return Sample(**kept)

    def to(self, device: torch.device | str) -> Sample:
        """The sample on another device."""
        return Sample(**{name: x.to(device, non_blocking=True) for name, x in self.tensors().items()})

    def __getitem__(self, index: int) -> Sample:
        """One sample of a batch."""
        return Sample(**{name: x[index] for name, x in self.tensors().items()})


NAMES = tuple(spec.name for spec in fields(Sample))
FRAMES = NAMES[:3]
FLOWS = tuple(name for name in NAMES if name.startswith(("flow", "guide")))
VISIBLE = tuple(name for name in NAMES if name.startswith("visible"))
VALID = tuple(name for name in NAMES if name.startswith("valid"))
LABELS = tuple(name for name in NAMES if name.startswith("labels"))


def collate(samples: Iterable[Sample]) -> Sample:
    """Samples of one size → a batch with a new first axis. What only some of them know is left out.

    Raises:
        InputError: there are none.
    """
    every = [sample.tensors() for sample in samples]
    if not every:
        raise InputError("no samples to put into a batch; wanted at least one.")
    names = [name for name in every[0] if all(name in tensors for tensors in every)]
    return Sample(**{name: torch.stack([tensors[name] for tensors in every]) for name in names})
