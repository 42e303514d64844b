"""Guides for training: segment-guided matching over a folder of triplets, on all cores, once.

Matching is not learned and its flow does not depend on the crop that a training step takes, so it is made
beforehand. A run that was interrupted goes on where it stopped; what is there already is kept if it was made
the same way, and refused if it was not.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from nakawari.data import guides as files
from nakawari.data.cartoon.stream import settle
from nakawari.errors import InputError, OutputError
from nakawari.models.animeinterp.pictures import draw
from nakawari.models.animeinterp.sgm import Matched, PresetName, SegmentGuidedMatching
from nakawari.ops.lines import Style
from nakawari.pipeline.pictures import write_pictures
from nakawari.tensors import Array
from nakawari.video.images import natural, read_image

SUFFIXES = (".png", ".jpg", ".jpeg")
Layout = Literal["compact", "published"]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How guides are made; the same words as `SegmentGuidedMatching` takes.

    Attributes:
        preset, contours, vgg: as `SegmentGuidedMatching` takes them.
        size: (H, W) to which frames are resized before; None: they are taken as they are.
        layout: "compact", one small file, or "published", two arrays of doubles.
        debug_dir: pictures of every pair go there; None: none are drawn.
    """

    preset: PresetName = "official"
    contours: Style = "auto"
    vgg: str | None = "auto"
    size: tuple[int, int] | None = None
    layout: Layout = "compact"
    debug_dir: str | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """One pair that is done.

    Attributes:
        name: of its folder.
        size_bytes: of its guide.
        summary: what was matched; None: it was there already.
    """

    name: str
    size_bytes: int
    summary: str | None


def make_guides(
    folder: str | Path,
    output: str | Path | None = None,
    recipe: Recipe | None = None,
    workers: int | None = None,
) -> Iterator[Made]:
    """Make the guide of every pair in a folder.

    Args:
        folder: DIR/NAME/frame1 and frame3, .png or .jpg.
        output: OUT/NAME/ gets the guide; None: beside the frames.
        recipe: how.
        workers: processes; 0: none but this one; None: one for each core.

    Yields:
        what is done, in order, at once for what was there already.

    Raises:
        InputError: there are no pairs, a frame is missing or broken, or a guide is there that was made
            in another way.
        ModelError: the VGG-19 file is absent or does not fit.
        OutputError: something cannot be written.
    """
    recipe = recipe or Recipe()
    pairs = find_pairs(Path(folder))
    place = Path(folder if output is None else output)
    facts = _facts(recipe, SegmentGuidedMatching(recipe.preset, recipe.contours, recipe.vgg))
    todo = []
    for name, frames in pairs.items():
        size = _already(place / name, recipe.layout, facts)
        if size is None:
            todo.append((name, frames, place / name, facts))
        else:
            yield Made(name, size, None)
    if workers == 0:
        _begin(recipe, quiet=False)
        yield from map(_make, todo)
        return
    count = min(workers or os.cpu_count() or 1, max(1, len(todo)))
    pool = ProcessPoolExecutor(count, get_context("spawn"), initializer=_begin, initargs=(recipe,))
    try:
        yield from pool.map(_make, todo)
    finally:
        pool.shutdown(cancel_futures=True)


def find_pairs(folder: Path) -> dict[str, tuple[Path, Path]]:
    """The outer frames of every triplet, by name.

    Raises:
        InputError: there are none, or a folder lacks a frame.
    """
    if not folder.is_dir():
        raise InputError(f"there is no folder {folder}.")
    places = [p for p in folder.iterdir() if p.is_dir() and not p.name.startswith(".")]
    if not places:
        raise InputError(f"{folder} holds no folders; wanted NAME/frame1 and NAME/frame3 in it.")
    places.sort(key=lambda place: natural(place.name))
    return {place.name: (_frame(place, "frame1"), _frame(place, "frame3")) for place in places}


def _frame(place: Path, stem: str) -> Path:
    for suffix in SUFFIXES:
        for name in (stem + suffix, stem + suffix.upper()):
            if (place / name).is_file():
                return place / name
    raise InputError(f"{place} lacks {stem}; wanted {stem}{SUFFIXES[0]} or {stem}{SUFFIXES[1]}.")


def _facts(recipe: Recipe, sgm: SegmentGuidedMatching) -> dict[str, str]:
    size = "own" if recipe.size is None else f"{recipe.size[1]}x{recipe.size[0]}"
    return {
        "preset": recipe.preset,
        "contours": recipe.contours,
        "descriptor": sgm.descriptor.name,
        "frames": size,
    }


def _already(place: Path, layout: Layout, facts: dict[str, str]) -> int | None:
    """Bytes of a guide that is there and was made the same way; None where there is none."""
    if layout == "published":
        if not all((place / name).is_file() for name in files.PUBLISHED):
            return None
        files.read_published(place, (slice(0, 1), slice(0, 1)))  # whole, by its header
        return sum((place / name).stat().st_size for name in files.PUBLISHED)
    path = place / files.FILE
    if not path.is_file():
        return None
    found = files.read_facts(path)
    for key, wanted in facts.items():
        if found.get(key) != wanted:
            had = found.get(key)
            raise InputError(
                f"{path} was made with {key} {had!r}; wanted {wanted!r}. Name another folder (-o)."
            )
    return path.stat().st_size


_worker: tuple[SegmentGuidedMatching, Recipe]
"""What each process keeps between pairs."""


def _begin(recipe: Recipe, quiet: bool = True) -> None:
    global _worker  # noqa: PLW0603 - a process of a pool has no other place for it
    if quiet:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent says when to stop
        settle()
    _worker = (SegmentGuidedMatching(recipe.preset, recipe.contours, recipe.vgg), recipe)


def _make(task: tuple[str, tuple[Path, Path], Path, dict[str, str]]) -> Made:
    name, paths, place, facts = task
    sgm, recipe = _worker
    frames = [_read(path, recipe.size) for path in paths]
    if frames[0].shape != frames[1].shape:
        raise InputError(f"{paths[1]} differs in size from {paths[0].name}; wanted frames of one size.")
    guide = sgm.guide(*frames)
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{place} cannot be made: {error.strerror or error}.") from error
    flows = (guide.flow01, guide.flow10)
    if recipe.layout == "published":
        size = files.write_published(place, flows)
    else:
        size = files.write_guide(place / files.FILE, flows, _pieces(guide), facts)
    if recipe.debug_dir is not None:
        write_pictures(draw(guide), Path(recipe.debug_dir), name)
    return Made(name, size, guide.summary())


def _read(path: Path, size: tuple[int, int] | None) -> Array:
    frame = read_image(path)
    if size is not None and frame.shape[:2] != size:
        frame = np.asarray(cv2.resize(frame, size[::-1]))
    return frame


def _pieces(guide: Matched) -> tuple[files.Labels, files.Labels]:
    """The piece of every pixel that got flow, from 1; 0 elsewhere."""
    labels = [
        np.where(passed, np.arange(1, len(passed) + 1, dtype=np.int32), np.int32(0))[frame.pieces.labels]
        for passed, frame in ((guide.passed01, guide.frame0), (guide.passed10, guide.frame1))
    ]
    return labels[0], labels[1]
