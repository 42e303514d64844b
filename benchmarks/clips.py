"""Draw cartoon clips whose drawings, cuts and cadence are known, and send them through a real encoder.

A clip is a row of shots. In each, figures with outlines and flat colours stand on a painted background,
move on ones, twos or threes, hold, talk, or ride on a moving camera. Two frames show one drawing exactly
when the clean pictures are equal, before grain, flicker and the encoder touch them.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
SHIFT = 4  # fractional bits of cv2's drawing coordinates


@dataclass(frozen=True)
class Truth:
    """What a clip is. `same[n]`: frame n repeats the drawing of n - 1; `cuts`: first frames of shots."""

    same: tuple[bool, ...]
    cuts: tuple[int, ...]
    unsure: frozenset[int] = frozenset()
    """Frames that differ from the one before by less than anybody can see: not counted."""
    loose_cuts: frozenset[int] = frozenset()
    """Frames where a cut may be found or not: inside a dissolve, or in black between two fades."""
    flashes: frozenset[int] = frozenset()
    """Frames of a flash, behind which the scene goes on: motion passes them by."""


@dataclass(frozen=True)
class Clip:
    name: str
    frames: list[Array] = field(repr=False)
    truth: Truth = field(repr=False)
    rate: Fraction = Fraction(24)


@dataclass
class Palette:
    ground: list[tuple[int, int, int]]
    figure: list[tuple[int, int, int]]
    ink: tuple[int, int, int]


def palette(rng: np.random.Generator) -> Palette:
    base = rng.integers(40, 235, 3)
    night = rng.random() < 0.2
    ground = [tuple(int(v) for v in np.clip(base + rng.integers(-40, 40, 3), 5, 250)) for _ in range(5)]
    figure = [tuple(int(v) for v in rng.integers(20, 255, 3)) for _ in range(6)]
    if night:
        ground = [tuple(int(v * 0.3) for v in c) for c in ground]
        figure = [tuple(int(v * 0.35) for v in c) for c in figure]
    return Palette(ground, figure, (10, 8, 12) if night else (30, 20, 25))


def background(rng: np.random.Generator, size: tuple[int, int], colours: Palette) -> Array:
    """A painted background: a gradient, brushed texture, shapes and lines."""
    height, width = size
    a, b = np.array(colours.ground[0], float), np.array(colours.ground[1], float)
    ramp = np.linspace(0, 1, height)[:, None, None]
    picture = (a * (1 - ramp) + b * ramp) * np.ones((1, width, 1))
    if rng.random() < 0.7:
        amount = rng.uniform(3, 14)
        for grain in (4, 12, 40):
            noise = rng.normal(0, 1, (height // grain + 2, width // grain + 2))
            picture += (
                amount * cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)[..., None] / 2
            )
    picture = np.ascontiguousarray(np.clip(picture, 0, 255).astype(np.uint8))
    for _ in range(int(rng.integers(4, 22) * max(1, width / 900))):
        colour = colours.ground[rng.integers(5)]
        centre = (int(rng.integers(width)), int(rng.integers(height)))
        extent = (int(rng.integers(10, height // 3)), int(rng.integers(10, height // 3)))
        kind = rng.integers(3)
        if kind == 0:
            cv2.ellipse(picture, centre, extent, float(rng.uniform(0, 180)), 0, 360, colour, -1, cv2.LINE_AA)
            cv2.ellipse(picture, centre, extent, 0, 0, 360, colours.ink, 1, cv2.LINE_AA)
        elif kind == 1:
            corner = (centre[0] + extent[0], centre[1] + extent[1])
            cv2.rectangle(picture, centre, corner, colour, -1)
            if rng.random() < 0.6:
                cv2.rectangle(picture, centre, corner, colours.ink, int(rng.integers(1, 3)), cv2.LINE_AA)
        else:
            points = rng.integers(0, (width, height), (int(rng.integers(3, 8)), 2)).astype(np.int32)
            cv2.polylines(picture, [points], False, colour, int(rng.integers(1, 5)), cv2.LINE_AA)
    return picture


def recoloured(picture: Array, degrees: float) -> Array:
    """H×W×3 uint8 RGB in other colours of the same luma, as far as RGB has them."""
    ycc = cv2.cvtColor(picture, cv2.COLOR_RGB2YCrCb).astype(np.float32)
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]], np.float32)
    ycc[..., 1:] = (ycc[..., 1:] - 128) @ turn.T + 128
    return cv2.cvtColor(np.clip(ycc + 0.5, 0, 255).astype(np.uint8), cv2.COLOR_YCrCb2RGB)


def _at(x: float, y: float) -> tuple[int, int]:
    return round(x * (1 << SHIFT)), round(y * (1 << SHIFT))


class Figure:
    """An outlined figure: body, head, eyes, mouth, two arms, drawn at any pose."""

    def __init__(
        self, rng: np.random.Generator, size: tuple[int, int], colours: Palette, scale: float
    ) -> None:
        height, width = size
        self.scale = scale * height / 360
        self.home = rng.uniform((0.2 * width, 0.4 * height), (0.8 * width, 0.75 * height))
        self.colours = [colours.figure[i] for i in rng.permutation(6)]
        self.ink = colours.ink
        self.width = max(1, round(rng.uniform(1, 2.6) * height / 360))
        self.phase = rng.uniform(0, 6.28, 6)
        self.sway = rng.uniform(0.2, 1.0) * 60 * self.scale
        self.speed = rng.uniform(0.05, 0.35)

    def draw(self, picture: Array, pose: float, mouth: int, blink: int, reach: float = 1.0) -> None:
        s, w, ink = self.scale, self.width, self.ink
        swing = np.sin(self.phase + pose * self.speed * np.array([1, 0.7, 1.9, 1.3, 0.5, 1.1]))
        x = self.home[0] + reach * self.sway * swing[0]
        y = self.home[1] + reach * self.sway * 0.4 * swing[1]
        tilt = float(10 * reach * swing[2])
        for side in (-1, 1):
            angle = side * (0.9 + 0.6 * reach * swing[3] * side)
            joint = (x + side * 22 * s, y - 8 * s)
            hand = (joint[0] + 48 * s * np.sin(angle), joint[1] + 48 * s * np.cos(angle))
            cv2.line(picture, _at(*joint), _at(*hand), ink, max(1, int(11 * s) + 2 * w), cv2.LINE_AA, SHIFT)
            cv2.line(
                picture, _at(*joint), _at(*hand), self.colours[1], max(1, int(11 * s)), cv2.LINE_AA, SHIFT
            )
            self._oval(picture, hand, (8 * s, 8 * s), 0, self.colours[2])
        self._oval(picture, (x, y), (26 * s, 38 * s), tilt, self.colours[0])
        head = (x + 4 * s * reach * swing[4], y - 56 * s)
        self._oval(picture, head, (25 * s, 28 * s), tilt, self.colours[2])
        self._oval(picture, (head[0], head[1] - 16 * s), (26 * s, 14 * s), tilt, self.colours[3])
        for side in (-1, 1):
            eye = (head[0] + side * 9 * s, head[1] - 2 * s)
            self._oval(picture, eye, (4 * s, max(0.6, (6 - 2.6 * blink) * s)), 0, (235, 235, 235))
            self._oval(picture, eye, (2 * s, max(0.5, (4 - 1.9 * blink) * s)), 0, ink)
        lips = (head[0], head[1] + 13 * s)
        self._oval(picture, lips, ((7 - mouth) * s, max(0.5, (0.5 + 1.5 * mouth) * s)), 0, (60, 20, 30))

    def _oval(
        self,
        picture: Array,
        centre: Any,
        axes: tuple[float, float],
        tilt: float,
        colour: tuple[int, int, int],
    ) -> None:
        args = (_at(*centre), _at(*axes), tilt, 0, 360)
        cv2.ellipse(picture, *args, colour, -1, cv2.LINE_AA, SHIFT)
        cv2.ellipse(picture, *args, self.ink, self.width, cv2.LINE_AA, SHIFT)


KINDS = (
    "twos", "ones", "threes", "mixed", "mouth", "small-mouth", "hold", "slow-pan", "pan", "fast-pan",
    "pan-twos", "zoom", "fade-in", "fade-out", "slow-move", "still-then-move", "action",
    "recolour",
)  # fmt: skip


STILL = (
    "mouth", "small-mouth", "hold", "pan", "slow-pan", "fast-pan", "zoom", "fade-in", "fade-out", "recolour",
)  # fmt: skip
"""Kinds in which no figure moves its limbs."""


def poses(rng: np.random.Generator, kind: str, length: int) -> list[int]:
    """The number of the pose at each frame: the cadence."""
    out: list[int] = []
    pose = int(rng.integers(1000))
    steps = {"twos": [2], "ones": [1], "threes": [3], "action": [1, 2], "pan-twos": [2], "slow-move": [2, 3]}
    cadence = int(rng.choice(steps.get(kind, [1, 2, 3])))
    while len(out) < length:
        if kind in ("mixed", "still-then-move") and rng.random() < 0.12:
            cadence = int(rng.integers(1, 4))
        run = cadence
        if kind in ("mixed", "twos", "threes", "ones") and rng.random() < 0.06:
            run = int(rng.integers(7, 30))
        if kind == "still-then-move" and not out:
            run = length // 2
        out += [pose] * run
        pose += cadence
    return out[:length]


def flaps(rng: np.random.Generator, length: int, busy: float = 0.6) -> list[int]:
    """Mouth (or eyelid) number at each frame, changing on irregular twos and threes."""
    out: list[int] = []
    shape = 0
    while len(out) < length:
        shape = int(rng.choice([m for m in range(4) if m != shape])) if rng.random() < busy else shape
        out += [shape] * int(rng.integers(2, 5))
    return out[:length]


def shot(
    rng: np.random.Generator,
    kind: str,
    length: int,
    size: tuple[int, int],
    colours: Palette,
    ground: Array | None,
) -> tuple[list[Array], Array]:
    """Clean frames of one shot, and its background (wide enough for its camera)."""
    height, width = size
    moving = "pan" in kind or kind == "zoom"
    margin = int(rng.integers(width, 2 * width)) if moving else 0
    if ground is None or ground.shape[1] < width + margin:
        ground = background(rng, (height, width + margin + 8), colours)
    close = kind == "mouth"
    count = int(rng.integers(1, 4)) if not close else 1
    scales = {"mouth": (1.2, 2.2), "small-mouth": (0.35, 0.6)}
    figures = [
        Figure(rng, size, colours, float(rng.uniform(*scales.get(kind, (0.5, 1.4))))) for _ in range(count)
    ]
    still = kind in STILL
    posed = [int(rng.integers(1000))] * length if still else poses(rng, kind, length)
    silent = [0] * length
    mouths = flaps(rng, length) if "mouth" in kind else silent
    lids = flaps(rng, length, 0.1) if "mouth" in kind else silent
    tints = flaps(rng, length) if kind == "recolour" else silent
    worn = figures[0].colours[0]
    turn = float(rng.uniform(25, 90))
    velocity = {
        "slow-pan": rng.uniform(0.15, 1.0),
        "pan": rng.uniform(1.5, 9),
        "fast-pan": rng.uniform(18, 60),
    }
    step = velocity.get(kind, rng.uniform(0.5, 4)) * height / 360 * rng.choice([-1, 1])
    reach = {"slow-move": 0.12, "action": 1.6}.get(kind, 0.7)
    frames = []
    attached = rng.random() < 0.5
    for n in range(length):
        offset = (0 if step > 0 else margin) + step * n if moving and kind != "zoom" else 0.0
        offset = margin - abs((offset % (2 * margin)) - margin) if margin else 0.0
        scene = ground
        if attached and moving:
            scene = ground[:, int(offset) : int(offset) + width + 8].copy()
            view = scene
            origin = int(offset)
        else:
            view, origin = scene, 0
        picture = _camera(view, offset - origin, size, 1 + 0.0015 * n if kind == "zoom" else 1.0)
        if tints[n] != tints[n - 1]:
            cloth = recoloured(np.array([[worn]], np.uint8), turn * tints[n])[0, 0]
            figures[0].colours[0] = (int(cloth[0]), int(cloth[1]), int(cloth[2]))
        for number, figure in enumerate(figures):
            active = number == 0 or not close
            figure.draw(picture, posed[n], mouths[n] if number == 0 else 0, lids[n] if active else 0, reach)
        if kind in ("fade-in", "fade-out"):
            ends = min(length - 1, 24)
            level = min(1.0, n / ends) if kind == "fade-in" else min(1.0, (length - 1 - n) / ends)
            picture = cv2.convertScaleAbs(picture, alpha=level)
        frames.append(picture)
    return frames, ground


def _camera(ground: Array, offset: float, size: tuple[int, int], zoom: float) -> Array:
    height, width = size
    matrix = np.array(
        [[1 / zoom, 0, offset + width / 2 * (1 - 1 / zoom)], [0, 1 / zoom, height / 2 * (1 - 1 / zoom)]]
    )
    return cv2.warpAffine(
        ground,
        matrix,
        (width, height),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REFLECT,
    )


def _closer(rng: np.random.Generator, ground: Array, size: tuple[int, int]) -> Array:
    """The same set seen by another camera: a part of it, larger, perhaps mirrored."""
    height, width = size
    part = rng.uniform(0.4, 0.7)
    top = int(rng.integers(0, height - int(part * height)))
    left = int(rng.integers(0, ground.shape[1] - int(part * width)))
    crop = ground[top : top + int(part * height), left : left + int(part * width)]
    crop = crop[:, ::-1] if rng.random() < 0.5 else crop
    return cv2.resize(np.ascontiguousarray(crop), (width + 8, height), interpolation=cv2.INTER_LINEAR)


def flash(rng: np.random.Generator, frames: list[Array], start: int, length: int) -> range:
    """Turn 1–3 frames white, much brighter, or into their negative; says which."""
    kind = rng.integers(3)
    flashed = range(start, min(start + length, len(frames)))
    for n in flashed:
        if kind == 0:
            frames[n] = np.full_like(frames[n], 255)
        elif kind == 1:
            frames[n] = cv2.convertScaleAbs(frames[n], alpha=1.6, beta=70)
        else:
            frames[n] = 255 - frames[n]
    return flashed


def clip(
    seed: int, size: tuple[int, int] = (360, 640), shots: int = 7, kinds: tuple[str, ...] = KINDS
) -> Clip:
    """A clean clip of `shots` shots of random kinds; every third cut stays in one palette and background."""
    rng = np.random.default_rng(seed)
    frames: list[Array] = []
    cuts: list[int] = []
    loose: set[int] = set()
    flashes: set[int] = set()
    colours, ground = palette(rng), None
    order = [str(k) for k in rng.permutation(kinds)]
    for number in range(shots):
        kind = order[number % len(order)]
        if number and rng.random() > 0.35:
            colours, ground = palette(rng), None
        elif ground is not None:
            part = rng.random()
            if part < 0.4:
                ground = _closer(rng, ground, size)
            else:
                ground = recoloured(ground[:, ::-1], float(rng.uniform(60, 300))) if part > 0.8 else None
        length = int(rng.integers(20, 64))
        if rng.random() < 0.15:
            length = int(rng.integers(8, 16))
        drawn, ground = shot(rng, kind, length, size, colours, ground)
        if length > 24 and rng.random() < 0.3 and "fade" not in kind:
            flashed = flash(rng, drawn, int(rng.integers(4, length - 8)), int(rng.integers(1, 4)))
            flashes |= {len(frames) + n for n in flashed}
        if frames:
            if frames[-1].max() < 4 or drawn[0].max() < 4:
                loose |= set(range(len(frames) - 3, len(frames) + 4))
            else:
                cuts.append(len(frames))
        frames += drawn
    same, unsure = _same(frames)
    return Clip(f"clip{seed}", frames, Truth(same, tuple(cuts), unsure, frozenset(loose), frozenset(flashes)))


def _same(frames: list[Array]) -> tuple[tuple[bool, ...], frozenset[int]]:
    same, unsure = [False], set()
    for n in range(1, len(frames)):
        difference = cv2.absdiff(frames[n], frames[n - 1])
        same.append(not difference.any())
        if 0 < int(difference.max()) < 12:
            unsure.add(n)
    return tuple(same), frozenset(unsure)


def spoil(clean: Clip, seed: int, *, grain: float = 0.0, flicker: float = 0.0) -> list[Array]:
    """The clip's frames with film grain (standard deviation, levels) and flicker (relative)."""
    rng = np.random.default_rng(seed)
    out = []
    height, width = clean.frames[0].shape[:2]
    bright = np.zeros((2, 2))
    for frame in clean.frames:
        work = frame.astype(np.float32)
        if flicker:
            bright = 0.5 * bright + rng.normal(0, flicker, (2, 2)) * 0.3 + rng.normal(0, flicker)
            work *= 1 + cv2.resize(bright, (width, height), interpolation=cv2.INTER_LINEAR)[..., None].astype(
                np.float32
            )
        if grain:
            noise = rng.standard_normal((height, width), np.float32)
            noise = cv2.GaussianBlur(noise, (0, 0), 0.6)
            work += (noise * (grain / noise.std()))[..., None]
        out.append(np.clip(work + 0.5, 0, 255).astype(np.uint8))
    return out


def encoded(
    frames: list[Array], crf: int, rate: Fraction = Fraction(24), preset: str = "medium"
) -> list[Array]:
    """What x264 leaves of the frames at `crf`, as RGB."""
    return list(_decode(_encode(frames, crf, rate, preset)))


def _encode(frames: list[Array], crf: int, rate: Fraction, preset: str) -> io.BytesIO:
    import av

    file = io.BytesIO()
    with av.open(file, "w", format="matroska") as container:
        stream = container.add_stream("libx264", rate=rate, options={"crf": str(crf), "preset": preset})
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.codec_context.thread_count = 2
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode(None))
    file.seek(0)
    return file


def _decode(file: io.BytesIO) -> Iterator[Array]:
    import av

    with av.open(file) as container:
        for frame in container.decode(video=0):
            yield frame.to_ndarray(format="rgb24")
