"""Correlation: how well the features of a pixel agree with those of places in another picture.

`local_correlation` looks around the same place (warp first to look around where a flow leads).
`reference.py` defines it in torch; `cpu.py` (numba) is the fast twin for float32 on the CPU; other devices
and number types run the reference, which differentiates itself.
"""

from __future__ import annotations

import torch
from torch import Tensor

from nakawari.errors import InputError, ShapeError
from nakawari.ops.correlation import reference
from nakawari.tensors import check_image


def local_correlation(features0: Tensor, features1: Tensor, radius: int) -> Tensor:
    """Agreement of each pixel with those around the same place of the other map.

    Args:
        features0, features1: [B, C, H, W].
        radius: pixels to each side, at least 0.

    Returns:
        [B, (2 radius + 1)^2, H, W]: channel (dy + radius) (2 radius + 1) + dx + radius is the mean over
        channels of features0(y, x) features1(y + dy, x + dx); 0 where that is outside.

    Raises:
        ShapeError: the maps differ in shape.
        InputError: the radius is negative.

    Source: Dosovitskiy et al. 2015, "FlowNet", the correlation layer with patches of one pixel.
    """
    check_image(features0, "features0")
    if features1.shape != features0.shape:
        raise ShapeError(
            f"features1 is {list(features1.shape)}; wanted {list(features0.shape)} as features0 is."
        )
    if radius < 0:
        raise InputError(f"radius is {radius}; wanted 0 or more.")
    if features0.device.type == "cpu" and features0.dtype == features1.dtype == torch.float32:
        correlated: Tensor = _local(features0.contiguous(), features1.contiguous(), radius)
        return correlated
    return reference.local_correlation(features0, features1, radius)


@torch.library.custom_op("nakawari::local_correlation", mutates_args=(), device_types="cpu")
def _local(features0: Tensor, features1: Tensor, radius: int) -> Tensor:
    from nakawari.ops.correlation import cpu

    return cpu.local_correlation(features0, features1, radius)


@torch.library.custom_op("nakawari::local_correlation_backward", mutates_args=(), device_types="cpu")
def _local_backward(grad: Tensor, features0: Tensor, features1: Tensor, radius: int) -> tuple[Tensor, Tensor]:
    from nakawari.ops.correlation import cpu

    return cpu.local_correlation_backward(grad, features0, features1, radius)


@_local.register_fake
def _(features0: Tensor, features1: Tensor, radius: int) -> Tensor:
    batch, _, height, width = features0.shape
    return features0.new_empty(batch, (2 * radius + 1) ** 2, height, width)


@_local_backward.register_fake
def _(grad: Tensor, features0: Tensor, features1: Tensor, radius: int) -> tuple[Tensor, Tensor]:
    return torch.empty_like(features0), torch.empty_like(features1)


def _remember(
    ctx: torch.autograd.function.FunctionCtx, inputs: tuple[Tensor, Tensor, int], output: object
) -> None:
    ctx.save_for_backward(*inputs[:2])
    ctx.radius = inputs[2]  # type: ignore[attr-defined]


def _differentiate(ctx: torch.autograd.function.FunctionCtx, grad: Tensor) -> tuple[Tensor, Tensor, None]:
    features0, features1 = ctx.saved_tensors  # type: ignore[attr-defined]
    grad0, grad1 = _local_backward(grad.contiguous(), features0, features1, ctx.radius)  # type: ignore[attr-defined]
    return grad0, grad1, None


_local.register_autograd(_differentiate, setup_context=_remember)
