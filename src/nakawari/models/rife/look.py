"""What a block is shown: keys warped and shrunk, side by side."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from nakawari.models.boxes import Box
from nakawari.ops.warp import sample, warp_part


def resize(x: Tensor, factor: float) -> Tensor:
    """Bilinearly, by a factor that gives whole pixels."""
    if factor == 1:
        return x
    return F.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False)


def look(source: Tensor, flow: Tensor, scale: float, box: Box) -> Tensor:
    """A box of `source` warped by `flow` and then shrunk by `scale`; no more is computed than is seen."""
    if scale < 4:
        full = box.scaled(scale)
        return resize(warp_part(source, full.crop(flow), full.top, full.left), 1 / scale)
    step, twice = int(scale), box.scaled(2)
    rows = _seen_of(flow.shape[2], step, flow.device)[twice.top : twice.bottom]
    columns = _seen_of(flow.shape[3], step, flow.device)[twice.left : twice.right]
    place = flow[:, :, rows[:, None], columns]
    place = place + torch.stack([columns.expand(len(rows), -1), rows[:, None].expand(-1, len(columns))])
    return F.avg_pool2d(sample(source, place), 2)


def _seen_of(length: int, step: int, device: torch.device) -> Tensor:
    """The two pixels in the middle of each `step`."""
    starts = torch.arange(step // 2 - 1, length, step, device=device)
    return torch.stack([starts, starts + 1], 1).flatten()


def beside(key0: Tensor, key1: Tensor) -> Tensor:
    """Both keys in the order that blocks are used to: colours, colours, features, features."""
    if key0.shape[1] == 3:
        return torch.cat([key0, key1], 1)
    return torch.cat([key0[:, :3], key1[:, :3], key0[:, 3:], key1[:, 3:]], 1)


def mirror(both: Tensor) -> Tensor:
    """What `beside` gave, with the keys swapped."""
    if both.shape[1] == 6:
        return swap(both, 3)
    return torch.cat([swap(both[:, :6], 3), swap(both[:, 6:], (both.shape[1] - 6) // 2)], 1)


def swap(x: Tensor, half: int) -> Tensor:
    """The second `half` channels before the first."""
    return torch.cat([x[:, half:], x[:, :half]], 1)
