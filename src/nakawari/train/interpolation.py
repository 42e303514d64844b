"""The task of drawing the frame between two.

A family of networks takes part by a training module with

    Config    frozen dataclass: the table `[model_config]`
    Losses    frozen dataclass: the table `[losses]`
    build(config) -> nn.Module
    losses(net, batch, step, config: Losses) -> dict[str, Tensor]       the total under "loss"
    draw(net, batch) -> Tensor                                          [B, 3, H, W], for scores and sheets
    searcher(config: Losses) -> (frame0, frame1) -> {name: (flow01, flow10)}  or None: no motion from outside

and a row in FAMILIES; `Losses` may inherit what families share from `pictures.Pictures`.

Batches hold `frame0`, `framet`, `frame1` as float32 in [0, 1], `t` [B], what the configuration calls known
(`flow01`, `visible01`, …), and NAME01, NAME10 of what a search found. `draw` may look at all but `framet` and
what is known (guides it may see); frames come in any size.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from nakawari.data.heldout import HELD_OUT_SEED
from nakawari.data.photo import PhotoStream
from nakawari.data.sample import Sample
from nakawari.errors import InputError, MediaError
from nakawari.optional import need
from nakawari.tensors import to_frame
from nakawari.train.config import Config
from nakawari.train.mixture import Mixture, MixtureConfig, Motions, Search, to_device_float
from nakawari.train.pictures import Pictures, colour_wishes, judge
from nakawari.train.scores import score
from nakawari.train.tables import from_table
from nakawari.train.task import Samples

FAMILIES: dict[str, str] = {
    "fast": "nakawari.train.fast",
    **dict.fromkeys(("animeinterp", "animeinterp-gma"), "nakawari.train.animeinterp"),
    **dict.fromkeys(("rife", "rife-m", "rife-2r", "rife-hd3"), "nakawari.train.rife"),
    **dict.fromkeys(("film-l1", "film-vgg", "film-style"), "nakawari.train.film"),
}
"""Training modules by `model`; a dotted module is taken as it is."""

PHOTO, PHOTO_SIZE = "photo-like", (256, 256)
_SHEET_ROWS = 6
_UNSEEN = {*Sample.__dataclass_fields__, "has_flow"} - {"frame0", "frame1", "t", "guide01", "guide10"}


class Family(Protocol):
    """What a training module offers (see above)."""

    Config: type[Any]
    Losses: type[Any]

    def searcher(self, config: Any) -> Search | None:
        """What finds motion for the network to start from, if anything does."""
        ...

    def build(self, config: Any) -> nn.Module:
        """The network with fresh weights."""
        ...

    def losses(self, net: nn.Module, batch: Samples, step: int, config: Any) -> dict[str, Tensor]:
        """Scalar losses."""
        ...

    def draw(self, net: nn.Module, batch: Samples) -> Tensor:
        """The pictures at t."""
        ...


def find_family(name: str) -> Family:
    """The training module of a family.

    Raises:
        InputError: there is none of that name.
    """
    entry = FAMILIES.get(name, name)
    if "." not in entry:
        raise InputError(f"there is no network {name!r} to train. Networks: {', '.join(FAMILIES)}.")
    return cast(Family, need(entry))


class Interpolation:
    """A `task.Task`: frames between frames, from a mixture of sources."""

    def __init__(self, config: Config, device: torch.device) -> None:
        self.config, self.device = config, device
        self.family = find_family(config.model)
        self.mixture = from_table(MixtureConfig, config.data, "data").check()
        self.model_config: Any = from_table(self.family.Config, config.model_config, "model_config")
        self.losses: Any = from_table(self.family.Losses, config.losses, "losses")
        self.search = self.family.searcher(self.losses)
        self.notes: dict[str, Any] = {}
        if isinstance(self.losses, Pictures):
            self.losses.ready(device)
            self.notes = self.losses.notes()
        self.folders = {Path(folder).name: Path(folder) for folder in self.mixture.triplets}
        self.splits = ("held-out",) * bool(self.mixture.held_out) + tuple(self.folders)
        self.splits += (PHOTO,) * bool(self.mixture.photo)
        self._fixed: dict[str, list[Samples]] = {}

    def build(self) -> nn.Module:
        """The family's network."""
        return self.family.build(self.model_config)

    def data(self) -> Mixture:
        """The mixture."""
        return Mixture(self.mixture, self.config.seed, self.search)

    def step(self, net: nn.Module, batch: Samples, step: int) -> dict[str, Tensor]:
        """The family's losses."""
        ready = to_device_float(batch, self.config.compute.channels_last)
        return self.family.losses(net, ready, step, self.losses)

    def evaluate(self, net: nn.Module, split: str) -> dict[str, float]:
        """Mean scores of the pictures of a split, and the loss that they are trained with, as at the end."""
        rows = [self._scores(self._draw(net, sample), sample) for sample in self._pictures(split)]
        return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}

    def sheet(self, net: nn.Module) -> npt.NDArray[np.uint8]:
        """Rows of: the keys laid over each other, the truth, the result, and their difference × 4."""
        rows = []
        for sample in self._pictures("held-out")[:_SHEET_ROWS]:
            made = self._draw(net, sample).clamp(0, 1)
            truth = sample["framet"]
            keys = (sample["frame0"] + sample["frame1"]) / 2
            columns = [keys, truth, made, ((made - truth).abs() * 4).clamp(0, 1)]
            rows.append(np.concatenate([to_frame(column) for column in columns], 1))
        if not rows:
            raise InputError("data.held_out is 0: there is nothing to draw; set every.sheet_steps=0 as well.")
        sheet: npt.NDArray[np.uint8] = np.concatenate(rows, 0)
        return sheet

    def header(self) -> dict[str, Any]:
        """What the weights are of."""
        told = self.config.trained_on or ", ".join(source.kind for source in self.mixture.sources)
        config = asdict(self.model_config)
        return {"model": self.config.model, "config": config, "data": told, "notes": self.notes}

    def _scores(self, made: Tensor, sample: Samples) -> dict[str, float]:
        scores = score(made, sample["framet"])
        if isinstance(self.losses, Pictures) and self.losses.any:
            with torch.no_grad():
                loss, _ = judge(made, sample, self.config.steps, self.losses)
            scores["loss"] = float(loss)
            scores |= colour_wishes(made, sample, self.losses.colour)
        return scores

    def _draw(self, net: nn.Module, sample: Samples) -> Tensor:
        seen = {name: value for name, value in sample.items() if name not in _UNSEEN}
        with torch.no_grad():
            return self.family.draw(net, seen).float()

    def _pictures(self, split: str) -> list[Samples]:
        """The fixed samples of a split, one by one, on the device; made once."""
        if split not in self._fixed:
            own = {"held-out": self._held_out, PHOTO: self._photo_like}
            found = own[split]() if split in own else self._triplets(self.folders[split])
            on_device = [{k: v.to(self.device) for k, v in each.items()} for each in found]
            self._fixed[split] = [to_device_float(each, channels_last=False) for each in on_device]
        return self._fixed[split]

    def _held_out(self) -> list[Samples]:
        seed = self.config.seed + HELD_OUT_SEED
        stream = Mixture(self.mixture, seed, self.search, augmented=False, held_out=True)
        return [stream.batch([index]) for index in range(self.mixture.held_out)]

    def _photo_like(self) -> list[Samples]:
        stream = PhotoStream(self.config.seed + HELD_OUT_SEED, self.mixture.augment.crop or PHOTO_SIZE, 0.5)
        rows = [stream[number].only() for number in range(self.mixture.photo)]
        return [self._searched({k: v[None] for k, v in row.tensors().items()}) for row in rows]

    def _searched(self, sample: Samples) -> Samples:
        """With what the search finds between the keys of one sample."""
        if self.search is None:
            return sample
        frames = [sample[name][0].permute(1, 2, 0).contiguous().numpy() for name in ("frame0", "frame1")]
        return sample | named(self.search(*frames))

    def _triplets(self, folder: Path) -> list[Samples]:
        names = sorted(path for path in folder.glob("*") if path.is_dir())
        if not names:
            raise InputError(
                f"{folder} has no folders of triplets; wanted {folder}/NAME/frame1.png and so on."
            )
        step = max(1, len(names) // self.mixture.triplets_each) if self.mixture.triplets_each else 1
        chosen = names[::step][: self.mixture.triplets_each or None]
        return [self._triplet(path) for path in chosen]

    def _triplet(self, path: Path) -> Samples:
        frames = [_read_frame(path, f"frame{number}") for number in (1, 2, 3)]
        tensors = [torch.from_numpy(frame.transpose(2, 0, 1).copy())[None] for frame in frames]
        names = ("frame0", "framet", "frame1")
        return self._searched(dict(zip(names, tensors, strict=True)) | {"t": torch.full((1,), 0.5)})


def named(found: Motions) -> Samples:
    """What a search found of one pair, as batches have it."""
    return {
        f"{name}{way}": flow[None]
        for name, flows in found.items()
        for way, flow in zip(("01", "10"), flows, strict=True)
    }


def _read_frame(folder: Path, name: str) -> npt.NDArray[np.uint8]:
    """An image as H×W×3 RGB."""
    import cv2

    for ending in (".png", ".jpg"):
        path = folder / (name + ending)
        if path.is_file():
            image = cv2.imread(str(path), cv2.IMREAD_COLOR)
            if image is None:
                raise MediaError(f"{path} cannot be read as an image.")
            return np.ascontiguousarray(image[..., ::-1]).astype(np.uint8)
    raise MediaError(f"there is no {folder}/{name}.png or .jpg.")
