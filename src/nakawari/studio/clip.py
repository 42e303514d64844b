"""Frames of a clip by number, for someone who looks here and there: the neighbours are kept."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from nakawari.errors import MediaError, OutputError
from nakawari.video.frames import Array, Frame, eight_bits

AHEAD = 120
"""So many frames are rather decoded than looked for anew."""
KEPT_BYTES = 256 << 20
"""Decoded pictures that are kept, at most."""


class Clip:
    """A clip of which frames are wanted in any order."""

    def __init__(self, path: str, input_rate: Fraction | None, times: Sequence[Fraction]) -> None:
        """Open it; `times` are those of all of its frames.

        Raises:
            MediaError: it cannot be read.
        """
        from nakawari.video.open import open_reader

        self.reader = open_reader(path, input_rate)
        self._numbers = {time: number for number, time in enumerate(times)}
        self._times = times
        self._frames: Iterator[Frame] | None = None
        self._next = 0
        self._kept: OrderedDict[int, Frame] = OrderedDict()

    def frame(self, number: int) -> Frame:
        """Frame `number`.

        Raises:
            MediaError: it cannot be read, or the clip is no longer the one that was looked at.
        """
        if number in self._kept:
            self._kept.move_to_end(number)
            return self._kept[number]
        if self._frames is None or not self._next <= number < self._next + AHEAD:
            self._frames = self._from(number)
        for frame in self._frames:
            at = self._numbers.get(frame.pts)
            if at is None:
                raise MediaError(
                    f"{self.reader.info.path} has changed since it was looked at; open it again."
                )
            self._next = at + 1
            self._keep(at, frame)
            if at == number:
                return frame
        self._frames = None
        raise MediaError(f"{self.reader.info.path} has no frame {number} any more; open it again.")

    def _from(self, number: int) -> Iterator[Frame]:
        from nakawari.video.images import ImageReader
        from nakawari.video.reader import VideoReader

        if isinstance(self.reader, (VideoReader, ImageReader)):
            return self.reader.since(self._times[number])
        return iter(self.reader)

    def _keep(self, number: int, frame: Frame) -> None:
        info = self.reader.info
        self._kept[number] = frame
        self._kept.move_to_end(number)
        each = info.width * info.height * 4 * (2 if info.bits > 8 else 1)
        while len(self._kept) > max(4, KEPT_BYTES // max(1, each)):
            self._kept.popitem(last=False)


def small(rgb: Array, height: int) -> Array:
    """A picture at a height of at most `height` pixels."""
    import cv2

    if rgb.shape[0] <= height:
        return rgb
    width = max(1, round(rgb.shape[1] * height / rgb.shape[0]))
    return np.asarray(cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA))


def save(rgb: Array, path: Any) -> None:
    """Write a picture as its name says, .png or .jpg, so that it is whole once it has its name.

    Raises:
        OutputError: it cannot be written.
    """
    import cv2

    rgb = eight_bits(rgb)
    if path.suffix == ".jpg":
        if rgb.shape[2] == 4:
            alpha = rgb[..., 3:].astype(np.uint16)
            rgb = ((rgb[..., :3] * alpha + 200 * (255 - alpha)) // 255).astype(np.uint8)
        made, data = cv2.imencode(".jpg", rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 82])
    else:
        code = cv2.COLOR_RGBA2BGRA if rgb.shape[2] == 4 else cv2.COLOR_RGB2BGR
        made, data = cv2.imencode(".png", cv2.cvtColor(rgb, code), [cv2.IMWRITE_PNG_COMPRESSION, 1])
    if not made:
        raise OutputError(f"a picture of {rgb.shape[1]}x{rgb.shape[0]} cannot be shown.")
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(data.data)
        part.replace(path)
    except OSError as error:
        raise OutputError(f"{path} cannot be written ({error.strerror}).") from error
