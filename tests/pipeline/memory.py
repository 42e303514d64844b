"""A reader and a writer that hold their frames in memory: the protocols without files."""

from collections.abc import Iterator, Sequence
from fractions import Fraction

import numpy as np

from nakawari.video.frames import Array, Colour, Frame, Info


class MemoryReader:
    def __init__(self, pictures: Sequence[Array], rate: Fraction = Fraction(24)) -> None:
        self.pictures = list(pictures)
        height, width = self.pictures[0].shape[:2]
        self.rate = rate
        self.info = Info(
            "memory", width, height, rate, 1 / rate, "rgb24", 8, Colour(), frames=len(self.pictures)
        )
        self.alive = 0
        self.most_alive = 0

    def __iter__(self) -> Iterator[Frame]:
        for index, picture in enumerate(self.pictures):
            yield Frame(index, index / self.rate, 1 / self.rate, picture, Colour())


class MemoryWriter:
    def __init__(self, fail_at: int | None = None) -> None:
        self.frames: list[tuple[Fraction, Array, str]] = []
        self.fail_at = fail_at
        self.finished = self.aborted = False

    def _add(self, pts: Fraction, picture: Array, how: str) -> None:
        if self.fail_at is not None and len(self.frames) >= self.fail_at:
            raise OSError("no space left on device")
        self.frames.append((pts, np.array(picture), how))

    def copy(self, frame: Frame, pts: Fraction) -> None:
        self._add(pts, frame.rgb(), "copy")

    def draw(self, rgb: Array, pts: Fraction, keys: tuple[Frame, Frame]) -> None:
        self._add(pts, rgb, "draw")

    def finish(self) -> None:
        self.finished = True

    def abort(self) -> None:
        self.aborted = True
