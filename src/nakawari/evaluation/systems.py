"""What is evaluated: models that draw here, and folders of frames that any other system wrote."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any, Protocol

import numpy as np
import torch

from nakawari.errors import InputError
from nakawari.evaluation.data import Triplet, describe, opaque
from nakawari.models import load
from nakawari.pipeline.pictures import Watch, watching
from nakawari.tensors import Array
from nakawari.video.images import read_image

PREDICTIONS = "predictions:"
NAMED_AT_MOST = 5
"""So many missing files are named; the rest are counted."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How models draw.

    Attributes:
        options: as `nakawari.load` takes them, each for the models that have it.
        as_published: what is drawn is measured as it is.
        own_guide: models match pieces themselves even where the data bring coarse flow.
        debug_dir: pictures of what models saw go there, a folder for each; None: none are made.
    """

    options: Mapping[str, Any] = field(default_factory=dict)
    as_published: bool = False
    own_guide: bool = False
    debug_dir: str | Path | None = None


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
        self.shows = self._model.shows
        self._warm = False
        self._watch: Watch | None = None
        self._guided = False
        self._drawn = {"given": 0, "own": 0}

    def adjust(self, how: Manner) -> set[str]:
        """Draw in this way; gives the names of the options that the model has."""
        model = self._model
        known = {name: value for name, value in how.options.items() if name in model.options}
        model.adjust(**known)
        model.keeps_still = not how.as_published
        self._guided = not how.own_guide and model.options.get("guide") is True
        if how.debug_dir is not None and model.shows:
            self._watch = watching(model, Path(how.debug_dir) / self.name)
        return set(known)

    def notes(self) -> list[str]:
        """What was chosen for the user."""
        given = f"{self.name}: the coarse flow that came with the data, for {self._drawn['given']} triplets."
        said = self._model.notes() if self._drawn["own"] else []
        own = [f"{self.name}: {note.removeprefix(f'{self._model.name}: ')}" for note in said]  # as rows are
        return [given] * bool(self._drawn["given"]) + own

    def check(self, names: Sequence[str]) -> None:
        """A model draws anything."""

    def draw(self, triplet: Triplet) -> tuple[Array, float | None]:
        """Draw at ½, with the coarse flow of the data where the model takes one."""
        coarse = triplet.coarse if self._guided else None
        self._drawn["own" if coarse is None else "given"] += 1
        if coarse is None:
            return self._draw(triplet)
        flows = tuple(torch.from_numpy(flow)[None] for flow in coarse)
        self._model.adjust(guide=lambda one, other: flows)
        try:
            return self._draw(triplet)
        finally:
            self._model.adjust(guide=True)

    def _draw(self, triplet: Triplet) -> tuple[Array, float | None]:
        if not self._warm:
            self._model(triplet.frame0, triplet.frame1, 0.5)
            self._warm = True
        begin = perf_counter()
        pair = self._model.prepare(triplet.frame0, triplet.frame1)
        made = self._model.at(pair, 0.5)  # an array: the device has finished
        seconds = perf_counter() - begin
        if self._watch is not None:
            self._watch(triplet.name, pair)
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
    specs: Sequence[str],
    weights: Mapping[str, str | Path],
    device: str,
    precision: str,
    how: Manner | None = None,
) -> list[System]:
    """Load all models and find all folders.

    Raises:
        InputError: no model has an option that is given, or anything to show; none or two of one name,
            weights for a model that is not evaluated, a missing folder.
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
    models = {
        spec: ModelSystem(spec, weights.get(spec), device, precision) for spec in specs if spec not in folders
    }
    _adjust(list(models.values()), how or Manner())
    return [folders[spec] if spec in folders else models[spec] for spec in specs]


def _adjust(models: Sequence[ModelSystem], how: Manner) -> None:
    known = set().union(*(model.adjust(how) for model in models))
    for option in how.options:
        if option not in known:
            names = ", ".join(model.name for model in models) or "nothing that draws"
            raise InputError(f"no model here has an option {option!r} ({names}); leave it out.")
    if how.debug_dir is not None and not any(model.shows for model in models):
        raise InputError("no model here has pictures of what it sees; leave --debug-dir out.")
