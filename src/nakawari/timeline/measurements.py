"""What was measured of all frames of a clip, in columns: a film has hundreds of thousands of them."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from math import isnan, nan
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from nakawari.timeline.measure import Measurement

Floats = npt.NDArray[np.float64]

LAGS = 4
"""Frames before each frame against which its novelty is known, at most."""

EVIDENCE, DRIFTED, ANCHOR, SLIDE, NOVELTY = 0, 1, 2, 3, 5
"""Columns of a row, `SLIDE` being the first of two and `NOVELTY` the first of `LAGS`."""

WIDTH = NOVELTY + LAGS


class Measurements:
    """Of each measurement the numbers that decisions about time are made from; 72 bytes a frame."""

    def __init__(self, measurements: Iterable[Measurement] = ()) -> None:
        self._rows = array("d")
        for measurement in measurements:
            self.append(measurement)

    def append(self, measurement: Measurement) -> None:
        """Take what was measured of the next frame."""
        previous, anchor, novelty = measurement.previous, measurement.anchor, measurement.novelty
        evidence = previous.evidence
        drifted = evidence if anchor is previous else anchor.evidence
        unknown = (nan,) * (LAGS - len(novelty))
        self._rows.extend((evidence, drifted, measurement.anchor_index, *previous.slide, *novelty, *unknown))

    def __len__(self) -> int:
        return len(self._rows) // WIDTH

    def __getitem__(self, frames: slice) -> Measurements:
        """Those of a run of frames, which are numbered from 0 again."""
        first, end, step = frames.indices(len(self))
        assert step == 1
        part = Measurements()
        part._rows = self._rows[first * WIDTH : end * WIDTH]
        for row in range(ANCHOR, len(part._rows), WIDTH):
            part._rows[row] -= first
        return part

    @property
    def evidence(self) -> Floats:
        """[n], log-odds of a new drawing against the frame before."""
        return self._column(EVIDENCE)

    @property
    def drifted(self) -> Floats:
        """[n], log-odds of a new drawing against the anchor."""
        return self._column(DRIFTED)

    @property
    def anchors(self) -> Floats:
        """[n], number of each frame's anchor; negative where it lies before a part of a clip."""
        return self._column(ANCHOR)

    @property
    def slides(self) -> Floats:
        """[n, 2], shift of the picture against the frame before, as `Change.slide`."""
        return self._column(SLIDE, 2)

    @property
    def new(self) -> Floats:
        """[n], share of each picture that the frame before does not explain; 0 of the first."""
        return np.nan_to_num(self._column(NOVELTY), nan=0.0)

    def looked_back(self) -> list[int]:
        """Numbers of the frames of which more than the novelty against the frame before is known."""
        known = ~np.isnan(self._column(NOVELTY + 1))
        return [int(number) for number in np.flatnonzero(known)]

    def novelty(self, frame: int) -> list[float]:
        """Share of the picture of a frame that frames 1, 2, 3 … before do not explain, as far as is known."""
        begin = frame * WIDTH + NOVELTY
        return [value for value in self._rows[begin : begin + LAGS] if not isnan(value)]

    def _column(self, first: int, width: int = 0) -> Floats:
        rows = np.asarray(self._rows).reshape(-1, WIDTH)
        return (rows[:, first : first + width] if width else rows[:, first]).copy()
