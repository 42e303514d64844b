"""Lay a new clock over drawings: what every output frame is made of.

The drawings keep their times: each one is reached exactly when the input first shows it. Motion from
a drawing to the next starts when the first of them appears, or, when it is shown longer than
`hold_max`, one cadence step before the next appears; until then it stays as still as it was drawn.
Frames that stay still are copied from the input as it runs, so grain and flicker stay alive.

Everything is a `Fraction`; nothing here rounds but the number of output frames.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from math import ceil
from typing import Literal, TypeVar

from nakawari.errors import InputError
from nakawari.timeline.cadence import hold_limit, step_before
from nakawari.timeline.plan import Drawing, Plan, Reason, Shot, Slot

Holds = Literal["keep", "smooth"]
CutFill = Literal["copy", "nearest"]

LARGEST_FACTOR = 1024
"""Output frames for each input frame: more is a slip of the keyboard, and would fill any disk."""


@dataclass(frozen=True, slots=True)
class Motion:
    """The way from one drawing to the next: starts to move at `begin`, arrives at `end` (seconds)."""

    begin: Fraction
    end: Fraction
    source: int
    target: int


def target_rate(
    rate: Fraction,
    *,
    fps: Fraction | None = None,
    factor: Fraction | None = None,
    slowmo: Fraction = Fraction(1),
) -> Fraction:
    """Output frames a second from `--fps` or `--factor`, or what is usual when neither is given.

    That is twice the input's rate, or the input's rate itself where time is slowed down.

    Args:
        rate: nominal rate of the input, frames a second.
        fps: wanted rate; not below `rate`, or `rate` / `slowmo` of the slowed-down input.
        factor: output frames for each input frame, any rational ≥ 1.
        slowmo: how many times as long the output lasts.

    Raises:
        InputError: both are given, or the result would have fewer frames than the input.
    """
    if fps is not None and factor is not None:
        raise InputError("both a rate and a factor are given; wanted one of --fps and --factor.")
    if fps is not None:
        if fps <= 0:
            raise InputError(f"--fps is {fps}; wanted more than 0.")
        if fps * slowmo < rate:
            raise InputError(
                f"--fps is {_show(fps)}, below the input's {_show(rate / slowmo)}; wanted at least that: "
                "frames are drawn between drawings, never dropped."
            )
        _check_factor(fps * slowmo / rate)
        return fps
    if factor is None:
        factor = Fraction(2) if slowmo == 1 else slowmo
    if factor < 1:
        raise InputError(f"--factor is {_show(factor)}; wanted 1 or more.")
    _check_factor(factor)
    return rate * factor / slowmo


def _check_factor(factor: Fraction) -> None:
    if factor > LARGEST_FACTOR:
        raise InputError(
            f"that is {_show(factor)} output frames for each input frame; wanted at most {LARGEST_FACTOR}."
        )


def lay(
    times: Sequence[Fraction],
    durations: Sequence[Fraction],
    shots: Sequence[Shot],
    drawings: Sequence[Drawing],
    *,
    rate: Fraction,
    holds: Holds = "keep",
    hold_max: Fraction | None = None,
    cut_fill: CutFill = "copy",
    slowmo: Fraction = Fraction(1),
    loop: bool = False,
    held: Mapping[int, bool] | None = None,
    origin: Fraction | None = None,
    input_name: str = "",
) -> Plan:
    """Decide every output frame.

    Args:
        times: pts of each input frame, seconds, strictly rising (any spacing).
        durations: seconds that each input frame is shown, > 0.
        shots: runs of frames between cuts; they cover the frames without gaps.
        drawings: runs of frames that show one drawing; none crosses a cut.
        rate: output frames a second.
        holds: "keep" leaves long drawings still, "smooth" spreads motion over their whole duration.
        hold_max: a drawing shown longer than this (seconds) is a hold; None: `cadence.hold_limit`.
        cut_fill: what is shown where the next drawing comes after a cut: "copy" the one before it up to the
            cut, "nearest" from the middle between two input frames on the one after it.
        slowmo: how many times as long the output lasts; all times of the input are multiplied by it.
        loop: the last of the frames is the first one again: it is drawn towards, and not shown itself.
        held: by the number of its first frame, whether a drawing is a hold, whatever `holds` and `hold_max`
            say; drawings that are not named go by those.
        origin: the moment that output frames are counted from, when the frames are a part of a longer clip;
            None: the first frame's own.
        input_name: what the plan says its input is.

    Returns:
        a plan of max(1, round(duration × slowmo × rate)) slots at start × slowmo + n / rate;
        of a part, those of the whole that lie in it.

    Raises:
        InputError: the lists do not fit each other, or `rate` or `hold_max` is not positive.
    """
    check_clock(times, durations, rate)
    check_runs(len(times), shots, drawings)
    if hold_max is not None and hold_max <= 0:
        raise InputError(f"--hold-max is {_show(hold_max)} s; wanted more than 0.")
    if holds not in ("keep", "smooth"):
        raise InputError(f"holds is {holds!r}; wanted keep or smooth.")
    if cut_fill not in ("copy", "nearest"):
        raise InputError(f"cut_fill is {cut_fill!r}; wanted copy or nearest.")
    if slowmo < 1:
        raise InputError(f"--slowmo is {_show(slowmo)}; wanted 1 or more.")
    motions = _motions(times, durations, shots, drawings, holds=holds, hold_max=hold_max, held=held or {})
    numbers = _numbers(times, durations, rate * slowmo, origin, loop)
    start = times[0] if origin is None else origin
    firsts = [drawing.first for drawing in drawings]
    lasts = _last_drawings(shots, drawings)
    fill = _Fill(times, {shot.first for shot in shots[1:]} if cut_fill == "nearest" else set())
    slots = []
    same: dict[Fraction, Fraction] = {}
    shown = 0
    for number in numbers:
        pts = start + number / (rate * slowmo)
        while shown + 1 < len(times) and times[shown + 1] <= pts:
            shown += 1
        drawing = bisect_right(firsts, shown) - 1
        at_start = pts == times[drawings[drawing].first]
        slot = fill.nearest(_slot(pts, shown, at_start, motions.get(drawing), drawing in lasts), shown)
        if slot.t is not None:  # few moments differ, and a long film has many slots: one object for each
            slot = replace(slot, t=same.setdefault(slot.t, slot.t))
        slots.append(slot if slowmo == 1 else replace(slot, pts=slot.pts * slowmo))
    if loop:
        shots, drawings = _without_last(shots), _without_last(drawings)
    return Plan(input_name, rate, tuple(shots), tuple(drawings), tuple(slots))


def _numbers(
    times: Sequence[Fraction],
    durations: Sequence[Fraction],
    rate: Fraction,
    origin: Fraction | None,
    loop: bool,
) -> range:
    """Output frames that fall on the frames given, counted from `origin`; `rate` is on the input's clock."""
    end = times[-1] if loop else times[-1] + durations[-1]
    if origin is None:
        return range(max(1, round((end - times[0]) * rate)))
    return range(ceil((times[0] - origin) * rate), ceil((end - origin) * rate))


