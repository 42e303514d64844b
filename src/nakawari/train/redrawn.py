"""Frames that are drawn anew, for learning flow: scenes move exactly as they are told, drawings do not.

Whoever draws the next key draws every line again: a little beside where motion would have brought it, in
another shape, sometimes in another light; shadows fall elsewhere, folds and strands come and go. Here frame 1
is bent by a smooth field whose flow is known, and each frame gets colours, shades and lines of its own.
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
SHADED, SHADE, SHADOW = 0.35, (32, 96), 0.5
"""How many frames get shades with edges, pixels between the knots of their shape, and how dark at most."""
INKED, STROKE, INK = 0.35, (24, 64), 0.9
"""How many frames get lines, pixels between the knots of their course, and how dark at most."""


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
        "frame0": _seen_anew(drawn_on(batch["frame0"])),
        "frame1": _seen_anew(drawn_on(sample(frame1, place))),
        "flow01": flow01 - back,
        "flow10": bend + sample(flow10, place),
    }


def _bend(like: Tensor) -> Tensor:
    """A smooth field of displacements, [B, 2, H, W]; some are none at all."""
    total = torch.zeros_like(like[:, :2])
    for spacing, reach in BENDS:
        total += reach * _chances(like).square() * _smooth(total, spacing)
    return total * (_chances(like) < 0.7)


def drawn_on(frame: Tensor) -> Tensor:
    """Shades and lines that the other frame does not have, for some."""
    where = (_course(frame, SHADE) > 0.6 + 0.8 * _chances(frame)) & (_chances(frame) < SHADED)
    frame = torch.where(where, frame * (1 - SHADOW * _chances(frame)), frame)
    course = _course(frame, STROKE)
    steep = torch.stack(torch.gradient(course, dim=(2, 3))).square().sum(0).sqrt()
    line = course.abs() < steep * (0.4 + 0.8 * _chances(frame))
    where = line & (_course(frame, STROKE) > 0.3 + _chances(frame)) & (_chances(frame) < INKED)
    return torch.where(where, frame * (1 - INK * _chances(frame)), frame)


def _course(like: Tensor, spacing: tuple[int, int]) -> Tensor:
    """A smooth field, [B, 1, H, W]; above and below 0 are shapes, and where it is 0 run lines."""
    fine, coarse = (_smooth(like[:, :1], knots) for knots in spacing)
    share = _chances(like)
    return share * fine + (1 - share) * coarse


def _smooth(like: Tensor, spacing: int) -> Tensor:
    """A random field of the same shape, of standard deviation 1 at knots so many pixels apart."""
    height, width = like.shape[2:]
    knots = torch.randn(*like.shape[:2], height // spacing + 2, width // spacing + 2, device=like.device)
    return F.interpolate(knots, (height, width), mode="bicubic", align_corners=False)


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
