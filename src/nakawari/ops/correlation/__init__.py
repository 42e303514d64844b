"""Correlation: how well the features of a pixel agree with those of places in another picture.

`local_correlation` looks around the same place (warp first to look around where a flow leads).
`reference.py` defines it in torch; `cpu.py` (numba) is the fast twin for float32 on the CPU; other devices
and number types run the reference.
"""

from __future__ import annotations

from typing import Any

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
    correlated: Tensor = torch.ops.nakawari.local_correlation(features0, features1, radius)
    return correlated


# -- the op: see `ops.splat` for why it is made with `torch.library.Library` -----------------------------

_library: Any = torch.library.Library("nakawari", "FRAGMENT")  # type: ignore[no-untyped-call]
_library.define("local_correlation(Tensor features0, Tensor features1, int radius) -> Tensor")
_library.define(
    "local_correlation_backward(Tensor grad, Tensor features0, Tensor features1, int radius)"
    " -> (Tensor, Tensor)"
)


def _cpu(features0: Tensor, features1: Tensor, radius: int) -> Tensor:
    if features0.dtype != torch.float32 or features1.dtype != torch.float32:
        return reference.local_correlation(features0, features1, radius)
    from nakawari.ops.correlation import cpu

    return cpu.local_correlation(features0, features1, radius)


def _cpu_backward(grad: Tensor, features0: Tensor, features1: Tensor, radius: int) -> tuple[Tensor, Tensor]:
    if features0.dtype != torch.float32 or features1.dtype != torch.float32:
        return reference.local_correlation_backward(grad, features0, features1, radius)
    from nakawari.ops.correlation import cpu

    return cpu.local_correlation_backward(grad, features0, features1, radius)


_library.impl("local_correlation", reference.local_correlation, "CompositeExplicitAutograd")
_library.impl("local_correlation_backward", reference.local_correlation_backward, "CompositeExplicitAutograd")
_library.impl("local_correlation", _cpu, "CPU")
_library.impl("local_correlation_backward", _cpu_backward, "CPU")


def _shape(features0: Tensor, features1: Tensor, radius: int) -> Tensor:
    batch, _, height, width = features0.shape
    return features0.new_empty(batch, (2 * radius + 1) ** 2, height, width)


def _shapes_backward(
    grad: Tensor, features0: Tensor, features1: Tensor, radius: int
) -> tuple[Tensor, Tensor]:
    return torch.empty_like(features0), torch.empty_like(features1)


_library.impl("local_correlation", _shape, "Meta")
_library.impl("local_correlation_backward", _shapes_backward, "Meta")


def _remember(
    ctx: torch.autograd.function.FunctionCtx, inputs: tuple[Tensor, Tensor, int], output: object
) -> None:
    ctx.save_for_backward(*inputs[:2])
    ctx.radius = inputs[2]  # type: ignore[attr-defined]


def _differentiate(ctx: torch.autograd.function.FunctionCtx, grad: Tensor) -> tuple[Tensor, Tensor, None]:
    features0, features1 = ctx.saved_tensors  # type: ignore[attr-defined]
    radius: int = ctx.radius  # type: ignore[attr-defined]
    grad0, grad1 = torch.ops.nakawari.local_correlation_backward(grad, features0, features1, radius)
    return grad0, grad1, None


torch.library.register_autograd(
    "nakawari::local_correlation", _differentiate, setup_context=_remember, lib=_library
)