class _Fill:
    """What is shown between the last input frame before a cut and the cut."""

    def __init__(self, times: Sequence[Fraction], starts: set[int]) -> None:
        self._times = times
        self._starts = starts
        """First frames of the shots that may be shown half a frame early."""

    def nearest(self, slot: Slot, shown: int) -> Slot:
        """The slot itself, or the frame after the cut where that is nearer in time."""
        if slot.reason is not Reason.CUT or shown + 1 not in self._starts:
            return slot
        before, after = self._times[shown], self._times[shown + 1]
        return replace(slot, source=shown + 1) if slot.pts - before > after - slot.pts else slot


Run = TypeVar("Run", Shot, Drawing)


def _without_last(runs: Sequence[Run]) -> list[Run]:
    """Runs of frames without the very last frame."""
    kept = list(runs)
    end = kept.pop()
    if end.last > end.first:
        kept.append(replace(end, last=end.last - 1))
    return kept


def _slot(pts: Fraction, shown: int, at_start: bool, motion: Motion | None, before_cut: bool) -> Slot:
    """The output frame at `pts`, when the input shows frame `shown`."""
    if at_start:
        return Slot(pts, shown, None, None, Reason.SOURCE)
    if motion is not None and pts > motion.begin:
        t = (pts - motion.begin) / (motion.end - motion.begin)
        return Slot(pts, motion.source, motion.target, t, Reason.BETWEEN)
    reason = Reason.CUT if before_cut else Reason.HOLD
    return Slot(pts, shown, None, None, reason)


