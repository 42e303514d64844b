"""Plan → frames: walk the slots, copy or draw, in constant memory.

The plan has decided everything; here frames only flow. A decoded frame is kept from when it arrives
until the last slot that names it, a pair is prepared once for all its slots, and an encoded frame is
handed on to the next pair.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from time import perf_counter
from typing import TYPE_CHECKING, Protocol

from nakawari.errors import PlanError
from nakawari.models.unsure import Unsure
from nakawari.pipeline.artist import Artist, SideBySide
from nakawari.pipeline.report import Work
from nakawari.timeline.plan import Plan, Slot
from nakawari.video.frames import Array, Frame, Writer

if TYPE_CHECKING:
    from nakawari.models.base import Interpolator
    from nakawari.pipeline.artist import Cast
    from nakawari.pipeline.pictures import Watch

UNUSED = -1
"""Number of no slot."""

WINDOW = 64
"""A plan may go back by so many frames at most: what it may name again must stay in memory."""


class Progress(Protocol):
    """Is told how far a stage has come; `total` is None when nobody knows."""

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        """`done` of `total` steps of `stage` are done."""


def silent(stage: str, done: int, total: int | None) -> None:
    """Progress for nobody."""


def render(
    plan: Plan,
    frames: Iterable[Frame],
    writer: Writer,
    model: Interpolator,
    progress: Progress = silent,
    done: int = 0,
    watch: Watch | None = None,
    cast: Cast | None = None,
    begins: int = 0,
    unsure: Unsure = "draw",
) -> Work:
    """Carry out `plan`.

    Args:
        plan: a checked plan of the clip that `frames` comes from.
        frames: every frame of the clip in order, from number `begins` on.
        writer: takes the frames; neither finished nor aborted here.
        model: draws what has to be drawn.
        progress: is told the stage "render".
        done: so many slots stand already, and are left out.
        begins: number of the first one of `frames`.
        watch: is shown every pair, named by the numbers of its frames.
        cast: says for each pair who draws; None: `model` draws all.
        unsure: what is done between keys whose motion cannot be followed.

    Raises:
        PlanError: the plan names a frame that never comes, or goes back too far.
    """
    work = Work()
    slots = plan.slots[done:]
    window = _Window(slots, iter(frames), work, begins)
    artist = Artist(cast or (lambda source, target: (model, {})), watch, unsure)
    total = len(plan.slots)
    progress("render", done, total)
    with closing(SideBySide(slots, window, artist, plan.slots[:done])) as drawn:
        for number, slot in enumerate(slots):
            source = window.frame(slot.source, number)
            target = None if slot.target is None else window.frame(slot.target, number)
            picture: Array | Frame = source
            if target is not None:
                picture, spent = drawn.take(number)
                work.add(spent)
            begin = perf_counter()
            if isinstance(picture, Frame):
                writer.copy(picture, slot.pts)
                work.copied += 1
            else:
                assert target is not None
                writer.draw(picture, slot.pts, (source, target))
                work.drawn += 1
            work.timing.write += perf_counter() - begin
            window.forget(number)
            progress("render", done + number + 1, total)
        work.at_once = max(1, drawn.most)
    return work


class _Window:
    """The decoded frames that the slots to come still need."""

    def __init__(self, slots: Sequence[Slot], frames: Iterator[Frame], work: Work, begins: int) -> None:
        self._frames = frames
        self._work = work
        self._kept: dict[int, Frame] = {}
        self._next = begins
        named = max((max(slot.source, slot.target or 0) for slot in slots), default=-1)
        self._last_use = array("q", [UNUSED]) * (named + 1)
        for number, slot in enumerate(slots):
            self._last_use[slot.source] = number
            if slot.target is not None:
                self._last_use[slot.target] = number

    def frame(self, index: int, slot: int) -> Frame:
        begin = perf_counter()
        while self._next <= index:
            frame = next(self._frames, None)
            if frame is None:
                raise PlanError(f"slot {slot} names frame {index}; the input has {self._next} frames.")
            if self._last_use[self._next] != UNUSED:
                self._kept[self._next] = frame
            self._next += 1
        self._work.timing.read += perf_counter() - begin
        if len(self._kept) > WINDOW:
            raise PlanError(
                f"slot {slot} lies more than {WINDOW} frames from others that use the same frames."
            )
        return self._kept[index]

    def within(self, index: int, most: int) -> bool:
        """Whether frame `index` can be had with no more than `most` frames in memory."""
        return index < self._next or len(self._kept) + index - self._next < most

    def forget(self, slot: int) -> None:
        done = [index for index in self._kept if self._last_use[index] <= slot]
        for index in done:
            del self._kept[index]
