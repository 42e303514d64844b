"""From two frames and their flows to the frame between: push both forward, and paint what they leave.

Frames and their features at three scales are splatted to the moment t, each by its own flow; a grid of
convolutions (rows are scales, columns are time to think) turns the two views into one picture.

Source: Li et al. 2021, section 4.3, after Niklaus & Liu 2020, "Softmax Splatting"; Fourure et al. 2017,
"Residual Conv-Deconv Grid Network"; Niklaus & Liu 2018, "Context-aware Synthesis".
Differs: what lands together is averaged, as AnimeInterp's weights are used to, with no importance.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nakawari.ops.splat import divide, splat_sums

WIDTHS = (32, 64, 96)
"""Channels at full size, a half and a quarter."""


class Rectifier(nn.PReLU):
    """PReLU with one slope, in place where no gradient is wanted and the input is no longer needed."""

    def forward(self, x: Tensor, spare: bool = True) -> Tensor:
        """`x` where positive, slope times `x` elsewhere; `spare`: `x` may be overwritten."""
        if torch.is_grad_enabled() or x.device.type != "cpu":
            return super().forward(x)
        return F.leaky_relu(x, float(self.weight), inplace=spare)


class FeaturePyramid(nn.Module):
    """Features of a picture at full size, a half and a quarter."""

    def __init__(self, widths: tuple[int, int, int] = WIDTHS) -> None:
        super().__init__()
        inputs = (3, widths[0], widths[0], widths[1], widths[1], widths[2])
        outputs = tuple(width for width in widths for _ in range(2))
        strides = (1, 1, 2, 1, 2, 1)
        self.convs = nn.ModuleList(
            nn.Conv2d(i, o, 3, s, 1) for i, o, s in zip(inputs, outputs, strides, strict=True)
        )
        self.rectifiers = nn.ModuleList(Rectifier() for _ in inputs)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """[B, 3, H, W] in [0, 1], H and W multiples of 4 → 32, 64 and 96 channels at 1, 1/2, 1/4."""
        kind: torch.dtype = self.convs[0].weight.dtype  # type: ignore[assignment]
        x = (2 * image - 1).to(kind)
        found = []
        for number, (conv, rectify) in enumerate(zip(self.convs, self.rectifiers, strict=True)):
            x = rectify(conv(x))
            if number % 2:
                found.append(x)
        return found[0], found[1], found[2]


class Cell(nn.Module):
    """Rectifier and 3×3 convolution, twice."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.rectify1 = Rectifier()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1)
        self.rectify2 = Rectifier()
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1)

    def forward(self, x: Tensor, spare: bool = False) -> Tensor:
        """[B, inputs, h, w] → [B, outputs, h / stride, w / stride]; `spare`: `x` may be overwritten."""
        x = self.conv1(self.rectify1(x, spare))
        return self.conv2(self.rectify2(x))  # type: ignore[no-any-return]


class Up(Cell):
    """A cell after bilinear enlargement to twice the size."""

    def forward(self, x: Tensor, spare: bool = False) -> Tensor:
        """[B, inputs, h, w] → [B, outputs, 2h, 2w]."""
        large = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
        return super().forward(large, spare=True)


class GridNet(nn.Module):
    """Three rows of cells; two columns lead down from the inputs, two up to the picture.

    Numbers are (row, column) of the published grid of six columns, of which the middle two are left out.
    """

    SEES, ALIGNED = 128, 32
    """Pixels that it looks around, or more; a part of a picture begins at multiples of the second."""

    def __init__(self, widths: tuple[int, int, int] = WIDTHS) -> None:
        super().__init__()
        c0, c1, c2 = widths
        self.picture_head = Cell(6, c0)
        self.heads = nn.ModuleList(Cell(2 * width, width) for width in widths)
        self.lateral = nn.ModuleDict(
            {f"{row}{column}": Cell(widths[row], widths[row]) for row, column in _LATERAL}
        )
        self.down = nn.ModuleDict({"10": Cell(c0, c1, 2), "11": Cell(c0, c1, 2),
                                   "20": Cell(c1, c2, 2), "21": Cell(c1, c2, 2)})  # fmt: skip
        self.up = nn.ModuleDict({"04": Up(c1, c0), "05": Up(c1, c0), "14": Up(c2, c1), "15": Up(c2, c1)})
        self.tail = Cell(c0, 3)

    def forward(self, pictures: Tensor, features: tuple[Tensor, Tensor, Tensor]) -> Tensor:
        """[B, 3, H, W], not clamped.

        Args:
            pictures: [B, 6, H, W], both frames at t. May be overwritten, as may the features.
            features: [B, 64, H, W], [B, 128, H/2, W/2], [B, 192, H/4, W/4], both frames' at t.
        """
        x0 = self.picture_head(pictures, True).add_(self.heads[0](features[0], True))
        x1 = self.down["10"](x0).add_(self.heads[1](features[1], True))
        x2 = self.down["20"](x1).add_(self.heads[2](features[2], True))
        x0 = self._on("01", x0)
        x1 = self._on("11", x1).add_(self.down["11"](x0))
        x2 = self._on("21", x2).add_(self.down["21"](x1))
        for column in "45":
            x2 = self._on(f"2{column}", x2)
            x1 = self._on(f"1{column}", x1).add_(self.up[f"1{column}"](x2))
            x0 = self._on(f"0{column}", x0).add_(self.up[f"0{column}"](x1))
        image: Tensor = self.tail(x0, True)
        return image

    def _on(self, name: str, x: Tensor) -> Tensor:
        """Through a lateral cell, around which `x` goes straight on."""
        cell: Tensor = self.lateral[name](x)
        return cell.add_(x)


_LATERAL = ((0, 1), (0, 4), (0, 5), (1, 1), (1, 4), (1, 5), (2, 1), (2, 4), (2, 5))


def push(
    image: Tensor, features: tuple[Tensor, Tensor, Tensor], flow: Tensor
) -> tuple[Tensor, tuple[Tensor, Tensor, Tensor]]:
    """A frame and its features along a flow; what lands together is averaged, zero where nothing lands.

    Args:
        image: [B, 3, H, W]. features: what `FeaturePyramid` gave for it.
        flow: [B, 2, H, W], pixels, to the moment that is drawn.
    """
    kind = features[0].dtype
    joined = torch.cat([image.to(flow.dtype), features[0].to(flow.dtype)], 1)
    landed = divide(*splat_sums(joined, flow))
    halves = []
    for level in (1, 2):
        step = 2**level
        small = flow[:, :, ::step, ::step] / step  # official: nearest neighbours, not means
        halves.append(divide(*splat_sums(features[level].to(flow.dtype), small)).to(kind))
    return landed[:, :3], (landed[:, 3:].to(kind), halves[0], halves[1])
