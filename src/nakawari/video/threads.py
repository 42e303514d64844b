"""Decoding ahead and encoding behind: threads with short queues, so that memory stays bounded.

Decoders and encoders let go of the interpreter's lock while they work. An error in a thread is raised
again in the caller; leaving early stops the thread and waits for the one step it is in.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable
from contextvars import copy_context
from fractions import Fraction
from types import TracebackType
from typing import Generic, TypeVar

from nakawari.video.frames import Array, Frame, Writer

T = TypeVar("T")


class _Closed(BaseException):
    """The other side has gone. Not an Exception, so that nothing between mistakes it for an error."""


class _Carrier:
    """Keeps what a thread raises, whatever it is, to be raised again in the caller."""

    def __init__(self) -> None:
        self.error: BaseException | None = None

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if not isinstance(error, _Closed):
            self.error = error
        return True

    def hand_over(self) -> None:
        """Raise what was kept."""
        if self.error is not None:
            raise self.error


class _Channel(Generic[T]):
    """A bounded queue of which either side can be closed."""

    def __init__(self, depth: int) -> None:
        self._depth = max(1, depth)
        self._items: deque[T] = deque()
        self._changed = threading.Condition()
        self._ended = False
        self._closed = False

    def put(self, item: T) -> None:
        """Add an item, waiting for room; raises _Closed once nobody takes any more."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or len(self._items) < self._depth)
            if self._closed:
                raise _Closed
            self._items.append(item)
            self._changed.notify_all()

    def get(self) -> T:
        """Take an item, waiting for one; raises _Closed once there will be none."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._ended or self._items)
            if self._closed or not self._items:
                raise _Closed
            item = self._items.popleft()
            self._changed.notify_all()
            return item

    def end(self) -> None:
        """Say that no item will be added; those waiting are still taken."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def close(self) -> None:
        """Stop at once; items waiting are dropped."""
        with self._changed:
            self._closed = True
            self._items.clear()
            self._changed.notify_all()


class Ahead(Generic[T]):
    """What `items` gives, in order, made up to `depth` ahead in a thread that starts at once.

    An error there is raised here, after the items before it.
    """

    def __init__(self, items: Iterable[T], depth: int = 4) -> None:
        self._channel: _Channel[T] = _Channel(depth)
        self._failure = _Carrier()
        context = copy_context()  # what is said there is said by whoever asks for the items
        work = (self._produce, items)
        self._thread = threading.Thread(target=context.run, args=work, name="nakawari-ahead", daemon=True)
        self._thread.start()

    def _produce(self, items: Iterable[T]) -> None:
        with self._failure:
            source = iter(items)
            try:
                for item in source:
                    self._channel.put(item)
                    del item  # is not kept while the next one is made
            finally:
                close = getattr(source, "close", None)
                if close is not None:
                    close()
        self._channel.end()

    def __iter__(self) -> Ahead[T]:
        return self

    def __next__(self) -> T:
        try:
            return self._channel.get()
        except _Closed:
            self._failure.hand_over()
            raise StopIteration from None

    def stop(self) -> None:
        """Have the thread stop after the one step it is in, and close the iterator of `items` there."""
        self._channel.close()

    def close(self) -> None:
        """Stop the thread, and wait for it."""
        self.stop()
        self._thread.join()


def prefetch(items: Iterable[T], depth: int = 4) -> Generator[T]:
    """As `Ahead`, in a thread that starts with the first item; closing the generator stops it."""
    ahead = Ahead(items, depth)
    try:
        yield from ahead
    finally:
        ahead.close()


class BackgroundWriter:
    """A `Writer` that hands pictures to another one in a thread.

    An error there is raised by the next call here. `depth` pictures may wait.
    """

    def __init__(self, writer: Writer, depth: int = 4) -> None:
        self._writer = writer
        self._channel: _Channel[Callable[[], None]] = _Channel(depth)
        self._failure = _Carrier()
        work = (self._work,)
        self._thread = threading.Thread(
            target=copy_context().run, args=work, name="nakawari-writer", daemon=True
        )
        self._thread.start()

    def _work(self) -> None:
        with self._failure:
            while True:
                self._channel.get()()
        self._channel.close()

    def _submit(self, task: Callable[[], None]) -> None:
        try:
            self._channel.put(task)
        except _Closed:
            self._failure.hand_over()
            raise RuntimeError("the writer is finished already.") from None

    def copy(self, frame: Frame, pts: Fraction) -> None:
        """Write the decoded frame untouched, shown from `pts`."""
        self._submit(lambda: self._writer.copy(frame, pts))

    def draw(self, rgb: Array, pts: Fraction, keys: tuple[Frame, Frame]) -> None:
        """Write a made picture; it must not be changed afterwards."""
        self._submit(lambda: self._writer.draw(rgb, pts, keys))

    def finish(self) -> None:
        """Wait for the pictures that are pending, and finish the writer behind."""
        self._channel.end()
        self._thread.join()
        self._failure.hand_over()
        self._writer.finish()

    def abort(self) -> None:
        """Drop what is pending, wait for the step that is under way, and abort the writer behind."""
        self._channel.close()
        self._thread.join()
        self._writer.abort()
