"""CATALOG: one row for each model, and `load`."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from nakawari.errors import ModelError

if TYPE_CHECKING:
    from nakawari.models.base import Interpolator

log = logging.getLogger(__name__)

Weights = Literal["none", "shipped", "file"]


@dataclass(frozen=True, slots=True)
class Row:
    """One model that can be asked for by name.

    Attributes:
        name: what users type.
        family: rows of one family share their code.
        entry: `module:attribute` of a callable `(name, weights, device, precision) -> Interpolator`;
            `weights` is what `official.open_weights` gave, or None for rows that need none.
        weights: "none" (it needs none), "shipped" (they come with nakawari) or "file" (the user has them).
        licence: of the weights, or of the code where there are none.
        summary: one line.
        wears: the row whose weights it has, where it has none of its own.
        hints: `prepare` takes hints about what became what (docs/cel.md).
    """

    name: str
    family: str
    entry: str
    weights: Weights
    licence: str
    summary: str
    wears: str = ""
    hints: bool = False

    @property
    def weights_of(self) -> str:
        """The row whose weight files are read: `wears`, or itself."""
        return self.wears or self.name


_RIFE_4 = (
    *(
        "4.0",
        "4.1",
        "4.2",
        "4.3",
        "4.4",
        "4.5",
        "4.6",
        "4.7",
        "4.8",
        "4.9",
        "4.10",
        "4.11",
        "4.12",
        "4.12-lite",
    ),
    *(
        "4.13",
        "4.13-lite",
        "4.14",
        "4.14-lite",
        "4.15",
        "4.15-lite",
        "4.16-lite",
        "4.17",
        "4.17-lite",
        "4.18",
    ),
    *("4.19", "4.20", "4.21", "4.22", "4.22-lite", "4.23", "4.24", "4.25", "4.25-lite", "4.25-heavy", "4.26"),
    "4.26-heavy",
)


def _rife(version: str, summary: str) -> Row:
    name = f"rife-{version}" if version else "rife"
    return Row(name, "rife", "nakawari.models.rife.model:build", "file", "MIT", summary)


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
        "fast",
        "fast",
        "nakawari.models.fast:build",
        "shipped",
        "MIT",
        "As classic, led by our own network, which was trained by us to match drawings.",
    ),
    Row(
        "best",
        "fast",
        "nakawari.models.fast:build",
        "shipped",
        "MIT",
        "As fast, matched at a larger size and for longer: truer motion, twice the time.",
        wears="fast",
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
        "cel",
        "cel",
        "nakawari.models.cel.model:build",
        "none",
        "MIT",
        "No weights: cels and line drawings; regions and lines matched, no colour of its own.",
        hints=True,
    ),
    _rife("", "The paper's RIFE: flow straight from the middle, and refinement; only ½."),
    _rife("m", "The paper's RIFE for any t."),
    _rife("2r", "The paper's RIFE at double resolution; only ½."),
    _rife("hd3", "RIFE HD v3: small, without refinement; only ½."),
    *(_rife(version, f"Practical-RIFE {version}.") for version in _RIFE_4),
    *(
        Row(f"film-{loss}", "film", "nakawari.models.film.model:build", "file", "Apache-2.0", summary)
        for loss, summary in (
            ("l1", "FILM, trained for the least error: large motion, soft."),
            ("vgg", "FILM, trained on features as well."),
            ("style", "FILM, trained for sharpness: large motion."),
        )
    ),
    Row(
        "animeinterp",
        "animeinterp",
        "nakawari.models.animeinterp.model:build",
        "file",
        "MIT",
        "Deep Animation Video Interpolation in the Wild: segments, recurrent refinement, synthesis.",
    ),
    Row(
        "animeinterp-gma",
        "animeinterp",
        "nakawari.models.animeinterp.model:build",
        "file",
        "MIT",
        "AnimeInterp with global motion aggregation.",
    ),
)

DEFAULT = "fast"

WEIGHT_FILES = (".safetensors", ".pkl", ".pth", ".pt", ".ckpt", ".bin")


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


def is_file(name: str) -> bool:
    """Whether `name` means a weight file rather than a row: it has a folder, or an ending that files have."""
    return Path(name).suffix in WEIGHT_FILES or Path(name).name != name


def load(
    name: str | Path = DEFAULT,
    weights: str | Path | None = None,
    device: str = "auto",
    precision: str = "auto",
    **options: Any,
) -> Interpolator:
    """Make a model ready to draw.

    Args:
        name: a CATALOG name; or a weight file, ours or one that another project released.
        weights: a file, for models whose weights are not shipped; None: what `models get` downloaded.
        device: "auto" (a GPU when there is one), "cpu", "cuda", "cuda:1", "mps".
        precision: "auto", "fp32", "bf16" or "fp16".
        options: what the model lets one adjust, such as RIFE's `flow_scale`; see docs/models.md.

    Raises:
        ModelError: no such model, or its weights are absent or do not fit.
        BackendError: the device or precision that was named cannot be used here.
        InputError: the model has no such option, or it cannot have this value.
    """
    from nakawari.models.device import PRECISION_NAMES, choose_device, choose_precision

    found = None
    if is_file(str(name)):
        if weights is not None:
            raise ModelError(f"two weight files are given, {name} and {weights}; wanted one.")
        name, weights = "", name
    row = find(str(name)) if name else None
    if row is not None and row.weights == "none" and weights is not None:
        raise ModelError(f"{row.name} uses no weights, but weights={str(weights)!r} were given.")
    if row is not None and row.weights == "file" and weights is None:
        from nakawari.models.sources import weights_of

        weights = weights_of(row.name)
    chosen = choose_device(device)
    kind = choose_precision(precision, chosen)
    if weights is not None:
        from nakawari.models.official import open_weights

        found = open_weights(weights, row.weights_of if row else None)
        row = row or find(found.model)
    assert row is not None
    module, attribute = row.entry.split(":")
    model: Interpolator = getattr(import_module(module), attribute)(row.name, found, chosen, kind)
    if found is not None and found.ignored:
        model.remarks["weights"] = f"{weights}: left out, as drawing needs it not: {found.left_out()}."
    if options:
        model.adjust(**options)
    log.info("%s on %s, %s", row.name, chosen, PRECISION_NAMES[kind])
    return model
