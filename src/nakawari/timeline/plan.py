"""The plan: how every output frame is made, decided before any frame is made.

A plan is data. It lists the shots of the input (runs between cuts), its drawings (runs of frames
that show one drawing) and one `Slot` for each output frame, in order. Rendering only carries it out,
so a plan can be printed, tested without a codec, edited by hand, cut into shards and compared.

Time is exact: seconds as `Fraction`, on the clock of the input (a start offset is kept).
Frames are named by their number in decoding order of presentation, from 0.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from typing import Any

from nakawari.errors import PlanError


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
class Original:
    """What tells the clip that a plan was made of from others: its frames, as they were looked at."""

    frames: int
    """Their number; of a clip that goes round, with the first one once more at the end."""
    first: Fraction
    """pts of the first one, seconds …"""
    last: Fraction
    """… and of the last one."""
    pictures: str | None
    """Digest of what they show; None where that shall not matter, as for a plan of a proxy."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What somebody chose for the in-betweens on the way to one drawing.

    Attributes:
        target: the first frame of that drawing.
        model: who draws them; None: who draws the rest.
        hints: fields of a file of hints (docs/cel.md), for models that take them; empty: none.
    """

    target: int
    model: str | None = None
    hints: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Plan:
    """How every output frame is made. `rate` is output frames a second.

    `clip` and `options` (what was asked about time, by the names of the command line, as JSON-ready values)
    say what the plan was made of and how; None where nobody knows. `pairs` are choices for single pairs;
    `model` draws all others, unless `smooth` is told of another one; None: none is chosen.
    """

    input: str
    rate: Fraction
    shots: tuple[Shot, ...]
    drawings: tuple[Drawing, ...]
    slots: tuple[Slot, ...]
    clip: Original | None = None
    options: Mapping[str, Any] | None = None
    pairs: tuple[Choice, ...] = ()
    model: str | None = None

    def check(self, frames: int | None = None, begin: Fraction | None = None) -> Plan:
        """Raise PlanError unless the plan is whole and nothing in it crosses a cut; returns itself.

        Args:
            frames: number of frames of the input, when known: no slot may name a later one.
            begin: where the output begins, seconds, when known: no slot may come before.
        """
        if self.rate <= 0:
            raise PlanError(f"the plan's rate is {self.rate}; wanted more than 0.")
        _check_runs(self.shots, "shots")
        _check_runs(self.drawings, "drawings")
        _check_ends(self.shots, self.drawings)
        if not self.slots:
            raise PlanError("the plan has no slots; wanted one for each output frame.")
        starts = [shot.first for shot in self.shots]
        previous: Fraction | None = None
        for number, slot in enumerate(self.slots):
            _check_slot(slot, f"slot {number}", frames)
            if previous is not None and slot.pts <= previous:
                raise PlanError(
                    f"slot {number} is at {slot.pts} s, not after the slot before it ({previous} s)."
                )
            _check_time(slot, number, self.slots[0].pts, self.rate, begin)
            if slot.target is not None and bisect(starts, slot.source) != bisect(starts, slot.target):
                raise PlanError(f"slot {number} blends frames {slot.source} and {slot.target} across a cut.")
            previous = slot.pts
        _check_choices(self.pairs, {slot.target for slot in self.slots})
        return self

    def to_dict(self) -> dict[str, Any]:
        """The plan as JSON-ready values; fractions are `"n/d"` strings."""
        from nakawari.timeline.plan_json import to_dict

        return to_dict(self)

    def to_json(self) -> str:
        """The plan as JSON text, a line for each slot: easy to edit and to compare."""
        from nakawari.timeline.plan_json import to_json

        return to_json(self)

    @staticmethod
    def from_dict(values: Any) -> Plan:
        """Read what `to_dict` gave.

        Raises:
            PlanError: a field is missing, unknown or of the wrong kind, or the plan is not whole.
        """
        from nakawari.timeline.plan_json import from_dict

        return from_dict(values)

    @staticmethod
    def from_json(text: str) -> Plan:
        """Read what `to_json` gave; raises PlanError as `from_dict` does."""
        from nakawari.timeline.plan_json import from_json

        return from_json(text)


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
    if min(named) < 0:
        raise PlanError(f"{name} names frame {min(named)}; wanted frames counted from 0.")
    if frames is not None and max(named) >= frames:
        raise PlanError(f"{name} names frame {max(named)}; the input has {frames} frames.")
    if (slot.target is None) != (slot.t is None):
        raise PlanError(f"{name} has a target without t, or t without a target.")
    if (slot.reason is Reason.BETWEEN) != (slot.target is not None):
        raise PlanError(f"{name} is {slot.reason!s} but its target is {slot.target}.")
    if slot.t is not None and not 0 < slot.t < 1:
        raise PlanError(f"{name} has t = {slot.t}; wanted 0 < t < 1.")
    if slot.target is not None and slot.target <= slot.source:
        raise PlanError(f"{name} goes from frame {slot.source} back to {slot.target}.")


def _check_ends(shots: Sequence[Shot], drawings: Sequence[Drawing]) -> None:
    ends = [runs[-1].last if runs else -1 for runs in (drawings, shots)]
    if ends[0] != ends[1]:
        raise PlanError(
            f"the plan's drawings end at frame {ends[0]} and its shots at frame {ends[1]}; "
            "wanted both to end at the last frame."
        )


def _check_choices(pairs: tuple[Choice, ...], targets: set[int | None]) -> None:
    """Raise PlanError where something is chosen twice, or for what is not drawn."""
    chosen: set[int] = set()
    for choice in pairs:
        if choice.target in chosen:
            raise PlanError(f"the plan's pairs name frame {choice.target} twice.")
        if choice.target not in targets:
            raise PlanError(f"the plan's pairs name frame {choice.target}, and no slot moves towards it.")
        chosen.add(choice.target)


def _check_time(slot: Slot, number: int, first: Fraction, rate: Fraction, begin: Fraction | None) -> None:
    """Raise PlanError where a slot is before the output begins, or between two frames of its clock."""
    if begin is not None and slot.pts < begin:
        raise PlanError(f"slot {number} is at {slot.pts} s, before the clip begins ({begin} s).")
    place = (slot.pts - first) * rate
    if place.denominator != 1:
        raise PlanError(
            f"slot {number} is at {slot.pts} s, between two frames at {rate} a second; "
            f"wanted {first + round(place) / rate} s, or another whole number of steps after slot 0."
        )
