"""How AnimeInterp is trained, with and without its parts: `refine`, `features` and `synthesis`.

    on flow        weights of the picture all 0 and `flow` above: refinement alone, as RAFT is trained
    on pictures    with `refine` frozen (`optim.parts`), or all of it

Coarse flow comes from segment-guided matching while samples are drawn (`guide = "matched"`), from the data
(`"stored"`: guide01 and guide10 of the samples), or from nowhere.

Source: Li et al. 2021, "Deep Animation Video Interpolation in the Wild", section 4.4; Teed & Deng 2020,
"RAFT" (the loss on a sequence of flows); the thesis, section 4.4.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

from torch import Tensor, nn

from nakawari.errors import InputError
from nakawari.losses.flow import sequence_error
from nakawari.models.animeinterp.config import AnimeInterpConfig
from nakawari.models.animeinterp.net import AnimeInterpNet, Flows
from nakawari.models.animeinterp.sgm import SegmentGuidedMatching
from nakawari.tensors import Array, pad_to_multiple, unpad
from nakawari.train.mixture import Motions, Search
from nakawari.train.pictures import Pictures, judge
from nakawari.train.task import Samples

Config = AnimeInterpConfig
MULTIPLE, LEAST = 8, 64


@dataclass(frozen=True, slots=True)
class Losses(Pictures):
    """The table `[losses]`: what pictures are judged by, what flow is, and where coarse flow comes from.

    Attributes:
        flow: of the flow after each correction, L1 in pixels; later ones count more. Where the data do not
            know the flow it is 0.
        decay: what a correction counts, against the next one.
        most_px: flow that is longer is not learned from.
        guide: where coarse flow comes from: "none", "matched" or "stored".
    """

    flow: float = 0.0
    decay: float = 0.8
    most_px: float = 400.0
    guide: Literal["none", "matched", "stored"] = "none"


def build(config: AnimeInterpConfig) -> nn.Module:
    """The network with fresh weights."""
    return AnimeInterpNet(config)


def searcher(config: Losses) -> Search | None:
    """Segment-guided matching, where it is wanted."""
    return _guides if config.guide == "matched" else None


def _guides(frame0: Array, frame1: Array) -> Motions:
    return {"search": match(frame0, frame1)}


def match(frame0: Array, frame1: Array) -> tuple[Tensor, Tensor]:
    """Coarse flow of two H×W×3 frames both ways."""
    return _matching()(frame0, frame1)


@cache
def _matching() -> SegmentGuidedMatching:
    return SegmentGuidedMatching()


def losses(net: nn.Module, batch: Samples, step: int, config: Losses) -> dict[str, Tensor]:
    """Scalar losses of a batch; the sum that is minimised under "loss"."""
    inner = net.module if hasattr(net, "module") else net
    assert isinstance(inner, AnimeInterpNet)
    guide = _guide(batch)
    if config.guide == "stored" and guide is None:
        raise InputError('losses.guide = "stored" wants data.known with guide01 and guide10.')
    total = batch["frame0"].new_zeros(())
    terms: dict[str, Tensor] = {}
    if config.flow:
        value = _sequence_loss(_each(inner, batch, guide), batch, config)
        terms["flow"] = value.detach()
        total = total + config.flow * value
    if config.any:
        made, _ = inner(batch["frame0"], batch["frame1"], batch["t"].view(-1, 1, 1, 1), guide)
        judged, told = judge(made, batch, step, config)
        total = total + judged
        terms |= told
    return {"loss": total, **terms}


def draw(net: nn.Module, batch: Samples) -> Tensor:
    """The pictures at t, [B, 3, H, W]."""
    assert isinstance(net, AnimeInterpNet)
    size = (int(batch["frame0"].shape[-2]), int(batch["frame0"].shape[-1]))
    names = [name for name in batch if name != "t"]
    padded = {name: _at_least(pad_to_multiple(batch[name], MULTIPLE)[0]) for name in names}
    made, _ = net(padded["frame0"], padded["frame1"], batch["t"].view(-1, 1, 1, 1), _guide(padded))
    return unpad(made, size)


def _at_least(image: Tensor) -> Tensor:
    """Scales of agreement want so many pixels a side."""
    bottom, right = (max(0, LEAST - side) for side in image.shape[-2:])
    if not (bottom or right):
        return image
    return nn.functional.pad(image, (0, right, 0, bottom), mode="replicate")


def _guide(batch: Samples) -> Flows | None:
    for name in ("search", "guide"):
        if f"{name}01" in batch:
            return batch[f"{name}01"], batch[f"{name}10"]
    return None


def _each(net: AnimeInterpNet, batch: Samples, guide: Flows | None) -> list[Flows]:
    """Flow both ways after each correction."""
    if net.refine is None:
        raise InputError("losses.flow wants refinement: model_config.refine = true.")
    frame0, frame1 = batch["frame0"], batch["frame1"]
    start = None
    if guide is not None:
        start = net.refine.coarse(guide[0], frame0, frame1), net.refine.coarse(guide[1], frame1, frame0)
    size = (int(frame0.shape[2]), int(frame0.shape[3]))
    return net.refine.every(net.refine.encode(frame0), net.refine.encode(frame1), size, start)


def _sequence_loss(flows: Sequence[Flows], batch: Samples, config: Losses) -> Tensor:
    """Of both directions, where the data know them."""
    total = batch["frame0"].new_zeros(())
    for way, name in enumerate(("flow01", "flow10")):
        if name not in batch:
            if way:
                break  # sets of one direction
            raise InputError("losses.flow wants data.known with flow01.")
        truth = batch[name]
        mask = name.replace("flow", "valid")
        known = batch[mask][:, None] if mask in batch else batch["has_flow"].view(-1, 1, 1, 1)
        valid = known & (truth.square().sum(1, keepdim=True) < config.most_px**2)
        total = total + sequence_error([(pair[way], truth, valid) for pair in flows], config.decay)
    return total
