"""What a person says of a pair by clicking: which places are the same, which are not, what comes and goes.

A hint is `{"kind", "first": [x, y] or null, "second": [x, y] or null}`: places in the first key and in the
second; of kind "strokes" both are lists of places, along a line.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nakawari.errors import InputError
from nakawari.models import find
from nakawari.studio.guides import read_guide

if TYPE_CHECKING:
    from nakawari.studio.project import Source

BOTH = ("regions", "apart", "points", "strokes")
ONE = {"disappears": "first", "appears": "second"}
MOST, MOST_PLACES = 500, 500
"""Hints of one pair; places of one stroke."""

Hint = dict[str, Any]


def read_hints(rows: Any, source: Source) -> tuple[Hint, ...]:
    """Hints as the page sends them, checked.

    Raises:
        InputError: one is of no kind, or its places are missing or outside of the picture.
    """
    if not isinstance(rows, list) or len(rows) > MOST:
        raise InputError(f"hints are no list of at most {MOST}.")
    return tuple(_hint(row, source) for row in rows)


def _hint(row: Any, source: Source) -> Hint:
    kind = row.get("kind") if isinstance(row, dict) else None
    if kind not in (*BOTH, *ONE):
        raise InputError(f"a hint is of kind {kind!r}; wanted {', '.join((*BOTH, *ONE))}.")
    wanted = ("first", "second") if kind in BOTH else (ONE[kind],)
    made: Hint = {"kind": kind, "first": None, "second": None}
    for side in wanted:
        where = f"a hint of kind {kind} has no place in the {side} key"
        if kind != "strokes":
            made[side] = _place(row.get(side), source, f"{where}; wanted [x, y].")
            continue
        line = row.get(side)
        wrong = f"{where}; wanted 2 to {MOST_PLACES} places [x, y]."
        if not isinstance(line, list) or not 2 <= len(line) <= MOST_PLACES:
            raise InputError(wrong)
        made[side] = [_place(place, source, wrong) for place in line]
    return made


def _place(place: Any, source: Source, wrong: str) -> list[float]:
    whole = isinstance(place, list) and len(place) == 2
    if not whole or not all(isinstance(x, (int, float)) and not isinstance(x, bool) for x in place):
        raise InputError(wrong)
    if not (0 <= place[0] < source.width and 0 <= place[1] < source.height):
        raise InputError(f"a hint is at {place}; the picture is {source.width}x{source.height}.")
    return [place[0], place[1]]


def told(ask: Mapping[str, Any], pictures: Path) -> dict[str, Any]:
    """What the `prepare` of a model is told of a pair besides its keys; those that take no hints, nothing.

    Args:
        ask: what decides how the pair is drawn, as `views.ask` gives it.
        pictures: where the pictures of the project lie.

    Raises:
        InputError: its rough cannot be read.
    """
    fields: dict[str, Any] = as_fields(ask["hints"])
    if ask.get("guide"):
        fields |= read_guide(ask["guide"]).as_fields()
    if not fields or not find(ask["model"]).hints:
        return {}
    from nakawari.models.cel.hints import parse_hints

    return {"hints": parse_hints(fields, pictures)}


def as_fields(hints: Sequence[Hint]) -> dict[str, list[Any]]:
    """The same by kind, as a file of hints holds them (docs/cel.md)."""
    fields: dict[str, list[Any]] = {}
    for hint in hints:
        kind = hint["kind"]
        place = [hint["first"], hint["second"]] if kind in BOTH else hint[ONE[kind]]
        fields.setdefault(kind, []).append(place)
    return fields
