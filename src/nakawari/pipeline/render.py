"""Plan → frames: walk the slots, copy or draw, in constant memory.

The plan has decided everything; here frames only flow. A decoded frame is kept from when it arrives
until the last slot that names it, a pair is prepared once for all its slots, and an encoded frame is
handed on to the next pair.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from time import perf_counter
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from nakawari.errors import InputError, PlanError
from nakawari.models.unsure import Unsure, takes_second
from nakawari.pipeline.report import Work
from nakawari.pipeline.sureness import doubt_of, tell
from nakawari.timeline.plan import Plan, Slot
from nakawari.video.frames import Array, Frame, Writer

if TYPE_CHECKING:
    from nakawari.models.base import Encoded, Interpolator, Pair
    from nakawari.pipeline.pictures import Watch

    Cast = Callable[[int, int], tuple[Interpolator, Mapping[str, Any]]]
    """Frames `source`, `target` → who draws between them, and what else its `prepare` is told."""

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
    artist = _Artist(cast or (lambda source, target: (model, {})), work, watch, unsure)
    total = len(plan.slots)
    progress("render", done, total)
    for number, slot in enumerate(slots):
        source = window.frame(slot.source, number)
        target = None if slot.target is None else window.frame(slot.target, number)
        picture = source if target is None else artist.draw(source, target, slot)
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

    def forget(self, slot: int) -> None:
        done = [index for index in self._kept if self._last_use[index] <= slot]
        for index in done:
            del self._kept[index]


def hard(picture: Array, key0: Array, key1: Array) -> Array:
    """`picture` with edges as hard as those of its keys: where neither has half-clear pixels, nor has it.

    What a model makes between clear and opaque is colour that is not premultiplied, so an opaque pixel has
    the full colour of what it shows. Other pictures come back as they are.
    """
    if picture.shape[2] != 4:
        return picture
    opaque = 1 if np.issubdtype(picture.dtype, np.floating) else np.iinfo(picture.dtype).max
    for key in (key0, key1):
        if not np.isin(key[..., 3], (0, opaque)).all():
            return picture
    covered = 2 * picture[..., 3].astype(np.float32) > opaque
    made: Array = np.where(covered[..., None], picture, np.zeros_like(picture))
    made[..., 3][covered] = opaque
    return made


class _Artist:
    """Draws between two frames; remembers the last pair and the last encoded frames."""

    def __init__(self, cast: Cast, work: Work, watch: Watch | None, unsure: Unsure) -> None:
        self._cast = cast
        self._unsure = unsure
        self._sure = True
        self._work = work
        self._watch = watch
        self._key: tuple[int, int] | None = None
        self._model: Interpolator | None = None
        self._pair: Pair | None = None
        self._encoded: dict[int, Encoded] = {}

    def draw(self, source: Frame, target: Frame, slot: Slot) -> Array | Frame:
        """The picture of the slot, or the key that stands for it."""
        assert slot.t is not None
        timing = self._work.timing
        key = (source.index, target.index)
        begin = perf_counter()
        if key != self._key or self._pair is None:
            self._pair = None  # lets go of what it knows before more is kept
            model, told = self._cast(*key)
            if model is not self._model:
                tell(model, self._unsure)
                self._model, self._encoded = model, {}
            self._encoded = {frame.index: self._encode(model, frame) for frame in (source, target)}
            try:
                self._pair = model.prepare(self._encoded[key[0]], self._encoded[key[1]], **told)
            except InputError as error:  # what is told of a pair does not fit it
                raise InputError(f"between frames {key[0]} and {key[1]}: {error}") from error
            self._key = key
            self._work.pairs += 1
            if self._unsure != "draw":
                self._sure = self._is_sure(model, source, target)
            if self._watch is not None:
                self._watch("-".join(f"{index:06d}" for index in key), self._pair)
        prepared = perf_counter()
        timing.prepare += prepared - begin
        box = self._pair.box
        if box is None:
            return source
        if not self._sure:
            return target if takes_second(self._unsure, slot.t) else source
        assert self._model is not None
        picture = self._model.at(self._pair, slot.t)
        timing.draw += perf_counter() - prepared
        self._work.changed_px += (box.bottom - box.top) * (box.right - box.left)
        return hard(picture, source.rgb(), target.rgb())  # type: ignore[arg-type]

    def _is_sure(self, model: Interpolator, source: Frame, target: Frame) -> bool:
        from nakawari.metrics.doubt import LARGE

        assert self._pair is not None
        sure = doubt_of(model, self._pair, (source.rgb(), target.rgb())) <= LARGE
        if not sure:
            self._work.unsure.append((source.index, target.index))
        return sure

    def _encode(self, model: Interpolator, frame: Frame) -> Encoded:
        known = self._encoded.get(frame.index)
        return model.encode(frame.rgb()) if known is None else known
