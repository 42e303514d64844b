"""Drawings: which frames show one drawing.

Each frame brings evidence (log-odds) that it shows a new drawing. How much evidence a held frame shows
depends on the film: nothing in a clean file, much in a poor one. Within a shot, though, held frames and
new drawings lie apart, whatever the noise; so the line between them is drawn where few frames lie, near
where it would be drawn for an unknown film.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from nakawari.timeline.measurements import Measurements
from nakawari.timeline.plan import Drawing

Floats = npt.NDArray[np.float64]

STILL_SHARE = 30
"""Percentile of a shot's evidence that tells how much a held frame shows in this film."""

BASE, SLOPE = 0.5, 0.4
"""Where the line is expected: BASE + SLOPE × that percentile …"""

LOWEST, HIGHEST = -2.4, 1.3
"""… within these: a film can be so clean and so noisy, not more."""

LEEWAY = 1.8
"""How far (log-odds) from there the line may be moved to where fewer frames lie."""

BLUR = 0.4
"""Width (log-odds) over which frames are counted as lying at one place."""

REACH = 48
"""Frames on either side that tell where the line lies."""

DRIFTED = 1.5
"""How much more evidence than the line it takes against the first frame of a run, not the frame before."""

SLIDE_REACH = 3
"""Frames on either side that slide alike when the camera pans slowly …"""

SLIDE = 0.02
"""… at least so far a frame, pixels of the reduced luma."""


def find_drawings(measurements: Measurements, cuts: Sequence[int]) -> list[Drawing]:
    """Runs of frames that show one drawing; every cut begins a new one.

    Args:
        measurements: one for each frame.
        cuts: numbers of the frames that begin a shot, rising, without frame 0.
    """
    evidence, drifted, slides = measurements.evidence, measurements.drifted, measurements.slides
    anchors = measurements.anchors
    bounds = [0, *cuts, len(measurements)]
    firsts: list[int] = []
    for first, end in pairwise(bounds):
        shot = evidence[first + 1 : end]
        lines = _lines(shot)
        moves = (shot > lines) | _slides(slides[first + 1 : end])
        firsts.append(first)
        for number in range(first + 1, end):
            new = moves[number - first - 1]
            if anchors[number] >= firsts[-1]:
                new = new or drifted[number] > lines[number - first - 1] + DRIFTED
            if new:
                firsts.append(number)
    ends = [*firsts[1:], len(measurements)]
    return [Drawing(first, end - 1) for first, end in zip(firsts, ends, strict=True)]


def _lines(evidence: Floats) -> Floats:
    """The line for each frame of a shot, from the frames around it."""
    lines = np.empty(len(evidence))
    step = REACH // 4
    for start in range(0, len(evidence), step):
        middle = start + step // 2
        near = evidence[max(0, middle - REACH) : middle + REACH]
        expected = float(np.clip(BASE + SLOPE * np.percentile(near, STILL_SHARE), LOWEST, HIGHEST))
        lines[start : start + step] = _valley(near, expected)
    return lines


def _valley(evidence: Floats, expected: float) -> float:
    """Where few frames lie, near where the line is expected."""
    places = np.linspace(expected - LEEWAY, expected + LEEWAY, 33)
    density = np.exp(-0.5 * ((places[:, None] - evidence[None]) / BLUR) ** 2).sum(axis=1)
    cost = np.log(density + 0.5) + ((places - expected) / LEEWAY) ** 2
    return float(places[np.argmin(cost)])


def _slides(slides: Floats) -> npt.NDArray[np.bool_]:
    """Where the whole picture slides on evenly: too slow to see in a pair, plain in a row of them.

    Args:
        slides: [n, 2], shift of each frame against the one before.
    """
    count = len(slides)
    sliding = np.zeros(count, bool)
    width = 2 * SLIDE_REACH + 1
    if count < width:
        return sliding
    for number in range(count):
        begin = min(max(0, number - SLIDE_REACH), count - width)
        near = slides[begin : begin + width]
        usual = np.median(near, axis=0)
        speed = float(np.hypot(*usual))
        if speed < SLIDE:
            continue
        alike = np.hypot(*(near - usual).T) < 0.5 * speed
        sliding[number] = alike.sum() >= width - 1 and alike[number - begin]
    return sliding
