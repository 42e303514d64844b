"""What RIFE is trained with.

The paper's text (and the colour-class document) prints a Charbonnier distance as its reconstruction loss,
which is `losses.image.charbonnier`; the released code takes differences of Laplacian pyramids, which is
`laplacian_bands`. A teacher that is shown the truth draws the picture too, and hands its flow down where it
does better.

Source: Huang et al. 2022, *Real-Time Intermediate Flow Estimation for Video Frame Interpolation*; its code.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

BETTER_BY = 0.01
"""Where the teacher's picture is nearer to the truth by more than this, its flow is learned."""


def laplacian_bands(made: Tensor, truth: Tensor, levels: int = 5) -> Tensor:
    """L1 of `levels` bands of Laplacian pyramids, all alike, without what is left below them.

    official: the lowest frequencies are in no band, so a constant shift of brightness costs nothing.
    Pictures too small for `levels` use as many as they have.

    Args:
        made, truth: [B, 3, H, W] in [0, 1].
        levels: number of bands.
    """
    rest = made.float() - truth.float()  # the pyramid is linear: one of the difference will do
    total = rest.new_zeros(())
    for _ in range(levels):
        if min(rest.shape[-2:]) < 4:
            break
        low = _blur(rest)[..., ::2, ::2]
        total = total + (rest - _enlarge(low, rest.shape[-2:])).abs().mean()
        rest = low
    return total


def _blur(image: Tensor, gain: float = 1.0) -> Tensor:
    """Binomial, five taps both ways, mirrored at the edge."""
    taps = torch.tensor((1.0, 4.0, 6.0, 4.0, 1.0), device=image.device) / 16
    kernel = (gain * taps[:, None] * taps).expand(image.shape[1], 1, 5, 5)
    with torch.autocast(image.device.type, enabled=False):
        return F.conv2d(F.pad(image, (2, 2, 2, 2), mode="reflect"), kernel, groups=image.shape[1])


def _enlarge(low: Tensor, size: torch.Size) -> Tensor:
    """Every second pixel, zeros between them, blurred: sums are kept by four times the gain."""
    wide = low.new_zeros(*low.shape[:2], *size)
    wide[..., ::2, ::2] = low
    return _blur(wide, gain=4.0)


def distillation(
    flows: Sequence[Tensor], pictures: Sequence[Tensor], flow: Tensor, picture: Tensor, truth: Tensor
) -> Tensor:
    """How far the flow of each block is from the teacher's, where the teacher drew better than that block.

    Args:
        flows: of each block, [B, 4, H, W], pixels.
        pictures: what each block's flow and mask give, [B, 3, H, W].
        flow, picture: the teacher's; no gradient goes into them.
        truth: [B, 3, H, W].

    Returns:
        the sum over blocks of the mean over pixels; the published weight is 0.01.
    """
    with torch.no_grad():
        own = (picture.float() - truth).abs().mean(1, keepdim=True)
    total = flow.new_zeros((), dtype=torch.float32)
    for each, drawn in zip(flows, pictures, strict=True):
        with torch.no_grad():
            better = (drawn.float() - truth).abs().mean(1, keepdim=True) > own + BETTER_BY
        away = (flow.detach().float() - each.float()).square().mean(1, keepdim=True)
        total = total + ((away + 1e-12).sqrt() * better).mean()
    return total
