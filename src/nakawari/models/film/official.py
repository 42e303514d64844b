"""The files of FILM's PyTorch port: TorchScript archives and plain state dictionaries.

The three trainings (L1, VGG, Style) have one architecture; nothing in a file says which it is. They compute
alike, so no name is needed, and a file that is opened without one is called `film-style`, which is what the
port released.

Source: dajes/frame-interpolation-pytorch.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor

from nakawari.errors import ModelError
from nakawari.models.film.net import FilmConfig, FilmNet
from nakawari.models.official import Weights

NAMES = ("film-style", "film-vgg", "film-l1")


def recognise(tensors: Mapping[str, Tensor], wanted: str | None) -> Weights | None:
    """See `nakawari.models.official.Recogniser`."""
    if "extract.extract_sublevels.convs.0.0.0.weight" not in tensors:
        return None
    if wanted is not None and wanted not in NAMES:
        raise ModelError(f"this is FILM ({', '.join(NAMES)}); wanted {wanted}.")
    table = key_table()
    faults = [f"{key} is missing" for key in table if key not in tensors]
    faults += [f"{key} is left over" for key in tensors if key not in table]
    faults += [
        f"{key} is {list(tensors[key].shape)}, wanted {list(shape)}"
        for key, (_, shape) in table.items()
        if key in tensors and tuple(tensors[key].shape) != shape
    ]
    if faults:
        more = f" and {len(faults) - 4} more" if len(faults) > 4 else ""
        raise ModelError(f"this is FILM, but not as it was released: {', '.join(faults[:4])}{more}.")
    mapped = {ours: tensors[theirs] for theirs, (ours, _) in table.items()}
    return Weights(wanted or NAMES[0], mapped, FilmConfig().to_dict(), source="FILM's PyTorch port")


def key_table() -> dict[str, tuple[str, tuple[int, ...]]]:
    """Keys in the file → (key of ours, shape)."""
    config = FilmConfig()
    with torch.device("meta"):
        net = FilmNet(config)
    return {_theirs(key, config): (key, tuple(x.shape)) for key, x in net.state_dict().items()}


def _theirs(key: str, config: FilmConfig) -> str:
    last = len(config.motion) - 1
    key = re.sub(
        r"^extractor\.(\d)\.(\d)",
        lambda m: f"extract.extract_sublevels.convs.{m[1]}.{int(m[2]) // 2}.0",
        key,
    )
    estimator = re.match(r"estimators\.(\d)\.layers\.(\d)\.(.*)", key)
    if estimator:
        level, layer, kind = int(estimator[1]), int(estimator[2]) // 2, estimator[3]
        # The port counts the levels that have their own from coarse to fine.
        who = "_predictor" if level == last else f"_predictors.{last - 1 - level}"
        return f"predict_flow.{who}._convs.{layer}.0.{kind}"
    fusion = re.match(r"fusion\.(\d)\.(enlarge|mix\.0|mix\.2)\.(.*)", key)
    if fusion:
        layer = ("enlarge", "mix.0", "mix.2").index(fusion[2])
        return f"fuse.convs.{config.fused - 2 - int(fusion[1])}.{layer}.0.{fusion[3]}"
    return re.sub(r"^out\.", "fuse.output_conv.", key)
