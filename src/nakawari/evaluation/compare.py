"""Where two systems differ: the mean of their differences, and the triplets that differ most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nakawari.errors import InputError
from nakawari.evaluation.bootstrap import intervals
from nakawari.evaluation.splits import METRICS, WHOLE, Sample


@dataclass(frozen=True, slots=True)
class Contrast:
    """Two systems on the same triplets.

    Attributes:
        a, b: the systems' names.
        pairs: their samples of each triplet, the largest difference of PSNR first.
        mean: for each metric that both have, the mean of (a − b) and the ends of its bootstrap interval.
            Triplets are resampled, not systems: the interval is far narrower than those of the means.
    """

    a: str
    b: str
    pairs: list[tuple[Sample, Sample]]
    mean: dict[str, tuple[float, float, float]]


def check_sides(names: Sequence[str], a: str, b: str) -> None:
    """Raise InputError unless `a` and `b` are two of the systems called `names`."""
    for name in (a, b):
        if name not in names:
            raise InputError(f"{name!r} is not evaluated; there are {', '.join(names)}.")
    if a == b:
        raise InputError(f"{a!r} differs from itself nowhere; name two systems.")


def contrast(samples: Sequence[Sample], a: str, b: str) -> Contrast:
    """Set the samples of whole pictures of `a` and `b` against each other.

    Raises:
        InputError: one of them was not evaluated, or both are the same.
    """
    samples = [sample for sample in samples if sample["split"] == WHOLE]
    check_sides(list(dict.fromkeys(sample["model"] for sample in samples)), a, b)
    of_b = {sample["name"]: sample for sample in samples if sample["model"] == b}
    pairs = [(sample, of_b[sample["name"]]) for sample in samples if sample["model"] == a]
    metrics = [m for m in METRICS if pairs[0][0].get(m) is not None and pairs[0][1].get(m) is not None]
    gaps = np.array([[_gap(one, other, metric) for metric in metrics] for one, other in pairs])
    ends = intervals(gaps)
    mean = {
        metric: (float(gaps[:, column].mean()), float(ends[column, 0]), float(ends[column, 1]))
        for column, metric in enumerate(metrics)
    }
    pairs.sort(key=lambda pair: -abs(_gap(pair[0], pair[1], "psnr")))
    return Contrast(a, b, pairs, mean)


def _gap(one: Sample, other: Sample, metric: str) -> float:
    return float(one[metric]) - float(other[metric])  # type: ignore[literal-required]
