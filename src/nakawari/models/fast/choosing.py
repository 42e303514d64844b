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
from nakawari.models.classic.synthesis import Choice, cheapest, chosen, unsure, weigh
from nakawari.models.fast.net import LOST, MULTIPLE, SEES, FastNet, Seen
from nakawari.models.tiles import in_windows
from nakawari.ops.gather import Numbers, Views

Floats = npt.NDArray[np.float32]


@dataclass(slots=True)
class Judged:
    """Of each candidate, doubt and cost, [K, h, w], and what keys show along it; see `Candidates.judge`. Then
    the rule's own choice and how unsure that is, [h, w].
    """

    doubts: Floats
    costs: Floats
    views: Views
    best: Numbers
    unsure: Floats

    @staticmethod
    def of(candidates: Candidates) -> Judged:
        """Judge all of them."""
        count, size = len(candidates.motions), candidates.rgb0.shape[:2]
        doubts, costs = (np.empty((count, *size), np.float32) for _ in range(2))
        views = Views(np.empty((count, 6, *size), np.uint8), np.empty((count, 2, *size), np.bool_))
        for k in range(count):
            doubts[k], costs[k] = candidates.judge(k, Views(views.colours[k], views.inside[k]))
        best = cheapest(costs)
        return Judged(doubts, costs, views, best, unsure(costs, best))


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
        unsure=torch.from_numpy(judged.unsure)[None, None],
        t=torch.tensor([c.t], dtype=torch.float32),
    )


def choose(net: FastNet, candidates: Candidates, side: int | None = None) -> Choice:
    """What the network believes; `side` is of windows, see `tiles.in_windows`.

    It is asked only for a box around where the rule is lost.
    """
    judged = Judged.of(candidates)
    weights = weigh(judged.costs, judged.best, judged.unsure, candidates.t)
    best, box = judged.best, box_of(judged.costs.min(0) > LOST)
    if box is not None:
        part = box.crop(torch.from_numpy(weights))
        part[:] = _weigh(net, see(candidates, judged), box, side)
        box.crop(best)[:] = cheapest(-part.sum(1).numpy())
    return chosen(candidates, judged.doubts, best, judged.unsure, weights)


def _weigh(net: FastNet, seen: Seen, box: Box, side: int | None) -> Tensor:
    """[K, 2, h, w] of the box, the weights that the network says."""
    height, width = seen.cost.shape[2:]
    seen = _padded(seen, -height % MULTIPLE, -width % MULTIPLE)
    whole = box.grown(SEES, *seen.cost.shape[2:]).aligned(MULTIPLE)
    device = next(net.parameters()).device
    near = _cut(seen, whole)

    def weigh(window: Box) -> Tensor:
        weights: Tensor = net(_each(_cut(near, window), lambda x: x.to(device)))[0]
        return weights.flatten(1, 2).cpu()

    count = seen.cost.shape[1]
    found = in_windows(weigh, (1, 2 * count, *near.cost.shape[2:]), side, SEES, MULTIPLE)
    part: Tensor = box.within(whole).crop(found[0])
    return part.reshape(count, 2, *part.shape[1:])


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
