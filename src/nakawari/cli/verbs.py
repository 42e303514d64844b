"""The verbs, and the one place where an expected error becomes a line and an exit status."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module
from types import FrameType
from typing import Any, NoReturn

from nakawari import __version__
from nakawari.cli.parser import USAGE, Parser, Usage, spelled
from nakawari.cli.speech import FLAG, heard, say
from nakawari.errors import NakawariError, UsageError

VERBS: dict[str, str] = {
    "smooth": "raise the frame rate of a clip: draw the frames between its drawings",
    "inbetween": "draw what stands between keys, where the chart says; keys stay as they are",
    "plan": "say what smooth would do and why: shots, cadence, holds, cuts, every output frame",
    "demo": "draw a short clip, smooth it, and write before, after and a contact sheet",
    "models": "list the models and tell about one",
    "evaluate": "compare models, and frames of other systems, with the truth",
    "train": "train a network as a TOML file says, or go on with an interrupted run",
    "data": "make training and test data",
    "studio": "open a page for looking at drawings and what lies between them, and mending both",
    "doctor": "print versions, devices and codecs, and try what works here",
}
FAILED, INTERRUPTED = 1, 130


def run(argv: Sequence[str] | None = None) -> int:
    """Run one verb; returns the exit status: 0 done, 1 failed, 2 wrong usage, 130 interrupted."""
    words = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in words
    words = [word for word in words if word != "--debug"]
    as_json = FLAG in map(spelled, words)
    if not words or words[0] in ("-h", "--help", "help"):
        print(_overview())
        return 0 if words else USAGE
    if words[0] in ("-V", "--version", "version"):
        print(f"nakawari {__version__}")
        return 0
    verb = words[0].replace("_", "-")
    if verb not in VERBS:
        near = get_close_matches(verb, VERBS, n=1)
        hint = f" Did you mean {near[0]}?" if near else f" Verbs: {', '.join(VERBS)}."
        return _fail(f"there is no verb {words[0]!r}.{hint}", USAGE, as_json)
    try:
        with _terminate_as_interrupt(), heard(as_json):
            return _run_verb(verb, words[1:])
    except Usage as wrong:
        return _fail(str(wrong), USAGE, as_json, wrong.prog)
    except SystemExit as leave:
        return leave.code if isinstance(leave.code, int) else FAILED
    except (KeyboardInterrupt, Exception) as error:
        if debug:
            raise
        return _ended(error, as_json)


def _ended(error: BaseException, as_json: bool) -> int:
    """Say what ended a verb; returns the exit status."""
    if isinstance(error, KeyboardInterrupt):
        return _fail("interrupted; nothing half-written was left.", INTERRUPTED, as_json)
    if isinstance(error, BrokenPipeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    if isinstance(error, NakawariError):
        return _fail(str(error), USAGE if isinstance(error, UsageError) else FAILED, as_json)
    again = "(run again with --debug for the traceback; please report it)"
    return _fail(f"unforeseen {type(error).__name__}: {error} {again}", FAILED, as_json)


def _fail(text: str, status: int, as_json: bool, who: str = "nakawari") -> int:
    """Say why it failed, in one line; returns the exit status."""
    line = " ".join(text.split())
    say(f"{who}: {line}", {"error": line, "status": status}, as_json)
    return status


def _run_verb(verb: str, words: Sequence[str]) -> int:
    module = import_module(f"nakawari.cli.{verb.replace('-', '_')}")
    parser = Parser(prog=f"nakawari {verb}", description=module.__doc__)
    module.add_arguments(parser)
    status: int = module.run(parser.parse_args(words))
    return status


def _overview() -> str:
    width = max(map(len, VERBS))
    rows = "\n".join(f"  {verb:<{width}}  {summary}" for verb, summary in VERBS.items())
    return (
        f"nakawari {__version__}: draws the frames between the drawings of 2D animation.\n\n"
        f"usage: nakawari VERB ...\n\n{rows}\n\n"
        "nakawari VERB -h tells about one; --version prints the version; --debug shows tracebacks."
    )


class _terminate_as_interrupt:  # noqa: N801 - reads as a statement
    """While inside, a polite kill and a closed terminal unwind as ctrl-C does: nothing half-written stays."""

    def __enter__(self) -> None:
        self._previous: dict[int, Any] = {}
        for name in ("SIGTERM", "SIGHUP"):
            number = getattr(signal, name, None)
            if number is None or signal.getsignal(number) is signal.SIG_IGN:  # `nohup` means it
                continue
            try:
                self._previous[number] = signal.signal(number, self._interrupt)
            except ValueError:  # not the main thread: signals are somebody else's business
                return

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    @staticmethod
    def _interrupt(_signal: int, _frame: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt
