"""Scenes that are like photographs where cartoons are not: texture everywhere, no lines, soft edges, noise,
light that falls off, and a shutter that stays open for a while.

They are no photographs. They stand for them in small experiments: what a network learned on such scenes, and
what it forgets when it goes on with drawings. Sample i is a pure function of (seed, i).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch

from nakawari.data.sample import Sample

Floats = npt.NDArray[np.float32]
Size = tuple[int, int]

FARTHEST = 0.10
"""Share of the width that a layer moves at most, between frame0 and frame1."""
SHUTTER = 0.12
"""Share of the time between the keys during which a frame is exposed."""
EXPOSURES = 3


@dataclass(slots=True)
class _Layer:
    """A texture with a soft outline, and where it goes: shift in pixels, turn in radians, growth."""

    colour: Floats
    alpha: Floats
    shift: npt.NDArray[np.float64]
    turn: float
    growth: float

    def at(self, time: float, size: Size) -> tuple[Floats, Floats]:
        """Colour [H, W, 3] and alpha [H, W, 1] at a time."""
        h, w = self.colour.shape[:2]
        scale, angle = 1 + self.growth * time, self.turn * time
        turned: Any = cv2.getRotationMatrix2D((w / 2, h / 2), float(np.degrees(angle)), scale)
        matrix = np.asarray(turned, np.float64)
        matrix[:, 2] = matrix[:, 2] + self.shift * time + np.array([size[1] - w, size[0] - h]) / 2
        flags = cv2.INTER_LINEAR
        colour = cv2.warpAffine(self.colour, matrix, size[::-1], flags=flags, borderMode=cv2.BORDER_REFLECT)
        alpha = cv2.warpAffine(self.alpha, matrix, size[::-1], flags=flags)
        return np.asarray(colour, np.float32), np.asarray(alpha, np.float32)[..., None]


class PhotoStream:
    """Photo-like scenes by their number.

    Args:
        seed: of the stream.
        size: (height, width) of the frames.
        t: of the middle frame; None: drawn from the seed.
    """

    def __init__(self, seed: int, size: Size = (256, 256), t: float | None = None) -> None:
        self.seed, self.size, self.t = seed, size, t

    def __getitem__(self, index: int) -> Sample:
        """Scene `index`: frames and t, nothing else is known."""
        rng = np.random.default_rng((self.seed, index, 7))
        layers = [_backdrop(rng, self.size)]
        layers += [_thing(rng, self.size) for _ in range(int(rng.integers(1, 5)))]
        t = float(np.float32(rng.uniform(0.05, 0.95))) if self.t is None else self.t
        grain = float(rng.uniform(0.002, 0.012))
        light = _light(rng, self.size)
        frames = [self._expose(layers, time, light, grain, rng) for time in (0.0, t, 1.0)]
        return Sample(frames[0], frames[1], frames[2], torch.tensor(t, dtype=torch.float32))

    def _expose(
        self, layers: list[_Layer], time: float, light: Floats, grain: float, rng: np.random.Generator
    ) -> torch.Tensor:
        total = np.zeros((*self.size, 3), np.float32)
        for step in np.linspace(-SHUTTER / 2, SHUTTER / 2, EXPOSURES):
            picture = np.zeros_like(total)
            for layer in layers:
                colour, alpha = layer.at(time + step, self.size)
                picture += alpha * (colour - picture)
            total += picture / EXPOSURES
        noisy = total * light + rng.normal(0, grain, total.shape)
        values = np.rint(np.clip(noisy, 0, 1) * 255).astype(np.uint8)
        return torch.from_numpy(np.ascontiguousarray(values.transpose(2, 0, 1)))


def _texture(rng: np.random.Generator, size: Size) -> Floats:
    """Colours whose power falls with frequency, as in photographs, around one colour."""
    made = np.empty((*size, 3), np.float32)
    across, down = np.fft.rfftfreq(size[1]), np.fft.fftfreq(size[0])[:, None]
    falloff = 1 / np.maximum(np.hypot(across, down), 1 / max(size)) ** rng.uniform(1.2, 1.8)
    grey = np.fft.irfft2(np.fft.rfft2(rng.normal(size=size)) * falloff, size)
    base, contrast = rng.uniform(0.2, 0.8, 3), rng.uniform(0.08, 0.22)
    for channel in range(3):
        own = np.fft.irfft2(np.fft.rfft2(rng.normal(size=size)) * falloff, size)
        mixed = 0.8 * grey / grey.std() + 0.4 * own / own.std()
        made[..., channel] = base[channel] + contrast * mixed
    return np.clip(made, 0, 1)


def _motion(
    rng: np.random.Generator, size: Size, most: float
) -> tuple[npt.NDArray[np.float64], float, float]:
    angle, way = rng.uniform(0, 2 * np.pi), rng.beta(1, 2) * most * size[1]
    return way * np.array([np.cos(angle), np.sin(angle)]), rng.normal(0, 0.03), rng.normal(0, 0.03)


def _backdrop(rng: np.random.Generator, size: Size) -> _Layer:
    whole = (int(size[0] * 1.6), int(size[1] * 1.6))
    return _Layer(_texture(rng, whole), np.ones(whole, np.float32), *_motion(rng, size, FARTHEST / 3))


def _thing(rng: np.random.Generator, size: Size) -> _Layer:
    """A textured blob somewhere in the picture, its outline a wobbly circle, out of focus a little."""
    canvas = (size[0] * 2, size[1] * 2)
    radius = rng.uniform(0.08, 0.3) * min(size)
    angles = np.linspace(0, 2 * np.pi, 90)
    wobble = np.ones_like(angles)
    for k in range(1, 6):
        wobble += rng.normal(0, 0.25 / k) * np.cos(k * angles + rng.uniform(0, 6.3))
    middle = np.array(canvas[::-1]) / 2 + rng.uniform(-0.4, 0.4, 2) * size[::-1]
    outline = middle + radius * wobble[:, None] * np.stack([np.cos(angles), np.sin(angles)], 1)
    mask = np.zeros(canvas, np.uint8)
    cv2.fillPoly(mask, [np.rint(outline).astype(np.int32)], 255)
    soft = cv2.GaussianBlur(mask.astype(np.float32) / 255, (0, 0), float(rng.uniform(0.7, 2.0)))
    return _Layer(_texture(rng, canvas), np.asarray(soft, np.float32), *_motion(rng, size, FARTHEST))


def _light(rng: np.random.Generator, size: Size) -> Floats:
    """A slow change of brightness over the picture: [H, W, 1]."""
    small = rng.uniform(0.7, 1.15, (3, 3)).astype(np.float32)
    return np.asarray(cv2.resize(small, size[::-1], interpolation=cv2.INTER_CUBIC), np.float32)[..., None]
