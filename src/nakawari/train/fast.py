"""How `fast` is trained: each candidate is worth what would be wrong if it were shown.

The loss is the error to be expected when candidates and keys are drawn by lot with the odds that the network
gives. Its best answer is a choice: unlike the error of a mean picture, it is never lessened by fading two
possibilities into each other.

That alone could still be lessened by leaving out: a thing whose place is not sure is wrong twice where it is
misplaced, once where it is missing. So lines that are missing against the truth count as well, wherever
around they would have been drawn.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nakawari.models.classic.candidates import Candidates, find_candidates, trusted
from nakawari.models.classic.motion import Look, look
from nakawari.models.fast.choosing import Judged, choose, see
from nakawari.models.fast.net import FORGOTTEN, SLOTS, FastConfig, FastNet, Seen, forbidden
from nakawari.ops.compiled import compile_kernel
from nakawari.ops.gather import mix_along
from nakawari.ops.lines import contrast
from nakawari.ops.search import as_tensors, dense_search, global_shift, search_around
from nakawari.tensors import Array, to_frame
from nakawari.train.mixture import Motions, Search
from nakawari.train.task import Samples

AROUND = 16
"""Side of the box in which lines are counted, pixels."""

Config = FastConfig
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Losses:
    """The table `[losses]`.

    Attributes:
        stray: weight of what the network says, squared: where it knows nothing better, the rule stays.
        missing: weight of lines that are missing.
    """

    stray: float = 1e-4
    missing: float = 1.0


def build(config: FastConfig) -> nn.Module:
    """The network with fresh weights."""
    return FastNet(config)


def searcher(config: Losses) -> Search | None:
    """What finds the motions to choose from."""
    return _motions


def _motions(frame0: Array, frame1: Array) -> Motions:
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
    """What the network sees of a batch of frames and motions, and what all choices are worth.

    That is "errors" [B, K, 3, H, W], of the colours and of their differences to the next pixels, a mean over
    3×3 pixels, in [0, 1] each; "lines" [B, K, 3, H, W], the differences themselves, in [0, 2]; and
    "line" [B, H, W], those of the truth.
    """
    made: list[dict[str, Tensor]] = []
    for number, t in enumerate(batch["t"].tolist()):
        one = {name: x[number] for name, x in batch.items()}
        found = _candidates(_array(one["frame0"]), _array(one["frame1"]), one, t)
        seen = see(found, Judged.of(found))
        missing = SLOTS - len(found.motions)
        row = {name: getattr(seen, name)[0] for name in ("views", "inside", "cost", "length", "strange")}
        views, truth = row["views"].numpy(), one["framet"].numpy()
        errors, lines = worth_of(views, truth, t)
        row |= {"errors": torch.from_numpy(errors), "lines": torch.from_numpy(lines)}
        row = {name: F.pad(x, (0, 0) * (x.dim() - 1) + (0, missing)) for name, x in row.items()}
        row |= {"evidence": seen.evidence[0], "weights": seen.weights[0], "t": one["t"]}
        row |= {"present": torch.arange(SLOTS) < SLOTS - missing, "line": torch.from_numpy(lines_of(truth))}
        made.append(
            {name: x.half() if x.dtype == torch.float32 and x.dim() else x for name, x in row.items()}
        )
    return {name: torch.stack([row[name] for row in made]) for name in made[0]}


def losses(net: nn.Module, batch: Samples, step: int, config: Losses) -> dict[str, Tensor]:
    """Scalar losses of a prepared batch; the sum that is minimised under "loss"."""
    seen = Seen.of(batch)
    score, keys, said = net(seen)
    score = score.masked_fill(forbidden(seen), FORGOTTEN)
    odds = score.softmax(1)[:, :, None] * keys.softmax(2)
    wrong = (odds * batch["errors"]).sum((1, 2)).mean()
    missing = lines_missing(odds, batch).mean()
    stray = said.square().mean()
    with torch.no_grad():
        chosen = score.argmax(1, keepdim=True)[:, :, None].expand(-1, -1, 3, -1, -1)
        picked = keys.gather(1, chosen).argmax(2, keepdim=True)
        error = batch["errors"].gather(1, chosen).gather(2, picked).mean()
    told = {"missing": missing, "chosen": error, "stray": stray}
    return {"loss": wrong + config.missing * missing + config.stray * stray} | {
        name: x.detach() for name, x in told.items()
    }


def lines_missing(odds: Tensor, batch: Samples) -> Tensor:
    """How many lines fewer than in the truth are to be expected around each place, a mean of each picture.

    Args:
        odds: [B, K, 3, H, W], of candidates and keys.
        batch: prepared.
    """
    drawn, wanted = (odds * batch["lines"]).sum((1, 2)), batch["line"]
    return F.avg_pool2d(wanted - drawn, AROUND, AROUND // 2).relu().mean((1, 2))


def draw(net: nn.Module, batch: Samples) -> Tensor:
    """The pictures at t, [B, 3, H, W], of frames in [0, 1] and the motions that were found."""
    assert isinstance(net, FastNet)
    pictures = []
    for number, t in enumerate(batch["t"].tolist()):
        one = {name: x[number].cpu() for name, x in batch.items()}
        found = _candidates(to_frame(one["frame0"][None]), to_frame(one["frame1"][None]), one, t)
        choice = choose(net, found)
        first, second = (np.ascontiguousarray(one[name].float().numpy()) for name in ("frame0", "frame1"))
        pictures.append(torch.from_numpy(mix_along(first, second, choice.motion, t, share=choice.share)))
    return torch.stack(pictures).to(batch["frame0"].device)


def _array(frame: Tensor) -> Array:
    """[3, H, W] uint8 → H×W×3."""
    return np.ascontiguousarray(frame.permute(1, 2, 0).numpy())


def _candidates(frame0: Array, frame1: Array, motions: Samples, t: float) -> Candidates:
    looks = []
    for frame in (frame0, frame1):
        grey = np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), np.uint8)
        looks.append(Look(frame, grey, grey))
    fields = []
    for name in ("search", "lines"):
        forth, back = (
            np.ascontiguousarray(motions[name + way].float().permute(1, 2, 0).numpy()) for way in ("01", "10")
        )
        fields.append(trusted((forth, back), *looks))
    shift = (round(float(motions["shift01"][0, 0, 0])), round(float(motions["shift01"][1, 0, 0])))
    return find_candidates(frame0, frame1, fields, [(0, 0)] if shift == (0, 0) else [(0, 0), shift], t)


def worth_of(views: npt.NDArray[np.uint8], truth: npt.NDArray[np.uint8], t: float) -> tuple[Floats, Floats]:
    """What is wrong where a candidate is shown from both keys, from key 0, or from key 1, and its lines.

    Args:
        views: [K, 6, H, W].
        truth: [3, H, W].
        t: share of key 1 in both.

    Returns:
        "errors" and "lines" of `prepare`, each [K, 3, H, W].
    """
    errors = np.empty((len(views), 3, *truth.shape[1:]), np.float32)
    lines = np.empty_like(errors)
    _worth(views, truth, np.float32(t), errors, lines)
    return np.stack([[cv2.blur(one, (3, 3)) for one in each] for each in errors]), lines


def lines_of(picture: npt.NDArray[np.uint8]) -> Floats:
    """How much a picture [3, H, W] differs from the next pixels, [H, W], in [0, 2]."""
    planes = picture.astype(np.float32)
    total: Floats = sum((contrast(plane) for plane in planes), np.zeros(planes.shape[1:], np.float32))
    return total / np.float32(765)


@compile_kernel("void(u1[:, :, :, ::1], u1[:, :, ::1], f4, f4[:, :, :, ::1], f4[:, :, :, ::1])", fast=True)
def _worth(views, truth, t, errors, lines):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    count, _, height, width = errors.shape
    one, scale = np.float32(1), np.float32(1 / 765)
    for k in range(count):
        for y in range(height):
            for x in range(width):
                for choice in range(3):
                    second = t if choice == 0 else np.float32(choice - 1)
                    wrong, line = np.float32(0), np.float32(0)
                    for c in range(3):
                        a, b = np.float32(views[k, c, y, x]), np.float32(views[k, c + 3, y, x])
                        here, wanted = (one - second) * a + second * b, np.float32(truth[c, y, x])
                        wrong += abs(here - wanted)
                        for step in range(2):
                            v, u = y + step, x + 1 - step
                            if v < height and u < width:
                                a, b = np.float32(views[k, c, v, u]), np.float32(views[k, c + 3, v, u])
                                change = (one - second) * a + second * b - here
                                wrong += abs(change - (np.float32(truth[c, v, u]) - wanted))
                                line += abs(change)
                    errors[k, choice, y, x], lines[k, choice, y, x] = wrong * scale, line * scale
