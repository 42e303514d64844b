"""Models and folders of predictions × data → a number for each triplet, and rows of means.

Triplets stream: each is read once, given to every system, measured and forgotten. Every frame is measured
as users get it, in the type of the source (8 bits mostly, rounded), so that models and folders are
compared alike. ATD-12K alone is measured as its authors do: in floats, as the network gave them.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any, cast

import numpy as np

from nakawari import __version__
from nakawari.errors import InputError
from nakawari.evaluation.bootstrap import CONFIDENCE, RESAMPLES, SEED
from nakawari.evaluation.data import Triplet, open_data
from nakawari.evaluation.published import PUBLISHED
from nakawari.evaluation.splits import METRICS, ROI, WHOLE, Row, Sample, row_of, rows_of
from nakawari.evaluation.systems import Manner, ModelSystem, System, open_systems
from nakawari.metrics.image import PSNR_CAP_DB, ie, psnr, ssim, ssim_paper, unit
from nakawari.metrics.lines import chamfer
from nakawari.metrics.lpips import LpipsMetric
from nakawari.pipeline.render import Progress, silent
from nakawari.tensors import Array

UNITS = {
    "psnr": f"dB, at most {PSNR_CAP_DB:g} (equal frames)",
    "ssim": "Gaussian 11x11, sigma 1.5, range 1",
    "ssim_paper": "uniform 7x7, range 2",
    "ie": "0-255, mean length of the RGB difference",
    "chamfer": "unscaled",
    "lpips": "unscaled",
    "seconds_per_frame": "s, median after one warm-up pair, model alone",
}


LEAST_PX = 11
"""A side that is shorter than the Gaussian window has no likeness."""

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
    options: Mapping[str, Any] | None = None,
    own_guide: bool = False,
    debug_dir: str | Path | None = None,
    progress: Progress = silent,
    watch: Watch | None = None,
) -> Evaluation:
    """Measure models and folders of predictions against the truth.

    Args:
        models: names of CATALOG, or `predictions:DIR` with DIR/NAME.png for each triplet.
        data: `triplets:DIR`, `atd12k:DIR` or `video:FILE`; see `evaluation.data`.
        weights: file by model name, for models whose weights are not shipped.
        device, precision: as `nakawari.load` takes them.
        limit: only the first so many triplets.
        lpips_weights: files of the backbone and of the heads; None: `lpips` is None in all rows.
        options, own_guide, debug_dir: see `evaluation.systems.Manner`.
        progress: is told the stages "analyse" (of a video) and "evaluate".
        watch: is shown every triplet.

    Raises:
        InputError: the data or predictions are missing, not whole, or of another size.
        ModelError: a model is unknown or its weights do not fit.
    """
    specs = [models] if isinstance(models, str) else list(models)
    dataset = open_data(data, progress)
    how = Manner(options or {}, dataset.as_published, own_guide, debug_dir)
    systems = open_systems(specs, weights or {}, device, precision, how)
    lpips = None if lpips_weights is None else LpipsMetric(*lpips_weights)
    names = dataset.names[:limit]
    for system in systems:
        system.check(names)
    samples: list[Sample] = []
    unmeasured: list[str] = []
    progress("evaluate", 0, len(names))
    for done, triplet in enumerate(islice(dataset, limit), start=1):
        made, scored = _one(triplet, systems, data, lpips)
        samples += scored.values()
        if triplet.note is not None:
            parts = [_part(sample, made[name], triplet) for name, sample in scored.items()]
            samples += [part for part in parts if part is not None]
            unmeasured += [triplet.name] * (None in parts)
        if watch is not None:
            watch(triplet, made, scored)
        progress("evaluate", done, len(names))
    rows = [row for system in systems for row in rows_of(samples, system.name)]
    meta = _meta(data, specs, systems, lpips) | {"roi_too_small": unmeasured}
    if dataset.as_published:
        meta["published"] = [asdict(one) for one in PUBLISHED]
    return Evaluation(rows, samples, meta)


def _one(
    triplet: Triplet, systems: Sequence[System], data: str, lpips: LpipsMetric | None
) -> tuple[dict[str, Array], dict[str, Sample]]:
    """Frame and numbers of every system for one triplet."""
    made, scored = {}, {}
    for system in systems:
        frame, seconds = system.draw(triplet)
        made[system.name] = frame
        head = {"model": system.name, "data": data, "split": WHOLE, "n": 1, "name": triplet.name}
        noted = {} if triplet.note is None else {"level": triplet.note.level, "tags": [*triplet.note.tags]}
        numbers = score(frame, triplet.truth, lpips, triplet.name)
        scored[system.name] = cast("Sample", head | numbers | {"seconds_per_frame": seconds} | noted)
    return made, scored


def _part(sample: Sample, made: Array, triplet: Triplet) -> Sample | None:
    """The sample of what moves; None where that is too small for a metric. LPIPS is of whole pictures."""
    assert triplet.note is not None
    box = triplet.note.box(triplet.truth.shape[:2])
    truth = triplet.truth[box]
    if min(truth.shape[:2]) < LEAST_PX:
        return None
    numbers = score(made[box], truth, None, triplet.name)
    return cast("Sample", sample | {"split": ROI} | numbers)


def score(made: Array, truth: Array, lpips: LpipsMetric | None, name: str) -> dict[str, float | None]:
    """All METRICS of one frame.

    Raises:
        InputError: the frames are too small for a metric; `name` says which.
    """
    if made.dtype != truth.dtype:  # 8 bits written for a truth of 16 or of floats, or the other way round
        made, truth = unit(made), unit(truth)
    if np.issubdtype(made.dtype, np.floating):
        made = made.clip(0, 1)
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
        "notes": [note for system in systems if isinstance(system, ModelSystem) for note in system.notes()],
        "threads": torch.get_num_threads(),
        "nakawari": __version__,
        "torch": torch.__version__,
        "python": platform.python_version(),
    }


__all__ = ["METRICS", "Evaluation", "Row", "Sample", "Watch", "evaluate", "measure", "row_of", "score"]
