"""CATALOG: one row for each model, and `load`."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from nakawari.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Callable

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
    Row(
        "animeinterp",
        "animeinterp",
        "nakawari.models.animeinterp:build",
        "file",
        "MIT",
        "Deep Animation Video Interpolation in the Wild: recurrent flow refinement and synthesis.",
    ),
    Row(
        "animeinterp-gma",
        "animeinterp",
        "nakawari.models.animeinterp:build",
        "file",
        "MIT",
        "AnimeInterp with global motion aggregation.",
    ),
)

DEFAULT = "classic"
WEIGHT_SUFFIXES = (".safetensors", ".pth", ".pt", ".pkl", ".ckpt")
"""What a name that ends so is: a file."""


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
    name: str | Path = DEFAULT,
    weights: str | Path | None = None,
    device: str = "auto",
    precision: str = "auto",
    **options: Any,
) -> Interpolator:
    """Make a model ready to draw.

    Args:
        name: a CATALOG name; or a weight file, ours or another project's, which says what it is.
        weights: a file, for models whose weights are not shipped.
        device: "auto" (a GPU when there is one), "cpu", "cuda", "cuda:1", "mps".
        precision: "auto", "fp32", "bf16" or "fp16".
        options: what the family takes besides, such as `iterations`; None is as if it were not given.

    Raises:
        ModelError: no such model or option, or its weights are absent or do not fit.
        BackendError: the device or precision that was named cannot be used here.
    """
    from nakawari.models.device import choose_device, choose_precision

    chosen = choose_device(device)
    kind = choose_precision(precision, chosen)
    content: Any = weights
    if Path(name).suffix in WEIGHT_SUFFIXES:
        from nakawari.models.official import open_weights

        if weights is not None:
            raise ModelError(f"two weight files were given, {name} and {weights}; wanted one.")
        content = open_weights(name)
        name = content.model
    row = find(str(name))
    if row.weights == "none" and weights is not None:
        raise ModelError(f"{row.name} uses no weights, but weights={str(weights)!r} were given.")
    module, attribute = row.entry.split(":")
    build: Callable[..., Interpolator] = getattr(import_module(module), attribute)
    return build(row.name, content, chosen, kind, **_known(build, options, row.name))


def _known(build: Callable[..., Interpolator], options: dict[str, Any], name: str) -> dict[str, Any]:
    """The options that were given, all of which the family must take."""
    from inspect import signature

    takes = [key for key, one in signature(build).parameters.items() if one.kind is one.KEYWORD_ONLY]
    given = {key: value for key, value in options.items() if value is not None}
    unknown = sorted(set(given) - set(takes))
    if unknown:
        has = f"it takes {', '.join(takes)}" if takes else "it takes none"
        raise ModelError(f"{name} has no option {', '.join(unknown)}; {has}.")
    return given
