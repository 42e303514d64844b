"""Looking up agreement around places, on CPU cores (numba, float32).

The (2 radius + 1)^2 places of a window lie a whole pixel apart, so they share their bilinear weights: a block
of (2 radius + 2)^2 whole pixels is gathered (or worked out, on demand) once, and mixed from there. Pixels
are cut into bands, one for each thread; each writes one row of the channels-last result.
"""

# ruff: noqa: ANN001, ANN202
from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import torch
from torch import Tensor

from nakawari.ops.compiled import compile_kernel, in_bands
from nakawari.tensors import Array


def look_up(volumes: Sequence[Tensor], places: Tensor, radius: int) -> Tensor:
    """As `reference.look_up`, for contiguous float32 volumes on the CPU."""
    out, flat = _result(len(volumes), places, radius)
    for level, volume in enumerate(volumes):
        array = volume.detach().contiguous().numpy()
        for b in range(places.shape[0]):
            work = partial(_in_volume, array[b], flat[b], level, radius, out[b])
            in_bands(work, flat.shape[2], smallest=256)
    return _channels(out, places)


def look_up_on_demand(features0: Tensor, pyramid1: Sequence[Tensor], places: Tensor, radius: int) -> Tensor:
    """As `reference.look_up_on_demand`, for float32 tensors on the CPU."""
    out, flat = _result(len(pyramid1), places, radius)
    own = _rows(features0 * features0.shape[1] ** -0.5).reshape(*flat.shape[::2], -1)
    for level, features1 in enumerate(pyramid1):
        other = _rows(features1)
        for b in range(places.shape[0]):
            work = partial(_in_features, own[b], other[b], flat[b], level, radius, out[b])
            in_bands(work, flat.shape[2], smallest=256)
    return _channels(out, places)


def look_nearby(features0: Tensor, features1: Tensor, radius: int) -> Tensor:
    """As `reference.look_nearby`, for float32 tensors on the CPU."""
    own, other = _rows(features0 / features0.shape[1]), _rows(features1)
    out = np.empty((*own.shape[:3], (2 * radius + 1) ** 2), np.float32)
    for b in range(len(own)):
        in_bands(partial(_nearby, own[b], other[b], radius, out[b]), own.shape[1])
    return torch.from_numpy(out).permute(0, 3, 1, 2)


def _result(levels: int, places: Tensor, radius: int) -> tuple[Array, Array]:
    batch, _, height, width = places.shape
    out = np.empty((batch, height * width, levels * (2 * radius + 1) ** 2), np.float32)
    return out, places.detach().float().contiguous().numpy().reshape(batch, 2, -1)


def _rows(maps: Tensor) -> Array:
    """[B, C, H, W] as [B, H, W, C], packed."""
    return maps.detach().permute(0, 2, 3, 1).contiguous().numpy()


def _channels(out: Array, places: Tensor) -> Tensor:
    batch, _, height, width = places.shape
    return torch.from_numpy(out).view(batch, height, width, -1).permute(0, 3, 1, 2)


@compile_kernel("boolean(f4, f4, i8, i8, i8, i8[::1], f4[::1])")
def _corner(x, y, height, width, radius, corner, share):  # type: ignore[no-untyped-def]
    """Upper left pixel of the block around a place and the bilinear shares; whether any of it is inside."""
    reach = np.float32(radius + 1)
    if not (x > -reach and y > -reach and x < width - 1 + reach and y < height - 1 + reach):
        return False  # true for NaN as well
    floor_x, floor_y = np.floor(x), np.floor(y)
    corner[0], corner[1] = np.int64(floor_x) - radius, np.int64(floor_y) - radius
    share[0], share[1] = x - floor_x, y - floor_y
    return True


@compile_kernel("void(f4[:, ::1], f4[::1], i8, f4[::1])")
def _mix(block, share, radius, row):  # type: ignore[no-untyped-def]
    """The window from its block: [dx, dy], dx slower. `block` is [y, x]."""
    side = 2 * radius + 1
    fx, fy = share[0], share[1]
    one = np.float32(1)
    p00, p01, p10, p11 = (one - fx) * (one - fy), fx * (one - fy), (one - fx) * fy, fx * fy
    for i in range(side):
        for j in range(side):
            row[i * side + j] = (
                p00 * block[j, i] + p01 * block[j, i + 1] + p10 * block[j + 1, i] + p11 * block[j + 1, i + 1]
            )


@compile_kernel("void(f4[:, :, ::1], f4[:, ::1], i8, i8, f4[:, ::1], i8, i8)")
def _in_volume(volume, places, level, radius, out, first, last):  # type: ignore[no-untyped-def]
    _, height, width = volume.shape
    size = (2 * radius + 1) ** 2
    scale = np.float32(1) / np.float32(2**level)
    block = np.zeros((2 * radius + 2, 2 * radius + 2), np.float32)
    corner, share = np.empty(2, np.int64), np.empty(2, np.float32)
    for p in range(first, last):
        row = out[p, level * size : (level + 1) * size]
        if not _corner(places[0, p] * scale, places[1, p] * scale, height, width, radius, corner, share):
            row[:] = 0
            continue
        plane = volume[p]
        for j in range(2 * radius + 2):
            y = corner[1] + j
            for i in range(2 * radius + 2):
                x = corner[0] + i
                inside = 0 <= y < height and 0 <= x < width
                block[j, i] = plane[y, x] if inside else np.float32(0)
        _mix(block, share, radius, row)


@compile_kernel("void(f4[:, ::1], f4[:, :, ::1], f4[:, ::1], i8, i8, f4[:, ::1], i8, i8)", fast=True)
def _in_features(own, other, places, level, radius, out, first, last):  # type: ignore[no-untyped-def]
    height, width, channels = other.shape
    size = (2 * radius + 1) ** 2
    scale = np.float32(1) / np.float32(2**level)
    block = np.zeros((2 * radius + 2, 2 * radius + 2), np.float32)
    corner, share = np.empty(2, np.int64), np.empty(2, np.float32)
    for p in range(first, last):
        row = out[p, level * size : (level + 1) * size]
        if not _corner(places[0, p] * scale, places[1, p] * scale, height, width, radius, corner, share):
            row[:] = 0
            continue
        mine = own[p]
        for j in range(2 * radius + 2):
            y = corner[1] + j
            for i in range(2 * radius + 2):
                x = corner[0] + i
                total = np.float32(0)
                if 0 <= y < height and 0 <= x < width:
                    theirs = other[y, x]
                    for c in range(channels):
                        total += mine[c] * theirs[c]
                block[j, i] = total
        _mix(block, share, radius, row)


@compile_kernel("void(f4[:, :, ::1], f4[:, :, ::1], i8, f4[:, :, ::1], i8, i8)", fast=True)
def _nearby(own, other, radius, out, top, bottom):  # type: ignore[no-untyped-def]
    height, width, channels = own.shape
    side = 2 * radius + 1
    for row in range(top, bottom):
        for column in range(width):
            mine = own[row, column]
            for j in range(side):
                y = row + j - radius
                for i in range(side):
                    x = column + i - radius
                    total = np.float32(0)
                    if 0 <= y < height and 0 <= x < width:
                        theirs = other[y, x]
                        for c in range(channels):
                            total += mine[c] * theirs[c]
                    out[row, column, j * side + i] = total
