"""What the blocks of RIFE are made of, in all releases."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nakawari.models.rife.versions import RifeConfig


def conv(inputs: int, outputs: int, stride: int, prelu: bool) -> nn.Sequential:
    """A 3×3 convolution and its rectifier."""
    rectifier = nn.PReLU(outputs) if prelu else nn.LeakyReLU(0.2, inplace=True)
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, 1), rectifier)


class Skip(nn.Sequential):
    """Layers with a shortcut around all of them."""

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, h, w] → the same."""
        out = x
        for layer in self:
            out = layer(out)
        return out + x


class Residual(nn.Module):
    """A gated convolution with a shortcut around it."""

    def __init__(self, width: int, groups: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, 1, 1, groups=groups)
        self.beta: nn.Parameter | None = nn.Parameter(torch.ones(1, width, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """[B, width, h, w] → the same."""
        out = self.conv(x)
        if self.beta is not None:
            out = out * self.beta + x
        return F.leaky_relu_(out, 0.2)

    def fold(self) -> None:
        """Make gate and shortcut part of the convolution; for drawing only, in float32."""
        if self.beta is None:
            return
        with torch.no_grad():
            weight = self.conv.weight * self.beta[0, :, None]
            centre = torch.arange(weight.shape[0])
            weight[centre, centre % weight.shape[1], 1, 1] += 1
            self.conv.weight.copy_(weight)
            assert self.conv.bias is not None
            self.conv.bias.mul_(self.beta.flatten())
        self.beta = None


class Twins(nn.Module):
    """Flow and mask from two heads."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.flow, self.mask = (
            nn.Sequential(
                nn.ConvTranspose2d(width, width // 2, 4, 2, 1),
                nn.PReLU(width // 2),
                nn.ConvTranspose2d(width // 2, outputs, 4, 2, 1),
            )
            for outputs in (4, 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        """[B, width, h, w] → [B, 5, 4h, 4w]."""
        return torch.cat([self.flow(x), self.mask(x)], 1)


class Block(nn.Module):
    """One scale's say."""

    def __init__(self, config: RifeConfig, inputs: int, width: int) -> None:
        super().__init__()
        c = config
        self.shrink = nn.Sequential(
            conv(inputs, width // 2, c.stride, c.prelu), conv(width // 2, width, 2, c.prelu)
        )
        self.body = _body(config, width)
        self.tail: nn.Module
        if c.tail == "twins":
            self.tail = Twins(width)
        elif c.tail == "shuffle":
            self.tail = nn.Sequential(nn.ConvTranspose2d(width, 4 * c.channels, 4, 2, 1), nn.PixelShuffle(2))
        else:
            self.tail = nn.ConvTranspose2d(width, c.channels, 4, 2, 1)

    def forward(self, seen: Tensor) -> Tensor:
        """[B, inputs, h, w] → [B, channels, h / spread, w / spread]: flow in its own pixels, mask, more."""
        dtype = next(self.parameters()).dtype
        said: Tensor = self.tail(self.body(self.shrink(seen.to(dtype)))).float()
        return said.contiguous()  # few planes, which are enlarged one by one


def _body(config: RifeConfig, width: int) -> nn.Sequential:
    if config.body == "residual":
        return nn.Sequential(*(Residual(width, config.groups) for _ in range(8)))
    layers = [conv(width, width, 1, config.prelu) for _ in range(8)]
    if config.body == "once":
        return nn.Sequential(Skip(*layers))
    if config.body == "pairs":
        return nn.Sequential(*(Skip(*layers[i : i + 2]) for i in range(0, 8, 2)))
    return nn.Sequential(*layers)


def encoder(hidden: int, outputs: int, between: int) -> nn.Sequential:
    """Features of a frame at its own size."""
    layers: list[nn.Module] = [nn.Conv2d(3, hidden, 3, 2, 1)]
    for _ in range(between):
        layers += [nn.LeakyReLU(0.2, inplace=True), nn.Conv2d(hidden, hidden, 3, 1, 1)]
    if between:
        layers += [nn.LeakyReLU(0.2, inplace=True)]
    return nn.Sequential(*layers, nn.ConvTranspose2d(hidden, outputs, 4, 2, 1))
