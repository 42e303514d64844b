"""Drawings of a clip while it is being read: decided as soon as they are certain, and then forgotten.

The decisions are those of `analyse`, which sees the whole clip first. But a cut depends on a few frames
around it only, and a drawing on those of its shot within a few seconds; so a window of frames is enough, and
a film of any length is read once, in constant memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from nakawari.timeline.cuts import SURROUNDINGS, find_cuts, find_flashes
from nakawari.timeline.drawings import REACH, find_drawings
from nakawari.timeline.measure import Measurer
from nakawari.timeline.measurements import LAGS, Measurements
from nakawari.video.frames import Frame
from nakawari.video.planes import planes

EVERY = 32
"""Frames after which decisions are made."""
_CUT_MARGIN = SURROUNDINGS + 2 * LAGS
_DRAWING_MARGIN = REACH + 24
"""A line of evidence is drawn from so many frames on either side, in steps of less than 24."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """The first frame of a drawing, the number of its shot's first frame, and whether it is a flash."""

    frame: Frame
    shot: int
    flash: bool


class DrawingFinder:
    """Takes frames in order and gives drawings in order; holds about a hundred frames."""

    def __init__(self) -> None:
        self._measurer = Measurer()
        self._measurements = Measurements()
        self._frames: dict[int, Frame] = {}
        self._shot = 0
        self._cuts: list[int] = []
        self._cuts_until = 1
        """Every cut before this frame is known."""
        self._given = 0
        """Frames before this one belong to drawings that were given."""

    def add(self, frame: Frame) -> Iterator[Drawn]:
        """Take the next frame, give what is certain now."""
        self._frames[len(self._measurements)] = frame
        self._measurements.append(self._measurer.add(*planes(frame)))
        if len(self._measurements) % EVERY == 0:
            yield from self._decide(over=False)

    def finish(self) -> Iterator[Drawn]:
        """Give what is left: there are no more frames."""
        if self._measurements:
            yield from self._decide(over=True)

    def _decide(self, over: bool) -> Iterator[Drawn]:
        count = len(self._measurements)
        until = count if over else max(self._cuts_until, count - _CUT_MARGIN)
        start = max(0, self._cuts_until - 2 * _CUT_MARGIN)
        found = find_cuts(self._measurements[start:])
        self._cuts += [start + n for n in found if self._cuts_until <= start + n < until]
        self._cuts_until = until
        while self._cuts:
            end = self._cuts.pop(0)
            yield from self._give(end, end)
            self._shot = end
        yield from self._give(count, count if over else min(until, count - _DRAWING_MARGIN))

    def _give(self, end: int, until: int) -> Iterator[Drawn]:
        """Drawings of the shot that lasts to `end` (as far as is known) that begin before `until`."""
        if until <= self._given:
            return
        first = self._shot
        shot = self._measurements[first:end]
        start = max(0, first - 2 * LAGS)
        flashed = find_flashes(self._measurements[start:end])
        for drawing in find_drawings(shot, []):
            begin, last = first + drawing.first, first + drawing.last
            if self._given <= begin < until:
                flash = all(flashed[begin - start : last + 1 - start])
                yield Drawn(self._frames[begin], first, flash)
        for number in range(self._given, until):
            self._frames.pop(number, None)
        self._given = until
