"""A small set of generated scenes in the layout of ATD-12K, to try all that reads it without having it.

Frames, boxes of motion and coarse flow are true to the scenes. Levels are thirds by how far things move;
the tags go round, for nothing here knows what a figure does. Its numbers say nothing about ATD-12K.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from nakawari.checkpoints import write_atomic
from nakawari.data.atd12k import ANNOTATIONS, FRAMES, GUIDES, SIZE, Part
from nakawari.data.cartoon.stream import draw
from nakawari.data.guides import write_published
from nakawari.data.sample import Sample
from nakawari.errors import OutputError
from nakawari.tensors import Array

ORIGINAL = (1080, 1920)
"""Height and width of the pictures that the boxes are drawn on."""
MOTIONS = ("translation", "rotation", "scaling", "deformation")
BEHAVIOURS = ("speaking", "walking", "eating", "sporting", "fetching", "others")
LEAST_PX = 32
"""A box with a shorter side becomes the whole picture: likeness needs some pixels."""
_MOVES_PX = 1.0


def write_set(
    folder: str | Path,
    part: Part = "test",
    count: int = 6,
    seed: int = 0,
    size: tuple[int, int] | None = None,
) -> Iterator[str]:
    """Write triplets, and for the test part annotations and coarse flow.

    Args:
        folder: gets the folders that `atd12k.py` names.
        part: "test": 960×540, .png. "train": 1280×720, .jpg, without coarse flow, as published.
        count: of triplets.
        seed: another seed gives other scenes.
        size: (H, W) of the frames instead.

    Yields:
        the name of each triplet when it is written.

    Raises:
        OutputError: something cannot be written.
    """
    root = Path(folder)
    size = size or (SIZE if part == "test" else (720, 1280))
    moved, notes = [], []
    scenes = (draw(seed, index, size, t=0.5) for index in itertools.count())
    moving = (scene for scene in scenes if _distance(scene) > _MOVES_PX)
    for number, sample in enumerate(itertools.islice(moving, count)):
        name = _name(number, seed)
        place = root / FRAMES[part][0] / name
        for order, frame in enumerate((sample.frame0, sample.framet, sample.frame1), start=1):
            picture = frame.permute(1, 2, 0).numpy()
            _write_picture(place / f"frame{order}{'.png' if part == 'test' else '.jpg'}", picture)
        if part == "test":
            where = _make(root / GUIDES[part] / name)
            write_published(where, (_coarse(sample, "01"), _coarse(sample, "10")))
            moved.append(_distance(sample))
            notes.append(_note(number, sample))
        yield name
    levels = np.argsort(np.argsort(moved, kind="stable")) * 3 // max(1, count)
    for number, (note, level) in enumerate(zip(notes, levels.tolist(), strict=True)):
        name = _name(number, seed)
        content = json.dumps({"level": level} | note) + "\n"
        write_atomic(_make(root / ANNOTATIONS / name) / f"{name}.json", content.encode())


def _name(number: int, seed: int) -> str:
    studio = ("Japan", "Disney")[number % 2]
    return f"{studio}_v{seed}_{number // 2}_{1000 + 137 * number:06d}_s{1 + number % 3}"


def _distance(sample: Sample) -> float:
    assert sample.flow01 is not None
    return float(sample.flow01.float().norm(dim=0).mean())


def _coarse(sample: Sample, way: str) -> npt.NDArray[np.float32]:
    """Exact flow where the place can be seen in both frames; zero elsewhere, as matching leaves it."""
    flow, visible = getattr(sample, f"flow{way}"), getattr(sample, f"visible{way}")
    found: npt.NDArray[np.float32] = (flow.float() * visible).numpy()
    return found


def _note(number: int, sample: Sample) -> dict[str, Any]:
    """An annotation, all but the level."""
    assert sample.flowt0 is not None
    moving = (sample.flowt0.float().norm(dim=0) > _MOVES_PX).numpy()
    rows, columns = np.flatnonzero(moving.any(1)), np.flatnonzero(moving.any(0))
    scale = ORIGINAL[0] // SIZE[0]
    if rows.size == 0 or min(np.ptp(rows), np.ptp(columns)) < LEAST_PX:
        rows, columns = np.arange(moving.shape[0]), np.arange(moving.shape[1])
    box = {
        "x": int(columns[0]) * scale,
        "y": int(rows[0]) * scale,
        "width": int(columns[-1] + 1 - columns[0]) * scale,
        "height": int(rows[-1] + 1 - rows[0]) * scale,
    }
    return {
        "image_size": [moving.shape[1] * scale, moving.shape[0] * scale],
        "motion_RoI": box,
        "general_motion_type": MOTIONS[number % len(MOTIONS)],
        "behavior": BEHAVIOURS[number % len(BEHAVIOURS)],
    }


def _write_picture(path: Path, picture: Array) -> None:
    _make(path.parent)
    _, packed = cv2.imencode(path.suffix, np.ascontiguousarray(picture[..., ::-1]))
    write_atomic(path, packed.tobytes())


def _make(place: Path) -> Path:
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{place} cannot be made: {error.strerror or error}.") from error
    return place
