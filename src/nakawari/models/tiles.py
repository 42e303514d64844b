"""Large pictures in bounded memory: windows, and how large they may be.

What takes memory are the convolutions, and a convolution sees only so far. So keys, flow and what is found at
coarse scales stay whole, and the rest is computed in windows that overlap by what it sees around: each pixel
comes out as it would on the whole picture, and there is nothing that would have to be faded into each other.
A model in which something looks over the whole picture at full size keeps that part whole.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from nakawari.errors import InputError
from nakawari.models.boxes import Box
from nakawari.models.costs import Cost

Tile = int | Literal["auto", "off"]
SHARE = 0.6
"""How much of the memory that is free `auto` takes."""
IN_FLIGHT = 100
"""Bytes a pixel of pictures on their way: between decoder and encoder (45, measured at 7680x4320), and those
that an encoder looks ahead in."""
LEAST, STEP = 384, 64
"""Side of the smallest windows, and of what they grow by."""
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


def free_bytes(device: torch.device, memory: int | None = None, size: tuple[int, int] = (0, 0)) -> int:
    """Memory that drawing may take.

    Args:
        device: where it is drawn.
        memory: that the process may take, or on a GPU, drawing; None: `SHARE` of what is free.
        size: of a picture: some are on their way between decoder and encoder.
    """
    if device.type == "cuda":
        return memory or int(SHARE * torch.cuda.mem_get_info(device)[0])
    if memory is not None:
        return memory - resident_bytes() - IN_FLIGHT * size[0] * size[1]
    meminfo = Path("/proc/meminfo")
    if meminfo.is_file():
        found = re.search(r"^MemAvailable:\s+(\d+) kB", meminfo.read_text(), re.M)
        if found:
            return int(SHARE * 1024 * int(found[1]))
    return int(SHARE * os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2)


def resident_bytes() -> int:
    """Memory that this process holds now; where the system does not tell, the most that it has held."""
    statm = Path("/proc/self/statm")
    if statm.is_file():
        return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    import resource
    import sys

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def side_for(budget: int, cost: Cost, size: tuple[int, int], batch: int = 1) -> int | None:
    """The side of the largest windows that `budget` bytes are enough for; None: for the whole picture.

    Raises:
        InputError: they are not enough for windows of `LEAST` pixels.
    """
    pixels = batch * size[0] * size[1]
    if cost.whole * pixels <= budget:
        return None
    each = batch * cost.whole
    side = int(max(0, (budget - cost.held * pixels) / each) ** 0.5) // STEP * STEP
    if side < LEAST:
        need = (cost.held * pixels + each * LEAST**2) / 2**20
        raise InputError(
            f"drawing may take {max(0, budget) // 2**20} MiB; {size[1]}x{size[0]} takes {need:.0f} MiB "
            "in the smallest tiles. Give more memory, or a smaller picture."
        )
    return side


def in_windows(
    draw: Callable[[Box], Tensor],
    shape: Sequence[int],
    side: int | None,
    around: int,
    aligned: int = 1,
    shrink: int = 1,
) -> Tensor:
    """Put a picture together from windows.

    Args:
        draw: gives [B, C, h / shrink, w / shrink] of a box of the picture, of which the `around` outermost
            pixels may be wrong where the picture goes on.
        shape: of the picture; the last two are height and width.
        side: of windows with what they see around them, in pixels; None: all at once.
        around: how far `draw` sees.
        aligned: boxes begin at multiples of this.
        shrink: by how much what is drawn is smaller than the picture.

    Returns:
        [B, C, H / shrink, W / shrink].
    """
    height, width = shape[-2:]
    if side is None or (side >= height and side >= width):
        return draw(Box(0, 0, height, width))
    around = -(-around // aligned) * aligned
    step = max(aligned, (side - 2 * around) // aligned * aligned)
    return put_together(draw, shape, (step, step), around, shrink)


def put_together(
    draw: Callable[[Box], Tensor], shape: Sequence[int], step: tuple[int, int], around: int, shrink: int = 1
) -> Tensor:
    """A picture of boxes that advance by `step` (rows, columns); the rest as for `in_windows`."""
    height, width = shape[-2:]
    whole: Tensor | None = None
    for top in range(0, height, step[0]):
        for left in range(0, width, step[1]):
            inner = Box(top, left, min(top + step[0], height), min(left + step[1], width))
            box = inner.grown(around, height, width)
            part = draw(box)
            if box == inner and step[0] >= height and step[1] >= width:
                return part
            if whole is None:
                whole = part.new_empty(*part.shape[:2], height // shrink, width // shrink)
            inner.scaled(1 / shrink).crop(whole).copy_(inner.within(box).scaled(1 / shrink).crop(part))
            del part
    assert whole is not None
    return whole
