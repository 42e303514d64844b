"""Names of drawings: the keys' prefix and padding, numbered between them where there is room.

A0001, A0007 and 2 between   A0003, A0005        the numbers leave twos: every second one is taken
A0001, A0007 and 3 between   A0002, A0003, A0004
A0001, A0002 and 3 between   A0001_1, A0001_2, A0001_3
walk_a, walk_b and 1         walk_a_1
"""

from __future__ import annotations

import re
import string
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from nakawari.errors import InputError

FIELDS = ("layer", "key", "next", "prefix", "number", "index", "count", "drawing", "t")
"""What a pattern may name."""
_UNFIT = re.compile(r'[/\\:*?"<>|\x00-\x1f]')


@dataclass(frozen=True, slots=True)
class Name:
    """The stem of a drawing's file, taken apart at its last number."""

    prefix: str
    number: int
    width: int
    suffix: str

    @staticmethod
    def of(stem: str) -> Name | None:
        """The parts of a stem; None where it holds no number."""
        found = re.fullmatch(r"(.*?)(\d+)(\D*)", stem, re.DOTALL)
        return None if found is None else Name(found[1], int(found[2]), len(found[2]), found[3])

    def at(self, number: int) -> str:
        """The stem of another number."""
        return f"{self.prefix}{number:0{self.width}d}{self.suffix}"


def between(
    first: str, second: str | None, count: int, step: int = 1, taken: Collection[str] = ()
) -> tuple[list[str], int]:
    """Stems of `count` drawings after the stem `first` and before `second`.

    Args:
        first, second: stems of the keys; None: nothing comes after, as behind the last key of a loop.
        count: of drawings.
        step: between numbers, where nothing comes after.
        taken: stems that other drawings have.

    Returns:
        the stems, and the step between their numbers.
    """
    numbers = _numbers(first, second, count, step)
    one = Name.of(first)
    if numbers is not None and one is not None:
        stems = [one.at(number) for number in numbers]
        if not set(stems) & set(taken):
            return stems, numbers.step
    width = len(str(count))
    return [f"{first}_{k:0{width}d}" for k in range(1, count + 1)], 1


def _numbers(first: str, second: str | None, count: int, step: int) -> range | None:
    """Numbers for drawings between two stems; None where there is no room."""
    one = Name.of(first)
    if one is None:
        return None
    if second is not None:
        other = Name.of(second)
        if other is None or (one.prefix, one.suffix) != (other.prefix, other.suffix):
            return None
        gap = other.number - one.number
        if gap <= count:
            return None
        step = gap // (count + 1) if gap % (count + 1) == 0 else 1
    return range(one.number + step, one.number + step * count + 1, step)


def check_name(name: str, what: str) -> None:
    """Raise InputError unless `name` may be that of a file or folder on any disk."""
    if not name.strip() or _UNFIT.search(name) or name.startswith(".") or len(name) > 200:
        raise InputError(f"the {what} {name[:60]!r} is no name of a file.")


def check_pattern(pattern: str) -> None:
    """Raise InputError unless `pattern` is one that `named` can fill in."""
    sample: dict[str, Any] = dict.fromkeys(("layer", "key", "next", "prefix"), "A")
    sample |= {"number": 1, "index": 1, "count": 1, "drawing": 1, "t": 0.5}
    if not named(pattern, sample):
        raise InputError("the pattern for names is empty.")


def names_keys(pattern: str) -> bool:
    """Whether a pattern counts all drawings, so that keys are named by it too."""
    return any(field == "drawing" for _, field, _, _ in string.Formatter().parse(pattern))


def named(pattern: str, fields: Mapping[str, Any]) -> str:
    """`pattern` with its fields filled in: `{prefix}{number:04d}_{index}`.

    Raises:
        InputError: it names something that is not there, or what comes out is no name of a file.
    """
    try:
        parts = list(string.Formatter().parse(pattern))
        for _, field, _, _ in parts:
            if field is not None and field not in FIELDS:
                known = ", ".join(f"{{{name}}}" for name in FIELDS)
                raise InputError(f"the pattern {pattern!r} names {{{field}}}; wanted {known}.")
        stem = pattern.format(**{k: float(v) if isinstance(v, Fraction) else v for k, v in fields.items()})
    except (ValueError, IndexError, KeyError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"the pattern {pattern!r} cannot be filled in ({error}).") from error
    if _UNFIT.search(stem) or stem in (".", "..") or len(stem) > 200:
        raise InputError(f"the pattern {pattern!r} makes {stem[:60]!r}, which is no name of a file.")
    return stem
