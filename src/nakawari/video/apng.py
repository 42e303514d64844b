"""Animated PNG read at its exact times: ffmpeg rounds each delay to 10 us and adds the roundings up."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from nakawari.errors import MediaError
from nakawari.video.frames import Frame
from nakawari.video.reader import VideoReader

_SIGNATURE = 8
_UNSAID = Fraction(1, 15)
"""What ffmpeg takes a delay of 0 for."""


class ApngReader:
    """An animated PNG as a moving picture, with the delays that it says as exact fractions; a `Reader`."""

    replayable = True

    def __init__(self, path: str | Path) -> None:
        """Read the delays, and decode the first frame.

        Raises:
            MediaError: it is missing, cut off, not a PNG that moves, or its first frame does not decode.
        """
        self._pictures = VideoReader(path)
        self.path = Path(path)
        said, self._delays = _control(self.path)
        if len(self._delays) < said:
            raise MediaError(f"{path} is cut off: it says {said} frames and holds {len(self._delays)}.")
        if not self._delays:
            raise MediaError(f"{path} does not move; give a still picture the name .png.")
        total = sum(self._delays, Fraction(0))
        even = len(set(self._delays)) == 1
        self.info = replace(
            self._pictures.info,
            rate=1 / self._delays[0] if even else len(self._delays) / total,
            frames=len(self._delays),
            duration=total,
        )

    def __iter__(self) -> Iterator[Frame]:
        """Every frame at its time.

        Raises:
            MediaError: the file is broken or cut off.
        """
        pts, count = Fraction(0), 0
        for frame, delay in zip(self._pictures, self._delays, strict=False):
            frame.pts, frame.duration = pts, delay
            yield frame
            pts += delay
            count += 1
        if count != len(self._delays):
            raise MediaError(f"{self.path} is broken: {count} of its {len(self._delays)} frames decode.")


def _control(path: Path) -> tuple[int, list[Fraction]]:
    """The number of frames (`acTL`), and the delay of each in seconds (`fcTL`)."""
    said, delays = 0, []
    with path.open("rb") as file:
        at = _SIGNATURE
        while file.seek(at) == at and len(head := file.read(8)) == 8:
            size, kind = struct.unpack(">I4s", head)
            if kind == b"acTL" and len(data := file.read(4)) == 4:
                said = int.from_bytes(data, "big")
            elif kind == b"fcTL" and len(data := file.read(26)) == 26:
                above, below = struct.unpack(">20xHH2x", data)
                delays.append(Fraction(above, below or 100) or _UNSAID)
            at += 12 + size
    return said, delays
