"""How `fast` is trained: what it sees, what it is told, and how the search is spoiled to be doubted."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nakawari.losses.flow import multiscale_endpoint_error
from nakawari.losses.image import census, charbonnier, laplacian, line_weighted_l1
from nakawari.models.fast.net import FastNet
from nakawari.models.fast.parts import FastConfig
from nakawari.ops.search import search_both
from nakawari.tensors import pad_to_multiple, unpad
from nakawari.train.mixture import Search
from nakawari.train.task import Samples

Config = FastConfig
MULTIPLE = 16


@dataclass(frozen=True, slots=True)
class Losses:
    """The table `[losses]`: weights of the terms, and how often the search is spoiled.

    Attributes:
        charbonnier, lines, laplacian, census: of the picture.
        flow: of the motion at full size; coarser levels count the same.
        flow_power: of the distance between motions; below 1, far misses count for less.
        drop: share of samples whose search finds nothing at all (zero flow).
        spoil: share of samples whose search is wrong in blobs.
    """

    charbonnier: float = 1.0
    lines: float = 1.0
    laplacian: float = 0.2
    census: float = 0.0
    flow: float = 0.03
    flow_power: float = 1.0
    drop: float = 0.05
    spoil: float = 0.15


def build(config: FastConfig) -> nn.Module:
    """The network with fresh weights."""
    return FastNet(config)


def searcher(config: Losses) -> Search | None:
    """What gives the network something to start from."""
    return search_both


def losses(net: nn.Module, batch: Samples, step: int, config: Losses) -> dict[str, Tensor]:
    """Scalar losses of a batch; the sum that is minimised under "loss"."""
    inner = net.module if hasattr(net, "module") else net
    assert isinstance(inner, FastNet)
    found = torch.cat([batch["search01"], batch["search10"]])
    found = spoil(found, config.drop, config.spoil)
    made, motion = _forward(inner, batch, found)
    truth = batch["framet"]
    terms = {"charbonnier": charbonnier(made, truth)}
    if config.lines:
        terms["lines"] = line_weighted_l1(made, truth)
    if config.laplacian:
        terms["laplacian"] = laplacian(made, truth)
    if config.census:
        terms["census"] = census(made, truth)
    if config.flow:
        terms["flow"] = _flow_loss(motion, batch, config.flow_power)
    total = sum((getattr(config, name) * value for name, value in terms.items()), made.new_zeros(()))
    return {"loss": total} | {name: value.detach() for name, value in terms.items()}


def draw(net: nn.Module, batch: Samples) -> Tensor:
    """The pictures at t, [B, 3, H, W]."""
    assert isinstance(net, FastNet)
    padded = {name: batch[name] for name in ("frame0", "frame1", "search01", "search10")}
    size = (int(batch["frame0"].shape[-2]), int(batch["frame0"].shape[-1]))
    padded = {name: pad_to_multiple(value, MULTIPLE)[0] for name, value in padded.items()}
    padded["t"] = batch["t"]
    made, _ = _forward(net, padded, torch.cat([padded["search01"], padded["search10"]]))
    return unpad(made, size)


def _forward(net: FastNet, batch: Samples, found: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
    frame0, frame1 = batch["frame0"], batch["frame1"]
    features = net.encoder(torch.cat([frame0, frame1]))
    features0 = tuple(level.chunk(2)[0] for level in features)
    features1 = tuple(level.chunk(2)[1] for level in features)
    motion = net.motion(frame0, frame1, features0, features1, found)
    made, _, _ = net.draw(motion, batch["t"], frame0, frame1)
    return made, (motion.flow, *motion.coarse)


def _flow_loss(flows: tuple[Tensor, ...], batch: Samples, power: float) -> Tensor:
    """End-point error in pixels of the full size at each level, where the truth is known."""
    truth = torch.cat([batch["flow01"], batch["flow10"]])
    seen = torch.cat([batch["visible01"], batch["visible10"]])[:, None].float()
    known = batch["has_flow"].repeat(2)[:, None, None, None].float()
    # What is covered in the other frame still moves; it counts, but less.
    return multiscale_endpoint_error(flows, truth, (0.25 + 0.75 * seen) * known, power=power)


def spoil(flow: Tensor, drop: float, wrong: float) -> Tensor:
    """Make some of a search's results useless: nothing found at all, or blobs that go astray.

    Args:
        flow: [B, 2, H, W].
        drop: share of samples that become zero.
        wrong: share of samples that get blobs.
    """
    batch, _, height, width = flow.shape
    chance = torch.rand(batch, 1, 1, 1, device=flow.device)
    cells = (max(2, height // 48), max(2, width // 48))
    noise = torch.randn(batch, 3, *cells, device=flow.device)
    noise = F.interpolate(noise, size=(height, width), mode="bilinear")
    blobs = (noise[:, :1] > 0.8).float() * noise[:, 1:] * 16
    flow = torch.where(chance < drop + wrong, flow + blobs, flow)
    return torch.where(chance < drop, torch.zeros_like(flow), flow)
