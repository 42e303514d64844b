"""What a moving picture is here: frames with exact times, and the two doors through which they pass.

Time is seconds as `Fraction` on the clock of the file. Pixels stay as the file has them ("native")
until somebody asks for RGB, so that a frame that is only copied is never converted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from nakawari.video.hdr import Mastering

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Colour:
    """How samples stand for colour, in ffmpeg's names; None where the file does not say.

    `matrix` and `full_range` are the resolved ones that the conversion uses (never None);
    `tags` are what the file said, written back as they were.
    """

    matrix: str = "bt709"
    full_range: bool = False
    tags: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Info:
    """What is known of a moving picture before its frames are read."""

    path: str
    width: int
    height: int
    rate: Fraction
    """Nominal frames a second (what a constant-rate file says; an average otherwise)."""
    time_base: Fraction
    pix_fmt: str
    bits: int
    """Bits of one component of a sample: 8, 10, 12, 16; 32 of linear light, of which see `exr`."""
    colour: Colour
    alpha: bool = False
    sample_aspect: Fraction = Fraction(1)
    frames: int | None = None
    """Number of frames where the file says it (not to be relied on)."""
    duration: Fraction | None = None
    audio: int = 0
    """Number of sound tracks."""
    subtitles: int = 0
    display_matrix: tuple[int, ...] | None = None
    """How players turn the picture (9 integers, ffmpeg's layout); None: not at all."""
    mastering: Mastering | None = None
    """What an HDR film was mastered on."""


@dataclass(frozen=True, slots=True)
class Retime:
    """How times of a source become those of an output: `zero` is at 0, and all lasts `slow` times as long."""

    zero: Fraction = Fraction(0)
    slow: Fraction = Fraction(1)

    def __call__(self, time: Fraction) -> Fraction:
        """`time` of the source on the clock of the output, in seconds."""
        return (time - self.zero) * self.slow


SAME_TIME = Retime()


@dataclass(slots=True)
class Frame:
    """One picture at its time."""

    index: int
    pts: Fraction
    duration: Fraction
    native: Any
    """What the reader decoded: an `av.VideoFrame` or an array; only its own module looks inside."""
    colour: Colour
    file: Path | None = None
    """The file that holds this picture alone; None where there is none."""
    _rgb: Array | None = field(default=None, repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False, compare=False)
    """Several threads hold a frame, and a decoder's frame converts for one at a time (or hangs)."""

    def rgb(self) -> Array:
        """The picture as H×W×3 (or H×W×4 with alpha), sRGB-encoded, made once.

        uint8 or uint16; float32 of linear light, through the curve of `exr`.
        """
        with self._lock:
            if self._rgb is None:
                if isinstance(self.native, np.ndarray):
                    self._rgb = self.native
                else:
                    from nakawari.video.colour import to_rgb

                    self._rgb = to_rgb(self.native, self.colour)
            return self._rgb


class Reader(Protocol):
    """A moving picture to read; may be read several times, each from the start, in constant memory.

    A reader that is not `replayable` (a pipe) gives its frames only to the first who iterates, and raises
    MediaError to the next; `spool.Spool` makes it replayable, and `open_reader` does so by itself.
    """

    info: Info
    replayable: bool

    def __iter__(self) -> Iterator[Frame]:
        """Every frame in order of presentation; pts strictly rise.

        Raises:
            MediaError: the file is broken or holds no picture.
        """
        ...


class Writer(Protocol):
    """A moving picture being written; nothing stands under its name until `finish`."""

    def copy(self, frame: Frame, pts: Fraction) -> None:
        """Write the decoded frame untouched, shown from `pts`."""
        ...

    def draw(self, rgb: Array, pts: Fraction, keys: tuple[Frame, Frame]) -> None:
        """Write a made picture, H×W×3 or ×4 of the type that the keys' `rgb()` has.

        Where it equals a key's RGB the key's native samples are kept, so that what does not move
        does not change by a rounding of colour either.
        """
        ...

    def finish(self) -> None:
        """Write what is pending, pass sound and subtitles through, and give the file its name."""
        ...

    def abort(self) -> None:
        """Remove everything that was written. Safe to call at any time, also after `finish`."""
        ...


def eight_bits(rgb: Array) -> Array:
    """A picture as screens show it."""
    if rgb.dtype == np.uint16:
        return ((rgb.astype(np.uint32) + 128) // 257).astype(np.uint8)
    return rgb
