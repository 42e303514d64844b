"""What a person changes about time: cuts, where drawings begin, cadence, spacing. Pure functions.

A `Reading` is what was seen of a clip, by the program or by a person. Edits give a new one, whole again:
shots and drawings cover the frames without gaps, and no drawing crosses a cut.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise

from nakawari.errors import PlanError
from nakawari.timeline.cadence import hold_limit, shot_cadence
from nakawari.timeline.plan import Drawing, Shot, Slot

Spacing = tuple[tuple[Fraction, Fraction], ...]
"""Rising (u, t): at share u of the time between two drawings, motion has come to t. (0, 0) and (1, 1) are
understood, and between them the line is straight."""

LARGEST_CADENCE = 24


@dataclass(frozen=True, slots=True)
class Reading:
    """Times of all frames, and which of them show one drawing and lie in one shot."""

    times: tuple[Fraction, ...]
    durations: tuple[Fraction, ...]
    shots: tuple[Shot, ...]
    drawings: tuple[Drawing, ...]

    def shot_of(self, frame: int) -> int:
        """Number of the shot in which a frame lies."""
        return bisect_right(self.shots, frame, key=lambda run: run.first) - 1

    def drawing_of(self, frame: int) -> int:
        """Number of the drawing that a frame shows."""
        return bisect_right(self.drawings, frame, key=lambda run: run.first) - 1

    def inside(self, shot: Shot) -> tuple[Drawing, ...]:
        """The drawings of a shot."""
        return self.drawings[self.drawing_of(shot.first) : self.drawing_of(shot.last) + 1]


def set_cut(reading: Reading, frame: int, there: bool) -> Reading:
    """Let a shot begin at `frame`, or join the two that meet there (the drawings stay apart).

    Raises:
        PlanError: there is no such frame, or nothing would change.
    """
    _check_frame(reading, frame)
    number = reading.shot_of(frame)
    shot = reading.shots[number]
    if (shot.first == frame) == there:
        raise PlanError(f"frame {frame} {'begins' if there else 'does not begin'} a shot already.")
    shots = list(reading.shots)
    if there:
        shots[number : number + 1] = [replace(shot, last=frame - 1), replace(shot, first=frame)]
        if reading.drawings[reading.drawing_of(frame)].first != frame:
            reading = set_drawing(reading, frame, True)
        changed = [number, number + 1]
    else:
        shots[number - 1 : number + 1] = [replace(shots[number - 1], last=shot.last)]
        changed = [number - 1]
    reading = replace(reading, shots=tuple(shots))
    return _count_cadence(reading, changed)


def set_drawing(reading: Reading, frame: int, there: bool) -> Reading:
    """Let a drawing begin at `frame`, or join it to the one before.

    Raises:
        PlanError: there is no such frame, nothing would change, or a cut is there.
    """
    _check_frame(reading, frame)
    number = reading.drawing_of(frame)
    drawing = reading.drawings[number]
    if (drawing.first == frame) == there:
        raise PlanError(f"frame {frame} {'begins' if there else 'does not begin'} a drawing already.")
    if not there and reading.shots[reading.shot_of(frame)].first == frame:
        raise PlanError(f"frame {frame} begins a shot, and with it a drawing; remove the cut first.")
    drawings = list(reading.drawings)
    if there:
        drawings[number : number + 1] = [
            replace(drawing, last=frame - 1),
            replace(drawing, first=frame),
        ]
    else:
        drawings[number - 1 : number + 1] = [replace(drawings[number - 1], last=drawing.last)]
    return _count_cadence(replace(reading, drawings=tuple(drawings)), (reading.shot_of(frame),))


def set_cadence(reading: Reading, number: int, cadence: int) -> Reading:
    """Let the drawings of shot `number` stand for `cadence` frames each; holds and flashes stay as they are.

    Raises:
        PlanError: there is no such shot, or the cadence is not one.
    """
    if not 0 <= number < len(reading.shots):
        raise PlanError(f"there is no shot {number}; there are {len(reading.shots)}.")
    if not 1 <= cadence <= LARGEST_CADENCE:
        raise PlanError(f"the cadence is {cadence}; wanted 1 to {LARGEST_CADENCE} frames a drawing.")
    shot = reading.shots[number]
    own = reading.inside(shot)
    limit = hold_limit(reading.durations, shot)
    made: list[Drawing] = []
    loose: int | None = None
    for drawing in own:
        shown = reading.times[drawing.last] + reading.durations[drawing.last] - reading.times[drawing.first]
        if not drawing.flash and shown <= limit:
            loose = drawing.first if loose is None else loose
            continue
        made += _runs(loose, drawing.first, cadence)
        made.append(drawing)
        loose = None
    made += _runs(loose, shot.last + 1, cadence)
    before = reading.drawing_of(shot.first)
    drawings = (*reading.drawings[:before], *made, *reading.drawings[before + len(own) :])
    shots = (*reading.shots[:number], replace(shot, cadence=cadence), *reading.shots[number + 1 :])
    return replace(reading, shots=shots, drawings=drawings)


def restore(reading: Reading, number: int, found: Reading) -> Reading:
    """Let shot `number` have the drawings that `found` has there, and the cadence that follows from them."""
    shot = reading.shots[number]
    own = [
        replace(d, first=max(d.first, shot.first), last=min(d.last, shot.last))
        for d in found.drawings
        if d.last >= shot.first and d.first <= shot.last
    ]
    before, after = reading.drawing_of(shot.first), reading.drawing_of(shot.last) + 1
    drawings = (*reading.drawings[:before], *own, *reading.drawings[after:])
    return _count_cadence(replace(reading, drawings=drawings), (number,))


def bend(slots: Sequence[Slot], spacings: Mapping[int, Spacing]) -> tuple[Slot, ...]:
    """The slots, with the motion towards each target of `spacings` paced as it says."""
    return tuple(
        replace(slot, t=along(spacings[slot.target], slot.t))
        if slot.t is not None and slot.target is not None and slot.target in spacings
        else slot
        for slot in slots
    )


def along(spacing: Spacing, u: Fraction) -> Fraction:
    """How far motion has come at share `u` of the time."""
    points = ((Fraction(0), Fraction(0)), *spacing, (Fraction(1), Fraction(1)))
    for (u0, t0), (u1, t1) in pairwise(points):
        if u <= u1:
            return t0 + (t1 - t0) * (u - u0) / (u1 - u0)
    return Fraction(1)


def check_spacing(spacing: Spacing) -> Spacing:
    """Raise PlanError unless both rise and lie between the drawings; returns the spacing."""
    points = ((Fraction(0), Fraction(0)), *spacing, (Fraction(1), Fraction(1)))
    for (u0, t0), (u1, t1) in pairwise(points):
        if u1 <= u0 or t1 <= t0:
            raise PlanError(
                f"the spacing goes from {u0}: {t0} to {u1}: {t1}; wanted both to rise from 0 to 1."
            )
    return spacing


def _runs(first: int | None, end: int, length: int) -> list[Drawing]:
    if first is None:
        return []
    return [Drawing(start, min(start + length, end) - 1) for start in range(first, end, length)]


def _count_cadence(reading: Reading, numbers: Sequence[int]) -> Reading:
    shots = list(reading.shots)
    for number in numbers:
        own = reading.inside(shots[number])
        shots[number] = replace(shots[number], cadence=shot_cadence(reading.times, reading.durations, own))
    return replace(reading, shots=tuple(shots))


def _check_frame(reading: Reading, frame: int) -> None:
    if not 0 < frame < len(reading.times):
        raise PlanError(f"frame {frame} is not one of 1 to {len(reading.times) - 1}.")
