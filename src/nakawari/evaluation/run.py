"""Models and folders of predictions × data → a number for each triplet, and rows of means.

Triplets stream: each is read once, given to every system, measured and forgotten. Every frame is measured
as users get it, in the type of the source (8 bits mostly, rounded), so that models and folders are
compared alike.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any, TypedDict, cast

import numpy as np

from nakawari import __version__
from nakawari.errors import InputError
from nakawari.evaluation.bootstrap import CONFIDENCE, RESAMPLES, SEED, intervals
from nakawari.evaluation.data import Triplet, open_data
from nakawari.evaluation.systems import ModelSystem, System, open_systems
from nakawari.metrics.image import PSNR_CAP_DB, ie, psnr, ssim, ssim_paper, unit
from nakawari.metrics.lines import chamfer
from nakawari.metrics.lpips import LpipsMetric
from nakawari.pipeline.render import Progress, silent
from nakawari.tensors import Array

METRICS = ("psnr", "ssim", "ssim_paper", "ie", "chamfer", "lpips")
UNITS = {
    "psnr": f"dB, at most {PSNR_CAP_DB:g} (equal frames)",
    "ssim": "Gaussian 11x11, sigma 1.5, range 1",
    "ssim_paper": "uniform 7x7, range 2",
    "ie": "0-255, mean length of the RGB difference",
    "chamfer": "unscaled",
    "lpips": "unscaled",
    "seconds_per_frame": "s, median after one warm-up pair, model alone",
}


class Sample(TypedDict):
    """One system on one triplet, as it stands in the JSON file."""

    model: str
    data: str
    split: str
    n: int
    name: str
    psnr: float
    ssim: float
    ssim_paper: float
    ie: float
    chamfer: float
    lpips: float | None
    seconds_per_frame: float | None


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


Watch = Callable[[Triplet, Mapping[str, Array], Mapping[str, Sample]], None]
"""Is shown each triplet with the frames and numbers of every system, by name."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All that was measured."""

    rows: list[Row]
    samples: list[Sample]
    meta: dict[str, Any]

    def to_json(self) -> str:
        """As INTERFACE's `--json` file: rows, samples, meta; every number finite."""
        values = {"rows": self.rows, "samples": self.samples, "meta": self.meta}
        return json.dumps(values, indent=1, allow_nan=False) + "\n"


def evaluate(models: Sequence[str] | str, data: str, **options: Any) -> list[Row]:
    """Measure models against the truth; a row for each. Takes what `measure` takes."""
    return measure(models, data, **options).rows


def measure(
    models: Sequence[str] | str,
    data: str,
    *,
    weights: Mapping[str, str | Path] | None = None,
    device: str = "auto",
    precision: str = "auto",
    limit: int | None = None,
    lpips_weights: tuple[str | Path, str | Path] | None = None,
    progress: Progress = silent,
    watch: Watch | None = None,
) -> Evaluation:
    """Measure models and folders of predictions against the truth.

    Args:
        models: names of CATALOG, or `predictions:DIR` with DIR/NAME.png for each triplet.
        data: `triplets:DIR` or `video:FILE`; see `evaluation.data`.
        weights: file by model name, for models whose weights are not shipped.
        device, precision: as `nakawari.load` takes them.
        limit: only the first so many triplets.
        lpips_weights: files of the backbone and of the heads; None: `lpips` is None in all rows.
        progress: is told the stages "analyse" (of a video) and "evaluate".
        watch: is shown every triplet.

    Raises:
        InputError: the data or predictions are missing, not whole, or of another size.
        ModelError: a model is unknown or its weights do not fit.
    """
    specs = [models] if isinstance(models, str) else list(models)
    dataset = open_data(data, progress)
    systems = open_systems(specs, weights or {}, device, precision)
    lpips = None if lpips_weights is None else LpipsMetric(*lpips_weights)
    names = dataset.names[:limit]
    for system in systems:
        system.check(names)
    samples: list[Sample] = []
    progress("evaluate", 0, len(names))
    for done, triplet in enumerate(islice(dataset, limit), start=1):
        made, scored = _one(triplet, systems, data, lpips)
        samples += scored.values()
        if watch is not None:
            watch(triplet, made, scored)
        progress("evaluate", done, len(names))
    rows = [row_of([s for s in samples if s["model"] == system.name]) for system in systems]
    return Evaluation(rows, samples, _meta(data, specs, systems, lpips))


def _one(
    triplet: Triplet, systems: Sequence[System], data: str, lpips: LpipsMetric | None
) -> tuple[dict[str, Array], dict[str, Sample]]:
    """Frame and numbers of every system for one triplet."""
    made, scored = {}, {}
    for system in systems:
        frame, seconds = system.draw(triplet)
        made[system.name] = frame
        head = {"model": system.name, "data": data, "split": "whole", "n": 1, "name": triplet.name}
        numbers = score(frame, triplet.truth, lpips, triplet.name)
        scored[system.name] = cast("Sample", head | numbers | {"seconds_per_frame": seconds})
    return made, scored


def score(made: Array, truth: Array, lpips: LpipsMetric | None, name: str) -> dict[str, float | None]:
    """All METRICS of one frame.

    Raises:
        InputError: the frames are too small for a metric; `name` says which.
    """
    if made.dtype != truth.dtype:  # 8 bits written for a truth of 16, or the other way round
        made, truth = unit(made), unit(truth)
    try:
        return {
            "psnr": psnr(made, truth),
            "ssim": ssim(made, truth),
            "ssim_paper": ssim_paper(made, truth),
            "ie": ie(made, truth),
            "chamfer": chamfer(made, truth),
            "lpips": None if lpips is None else lpips(made, truth),
        }
    except InputError as error:
        raise InputError(f"{name}: {error}") from error


def row_of(samples: Sequence[Sample]) -> Row:
    """The means of one system's samples, with intervals."""
    if not samples:
        raise InputError("there are no triplets to take the mean of.")
    first = samples[0]
    computed = [metric for metric in METRICS if first.get(metric) is not None]
    values = np.array([[sample.get(metric) for metric in computed] for sample in samples], np.float64)
    seconds = [s["seconds_per_frame"] for s in samples if s["seconds_per_frame"] is not None]
    row = {
        **{key: first.get(key) for key in ("model", "data", "split")},
        "n": len(samples),
        **dict.fromkeys(METRICS),
        **dict(zip(computed, values.mean(0).tolist(), strict=True)),
        "seconds_per_frame": median(seconds) if seconds else None,
        "interval": dict(zip(computed, intervals(values).tolist(), strict=True)),
    }
    return cast("Row", row)


def _meta(
    data: str, specs: Sequence[str], systems: Sequence[System], lpips: LpipsMetric | None
) -> dict[str, Any]:
    import torch

    devices = {system.name: system.device for system in systems if isinstance(system, ModelSystem)}
    return {
        "data": data,
        "models": dict(zip((system.name for system in systems), specs, strict=True)),
        "devices": devices,
        "units": UNITS,
        "interval": {
            "kind": "percentile bootstrap",
            "confidence": CONFIDENCE,
            "resamples": RESAMPLES,
            "seed": SEED,
        },
        "lpips": None if lpips is None else lpips.backbone,
        "threads": torch.get_num_threads(),
        "nakawari": __version__,
        "torch": torch.__version__,
        "python": platform.python_version(),
    }
