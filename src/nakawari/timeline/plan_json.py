"""A plan as JSON, and back: what people edit by hand is read with care, and what is wrong is named.

Version 1 did not say what a plan was made of and how; its plans are still read.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from functools import lru_cache
from typing import Any

from nakawari.errors import PlanError
from nakawari.timeline.plan import Choice, Drawing, Original, Plan, Reason, Shot, Slot

PLAN_VERSION = 2

_FIELDS = ("version", "input", "rate", "shots", "drawings", "slots")
_ORIGIN = ("clip", "options")
_PAIR = ("target", "model", "hints")
_SLOT = ("pts", "source", "target", "t", "reason")
_CLIP = ("frames", "first", "last", "pictures")


def to_dict(plan: Plan) -> dict[str, Any]:
    """The plan as JSON-ready values; fractions are `"n/d"` strings."""
    return {
        key: list(value) if isinstance(value, Iterator) else value for key, value in _values(plan).items()
    }


def _values(plan: Plan) -> dict[str, Any]:
    """What `to_dict` gives, rows not made yet."""
    clip = plan.clip
    values = {
        "version": PLAN_VERSION,
        "input": plan.input,
        "clip": None
        if clip is None
        else {
            "frames": clip.frames,
            "first": ratio(clip.first),
            "last": ratio(clip.last),
            "pictures": clip.pictures,
        },
        "options": None if plan.options is None else dict(plan.options),
        "rate": ratio(plan.rate),
        "shots": ({"first": s.first, "last": s.last, "cadence": s.cadence} for s in plan.shots),
        "drawings": ({"first": d.first, "last": d.last} for d in plan.drawings),
        "slots": (
            {
                "pts": ratio(s.pts),
                "source": s.source,
                "target": s.target,
                "t": None if s.t is None else ratio(s.t),
                "reason": str(s.reason),
            }
            for s in plan.slots
        ),
    }
    if plan.model is not None:
        values["model"] = plan.model
    if plan.pairs:
        values["pairs"] = ({"target": c.target, "model": c.model, "hints": dict(c.hints)} for c in plan.pairs)
    return values


def to_json(plan: Plan) -> str:
    """The plan as JSON text, a line for each slot: easy to edit and to compare."""
    return "".join(pieces(plan))


def pieces(plan: Plan) -> Iterator[str]:
    """The text of `to_json` piece by piece: that of a long film is never whole in memory."""
    before = "{\n"
    for key, value in _values(plan).items():
        yield f"{before}  {json.dumps(key)}: "
        before = ",\n"
        if isinstance(value, Iterator):
            opening = "["
            for row in value:
                yield f"{opening}\n    {json.dumps(row)}"
                opening = ","
            yield "[]" if opening == "[" else "\n  ]"
        else:
            yield json.dumps(value)
    yield "\n}\n"


def from_dict(values: Any) -> Plan:
    """Read what `to_dict` gave.

    Raises:
        PlanError: a field is missing, unknown or of the wrong kind, or the plan is not whole.
    """
    if isinstance(values, dict) and "version" in values:
        version = values["version"]
        if isinstance(version, bool) or version not in (1, PLAN_VERSION):
            raise PlanError(f"the plan's version is {version!r}; wanted {PLAN_VERSION}.")
        if version == 1:
            values = {**dict.fromkeys(_ORIGIN), **values}
    if isinstance(values, dict):
        values = {"pairs": [], "model": None, **values}
    _check_keys(values, (*_FIELDS, *_ORIGIN, "pairs", "model"), "the plan")
    if not isinstance(values["input"], str):
        raise PlanError("the plan's input is not a string.")
    if values["options"] is not None and not isinstance(values["options"], dict):
        raise PlanError("the plan's options is not a JSON object.")
    shots = tuple(
        Shot(*(_integer(row[k], f"shot {n} {k}") for k in ("first", "last", "cadence")))
        for n, row in _rows(values, "shots", ("first", "last", "cadence"))
    )
    drawings = tuple(
        Drawing(*(_integer(row[k], f"drawing {n} {k}") for k in ("first", "last")))
        for n, row in _rows(values, "drawings", ("first", "last"))
    )
    slots = tuple(
        row if isinstance(row, Slot) else _slot(row, f"slot {n}") for n, row in _rows(values, "slots", _SLOT)
    )
    pairs = tuple(_choice(row, f"pair {n}") for n, row in _rows(values, "pairs", _PAIR))
    rate, clip = _fraction(values["rate"], "rate"), _clip(values["clip"])
    model = _model(values["model"], "the plan")
    return Plan(values["input"], rate, shots, drawings, slots, clip, values["options"], pairs, model).check()


def from_json(text: str) -> Plan:
    """Read what `to_json` gave; raises PlanError as `from_dict` does."""
    try:
        values = json.loads(text, object_hook=_early)
    except json.JSONDecodeError as error:
        raise PlanError(f"the plan is not JSON: {error}.") from error
    return from_dict(values)


def _early(row: dict[str, Any]) -> dict[str, Any] | Slot:
    """A slot as soon as it is read, as its row takes four times the memory; what is wrong is told later."""
    if tuple(row) == _SLOT:
        with suppress(PlanError):
            return _slot(row, "")
    return row


def ratio(value: Fraction) -> str:
    """A fraction as `"n/d"`."""
    return f"{value.numerator}/{value.denominator}"


def _model(value: Any, name: str) -> str | None:
    if value is not None and not isinstance(value, str):
        raise PlanError(f"{name} has model {value!r}; wanted a name, or null.")
    return value


def _choice(row: dict[str, Any], name: str) -> Choice:
    model, hints = _model(row["model"], name), row["hints"]
    if not isinstance(hints, dict):
        raise PlanError(f"{name} has hints that are not a JSON object.")
    return Choice(_integer(row["target"], f"{name} target"), model, hints)


def _clip(values: Any) -> Original | None:
    if values is None:
        return None
    _check_keys(values, _CLIP, "the plan's clip")
    pictures = values["pictures"]
    if pictures is not None and not isinstance(pictures, str):
        raise PlanError(f"the clip's pictures is {pictures!r}; wanted a text, or null where any will do.")
    return Original(
        _integer(values["frames"], "the clip's frames"),
        _fraction(values["first"], "the clip's first"),
        _fraction(values["last"], "the clip's last"),
        pictures,
    )


def _fraction(value: Any, name: str) -> Fraction:
    if isinstance(value, str):
        with suppress(ValueError, ZeroDivisionError):
            return _read_fraction(value)
    raise PlanError(f'{name} is {value!r}; wanted a fraction such as "1001/24000".')


@lru_cache(1024)
def _read_fraction(text: str) -> Fraction:
    """One object for all that are alike: few moments of pairs differ."""
    return Fraction(text)


def _integer(value: Any, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise PlanError(f"{name} is {value!r}; wanted a whole number.")
    return value


def _check_keys(values: Any, fields: tuple[str, ...], name: str) -> None:
    if not isinstance(values, dict):
        raise PlanError(f"{name} is not a JSON object.")
    for key in values:
        if key not in fields:
            raise PlanError(f"{name} has an unknown field {key!r}; wanted {', '.join(fields)}.")
    for key in fields:
        if key not in values:
            raise PlanError(f"{name} has no field {key!r}.")


def _rows(values: dict[str, Any], key: str, fields: tuple[str, ...]) -> list[tuple[int, Any]]:
    if not isinstance(values[key], list):
        raise PlanError(f"the plan's {key} is not a list.")
    for number, row in enumerate(values[key]):
        if not (key == "slots" and isinstance(row, Slot)):
            _check_keys(row, fields, f"{key} {number}")
    return list(enumerate(values[key]))


def _slot(row: dict[str, Any], name: str) -> Slot:
    try:
        reason = Reason(row["reason"])
    except ValueError as error:
        raise PlanError(f"{name} has reason {row['reason']!r}; wanted {', '.join(Reason)}.") from error
    return Slot(
        pts=_fraction(row["pts"], f"{name} pts"),
        source=_integer(row["source"], f"{name} source"),
        target=None if row["target"] is None else _integer(row["target"], f"{name} target"),
        t=None if row["t"] is None else _fraction(row["t"], f"{name} t"),
        reason=reason,
    )
