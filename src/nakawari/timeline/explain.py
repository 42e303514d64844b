"""A plan as text for a person: what it would do, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import groupby

from nakawari.timeline.cuts import clock
from nakawari.timeline.pace import cadence_name, told
from nakawari.timeline.plan import Drawing, Plan, Reason, Shot, Slot

LONGEST_PERIOD = 5
"""Legs after which a way of making them may repeat: 24 frames a second become 60 in twos of them."""

MEANING = {
    Reason.SOURCE: "drawings at their own time, copied",
    Reason.BETWEEN: "drawn between two drawings",
    Reason.HOLD: "a drawing that stays still, copied",
    Reason.CUT: "the last drawing before a cut, copied",
}


def explain(plan: Plan, *, times: Sequence[Fraction] | None = None, verbose: bool = False) -> str:
    """The plan as readable text.

    Args:
        plan: what to explain.
        times: pts of each input frame, seconds; with them holds are told, and shots with their times. None:
            they are taken to be even where the plan knows its clip.
        verbose: a line for every output frame, not one for every run of frames made alike; and every hold.
    """
    times = times or _even_times(plan)
    lines = [*_summary(plan), ""]
    number = 0
    slots = list(plan.slots)
    place = 0
    for order, shot in enumerate(plan.shots):
        inside: list[Drawing] = []
        while number < len(plan.drawings) and plan.drawings[number].first <= shot.last:
            inside.append(plan.drawings[number])
            number += 1
        end = place
        while end < len(slots) and slots[end].source <= shot.last:
            end += 1
        lines.append(_shot_line(order, shot, inside, times))
        lines += [f"  {line}" for line in told(shot, inside, times, plan.options, every=verbose)]
        lines += [f"  {line}" for line in _slot_lines(slots[place:end], place, verbose)]
        place = end
    return "\n".join(lines) + "\n"


def summary(plan: Plan) -> str:
    """The shots, drawings and cadences of a plan, in one line."""
    shots, drawings = len(plan.shots), len(plan.drawings)
    cadences = Counter(cadence_name(shot.cadence) for shot in plan.shots)
    spread = ", ".join(f"{count} {name}" for name, count in cadences.most_common())
    return (
        f"{shots} {'shot' if shots == 1 else 'shots'} ({spread}), "
        f"{drawings} {'drawing' if drawings == 1 else 'drawings'}"
    )


def _summary(plan: Plan) -> Iterator[str]:
    frames = plan.drawings[-1].last + 1 if plan.drawings else 0
    cuts = len(plan.shots) - 1
    yield (
        f"{plan.input or 'input'}: {frames} frames, {len(plan.drawings)} drawings, {len(plan.shots)} "
        f"{'shot' if cuts == 0 else 'shots'} → {len(plan.slots)} frames at {_rate(plan.rate)} a second"
    )
    counts = Counter(slot.reason for slot in plan.slots)
    for reason in Reason:
        if counts[reason]:
            yield f"  {counts[reason]:7d} {reason!s:8} {MEANING[reason]}"


def _even_times(plan: Plan) -> list[Fraction] | None:
    clip = plan.clip
    if clip is None:
        return None
    step = (clip.last - clip.first) / max(1, clip.frames - 1)
    return [clip.first + n * step for n in range(clip.frames)]


def _shot_line(order: int, shot: Shot, drawings: Sequence[Drawing], times: Sequence[Fraction] | None) -> str:
    lengths = Counter(drawing.last - drawing.first + 1 for drawing in drawings)
    spread = ", ".join(f"{count} × {length}" for length, count in sorted(lengths.items()))
    begin = "" if times is None else f" from {clock(times[shot.first])}"
    what = "shot" if order == 0 else "cut, shot"
    return (
        f"{what} {order + 1}{begin}: frames {shot.first}–{shot.last}, {cadence_name(shot.cadence)}, "
        f"{len(drawings)} {'drawing' if len(drawings) == 1 else 'drawings'} (shown {spread} frames)"
    )


def _slot_lines(slots: Sequence[Slot], first: int, verbose: bool) -> Iterator[str]:
    """One line for each run of slots that are made alike, or for each slot."""
    if verbose:
        for number, slot in enumerate(slots, start=first):
            yield f"{number:7d}  {clock(slot.pts)}  {_made(slot)}"
        return
    place = 0
    for legs, period in _repeats(list(_legs(slots))):
        count = sum(len(leg) for leg in legs)
        begin, last = legs[0][0], legs[-1][-1]
        upto = last.source if last.target is None else last.target
        frames = f"frame {begin.source}" if upto == begin.source else f"frames {begin.source}→{upto}"
        patterns = "; ".join(_pattern(legs[n::period]) for n in range(period))
        times = f"{len(legs) // period} × " if len(legs) > period else ""
        how = f"{times}{patterns if period == 1 else f'({patterns})'}  ({count} frames out, from {frames})"
        yield f"{first + place:7d}  {clock(begin.pts)}  {how}"
        place += count


def _repeats(legs: Sequence[list[Slot]]) -> Iterator[tuple[Sequence[list[Slot]], int]]:
    """Runs of legs in which the ways that they are made repeat, and after how many legs they do."""
    ways = [_reasons(leg) for leg in legs]
    begin = 0
    while begin < len(legs):
        longest, best = 1, 1
        for period in range(1, LONGEST_PERIOD + 1):
            end = begin + period
            while end < len(legs) and ways[end] == ways[end - period]:
                end += 1
            length = (end - begin) // period * period
            if length > longest and (period == 1 or length >= 2 * period):
                longest, best = length, period
        yield legs[begin : begin + longest], best
        begin += longest


def _legs(slots: Sequence[Slot]) -> Iterator[list[Slot]]:
    """Slots that belong to one drawing and the way to the next."""
    leg: list[Slot] = []
    for slot in slots:
        if leg and _begins(leg[-1], slot):
            yield leg
            leg = []
        leg.append(slot)
    if leg:
        yield leg


def _reasons(leg: Sequence[Slot]) -> list[Reason]:
    """The reasons that occur, in order, each once in a row."""
    return [reason for reason, _ in groupby(slot.reason for slot in leg)]


def _begins(before: Slot, slot: Slot) -> bool:
    if slot.reason is Reason.SOURCE:
        return True
    if slot.reason is Reason.BETWEEN:
        return before.reason is Reason.BETWEEN and before.target != slot.target
    return before.reason is Reason.BETWEEN


def _pattern(legs: Sequence[Sequence[Slot]]) -> str:
    """How legs of the same reasons are made: how many frames for each reason, and t where all agree."""
    split = [[list(run) for _, run in groupby(leg, key=lambda slot: slot.reason)] for leg in legs]
    parts = []
    for column in zip(*split, strict=True):
        counts = sorted({len(run) for run in column})
        many = f" × {counts[0]}" if len(counts) == 1 else f" × {counts[0]}–{counts[-1]}"
        text = f"{column[0][0].reason!s}{'' if counts == [1] else many}"
        places = {tuple(slot.t for slot in run) for run in column}
        if column[0][0].reason is Reason.BETWEEN and len(places) == 1:
            text = "between at " + " ".join(str(t) for t in places.pop())
        parts.append(text)
    return ", ".join(parts)


def _made(slot: Slot) -> str:
    if slot.target is None:
        return f"{slot.reason!s:8} frame {slot.source}"
    return f"{slot.reason!s:8} frames {slot.source}→{slot.target} at {slot.t}"


def _rate(rate: Fraction) -> str:
    return str(rate.numerator) if rate.denominator == 1 else f"{rate} ({float(rate):.3f})"
