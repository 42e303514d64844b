"""How `best` is trained: first its matcher, on exact flow; then what weighs, as `fast` is.

    on flow        `flow` above 0, and `optim.parts` with weighing = 0
    on pictures    `matcher` names the file of the first, which finds motion while samples are drawn; it is
                   also `start.weights`, and `optim.parts` has matcher = 0

Source of the loss on a sequence of flows: Teed & Deng 2020, "RAFT".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, partial

import torch
from torch import Tensor, nn

from nakawari import checkpoints
from nakawari.errors import InputError
from nakawari.losses.flow import sequence_error
from nakawari.models.best.leading import leading, match
from nakawari.models.best.matching import COARSE, Matcher, Steps
from nakawari.models.best.net import SLOTS, BestConfig, BestNet
from nakawari.models.classic.candidates import Field
from nakawari.models.classic.motion import Look
from nakawari.models.official import open_weights
from nakawari.ops.search import as_tensors
from nakawari.tensors import Array, to_frame
from nakawari.train import fast
from nakawari.train.mixture import Motions, Search
from nakawari.train.redrawn import redraw
from nakawari.train.task import Samples

Config = BestConfig
FAR_OFF = 3.0
"""Pixels from the true flow beyond which a pixel counts as lost."""


@dataclass(frozen=True, slots=True)
class Losses(fast.Losses):
    """The table `[losses]`; those of `fast`, and these.

    Attributes:
        flow: of the matcher's flow after each correction, L1 in pixels; later ones count more. 0: pictures
            are learned from.
        decay: what a correction counts, against the next one.
        most_px: flow that is longer is not learned from.
        redrawn: for flow, frames are drawn anew (see `redrawn.redraw`).
        matcher: for pictures, the weight file whose matcher finds motion.
    """

    flow: float = 0.0
    decay: float = 0.8
    most_px: float = 250.0
    redrawn: bool = True
    matcher: str = ""


def build(config: BestConfig) -> nn.Module:
    """Both networks with fresh weights."""
    return BestNet(config)


def searcher(config: Losses) -> Search | None:
    """What finds the motions to choose from; nothing where flow is learned."""
    if config.flow:
        return None
    if not config.matcher:
        raise InputError("losses.matcher is empty; wanted the file that was trained on flow.")
    return partial(_found_by, config.matcher)


def _found_by(path: str, frame0: Array, frame1: Array) -> Motions:
    return _motions(_matcher(path), frame0, frame1)


def _motions(matcher: Matcher, frame0: Array, frame1: Array) -> Motions:
    """What `fast` tries, and what the matcher finds."""
    found = dict(fast.motions_of(frame0, frame1))
    shift = fast.shift_of(found["shift"][0])
    return found | {"matched": as_tensors(match(matcher, frame0, frame1, shift))}


@cache
def _matcher(path: str) -> Matcher:
    found = open_weights(path, "best")
    net = BestNet(BestConfig.of(found.config))
    checkpoints.load_strictly(net, found.tensors, path)
    return net.matcher.eval()


def fields_of(looks: Sequence[Look], motions: Samples) -> list[Field]:
    """What leads, and the fields of `fast`."""
    searched, matched = (fast.both_ways(motions, name) for name in ("search", "matched"))
    return [leading(looks[0], looks[1], searched, matched), *fast.fields_of(looks, motions)]


def prepare(batch: Samples) -> Samples:
    """Where pictures are learned from, what the weighing network sees."""
    return fast.seen_in(batch, fields_of, SLOTS) if "matched01" in batch else batch


def losses(net: nn.Module, batch: Samples, step: int, config: Losses) -> dict[str, Tensor]:
    """Scalar losses of a batch; the sum that is minimised under "loss"."""
    inner = net.module if hasattr(net, "module") else net
    assert isinstance(inner, BestNet)
    if not config.flow:
        return fast.losses(inner.weighing, batch, step, config)
    if config.redrawn:
        batch = redraw(batch)
    found = inner.matcher.steps(batch["frame0"], batch["frame1"])
    truth = torch.cat([batch["flow01"], batch["flow10"]])
    known = batch["has_flow"].repeat(2).view(-1, 1, 1, 1)
    valid = known & (truth.square().sum(1, keepdim=True) < config.most_px**2)
    value = _sequence_loss(found, truth, valid, config.decay)
    with torch.no_grad():
        off = (found.fine[-1] - truth).square().sum(1, keepdim=True).sqrt() * valid
        told = {"off": off.mean(), "lost": (off > FAR_OFF).float().mean()}
    return {"loss": config.flow * value, "flow": value.detach(), **told}


def _sequence_loss(found: Steps, truth: Tensor, valid: Tensor, decay: float) -> Tensor:
    """Of what was thought on the way: at 1/8 each place against the pixel in its middle."""
    middles = (..., slice(COARSE // 2, None, COARSE), slice(COARSE // 2, None, COARSE))
    each = [(COARSE * flow, truth[middles], valid[middles]) for flow in found.coarse]
    each += [(flow, truth, valid) for flow in found.fine]
    return sequence_error(each, decay)


@torch.no_grad()
def draw(net: nn.Module, batch: Samples) -> Tensor:
    """The pictures at t, [B, 3, H, W], of frames in [0, 1], as `best` draws them."""
    assert isinstance(net, BestNet)
    frames = [[to_frame(one[None].cpu()) for one in batch[name]] for name in ("frame0", "frame1")]
    found = [_motions(net.matcher, *pair) for pair in zip(*frames, strict=True)]
    motions = {
        f"{name}{way}": torch.stack([one[name][number] for one in found])
        for name in found[0]
        for number, way in enumerate(("01", "10"))
    }
    return fast.drawn_by(net.weighing, batch | motions, fields_of)
