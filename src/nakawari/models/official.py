"""Weight files of other projects, and ours: from a path to the tensors of a row of CATALOG.

A file of ours says in its header what it is. A file of another project says it by its keys and shapes: each
family has a function that looks at them and either knows them or does not. Nothing is guessed: where two rows
cannot be told apart the name is asked for, and a name that is wrong is refused with what the file is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from nakawari import checkpoints
from nakawari.errors import ModelError

RECOGNISERS: tuple[str, ...] = (
    "nakawari.models.rife.official:recognise",
    "nakawari.models.film.official:recognise",
    "nakawari.models.animeinterp.official:recognise",
)
"""`module:function` of each family, asked in this order; see `Recogniser`."""

_WRAPPERS = ("state_dict", "model_state_dict", "model")
"""Names under which training scripts put the weights into their files."""


@dataclass(frozen=True, slots=True)
class Weights:
    """The weights of one row, under our names.

    Attributes:
        model: a name in CATALOG.
        tensors: as the family's network wants them.
        config: keyword arguments of the family's configuration.
        ignored: keys of the file that are left out on purpose, such as a teacher that only training needs.
        source: whose file it is, in words.
        training: of what is left out, what training can go on with, under our names.
    """

    model: str
    tensors: dict[str, Tensor]
    config: dict[str, Any] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()
    source: str = ""
    training: dict[str, Tensor] = field(default_factory=dict)

    def left_out(self) -> str:
        """`ignored` in few words: the parts of the network, and how many keys each has."""
        parts = Counter(key.split(".")[0] for key in self.ignored)
        return ", ".join(f"{part} ({count} key{'s' * (count > 1)})" for part, count in parts.items())


Recogniser = Callable[[Mapping[str, Tensor], "str | None"], "Weights | None"]
"""(tensors of the file, wanted row or None) → the weights, or None when it is no file of this family.

Raises ModelError where the file is of this family but the name is needed or wrong, or keys are missing or
left over; the message says what the file is.
"""


def open_weights(path: str | Path, wanted: str | None = None) -> Weights:
    """Read a weight file, ours or another project's.

    Args:
        path: *.safetensors of ours, or a file that another project released, unchanged.
        wanted: a name in CATALOG; None: whatever the file is.

    Raises:
        ModelError: the file is absent, broken, unknown, or not of the row that is wanted.
    """
    if Path(path).suffix == ".safetensors":
        tensors, header = checkpoints.load(path, torch.float32)
        found: Weights | None = Weights(header.model, tensors, header.config, source="nakawari")
    else:
        tensors = flatten(checkpoints.load_pt(path), str(path))
        try:
            found = recognise(tensors, wanted)
        except ModelError as error:
            raise ModelError(f"{path}: {error}") from error
    if found is None:
        raise ModelError(f"{path} holds weights of no model that nakawari knows.")
    if wanted is not None and found.model != wanted:
        raise ModelError(f"{path} holds weights of {found.model}; wanted {wanted}.")
    return found


def shipped(name: str) -> Path:
    """The weight file that comes with nakawari for a row of CATALOG."""
    return Path(__file__).with_name("weights") / f"{name}.safetensors"


def recognise(tensors: Mapping[str, Tensor], wanted: str | None = None) -> Weights | None:
    """Ask each family for the file; None when none knows it."""
    for entry in RECOGNISERS:
        module, attribute = entry.split(":")
        ask: Recogniser = getattr(import_module(module), attribute)
        found = ask(tensors, wanted)
        if found is not None:
            return found
    return None


def flatten(content: Mapping[str, Any], name: str) -> dict[str, Tensor]:
    """The tensors of a PyTorch file: without a training script's wrapper and DataParallel's `module.`.

    Raises:
        ModelError: there are no tensors in it.
    """
    for wrapper in _WRAPPERS:
        inner = content.get(wrapper)
        if isinstance(inner, Mapping) and any(isinstance(value, Tensor) for value in inner.values()):
            content = inner
            break
    tensors = {key: value for key, value in content.items() if isinstance(value, Tensor)}
    if not tensors:
        raise ModelError(f"{name} holds no tensors.")
    if all(key.startswith("module.") for key in tensors):
        tensors = {key.removeprefix("module."): value for key, value in tensors.items()}
    return tensors
