"""What is evaluated: models that draw here, and folders of frames that any other system wrote."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from time import perf_counter
from typing import Protocol

import numpy as np

from nakawari.errors import InputError
from nakawari.evaluation.data import Triplet, describe, opaque
from nakawari.models import load
from nakawari.tensors import Array
from nakawari.video.images import read_image

PREDICTIONS = "predictions:"
NAMED_AT_MOST = 5
"""So many missing files are named; the rest are counted."""


class System(Protocol):
    """Gives the middle frame of a triplet."""

    name: str

    def check(self, names: Sequence[str]) -> None:
        """Raise InputError unless there will be a frame for every triplet."""
        ...

    def draw(self, triplet: Triplet) -> tuple[Array, float | None]:
        """The frame, of the size of the truth, and the seconds that it took (None: nobody knows)."""
        ...


class ModelSystem:
    """A model of ours. Time is the whole call on frames that are in memory, after one call to warm up."""

    def __init__(self, spec: str, weights: str | Path | None, device: str, precision: str) -> None:
        self.name = label(spec)
        self._model = load(spec, weights=weights, device=device, precision=precision)
        self.device = str(self._model.device)
        self._warm = False

    def check(self, names: Sequence[str]) -> None:
        """A model draws anything."""

    def draw(self, triplet: Triplet) -> tuple[Array, float | None]:
        """Draw at ½."""
        if not self._warm:
            self._model(triplet.frame0, triplet.frame1, 0.5)
            self._warm = True
        begin = perf_counter()
        made = self._model(triplet.frame0, triplet.frame1, 0.5)  # an array: the device has finished
        seconds = perf_counter() - begin
        assert isinstance(made, np.ndarray)
        return made, seconds


class Predictions:
    """`predictions:DIR`: DIR/NAME.png for each triplet; the system is called as the folder is."""

    def __init__(self, spec: str) -> None:
        self.name = label(spec)
        self._spec = spec
        self._folder = Path(spec.removeprefix(PREDICTIONS))
        if not self._folder.is_dir():
            raise InputError(f"{spec}: there is no such folder.")

    def check(self, names: Sequence[str]) -> None:
        """Raise InputError where files are missing; names the first of them."""
        missing = [name for name in names if not self._file(name).is_file()]
        if missing:
            more = len(missing) - NAMED_AT_MOST
            named = ", ".join(f"{name}.png" for name in missing[:NAMED_AT_MOST])
            raise InputError(
                f"{self._spec} lacks {len(missing)} of {len(names)} frames: {named}"
                f"{f' and {more} more' if more > 0 else ''}."
            )

    def draw(self, triplet: Triplet) -> tuple[Array, float | None]:
        """Read the file."""
        file = self._file(triplet.name)
        made = opaque(read_image(file))
        if made.shape != triplet.truth.shape:
            raise InputError(f"{file} is {describe(made)}; wanted the size {describe(triplet.truth)}.")
        return made, None

    def _file(self, name: str) -> Path:
        return self._folder / f"{name}.png"


def label(spec: str) -> str:
    """What the rows of `spec` are called: the model's name, or the folder's."""
    if spec.startswith(PREDICTIONS):
        return Path(spec.removeprefix(PREDICTIONS)).resolve().name
    return spec


def open_systems(
    specs: Sequence[str], weights: Mapping[str, str | Path], device: str, precision: str
) -> list[System]:
    """Load all models and find all folders.

    Raises:
        InputError: none or two of one name, weights for a model that is not evaluated, a missing folder.
        ModelError: a model is unknown or lacks its weights.
    """
    names = [label(spec) for spec in specs]
    if not specs:
        raise InputError("there is nothing to evaluate; wanted a model or predictions:DIR.")
    for name in names:
        if names.count(name) > 1:
            raise InputError(
                f"two systems are called {name!r}; rename a folder so that rows can be told apart."
            )
    for name in weights:
        if name not in names:
            raise InputError(
                f"weights are given for {name!r}, which is not evaluated; models: {', '.join(names)}."
            )
    folders = {spec: Predictions(spec) for spec in specs if spec.startswith(PREDICTIONS)}
    return [
        folders[spec] if spec in folders else ModelSystem(spec, weights.get(spec), device, precision)
        for spec in specs
    ]
