"""How `fast` is trained: by what is wrong in the picture that its weights mix.

Colours count, and how they differ from the next pixels: a blur and a ghost are wrong in both. That alone
could still be lessened by leaving out: a thing whose place is not sure is wrong twice where it is misplaced,
once where it is missing. So the distance between the lines of the picture and those of the truth counts as
well.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nakawari.losses.lines import chamfer_distance
from nakawari.models.classic.candidates import Candidates, Field, find_candidates, trusted
from nakawari.models.classic.motion import Look, grey_look, look
from nakawari.models.fast.choosing import choose, judge, see
from nakawari.models.fast.net import SLOTS, FastConfig, FastNet, Seen
from nakawari.ops.gather import mix_along
from nakawari.ops.search import as_tensors, dense_search, global_shift, search_around
from nakawari.tensors import Array, to_frame
from nakawari.train.mixture import Motions, Search
from nakawari.train.task import Samples

Config = FastConfig
Floats = npt.NDArray[np.float32]
Fields = Callable[[Sequence[Look], Samples], list[Field]]
"""How both keys see, and motions by name → the fields of motion that are tried."""


@dataclass(frozen=True, slots=True)
class Losses:
    """The table `[losses]`.

    Attributes:
        square: weight of the squared error of colours, beside the absolute one.
        stray: weight of what the network says, squared: where it knows nothing better, the rule stays.
        lines: weight of the line distance, a pixel of it.
    """

    square: float = 10.0
    stray: float = 1e-4
    lines: float = 0.01


def build(config: FastConfig) -> nn.Module:
    """The network with fresh weights."""
    return FastNet(config)


def searcher(config: Losses) -> Search | None:
    """What finds the motions to choose from."""
    return motions_of


def motions_of(frame0: Array, frame1: Array) -> Motions:
    """What `classic` tries: motion of grey, of the distance to lines, and of all together."""
    look0, look1 = look(frame0), look(frame1)
    shift = global_shift(look0.grey, look1.grey)
    search = dense_search(finest=1)
    together = (
        np.array(shift, np.float32)[:, None, None].repeat(frame0.shape[0], 1).repeat(frame0.shape[1], 2)
    )
    return {
        "search": as_tensors(search_around(look0.grey, look1.grey, shift, search)),
        "lines": as_tensors(search_around(look0.distance, look1.distance, shift, search)),
        "shift": (torch.from_numpy(together), torch.from_numpy(-together)),
    }


def prepare(batch: Samples) -> Samples:
    """What the network sees of a batch of frames and motions, and under "truth" what is to come out,
    [B, 3, H, W] uint8.
    """
    return seen_in(batch, fields_of, SLOTS)


def seen_in(batch: Samples, fields: Fields, slots: int) -> Samples:
    """As `prepare`, of the candidates that some fields of motion give, and so many slots for them."""
    made: list[dict[str, Tensor]] = []
    for number, t in enumerate(batch["t"].tolist()):
        one = {name: x[number] for name, x in batch.items()}
        found = candidates_of(_array(one["frame0"]), _array(one["frame1"]), one, t, fields)
        seen = see(found, *judge(found))
        missing = slots - len(found.motions)
        row = {name: getattr(seen, name)[0] for name in ("views", "inside", "cost", "length")}
        row = {name: F.pad(x, (0, 0) * (x.dim() - 1) + (0, missing)) for name, x in row.items()}
        row |= {name: getattr(seen, name)[0] for name in ("evidence", "weights", "unsure")}
        row |= {"present": torch.arange(slots) < slots - missing, "t": one["t"], "truth": one["framet"]}
        made.append(
            {name: x.half() if x.dtype == torch.float32 and x.dim() else x for name, x in row.items()}
        )
    return {name: torch.stack([row[name] for row in made]) for name in made[0]}


def losses(net: nn.Module, batch: Samples, step: int, config: Losses) -> dict[str, Tensor]:
    """Scalar losses of a prepared batch; the sum that is minimised under "loss"."""
    weights, said = net(Seen.of(batch))
    drawn = mixed(weights, batch["views"])
    truth = batch["truth"].float() / 255
    off = drawn - truth
    wrong = off.abs().mean() + sum(step.abs().mean() for step in steps(off))
    square, lines, stray = off.square().mean(), chamfer_distance(drawn, truth), said.square().mean()
    total = wrong + config.square * square + config.lines * lines + config.stray * stray
    told = {"wrong": wrong, "square": square, "lines": lines, "stray": stray}
    return {"loss": total} | {name: x.detach() for name, x in told.items()}


def mixed(weights: Tensor, views: Tensor) -> Tensor:
    """What both keys show along all candidates, [B, K, 6, H, W] of 0 to 255, mixed by weights
    [B, K, 2, H, W]: [B, 3, H, W] in [0, 1].
    """
    batch, count, _, height, width = views.shape
    shown = views.float().view(batch, count, 2, 3, height, width) / 255
    return torch.einsum("bkihw,bkichw->bchw", weights, shown)


def steps(picture: Tensor) -> tuple[Tensor, Tensor]:
    """Differences to the next pixel on the right, and below."""
    return picture.diff(dim=-1), picture.diff(dim=-2)


def draw(net: nn.Module, batch: Samples) -> Tensor:
    """The pictures at t, [B, 3, H, W], of frames in [0, 1] and the motions that were found."""
    assert isinstance(net, FastNet)
    return drawn_by(net, batch, fields_of)


def drawn_by(net: FastNet, batch: Samples, fields: Fields) -> Tensor:
    """As `draw`, of the candidates that some fields of motion give."""
    pictures = []
    for number, t in enumerate(batch["t"].tolist()):
        one = {name: x[number].cpu() for name, x in batch.items()}
        frame0, frame1 = (to_frame(one[name][None]) for name in ("frame0", "frame1"))
        found = candidates_of(frame0, frame1, one, t, fields)
        choice = choose(net, found)
        first, second = (np.ascontiguousarray(one[name].float().numpy()) for name in ("frame0", "frame1"))
        pictures.append(torch.from_numpy(mix_along(first, second, choice.motions, choice.weights, t)))
    return torch.stack(pictures).to(batch["frame0"].device)


def _array(frame: Tensor) -> Array:
    """[3, H, W] uint8 → H×W×3."""
    return np.ascontiguousarray(frame.permute(1, 2, 0).numpy())


def candidates_of(frame0: Array, frame1: Array, motions: Samples, t: float, fields: Fields) -> Candidates:
    """What may be at t, of two H×W×3 frames and motions by name."""
    looks = grey_look(frame0), grey_look(frame1)
    shift = shift_of(motions["shift01"])
    shifts = [(0, 0)] if shift == (0, 0) else [(0, 0), shift]
    return find_candidates(frame0, frame1, fields(looks, motions), shifts, t)


def shift_of(motion: Tensor) -> tuple[int, int]:
    """The global shift, whole pixels (x, y), of a motion [2, H, W] that is the same everywhere."""
    return round(float(motion[0, 0, 0])), round(float(motion[1, 0, 0]))


def fields_of(looks: Sequence[Look], motions: Samples) -> list[Field]:
    """Those of `fast`."""
    return [trusted(both_ways(motions, name), looks[0], looks[1]) for name in ("search", "lines")]


def both_ways(motions: Samples, name: str) -> tuple[Floats, Floats]:
    """Flow 0→1 and 1→0 of that name, [H, W, 2]."""
    forth, back = (
        np.ascontiguousarray(motions[name + way].float().permute(1, 2, 0).numpy()) for way in ("01", "10")
    )
    return forth, back