def _motions(
    times: Sequence[Fraction],
    durations: Sequence[Fraction],
    shots: Sequence[Shot],
    drawings: Sequence[Drawing],
    *,
    holds: Holds,
    hold_max: Fraction | None,
    held: Mapping[int, bool],
) -> dict[int, Motion]:
    """The motion out of each drawing that has a next one in its shot, by the drawing's number.

    A flash neither moves nor is moved towards: it is shown at its own time, as hard as it was drawn, while
    the motion behind it goes on.
    """
    motions = {}
    number = 0
    for shot in shots:
        inside = []
        while number < len(drawings) and drawings[number].first <= shot.last:
            if not drawings[number].flash:
                inside.append(number)
            number += 1
        own = [drawings[n] for n in inside]
        limit = hold_limit(durations, shot) if hold_max is None else hold_max
        for place, (a, b) in enumerate(pairwise(own)):
            begin, end, source = times[a.first], times[b.first], a.first
            if held.get(a.first, holds == "keep" and end - begin > limit):
                step = step_before(times, durations, own, place + 1, limit=limit, cadence=shot.cadence)
                begin = max(begin, end - step)
                source = bisect_right(times, begin, a.first, a.last + 1) - 1
            motions[inside[place]] = Motion(begin, end, source, b.first)
    return motions


def _last_drawings(shots: Sequence[Shot], drawings: Sequence[Drawing]) -> set[int]:
    """Numbers of the drawings that stand right before a cut."""
    cuts = {shot.last for shot in shots[:-1]}
    return {number for number, drawing in enumerate(drawings) if drawing.last in cuts}


def check_clock(times: Sequence[Fraction], durations: Sequence[Fraction], rate: Fraction) -> None:
    """Raise InputError unless times rise, and durations and the rate are more than 0."""
    if not times:
        raise InputError("there are no frames to lay a clock over.")
    if len(durations) != len(times):
        raise InputError(
            f"there are {len(durations)} durations for {len(times)} frames; wanted one for each."
        )
    if min(durations) <= 0:
        raise InputError(f"a frame's duration is {min(durations)} s; wanted more than 0.")
    if any(b <= a for a, b in pairwise(times)):
        raise InputError("the frames' times do not rise; wanted each later than the one before.")
    if rate <= 0:
        raise InputError(f"the rate is {rate}; wanted more than 0.")


def check_runs(frames: int, shots: Sequence[Shot], drawings: Sequence[Drawing]) -> None:
    """Raise InputError unless shots and drawings cover the frames, and every shot begins with a drawing."""
    runs: Sequence[Shot] | Sequence[Drawing]
    for name, runs in (("shots", shots), ("drawings", drawings)):
        firsts = [run.first for run in runs]
        ends = [run.last + 1 for run in runs]
        if [*firsts, frames] != [0, *ends] or any(b <= a for a, b in zip(firsts, ends, strict=True)):
            raise InputError(f"the {name} do not cover the {frames} frames one after the other.")
    if not {shot.first for shot in shots} <= {drawing.first for drawing in drawings}:
        raise InputError("a drawing crosses a cut; wanted every shot to begin with a new drawing.")


def _show(value: Fraction) -> str:
    return f"{float(value):g}" if Fraction(f"{float(value):g}") == value else f"{value}"
