"""Correlation: how well the features of a pixel agree with those of places in another picture.

`local_correlation` looks around the same place (warp first to look around where a flow leads).
`look_up` and `look_up_on_demand` look around any place, at several scales at once: the first in a volume
that holds the agreement of all with all, the second works out what is asked for and keeps nothing.
`reference.py` defines them in torch; `cpu.py` and `lookup.py` (numba) are the fast twins for float32 on the
CPU; other devices and number types run the reference, which differentiates itself.
"""

from __future__ import annotations

from collections.abc import Sequence
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


# -- places anywhere, at several scales ---------------------------------------------------------------


def all_pairs(features0: Tensor, features1: Tensor) -> Tensor:
    """Agreement of every pixel of one map with every pixel of another.

    Args:
        features0: [B, C, H0, W0]. features1: [B, C, H1, W1].

    Returns:
        [B, H0 W0, H1, W1], the scalar product over channels divided by the root of C. The volume of the
        other direction is its transpose: `transposed`.

    Source: Teed & Deng 2020, "RAFT", section 3.2.
    """
    batch, channels, height, width = features1.shape
    own = features0.flatten(2).transpose(1, 2) * channels**-0.5
    return torch.matmul(own, features1.flatten(2)).view(batch, -1, height, width)


def transposed(volume: Tensor, size: tuple[int, int]) -> Tensor:
    """The volume of `all_pairs(features1, features0)` from that of `all_pairs(features0, features1)`.

    Args:
        volume: [B, H0 W0, H1, W1].
        size: (H0, W0).
    """
    return volume.flatten(2).transpose(1, 2).contiguous().view(volume.shape[0], -1, *size)


def pyramid(maps: Tensor, levels: int) -> list[Tensor]:
    """`maps` [B, N, H, W] at `levels` scales, each half the one before (odd last rows are dropped)."""
    scales = [maps]
    for _ in range(levels - 1):
        scales.append(torch.nn.functional.avg_pool2d(scales[-1], 2, stride=2))
    return scales


def look_up(volumes: Sequence[Tensor], places: Tensor, radius: int) -> Tensor:
    """Agreement with the surroundings of a place, for each pixel and scale.

    Args:
        volumes: `pyramid(all_pairs(...), levels)`; float32 ones on the CPU are contiguous.
        places: [B, 2, H0, W0], (x, y) in pixels of the second map: where each pixel looks.
        radius: pixels of a scale to each side.

    Returns:
        [B, levels (2 radius + 1)^2, H0, W0], channels last in memory: channel
        (level, dx + radius, dy + radius), bilinear between pixels, 0 outside. dx counts slower than dy.

    Source: Teed & Deng 2020, "RAFT", section 3.2; the order is that of its released code.
    """
    if _is_fast(volumes[0], places):
        from nakawari.ops.correlation import lookup

        return lookup.look_up(volumes, places, radius)
    return reference.look_up(volumes, places, radius)


def look_up_on_demand(features0: Tensor, pyramid1: Sequence[Tensor], places: Tensor, radius: int) -> Tensor:
    """What `look_up` gives, without a volume: memory grows with pixels, not with their square.

    Args:
        features0: [B, C, H0, W0]. pyramid1: `pyramid(features1, levels)`.
        places, radius: as `look_up`.
    """
    if _is_fast(features0, places):
        from nakawari.ops.correlation import lookup

        return lookup.look_up_on_demand(features0, pyramid1, places, radius)
    return reference.look_up_on_demand(features0, pyramid1, places, radius)


def _is_fast(values: Tensor, places: Tensor) -> bool:
    differentiated = torch.is_grad_enabled() and (values.requires_grad or places.requires_grad)
    return values.device.type == "cpu" and values.dtype == torch.float32 and not differentiated
