"""Several processes that train one network: who they are, and what they tell each other.

Each process holds the whole network and computes the gradient of its own samples. Once a step they average
the gradients, which lie in one flat tensor, in one all-reduce, and what they say of the step (losses, wish to
stop) in a second, short one. Networks here have a few million weights: overlapping that with the backward
pass would gain little, while a flat tensor lets a task run the network as often and in as many parts as it
likes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn

from nakawari.errors import BackendError, InputError
from nakawari.models.device import choose_device
from nakawari.train.config import Compute


@dataclass(frozen=True, slots=True)
class Place:
    """A process among others.

    Attributes:
        rank, world: number of this process, and how many there are.
        device: what it computes on.
    """

    rank: int
    world: int
    device: torch.device

    @property
    def first(self) -> bool:
        """Whether it is the one that writes."""
        return self.rank == 0

    def average(self, tensor: Tensor) -> None:
        """Replace `tensor` by its mean over all processes."""
        if self.world > 1:
            dist.all_reduce(tensor)
            tensor.div_(self.world)

    def agree(self, value: int, what: str) -> None:
        """Raise InputError unless all processes have the same `value`."""
        if self.world > 1:
            values: list[int | None] = [None] * self.world
            dist.all_gather_object(values, value)
            if len(set(values)) > 1:
                raise InputError(f"the processes differ in {what}: {values}; wanted one run folder for all.")


@contextmanager
def joined(compute: Compute) -> Iterator[Place]:
    """The place of this process; joins the others when torchrun started it, and leaves them at the end.

    Raises:
        BackendError: the device is not to be had, or there are more processes than GPUs.
    """
    world = int(os.environ.get("WORLD_SIZE", "1"))
    if world == 1:
        yield Place(0, 1, choose_device(compute.device))
        return
    device = choose_device(compute.device)
    if device.type == "cuda":
        local = int(os.environ["LOCAL_RANK"])
        if local >= torch.cuda.device_count():
            raise BackendError(f"process {local + 1} has no GPU: there are {torch.cuda.device_count()}.")
        device = torch.device("cuda", local)
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield Place(dist.get_rank(), world, device)
    finally:
        dist.destroy_process_group()


class FlatGradients:
    """The gradients of a network as one tensor, of which each parameter's `grad` is a view."""

    def __init__(self, net: nn.Module) -> None:
        parameters = [p for p in net.parameters() if p.requires_grad]
        self.flat = torch.zeros(sum(p.numel() for p in parameters), device=parameters[0].device)
        start = 0
        for parameter in parameters:
            stop = start + parameter.numel()
            # The memory format of the weight, which the fused optimizer takes for granted.
            parameter.grad = self.flat[start:stop].as_strided(parameter.shape, parameter.stride(), start)
            start = stop

    def zero(self) -> None:
        """Forget the last step."""
        self.flat.zero_()

    def clip(self, norm: Tensor, longest: float) -> None:
        """Shorten the gradient, whose length is `norm`, to at most `longest`; 0: any length."""
        if longest > 0:
            self.flat.mul_((longest / (norm + 1e-6)).clamp_max(1.0))
