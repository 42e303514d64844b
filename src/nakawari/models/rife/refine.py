"""What the paper's releases do to the merged picture: a U-net that sees context of both adds a residual."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nakawari.models.boxes import Box
from nakawari.ops.warp import warp_part


def _conv(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, 1), nn.PReLU(outputs))


def _stage(inputs: int, outputs: int, stride: int = 2) -> nn.Sequential:
    return nn.Sequential(_conv(inputs, outputs, stride), _conv(outputs, outputs, 1))


def _up(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.ConvTranspose2d(inputs, outputs, 4, 2, 1), nn.PReLU(outputs))


class Refinement(nn.Module):
    """Context of a frame at four sizes, and the U-net.

    Args:
        width: channels of the finest context; each coarser one has twice as many.
        stride: 2 starts at half size; 1 at full size, and works at double size in the end.
    """

    SEES = 96
    """Pixels that the U-net looks around, or more."""

    def __init__(self, width: int, stride: int) -> None:
        super().__init__()
        w, self.stride = width, stride
        self.contexts = nn.ModuleList([_stage(3, w, stride), *(_stage(w << i, 2 * w << i) for i in range(3))])
        self.down = nn.ModuleList(
            [_stage(17, 2 * w, stride), *(_stage(4 * w << i, 4 * w << i) for i in range(3))]
        )
        self.up = nn.ModuleList(_up(4 * w << i, w << i) for i in (3, 2, 1, 0))
        self.out = nn.Conv2d(w, 3, 3, 3 - stride, 1)

    def context(self, image: Tensor) -> list[Tensor]:
        """[B, 3, H, W] → features at four sizes, finest first; they do not depend on the other frame."""
        x, features = image.to(self.out.weight.dtype), []
        for stage in self.contexts:
            x = stage(x)
            features.append(x.contiguous())  # warped plane by plane
        return features

    def forward(
        self, seen: Tensor, context: tuple[list[Tensor], list[Tensor]], flow: Tensor, box: Box
    ) -> Tensor:
        """The residual of a box of the picture, [B, 3, h, w] in (-1, 1).

        Args:
            seen: [B, 17, h, w], keys, warped keys, mask's logit, flow.
            context: of both keys, whole.
            flow: [B, 4, h, w].
            box: which part of the picture it is.
        """
        x = seen.to(self.out.weight.dtype)
        skips: list[Tensor] = []
        for number, stage in enumerate(self.down):
            x = stage(x)
            skips.append(x)
            if number or self.stride == 2:
                flow = F.interpolate(flow, scale_factor=0.5, mode="bilinear", align_corners=False) * 0.5
                box = box.scaled(0.5)
            warped = (
                warp_part(side[number].float(), flow[:, way : way + 2], box.top, box.left).to(x.dtype)
                for side, way in zip(context, (0, 2), strict=True)
            )
            x = torch.cat([x, *warped], 1)
        for number, up in enumerate(self.up):
            x = up(x if number == 0 else torch.cat([x, skips[3 - number]], 1))
        residual: Tensor = torch.sigmoid(self.out(x).float())
        return residual * 2 - 1
