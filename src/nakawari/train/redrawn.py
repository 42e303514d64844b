"""Frames that are drawn anew, for learning flow: scenes move exactly as they are told, drawings do not.

Whoever draws the next key draws every line again: a little beside where motion would have brought it, in
another shape, sometimes in another light. Here frame 1 is bent by a smooth field whose flow is known, and
colours of one frame change alone.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from nakawari.ops.warp import pixel_grid, sample
from nakawari.train.task import Samples

BENDS = ((8, 0.8), (24, 2.0), (72, 5.0))
"""Pixels between the knots of a bend, and by how many it displaces them (standard deviation) at most."""
RELIT, LIGHT = 0.3, 0.2
"""How many frames change colours alone, and how strongly."""
NOISY, NOISE = 0.3, 0.03
"""How many frames get noise of their own, and how much at most."""


def redraw(batch: Samples) -> Samples:
    """`frame1`, `flow01` and `flow10` of a batch, bent; colours of both frames changed one by one.

    Frames are [B, 3, H, W] in [0, 1], flow [B, 2, H, W] in pixels. Random numbers come from torch's
    generator of the frames' device.
    """
    frame1, flow01, flow10 = batch["frame1"], batch["flow01"], batch["flow10"]
    bend = _bend(frame1)
    place = pixel_grid(bend) + bend
    # what is drawn at q is what was at q + bend(q); so what was at p is drawn near p - bend(p)
    goal = pixel_grid(bend) + flow01
    back = sample(bend, goal)
    back = sample(bend, goal - back)
    return batch | {
        "frame0": _seen_anew(batch["frame0"]),
        "frame1": _seen_anew(sample(frame1, place)),
        "flow01": flow01 - back,
        "flow10": bend + sample(flow10, place),
    }


def _bend(like: Tensor) -> Tensor:
    """A smooth field of displacements, [B, 2, H, W]; some are none at all."""
    batch, _, height, width = like.shape
    total = like.new_zeros(batch, 2, height, width)
    for spacing, reach in BENDS:
        rows, columns = height // spacing + 2, width // spacing + 2
        knots = torch.randn(batch, 2, rows, columns, device=like.device)
        strength = reach * _chances(like).square()
        total += F.interpolate(knots * strength, (height, width), mode="bicubic", align_corners=False)
    return total * (_chances(like) < 0.7)


def _seen_anew(frame: Tensor) -> Tensor:
    """Other light, and noise, for some."""
    gain, lift, gamma = ((2 * _chances(frame) - 1) * LIGHT for _ in range(3))
    relit = ((1 + gain) * frame.clamp(1e-4, 1) ** torch.exp(gamma) + lift / 2).clamp(0, 1)
    frame = torch.where(_chances(frame) < RELIT, relit, frame)
    noise = NOISE * _chances(frame) * (_chances(frame) < NOISY)
    return (frame + noise * torch.randn_like(frame)).clamp(0, 1)


def _chances(like: Tensor) -> Tensor:
    """[B, 1, 1, 1], even in [0, 1)."""
    return torch.rand(len(like), 1, 1, 1, device=like.device)
