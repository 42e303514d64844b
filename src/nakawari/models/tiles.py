"""Large pictures in bounded memory: windows, and how large they may be.

What takes memory are the convolutions, and a convolution sees only so far. So keys, flow and what is found at
coarse scales stay whole, and the rest is computed in windows that overlap by what it sees around: each pixel
comes out as it would on the whole picture, and there is nothing that would have to be faded into each other.
A model in which something looks over the whole picture at full size keeps that part whole.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from nakawari.allocation import keep_freed
from nakawari.errors import InputError
from nakawari.models.boxes import Box
from nakawari.models.costs import Cost

_LOG = logging.getLogger(__name__)
Tile = int | Literal["auto", "off"]
SHARE = 0.6
"""How much of the memory that is free `auto` takes."""
IN_FLIGHT = 100
"""Bytes a pixel that are left to others than drawing where nobody says how many they want."""
AT_ONCE, AROUND_PAIR = 0.2, 60
"""How much of all memory may go into pairs that are drawn side by side (of all, not of what is free: one
machine then draws alike at all times), and bytes a pixel that each holds besides: its keys, and the pictures
that wait for their turn (`pipeline.artist.WAITING`)."""
LEAST, STEP = 384, 64
"""Side of the smallest windows, and of what they grow by."""
KEPT = 256 * 2**20, 4 * 2**30
"""Blocks of pictures that take so many bytes are worth keeping when they are freed: those of less cost little
time, and the gaps that those of more leave cost a GiB and more."""
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
    return int(SHARE * total_bytes() / 2)


def total_bytes() -> int:
    """Memory of this machine, or of the container that this process is in."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for limit in (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes")):
        if limit.is_file() and (told := limit.read_text().strip()).isdigit():
            total = min(total, int(told))
    return total


def resident_bytes() -> int:
    """Memory that this process holds now; where the system does not tell, the most that it has held."""
    statm = Path("/proc/self/statm")
    if statm.is_file():
        return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    import resource
    import sys

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def least_bytes(cost: Cost, size: tuple[int, int], side: int | None = LEAST, batch: int = 1) -> int:
    """What drawing takes in windows of `side` pixels; None: all at once."""
    pixels = batch * size[0] * size[1]
    whole = cost.of_whole(pixels)
    return whole if side is None else min(whole, int(cost.held * pixels + cost.of_windows(batch * side**2)))


def side_for(budget: int, cost: Cost, size: tuple[int, int], batch: int = 1) -> int | None:
    """The side of the largest windows that `budget` bytes are enough for; None: for the whole picture.

    Raises:
        InputError: they are not enough for windows of `LEAST` pixels.
    """
    pixels = batch * size[0] * size[1]
    if cost.of_whole(pixels) <= budget:
        return None
    side = int(max(0, (budget - cost.held * pixels) / cost.of_windows(batch)) ** 0.5) // STEP * STEP
    if side < LEAST:
        need = least_bytes(cost, size, batch=batch)
        raise InputError(
            f"drawing may take {max(0, budget) // 2**20} MiB; {size[1]}x{size[0]} takes {_mib(need)} "
            "in the smallest tiles. Give more memory, or a smaller picture."
        )
    return side


def _mib(size: int) -> str:
    return f"{-(-size // 2**20)} MiB"


