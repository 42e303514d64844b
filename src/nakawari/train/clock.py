"""When to stop, when to save, and how fast it goes."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from nakawari.train.config import Config


class Clock:
    """Wall-clock time of one start."""

    def __init__(self, config: Config) -> None:
        now = time.monotonic()
        self._end = now + 60 * config.time.minutes if config.time.minutes else float("inf")
        self._between = 60 * config.every.checkpoint_minutes
        self._saved = self._said = now
        self._waited = 0.0

    def over(self) -> bool:
        """Whether the time that was given is over."""
        return time.monotonic() >= self._end

    def checkpoint_due(self) -> bool:
        """Whether the last checkpoint is older than a kill may cost."""
        return time.monotonic() - self._saved >= self._between

    def since_checkpoint(self) -> float:
        """Seconds since the last call: call it when a checkpoint is written."""
        now = time.monotonic()
        passed, self._saved = now - self._saved, now
        return passed

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Inside, the loop waits for data."""
        began = time.monotonic()
        yield
        self._waited += time.monotonic() - began

    @contextmanager
    def pausing(self) -> Iterator[None]:
        """Inside, something is done that does not count for `speed`."""
        began = time.monotonic()
        yield
        self._said += time.monotonic() - began

    def speed(self, samples: int) -> dict[str, float]:
        """Samples a second since the last call, and the share of it that was spent waiting for data."""
        now = time.monotonic()
        passed = max(now - self._said, 1e-9)
        row = {"samples_per_s": round(samples / passed, 2), "wait": round(self._waited / passed, 4)}
        self._said, self._waited = now, 0.0
        return row


class Stop:
    """Whether a signal asked to stop."""

    asked = False


@contextmanager
def stop_signals() -> Iterator[Stop]:
    """Inside, SIGINT and SIGTERM ask to stop after the step, with a checkpoint; a second one interrupts."""
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def ask(_signal: int, _frame: FrameType | None) -> None:
        if stop.asked:
            raise KeyboardInterrupt
        stop.asked = True

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
