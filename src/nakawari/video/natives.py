"""What a writer of native samples makes of frames: the decoded ones as they are, the made ones converted."""

from __future__ import annotations

from typing import Any

import numpy as np

from nakawari.errors import ShapeError
from nakawari.video.colour import from_rgb
from nakawari.video.frames import Array, Colour, Frame, Info
from nakawari.video.stillness import keep_still, same_samples


class Natives:
    """Frames in the pixel format and colour of an output.

    Args:
        info: the picture that is written; its size is wanted of every frame.
        pix_fmt, colour: those of the output.
    """

    def __init__(self, info: Info, pix_fmt: str, colour: Colour) -> None:
        self.info, self.pix_fmt, self.colour = info, pix_fmt, colour
        self._kept: list[tuple[Frame, Any]] = []

    def of(self, frame: Frame) -> Any:
        """The frame in the output's pixel format; made once for the two frames used last.

        Raises:
            ShapeError: it is not of the output's size.
        """
        for kept, native in self._kept:
            if kept is frame:
                return native
        native = frame.native
        if isinstance(native, np.ndarray):
            native = from_rgb(native, self.pix_fmt, self.colour)
        elif native.format.name != self.pix_fmt:
            same = same_samples(native, frame.colour, self.pix_fmt, self.colour)
            native = from_rgb(frame.rgb(), self.pix_fmt, self.colour) if same is None else same
        self._check(native.width, native.height)
        self._kept = [*self._kept[-1:], (frame, native)]
        return native

    def made(self, rgb: Array, keys: tuple[Frame, Frame]) -> Any:
        """A made picture in the output's pixel format; where it equals a key, with the key's samples.

        Raises:
            ShapeError: the picture is not of the size and type of the keys.
        """
        made = from_rgb(rgb, self.pix_fmt, self.colour)
        for key in reversed(keys):
            if key.rgb().shape != rgb.shape or key.rgb().dtype != rgb.dtype:
                raise ShapeError(
                    f"the picture is {list(rgb.shape)} {rgb.dtype}; wanted {list(key.rgb().shape)} "
                    f"{key.rgb().dtype} as its keys."
                )
            keep_still(made, rgb, self.of(key), key.rgb())
        return made

    def clear(self) -> None:
        """Let go of the frames."""
        self._kept.clear()

    def _check(self, width: int, height: int) -> None:
        if (width, height) != (self.info.width, self.info.height):
            raise ShapeError(f"the picture is {width}x{height}; wanted {self.info.width}x{self.info.height}.")
