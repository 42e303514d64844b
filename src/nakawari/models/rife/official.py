"""The weight files that RIFE's authors released, told apart by keys and shapes.

Releases that share both share a row of numbers as well (4.25 and 4.26), with one exception: nothing in a
file tells the paper's model from its 2R variant, which works at double resolution. There the name must be
given.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache

import torch
from torch import Tensor

from nakawari.errors import ModelError
from nakawari.models.official import Weights
from nakawari.models.rife.versions import VERSIONS, RifeConfig

TEACHER = 90
"""Channels of the published teachers."""

NUMBERED = frozenset(f"rife-4.{v}" for v in ("7", "8", "9", "10", "11", "12", "12-lite", "13-lite"))
"""Releases whose encoder's layers have numbers; later ones have names."""

REQUIRED = ("block0.", "block1.", "block2.", "block3.", "block4.", "encode.", "contextnet.", "unet.")
"""Under these a key that is left over means another network; others belong to a teacher or to nothing."""

_OLD_FILES = {
    "block3.res5.fc2.weight": "flownet.pkl of RIFE v1",
    "block0.conv1.weight": "flownet.pkl of RIFE v2",
    "conv4.fc2.weight": "contextnet.pkl of RIFE v1",
    "down3.fc2.weight": "unet.pkl of RIFE v1",
    "down3.conv2.0.weight": "unet.pkl of RIFE v2",
    "conv4.conv2.0.weight": "contextnet.pkl of RIFE v2",
}


def recognise(tensors: Mapping[str, Tensor], wanted: str | None) -> Weights | None:
    """See `nakawari.models.official.Recogniser`."""
    for key, name in _OLD_FILES.items():
        if key in tensors:
            raise ModelError(
                f"this is {name}, one of three files of a release that nakawari does not draw with; "
                "use RIFE v3 (HD v3), 4.0 or later, or the paper's model."
            )
    if "block0.conv0.0.0.weight" not in tensors:
        return None
    names = _fitting(tensors)
    what = " or ".join(name.removeprefix("rife-") if i else name for i, name in enumerate(names))
    if wanted is None and len({VERSIONS[name] for name in names}) > 1:
        raise ModelError(f"this is {what}, which have the same keys and shapes; name the one it is.")
    if wanted is not None and wanted not in names:
        raise ModelError(f"this is {what}; wanted {wanted}.")
    name = wanted or names[0]
    table = key_table(name)
    return Weights(
        name,
        {ours: tensors[theirs] for theirs, (ours, _) in table.items()},
        VERSIONS[name].to_dict(),
        tuple(key for key in tensors if key not in table),
        f"RIFE's authors ({what})",
        _teacher(tensors, name),
    )


def _teacher(tensors: Mapping[str, Tensor], name: str) -> dict[str, Tensor]:
    """The teacher under our names, where the file has one of the published width; drawing needs none."""
    config = replace(VERSIONS[name], teacher=TEACHER)
    table = {key: value for key, value in _key_table(config, name in NUMBERED).items() if "tea" in key}
    if any(key not in tensors or tuple(tensors[key].shape) != shape for key, (_, shape) in table.items()):
        return {}
    return {ours: tensors[theirs] for theirs, (ours, _) in table.items()}


def _fitting(tensors: Mapping[str, Tensor]) -> list[str]:
    """All releases that the file may be.

    Raises:
        ModelError: none; says what is missing or left over for the nearest.
    """
    faults = {name: list(_faults(tensors, name)) for name in VERSIONS}
    names = [name for name, found in faults.items() if not found]
    if names:
        return names
    nearest = min(faults, key=lambda name: len(faults[name]))
    more = len(faults[nearest]) - 4
    told = ", ".join(faults[nearest][:4]) + (f" and {more} more" if more > 0 else "")
    raise ModelError(f"this is RIFE, but no release that nakawari knows; nearest is {nearest}: {told}.")


def _faults(tensors: Mapping[str, Tensor], name: str) -> Iterator[str]:
    table = key_table(name)
    for key, (_, shape) in table.items():
        if key not in tensors:
            yield f"{key} is missing"
        elif tuple(tensors[key].shape) != shape:
            yield f"{key} is {list(tensors[key].shape)}, wanted {list(shape)}"
    # The paper's refinement was trained on in later releases, which left it in their files.
    own = REQUIRED if VERSIONS[name].context else REQUIRED[:-2]
    for key in tensors:
        if key.startswith(own) and key not in table:
            yield f"{key} is left over"


def key_table(name: str) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Keys in the file of a release → (key of ours, shape)."""
    return _key_table(VERSIONS[name], name in NUMBERED)


@lru_cache(maxsize=2 * len(VERSIONS))
def _key_table(config: RifeConfig, numbered: bool) -> dict[str, tuple[str, tuple[int, ...]]]:
    from nakawari.models.rife.net import IFNet

    with torch.device("meta"):
        net = IFNet(config)
    return {_theirs(key, config, numbered): (key, tuple(x.shape)) for key, x in net.state_dict().items()}


def _theirs(key: str, config: RifeConfig, numbered: bool) -> str:
    body = {"once": (r"\.body\.0\.", ".convblock."), "pairs": (r"\.body\.(\d)\.", r".convblock\1.")}
    renames: list[tuple[str, str | Callable[[re.Match[str]], str]]] = [
        (r"^blocks\.(\d)\.shrink\.", r"block\1.conv0."),
        (r"^blocks\.(\d)\.", r"block\1."),
        (r"^teacher\.shrink\.", "block_tea.conv0."),
        (r"^teacher\.", "block_tea."),
        body.get(config.body, (r"\.body\.", ".convblock.")),
        (r"\.tail\.flow\.", ".conv1."),
        (r"\.tail\.mask\.", ".conv2."),
        (r"\.tail\.", ".lastconv."),
        (
            r"^refinement\.contexts\.(\d)\.(\d)",
            lambda m: f"contextnet.conv{int(m[1]) + 1}.conv{int(m[2]) + 1}",
        ),
        (r"^refinement\.down\.(\d)\.(\d)", lambda m: f"unet.down{m[1]}.conv{int(m[2]) + 1}"),
        (r"^refinement\.up\.(\d)", r"unet.up\1"),
        (r"^refinement\.out", "unet.conv"),
        (r"^encoder\.(\d)", r"encode.\1" if numbered else lambda m: f"encode.cnn{int(m[1]) // 2}"),
    ]
    for pattern, new in renames:
        key = re.sub(pattern, new, key)
    return key
