"""Painting cels on the CPU: outline, two-tone shade, patterns and strokes, in premultiplied RGBA.

OpenCV draws polygons with antialiasing in fixed point, so that a seed gives the same bytes everywhere.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache

import cv2
import numpy as np

from nakawari.data.cartoon.outlines import Random, normals
from nakawari.data.cartoon.scene import Bytes, Floats

Colour = tuple[float, float, float]
_SHIFT = 4
_MARGIN = 4


@dataclass(slots=True)
class Style:
    """How a scene is drawn.

    Attributes:
        line: width of lines in cel pixels; 0: none.
        vary: how much the width of a line changes along it, 0..1.
        ink: RGB of lines; None: a dark tone of what they enclose.
        shade: factor of shaded colour; 1: flat.
        shade_tint: RGB factors of shaded colour.
        light: unit vector towards the light.
        soft: blur of the edge of the shade, in cel pixels.
        paper: RGB that fills everything when colours are left out; None: coloured.
        detail: chance of folds, patterns and highlights.
        aliased: lines without antialiasing, as old paint programs leave them.
        rough: jitter of lines in cel pixels.
        pencil: how much the grain of the paper breaks up lines, 0..1.
        second_ink: RGB that some cels and folds have instead of `ink`; None: one ink for all.
    """

    line: float = 2.0
    vary: float = 0.4
    ink: Colour | None = (20, 16, 24)
    shade: float = 0.75
    shade_tint: Colour = (0.92, 0.9, 1.0)
    light: tuple[float, float] = (-0.6, -0.8)
    soft: float = 0.0
    paper: Colour | None = None
    detail: float = 0.6
    aliased: bool = False
    rough: float = 0.0
    pencil: float = 0.0
    second_ink: Colour | None = None

    @property
    def bare(self) -> bool:
        """Whether this is a line drawing: neither colour nor shade."""
        return self.paper is not None and self.shade > 0.95


@dataclass(slots=True)
class Mark:
    """Something painted onto a cel: a filled polygon, or a stroke when it has a width.

    Attributes:
        points: [M, 2].
        colour: RGB; None: the ink of lines.
        width: of a stroke; 0: fill.
        taper: whether a stroke thins towards its ends.
        inside: whether it is cut off at the outline.
        drawn: whether line drawings, which leave colours out, show it as well.
    """

    points: Floats
    colour: Colour | None = None
    width: float = 0.0
    taper: bool = True
    inside: bool = True
    drawn: bool = False


@dataclass(slots=True)
class Painting:
    """A cel's picture and where its origin came to lie in it."""

    image: Bytes
    pivot: tuple[float, float]


@dataclass(slots=True)
class Cloth:
    """What fills an outline: a colour, perhaps a pattern, perhaps a second colour.

    Attributes:
        colour: RGB.
        pattern: "", "stripes", "checks", "dots", "gradient", "noise", "hatch".
        second: RGB of the pattern.
        pitch: its period in cel pixels.
        angle: of the pattern.
    """

    colour: Colour
    pattern: str = ""
    second: Colour = (255, 255, 255)
    pitch: float = 12.0
    angle: float = 0.0


_FIXED = 1 << _SHIFT


def _fixed(points: Floats) -> np.ndarray[tuple[int, int], np.dtype[np.int32]]:
    return np.rint(points * _FIXED).astype(np.int32)


def fill(image: Bytes, points: Floats, colour: Sequence[float], aliased: bool = False) -> None:
    """Fill a polygon of pixel coordinates, in place."""
    kind = cv2.LINE_8 if aliased else cv2.LINE_AA
    cv2.fillPoly(image, [_fixed(points)], tuple(map(float, colour)), kind, _SHIFT)


@cache
def _taper(count: int) -> Floats:
    """Relative half-widths of a stroke that thins towards its ends."""
    shape: Floats = np.sin(np.linspace(0.25, np.pi - 0.25, count)) ** 0.7
    return shape


