"""CATALOG: one row for each model, and `load`."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from nakawari.errors import ModelError

if TYPE_CHECKING:
    from nakawari.models.base import Interpolator

Weights = Literal["none", "shipped", "file"]


@dataclass(frozen=True, slots=True)
class Row:
    """One model that can be asked for by name.

    Attributes:
        name: what users type.
        family: rows of one family share their code.
        entry: `module:attribute` of a callable `(name, weights, device, precision) -> Interpolator`.
        weights: "none" (it needs none), "shipped" (they come with nakawari) or "file" (the user has them).
        licence: of the weights, or of the code where there are none.
        summary: one line.
    """

    name: str
    family: str
    entry: str
    weights: Weights
    licence: str
    summary: str


CATALOG: tuple[Row, ...] = (
    Row(
        "classic",
        "classic",
        "nakawari.models.classic:build",
        "none",
        "MIT",
        "No weights: regions, dense inverse search flow and splatting.",
    ),
    Row(
        "blend",
        "blend",
        "nakawari.models.blend:build",
        "none",
        "MIT",
        "Cross-fade; for tests and comparisons.",
    ),
)

DEFAULT = "classic"


def find(name: str) -> Row:
    """The row called `name` (hyphens and underscores are the same).

    Raises:
        ModelError: there is none; the message names the nearest.
    """
    wanted = name.replace("_", "-").lower()
    for row in CATALOG:
        if row.name == wanted:
            return row
    from difflib import get_close_matches

    names = [row.name for row in CATALOG]
    near = get_close_matches(wanted, names, n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    raise ModelError(f"there is no model {name!r}.{hint} Models: {', '.join(names)}.")


def list_models() -> list[Row]:
    """The rows of CATALOG."""
    return list(CATALOG)


def load(
    name: str = DEFAULT, weights: str | Path | None = None, device: str = "auto", precision: str = "auto"
) -> Interpolator:
    """Make a model ready to draw.

    Args:
        name: a CATALOG name.
        weights: a file, for models whose weights are not shipped.
        device: "auto" (a GPU when there is one), "cpu", "cuda", "cuda:1", "mps".
        precision: "auto", "fp32", "bf16" or "fp16".

    Raises:
        ModelError: no such model, or its weights are absent or do not fit.
        BackendError: the device or precision that was named cannot be used here.
    """
    from nakawari.models.device import choose_device, choose_precision

    row = find(name)
    chosen = choose_device(device)
    kind = choose_precision(precision, chosen)
    if row.weights == "none" and weights is not None:
        raise ModelError(f"{row.name} uses no weights, but weights={str(weights)!r} were given.")
    module, attribute = row.entry.split(":")
    model: Interpolator = getattr(import_module(module), attribute)(row.name, weights, chosen, kind)
    return model
