"""Weight files of AnimeInterp, AnimeInterp + GMA, RAFT and GMA, by their keys.

`table` is the whole correspondence: each of their names, our name, and which third of ours it is where three
gates of theirs are one kernel of ours. Every name of a file is in the table, among the names that the
released code holds and never uses, or an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict

import torch
from torch import Tensor

from nakawari.errors import ModelError
from nakawari.models.animeinterp.config import AnimeInterpConfig, Attention, Mode
from nakawari.models.animeinterp.net import AnimeInterpNet
from nakawari.models.official import Weights

Place = tuple[str, int | None]
"""Our name, and which third of its rows; None: all of it."""

NAMED_AT_MOST = 6
"""So many keys are named in an error; the rest are counted."""
SEED = 0
"""Of the parts that a starting state has no weights for."""

_NAMES = {"none": "animeinterp", "gma": "animeinterp-gma"}
_SOURCES = {
    "none": "AnimeInterp, https://github.com/lisiyao21/AnimeInterp",
    "gma": "AnimeInterp + GMA, https://github.com/Soooda/AFI",
}
_FLOW_SOURCES = {
    "none": "RAFT, https://github.com/princeton-vl/RAFT",
    "gma": "GMA, https://github.com/zacjiang/GMA",
}
_NEVER_USED = re.compile(r"flownet\.(attention2|cnet|att\.pos_emb)\..*|.*\.downsample\.1\..*")
"""Error attention (official), GMA's context network (official) and positions; second names of norms."""


def recognise(tensors: Mapping[str, Tensor], wanted: str | None) -> Weights | None:
    """Weights of AnimeInterp or of AnimeInterp + GMA; None for files of others.

    Raises:
        ModelError: keys are missing or left over, or the file is RAFT or GMA alone.
    """
    if "update_block.gru.convz1.weight" in tensors and "fnet.conv1.weight" in tensors:
        kind = _FLOW_SOURCES[_attention(tensors, "")].partition(",")[0]
        raise ModelError(
            f"the file holds {kind}, which finds flow and draws nothing; "
            "`nakawari models import FILE --start -o OUT.safetensors` makes a starting state for training."
        )
    if not any(key.startswith("flownet.") for key in tensors):
        return None
    if not any(key.startswith(("flownet.fnet.", "flownet.update_block.")) for key in tensors):
        return None
    attention = _attention(tensors, "flownet.")
    config = AnimeInterpConfig(attention)
    ours, ignored = _translate(tensors, table(config), _SOURCES[attention])
    return Weights(_NAMES[attention], ours, asdict(config), ignored, _SOURCES[attention])


def starting_state(
    flow: Mapping[str, Tensor], base: Mapping[str, Tensor] | None = None, mode: Mode | None = None
) -> Weights:
    """Weights to start training from: flow by RAFT or GMA, the rest by AnimeInterp or by chance.

    The thesis starts from AnimeInterp's file with that of GMA laid over it:
    `starting_state(gma, animeinterp)`.

    Args:
        flow: tensors of RAFT's or GMA's file.
        base: tensors of AnimeInterp's file; None: synthesis and error attention are drawn from a fixed seed.
        mode: None: "official" for GMA over AnimeInterp (as the thesis), otherwise "paper", which alone
            normalises features as RAFT and GMA do.

    Raises:
        ModelError: a file is another, or keys are missing or left over.
    """
    if "update_block.gru.convz1.weight" not in flow or "fnet.conv1.weight" not in flow:
        raise ModelError("a starting state needs the file of RAFT or GMA; this one holds neither.")
    attention = _attention(flow, "")
    if mode is None:
        mode = "official" if attention == "gma" and base is not None else "paper"
    config = AnimeInterpConfig(attention, mode)
    joined = {f"flownet.{key}": value for key, value in flow.items()}
    source = _FLOW_SOURCES[attention]
    places = table(config)
    untrained: list[str] = []
    if base is not None:
        recognise(base, None)  # says what is wrong with it
        kept = ("flownet.attention2.", "feat_ext.", "synnet.")
        joined |= {key: value for key, value in base.items() if key.startswith(kept)}
        source = f"{source}, over {_SOURCES['none']}"
        ours, ignored = _translate(joined, places, source)
    else:
        known = {key: place for key, place in places.items() if not key.startswith(("feat_ext.", "synnet."))}
        known = {key: place for key, place in known.items() if not key.startswith("flownet.attention2.")}
        ours, ignored = _translate(joined, known, source)
        untrained = ["splatted features", "synthesis"]
        untrained += ["error attention"] if mode == "paper" else []
        ours |= {key: value for key, value in _fresh(config).items() if key not in ours}
    said = asdict(config) | ({"untrained": untrained} if untrained else {})
    return Weights(_NAMES[attention], ours, said, ignored, source)


def _fresh(config: AnimeInterpConfig) -> dict[str, Tensor]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        return dict(AnimeInterpNet(config).state_dict())


def _attention(tensors: Mapping[str, Tensor], prefix: str) -> Attention:
    return "gma" if f"{prefix}update_block.aggregator.gamma" in tensors else "none"


# -- names ---------------------------------------------------------------------------------------------


def table(config: AnimeInterpConfig) -> dict[str, Place]:
    """Each name in a project's file, and where it goes in `AnimeInterpNet(config)`."""
    return dict(_pairs(config))


