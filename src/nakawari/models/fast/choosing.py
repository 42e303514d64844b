"""Candidates of `classic`, shown to the network of `fast`, and what it chooses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from nakawari.models.boxes import Box, box_of
from nakawari.models.classic.candidates import Candidates
from nakawari.models.classic.synthesis import SURE, Choice, cover_of
from nakawari.models.fast.net import CERTAIN, MULTIPLE, SEES, FastNet, Seen
from nakawari.models.fast.packing import strangeness
from nakawari.models.tiles import in_windows
from nakawari.ops.gather import Views

Floats = npt.NDArray[np.float32]


@dataclass(slots=True)
class Judged:
    """Of each candidate, doubt and cost, [K, h, w], and what keys show along it; see `Candidates.judge`."""

    doubts: Floats
    costs: Floats
    views: Views

    @staticmethod
    def of(candidates: Candidates) -> Judged:
        """Judge all of them."""
        count, size = len(candidates.motions), candidates.rgb0.shape[:2]
        doubts, costs = (np.empty((count, *size), np.float32) for _ in range(2))
        views = Views(np.empty((count, 6, *size), np.uint8), np.empty((count, 2, *size), np.bool_))
        for k in range(count):
            doubts[k], costs[k] = candidates.judge(k, Views(views.colours[k], views.inside[k]))
        return Judged(doubts, costs, views)


def see(candidates: Candidates, judged: Judged) -> Seen:
    """What the network sees of candidates, a batch of one."""
    c, views = candidates, judged.views.colours
    lengths = [np.log1p(np.hypot(motion[0], motion[1])) for motion in c.motions]
    evidence = c.evidence.clip(0, 255).astype(np.uint8)
    return Seen(
        views=torch.from_numpy(views)[None],
        inside=torch.from_numpy(judged.views.inside)[None],
        cost=torch.from_numpy(judged.costs)[None],
        length=torch.from_numpy(np.stack(lengths))[None],
        evidence=torch.from_numpy(evidence)[None],
        weights=torch.from_numpy(c.weights)[None],
        strange=torch.from_numpy(strangeness(views, evidence, c.t))[None],
        t=torch.tensor([c.t], dtype=torch.float32),
    )


def choose(net: FastNet, candidates: Candidates, side: int | None = None) -> Choice:
    """What the network takes; `side` is of windows, see `tiles.in_windows`.

    It is asked only for a box around what the rule is not certain of.
    """
    judged = Judged.of(candidates)
    number, least = _cheapest(judged.costs)
    share = np.full(least.shape, candidates.t, np.float32)
    box = box_of(least >= CERTAIN)
    if box is not None:
        found = _pick(net, see(candidates, judged), box, side)
        box.crop(number)[:], box.crop(share)[:] = box.crop(found[0]), box.crop(found[1])
    motion: Floats = np.take_along_axis(np.stack(candidates.motions), number[None, None], 0)[0]
    agrees = np.take_along_axis(judged.doubts, number[None], 0)[0] < SURE
    return Choice(motion, candidates.bend(motion), cover_of(candidates, motion, agrees), share)


def _cheapest(costs: Floats) -> tuple[npt.NDArray[np.intp], Floats]:
    """The number of the first of the least costs, and that cost, [h, w]."""
    number, least = np.zeros(costs.shape[1:], np.intp), costs[0].copy()
    for k in range(1, len(costs)):
        better = costs[k] < least
        number[better] = k
        np.minimum(least, costs[k], out=least)
    return number, least


def _pick(net: FastNet, seen: Seen, box: Box, side: int | None) -> Floats:
    """[2, h, w], what `FastNet.pick` says; nothing in particular outside of the box."""
    height, width = seen.cost.shape[2:]
    seen = _padded(seen, -height % MULTIPLE, -width % MULTIPLE)
    whole = box.grown(SEES, *seen.cost.shape[2:]).aligned(MULTIPLE)
    device = next(net.parameters()).device
    near = _cut(seen, whole)

    def pick(window: Box) -> Tensor:
        return net.pick(_each(_cut(near, window), lambda x: x.to(device))).cpu()

    picked = in_windows(pick, (1, 2, *near.cost.shape[2:]), side, SEES, MULTIPLE)
    out = np.zeros((2, *seen.cost.shape[2:]), np.float32)
    out[:, whole.top : whole.bottom, whole.left : whole.right] = picked[0].numpy()
    return out[:, :height, :width]


def _cut(seen: Seen, box: Box) -> Seen:
    """A window of what is seen."""
    return _each(seen, box.crop)


def _padded(seen: Seen, below: int, right: int) -> Seen:
    """With so many rows and columns more, which repeat the last ones."""
    if not below and not right:
        return seen

    def padded(x: Tensor) -> Tensor:
        for axis, more in ((-2, below), (-1, right)):
            if more:
                last = x.narrow(axis, x.shape[axis] - 1, 1)
                x = torch.cat([x, *(last,) * more], axis)
        return x

    return _each(seen, padded)


def _each(seen: Seen, change: Callable[[Tensor], Tensor]) -> Seen:
    """With all pictures changed."""
    known = {f.name: getattr(seen, f.name) for f in fields(seen) if getattr(seen, f.name) is not None}
    return Seen(**{name: x if x.dim() < 4 else change(x) for name, x in known.items()})
