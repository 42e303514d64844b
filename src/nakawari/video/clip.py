"""Parts of a moving picture, and moving pictures that go round: readers over a reader.

A part has its own clock: its first picture is at 0 and has the number 0, as if somebody had cut it out
beforehand. What goes round shows its first picture once more at its end, under the next number, so that the
way from the last drawing to the first can be drawn like any other.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import replace
from fractions import Fraction

from nakawari.errors import InputError
from nakawari.video.frames import Frame, Reader
from nakawari.video.reader import VideoReader

_ROUNDING_S = Fraction(1, 2000)
"""Times are typed and printed in milliseconds: a picture that begins so little before one belongs to it."""


class Part:
    """The pictures that begin from `start` on and before `end`; a `Reader`.

    Args:
        source: what it is a part of.
        start, end: seconds on the clock of `source`; None: from its first picture, to its last.

    Attributes:
        zero: the time on the clock of `source` that is 0 here.

    Raises:
        InputError: nothing lies between the two.
    """

    def __init__(self, source: Reader, start: Fraction | None, end: Fraction | None) -> None:
        if end is not None and end <= (start or 0):
            raise InputError(f"the end is {end} s; wanted more than the start, {start or 0} s.")
        self._source, self._start, self._end = source, start, end
        self.replayable = source.replayable
        with closing(self._frames()) as frames:
            first = next(frames, None)
        if first is None:
            said = source.info.duration
            length = "" if said is None else f"; it lasts {float(said):.3f} s"
            raise InputError(
                f"{source.info.path} shows nothing new from {float(start or 0):.3f} s on"
                f"{'' if end is None else f' and before {float(end):.3f} s'}{length}."
            )
        self.zero = first.pts
        self.info = replace(source.info, frames=None, duration=None)

    @property
    def span(self) -> tuple[Fraction | None, Fraction | None]:
        """The times, on the clock of the source, between which sound belongs to the part."""
        return self.zero, self._end

    def _frames(self) -> Generator[Frame]:
        source, start = self._source, None if self._start is None else self._start - _ROUNDING_S
        seeks = start is not None and isinstance(source, VideoReader)
        frames = source.since(start) if seeks else iter(source)  # type: ignore[attr-defined]
        try:
            for frame in frames:
                if self._end is not None and frame.pts >= self._end - _ROUNDING_S:
                    return
                if start is None or frame.pts >= start:
                    yield frame
        finally:
            _close(frames)

    def __iter__(self) -> Iterator[Frame]:
        """Every picture of the part, from 0 on.

        Raises:
            MediaError: the source is broken.
        """
        with closing(self._frames()) as frames:
            for index, frame in enumerate(frames):
                if self._end is not None:
                    frame.duration = min(frame.duration, self._end - frame.pts)
                yield replace(frame, index=index, pts=frame.pts - self.zero)


class Loop:
    """All pictures of `source`, and then the first one again; a `Reader`."""

    def __init__(self, source: Reader) -> None:
        self._source = source
        self.replayable = source.replayable
        self.info = replace(
            source.info, frames=None if source.info.frames is None else source.info.frames + 1
        )

    def __iter__(self) -> Iterator[Frame]:
        """Every picture, then the first.

        Raises:
            MediaError: the source is broken.
        """
        last: Frame | None = None
        for last in self._source:
            yield last
        frames = iter(self._source)
        first = next(frames, None)
        _close(frames)
        if first is not None and last is not None:
            yield replace(first, index=last.index + 1, pts=last.pts + last.duration)


def _close(frames: Iterator[Frame]) -> None:
    close = getattr(frames, "close", None)
    if close is not None:
        close()
