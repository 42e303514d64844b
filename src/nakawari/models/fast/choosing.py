"""Candidates of `classic`, shown to the network of `fast`, and what it believes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields

import numpy as np
import torch
from torch import Tensor

from nakawari.models.boxes import Box, box_of
from nakawari.models.classic.candidates import Candidates
from nakawari.models.classic.synthesis import Choice, Judged, cheapest, chosen
from nakawari.models.fast.net import LOST, MULTIPLE, SEES, FastNet, Seen
from nakawari.models.tiles import in_windows
from nakawari.ops.gather import Views


def judge(candidates: Candidates) -> tuple[Judged, Views]:
    """What the rule thinks of all candidates, and what both keys show along each, [K, …]."""
    count, size = len(candidates.motions), candidates.rgb0.shape[:2]
    views = Views(np.empty((count, 6, *size), np.uint8), np.empty((count, 2, *size), np.bool_))
    return Judged.of(candidates, views), views


def see(candidates: Candidates, judged: Judged, views: Views) -> Seen:
    """What the network sees of candidates, a batch of one."""
    c = candidates
    lengths = [np.log1p(np.hypot(motion[0], motion[1])) for motion in c.motions]
    evidence = c.evidence.clip(0, 255).astype(np.uint8)
    return Seen(
        views=torch.from_numpy(views.colours)[None],
        inside=torch.from_numpy(views.inside)[None],
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
    judged, views = judge(candidates)
    weights, best = judged.weights(candidates.t), judged.best.copy()
    box = box_of(judged.least > LOST)
    if box is not None:
        part = box.crop(torch.from_numpy(weights))
        part[:] = _weigh(net, see(candidates, judged, views), box, side)
        box.crop(best)[:] = cheapest(-part.sum(1).numpy())
    return chosen(candidates, judged, best, weights)


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
