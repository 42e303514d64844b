"""How a shot is paced, in words: changes of its cadence, and drawings that are held for long."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import groupby
from typing import Any

from nakawari.timeline.cadence import hold_limit
from nakawari.timeline.cuts import clock
from nakawari.timeline.plan import Drawing, Shot

CADENCES = {0: "still", 1: "on ones", 2: "on twos", 3: "on threes", 4: "on fours"}

NEAR = 3
"""Drawings on either side whose lengths say what the cadence is; so many are a change at least."""

MOST_HOLDS = 6
"""Holds of a shot that are told; more are counted."""


def cadence_name(frames: int) -> str:
    """`on twos` for 2."""
    return CADENCES.get(frames, f"on {frames}s")


def told(
    shot: Shot,
    drawings: Sequence[Drawing],
    times: Sequence[Fraction] | None,
    options: Mapping[str, Any] | None,
    *,
    every: bool = False,
) -> Iterator[str]:
    """A line with the cadences of a shot where they change, and one with its long holds.

    Args:
        shot: it.
        drawings: those of the shot.
        times: pts of each input frame, seconds; None: which drawings are held is not known.
        options: what the plan was made with; its `hold_max` says which drawings are.
        every: tell all holds.
    """
    held = [] if times is None else _held(shot, drawings, times, options)
    runs = _cadences([drawing for drawing in drawings[:-1] if drawing not in held])
    if len(runs) > 1:
        ends = [*(first for _, first, _ in runs[1:]), shot.last + 1]
        spans = [(cadence, first, last) for cadence, first, last in runs]
        if drawings[-1] not in held:  # the last one ends with the cut, and belongs to what goes before
            spans[-1] = (*spans[-1][:2], ends[-1] - 1)
        yield "cadence  " + ", ".join(f"{cadence_name(c)} {first}–{last}" for c, first, last in spans)
    if held and times is not None and len(drawings) > 1:
        shown = held if every else held[:MOST_HOLDS]
        more = f", and {len(held) - len(shown)} more" if len(held) > len(shown) else ""
        parts = [
            f"{d.first}–{d.last} for {float(_length(d, times)):.3f} s from {clock(times[d.first])}"
            for d in shown
        ]
        yield "held     " + ", ".join(parts) + more


def _held(
    shot: Shot, drawings: Sequence[Drawing], times: Sequence[Fraction], options: Mapping[str, Any] | None
) -> list[Drawing]:
    """The drawings that stand so long that they are holds."""
    asked = (options or {}).get("hold_max")
    durations = [_length(Drawing(n, n), times) for n in range(shot.first, shot.last + 1)]
    limit = (
        hold_limit(durations, Shot(0, shot.last - shot.first, shot.cadence))
        if asked is None
        else Fraction(asked)
    )
    return [drawing for drawing in drawings if _length(drawing, times) > limit]


def _length(drawing: Drawing, times: Sequence[Fraction]) -> Fraction:
    """Seconds that a drawing stands; the last frame of all stands as long as the one before it."""
    if drawing.last + 1 < len(times):
        return times[drawing.last + 1] - times[drawing.first]
    last = times[-1] - times[-2] if len(times) > 1 else Fraction(0)
    return times[drawing.last] - times[drawing.first] + last


def _cadences(drawings: Sequence[Drawing]) -> list[tuple[int, int, int]]:
    """Runs of drawings of one cadence: it, the first and the last frame of each."""
    lengths = [drawing.last - drawing.first + 1 for drawing in drawings]
    usual = [_most(lengths[max(0, n - NEAR) : n + NEAR + 1], length) for n, length in enumerate(lengths)]
    runs: list[list[Any]] = []
    place = 0
    for cadence, group in groupby(usual):
        count = len(list(group))
        part = drawings[place : place + count]
        place += count
        if runs and (count < NEAR or runs[-1][0] == cadence):
            runs[-1][2] = part[-1].last
        else:
            runs.append([cadence, part[0].first, part[-1].last])
    return [(cadence, first, last) for cadence, first, last in runs]


def _most(lengths: Sequence[int], own: int) -> int:
    """The most common of some lengths; `own` where it is as common as any."""
    counts = Counter(lengths)
    return max(counts, key=lambda length: (counts[length], length == own, -length))
