"""Rendering carries out a plan: nothing more, nothing less, in constant memory."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from fractions import Fraction

import cv2
import numpy as np
import pytest
import torch

from nakawari.errors import InputError, PlanError
from nakawari.models import load
from nakawari.models.base import Encoded, Interpolator, Pair
from nakawari.models.tiles import resident_bytes
from nakawari.pipeline.artist import Artist, SideBySide
from nakawari.pipeline.render import WINDOW, render
from nakawari.pipeline.report import Work
from nakawari.timeline.plan import Drawing, Plan, Reason, Shot, Slot
from nakawari.video.frames import Frame
from tests.pipeline.memory import MemoryReader, MemoryWriter


def pictures(count: int) -> list[np.ndarray]:
    made = []
    for n in range(count):
        picture = np.full((12, 20, 3), 90, np.uint8)
        picture[4:8, n % 15 : n % 15 + 4] = 10 + n
        made.append(picture)
    return made


def plan_of(slots: list[Slot], frames: int, rate: int = 48) -> Plan:
    drawings = tuple(Drawing(n, n) for n in range(frames))
    return Plan("memory", Fraction(rate), (Shot(0, frames - 1, 1),), drawings, tuple(slots)).check(frames)


def doubled(frames: int) -> Plan:
    slots = []
    for n in range(frames):
        slots.append(Slot(Fraction(2 * n, 48), n, None, None, Reason.SOURCE))
        if n + 1 < frames:
            slots.append(Slot(Fraction(2 * n + 1, 48), n, n + 1, Fraction(1, 2), Reason.BETWEEN))
        else:
            slots.append(Slot(Fraction(2 * n + 1, 48), n, None, None, Reason.HOLD))
    return plan_of(slots, frames)


def test_slots_become_frames_in_order() -> None:
    given = pictures(5)
    writer = MemoryWriter()
    work = render(doubled(5), MemoryReader(given), writer, load("blend"))
    assert [pts for pts, _, _ in writer.frames] == [Fraction(n, 48) for n in range(10)]
    assert [how for _, _, how in writer.frames] == ["copy", "draw"] * 4 + ["copy", "copy"]
    for n, picture in enumerate(given):
        assert np.array_equal(writer.frames[2 * n][1], picture)
    assert (work.pairs, work.drawn, work.copied) == (4, 4, 6)


def test_a_pair_is_prepared_once_and_a_frame_encoded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    model = load("blend")
    prepared: list[tuple[int, int]] = []
    encoded: list[int] = []
    prepare, encode = model.prepare, model.encode
    monkeypatch.setattr(model, "prepare", lambda a, b: (prepared.append((id(a), id(b))), prepare(a, b))[1])
    monkeypatch.setattr(model, "encode", lambda frame: (encoded.append(1), encode(frame))[1])
    slots = [Slot(Fraction(0), 0, None, None, Reason.SOURCE)]
    slots += [Slot(Fraction(k, 72), 0, 1, Fraction(k, 3), Reason.BETWEEN) for k in (1, 2)]
    slots += [Slot(Fraction(3, 72), 1, None, None, Reason.SOURCE)]
    slots += [Slot(Fraction(3 + k, 72), 1, 2, Fraction(k, 3), Reason.BETWEEN) for k in (1, 2)]
    render(plan_of(slots, 3, 72), MemoryReader(pictures(3)), MemoryWriter(), model)
    assert len(prepared) == 2
    assert len(encoded) == 3


def test_equal_keys_are_copied_not_drawn() -> None:
    still = [pictures(1)[0]] * 3
    writer = MemoryWriter()
    work = render(doubled(3), MemoryReader(still), writer, load("blend"))
    assert {how for _, _, how in writer.frames} == {"copy"}
    assert work.changed_px == 0


def test_only_the_changing_box_is_drawn() -> None:
    work = render(doubled(3), MemoryReader(pictures(3)), MemoryWriter(), load("blend"))
    assert work.changed_px == 2 * 4 * 5


def test_progress_is_told() -> None:
    told: list[tuple[str, int, int | None]] = []
    render(
        doubled(3), MemoryReader(pictures(3)), MemoryWriter(), load("blend"), lambda *step: told.append(step)
    )
    assert told == [("render", n, 6) for n in range(7)]


def test_a_frame_that_never_comes_is_named() -> None:
    with pytest.raises(PlanError, match="names frame 3; the input has 3 frames"):
        render(doubled(4), MemoryReader(pictures(3)), MemoryWriter(), load("blend"))


def test_a_plan_may_go_back_a_little_but_not_far() -> None:
    count = 2 * WINDOW
    slots = [Slot(Fraction(n, 24), n, None, None, Reason.SOURCE) for n in range(count)]
    near = [*slots[:9], Slot(slots[8].pts + Fraction(1, 48), 3, None, None, Reason.HOLD), *slots[9:]]
    writer = MemoryWriter()
    render(plan_of(near, count, 48), MemoryReader(pictures(count)), writer, load("blend"))
    assert np.array_equal(writer.frames[9][1], pictures(4)[3])
    far = [
        *slots,
        *(Slot(slots[-1].pts + Fraction(n + 1, 48), n, None, None, Reason.HOLD) for n in range(count)),
    ]
    with pytest.raises(PlanError, match="frames from others"):
        render(plan_of(far, count, 48), MemoryReader(pictures(count)), MemoryWriter(), load("blend"))


def test_frames_are_let_go() -> None:
    import gc
    import weakref

    alive: list[weakref.ref[Frame]] = []
    most = 0

    class Tracked(Frame):  # a Frame has slots and no room for weak references
        __slots__ = ("__weakref__",)

    class Reader(MemoryReader):
        def __iter__(self):
            nonlocal most
            for frame in super().__iter__():
                tracked = Tracked(frame.index, frame.pts, frame.duration, frame.native, frame.colour)
                alive.append(weakref.ref(tracked))
                del frame
                gc.collect()
                most = max(most, sum(one() is not None for one in alive))
                yield tracked
                del tracked

    model = load("blend")
    gc.freeze()  # what other tests left behind is not looked through for each frame
    try:
        render(doubled(40), Reader(pictures(40)), MemoryWriter(), model)
    finally:
        gc.unfreeze()
    assert most <= 5


@pytest.fixture
def four_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(4)
    yield
    torch.set_num_threads(before)


def moving(count: int) -> list[np.ndarray]:
    """A disc over a painted ground."""
    ground = cv2.resize(np.random.default_rng(1).integers(60, 200, (6, 9, 3), np.uint8), (96, 64))
    return [cv2.circle(ground.copy(), (20 + 5 * n, 30), 9, (30, 20, 160), -1) for n in range(count)]


def rendered(plan: Plan, given: list[np.ndarray], model: Interpolator) -> tuple[MemoryWriter, Work]:
    writer = MemoryWriter()
    return writer, render(plan, MemoryReader(given), writer, model)


@pytest.mark.usefixtures("four_threads")
def test_pairs_side_by_side_give_what_one_after_the_other_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    model, given = load("classic", device="cpu"), moving(9)
    together = rendered(doubled(9), given, model)
    assert torch.get_num_threads() == 4
    monkeypatch.setattr(model, "side_by_side", False)
    alone = rendered(doubled(9), given, model)
    assert [(pts, how) for pts, _, how in together[0].frames] == [
        (pts, how) for pts, _, how in alone[0].frames
    ]
    assert all(
        np.array_equal(one, other)
        for (_, one, _), (_, other, _) in zip(together[0].frames, alone[0].frames, strict=True)
    )
    assert (together[1].pairs, together[1].drawn, together[1].changed_px) == (
        alone[1].pairs,
        alone[1].drawn,
        alone[1].changed_px,
    )


@pytest.mark.usefixtures("four_threads")
def test_as_many_pairs_are_drawn_at_once_as_there_are_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    model = load("classic", device="cpu")
    prepare, meet = model.prepare, threading.Barrier(4)

    def prepared(*keys: Encoded) -> Pair:
        meet.wait(60)  # fails unless four are in here together
        return prepare(*keys)

    monkeypatch.setattr(model, "prepare", prepared)
    _, work = rendered(doubled(9), moving(9), model)
    assert work.pairs == 8


@pytest.mark.usefixtures("four_threads")
def test_pairs_share_the_threads_and_others_begin_with_all(monkeypatch: pytest.MonkeyPatch) -> None:
    model = load("classic", device="cpu")
    at, seen = model.at, set()

    def counting(pair: Pair, t: float) -> np.ndarray:
        made = at(pair, t)
        seen.add(torch.get_num_threads())  # after it has computed something
        assert isinstance(made, np.ndarray)
        return made

    def begins(stage: str, done: int, total: int | None) -> None:
        if 6 < done < 12:
            with ThreadPoolExecutor(1) as other:
                others.append(other.submit(torch.get_num_threads).result())

    others: list[int] = []
    monkeypatch.setattr(model, "at", counting)
    render(doubled(12), MemoryReader(moving(12)), MemoryWriter(), model, begins)
    assert seen == {1}
    assert max(others) == 4


@pytest.mark.usefixtures("four_threads")
def test_what_is_drawn_at_once_does_not_depend_on_where_a_render_goes_on() -> None:
    model, given = load("classic", device="cpu"), moving(2)
    slots = [Slot(Fraction(0), 0, None, None, Reason.SOURCE)]
    slots += [Slot(Fraction(n, 24 * 20), 0, 1, Fraction(n, 20), Reason.BETWEEN) for n in range(1, 20)]
    plan = plan_of(slots, 2, 24 * 20)
    for done in (0, 15):
        drawn = SideBySide(
            plan.slots[done:], _Still(given), Artist(lambda *_: (model, {}), None, "draw"), plan.slots[:done]
        )
        with closing(drawn):
            drawn.take(1 if done == 0 else 0)
            assert not [one for one in threading.enumerate() if one.name == "nakawari-ahead"]
            assert drawn.most == 0


class _Still:
    """Frames that are all there."""

    def __init__(self, given: list[np.ndarray]) -> None:
        self._frames = list(MemoryReader(given))

    def frame(self, index: int, slot: int) -> Frame:
        return self._frames[index]

    def within(self, index: int, most: int) -> bool:
        return True


@pytest.mark.usefixtures("four_threads")
@pytest.mark.parametrize("fails", ["a pair", "the writer", "a frame"])
def test_a_fault_ends_all_that_is_drawn(monkeypatch: pytest.MonkeyPatch, fails: str) -> None:
    model, prepare = load("classic", device="cpu"), Interpolator.prepare

    def prepared(first: Encoded, second: Encoded) -> Pair:
        if fails == "a pair" and np.array_equal(first.frame, given[3]):
            raise InputError("it is broken")
        return prepare(model, first, second)

    monkeypatch.setattr(model, "prepare", prepared)
    given, writer = moving(9), MemoryWriter(fail_at=5 if fails == "the writer" else None)
    plan = doubled(10 if fails == "a frame" else 9)
    kinds = {
        "a pair": (InputError, "between frames 3 and 4: it is broken"),
        "the writer": (OSError, "no space"),
        "a frame": (PlanError, "names frame 9"),
    }
    with pytest.raises(kinds[fails][0], match=kinds[fails][1]):
        render(plan, MemoryReader(given), writer, model)
    if fails == "a pair":  # what was drawn before it is written
        assert len(writer.frames) == 7
    assert not [one for one in threading.enumerate() if one.name == "nakawari-ahead"]


@pytest.mark.usefixtures("four_threads")
def test_a_long_hold_is_not_read_ahead_of() -> None:
    held = 60
    given = moving(1) * held + moving(3)
    slots = [Slot(Fraction(n, 48), n, None, None, Reason.SOURCE) for n in range(held)]
    slots[10] = Slot(Fraction(10, 48), 9, 10, Fraction(1, 2), Reason.BETWEEN)
    slots += [Slot(Fraction(held, 48), held, held + 1, Fraction(1, 2), Reason.BETWEEN)]
    read = 0

    class Reader(MemoryReader):
        def __iter__(self) -> Iterator[Frame]:
            nonlocal read
            for frame in super().__iter__():
                read = frame.index
                yield frame

    class Writer(MemoryWriter):
        def copy(self, frame: Frame, pts: Fraction) -> None:
            assert read <= frame.index + 24
            super().copy(frame, pts)

    render(plan_of(slots, held + 3), Reader(given), Writer(), load("classic", device="cpu"))


def test_only_as_many_pairs_are_drawn_at_once_as_memory_allows() -> None:
    model = load("classic", device="cpu")
    size = 1080, 1920
    assert model.pairs_at_once((100, 100), 4) == 4
    one = model.cost.of_whole(1080 * 1920)  # type: ignore[union-attr]
    model.adjust(memory="100G")
    model.reserve(size, 0)
    assert model.pairs_at_once(size, 4) == 4
    model.adjust(memory=f"{(resident_bytes() + 2 * one) // 2**20}M")
    model.reserve(size, 0)
    assert model.pairs_at_once(size, 4) == 1
    model.adjust(memory="100G")
    model.reserve(size, 100 * 2**30 - resident_bytes() - one * 3 // 2)
    model.adjust(unsure="hold")  # what was settled stays
    assert model.pairs_at_once(size, 4) == 1
    assert load("blend").pairs_at_once((100, 100), 4) == 1
