"""How the command line speaks, on standard error: lines of text, or lines of JSON and nothing else.

Each line of JSON is an object: `stage` is progress (see `progress`), `note` is something to know, `info`
something that -v asked for, `result` what was done, `error` why it was not. In a folder of clips, `clip`
says which one it is about.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

FLAG = "--json-progress"


def say(text: str, values: dict[str, Any], as_json: bool) -> None:
    """Say `text`, or `values` where JSON was asked for."""
    print(json.dumps(values) if as_json else text, file=sys.stderr, flush=True)


class _Voice(logging.Handler):
    """Says what the library logs."""

    def __init__(self, as_json: bool) -> None:
        super().__init__()
        self._json = as_json
        self._last = ""

    def emit(self, record: logging.LogRecord) -> None:
        text = " ".join(record.getMessage().split())
        if text == self._last:  # what is opened twice, once to try, is told of once
            return
        self._last = text
        note = record.levelno >= logging.WARNING
        say(f"note: {text}" if note else text, {"note" if note else "info": text}, self._json)


@contextmanager
def heard(as_json: bool) -> Iterator[None]:
    """While inside, what the library logs as a warning is said; `listen` changes that."""
    voice = _Voice(as_json)
    root, ours = logging.getLogger(), logging.getLogger("nakawari")
    before = ours.level
    root.addHandler(voice)
    logging.captureWarnings(True)  # those of Python, which would be text
    try:
        yield
    finally:
        logging.captureWarnings(False)
        root.removeHandler(voice)
        ours.setLevel(before)


def listen(*, quiet: bool = False, verbose: bool = False) -> None:
    """Choose how much of what the library logs is said: errors, notes too, or all that is decided."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, _Voice):  # not the loggers' level: reports gather what is not said, too
            handler.setLevel(logging.ERROR if quiet else logging.NOTSET)
    if verbose:
        logging.getLogger("nakawari").setLevel(logging.INFO)
