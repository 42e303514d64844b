"""The plan: how every output frame is made, decided before any frame is made.

A plan is data. It lists the shots of the input (runs between cuts), its drawings (runs of frames
that show one drawing) and one `Slot` for each output frame, in order. Rendering only carries it out,
so a plan can be printed, tested without a codec, edited by hand, cut into shards and compared.

Time is exact: seconds as `Fraction`, on the clock of the input (a start offset is kept).
Frames are named by their number in decoding order of presentation, from 0.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from typing import Any

from nakawari.errors import PlanError

PLAN_VERSION = 1


class Reason(StrEnum):
    """Why an output frame is what it is."""

    SOURCE = "source"  # a drawing at its own time: the decoded frame, untouched
    BETWEEN = "between"  # made from two drawings
    HOLD = "hold"  # a drawing that stays still: the decoded frame shown at that time
    CUT = "cut"  # the last drawing before a cut, shown until the cut


@dataclass(frozen=True, slots=True)
class Slot:
    """One output frame: at `pts`, copy `source`, or draw at `t` of the way from `source` to `target`."""

    pts: Fraction
    source: int
    target: int | None
    t: Fraction | None
    reason: Reason


@dataclass(frozen=True, slots=True)
class Shot:
    """Frames `first`..`last` (inclusive) between two cuts; drawn on `cadence` frames a drawing (0: still)."""

    first: int
    last: int
    cadence: int


@dataclass(frozen=True, slots=True)
class Drawing:
    """Frames `first`..`last` (inclusive) that show one drawing.

    `flash`: it flashes up in a scene that goes on behind it; motion passes it by. The slots of a plan tell
    as much, so it is not written.
    """

    first: int
    last: int
    flash: bool = field(default=False, compare=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Plan:
    """How every output frame is made. `rate` is output frames a second."""

    input: str
    rate: Fraction
    shots: tuple[Shot, ...]
    drawings: tuple[Drawing, ...]
    slots: tuple[Slot, ...]

    def check(self, frames: int | None = None) -> Plan:
        """Raise PlanError unless the plan is whole and nothing in it crosses a cut; returns itself.

        Args:
            frames: number of frames of the input, when known: no slot may name a later one.
        """
        if self.rate <= 0:
            raise PlanError(f"the plan's rate is {self.rate}; wanted more than 0.")
        _check_runs(self.shots, "shots")
        _check_runs(self.drawings, "drawings")
        starts = {shot.first for shot in self.shots[1:]}
        previous: Fraction | None = None
        for number, slot in enumerate(self.slots):
            _check_slot(slot, f"slot {number}", frames)
            if previous is not None and slot.pts <= previous:
                raise PlanError(
                    f"slot {number} is at {slot.pts} s, not after the slot before it ({previous} s)."
                )
            if slot.target is not None and any(slot.source < s <= slot.target for s in starts):
                raise PlanError(f"slot {number} blends frames {slot.source} and {slot.target} across a cut.")
            previous = slot.pts
        return self

    def to_dict(self) -> dict[str, Any]:
        """The plan as JSON-ready values; fractions are `"n/d"` strings."""
        return {
            "version": PLAN_VERSION,
            "input": self.input,
            "rate": _ratio(self.rate),
            "shots": [{"first": s.first, "last": s.last, "cadence": s.cadence} for s in self.shots],
            "drawings": [{"first": d.first, "last": d.last} for d in self.drawings],
            "slots": [
                {
                    "pts": _ratio(s.pts),
                    "source": s.source,
                    "target": s.target,
                    "t": None if s.t is None else _ratio(s.t),
                    "reason": str(s.reason),
                }
                for s in self.slots
            ],
        }

    def to_json(self) -> str:
        """The plan as JSON text, a line for each slot: easy to edit and to compare."""
        values = self.to_dict()
        parts = []
        for key, value in values.items():
            if isinstance(value, list):
                rows = ",\n    ".join(json.dumps(row) for row in value)
                body = f"[\n    {rows}\n  ]" if value else "[]"
            else:
                body = json.dumps(value)
            parts.append(f"  {json.dumps(key)}: {body}")
        return "{\n" + ",\n".join(parts) + "\n}\n"

    @staticmethod
    def from_dict(values: Any) -> Plan:
        """Read what `to_dict` gave.

        Raises:
            PlanError: a field is missing, unknown or of the wrong kind, or the plan is not whole.
        """
        fields = ("version", "input", "rate", "shots", "drawings", "slots")
        _check_keys(values, fields, "the plan")
        if values["version"] != PLAN_VERSION:
            raise PlanError(f"the plan's version is {values['version']!r}; wanted {PLAN_VERSION}.")
        if not isinstance(values["input"], str):
            raise PlanError("the plan's input is not a string.")
        shots = tuple(
            Shot(*(_integer(row[k], f"shot {n} {k}") for k in ("first", "last", "cadence")))
            for n, row in _rows(values, "shots", ("first", "last", "cadence"))
        )
        drawings = tuple(
            Drawing(*(_integer(row[k], f"drawing {n} {k}") for k in ("first", "last")))
            for n, row in _rows(values, "drawings", ("first", "last"))
        )
        slots = tuple(
            _slot_from(row, f"slot {n}")
            for n, row in _rows(values, "slots", ("pts", "source", "target", "t", "reason"))
        )
        return Plan(values["input"], _fraction(values["rate"], "rate"), shots, drawings, slots).check()

    @staticmethod
    def from_json(text: str) -> Plan:
        """Read what `to_json` gave; raises PlanError as `from_dict` does."""
        try:
            values = json.loads(text)
        except json.JSONDecodeError as error:
            raise PlanError(f"the plan is not JSON: {error}.") from error
        return Plan.from_dict(values)


def _check_runs(runs: Sequence[Shot | Drawing], name: str) -> None:
    expected = 0
    for number, run in enumerate(runs):
        if run.first != expected or run.last < run.first:
            raise PlanError(
                f"{name} {number} is frames {run.first}..{run.last}; wanted it to start at {expected} "
                "and not to be empty (runs follow each other without gaps)."
            )
        expected = run.last + 1


def _check_slot(slot: Slot, name: str, frames: int | None) -> None:
    named = [slot.source] if slot.target is None else [slot.source, slot.target]
    if min(named) < 0 or (frames is not None and max(named) >= frames):
        raise PlanError(f"{name} names frame {max(named)}; the input has {frames} frames.")
    if (slot.target is None) != (slot.t is None):
        raise PlanError(f"{name} has a target without t, or t without a target.")
    if (slot.reason is Reason.BETWEEN) != (slot.target is not None):
        raise PlanError(f"{name} is {slot.reason!s} but its target is {slot.target}.")
    if slot.t is not None and not 0 < slot.t < 1:
        raise PlanError(f"{name} has t = {slot.t}; wanted 0 < t < 1.")
    if slot.target is not None and slot.target <= slot.source:
        raise PlanError(f"{name} goes from frame {slot.source} back to {slot.target}.")


def _ratio(value: Fraction) -> str:
    return f"{value.numerator}/{value.denominator}"


def _fraction(value: Any, name: str) -> Fraction:
    if isinstance(value, str):
        try:
            return Fraction(value)
        except (ValueError, ZeroDivisionError):
            pass
    raise PlanError(f'{name} is {value!r}; wanted a fraction such as "1001/24000".')


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


def _rows(values: dict[str, Any], key: str, fields: tuple[str, ...]) -> list[tuple[int, dict[str, Any]]]:
    if not isinstance(values[key], list):
        raise PlanError(f"the plan's {key} is not a list.")
    for number, row in enumerate(values[key]):
        _check_keys(row, fields, f"{key} {number}")
    return list(enumerate(values[key]))


def _slot_from(row: dict[str, Any], name: str) -> Slot:
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
