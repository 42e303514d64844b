"""Forward warping: push pixels along a flow and blend what lands together.

Backward warping asks, for each pixel of the result, where it came from; that needs the flow of a picture
that does not exist yet. Splatting starts from pixels that do exist: pixel p, with flow f, lands at p + f,
and is shared by bilinear weight b among the (at most four) pixels around that point. Several may land on
one, so each carries an importance w, and the result is

    out(q) = sum_p b(q, p + f(p)) w(p) source(p) / sum_p b(q, p + f(p)) w(p)

With w = exp(weight) the most important wins as the differences grow, but smoothly, so that a network can
learn it (softmax splatting); w = 1 is a plain average. Where nothing lands there is a hole, and the sum
of weights (`mass`) says so.

One op, `torch.ops.nakawari.splat_sums`, gives both sums; everything else is arithmetic around it that torch
differentiates by itself. `reference.py` defines it in torch; `cpu.py` (numba) and `cuda.py` (triton) are
the fast twins, chosen by device; other devices and number types run the reference.

Sums of both directions, or of many layers, add up before the division:
`(sums0 + sums1) / (mass0 + mass1)`.

Source: Niklaus & Liu 2020, "Softmax Splatting for Video Frame Interpolation", eq. 4-6.
Differs: exponentials are taken relative to the largest weight of each picture, which changes nothing in
the quotient and cannot overflow.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, Literal

import torch
from torch import Tensor

from nakawari.errors import InputError, ShapeError
from nakawari.ops.splat import reference
from nakawari.tensors import check_flow, check_image

Mode = Literal["softmax", "average", "sum", "linear"]

DEEPEST = 40.0
"""A log-importance this far below the largest of its picture counts as this far below (e^-40 is 4e-18)."""


def splat(source: Tensor, flow: Tensor, weight: Tensor | None = None, mode: Mode | None = None) -> Tensor:
    """Push each pixel of `source` along `flow` and blend what lands together.

    Args:
        source: [B, C, H, W], any range.
        flow: [B, 2, H, W], pixels, (x right, y down): pixel p lands at p + flow(p). A pixel whose flow is
            not finite lands nowhere.
        weight: [B, 1, H, W], log-importance; the larger wins. None: plain average.
        mode: "softmax" (the default with a weight), "average" (the default without), "sum" (what lands is
            added up, no weight), or "linear" (`weight` is the importance itself, >= 0, not its logarithm).

    Returns:
        [B, C, H, W]; zero where nothing lands.

    Raises:
        ShapeError: a shape does not fit.
        InputError: an unknown mode, or one that does not go with the weight.

    Source: Niklaus & Liu 2020, eq. 4-6.
    """
    if mode is None:
        mode = "average" if weight is None else "softmax"
    if mode not in ("softmax", "average", "sum", "linear"):
        raise InputError(f"mode is {mode!r}; wanted softmax, average, sum or linear.")
    if (weight is None) != (mode in ("average", "sum")):
        has = "no weight" if weight is None else "a weight"
        raise InputError(f"mode {mode!r} was given {has}; softmax and linear need one, average and sum none.")
    if weight is not None and mode == "softmax":
        _check(source, flow, weight)
        weight = (weight - weight.detach().amax((2, 3), keepdim=True)).clamp_min(-DEEPEST).exp()
    sums, mass = splat_sums(source, flow, weight)
    if mode == "sum":
        return sums
    if sums.requires_grad:
        return divide(sums, mass)
    return sums.div_(_divisor(mass))  # nobody else holds them, and another picture costs a third more time


def splat_sums(source: Tensor, flow: Tensor, weight: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Both sums of the quotient, for callers that add several before dividing.

    Args:
        source: [B, C, H, W], any range.
        flow: [B, 2, H, W], pixels, (x right, y down): pixel p lands at p + flow(p).
        weight: [B, 1, H, W], importance (not its logarithm); None: 1.

    Returns:
        the weighted sum of what landed [B, C, H, W], and the sum of the weights that landed [B, 1, H, W].

    Raises:
        ShapeError: a shape does not fit.
    """
    _check(source, flow, weight)
    kind = torch.float64 if source.dtype == torch.float64 else torch.float32  # sums of halves lose too much
    if weight is None:
        weight = torch.ones_like(flow[:, :1])
    sums, mass = torch.ops.nakawari.splat_sums(
        source.to(kind).contiguous(), flow.to(kind).contiguous(), weight.to(kind).contiguous()
    )
    return sums.to(source.dtype), mass.to(source.dtype)


