"""What the loop trains: a Task knows networks, data and scores, so that the loop knows none of them."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from nakawari.errors import InputError
from nakawari.optional import need
from nakawari.train.config import Config

Samples = dict[str, Tensor]
"""A batch: tensors by name, the batch as their first axis."""


class Stream(Protocol):
    """An endless row of samples. Sample i is a pure function of (seed, i): that is what makes a resumed run
    exact, whoever makes the batch, wherever, and in whatever groups.
    """

    def batch(self, indices: Sequence[int]) -> Samples:
        """The samples `indices`, stacked. Called in worker processes too, so it is picklable and keeps no
        state that its results depend on.
        """
        ...


class Task(Protocol):
    """What is trained. Made with `(config, device)`.

    Attributes:
        splits: names of the fixed subsets that `evaluate` takes.
    """

    splits: tuple[str, ...]

    def build(self) -> nn.Module:
        """The network with fresh weights, drawn from torch's generator (which the loop has seeded)."""
        ...

    def data(self) -> Stream:
        """What it learns from."""
        ...

    def step(self, net: nn.Module, batch: Samples, step: int) -> dict[str, Tensor]:
        """Scalar losses of a batch on the device: what is minimised under "loss"; always the same names.

        Called under autocast where bf16 is asked for. Random numbers may be drawn: the generators are seeded
        from the batch before each call. Each loss is a mean over the samples.
        """
        ...

    def evaluate(self, net: nn.Module, split: str) -> dict[str, float]:
        """Scores on a fixed subset, without gradients."""
        ...

    def sheet(self, net: nn.Module) -> npt.NDArray[np.uint8]:
        """A picture to look at, H×W×3 RGB: fixed samples, the truth beside the result."""
        ...

    def header(self) -> dict[str, Any]:
        """`model`, `config`, `data` and perhaps `notes` of the weights' header (see `checkpoints.Header`)."""
        ...


TASKS: dict[str, str] = {"interpolation": "nakawari.train.interpolation:Interpolation"}


def find_task(config: Config, device: torch.device) -> Task:
    """The task that the configuration names.

    Raises:
        InputError: there is none of that name.
    """
    entry = TASKS.get(config.task, config.task)
    module, colon, attribute = entry.partition(":")
    if not colon:
        near = get_close_matches(entry, TASKS, n=1)
        hint = f"Did you mean {near[0]}?" if near else f"Tasks: {', '.join(TASKS)}, or module:attribute."
        raise InputError(f"there is no task {config.task!r}. {hint}")
    task: Task = getattr(need(module), attribute)(config, device)
    return task
