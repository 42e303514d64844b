"""Samples → rows: all triplets, and, where the data say more, the moving part, each level and each tag.

whole               every triplet, the whole picture
roi                 every triplet, the box around what moves
easy, medium, hard  triplets of that level, the whole picture
tag:WORD            triplets of that kind of motion or behaviour, the whole picture
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import NotRequired, TypedDict, cast

import numpy as np

from nakawari.data.atd12k import LEVELS
from nakawari.errors import InputError
from nakawari.evaluation.bootstrap import intervals

METRICS = ("psnr", "ssim", "ssim_paper", "ie", "chamfer", "lpips")
WHOLE, ROI = "whole", "roi"


class Sample(TypedDict):
    """One system on one triplet, as it stands in the JSON file."""

    model: str
    data: str
    split: str
    """WHOLE or ROI."""
    n: int
    name: str
    psnr: float
    ssim: float
    ssim_paper: float
    ie: float
    chamfer: float
    lpips: float | None
    seconds_per_frame: float | None
    level: NotRequired[str]
    tags: NotRequired[list[str]]


class Row(TypedDict):
    """One system on all triplets of a split: means, but for the median of seconds."""

    model: str
    data: str
    split: str
    n: int
    psnr: float
    ssim: float
    ssim_paper: float
    ie: float
    chamfer: float
    lpips: float | None
    seconds_per_frame: float | None
    interval: dict[str, list[float]]
    """For each metric that was computed the ends of the bootstrap interval of its mean."""


def rows_of(samples: Sequence[Sample], system: str) -> list[Row]:
    """A row for each split that there is, of one system.

    Raises:
        InputError: there are no samples.
    """
    own = [sample for sample in samples if sample["model"] == system]
    whole = [sample for sample in own if sample["split"] == WHOLE]
    parts = {WHOLE: whole, ROI: [sample for sample in own if sample["split"] == ROI]}
    parts |= {level: [sample for sample in whole if sample.get("level") == level] for level in LEVELS}
    tags = sorted({tag for sample in whole for tag in sample.get("tags", ())})
    parts |= {f"tag:{tag}": [sample for sample in whole if tag in sample.get("tags", ())] for tag in tags}
    if not whole:
        raise InputError("there are no triplets to take the mean of.")
    return [row_of(part, split) for split, part in parts.items() if part]


def row_of(samples: Sequence[Sample], split: str = WHOLE) -> Row:
    """The means of one system's samples, with intervals."""
    first = samples[0]
    computed = [metric for metric in METRICS if first.get(metric) is not None]
    values = np.array([[sample.get(metric) for metric in computed] for sample in samples], np.float64)
    seconds = [s["seconds_per_frame"] for s in samples if s["seconds_per_frame"] is not None]
    row = {
        "model": first["model"],
        "data": first["data"],
        "split": split,
        "n": len(samples),
        **dict.fromkeys(METRICS),
        **dict(zip(computed, values.mean(0).tolist(), strict=True)),
        "seconds_per_frame": median(seconds) if seconds else None,
        "interval": dict(zip(computed, intervals(values).tolist(), strict=True)),
    }
    return cast("Row", row)
