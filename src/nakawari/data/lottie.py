"""Vector animations over our backdrops: real motion design, exact in-betweens at any of its frames.

Several animations are laid over a painted backdrop; each is moved, turned and scaled as a layer, under a
camera that moves too. rlottie draws whole frames only, so all layers of a sample advance by multiples of one
number of frames, of which t is a fraction. A file can crash the renderer: it works in a process of its own,
and a crash costs that file alone.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from nakawari.data.augment import Recipe, augment
from nakawari.data.cartoon.grade import apply_grade
from nakawari.data.cartoon.render import render
from nakawari.data.cartoon.scene import Floats, Grade
from nakawari.data.cartoon.write import write
from nakawari.data.heldout import is_held_out
from nakawari.data.lottie_renderer import Renderer
from nakawari.data.sample import Sample, collate
from nakawari.errors import InputError, MediaError

VERSION = 1
Size = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Animation:
    """A row of the index: its file in the archive, whose it is, and how long."""

    file: str
    repository: str
    tier: str
    frames: int
    fps: float


def read_index(archive: str | Path, held_out: bool) -> tuple[Animation, ...]:
    """The animations of one side of the split.

    Args:
        archive: lottie.zip; `lottie_index.json` lies beside it.
        held_out: those for measuring, rather than those for training.

    Raises:
        MediaError: archive or index is missing or broken.
    """
    index = Path(archive).parent / "lottie_index.json"
    try:
        rows = json.loads(index.read_text())
    except (OSError, ValueError) as error:
        raise MediaError(f"{index} cannot be read ({error}); it belongs beside {archive}.") from error
    return tuple(
        Animation(row["file"], row["repo"], row["tier"], int(row["frames"]), float(row["fps"]))
        for row in rows
        if is_held_out(row["repo"]) == held_out and int(row["frames"]) >= 3
    )


@cache
def _renderer(archive: str) -> Renderer:
    """One renderer for each process that asks."""
    if not zipfile.is_zipfile(archive):
        raise MediaError(f"{archive} is not a zip archive of animations.")
    return Renderer(archive)


def _affines(rng: np.random.Generator, size: Size, side: int, t: float, energy: float) -> Floats:
    """[3, 2, 3] maps from a layer to the canvas at times 0, t and 1."""
    height, width = size
    scale = rng.uniform(0.35, 1.3) * min(size) / side
    centre = rng.uniform(0.1, 0.9, 2) * (width, height)
    shift = rng.normal(0, 0.08 * width, 2) * energy
    turn, grow = rng.normal(0, (0.15, 0.06)) * energy
    rest = rng.normal(0, 0.15)
    maps = np.empty((3, 2, 3))
    for row, time in zip(maps, (-0.5, t - 0.5, 0.5), strict=True):
        angle, zoom = rest + turn * time, scale * np.exp(grow * time)
        row[:, :2] = zoom * np.array(((np.cos(angle), -np.sin(angle)), (np.sin(angle), np.cos(angle))))
        row[:, 2] = centre + shift * time - row[:, :2] @ np.full(2, side / 2)
    return maps


class LottieStream:
    """Samples of vector animation by their index: frames and t; what moves where is not known.

    Args:
        archive: lottie.zip.
        seed: of the stream.
        size: (height, width) of the canvases.
        held_out: animations for measuring, rather than for training.
        recipe: crops and other augmentation; None: canvases as they are.
        graded: with blur, grain and compression.

    Raises:
        MediaError: the archive or its index cannot be read.
        MissingExtraError: rlottie is not installed.
    """

    def __init__(
        self,
        archive: str | Path,
        seed: int,
        size: Size = (256, 256),
        *,
        held_out: bool = False,
        recipe: Recipe | None = None,
        graded: bool = True,
    ) -> None:
        self.archive, self.seed, self.size = str(archive), seed, size
        self.recipe, self.graded = recipe, graded
        self.animations = read_index(archive, held_out)
        if not self.animations:
            raise InputError(f"{archive} has no animation for this side of the split.")
        rich = np.array([{"very rich": 4.0, "rich": 2.0}.get(each.tier, 1.0) for each in self.animations])
        self._shares = rich / rich.sum()

    def __getitem__(self, index: int) -> Sample:
        """Sample `index`."""
        rng = np.random.default_rng((self.seed, index, 4))
        parts = int(rng.choice((2, 3, 4, 5, 8), p=(0.55, 0.1, 0.2, 0.1, 0.05)))
        t = int(rng.integers(1, parts)) / parts
        scene = write(self.seed, index, self.size, cast="view", graded=self.graded)
        grade, scene.grade = scene.grade, Grade()
        back = render([scene], [t])[0]
        canvas = torch.stack((back.frame0, back.framet, back.frame1)).permute(0, 2, 3, 1).float().numpy()
        energy = float(rng.choice((0.0, rng.uniform(0, 1), rng.uniform(0.5, 2)), p=(0.4, 0.4, 0.2)))
        for _ in range(int(rng.integers(1, 5))):
            self._lay(rng, canvas, t, parts, energy)
        stacked = torch.from_numpy(canvas).permute(0, 3, 1, 2).mul(1 / 255)[None]
        frames = apply_grade([grade], [t], stacked, alpha=False)[0]
        sample = Sample(frames[0], frames[1], frames[2], torch.tensor(t, dtype=torch.float32))
        if self.recipe is not None:
            sample = augment(sample, self.recipe, np.random.default_rng((self.seed, index, 2)))
        return sample

    def batch(self, indices: Sequence[int]) -> dict[str, Tensor]:
        """The samples `indices`, stacked, by name."""
        return collate(self[index] for index in indices).tensors()

    def _lay(self, rng: np.random.Generator, canvas: Floats, t: float, parts: int, energy: float) -> None:
        """Lay one animation over the three frames [3, H, W, 3] in 0..255."""
        animation = self.animations[int(rng.choice(len(self.animations), p=self._shares))]
        seconds = float(rng.choice((1 / 24, 1 / 12, 1 / 8, 1 / 4)))
        gap = parts * max(1, round(animation.fps * seconds / parts))
        start = int(rng.integers(0, max(1, animation.frames - gap)))
        numbers = [min(start + round(gap * time), animation.frames - 1) for time in (0, t, 1)]
        if numbers[2] - numbers[0] != gap:  # too short for this gap: it stands still
            numbers = [start] * 3
        side = int(1.1 * max(self.size))
        affines = _affines(rng, self.size, side, t, energy)
        drawn = _renderer(self.archive).frames(animation.file, numbers, side)
        if drawn is None:
            return
        height, width = self.size
        for item, (layer, affine) in enumerate(zip(drawn, affines, strict=True)):
            moved = cv2.warpAffine(layer, affine, (width, height), flags=cv2.INTER_LINEAR).astype(np.float32)
            canvas[item] *= 1 - moved[..., 3:] / 255
            canvas[item] += moved[..., :3]