def ribbon(points: Floats, width: float, taper: bool, vary: float = 0.0, rng: Random | None = None) -> Floats:
    """The outline of a stroke along an open curve."""
    count = len(points)
    half = _taper(count) * (width / 2) if taper else np.full(count, width / 2)
    if vary and rng is not None:
        half = half * (1 + vary * np.sin(np.linspace(0, rng.uniform(2, 9), count) + rng.uniform(0, 6)))
    side = normals(points, loop=False) * half[:, None]
    return np.concatenate((points + side, (points - side)[::-1]))


def darker(colour: Colour, factor: float, tint: Colour = (1, 1, 1)) -> Colour:
    """A tone of a colour."""
    r, g, b = (min(255.0, c * factor * k) for c, k in zip(colour, tint, strict=True))
    return r, g, b


def soften(image: Bytes, sigma: float) -> Bytes:
    """Blur by about a Gaussian of `sigma` pixels, at a cost that does not grow with it.

    `cv2.stackBlur` would do, but its bytes depend on the number of threads.
    """
    side = 2 * max(1, round(math.sqrt(6 * sigma**2 + 1) / 2 - 0.5)) + 1  # twice this box has that spread
    return np.asarray(cv2.blur(cv2.blur(image, (side, side)), (side, side)), np.uint8)


def _pattern(cloth: Cloth, shape: tuple[int, int], rng: Random) -> Floats:
    """[h, w] in 0..1: how much of the second colour."""
    h, w = shape
    cos, sin = np.cos(cloth.angle) / cloth.pitch, np.sin(cloth.angle) / cloth.pitch
    x = np.arange(w, dtype=np.float32)[None, :]
    y = np.arange(h, dtype=np.float32)[:, None]
    a, b = x * cos + y * sin, y * cos - x * sin
    edge = cloth.pitch * 0.35
    if cloth.pattern == "gradient":
        share: Floats = np.clip((y + 0 * x) / h, 0, 1)
    elif cloth.pattern == "noise":
        small = rng.random((max(2, int(h / cloth.pitch) + 2), max(2, int(w / cloth.pitch) + 2)), np.float32)
        share = np.asarray(cv2.resize(small, (w, h), interpolation=cv2.INTER_CUBIC), np.float32)
    elif cloth.pattern == "dots":
        radius = np.hypot(a - np.floor(a) - 0.5, b - np.floor(b) - 0.5)
        share = np.clip((0.3 - radius) * cloth.pitch + 0.5, 0, 1)
    else:
        wave = np.abs(a - np.floor(a) - 0.5) - (0.38 if cloth.pattern == "hatch" else 0.25)
        share = np.clip(-wave * edge * 3 + 0.5, 0, 1) + 0 * y
        if cloth.pattern == "checks":
            other = np.abs(b - np.floor(b) - 0.5) - 0.25
            share = 0.5 * share + 0.5 * np.clip(-other * edge * 3 + 0.5, 0, 1)
    return np.broadcast_to(share, shape)


def _tone(cloth: Cloth, style: Style, size: tuple[int, int], body: Floats, rng: Random) -> Bytes:
    """[h, w, 3]: colour, pattern and shade of a cel, not yet cut to its outline."""
    h, w = size
    colour = cloth.colour if style.paper is None else style.paper
    dark = colour if style.bare else darker(colour, style.shade, style.shade_tint)
    lit = np.empty((h, w, 3), np.uint8)
    cv2.rectangle(lit, (0, 0), (w, h), dark, -1)  # several times faster than a broadcast
    if style.bare:
        return lit
    span = max(float(np.ptp(body[:, 0])), 1.0)
    depth = span * rng.uniform(0.12, 0.3)
    fill(lit, body + np.multiply(style.light, depth), colour)
    if style.soft:
        lit = soften(lit, style.soft)
    if cloth.pattern and style.paper is None:
        share = _pattern(cloth, (h, w), rng)[..., None]
        second = np.array(cloth.second, np.float32) / np.maximum(np.array(colour, np.float32), 8)
        lit = np.clip(lit * (1 + share * (second - 1)), 0, 255).astype(np.uint8)
    return lit


def _bounds(outline: Floats, marks: Sequence[Mark], margin: float) -> tuple[Floats, tuple[int, int]]:
    """Shift of the origin, and (height, width), so that everything that sticks out has room."""
    everything = np.concatenate([outline, *(mark.points for mark in marks if not mark.inside)])
    low = np.floor(everything.min(0) - margin)
    high = np.ceil(everything.max(0) + margin)
    return -low, (int(high[1] - low[1]) + 1, int(high[0] - low[0]) + 1)


