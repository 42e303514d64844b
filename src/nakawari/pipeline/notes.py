"""What the user of a run should know, gathered for its report.

Readers and writers say it where they find it, by `logging` at the level WARNING. Several runs may go on in
one process, each with its threads; a note belongs to the run in whose context it was made.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_notes: ContextVar[list[str] | None] = ContextVar("notes", default=None)


class _Gatherer(logging.Handler):
    """Adds what is said to the notes of the run that says it."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)

    def emit(self, record: logging.LogRecord) -> None:
        notes = _notes.get()
        text = record.getMessage()
        if notes is not None and text not in notes:
            notes.append(text)
        if logging.lastResort is not None and not logging.getLogger().handlers:
            logging.lastResort.handle(record)  # what python does where nobody listens, and we do not count


_gatherer = _Gatherer()


@contextmanager
def gathered() -> Iterator[list[str]]:
    """The list that what is said inside, at WARNING or above, is added to, each thing once."""
    logging.getLogger("nakawari").addHandler(_gatherer)  # adds it once
    notes: list[str] = []
    token = _notes.set(notes)
    try:
        yield notes
    finally:
        _notes.reset(token)
