"""Which samples belong to which step, and batches of them made ahead in other processes.

The position in the data is the step itself: step s learns from the samples [s·size, (s+1)·size), cut into
passes of `micro` samples, of which each process takes a run. So nothing has to be saved to go on exactly, and
two processes see together what one would see.
"""

from __future__ import annotations

import signal
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from nakawari.errors import InputError
from nakawari.train.config import Batch, Compute
from nakawari.train.task import Samples, Stream


@dataclass(frozen=True, slots=True)
class Schedule:
    """Samples of a step and a process.

    Attributes:
        size: samples of a step.
        micro: samples of a pass.
        passes: passes of a step in each process.
        rank: of this process.
    """

    size: int
    micro: int
    passes: int
    rank: int

    @staticmethod
    def of(batch: Batch, rank: int, world: int) -> Schedule:
        """The schedule of process `rank` of `world`.

        Raises:
            InputError: the samples of a step cannot be shared out evenly.
        """
        micro = batch.micro or batch.size // world
        if not micro or batch.size % (micro * world):
            raise InputError(
                f"batch.size is {batch.size}; wanted a multiple of {micro or 1} (micro) × {world} processes."
            )
        return Schedule(batch.size, micro, batch.size // (micro * world), rank)

    def indices(self, step: int, number: int) -> range:
        """The samples of pass `number` of step `step`."""
        start = step * self.size + (self.rank * self.passes + number) * self.micro
        return range(start, start + self.micro)

    def runs(self, start: int, stop: int) -> Iterator[range]:
        """All passes of the steps `start`..`stop` (excluded), in order."""
        for step in range(start, stop):
            for number in range(self.passes):
                yield self.indices(step, number)


class _Passes(Dataset[Samples]):
    """The stream as a torch dataset whose index is a range of samples."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream

    def __getitem__(self, indices: range) -> Samples:
        return self.stream.batch(indices)


class _Order(Sampler[range]):
    def __init__(self, schedule: Schedule, start: int, stop: int) -> None:
        self.runs = (schedule, start, stop)

    def __iter__(self) -> Iterator[range]:
        schedule, start, stop = self.runs
        return schedule.runs(start, stop)


def batches(
    stream: Stream, schedule: Schedule, steps: tuple[int, int], compute: Compute, device: torch.device
) -> Generator[Samples, None, None]:
    """The passes of a process on its device, one after the other.

    Args:
        stream: where samples come from.
        schedule: which ones.
        steps: the first step, and the one before which it ends.
        compute: `workers` processes make `prefetch` batches each ahead.
        device: where they are wanted.
    """
    several: dict[str, Any] = {}
    if compute.workers:
        several = {"prefetch_factor": compute.prefetch, "worker_init_fn": _begin_worker}
    loader = DataLoader(
        _Passes(stream),
        batch_size=None,
        sampler=_Order(schedule, *steps),
        num_workers=compute.workers,
        pin_memory=device.type == "cuda" and compute.workers > 0,
        generator=torch.Generator(),  # or it would draw from the generator that networks draw from
        **several,
    )
    for batch in loader:
        yield {name: tensor.to(device, non_blocking=True) for name, tensor in batch.items()}


def _begin_worker(_number: int) -> None:
    """One core each; and the training process alone decides when training ends."""
    from nakawari.data.cartoon.stream import settle

    settle()
    for number in (signal.SIGINT, signal.SIGTERM):  # they reach the whole group; saving must not be cut off
        signal.signal(number, signal.SIG_IGN)
