"""How FILM is trained, and trained on: its parts are `extractor`, `estimators`, `fusion` and `out`.

Source: Reda et al. 2022, *FILM: Frame Interpolation for Large Motion*, section 4; the proposal "Fine-Tuning
FILM Model for Frame Interpolation in Animated Content with ATD-12K Dataset", section 2 (what to freeze).
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from nakawari.models.film.net import FilmConfig, FilmNet
from nakawari.tensors import pad_to_multiple, unpad
from nakawari.train.mixture import Search
from nakawari.train.pictures import Pictures, judge
from nakawari.train.task import Samples

Config = FilmConfig


@dataclass(frozen=True, slots=True)
class Losses(Pictures):
    """The table `[losses]`: what pictures are judged by."""


def build(config: FilmConfig) -> nn.Module:
    """The network with fresh weights."""
    return FilmNet(config)


def searcher(config: Losses) -> Search | None:
    """It is given nothing to start from."""
    return None


def losses(net: nn.Module, batch: Samples, step: int, config: Losses) -> dict[str, Tensor]:
    """Scalar losses of a batch; the sum that is minimised under "loss"."""
    inner = net.module if hasattr(net, "module") else net
    assert isinstance(inner, FilmNet)
    total, terms = judge(_forward(inner, batch), batch, step, config)
    return {"loss": total, **terms}


def draw(net: nn.Module, batch: Samples) -> Tensor:
    """The pictures at t, [B, 3, H, W]."""
    assert isinstance(net, FilmNet)
    size = (int(batch["frame0"].shape[-2]), int(batch["frame0"].shape[-1]))
    multiple = 1 << (net.config.levels - 1)
    padded = {name: pad_to_multiple(batch[name], multiple)[0] for name in ("frame0", "frame1")}
    return unpad(_forward(net, {**padded, "t": batch["t"]}), size)


def _forward(net: FilmNet, batch: Samples) -> Tensor:
    first, second = net.extract(batch["frame0"]), net.extract(batch["frame1"])
    return net.draw(first, second, net.motion(first, second), batch["t"].view(-1, 1, 1, 1))
