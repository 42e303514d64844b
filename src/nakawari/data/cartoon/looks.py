"""Looks: palettes, lines and the finish of a scene, drawn from a seed."""

from __future__ import annotations

import colorsys

import numpy as np

from nakawari.data.cartoon.outlines import Random
from nakawari.data.cartoon.paint import Cloth, Colour, Palette, Style, darker
from nakawari.data.cartoon.scene import Grade

LOOKS = ("cel", "soft", "flat", "pale", "line", "ink", "dark", "paint")
_SHARES = (0.40, 0.12, 0.10, 0.08, 0.09, 0.04, 0.11, 0.06)
_PATTERNS = ("stripes", "checks", "dots", "gradient", "noise", "hatch")


def hsv(hue: float, saturation: float, value: float) -> Colour:
    """RGB in 0..255."""
    r, g, b = colorsys.hsv_to_rgb(hue % 1, min(max(saturation, 0), 1), min(max(value, 0), 1))
    return 255 * r, 255 * g, 255 * b


def tone(rng: Random, vivid: float = 0.5) -> Colour:
    """Some colour; `vivid` in 0..1."""
    if rng.random() < 0.25:
        return hsv(rng.random(), rng.uniform(0, 0.12), rng.choice((0.12, 0.25, 0.5, 0.8, 0.95)))
    return hsv(rng.random(), rng.beta(2, 3) * (0.4 + vivid), rng.uniform(0.25, 1.0))


def cloth(rng: Random, detail: float) -> Cloth:
    """A colour of clothing, sometimes with a pattern."""
    colour = tone(rng, 0.6)
    pattern = str(rng.choice(_PATTERNS)) if rng.random() < 0.35 * detail else ""
    second = darker(colour, rng.uniform(0.55, 0.9)) if rng.random() < 0.5 else tone(rng, 0.7)
    return Cloth(colour, pattern, second, rng.uniform(5, 22), rng.choice((0.0, 1.57, rng.uniform(0, 3.14))))


def palette(rng: Random, style: Style) -> Palette:
    """Colours of one figure."""
    bright = rng.uniform(0.9, 1.0) if rng.random() < 0.7 else rng.uniform(0.4, 0.9)
    skin = hsv(rng.uniform(0.02, 0.09), rng.uniform(0.08, 0.35) + 0.5 * (1 - bright), bright)
    if rng.random() < 0.45:
        hair = hsv(rng.uniform(0.02, 0.14), rng.uniform(0.1, 0.6), rng.uniform(0.12, 0.95))
    else:
        hair = tone(rng, 0.5)
    return Palette(skin, hair, hsv(rng.random(), 0.7, 0.75), [cloth(rng, style.detail) for _ in range(3)])


def _line(rng: Random, detail: float) -> float:
    """Width of lines in cel pixels: mostly about one canvas pixel, sometimes brush-like."""
    return float(detail * np.clip(rng.lognormal(0.15, 0.45), 0.55, 4.5))


def style(rng: Random, look: str, detail: float) -> Style:
    """The style of a scene in one of LOOKS; `detail` is cel pixels per canvas pixel."""
    light = float(rng.uniform(-2.6, -0.5))
    made = Style(
        line=_line(rng, detail),
        vary=float(rng.uniform(0, 0.6)),
        ink=darker(tone(rng, 0.3), rng.uniform(0, 0.3)),
        shade=float(rng.uniform(0.55, 0.88)),
        shade_tint=(rng.uniform(0.85, 1.0), rng.uniform(0.82, 0.98), rng.uniform(0.95, 1.1)),
        light=(float(np.cos(light)), float(np.sin(light))),
        detail=float(rng.uniform(0.2, 1.0)),
        aliased=bool(rng.random() < 0.12),
        rough=float(rng.uniform(0.1, 0.4)) if rng.random() < 0.15 else 0.0,
    )
    if rng.random() < 0.3:
        made.ink = None
    if rng.random() < 0.25:
        made.second_ink = darker(tone(rng, 0.8), rng.uniform(0.3, 0.9))
    if rng.random() < 0.15:
        made.pencil = float(rng.uniform(0.3, 0.9))
    if look == "soft":
        made.soft = float(rng.uniform(1, 6))
    elif look == "flat":
        made.shade, made.line = 1.0, 0.0 if rng.random() < 0.6 else made.line
    elif look == "pale":
        made.shade, made.line, made.ink = rng.uniform(0.9, 1.0), made.line * 0.7, tone(rng, 0.3)
    elif look == "line":
        made.paper, made.shade, made.line = (255, 255, 255), 1.0, min(made.line, 1.6 * detail)
        made.ink = darker(tone(rng, 0.7), rng.uniform(0.1, 0.9))
    elif look == "ink":
        made.paper, made.shade, made.ink = (255, 255, 255), float(rng.choice((0.02, 0.5, 0.75))), (5, 5, 8)
    elif look == "paint":
        made.line, made.soft = 0.0 if rng.random() < 0.7 else made.line, float(rng.uniform(2, 8))
    return made


def draw_look(rng: Random) -> str:
    """One of LOOKS."""
    return str(rng.choice(LOOKS, p=_SHARES))


def grade(rng: Random, look: str, changes: bool) -> Grade:
    """The finish of a scene; `changes`: whether light may change between its frames."""
    made = Grade(seed=int(rng.integers(1 << 31)))
    if look == "dark" or rng.random() < 0.12:
        level = rng.uniform(0.45, 0.9)
        made.gain0 = made.gain1 = tuple(float(level * k) for k in rng.uniform(0.75, 1.0, 3))  # type: ignore[assignment]
    if changes and rng.random() < 0.12:
        made.gain1 = tuple(float(g * rng.uniform(0.75, 1.25)) for g in made.gain0)  # type: ignore[assignment]
    if rng.random() < 0.12:
        made.vignette = float(rng.uniform(0.1, 0.7))
    if rng.random() < 0.3:
        made.blur = float(rng.uniform(0.3, 1.0))
    if made.blur and rng.random() < 0.4:
        made.sharpen = float(rng.uniform(0.2, 1.2))
    if rng.random() < 0.12:
        made.grain = float(rng.uniform(0.5, 4))
    if rng.random() < 0.06:
        made.flicker = float(rng.uniform(0.5, 2.5))
    if rng.random() < 0.4:
        made.dct = int(rng.integers(55, 97))
    elif rng.random() < 0.12:
        made.levels = int(rng.choice((6, 8, 12, 16, 32)))
    if look == "ink" or rng.random() < 0.03:
        made.grey = 1.0
    return made
