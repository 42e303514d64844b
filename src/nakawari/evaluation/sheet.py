"""The contact sheet: one HTML file with truth, results and errors of the triplets that are worth a look.

Numbers do not see a torn hand. The file holds its images and asks nothing of any other host, so that it can
be mailed and kept. Only the frames that are on the sheet are in memory, compressed.
"""

from __future__ import annotations

import heapq
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from importlib.resources import files
from string import Template

import cv2
import numpy as np

from nakawari.evaluation.data import Triplet
from nakawari.evaluation.run import Evaluation
from nakawari.evaluation.splits import Sample
from nakawari.evaluation.table import COLUMNS, best, by_split, cells, heading, interval_cell
from nakawari.metrics.image import unit
from nakawari.tensors import Array

AMPLIFY = 4
"""Errors are shown so many times as large as they are."""
QUALITY = 95
"""Of the JPEG images, whose colour is not subsampled: what they lose is less than what is looked for."""

Order = Callable[[Mapping[str, Sample]], float]
"""What is looked at first: the smallest number that this gives for a triplet's samples by system."""


def worst_of(system: str) -> Order:
    """The lowest PSNR of `system` first."""
    return lambda samples: samples[system]["psnr"]


def apart(a: str, b: str) -> Order:
    """The largest difference of PSNR between two systems first."""
    return lambda samples: -abs(samples[a]["psnr"] - samples[b]["psnr"])


@dataclass(order=True, slots=True)
class _Entry:
    rank: float
    """Minus the order's number: the heap gives up the largest number first."""
    place: int
    samples: Mapping[str, Sample] = field(compare=False)
    images: dict[str, str] = field(compare=False)


class Sheet:
    """Collects triplets while they are measured (`add` is a `run.Watch`), then writes the page."""

    def __init__(self, count: int, order: Order, caption: str) -> None:
        """Keep `count` triplets, the first by `order`; `caption` says what that order is."""
        self._count = count
        self._order = order
        self._caption = caption
        self._kept: list[_Entry] = []
        self._seen = 0

    def add(self, triplet: Triplet, made: Mapping[str, Array], samples: Mapping[str, Sample]) -> None:
        """Look at one triplet, and keep its frames if it is among the first."""
        self._seen += 1
        rank = -self._order(samples)
        full = len(self._kept) >= self._count
        if self._count < 1 or (full and rank <= self._kept[0].rank):
            return
        images = {"truth": _data_uri(triplet.truth)}
        for name, frame in made.items():
            error = np.abs(unit(frame) - unit(triplet.truth)) * AMPLIFY
            images[f"result {name}"] = _data_uri(frame)
            images[f"error {name}"] = _data_uri(np.minimum(error, 1.0))
        entry = _Entry(rank, -self._seen, dict(samples), images)
        (heapq.heappushpop if full else heapq.heappush)(self._kept, entry)

    def html(self, found: Evaluation) -> str:
        """The page."""
        template = Template(files("nakawari.evaluation").joinpath("sheet.html").read_text(encoding="utf-8"))
        entries = sorted(self._kept, reverse=True)
        meta = found.meta
        about = (
            f"{found.rows[0]['n']} triplets · nakawari {meta['nakawari']} · torch {meta['torch']} · "
            + ", ".join(f"{name} on {device}" for name, device in meta["devices"].items())
        )
        return template.substitute(
            title=escape(str(meta["data"])),
            about=escape(about.removesuffix(" · ")),
            summary=_summary(found),
            caption=escape(f"{len(entries)} of {self._seen} triplets, {self._caption}"),
            amplify=AMPLIFY,
            triplets="\n".join(_section(entry) for entry in entries),
        )


def _data_uri(frame: Array) -> str:
    pixels = np.rint(unit(frame) * 255).clip(0, 255).astype(np.uint8)
    options = [cv2.IMWRITE_JPEG_QUALITY, QUALITY,
               cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]  # fmt: skip
    _, data = cv2.imencode(".jpg", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), options)
    return "data:image/jpeg;base64," + b64encode(data.tobytes()).decode("ascii")


def _summary(found: Evaluation) -> str:
    heads, plain = heading(found.rows)
    lines = [[escape(cell) for cell in line] for line in plain]
    rows = by_split(found.rows)
    for column in COLUMNS:
        winners = best(rows, column)
        for number, row in enumerate(rows):
            mean, _, rest = interval_cell(row, column).partition(" ")
            strong = f"<b>{mean}</b>" if number in winners else mean
            lines[number].append(strong + (f"<small>{rest}</small>" if rest else ""))
    return _table([escape(head) for head in heads], lines)


def _section(entry: _Entry) -> str:
    columns = [c for c in COLUMNS if any(s.get(c.key) is not None for s in entry.samples.values())]
    name = escape(next(iter(entry.samples.values()))["name"])
    numbers = _table(
        ["model", *(escape(column.heading) for column in columns)],
        [[escape(model), *cells(sample, columns)] for model, sample in entry.samples.items()],
    )
    figures = [_figure(entry.images["truth"], "truth", name, len(entry.samples))]
    for model in entry.samples:
        figures.append(_figure(entry.images[f"result {model}"], model, name))
        figures.append(_figure(entry.images[f"error {model}"], f"{model}, error ×{AMPLIFY}", name))
    return (
        f'<section id="{name}"><h2>{name}</h2>{numbers}<div class="frames">{"".join(figures)}</div></section>'
    )


def _figure(uri: str, caption: str, name: str, rows: int = 1) -> str:
    words = escape(caption)
    image = f'<img src="{uri}" alt="{name}: {words}" loading="lazy">'
    return (
        f'<figure style="grid-row: span {rows}"><button type="button" title="full size">{image}</button>'
        f"<figcaption>{words}</figcaption></figure>"
    )


def _table(heads: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    head = "".join(f'<th scope="col">{cell}</th>' for cell in heads)
    body = "".join(
        f'<tr><th scope="row">{line[0]}</th>' + "".join(f"<td>{cell}</td>" for cell in line[1:]) + "</tr>"
        for line in lines
    )
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