def divide(sums: Tensor, mass: Tensor) -> Tensor:
    """`sums / mass`, zero where `mass` is zero. [B, C, H, W] and [B, 1, H, W]."""
    return sums / _divisor(mass)


def _divisor(mass: Tensor) -> Tensor:
    # Not multiplied with its inverse: the square of that, in the gradient, overflows below 1e-19.
    return torch.where(mass > 0, mass, torch.ones_like(mass))


def _check(source: Tensor, flow: Tensor, weight: Tensor | None) -> None:
    check_image(source, "source")
    check_flow(flow, like=source)
    if weight is not None:
        check_image(weight, "weight", channels=1)
        if weight.shape[0] != source.shape[0] or weight.shape[2:] != source.shape[2:]:
            raise ShapeError(
                f"weight is {list(weight.shape)}; wanted the batch and size of {list(source.shape)}."
            )


# -- the op ------------------------------------------------------------------------------------------
# `torch.library.Library`, not the `custom_op` decorator: that one imports torch's compiler at the first
# call, which costs seconds.

_library: Any = torch.library.Library("nakawari", "DEF")  # type: ignore[no-untyped-call]
_library.define("splat_sums(Tensor source, Tensor flow, Tensor weight) -> (Tensor, Tensor)")
_library.define(
    "splat_sums_backward(Tensor grad_sums, Tensor grad_mass, Tensor source, Tensor flow, Tensor weight)"
    " -> (Tensor, Tensor, Tensor)"
)
_library.impl("splat_sums", reference.splat_sums, "CompositeExplicitAutograd")
_library.impl("splat_sums_backward", reference.splat_sums_backward, "CompositeExplicitAutograd")


def _twin(device: str, name: str) -> Callable[..., Any]:
    """`name` of the module for `device` where it can (float32), of the reference elsewhere."""

    def choose(*tensors: Tensor) -> Any:
        if tensors[-1].dtype != torch.float32:
            return getattr(reference, name)(*tensors)
        return getattr(import_module(f"nakawari.ops.splat.{device}"), name)(*tensors)

    return choose


for _device in ("cpu", "cuda"):
    for _name in ("splat_sums", "splat_sums_backward"):
        _library.impl(_name, _twin(_device, _name), _device.upper())


def _shapes(source: Tensor, flow: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    return torch.empty_like(source), torch.empty_like(weight)


def _shapes_backward(
    grad_sums: Tensor, grad_mass: Tensor, source: Tensor, flow: Tensor, weight: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    return torch.empty_like(source), torch.empty_like(flow), torch.empty_like(weight)


_library.impl("splat_sums", _shapes, "Meta")
_library.impl("splat_sums_backward", _shapes_backward, "Meta")


def _remember(ctx: torch.autograd.function.FunctionCtx, inputs: tuple[Tensor, ...], output: object) -> None:
    ctx.save_for_backward(*inputs)


def _differentiate(
    ctx: torch.autograd.function.FunctionCtx, grad_sums: Tensor, grad_mass: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    saved: tuple[Tensor, ...] = ctx.saved_tensors  # type: ignore[attr-defined]
    grads: tuple[Tensor, Tensor, Tensor] = torch.ops.nakawari.splat_sums_backward(
        grad_sums.contiguous(), grad_mass.contiguous(), *saved
    )
    return grads


torch.library.register_autograd("nakawari::splat_sums", _differentiate, setup_context=_remember, lib=_library)
