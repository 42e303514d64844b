"""Large pictures in bounded memory: where tiles lie, how they fade into each other, how large they may be.

Tiles overlap, because a network looks around; the outer quarters of an overlap are thrown away, and over
the half between them one tile fades into the next. Tiles begin at multiples of what the model pads to, so
that its pyramids have the grid that they would have on the whole picture.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from nakawari.errors import InputError

Tile = int | Literal["auto", "off"]
SHARE = 0.6
"""How much of the memory that is free `auto` takes."""
_UNITS = {"": 2**20, "m": 2**20, "g": 2**30}


def parse_tile(value: int | str) -> Tile:
    """`auto`, `off`, or a side in pixels.

    Raises:
        InputError: it is none of these.
    """
    if value in ("auto", "off"):
        return value  # type: ignore[return-value]
    try:
        side = int(value)
    except ValueError:
        side = 0
    if side < 1:
        raise InputError(f"tile is {value!r}; wanted auto, off or a side in pixels.")
    return side


def parse_memory(value: int | str | None) -> int | None:
    """Bytes: `4G`, `800M`, or a number of MiB; None: what is free.

    Raises:
        InputError: it is none of these.
    """
    if value is None:
        return None
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([mg]?)(?:i?b)?", str(value).strip().lower())
    if found is None or float(found[1]) <= 0:
        raise InputError(f"memory is {value!r}; wanted such as 4G, 800M or a number of MiB.")
    return int(float(found[1]) * _UNITS[found[2]])


def free_bytes(device: torch.device) -> int:
    """Memory that `auto` may use on the device."""
    if device.type == "cuda":
        return int(SHARE * torch.cuda.mem_get_info(device)[0])
    meminfo = Path("/proc/meminfo")
    if meminfo.is_file():
        found = re.search(r"^MemAvailable:\s+(\d+) kB", meminfo.read_text(), re.M)
        if found:
            return int(SHARE * 1024 * int(found[1]))
    return int(SHARE * os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2)


def side_for(budget: int, bytes_per_px: float, least: int, multiple: int) -> int:
    """The side of the largest square tile that `budget` bytes are enough for.

    Raises:
        InputError: they are not enough for a tile of `least` pixels.
    """
    side = int((budget / bytes_per_px) ** 0.5) // multiple * multiple
    if side < least:
        need = least**2 * bytes_per_px / 2**20 + 1
        raise InputError(
            f"memory is {budget // 2**20} MiB; the smallest tile, {least} px, takes {need:.0f} MiB; "
            "give more."
        )
    return side


def up(length: int, multiple: int) -> int:
    """`length`, or the next larger multiple."""
    return -(-length // multiple) * multiple


def starts(length: int, tile: int, overlap: int, multiple: int) -> list[int]:
    """Where tiles begin along an axis: evenly, at multiples, the last one ending with the axis."""
    if tile >= length:
        return [0]
    count = -(-(length - overlap) // (tile - overlap))
    return [(length - tile) * i // (count - 1) // multiple * multiple for i in range(count)]


def feather(begins: list[int], number: int, tile: int, length: int) -> Tensor:
    """How much a tile counts along an axis, [tile]; the next one's fades in as it fades out."""
    begin, end = begins[number], min(begins[number] + tile, length)
    weight = torch.ones(end - begin)
    if number > 0:
        overlap = begins[number - 1] + tile - begin
        weight[:overlap] *= _ramp(overlap)
    if number + 1 < len(begins):
        overlap = end - begins[number + 1]
        weight[-overlap:] *= _ramp(overlap).flip(0)
    return weight


def _ramp(length: int) -> Tensor:
    place = (torch.arange(length) + 0.5) / length
    return ((place - 0.25) * 2).clamp(1e-4, 1 - 1e-4)


def lay_out(
    size: tuple[int, int], tile: int, overlap: int, multiple: int
) -> Iterator[tuple[tuple[slice, slice], Tensor]]:
    """Rows and columns of each tile of a picture, and how much its pixels count, [h, w]."""
    height, width = size
    tops, lefts = (starts(length, tile, overlap, multiple) for length in size)
    for i, top in enumerate(tops):
        for j, left in enumerate(lefts):
            weight = feather(tops, i, tile, height)[:, None] * feather(lefts, j, tile, width)
            rows = slice(top, top + weight.shape[0])
            yield (rows, slice(left, left + weight.shape[1])), weight


def draw_tiles(
    draw: Callable[[Tensor, Tensor], tuple[Tensor, Tensor | None]],
    images: tuple[Tensor, Tensor],
    tile: int,
    overlap: int,
    multiple: int,
) -> tuple[Tensor, Tensor | None]:
    """Draw tile by tile and put the picture together.

    Args:
        draw: picture and cover of a tile of both keys, see `base.Drawn`.
        images: [B, C, H, W], padded.
        tile, overlap: in pixels, multiples of `multiple`.
        multiple: that tiles begin at.
    """
    height, width = images[0].shape[2:]
    whole = torch.zeros_like(images[0])
    total = whole.new_zeros(height, width)
    cover: Tensor | None = None
    for (rows, columns), weight in lay_out((height, width), tile, overlap, multiple):
        part0, part1 = (image[:, :, rows, columns].contiguous() for image in images)
        image, covered = draw(part0, part1)
        share = weight.to(whole.device)
        whole[:, :, rows, columns] += image.float() * share
        total[rows, columns] += share
        if covered is not None:
            cover = torch.zeros_like(whole[:, :1], dtype=torch.bool) if cover is None else cover
            cover[:, :, rows, columns] |= covered
    return whole / total, cover
