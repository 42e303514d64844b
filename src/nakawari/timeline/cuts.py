"""Cuts: where a new scene begins; found in measurements, or read from a list.

A frame that no motion of the frame before explains begins a new scene, unless the old scene comes back
within a few frames: that was a flash. Fast pans and wild action leave much unexplained too, but they do
so in frame after frame, so a cut has to stand out of its surroundings.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from nakawari.errors import PlanError
from nakawari.timeline.measurements import Measurements

NEW_SCENE = 0.3
"""Least novelty of a cut."""

BESIDE = 1.5
"""How many times the novelty of the frames right before and after it a cut has to have, likewise."""

ALL_NEW = 0.75
"""Novelty that is a cut whatever goes on around it."""

SURROUNDINGS = 5
"""Frames on either side that a cut has to stand out of."""

CALM, WILD = 3.0, 1.9
"""How many times the usual novelty on its calmer and on its wilder side a cut has to have."""

USUAL = 85
"""Percentile that is usual: on twos and threes only some frames can be like a cut, the larger ones."""


def find_cuts(measurements: Measurements) -> list[int]:
    """Numbers of the frames that begin a new scene, rising; the first frame is not among them."""
    new = measurements.new
    flashes = find_flashes(measurements)
    # what comes back after a flash only seems new as well
    flashed = [flash or (n > 0 and flashes[n - 1]) for n, flash in enumerate(flashes)]
    cuts = []
    for number in np.flatnonzero(new >= NEW_SCENE).tolist():
        if flashed[number]:
            continue
        before = _around(new, flashed, range(number - 1, number - 1 - SURROUNDINGS, -1))
        after = _around(new, flashed, range(number + 1, number + 1 + SURROUNDINGS))
        calm, wild = sorted(float(np.percentile([*side, 0.0], USUAL)) for side in (before, after))
        beside = max([*before[:1], *after[:1], 0.0])
        if new[number] >= min(max(CALM * calm, WILD * wild, BESIDE * beside), ALL_NEW):
            cuts.append(number)
    return cuts


def _around(new: npt.NDArray[np.float64], flashed: Sequence[bool], frames: range) -> list[float]:
    """Novelty of those of `frames` that exist and are no flash, in their order."""
    return [float(new[n]) for n in frames if 0 < n < len(new) and not flashed[n]]


def find_flashes(measurements: Measurements) -> list[bool]:
    """Whether each frame belongs to a flash: something new, behind which the old scene comes back."""
    flashed = [False] * len(measurements)
    new = measurements.new
    for number in measurements.looked_back():
        for lag, novelty in enumerate(measurements.novelty(number)[1:], start=2):
            base = number - lag
            if base < 0 or flashed[base]:  # in a strobe, it is the scene that comes back, not the flash
                continue
            largest = new[base + 1 : number + 1].max()
            if largest >= NEW_SCENE and novelty < min(1.2 * NEW_SCENE, 0.5 * largest):
                lit = False
                for n in range(base + 1, number):
                    against_base = measurements.novelty(n)[n - base - 1 :]
                    if against_base:  # unknown: like the one before
                        lit = against_base[0] >= NEW_SCENE
                    flashed[n] = flashed[n] or lit
    return flashed


def parse_cuts(text: str, times: Sequence[Fraction]) -> list[int]:
    """Read a cuts file: one source frame number or time a line, in any order; `#` begins a comment.

    Args:
        text: a whole number is a frame; what has a decimal point, colons or a final `s` is a time on
            the clock of the input: `12.5`, `3s`, `0:01.5`, `00:00:01.500`. A time means the first frame
            that begins at it or later, to within half a millisecond (times are printed rounded).
        times: pts of each input frame, seconds.

    Returns:
        numbers of the frames that begin a shot, rising, each once, without frame 0.

    Raises:
        PlanError: a line is neither, or names a frame that the input does not have.
    """
    cuts = set()
    for row, line in enumerate(text.splitlines(), start=1):
        word = line.split("#", 1)[0].strip()
        if not word:
            continue
        if re.fullmatch(r"-?\d+", word):
            number = int(word)
        else:
            number = bisect_left(times, _seconds(word, row) - Fraction(1, 2000))
        if not 0 <= number < len(times):
            raise PlanError(
                f"line {row} of the cuts names {word}; the input has frames 0 to {len(times) - 1}."
            )
        cuts.add(number)
    return sorted(cuts - {0})


def format_cuts(cuts: Sequence[int], times: Sequence[Fraction]) -> str:
    """Cuts as text that `parse_cuts` reads back: frame numbers, with the times as comments."""
    rows = [f"{cut}  # {clock(times[cut])}" for cut in cuts]
    return "\n".join(["# first frame of each shot but the first", *rows]) + "\n"


def clock(seconds: Fraction) -> str:
    """Seconds as h:mm:ss.mmm, or m:ss.mmm below an hour."""
    milliseconds = round(abs(seconds) * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    tail = f"{rest // 1000:02d}.{rest % 1000:03d}"
    head = f"{hours}:{minutes:02d}" if hours else f"{minutes}"
    return f"{'-' if seconds < 0 else ''}{head}:{tail}"


def moment(word: str) -> Fraction | None:
    """`62.5`, `62.5s`, `1:02.5` or `0:01:02.5` in seconds; None where it is none of these."""
    match = re.fullmatch(r"(-?)(?:(?:(\d+):)?(\d+):)?(\d+(?:\.\d*)?|\.\d+)s?", word.strip())
    if match is None:
        return None
    sign, hours, minutes, seconds = match.groups()
    total = Fraction(seconds) + 60 * int(minutes or 0) + 3600 * int(hours or 0)
    return -total if sign else total


def _seconds(word: str, row: int) -> Fraction:
    found = moment(word)
    if found is None:
        raise PlanError(
            f"line {row} of the cuts is {word!r}; wanted a frame number such as 48 or a time such as 2.0, "
            "2s or 0:02.0."
        )
    return found
