"""An argument parser with the manners that users of such tools expect.

Hyphens and underscores are the same in long flags, an unknown flag or verb suggests the nearest,
help shows groups, flags are not abbreviated, and values are checked while they are parsed.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from fractions import Fraction
from typing import Any, NoReturn

from nakawari.errors import InputError

USAGE = 2


class Parser(argparse.ArgumentParser):
    """`argparse.ArgumentParser` that suggests, and says what is wrong in one line."""

    def __init__(self, **keywords: Any) -> None:
        keywords.setdefault("allow_abbrev", False)
        keywords.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        super().__init__(**keywords)

    def flags(self) -> list[str]:
        """Every flag that this parser and its verbs know."""
        known = [flag for action in self._actions for flag in action.option_strings]
        for action in self._actions:
            if isinstance(action, argparse._SubParsersAction):
                for parser in action.choices.values():
                    known += parser.flags()
        return known

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Parse, after spelling every long flag with hyphens."""
        words = list(sys.argv[1:] if args is None else args)
        end = words.index("--") if "--" in words else len(words)
        return super().parse_known_args([*map(spelled, words[:end]), *words[end:]], namespace)

    def parse_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> argparse.Namespace:
        """Parse all of `args`; an unknown flag ends the program with a suggestion."""
        parsed, unknown = self.parse_known_args(args, namespace)
        verb = self._chosen(parsed)
        for word in unknown:
            if word.startswith("-") and word != "-":
                flag = word.split("=")[0]
                near = get_close_matches(flag, verb.flags(), n=1, cutoff=0.7)
                verb.error(f"unknown flag {flag}." + (f" Did you mean {near[0]}?" if near else ""))
        last = verb._actions_of_words()[-1:]
        if unknown and last and last[0].nargs in ("*", "+"):
            # argparse ends a list of words at the first flag behind it; ours goes on.
            setattr(parsed, last[0].dest, [*getattr(parsed, last[0].dest), *unknown])
        elif unknown:
            verb.error(f"too many arguments: {' '.join(unknown)}.")
        return parsed

    def _chosen(self, parsed: argparse.Namespace) -> Parser:
        """The parser of the verb within this one that was given; this one where there are none."""
        for action in self._actions:
            if isinstance(action, argparse._SubParsersAction):
                verb: Parser = action.choices[getattr(parsed, action.dest)]
                return verb._chosen(parsed)
        return self

    def _actions_of_words(self) -> list[argparse.Action]:
        return [action for action in self._actions if not action.option_strings]

    def error(self, message: str) -> NoReturn:
        """Leave with status 2 and what was wrong."""
        raise Usage(self.prog, f"{message} (see {self.prog} -h)")


class Usage(SystemExit):
    """The command line was used wrongly; its text says how.

    Attributes:
        prog: the verb that was used.
    """

    def __init__(self, prog: str, message: str) -> None:
        super().__init__(USAGE)
        self.prog, self._message = prog, message

    def __str__(self) -> str:
        """What was wrong, in one line."""
        return self._message


def spelled(word: str) -> str:
    """A word of the command line, with hyphens where a long flag has underscores."""
    if not re.match(r"--[A-Za-z]", word):
        return word
    flag, equals, value = word.partition("=")
    return flag.replace("_", "-") + equals + value


def _checked(name: str, read: Callable[[str], Any]) -> Callable[[str], Any]:
    """Give `read` the name that argparse prints in its own messages."""
    read.__name__ = name
    return read


def ratio(text: str) -> Fraction:
    """`60`, `59.94`, `60000/1001` → exact Fraction above 0."""
    try:
        value = Fraction(text.replace(":", "/").strip())
    except (ValueError, ZeroDivisionError):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a number such as 60, 23.976 or 60000/1001"
        ) from None
    if value <= 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not above 0")
    return value


def time(text: str) -> Fraction:
    """`62.5`, `1:02.5` → exact seconds from 0 on."""
    from nakawari.timeline.cuts import moment

    value = moment(text)
    if value is None or value < 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time such as 62.5 or 1:02.5")
    return value


def factor(text: str) -> Fraction:
    """`2`, `2.5`, `5/2` → exact Fraction of at least 1."""
    value = ratio(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is below 1; nakawari adds frames and never drops any")
    return value


def doublings(text: str) -> Fraction:
    """The `--exp N` of other tools: a factor of 2^N."""
    try:
        value = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None
    if not 0 <= value <= 10:
        raise argparse.ArgumentTypeError(f"{text!r} is not in 0..10")
    return Fraction(2**value)


def frame_size(text: str) -> tuple[int, int]:
    """`512` or `640x360` (width × height) → (height, width)."""
    try:
        numbers = [int(part) for part in text.lower().split("x")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a size such as 512 or 640x360") from None
    if len(numbers) not in (1, 2) or min(numbers) < 16:
        raise argparse.ArgumentTypeError(f"{text!r} is not a size such as 512 or 640x360, of at least 16")
    return numbers[-1], numbers[0]


def add_device(group: argparse._ArgumentGroup) -> None:
    """Add the flags that say what a model runs on."""
    group.add_argument(
        "--device", type=device, default="auto", metavar="NAME", help="auto, cpu, cuda, cuda:N, mps (auto)"
    )
    group.add_argument(
        "--precision",
        choices=("auto", "fp32", "bf16", "fp16"),
        default="auto",
        help="of the model's numbers (auto: fp16 on cuda, else fp32)",
    )


def device(text: str) -> str:
    """The name of a device, which may or may not be there."""
    if not re.fullmatch(r"auto|cpu|mps|cuda(:\d+)?", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no device; wanted auto, cpu, cuda, cuda:N or mps")
    return text


def understood(read: Callable[..., Any], *values: Any) -> Any:
    """What `read` makes of `values`; its complaint about them is one about the flag."""
    try:
        return read(*values)
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error).rstrip(".")) from error


def at_least(low: int) -> Callable[[str], int]:
    """A reader of whole numbers of at least `low`."""

    def read(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None
        if value < low:
            raise argparse.ArgumentTypeError(f"{text!r} is below {low}")
        return value

    return _checked("number", read)
