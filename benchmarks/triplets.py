"""Groups of triplets (key, truth, key) to measure in-betweens on; uint8 RGB of one size a group.

Hand-drawn clips: three consecutive distinct drawings, cuts left out. Held-out vector animations: renders
at even steps, composited over a colour. Both come from the folder that NAKAWARI_DATA names. Procedural scenes
are drawn from a seed that no training run uses.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path

import numpy as np

from nakawari.data.cartoon import draw
from nakawari.data.heldout import HELD_OUT_REPOSITORIES, HELD_OUT_SEED
from nakawari.data.sample import Sample

Triplet = tuple[np.ndarray, np.ndarray, np.ndarray]

COLOURED = ("00121", "00141", "00161", "0101", "02", "021", "061", "071")
"""The painted clips, by eye; the others are lines or sketches."""
SAME = 0.3
"""Frames whose mean difference (0-255) is smaller show one drawing."""
CUT = 60.0
"""Frames whose mean difference is larger are of two shots."""
LOTTIE_SIDE = 512
LOTTIE_STEP_S = 1 / 12
"""From key to truth: animation on twos."""


def data_folder() -> Path:
    """The development data, or an exit with a reason."""
    folder = os.environ.get("NAKAWARI_DATA")
    if not folder:
        sys.exit("NAKAWARI_DATA is not set; wanted the folder of the development data.")
    return Path(folder)


def spread(items: list, most: int | None) -> list:
    """At most `most` items, evenly over the list."""
    if most is None or len(items) <= most:
        return items
    return [items[i * len(items) // most] for i in range(most)]


def read_gif(path: Path) -> list[np.ndarray]:
    """All frames, RGB."""
    from PIL import Image, ImageSequence

    with Image.open(path) as image:
        return [np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(image)]


def drawings(frames: list[np.ndarray]) -> list[np.ndarray]:
    """Frames without repeats."""
    kept = frames[:1]
    for frame in frames[1:]:
        if difference(kept[-1], frame) >= SAME:
            kept.append(frame)
    return kept


def difference(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one.astype(np.int16) - other).mean())


def line_clips(most: int | None = None) -> Iterator[tuple[str, list[Triplet]]]:
    """One group for each hand-drawn clip of lines or sketches."""
    yield from anita(most, coloured=False)


def anita(most: int | None = None, coloured: bool = True) -> Iterator[tuple[str, list[Triplet]]]:
    """One group for each coloured hand-drawn clip; else for each of the others."""
    for path in sorted((data_folder() / "anita").glob("*.gif")):
        if (path.stem.split("_")[0] in COLOURED) != coloured:
            continue
        kept = drawings(read_gif(path))
        three = [
            trio
            for trio in zip(kept, kept[1:], kept[2:], strict=False)
            if max(difference(trio[0], trio[1]), difference(trio[1], trio[2])) < CUT
        ]
        yield f"anita/{path.stem}", spread(three, most)


SCENES, SCENE_SIZE = 120, (384, 512)


PAN = 8.0
"""Pixels by which at least half of a picture moves, where the camera does."""


def scenes(most: int | None = None) -> tuple[str, list[Triplet]]:
    """One group of procedural scenes, the truth half-way."""
    drawn = (draw(HELD_OUT_SEED, number, SCENE_SIZE, t=0.5) for number in range(most or SCENES))
    return "scenes", [_frames(sample) for sample in drawn]


def pans(most: int | None = None) -> tuple[str, list[Triplet]]:
    """One group of other such scenes, in which the camera moves: the first of which that is true."""
    drawn = (draw(HELD_OUT_SEED, number, SCENE_SIZE, t=0.5) for number in count(SCENES))
    panned = (s for s in drawn if float(s.flow01.square().sum(0).sqrt().median()) >= PAN)
    return "pans", [_frames(sample) for sample in islice(panned, most or SCENES)]


def _frames(sample: Sample) -> Triplet:
    first, middle, second = (
        x.permute(1, 2, 0).contiguous().numpy() for x in (sample.frame0, sample.framet, sample.frame1)
    )
    return first, middle, second


RENDER = """
import sys, json, numpy as np
from rlottie_python import LottieAnimation
source, target = sys.argv[1:3]
side, step_s, most = int(sys.argv[3]), float(sys.argv[4]), int(sys.argv[5])
animation = LottieAnimation.from_data(open(source).read())
width, height = animation.lottie_animation_get_size()
scale = side / max(width, height)
width, height = max(16, round(width * scale)), max(16, round(height * scale))
total, rate = animation.lottie_animation_get_totalframe(), animation.lottie_animation_get_framerate()
step = max(1, round(step_s * rate))
background = np.array([206, 217, 228], np.float32)
def frame(number):
    raw = animation.lottie_animation_render(number, width=width, height=height)
    bgra = np.frombuffer(raw, np.uint8).reshape(height, width, 4).astype(np.float32)
    return (bgra[..., 2::-1] + background * (1 - bgra[..., 3:] / 255)).round().clip(0, 255).astype(np.uint8)
frames = [frame(n) for n in range(0, total, step)]
moves = [float(np.abs(a.astype(np.int16) - b).mean()) for a, b in zip(frames, frames[1:])]
good = [i for i in range(len(moves) - 1) if 0.2 < moves[i] < 60 and 0.2 < moves[i + 1] < 60]
good = [good[i * len(good) // most] for i in range(most)] if len(good) > most else good
three = [np.stack(frames[i:i + 3]) for i in good]
np.save(target, np.stack(three) if three else np.zeros((0, 3, 1, 1, 3), np.uint8))
"""


def lottie(folder: Path, animations: int | None = None, most: int = 2) -> Iterator[tuple[str, list[Triplet]]]:
    """One group for each held-out repository; renders are kept in `folder`.

    Each animation is rendered in its own process, because a broken one can take the renderer down.
    """
    data = data_folder()
    rows = json.loads((data / "lottie_index.json").read_text())
    with zipfile.ZipFile(data / "lottie.zip") as archive:
        for repository in HELD_OUT_REPOSITORIES:
            three: list[Triplet] = []
            for row in spread([r for r in rows if r["repo"] == repository], animations):
                three += _rendered(archive, row["file"], folder, most)
            yield f"lottie/{repository.split('/')[1]}", three


def _rendered(archive: zipfile.ZipFile, name: str, folder: Path, most: int) -> list[Triplet]:
    target = folder / f"{name.replace('/', '_')}-{most}.npy"
    if not target.exists():
        folder.mkdir(parents=True, exist_ok=True)
        source = target.with_suffix(".json")
        source.write_bytes(archive.read(name))
        command = [
            sys.executable,
            "-c",
            RENDER,
            source,
            target,
            str(LOTTIE_SIDE),
            str(LOTTIE_STEP_S),
            str(most),
        ]
        done = subprocess.run(command, capture_output=True, timeout=120, check=False)
        source.unlink()
        if done.returncode:
            np.save(target, np.zeros((0, 3, 1, 1, 3), np.uint8))
    return [tuple(trio) for trio in np.load(target)]
