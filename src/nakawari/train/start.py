"""What a new run begins with: fresh weights, or a file of ours or of another project."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from pathlib import Path

from torch import Tensor, nn

from nakawari import checkpoints
from nakawari.errors import InputError, ModelError
from nakawari.models.official import open_weights
from nakawari.train.config import RANDOM, Start

log = logging.getLogger(__name__)


def begin_with(start: Start, nets: Iterable[nn.Module], model: str) -> int:
    """Load the starting state into every one of `nets` (which are alike); gives the step to go on from.

    A file of ours may be of another model of the family (FILM's three trainings have one network); one of
    another project is taken to be of `model`, for not every file says by itself which it is.

    Raises:
        ModelError: the file is absent, broken, or does not fit.
        InputError: it is not ours and `go_on` wants its step.
    """
    if start.weights in ("", RANDOM):
        if start.weights:
            log.info("begins with random weights, as asked for")
        return 0
    ours = Path(start.weights).suffix == ".safetensors"
    weights = open_weights(start.weights, None if ours else model)
    found = weights.tensors
    dropped = [key for key in found if _begins(key, start.drop)]
    kept = {key: value for key, value in found.items() if key not in dropped}
    for net in nets:
        spare = {key: value for key, value in weights.training.items() if key in net.state_dict()}
        kept |= spare
        fresh = {
            key: value
            for key, value in net.state_dict().items()
            if key not in kept and _begins(key, start.fresh)
        }
        try:
            checkpoints.load_strictly(net, {**kept, **_detached(fresh)}, start.weights)
        except ModelError as error:
            raise ModelError(
                f"{error} The recipe wants: {start.wants}." if start.wants else str(error)
            ) from error
    if fresh or dropped:
        log.info("%s: %d tensors left out, %d begin fresh", start.weights, len(dropped), len(fresh))
    if not start.go_on:
        return 0
    try:
        return checkpoints.read_header(start.weights).steps
    except ModelError as error:
        raise InputError(f"start.go_on wants a file of ours, which knows its step: {error}") from error


def _begins(key: str, starts: Sequence[str]) -> bool:
    return any(key.startswith(start) for start in starts)


def _detached(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {key: value.detach().clone() for key, value in tensors.items()}
