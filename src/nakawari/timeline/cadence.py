"""Cadence: on how many frames a shot is drawn, and how long a drawing must stand to be a hold.

Animation is drawn on ones, twos or threes, and a drawing that stands much longer is meant to stand
still. Which is which is a matter of seconds, not of frames: a file at 60 frames a second shows twos
for five frames. Where the frames themselves are slow, a drawing of one frame is no hold either.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from statistics import median_low

from nakawari.timeline.plan import Drawing, Shot

LONGEST_STEP = Fraction(1, 4)
"""A drawing shown for longer (seconds) is a hold; sixes at 24 frames a second are not yet."""

USUAL_STEP = Fraction(1, 12)
"""Step where a shot shows none: twos at 24 frames a second, what most animation is drawn on."""


def shot_cadence(
    times: Sequence[Fraction], durations: Sequence[Fraction], drawings: Sequence[Drawing]
) -> int:
    """Most common number of frames of a drawing in one shot, holds left out; 0 when the shot is still.

    Args:
        times: pts of every input frame, seconds.
        durations: seconds that each input frame is shown.
        drawings: the drawings of the shot. The last one ends with the cut and not with a new
            drawing, so it only counts where there is no other.
    """
    if len(drawings) < 2:
        return 0
    frame = _usual_frame(durations, drawings[0].first, drawings[-1].last)
    limit = max(LONGEST_STEP, Fraction(3, 2) * frame)
    ended = [a for a, b in pairwise(drawings) if times[b.first] - times[a.first] <= limit]
    if not ended:
        return max(1, round(USUAL_STEP / frame))
    counts = Counter(d.last - d.first + 1 for d in ended)
    return max(counts, key=lambda length: (counts[length], -length))


def hold_limit(durations: Sequence[Fraction], shot: Shot) -> Fraction:
    """Seconds beyond which a drawing of `shot` is a hold: 1/4 s, or 1½ cadence steps where that is more."""
    return max(
        LONGEST_STEP, Fraction(3, 2) * max(1, shot.cadence) * _usual_frame(durations, shot.first, shot.last)
    )


def step_before(
    times: Sequence[Fraction],
    durations: Sequence[Fraction],
    drawings: Sequence[Drawing],
    number: int,
    *,
    limit: Fraction,
    cadence: int,
) -> Fraction:
    """Seconds that the motion into `drawings[number]` takes after a hold: the cadence around there.

    The nearest drawing of the shot that ended with a new drawing and is no hold tells it, the one after
    rather than the one before; where there is none, the shot's cadence.

    Args:
        times: pts of every input frame, seconds.
        durations: seconds that each input frame is shown.
        drawings: all drawings of one shot.
        number: number in `drawings` of the drawing that the motion leads to.
        limit: seconds beyond which a drawing is a hold.
        cadence: the shot's.
    """
    ended = range(len(drawings) - 1)
    for distance in range(3):
        for near in (number + distance, number - 2 - distance):
            if near in ended:
                shown = times[drawings[near + 1].first] - times[drawings[near].first]
                if shown <= limit:
                    return shown
    return min(limit, max(1, cadence) * _usual_frame(durations, drawings[0].first, drawings[-1].last))


def _usual_frame(durations: Sequence[Fraction], first: int, last: int) -> Fraction:
    """Median duration of frames `first`..`last`: one long frame of a variable rate does not count."""
    return median_low(durations[first : last + 1])
