"""What `fast` is made of: widths, blocks, features, and matching all with all."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nakawari.ops.splat import divide


@dataclass(frozen=True, slots=True)
class FastConfig:
    """Widths of `fast`; every number is a count of channels or pixels."""

    width2: int = 16
    width4: int = 32
    width8: int = 48
    width16: int = 64
    choose: int = 64
    refine: int = 32
    carry: int = 16
    draw2: int = 24
    draw4: int = 32
    draw8: int = 48
    radius8: int = 3
    radius4: int = 2


def conv(inputs: int, outputs: int, stride: int = 1, kernel: int = 3) -> nn.Conv2d:
    """A convolution that keeps (or halves) the size."""
    return nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2)


def block(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    """Convolution and leaky rectifier."""
    return nn.Sequential(conv(inputs, outputs, stride), nn.LeakyReLU(0.1, inplace=True))


class Residual(nn.Module):
    """Two convolutions around which the input goes straight on."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = block(width, width)
        self.second = conv(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """[B, width, H, W] → the same."""
        return F.leaky_relu(x + self.second(self.first(x)), 0.1)


def zeroed(layer: nn.Conv2d) -> nn.Conv2d:
    """Let a last layer start at zero."""
    nn.init.zeros_(layer.weight)
    assert layer.bias is not None
    nn.init.zeros_(layer.bias)
    return layer


def bounded(features: Tensor) -> Tensor:
    """Features [B, C, H, W] as they are where they are small, and never longer than √C.

    Agreement is a product of features, and matching by cosine does not feel their length: nothing else would
    keep that from growing while a network learns, until it breaks.
    """
    return features * (1 + features.square().mean(1, keepdim=True)).rsqrt()


class Encoder(nn.Module):
    """Image [B, 3, H, W] → features at 1/2, 1/4, 1/8, 1/16."""

    def __init__(self, config: FastConfig) -> None:
        super().__init__()
        c = config
        self.to2 = nn.Sequential(block(3, c.width2, 2), block(c.width2, c.width2))
        self.to4 = nn.Sequential(block(c.width2, c.width4, 2), Residual(c.width4))
        self.to8 = nn.Sequential(block(c.width4, c.width8, 2), Residual(c.width8))
        self.to16 = nn.Sequential(block(c.width8, c.width16, 2), Residual(c.width16), Residual(c.width16))

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Features, finest first."""
        at2 = self.to2(image - 0.5)
        at4 = bounded(self.to4(at2))
        at8 = bounded(self.to8(at4))
        return at2, at4, at8, bounded(self.to16(at8))


MATCHED_CELLS = 4096
"""Larger maps are matched at half size: all with all grows with the square."""
_REACH = 2
"""Cells around the best one whose mean place is taken."""


def match_all(features0: Tensor, features1: Tensor, sharpness: Tensor) -> tuple[Tensor, Tensor]:
    """Where each cell of one map is found in all of the other, both ways.

    Args:
        features0, features1: [B, C, h, w], compared by cosine.
        sharpness: scalar that multiplies the cosines before the softmax.

    Returns:
        flows [2B, 2, h, w] in cells (0→1 for all, then 1→0), and the probability of the best cell
        [2B, 1, h, w]. The flow is the mean place around the best cell, so that two equal matches far
        apart do not meet in the middle.
    """
    batch, _, height, width = features0.shape
    if height * width > MATCHED_CELLS:
        half0, half1 = (F.avg_pool2d(x, 2, ceil_mode=True) for x in (features0, features1))
        flow, total = match_all(half0, half1, sharpness)
        wide = F.interpolate(torch.cat([flow * 2, total], 1), scale_factor=2.0, mode="bilinear")
        return wide[:, :2, :height, :width], wide[:, 2:, :height, :width]
    unit0 = F.normalize(features0.flatten(2), dim=1)
    unit1 = F.normalize(features1.flatten(2), dim=1)
    agreement = torch.einsum("bcm,bcn->bmn", unit0, unit1) * sharpness
    both = torch.cat([agreement, agreement.transpose(1, 2)])
    best = both.argmax(2, keepdim=True)
    ys, xs = best // width, best % width
    offsets = torch.arange(-_REACH, _REACH + 1, device=best.device)
    near_y = (ys + offsets.repeat_interleave(len(offsets))).expand(-1, -1, len(offsets) ** 2)
    near_x = (xs + offsets.repeat(len(offsets))).expand_as(near_y)
    inside = (near_y >= 0) & (near_y < height) & (near_x >= 0) & (near_x < width)
    near = (near_y * width + near_x).clamp(0, height * width - 1)
    local = (both.gather(2, near) - both.logsumexp(2, keepdim=True)).exp() * inside
    total = local.sum(2).clamp_min(1e-6)
    place = torch.stack([(local * near_x).sum(2), (local * near_y).sum(2)], 1) / total[:, None]
    cells = torch.arange(height * width, device=best.device)
    flow = (place - torch.stack([cells % width, cells // width])[None]).reshape(2 * batch, 2, height, width)
    return flow, total.reshape(2 * batch, 1, height, width)


def fill(sums: Tensor, mass: Tensor) -> Tensor:
    """Fill what nothing landed on from ever wider surroundings.

    Args:
        sums, mass: [B, C, H, W] and [B, 1, H, W], as `splat_sums` gives them.

    Returns:
        [B, C, H, W]: the quotient where there is mass, averages over 4, 16 and 64 pixels elsewhere.
    """
    levels = [(sums, mass)]
    for _ in range(3):
        if min(levels[-1][1].shape[2:]) < 4:
            break
        levels.append(
            (F.avg_pool2d(levels[-1][0], 4, ceil_mode=True), F.avg_pool2d(levels[-1][1], 4, ceil_mode=True))
        )
    wide: Tensor | None = None
    for level_sums, level_mass in reversed(levels):
        own = divide(level_sums, level_mass)
        if wide is not None:
            # By 4 and cut, not to the size: a window, of another size, has to get the same.
            height, width = own.shape[2:]
            wide = F.interpolate(wide, scale_factor=4, mode="bilinear")[:, :, :height, :width]
            share = level_mass / (level_mass + 1e-3)
            own = torch.lerp(wide, own, share)
        wide = own
    assert wide is not None
    return wide
