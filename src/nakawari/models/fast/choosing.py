"""Candidates of `classic`, shown to the network of `fast`, and what it chooses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from nakawari.models.boxes import Box
from nakawari.models.classic.candidates import Candidates
from nakawari.models.classic.synthesis import SURE, Choice, cover_of
from nakawari.models.fast.net import MULTIPLE, SEES, FastNet, Seen
from nakawari.models.fast.packing import strangeness
from nakawari.models.tiles import in_windows
from nakawari.ops.gather import look_along

Floats = npt.NDArray[np.float32]


def see(candidates: Candidates) -> tuple[Seen, Floats]:
    """What the network sees of candidates, a batch of one; and the doubt of each, [K, h, w]."""
    c = candidates
    judged = [c.judge(number) for number in range(len(c.motions))]
    looks = [look_along(c.rgb0, c.rgb1, motion, c.t, c.bend(motion)) for motion in c.motions]
    lengths = [np.log1p(np.hypot(motion[0], motion[1])) for motion in c.motions]
    views = np.stack([view for view, _ in looks])
    evidence = c.evidence.clip(0, 255).astype(np.uint8)
    seen = Seen(
        views=torch.from_numpy(views)[None],
        inside=_stack([inside for _, inside in looks]),
        cost=_stack([cost for _, cost in judged]),
        length=_stack(lengths),
        evidence=torch.from_numpy(evidence)[None],
        weights=_stack([c.weights])[0],
        t=torch.tensor([c.t], dtype=torch.float32),
        strange=torch.from_numpy(strangeness(views, evidence, c.t))[None],
    )
    return seen, np.stack([doubt for doubt, _ in judged])


def _stack(arrays: Sequence[npt.NDArray[Any]]) -> Tensor:
    return torch.from_numpy(np.stack(arrays))[None]


def choose(net: FastNet, candidates: Candidates, side: int | None = None) -> Choice:
    """What the network takes; `side` is of windows, see `tiles.in_windows`."""
    seen, doubts = see(candidates)
    height, width = doubts.shape[1:]
    seen = _padded(seen, -height % MULTIPLE, -width % MULTIPLE)
    device = next(net.parameters()).device

    def pick(box: Box) -> Tensor:
        return net.pick(_cut(seen, box, device)).cpu()

    picked = in_windows(pick, (1, 2, *seen.cost.shape[2:]), side, SEES, MULTIPLE)
    found = picked[0, :, :height, :width].numpy()
    number = found[:1].astype(np.intp)
    motion: Floats = np.take_along_axis(np.stack(candidates.motions), number[None], 0)[0]
    agrees = np.take_along_axis(doubts, number, 0)[0] < SURE
    share = np.ascontiguousarray(found[1])
    return Choice(motion, candidates.bend(motion), cover_of(candidates, motion, agrees), share)


def _cut(seen: Seen, box: Box, device: torch.device) -> Seen:
    """A window of what is seen, on the device."""
    return _each(seen, lambda x: box.crop(x).to(device))


def _padded(seen: Seen, below: int, right: int) -> Seen:
    """With so many rows and columns more, which repeat the last ones."""
    if not below and not right:
        return seen
    rows, columns = (torch.arange(side) for side in seen.cost.shape[2:])
    rows = torch.cat([rows, rows[-1:].expand(below)])
    columns = torch.cat([columns, columns[-1:].expand(right)])
    return _each(seen, lambda x: x.index_select(-2, rows).index_select(-1, columns))


def _each(seen: Seen, change: Callable[[Tensor], Tensor]) -> Seen:
    """With all pictures changed."""
    known = {f.name: getattr(seen, f.name) for f in fields(seen) if getattr(seen, f.name) is not None}
    return Seen(**{name: x if x.dim() < 4 else change(x) for name, x in known.items()})
