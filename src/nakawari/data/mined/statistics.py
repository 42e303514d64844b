"""Numbers of sets of triplets, as the paper's Figure 3: levels and tags, and how much things move.

Flow is laid between the outer frames of each triplet, both ways; of each flow the mean and the deviation of
its lengths are taken, in pixels of a picture 960 wide, so that sets of several sizes can stand side by side.

Source: Li et al. 2021, Figure 3 and section 3.1. Differs: the flow is OpenCV's DIS (see `motion`).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from html import escape
from importlib.resources import files
from itertools import pairwise
from math import ceil
from pathlib import Path
from string import Template
from typing import Any

import numpy as np
import numpy.typing as npt

from nakawari.data.atd12k import LEVELS, Triplet
from nakawari.data.mined.look import as_drawing, look_at
from nakawari.data.mined.motion import flow_between
from nakawari.data.mined.review import triplets_of
from nakawari.errors import InputError
from nakawari.video.images import read_image

EDGES_PX = np.array((0, 1, 2, 4, 6, 8, 12, 16, 24, 32, 48, 64, np.inf))
"""Bounds of the histograms."""
WIDTH_PX = 960

Floats = npt.NDArray[np.float64]


@dataclass(slots=True)
class Statistics:
    """A set's numbers.

    Attributes:
        name: of its folder.
        count: triplets.
        flows: [2 · count, 2], mean and deviation of the length of each flow, pixels at 960 wide.
        levels, tags: how many triplets have each; of those with annotations.
        annotated, estimated: triplets with annotations, and of these those that are estimates.
    """

    name: str
    count: int
    flows: Floats
    levels: Counter[str] = field(default_factory=Counter)
    tags: Counter[str] = field(default_factory=Counter)
    annotated: int = 0
    estimated: int = 0

    def histogram(self, column: int) -> Floats:
        """Shares of flows whose mean (0) or deviation (1) lies between EDGES_PX."""
        counts, _ = np.histogram(self.flows[:, column], EDGES_PX)
        shares: Floats = counts / max(1, len(self.flows))
        return shares

    def said(self) -> dict[str, Any]:
        """As JSON has it."""
        names = ("mean", "deviation")
        return {
            "name": self.name,
            "triplets": self.count,
            "motion_px_at_960": {
                name: {
                    "mean": round(float(self.flows[:, column].mean()), 3),
                    "median": round(float(np.median(self.flows[:, column])), 3),
                    "shares": [round(float(share), 5) for share in self.histogram(column)],
                }
                for column, name in enumerate(names)
            },
            "bounds_px": [float(edge) for edge in EDGES_PX[:-1]],
            "levels": dict(self.levels),
            "tags": dict(self.tags.most_common()),
            "annotated": self.annotated,
            "estimated": self.estimated,
        }


def measure(folder: str | Path) -> Iterator[int | Statistics]:
    """Yields how many triplets are done, and last the numbers.

    Raises:
        InputError: there are no triplets, or one cannot be read.
    """
    triplets = triplets_of(Path(folder))
    rows: list[tuple[float, float]] = []
    found = Statistics(Path(folder).resolve().name, len(triplets), np.zeros((0, 2)))
    with ThreadPoolExecutor() as pool:
        for number, flows in enumerate(pool.map(_flows, triplets), 1):
            rows += flows
            yield number
    for triplet in triplets:
        note = triplet.read_annotation()
        if note is None or triplet.annotation is None:
            continue
        found.annotated += 1
        found.estimated += bool(json.loads(triplet.annotation.read_text(encoding="utf-8")).get("estimated"))
        found.levels[note.level] += 1
        found.tags.update(note.tags)
    found.flows = np.array(rows)
    yield found


def _flows(triplet: Triplet) -> list[tuple[float, float]]:
    looks = [look_at(as_drawing(read_image(path))) for path in (triplet.frames[0], triplet.frames[2])]
    if looks[0].grey.shape != looks[1].grey.shape:
        raise InputError(f"{triplet.frames[2]} differs in size from {triplet.frames[0].name}.")
    scale = WIDTH_PX / looks[0].grey.shape[1]
    rows = []
    for one, other in (looks, looks[::-1]):
        length = np.linalg.norm(flow_between(one, other), axis=2) * scale
        rows.append((float(length.mean()), float(length.std())))
    return rows


def html(sets: Sequence[Statistics]) -> str:
    """A page with the histograms of all sets side by side, their levels and tags."""
    template = Template(files("nakawari.data.mined").joinpath("statistics.html").read_text(encoding="utf-8"))
    legend = " ".join(
        f'<span class="key"><i class="s{n % 4}"></i>{escape(each.name)}, {each.count} triplets</span>'
        for n, each in enumerate(sets)
    )
    bounds = [f"{low:g}–{high:g}" for low, high in pairwise(EDGES_PX[:-1])]
    labels = [*bounds, f"{EDGES_PX[-2]:g} +"]
    panels = [
        _bars("Mean motion of a flow, px at 960 wide", labels, [each.histogram(0) for each in sets]),
        _bars("Deviation within a flow, px at 960 wide", labels, [each.histogram(1) for each in sets]),
    ]
    noted = [each for each in sets if each.annotated]
    if noted:
        names = list(dict.fromkeys(tag for each in noted for tag, _ in each.tags.most_common()))
        panels.append(_bars("Levels", LEVELS, [_shares(each, each.levels, LEVELS) for each in sets]))
        panels.append(_bars("Tags", names, [_shares(each, each.tags, names) for each in sets]))
    doubt = ", ".join(
        f"{each.name}: {each.estimated} of {each.annotated}" for each in noted if each.estimated
    )
    note = f"Levels and tags are estimates in {escape(doubt)}." if doubt else ""
    return template.substitute(
        title=escape(", ".join(each.name for each in sets)),
        legend=legend,
        panels="\n".join(panels),
        note=note,
    )


def _shares(found: Statistics, counts: Counter[str], names: Sequence[str]) -> Floats:
    return np.array([counts[name] / max(1, found.annotated) for name in names])


def _bars(title: str, labels: Sequence[str], series: Sequence[Floats]) -> str:
    """A bar chart as SVG: a group for each label, in it a bar for each set."""
    width, height, left, foot = 640, 240, 44, 28
    top = ceil(25 * max(0.04, *(float(values.max()) for values in series))) / 25  # ticks at whole percents
    step = (width - left) / len(labels)
    bar = min(40.0, 0.8 * step / len(series))
    parts = []
    for tick in range(5):
        y = 8 + (height - foot - 8) * (1 - tick / 4)
        parts.append(f'<line x1="{left}" x2="{width}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{left - 6}" y="{y + 4:.1f}" class="end">{100 * top * tick / 4:.0f} %</text>')
    for place, label in enumerate(labels):
        middle = left + step * (place + 0.5)
        for number, values in enumerate(series):
            tall = (height - foot - 8) * float(values[place]) / top
            x = middle + bar * (number - len(series) / 2)
            y, share = height - foot - tall, 100 * float(values[place])
            parts.append(
                f'<rect class="s{number % 4}" x="{x:.1f}" y="{y:.1f}" width="{bar - 1:.1f}" '
                f'height="{tall:.1f}"><title>{escape(label)}: {share:.1f} %</title></rect>'
            )
        parts.append(f'<text x="{middle:.1f}" y="{height - foot + 16}" class="mid">{escape(label)}</text>')
    drawn = (
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(title)}">{"".join(parts)}</svg>'
    )
    return f"<figure><figcaption>{escape(title)}</figcaption>{drawn}</figure>"
