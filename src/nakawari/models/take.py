"""Import: a project's weight file in, one of ours out, that says where it came from."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

import torch

from nakawari import checkpoints
from nakawari.errors import ModelError
from nakawari.models import find, load
from nakawari.models.official import Weights, flatten, open_weights
from nakawari.models.sources import SOURCES, digest_of


def take(
    file: Path,
    out: Path,
    name: str | None = None,
    start: bool = False,
    onto: str | Path | None = None,
    mode: Literal["official", "paper"] | None = None,
) -> Weights:
    """Turn a weight file into one of ours; nothing stands under `out` unless the model loads from it.

    Args:
        file: as a project released it.
        out: a .safetensors file.
        name: a row of CATALOG that the file must be of; None: any.
        start: `file` is RAFT or GMA, and a starting state for animeinterp is wanted.
        onto: with `start`: AnimeInterp's file, for all that is not flow.
        mode: with `start`: as `starting_state` takes it.

    Raises:
        ModelError: the file is unknown, of another row, or does not fit.
        OutputError: `out` cannot be written.
    """
    files = [file] if onto is None else [file, Path(onto)]
    found = _starting(file, onto, mode) if start else open_weights(file, name)
    if name is not None and found.model != name:
        raise ModelError(f"{file} makes weights of {found.model}; wanted {name}.")
    notes = {
        "source": found.source,
        "files": {one.name: digest_of(one) for one in files},
        "ignored": list(found.ignored),
    }
    header = checkpoints.Header(found.model, found.config, licence=_licence(found, files), notes=notes)
    trial = out.with_name(f"{out.stem}.{os.getpid()}.part.safetensors")
    try:
        checkpoints.save(trial, found.tensors, header)
        if not found.config.get("untrained"):
            load(found.model, weights=trial, device="cpu", precision="fp32")
        trial.replace(out)
    finally:
        trial.unlink(missing_ok=True)
    return found


def _starting(file: Path, onto: str | Path | None, mode: Literal["official", "paper"] | None) -> Weights:
    from nakawari.checkpoints import load_strictly
    from nakawari.models.animeinterp.config import AnimeInterpConfig
    from nakawari.models.animeinterp.net import AnimeInterpNet
    from nakawari.models.animeinterp.official import starting_state

    flow = flatten(checkpoints.load_pt(file), str(file))
    base = None if onto is None else flatten(checkpoints.load_pt(onto), str(onto))
    found = starting_state(flow, base, mode)
    config = {key: value for key, value in found.config.items() if key != "untrained"}
    with torch.device("meta"):
        net = AnimeInterpNet(AnimeInterpConfig(**config))
    load_strictly(net.to_empty(device="cpu"), found.tensors, str(file))
    return found


def _licence(found: Weights, files: list[Path]) -> str:
    """As the project states it, for files that are known by name; otherwise that of the row."""
    stated = {source.file: source.licence for source in SOURCES}
    known = [stated[file.name] for file in files if file.name in stated]
    return "; ".join(dict.fromkeys(known)) or find(found.model).licence
