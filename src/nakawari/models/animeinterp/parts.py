"""What recurrent flow refinement is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Norm = Literal["none", "instance", "batch"]


def _norm(kind: Norm, width: int) -> nn.Module:
    if kind == "batch":
        return nn.BatchNorm2d(width)
    return nn.InstanceNorm2d(width) if kind == "instance" else nn.Identity()


class Residual(nn.Module):
    """Two 3×3 convolutions around which the input goes straight on, or through a 1×1 where sizes change."""

    def __init__(self, inputs: int, outputs: int, stride: int, norm: Norm) -> None:
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs, 3, stride, 1)
        self.first_norm = _norm(norm, outputs)
        self.second = nn.Conv2d(outputs, outputs, 3, 1, 1)
        self.second_norm = _norm(norm, outputs)
        self.shortcut = nn.Conv2d(inputs, outputs, 1, stride) if stride > 1 else None
        self.shortcut_norm = _norm(norm, outputs) if stride > 1 else None

    def forward(self, x: Tensor) -> Tensor:
        """[B, inputs, h, w] → [B, outputs, h / stride, w / stride]."""
        y = F.relu(self.first_norm(self.first(x)), inplace=True)
        y = F.relu(self.second_norm(self.second(y)), inplace=True)
        if self.shortcut is not None and self.shortcut_norm is not None:
            x = self.shortcut_norm(self.shortcut(x))
        return F.relu(x + y, inplace=True)


class FeatureEncoder(nn.Module):
    """256 features of a picture at 1/8 (fewer if `narrow`), after three stages of residual blocks."""

    def __init__(self, norm: Norm, narrow: int = 1) -> None:
        super().__init__()
        widths = tuple(width // narrow for width in (64, 64, 96, 128))
        self.stem = nn.Conv2d(3, widths[0], 7, 2, 3)
        self.stem_norm = _norm(norm, widths[0])
        self.stages = nn.Sequential(
            *(
                nn.Sequential(
                    Residual(widths[n], widths[n + 1], 2 if n else 1, norm),
                    Residual(widths[n + 1], widths[n + 1], 1, norm),
                )
                for n in range(3)
            )
        )
        self.head = nn.Conv2d(widths[-1], 256 // narrow, 1)

    def forward(self, image: Tensor) -> Tensor:
        """[B, 3, H, W] in [-1, 1] → [B, 256, H/8, W/8]."""
        x = F.relu(self.stem_norm(self.stem(image)), inplace=True)
        features: Tensor = self.head(self.stages(x))
        return features


class MotionEncoder(nn.Module):
    """Agreement around where each pixel looks, and its flow, as 128 features (the last two are the flow)."""

    def __init__(self, planes: int, narrow: int = 1) -> None:
        super().__init__()
        n = narrow
        self.agreement1 = nn.Conv2d(planes, 256 // n, 1)
        self.agreement2 = nn.Conv2d(256 // n, 192 // n, 3, padding=1)
        self.flow1 = nn.Conv2d(2, 128 // n, 7, padding=3)
        self.flow2 = nn.Conv2d(128 // n, 64 // n, 3, padding=1)
        self.both = nn.Conv2d(256 // n, 128 // n - 2, 3, padding=1)

    def forward(self, flow: Tensor, agreement: Tensor) -> Tensor:
        """Flow [B, 2, h, w] and agreement [B, planes, h, w] → [B, 128, h, w]."""
        seen = F.relu(self.agreement2(F.relu(self.agreement1(agreement), inplace=True)), inplace=True)
        moved = F.relu(self.flow2(F.relu(self.flow1(flow), inplace=True)), inplace=True)
        return torch.cat([F.relu(self.both(torch.cat([seen, moved], 1)), inplace=True), flow], 1)


class GatedPass(nn.Module):
    """One of the two passes of the recurrent unit: update, reset and candidate from one kernel.

    The three gates of a pass are one convolution over [hidden, context, motion]; rows of its kernel are
    update, reset, candidate. What comes from the context is the same in every iteration: `settle` works it
    out once.
    """

    def __init__(self, hidden: int, context: int, motion: int, kernel: tuple[int, int]) -> None:
        super().__init__()
        self.hidden, self.context = hidden, context
        self.padding = (kernel[0] // 2, kernel[1] // 2)
        self.weight = nn.Parameter(torch.empty(3 * hidden, hidden + context + motion, *kernel))
        self.bias = nn.Parameter(torch.zeros(3 * hidden))
        nn.init.kaiming_uniform_(self.weight, a=5**0.5)

    def settle(self, context: Tensor) -> Settled:
        """Split the kernel, and convolve the context [B, context, h, w]."""
        h, c = self.hidden, self.context
        weight = self.weight
        return Settled(
            F.conv2d(context, weight[:, h : h + c], self.bias, padding=self.padding),
            weight[: 2 * h, :h].contiguous(),
            weight[2 * h :, :h].contiguous(),
            weight[:, h + c :].contiguous(),
        )

    def forward(self, hidden: Tensor, motion: Tensor, settled: Settled) -> Tensor:
        """The next hidden state, of the shape of `hidden` [B, hidden, h, w]."""
        known = F.conv2d(motion, settled.of_motion, padding=self.padding) + settled.context
        gates = F.conv2d(hidden, settled.of_hidden, padding=self.padding)
        gates = torch.sigmoid(gates + known[:, : 2 * self.hidden])
        update, reset = gates.chunk(2, 1)
        candidate = F.conv2d(reset * hidden, settled.of_reset, padding=self.padding)
        candidate = torch.tanh(candidate + known[:, 2 * self.hidden :])
        return torch.lerp(hidden, candidate, update)


@dataclass(slots=True)
class Settled:
    """What a pass of the recurrent unit need not work out again for a pair."""

    context: Tensor
    """[B, 3 hidden, h, w], with the bias."""
    of_hidden: Tensor
    of_reset: Tensor
    of_motion: Tensor


class ErrorAttention(nn.Module):
    """How far a pixel should believe its coarse flow, from how well the pictures then agree.

    Source: Li et al. 2021, eq. 7-8: the flow is scaled by exp(-g²), g this network's output.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(6, 32, 5, padding=2)
        self.rectify1 = nn.PReLU()
        self.conv2 = nn.Conv2d(32, 32, 3, padding=1)
        self.rectify2 = nn.PReLU()
        self.conv3 = nn.Conv2d(32 + 6, 1, 3, padding=1)

    def forward(self, image0: Tensor, error: Tensor, flow: Tensor) -> Tensor:
        """[B, 1, h, w] in (0, 1], of a picture [B, 3, h, w], an error of one plane and a flow of two."""
        seen = torch.cat([image0, error, flow], 1)
        x = self.conv2(self.rectify1(self.conv1(seen)))
        gate: Tensor = self.conv3(self.rectify2(torch.cat([x, seen], 1)))
        return torch.exp(-gate.square())


def convex_upsample(flow: Tensor, mask: Tensor, scale: int = 8) -> Tensor:
    """Flow at `scale` times the size: each fine vector is a mean of the nine coarse ones around it.

    Args:
        flow: [B, 2, h, w], in its own pixels.
        mask: [B, 9 scale^2, h, w], logits of the shares: (neighbour, fine row, fine column).
        scale: how many times the size.

    Returns:
        [B, 2, scale h, scale w], in its own pixels. Beyond the edge the flow counts as zero.

    Source: Teed & Deng 2020, "RAFT", section 3.3.
    """
    batch, _, height, width = flow.shape
    share = mask.float().view(batch, 1, 9, scale**2, height, width).softmax(2)
    around = F.unfold(scale * flow, 3, padding=1).view(batch, 2, 9, 1, height, width)
    return F.pixel_shuffle((share * around).sum(2).view(batch, 2 * scale**2, height, width), scale)
