"""Timing charts: how many drawings stand between two keys, and how far along the way each one is.

A chart is what a key animator writes beside a key. It says where, not when: the time that a drawing is shown
for belongs to the timesheet. A chart of one pair is one of

    1/4 1/2 3/4         fractions of the way, rising; 0.25 and 25% mean the same
    halves, thirds, quarters, fifths, sixths
    even 4              four drawings, evenly
    in 3, out 3, in-out 3, in 3 2      eased, with a strength (1 when not said)
    favour first, favour last          one drawing, two thirds of the way towards that key
    favour last 3       three drawings, each of which halves what is left: 1/2 3/4 7/8
    none                nothing between these two; so does -

and charts of several pairs stand in a row, parted by semicolons. `in` starts slowly (drawings crowd at the
first key), `out` ends slowly (they crowd at the last), `in-out` does both.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

from nakawari.errors import PlanError, UsageError

Chart = tuple[Fraction, ...]
"""Shares of the way from the first key to the second, rising, each between 0 and 1."""

PARTS = {"halves": 2, "thirds": 3, "quarters": 4, "fifths": 5, "sixths": 6}
EASES = ("linear", "in", "out", "in-out")
MOST = 999
"""Drawings of one pair."""
FINEST = 10**6
"""Largest denominator of an eased share."""
_FAVOUR = re.compile(r"favou?r (first|last)(?: (\d+))?")
_EASED = re.compile(r"(even|linear|in|out|in-out)(?: (\d+))(?: (\d+(?:\.\d+)?))?")
WANTED = (
    'wanted fractions such as "1/4 1/2 3/4", halves, thirds, quarters, "even 3", "in-out 3", '
    '"favour last", or none'
)


def eased(count: int, ease: str = "linear", strength: float | Fraction = 1) -> Chart:
    """`count` drawings, spaced evenly in eased time.

    Args:
        count: of drawings, 0 to 999.
        ease: "linear", "in" (starts slowly), "out" (ends slowly), "in-out".
        strength: 0 is linear, 1 quadratic, 2 cubic, and so on.

    Raises:
        PlanError: a value is out of its range.
    """
    if not 0 <= count <= MOST:
        raise PlanError(f"the count is {count}; wanted 0 to {MOST} drawings between two keys.")
    if ease not in EASES:
        raise PlanError(f"there is no ease {ease!r}; wanted {', '.join(EASES)}.")
    if not 0 <= strength <= 10:
        raise PlanError(f"the strength is {strength}; wanted 0 to 10.")
    power = 1 + Fraction(strength)
    chart = tuple(_ease(Fraction(k, count + 1), ease, power) for k in range(1, count + 1))
    return _checked(chart, f"{ease} {count} {strength}")


def _ease(u: Fraction, ease: str, power: Fraction) -> Fraction:
    if ease == "in":
        return _power(u, power)
    if ease == "out":
        return 1 - _power(1 - u, power)
    if ease == "in-out":
        return _power(2 * u, power) / 2 if 2 * u <= 1 else 1 - _power(2 - 2 * u, power) / 2
    return u


def _power(base: Fraction, power: Fraction) -> Fraction:
    """Exact for whole powers, else near."""
    if power.denominator == 1:
        return Fraction(base**power.numerator)
    return Fraction(float(base) ** float(power)).limit_denominator(FINEST)


def parse_chart(text: str) -> Chart:
    """The chart of one pair.

    Raises:
        PlanError: it is not one.
    """
    words = " ".join(text.lower().replace(",", " ").split())
    if words in ("none", "-"):
        return ()
    if words in PARTS:
        return eased(PARTS[words] - 1)
    favour = _FAVOUR.fullmatch(words)
    if favour:
        return _favour(favour[1] == "last", int(favour[2] or 1), text)
    named = _EASED.fullmatch(words)
    if named:
        ease = "linear" if named[1] == "even" else named[1]
        return eased(int(named[2]), ease, Fraction(named[3] or 1))
    return _checked(tuple(_share(word, text) for word in words.split()), text)


def _favour(last: bool, count: int, text: str) -> Chart:
    if not 1 <= count <= 12:
        raise PlanError(f"the chart {text!r} asks for {count} drawings; wanted 1 to 12 by halving.")
    near = [Fraction(1, 3)] if count == 1 else [Fraction(1, 2**k) for k in range(count, 0, -1)]
    return tuple(1 - share for share in reversed(near)) if last else tuple(near)


def _share(word: str, text: str) -> Fraction:
    try:
        return Fraction(word[:-1]) / 100 if word.endswith("%") else Fraction(word)
    except (ValueError, ZeroDivisionError):
        raise PlanError(f"{word!r} in the chart {text!r} is not understood; {WANTED}.") from None


def _checked(chart: Chart, text: str) -> Chart:
    for share in chart:
        if not 0 < share < 1:
            raise PlanError(
                f"the chart {text!r} holds {share}; wanted shares above 0 and below 1; no drawing is none."
            )
    if any(later <= share for share, later in pairwise(chart)):
        raise PlanError(f"the chart {text!r} does not rise; wanted shares such as 1/4 1/2 3/4.")
    if len(chart) > MOST:
        raise PlanError(f"the chart {text[:40]!r}... has {len(chart)} drawings; wanted at most {MOST}.")
    return chart


def parse_charts(text: str) -> tuple[Chart, ...]:
    """Charts of one or more pairs, parted by semicolons.

    Raises:
        PlanError: one of them is none.
    """
    if not text.strip():
        raise PlanError(f"the chart is empty; {WANTED}.")
    return tuple(parse_chart(part) for part in text.split(";"))


def charts_for(charts: Sequence[Chart], pairs: int, what: str = "the keys") -> tuple[Chart, ...]:
    """One chart for each pair: a single one stands for all.

    Raises:
        PlanError: there are several, and not as many as pairs.
    """
    if len(charts) == 1:
        return tuple(charts) * pairs
    if len(charts) != pairs:
        raise UsageError(
            f"{what} make {pairs} pair{'s' * (pairs != 1)}, but there are {len(charts)} charts; "
            "give one for each pair, parted by semicolons, or one for all."
        )
    return tuple(charts)


def as_charts(value: str | Sequence[object]) -> tuple[Chart, ...]:
    """What Python callers give: text, numbers (one chart), or a list of either (one chart a pair).

    Raises:
        PlanError: it is none of these.
    """
    if isinstance(value, str):
        return parse_charts(value)
    items = list(value)
    if all(isinstance(item, (int, float, Fraction)) for item in items):
        return (_checked(tuple(_number(item) for item in items), str(items)),)
    charts: list[Chart] = []
    for item in items:
        if isinstance(item, str):
            charts.append(parse_chart(item))
        elif isinstance(item, Sequence):
            charts.append(_checked(tuple(_number(one) for one in item), str(item)))
        else:
            raise PlanError(f"the chart {item!r} is not understood; {WANTED}.")
    return tuple(charts)


def _number(item: object) -> Fraction:
    if isinstance(item, str):
        return _share(item, item)
    if isinstance(item, float):
        return Fraction(item).limit_denominator(FINEST)
    if isinstance(item, (int, Fraction)) and not isinstance(item, bool):
        return Fraction(item)
    raise PlanError(f"{item!r} in a chart is not a number; {WANTED}.")
