"""Decoding ahead and encoding behind."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from fractions import Fraction

import numpy as np
import pytest

from nakawari.errors import OutputError
from nakawari.video.encoders import EncodeOptions
from nakawari.video.open import open_reader, open_writer
from nakawari.video.threads import BackgroundWriter, prefetch

from .media import pictures, write_video


@pytest.fixture(autouse=True)
def _no_thread_is_left():
    before = threading.active_count()
    yield
    patience = time.monotonic() + 5
    while threading.active_count() > before and time.monotonic() < patience:  # one may be just leaving
        time.sleep(0.01)
    assert threading.active_count() <= before


def test_prefetch_gives_all_in_order():
    assert list(prefetch(range(100), 3)) == list(range(100))
    assert list(prefetch([], 3)) == []


def test_prefetch_stays_within_its_depth():
    made = []
    seen = threading.Event()

    def source():
        for number in range(50):
            made.append(number)
            if number == 5:
                seen.set()
            yield number

    ahead = prefetch(source(), 4)
    assert next(ahead) == 0
    assert seen.wait(5)
    assert len(made) <= 1 + 4 + 1 + 1
    ahead.close()
    assert len(made) <= 7


def test_prefetch_passes_errors_on_after_what_came_before():
    def source():
        yield 1
        raise KeyError("broken")

    ahead = prefetch(source())
    assert next(ahead) == 1
    with pytest.raises(KeyError, match="broken"):
        next(ahead)


def test_leaving_early_closes_the_source():
    closed = []

    def source():
        try:
            yield from range(1000)
        finally:
            closed.append(threading.current_thread().name)

    ahead = prefetch(source(), 2)
    next(ahead)
    ahead.close()
    assert closed == ["nakawari-ahead"]


def test_frames_are_let_go(tmp_path):
    """Neither reader nor queue keeps frames that were consumed."""
    path = write_video(tmp_path / "in.mkv", pictures(60, 16, 16), codec="ffv1")
    alive: list[weakref.ref] = []
    most = 0
    for frame in prefetch(open_reader(path), 3):
        picture = frame.rgb()
        alive.append(weakref.ref(picture))
        del frame, picture
        gc.collect(0)
        most = max(most, sum(one() is not None for one in alive))
    assert len(alive) == 60
    assert most <= 2


class Recorder:
    """A writer that notes what it is told; may fail or wait."""

    def __init__(self, fail_at: int | None = None) -> None:
        self.calls: list[str] = []
        self.fail_at = fail_at
        self.gate = threading.Event()
        self.gate.set()

    def copy(self, frame, pts):
        self.gate.wait(10)
        if len(self.calls) == self.fail_at:
            raise OutputError("the disk is full")
        self.calls.append(f"copy {pts}")

    def draw(self, rgb, pts, keys):
        self.calls.append(f"draw {pts}")

    def finish(self):
        self.calls.append("finish")

    def abort(self):
        self.calls.append("abort")


def test_writing_behind_keeps_the_order():
    recorder = Recorder()
    writer = BackgroundWriter(recorder, 2)
    for number in range(20):
        if number % 2:
            writer.draw(np.zeros(1), Fraction(number), ())
        else:
            writer.copy(None, Fraction(number))
    writer.finish()
    assert recorder.calls == [f"{'draw' if n % 2 else 'copy'} {n}" for n in range(20)] + ["finish"]
    writer.abort()
    assert recorder.calls[-1] == "abort"


def test_an_error_behind_is_raised_in_front():
    recorder = Recorder(fail_at=3)
    writer = BackgroundWriter(recorder, 2)
    for number in range(4):
        writer.copy(None, Fraction(number))
    with pytest.raises(OutputError, match="full"):
        writer.finish()
    with pytest.raises(OutputError, match="full"):
        writer.copy(None, Fraction(9))
    writer.abort()
    assert recorder.calls == ["copy 0", "copy 1", "copy 2", "abort"]


def test_abort_drops_what_waits_and_does_not_hang():
    recorder = Recorder()
    recorder.gate.clear()
    writer = BackgroundWriter(recorder, 3)
    for number in range(3):
        writer.copy(None, Fraction(number))
    threading.Timer(0.05, recorder.gate.set).start()
    writer.abort()
    assert recorder.calls[-1] == "abort"
    assert len(recorder.calls) <= 2
    with pytest.raises(RuntimeError, match="finished"):
        writer.copy(None, Fraction(9))


def test_reading_and_writing_at_once(tmp_path):
    source = write_video(tmp_path / "in.mkv", pictures(40, 48, 32), codec="ffv1", sound="flac")
    reader = open_reader(source)
    options = EncodeOptions(codec="ffv1")
    writer = BackgroundWriter(open_writer(tmp_path / "out.mkv", reader.info, Fraction(25), options, source))
    try:
        for frame in prefetch(reader):
            writer.copy(frame, frame.pts)
        writer.finish()
    finally:
        writer.abort()
    for before, after in zip(reader, open_reader(tmp_path / "out.mkv"), strict=True):
        np.testing.assert_array_equal(before.rgb(), after.rgb())