def _pairs(config: AnimeInterpConfig) -> Iterator[tuple[str, Place]]:
    yield from _encoder("flownet.fnet", "refine.encoder", batch_norm=False)
    if config.mode == "paper":
        yield from _encoder("flownet.cnet", "refine.context", batch_norm=True)
        for layer in ("conv1", "conv2", "conv3"):
            yield from _both(f"flownet.attention2.{layer}", f"refine.attention.{layer}")
        for number in (1, 2):
            yield (
                f"flownet.attention2.prelu{number}.weight",
                (f"refine.attention.rectify{number}.weight", None),
            )
    yield from _update(config)
    for number in range(6):
        yield from _both(f"feat_ext.conv{number + 1}", f"features.convs.{number}")
        yield f"feat_ext.prelu{number + 1}.weight", (f"features.rectifiers.{number}.weight", None)
    yield from _grid()


def _both(theirs: str, ours: str) -> Iterator[tuple[str, Place]]:
    for kind in ("weight", "bias"):
        yield f"{theirs}.{kind}", (f"{ours}.{kind}", None)


def _encoder(theirs: str, ours: str, batch_norm: bool) -> Iterator[tuple[str, Place]]:
    layers = [("conv1", "stem"), ("conv2", "head")]
    norms = [("norm1", "stem_norm")]
    for stage in range(3):
        for block in range(2):
            at, to = f"layer{stage + 1}.{block}", f"stages.{stage}.{block}"
            layers += [(f"{at}.conv1", f"{to}.first"), (f"{at}.conv2", f"{to}.second")]
            norms += [(f"{at}.norm1", f"{to}.first_norm"), (f"{at}.norm2", f"{to}.second_norm")]
            if stage and not block:
                layers.append((f"{at}.downsample.0", f"{to}.shortcut"))
                norms.append((f"{at}.norm3", f"{to}.shortcut_norm"))
    for at, to in layers:
        yield from _both(f"{theirs}.{at}", f"{ours}.{to}")
    for at, to in norms if batch_norm else ():
        for kind in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked"):
            yield f"{theirs}.{at}.{kind}", (f"{ours}.{to}.{kind}", None)


def _update(config: AnimeInterpConfig) -> Iterator[tuple[str, Place]]:
    block = "flownet.update_block"
    for at, to in (
        ("encoder.convc1", "motion.agreement1"),
        ("encoder.convc2", "motion.agreement2"),
        ("encoder.convf1", "motion.flow1"),
        ("encoder.convf2", "motion.flow2"),
        ("encoder.conv", "motion.both"),
        ("flow_head.conv1", "flow_head.0"),
        ("flow_head.conv2", "flow_head.2"),
        ("mask.0", "mask_head.0"),
        ("mask.2", "mask_head.2"),
    ):
        yield from _both(f"{block}.{at}", f"refine.{to}")
    for number, ours in ((1, "across"), (2, "down")):
        for third, gate in enumerate("zrq"):
            for kind in ("weight", "bias"):
                yield f"{block}.gru.conv{gate}{number}.{kind}", (f"refine.{ours}.{kind}", third)
    if config.attention == "gma":
        yield f"{block}.aggregator.gamma", ("refine.aggregate.gamma", None)
        yield f"{block}.aggregator.to_v.weight", ("refine.aggregate.to_value.weight", None)
        yield "flownet.att.to_qk.weight", ("refine.aggregate.to_query_key.weight", None)


_LATERAL = ("01", "04", "05", "11", "14", "15", "21", "24", "25")


def _grid() -> Iterator[tuple[str, Place]]:
    cells = [("residual_model_head", "picture_head", 0), ("residual_model_tail", "tail", 0)]
    cells += [(f"residual_model_head{n + 1}", f"heads.{n}", 0) for n in range(3)]
    cells += [(f"residual_model_{n}", f"lateral.{n}", 0) for n in _LATERAL]
    cells += [(f"downsample_model_{n}", f"down.{n}", 0) for n in ["10", "11", "20", "21"]]
    cells += [(f"upsample_model_{n}", f"up.{n}", 1) for n in ["04", "05", "14", "15"]]
    for theirs, ours, first in cells:  # the first of an upsampling cell is the enlargement
        for step, layer in enumerate(("rectify1", "conv1", "rectify2", "conv2")):
            at, to = f"synnet.{theirs}.{first + step}", f"synthesis.{ours}.{layer}"
            if layer.startswith("conv"):
                yield from _both(at, to)
            else:
                yield f"{at}.weight", (f"{to}.weight", None)


# -- tensors -------------------------------------------------------------------------------------------


def _translate(
    tensors: Mapping[str, Tensor], places: Mapping[str, Place], whose: str
) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    """Their tensors under our names, and the names that are left out on purpose."""
    missing = [key for key in places if key not in tensors]
    others = [key for key in tensors if key not in places]
    ignored = tuple(key for key in others if _NEVER_USED.fullmatch(key))
    extra = sorted(set(others) - set(ignored))
    faults = [f"{word}: {_list(keys)}" for word, keys in (("missing", missing), ("left over", extra)) if keys]
    if faults:
        raise ModelError(f"the file is of {whose.partition(',')[0]}, but does not fit; {'; '.join(faults)}.")
    whole: dict[str, Tensor] = {}
    thirds: dict[str, list[tuple[int, Tensor]]] = {}
    for key, (name, third) in places.items():
        if third is None:
            whole[name] = tensors[key]
        else:
            thirds.setdefault(name, []).append((third, tensors[key]))
    for name, parts in thirds.items():
        shapes = {part.shape[1:] for _, part in parts}
        if len(shapes) > 1:
            raise ModelError(
                f"the gates of {name} in the file differ in shape: {sorted(map(tuple, shapes))}."
            )
        whole[name] = torch.cat([part for _, part in sorted(parts, key=lambda pair: pair[0])])
    return whole, ignored


def _list(keys: Sequence[str]) -> str:
    more = len(keys) - NAMED_AT_MOST
    return ", ".join(keys[:NAMED_AT_MOST]) + (f" and {more} more" if more > 0 else "")
