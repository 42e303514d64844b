"""From measurements to shots and drawings: the front door of detection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from typing import Literal

from nakawari.errors import PlanError
from nakawari.timeline.cadence import shot_cadence
from nakawari.timeline.cuts import find_cuts, find_flashes
from nakawari.timeline.drawings import find_drawings
from nakawari.timeline.measurements import Measurements
from nakawari.timeline.plan import Drawing, Shot


def decide(
    measurements: Measurements,
    times: Sequence[Fraction],
    durations: Sequence[Fraction],
    *,
    cuts: Literal["auto", "off"] | Sequence[int] = "auto",
) -> tuple[tuple[Shot, ...], tuple[Drawing, ...]]:
    """Shots (with their cadence) and drawings of a running picture.

    Args:
        measurements: of each frame, in order.
        times: pts of each frame, seconds, strictly rising.
        durations: seconds that each frame is shown.
        cuts: "auto" finds them, "off" takes the whole as one shot, or numbers of the frames that begin one.

    Raises:
        PlanError: the lists differ in length, or `cuts` names a frame that is not there.
    """
    count = len(measurements)
    if not count or len(times) != count or len(durations) != count:
        raise PlanError(
            f"there are {count} measurements, {len(times)} times and {len(durations)} durations; "
            "wanted one of each for every frame."
        )
    starts = _starts(measurements, cuts)
    flashed = find_flashes(measurements)
    drawings = [
        replace(d, flash=all(flashed[d.first : d.last + 1])) for d in find_drawings(measurements, starts)
    ]
    shots = []
    number = 0
    for first, end in pairwise([0, *starts, count]):
        inside = []
        while number < len(drawings) and drawings[number].first < end:
            inside.append(drawings[number])
            number += 1
        shots.append(Shot(first, end - 1, shot_cadence(times, durations, inside)))
    return tuple(shots), tuple(drawings)


def _starts(measurements: Measurements, cuts: Literal["auto", "off"] | Sequence[int]) -> list[int]:
    if isinstance(cuts, str):
        if cuts == "auto":
            return find_cuts(measurements)
        if cuts == "off":
            return []
        raise PlanError(f"cuts is {cuts!r}; wanted auto, off or frame numbers.")
    wrong = [cut for cut in cuts if not 0 <= cut < len(measurements)]
    if wrong:
        raise PlanError(f"a cut names frame {wrong[0]}; the input has frames 0 to {len(measurements) - 1}.")
    return sorted(set(cuts) - {0})
