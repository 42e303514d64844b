"""How RIFE is trained: with a teacher who is shown the truth, and whose flow is learned where it is better.

Source: Huang et al. 2022, *Real-Time Intermediate Flow Estimation for Video Frame Interpolation*, 3.3.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from nakawari.errors import InputError
from nakawari.losses.rife import distillation
from nakawari.models.rife.net import IFNet, Motion
from nakawari.models.rife.versions import RifeConfig
from nakawari.tensors import pad_to_multiple, unpad
from nakawari.train.mixture import Search
from nakawari.train.pictures import Pictures, judge
from nakawari.train.task import Samples

Config = RifeConfig


@dataclass(frozen=True, slots=True)
class Losses(Pictures):
    """The table `[losses]`: what pictures are judged by, the student's and the teacher's alike.

    Attributes:
        distillation: of the teacher's flow; only with `model_config.teacher`.
    """

    distillation: float = 0.0


def build(config: RifeConfig) -> nn.Module:
    """The network with fresh weights."""
    return IFNet(config)


def searcher(config: Losses) -> Search | None:
    """It is given nothing to start from."""
    return None


def losses(net: nn.Module, batch: Samples, step: int, config: Losses) -> dict[str, Tensor]:
    """Scalar losses of a batch; the sum that is minimised under "loss"."""
    inner = net.module if hasattr(net, "module") else net
    assert isinstance(inner, IFNet)
    frame0, frame1, truth = batch["frame0"], batch["frame1"], batch["framet"]
    made, motion, keys, t = _forward(inner, batch)
    total, terms = judge(made, batch, step, config)
    if inner.teacher is not None:
        taught = inner.taught(motion, keys, t, truth)
        best = inner.blend(taught.flow, taught.mask, frame0, frame1)
        teachers, told = judge(best, batch, step, config)
        total = total + teachers
        terms |= {f"teacher_{name}": value for name, value in told.items()}
        if config.distillation:
            flows = [flow for flow, _ in motion.steps]
            drawn = [inner.blend(flow, mask, frame0, frame1) for flow, mask in motion.steps]
            followed = distillation(flows, drawn, taught.flow, best, truth)
            terms["distillation"] = followed.detach()
            total = total + config.distillation * followed
    elif config.distillation:
        raise InputError("losses.distillation wants a teacher: model_config.teacher = 90.")
    return {"loss": total, **terms}


def draw(net: nn.Module, batch: Samples) -> Tensor:
    """The pictures at t, [B, 3, H, W]."""
    assert isinstance(net, IFNet)
    size = (int(batch["frame0"].shape[-2]), int(batch["frame0"].shape[-1]))
    padded = {name: pad_to_multiple(batch[name], net.config.multiple)[0] for name in ("frame0", "frame1")}
    made, *_ = _forward(net, {**padded, "t": batch["t"]})
    return unpad(made, size)


def _forward(net: IFNet, batch: Samples) -> tuple[Tensor, Motion, tuple[Tensor, Tensor], Tensor]:
    t = batch["t"].view(-1, 1, 1, 1)
    if not net.config.timed and not bool(torch.all(t == 0.5)):
        raise InputError("this RIFE draws ½ only; wanted data.sources with t = 0.5, or model_config.timed.")
    keys = net.encode(batch["frame0"]), net.encode(batch["frame1"])
    motion = net.motion(keys, t, every=True)
    return net.merge(motion, batch["frame0"], batch["frame1"]), motion, keys, t
