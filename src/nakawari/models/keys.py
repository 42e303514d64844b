"""What users hand in: arrays or tensors; their checks."""

from __future__ import annotations

import math

import numpy as np
from torch import Tensor

from nakawari.errors import InputError, ShapeError
from nakawari.tensors import Array, check_frame, check_image

Picture = Array | Tensor

_BEYOND = 0.5
"""Floats may lie so far outside of [0, 1]: what resampling overshoots, yet not 0 to 255, nor -1 to 1."""


def copy_of(picture: Picture) -> Picture:
    """A picture that may be changed."""
    return picture.clone() if isinstance(picture, Tensor) else np.array(picture)


def size_of(picture: Picture) -> tuple[int, int]:
    """(H, W)."""
    if isinstance(picture, Tensor):
        return int(picture.shape[-2]), int(picture.shape[-1])
    return int(picture.shape[0]), int(picture.shape[1])


def check(picture: Picture, name: str) -> None:
    """Raise ShapeError unless `picture` is one that we draw, InputError if its floats are no colours."""
    if isinstance(picture, Tensor):
        check_image(picture, name)
        if picture.shape[1] not in (3, 4) or min(picture.shape) < 1:
            raise ShapeError(f"{name} is {list(picture.shape)}; wanted [B, 3, H, W] or [B, 4, H, W].")
        ends: tuple[float, float] = picture.amin().item(), picture.amax().item()
    else:
        check_frame(picture, name)
        if not np.issubdtype(picture.dtype, np.floating):
            return
        ends = float(picture.min()), float(picture.max())
    low, high = ends
    if math.isnan(low) or low < -_BEYOND or high > 1 + _BEYOND:  # where one pixel is NaN, both ends are
        raise InputError(f"{name} holds values from {low:g} to {high:g}; wanted floats in [0, 1].")


def check_alike(key0: Picture, key1: Picture) -> None:
    """Raise ShapeError unless two keys are of one kind, type and size."""
    if isinstance(key0, Tensor) != isinstance(key1, Tensor):
        raise ShapeError("frame0 and frame1 are of two kinds; wanted two arrays or two tensors.")
    if key0.shape != key1.shape or key0.dtype != key1.dtype:
        raise ShapeError(
            f"frame0 is {list(key0.shape)} {key0.dtype} and frame1 {list(key1.shape)} {key1.dtype}; "
            "wanted one size and type."
        )


def guide_of(image: Tensor) -> Tensor:
    """The picture that motion is found on: premultiplied colour over middle grey."""
    if image.shape[1] == 3:
        return image
    return image[:, :3] + 0.5 * (1 - image[:, 3:])