def _open_ends(outline: Floats, open_above: float | None, open_below: float | None) -> Floats:
    """[M, 1] factors of the line's width: none near ends where the next part goes on."""
    weight = np.ones(len(outline))
    if open_above is not None:
        weight *= np.clip((outline[:, 1] - open_above) / 6, 0, 1)
    if open_below is not None:
        weight *= np.clip((open_below - outline[:, 1]) / 6, 0, 1)
    return weight[:, None]


def paint(
    outline: Floats,
    cloth: Cloth,
    style: Style,
    rng: Random,
    marks: Sequence[Mark] = (),
    *,
    open_above: float | None = None,
    open_below: float | None = None,
) -> Painting:
    """Paint a cel.

    Args:
        outline: [M, 2] closed curve around the pivot, in cel pixels.
        cloth: what fills it.
        style: how the scene is drawn.
        rng: for what is left to chance.
        marks: painted over the fill, in order.
        open_above, open_below: no outline above / below this y, where another part joins.
    """
    from nakawari.data.cartoon.compose import compose

    line = style.line
    shift, (h, w) = _bounds(outline, marks, _MARGIN + line + style.rough)
    body: Floats = outline + shift
    if style.rough:
        body = body + rng.normal(0, style.rough, body.shape)
    ink = style.ink if style.ink is not None else darker(cloth.colour, 0.45, style.shade_tint)
    if style.second_ink is not None and rng.random() < 0.35:
        ink = style.second_ink
    half = line / 2 * _open_ends(outline, open_above, open_below)
    if style.vary and line:
        phase, turns = rng.uniform(0, 6.28), rng.integers(1, 4)
        half = half * (1 + style.vary * np.sin(turns * np.linspace(0, 6.28, len(body)) + phase))[:, None]
    side = normals(body) * half
    image = np.zeros((h, w, 4), np.uint8)
    tone = _tone(cloth, style, (h, w), body, rng)
    for mark in marks:
        if mark.inside:
            _draw(tone, mark, shift, ink=ink, style=style, rng=rng)
    mask = np.zeros((h, w), np.uint8)
    fill(mask, body - side, (255,), style.aliased)
    if line and style.aliased:
        cv2.polylines(image, [_fixed(body)], True, (*ink, 255), max(1, round(line)), cv2.LINE_8, _SHIFT)
    elif line:
        fill(image, body + side, (*ink, 255))
        fill(image, body - side, (*ink, 255))
    if style.pencil and line:
        _grain(image, style.pencil, rng)
    compose(image, tone, mask)
    for mark in marks:
        if not mark.inside:
            _draw(image, mark, shift, ink=ink, style=style, rng=rng)
    return Painting(image, (float(shift[0]), float(shift[1])))


def _grain(image: Bytes, strength: float, rng: Random) -> None:
    """Break lines up as pencil on paper does, in place."""
    h, w = image.shape[:2]
    grain = 255 - rng.integers(0, int(1 + 255 * strength), (h, w), np.uint8)
    image[:] = cv2.multiply(image, cv2.merge((grain, grain, grain, grain)), scale=1 / 255)


def _draw(image: Bytes, mark: Mark, shift: Floats, *, ink: Colour, style: Style, rng: Random) -> None:
    colour = ink if mark.colour is None else mark.colour
    points: Floats = mark.points + shift
    if style.bare and mark.colour is not None and not mark.drawn:
        return
    if mark.width and style.aliased:
        width = max(1, round(0.8 * mark.width))
        cv2.polylines(
            image, [_fixed(points)], False, (*colour, 255)[: image.shape[2]], width, cv2.LINE_8, _SHIFT
        )
        return
    if mark.width:
        points = ribbon(points, mark.width, mark.taper, 0.5 * style.vary, rng)
    fill(image, points, (*colour, 255)[: image.shape[2]], style.aliased)


@dataclass(slots=True)
class Palette:
    """Colours of one figure."""

    skin: Colour
    hair: Colour
    eyes: Colour
    cloths: list[Cloth] = field(default_factory=list)