@dataclass(slots=True)
class Room:
    """What drawing may take, and so how large its windows are.

    Attributes:
        device: where it is drawn.
        tile: "auto": windows where memory is too small for the whole picture; their side; "off".
        memory: bytes that this process (on a GPU: drawing) may take; None: what is free.
    """

    device: torch.device
    tile: Tile = "auto"
    memory: int | None = None
    _left: int | None = None
    """Of `memory`, to drawing, once that is settled."""
    _most: int | None = None
    """Larger windows have been too large."""
    _sides: dict[tuple[int, ...], int | None] = field(default_factory=dict)

    def ask(self, tile: int | str | None, memory: int | str | None) -> None:
        """Take what is not None.

        Raises:
            InputError: it is no value of theirs.
        """
        self.tile = self.tile if tile is None else parse_tile(tile)
        self.memory = self.memory if memory is None else parse_memory(memory)
        if tile is not None or memory is not None:  # else what is settled stays
            self._left = None
            self._sides.clear()

    def settle(self, who: str, cost: Cost, windowed: bool, size: tuple[int, int], beside: int) -> None:
        """Divide `memory`, where it is limited, between drawing pictures of `size` and all `beside` it.

        Raises:
            InputError: it is too little; says how much is enough.
        """
        if self.memory is None or self.device.type == "cuda":
            return
        smallest = max(LEAST, self.tile) if isinstance(self.tile, int) else LEAST
        drawing = least_bytes(cost, size, smallest if windowed and self.tile != "off" else None)
        held = resident_bytes()
        if held + beside + drawing > self.memory:
            raise InputError(
                f"memory is {_mib(self.memory)}; {who} takes {_mib(held + beside + drawing)} at least for "
                f"{size[1]}x{size[0]}: {_mib(held)} for itself, {_mib(beside)} to read and to write, "
                f"{_mib(drawing)} to draw. Give that, a smaller picture, or an encoder that looks less ahead "
                "(--preset ultrafast)."
            )
        self._left = self.memory - held - beside
        self._sides.clear()

    def check_whole(self, who: str, cost: Cost | None, batch: int, size: tuple[int, int]) -> None:
        """Make sure that a picture that is only drawn whole can be; the system would end the process.

        Raises:
            InputError: it takes more than is free.
        """
        if cost is None or self.device.type == "cuda" or self._left is not None:
            return
        need, free = cost.of_whole(batch * size[0] * size[1]), int(free_bytes(self.device) / SHARE)
        if need > free:
            raise InputError(
                f"{who} takes {_mib(need)} to draw {size[1]}x{size[0]}, and {_mib(free)} are free. Give a "
                "smaller picture, or a model that draws in tiles (rife, film)."
            )

    def foresee(self, who: str, cost: Cost, windowed: bool, size: tuple[int, int]) -> None:
        """Warn where a picture of `size` cannot be drawn: one in which only a part changes still may."""
        if self.memory is not None or self.device.type == "cuda":
            return
        smallest = max(LEAST, self.tile) if isinstance(self.tile, int) else LEAST
        need = least_bytes(cost, size, smallest if windowed and self.tile != "off" else None)
        free = int(free_bytes(self.device) / (1 if windowed and self.tile == "auto" else SHARE))
        if need > free:
            _LOG.warning(
                "%s takes %s to draw all of %dx%d, and may take %s: where more than a part of a picture "
                "changes, the render will end with an error. Free memory, or give a smaller picture.",
                *(who, _mib(need), size[1], size[0], _mib(free)),
            )

    def side(self, who: str, cost: Cost | None, batch: int, size: tuple[int, int]) -> int | None:
        """The side of windows for a padded picture; None: none are needed.

        Raises:
            InputError: memory is too little for the smallest.
        """
        key = (batch, *size)
        if key not in self._sides:  # once: what a pair leaves behind must not shrink the next one's
            self._sides[key] = self._chosen(who, cost, batch, size)
        side = self._sides[key]
        if self._most is not None:
            side = min(self._most, side or self._most)
        return None if side is None or side >= max(size) else side

    def _chosen(self, who: str, cost: Cost | None, batch: int, size: tuple[int, int]) -> int | None:
        side: int | None = None
        if isinstance(self.tile, int):
            side = max(LEAST, self.tile)
        elif self.tile == "auto" and cost is not None:
            free = free_bytes(self.device, self.memory, size) if self._left is None else self._left
            side = side_for(free, cost, size, batch)
        if side is None or side >= max(size):
            takes = cost.of_whole(batch * size[0] * size[1]) if cost else 0
            if self.memory is None and self.device.type == "cpu" and KEPT[0] < takes < KEPT[1]:
                keep_freed()
            return None
        _LOG.info("%s: tiles of %d px", who, side)
        return side

    def pairs_at_once(self, cost: Cost, size: tuple[int, int], most: int) -> int:
        """How many pairs of pictures of `size` (H, W) may be drawn side by side, `most` if possible."""
        pixels = size[0] * size[1]
        one = cost.of_whole(pixels) + AROUND_PAIR * pixels
        if self.device.type == "cuda":
            most = min(most, free_bytes(self.device, self.memory) // one)
        if self._left is not None:
            budget = self._left
        elif self.memory is not None and self.device.type != "cuda":
            budget = free_bytes(self.device, self.memory, size)
        else:
            budget = int(AT_ONCE * total_bytes())
        return max(1, min(most, budget // one))

    def shrink(self, before: int) -> int | None:
        """Half of `before` as the side of windows from now on; None: they cannot be smaller."""
        side = before // 2 // STEP * STEP
        if side < LEAST:
            return None
        self._most = side
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
