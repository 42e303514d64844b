"""Who draws the pictures of a plan, pair by pair, and several pairs side by side.

Much of what is done for a pair cannot be divided, so one pair keeps few cores busy. Where a model allows it
and memory is enough, as many pairs as there are threads are drawn at once, each in a thread of its own; their
pictures are handed out in the order of the plan.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, takewhile
from time import perf_counter
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from nakawari.errors import InputError
from nakawari.models.unsure import Unsure, takes_second
from nakawari.pipeline.report import Work
from nakawari.pipeline.sureness import doubt_of, tell
from nakawari.timeline.plan import Slot
from nakawari.video.frames import Array, Frame
from nakawari.video.threads import Ahead

if TYPE_CHECKING:
    from nakawari.models.base import Encoded, Interpolator, Pair
    from nakawari.pipeline.pictures import Watch

    Cast = Callable[[int, int], tuple[Interpolator, Mapping[str, Any]]]
    """Frames `source`, `target` → who draws between them, and what else its `prepare` is told."""

Picture = tuple[Array | Frame, Work]
"""What was drawn, or the key that stands for it, and what that took."""

MOST = 8
"""Pairs that are drawn side by side at most."""
WAITING = 8
"""Pictures of a pair that wait for their turn at most; pairs of more than twice as many are drawn one after
the other by all threads, for side by side they would stand still."""
FRAMES = 8
"""Frames that are kept in any case before a further pair begins; two for each pair more."""


class Frames(Protocol):
    """The frames of a clip, as far as they are in memory."""

    def frame(self, index: int, slot: int) -> Frame:
        """Frame `index`, which slot number `slot` names."""
        ...

    def within(self, index: int, most: int) -> bool:
        """Whether frame `index` can be had with no more than `most` frames in memory."""
        ...


@dataclass(slots=True)
class Run:
    """A pair and its moments.

    Attributes:
        numbers: of the slots.
        slots: all of one source and target.
        frames: these two.
        model: who draws.
        told: what its `prepare` is told besides.
        encoded: handles of the frames.
    """

    numbers: list[int]
    slots: list[Slot]
    frames: tuple[Frame, Frame]
    model: Interpolator
    told: Mapping[str, Any]
    encoded: tuple[Encoded, Encoded]


class Artist:
    """Draws pairs; remembers who drew the last one, and its encoded frames."""

    def __init__(self, cast: Cast, watch: Watch | None, unsure: Unsure) -> None:
        self._cast = cast
        self._watch = watch
        self._unsure = unsure
        self._told: set[int] = set()
        self._last: Run | None = None

    def begin(self, numbers: list[int], slots: list[Slot], source: Frame, target: Frame) -> Run:
        """Say who draws a pair; to be called in the order of the plan."""
        model, told = self._cast(source.index, target.index)
        if id(model) not in self._told:
            tell(model, self._unsure)
            self._told.add(id(model))
        known: dict[int, Encoded] = {}
        if self._last is not None and self._last.model is model:
            known = {f.index: e for f, e in zip(self._last.frames, self._last.encoded, strict=True)}
        first, second = (known.get(f.index) or model.encode(f.rgb()) for f in (source, target))
        self._last = Run(numbers, slots, (source, target), model, told, (first, second))
        return self._last

    def at_once(self, run: Run, most: int) -> int:
        """How many pairs like this one may be drawn side by side."""
        if self._watch is not None:  # is shown one pair after the other
            return 1
        height, width = run.frames[0].rgb().shape[:2]
        return run.model.pairs_at_once((height, width), most)

    def pictures(self, run: Run) -> Generator[Picture]:
        """The pictures of a run, in order."""
        model, (source, target) = run.model, run.frames
        begin, spent = perf_counter(), Work(pairs=1)
        try:
            pair = model.prepare(*run.encoded, **run.told)
        except InputError as error:  # what is told of a pair does not fit it
            raise InputError(f"between frames {source.index} and {target.index}: {error}") from error
        if self._unsure != "draw" and not _is_sure(model, pair, run.frames):
            spent.unsure.append((source.index, target.index))
        stands = bool(spent.unsure)
        if self._watch is not None:
            self._watch(f"{source.index:06d}-{target.index:06d}", pair)
        spent.timing.prepare = perf_counter() - begin
        for slot in run.slots:
            assert slot.t is not None
            begin = perf_counter()
            picture: Array | Frame = source
            if pair.box is not None and stands:
                picture = target if takes_second(self._unsure, slot.t) else source
            elif pair.box is not None:
                drawn: Any = model.at(pair, slot.t)
                spent.timing.draw = perf_counter() - begin
                box = pair.box
                spent.changed_px = (box.bottom - box.top) * (box.right - box.left)
                picture = hard(drawn, source.rgb(), target.rgb())
            yield picture, spent
            spent = Work()


class SideBySide:
    """The pictures of a plan's pairs, drawn ahead where the model allows it; asked for in order.

    What is wrong with a frame or a plan is told when it is come to, which is before the pictures of the pairs
    that are under way.

    Args:
        slots: of the plan, those that are still to be drawn.
        frames: of the clip.
        artist: draws.
        done: the slots before them: whether a pair is drawn side by side must not depend on where a render
            goes on.

    Attributes:
        most: pairs that were under way at once, in threads of their own.
    """

    def __init__(
        self, slots: Sequence[Slot], frames: Frames, artist: Artist, done: Sequence[Slot] = ()
    ) -> None:
        import torch

        self._slots, self._frames, self._artist = slots, frames, artist
        drawn = (number for number, slot in enumerate(slots) if slot.target is not None)
        pairs = groupby(drawn, lambda number: (slots[number].source, slots[number].target))
        self._runs = (list(numbers) for _, numbers in pairs)
        self._next = next(self._runs, None)
        self._begun = 0 if self._next is None else _pictures_of(self._keys(self._next), done)
        """Pictures of the first pair that stand already."""
        self._going: deque[tuple[Run, Generator[Picture] | Ahead[Picture]]] = deque()
        self._threads = torch.get_num_threads()
        self._at_once: dict[int, int] = {}
        """By the model."""
        self.most = 0

    def take(self, number: int) -> Picture:
        """The picture of a slot."""
        if not self._going:
            self._begin()
        self._fill()
        run, pictures = self._going[0]
        picture = next(pictures)
        if number == run.numbers[-1]:  # lets go of what is known of it before another begins
            pictures.close()
            self._going.popleft()
            if self._going:
                self._fill()
        self._restore()
        return picture

    def close(self) -> None:
        """Stop what is being drawn."""
        for _, pictures in self._going:
            if isinstance(pictures, Ahead):
                pictures.stop()
        for _, pictures in self._going:
            pictures.close()
        self._restore()

    def _restore(self) -> None:
        """Have other threads begin with as many torch threads as before: a pair's thread sets that, too."""
        if self.most:
            import torch

            torch.set_num_threads(self._threads)

    def _fill(self) -> None:
        """Begin further pairs, as many as may be drawn at once, and as few frames need be kept for."""
        while self._next is not None and not self._many(self._next):
            most = self._at_once[id(self._going[-1][0].model)]
            _, target = self._keys(self._next)
            if len(self._going) >= most or not self._frames.within(target, FRAMES + 2 * most):
                return
            self._begin()

    def _many(self, numbers: list[int]) -> bool:
        """Whether a pair has so many pictures that it is drawn by all threads."""
        return self._begun + len(numbers) > 2 * WAITING

    def _keys(self, numbers: list[int]) -> tuple[int, int]:
        slot = self._slots[numbers[0]]
        assert slot.target is not None
        return slot.source, slot.target

    def _begin(self) -> None:
        assert self._next is not None
        numbers, self._next = self._next, next(self._runs, None)
        source, target = (self._frames.frame(index, numbers[0]) for index in self._keys(numbers))
        run = self._artist.begin(numbers, [self._slots[number] for number in numbers], source, target)
        key = id(run.model)
        if key not in self._at_once:
            self._at_once[key] = self._artist.at_once(run, min(MOST, self._threads))
        count = 1 if self._many(numbers) else self._at_once[key]
        self._begun = 0
        pictures: Generator[Picture] | Ahead[Picture] = self._artist.pictures(run)
        if count > 1:
            pictures = Ahead(_with_threads(self._threads // count, pictures), WAITING)
        self._going.append((run, pictures))
        self.most = max(self.most, sum(isinstance(each, Ahead) for _, each in self._going))


def _pictures_of(keys: tuple[int, int], slots: Sequence[Slot]) -> int:
    """How many of the last drawn of `slots` are of one pair."""
    drawn = ((slot.source, slot.target) for slot in reversed(slots) if slot.target is not None)
    return sum(1 for _ in takewhile(keys.__eq__, drawn))


def _with_threads(count: int, pictures: Iterable[Picture]) -> Generator[Picture]:
    """The same, in a thread that uses so many."""
    import torch

    torch.get_num_threads()  # a thread that was not asked takes over what another sets later
    torch.set_num_threads(count)
    yield from pictures


def _is_sure(model: Interpolator, pair: Pair, frames: tuple[Frame, Frame]) -> bool:
    from nakawari.metrics.doubt import LARGE

    return doubt_of(model, pair, (frames[0].rgb(), frames[1].rgb())) <= LARGE


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
