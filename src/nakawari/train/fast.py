"""How `fast` is trained: its matcher, on exact flow of scenes, drawn anew.

Source of the loss on a sequence of flows: Teed & Deng 2020, "RAFT".
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from nakawari.errors import InputError
from nakawari.losses.flow import sequence_error
from nakawari.models.fast import Fast
from nakawari.models.fast.leading import EFFORTS
from nakawari.models.fast.matching import COARSE, Matcher, MatcherConfig, Steps
from nakawari.train.mixture import Search
from nakawari.train.redrawn import redraw
from nakawari.train.task import Samples

Config = MatcherConfig
FEWEST = EFFORTS["fast"].corrections
"""Corrections at 1/8 and at 1/4, at least."""
FAR_OFF = 3.0
"""Pixels from the true flow beyond which a pixel counts as lost."""


@dataclass(frozen=True, slots=True)
class Losses:
    """The table `[losses]`: L1 of the flow after each correction, in pixels; later ones count more.

    Attributes:
        decay: what a correction counts, against the next one.
        most_px: flow that is longer is not learned from.
        varied: the number of corrections is drawn anew for each batch, from `FEWEST` up to those of the
            matcher, so that fewer of them serve as well.
        redrawn: frames are drawn anew (see `redrawn.redraw`).
    """

    decay: float = 0.8
    most_px: float = 250.0
    varied: bool = True
    redrawn: bool = True


def build(config: MatcherConfig) -> nn.Module:
    """The matcher with fresh weights."""
    return Matcher(config)


def searcher(config: Losses) -> Search | None:
    """Nothing: motion is what is learned."""
    return None


def losses(net: nn.Module, batch: Samples, step: int, config: Losses) -> dict[str, Tensor]:
    """Scalar losses of a batch; the sum that is minimised under "loss"."""
    matcher = net.module if hasattr(net, "module") else net
    assert isinstance(matcher, Matcher)
    if "flow01" not in batch or "flow10" not in batch:
        raise InputError('fast learns from flow; data.known wants "flow01" and "flow10".')
    if config.redrawn:
        batch = redraw(batch)
    most = matcher.config.corrections, matcher.config.finer
    count = (_between(FEWEST[0], most[0]), _between(FEWEST[1], most[1])) if config.varied else most
    found = matcher.steps(batch["frame0"], batch["frame1"], count=count)
    truth = torch.cat([batch["flow01"], batch["flow10"]])
    known = batch["has_flow"].repeat(2).view(-1, 1, 1, 1)
    valid = known & (truth.square().sum(1, keepdim=True) < config.most_px**2)
    value = _sequence_loss(found, truth, valid, config.decay)
    with torch.no_grad():
        off = (found.fine[-1] - truth).square().sum(1, keepdim=True).sqrt() * valid
        told = {"off": off.mean(), "lost": (off > FAR_OFF).float().mean()}
    return {"loss": value, **told}


def _between(low: int, high: int) -> int:
    """Both included."""
    return int(torch.randint(min(low, high), high + 1, ()))


def _sequence_loss(found: Steps, truth: Tensor, valid: Tensor, decay: float) -> Tensor:
    """Of what was thought on the way: at 1/8 each place against the pixel in its middle."""
    middles = (..., slice(COARSE // 2, None, COARSE), slice(COARSE // 2, None, COARSE))
    each = [(COARSE * flow, truth[middles], valid[middles]) for flow in found.coarse]
    each += [(flow, truth, valid) for flow in found.fine]
    return sequence_error(each, decay)


@torch.no_grad()
def draw(net: nn.Module, batch: Samples) -> Tensor:
    """The pictures at t, [B, 3, H, W], of frames in [0, 1], as `fast` draws them."""
    assert isinstance(net, Matcher)
    model = Fast("fast", net, batch["frame0"].device)
    pairs = zip(batch["frame0"][:, None], batch["frame1"][:, None], batch["t"].tolist(), strict=True)
    pictures = [model.at(model.prepare(frame0, frame1), t) for frame0, frame1, t in pairs]
    return torch.cat([torch.as_tensor(picture) for picture in pictures])
