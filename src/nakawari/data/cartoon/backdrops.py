"""Backdrops: flat, graded, painted, textured, built and natural; larger than the canvas: cameras move."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from nakawari.data.cartoon.looks import hsv, tone
from nakawari.data.cartoon.outlines import Random, blob, curve, polygon
from nakawari.data.cartoon.paint import (
    Cloth,
    Colour,
    Mark,
    Painting,
    Style,
    darker,
    fill,
    paint,
    ribbon,
    soften,
)
from nakawari.data.cartoon.scene import Bytes, Floats
from nakawari.data.cartoon.troupe import Troupe


def clouds(rng: Random, shape: tuple[int, int], coarse: float, octaves: int = 3) -> Floats:
    """[h, w] smooth noise in about 0..1; `coarse` pixels between the knots of its first octave."""
    h, w = shape
    total, weight = np.zeros((h, w), np.float32), 0.0
    for octave in range(octaves):
        step = max(coarse / 2**octave, 2.0)
        knots = rng.random((int(h / step) + 3, int(w / step) + 3), np.float32)
        grown = cv2.resize(knots, (w, h), interpolation=cv2.INTER_CUBIC)
        total += grown * 0.5**octave
        weight += 0.5**octave
    return total / weight


def _mix(share: Floats, first: Colour, second: Colour) -> Bytes:
    ramp = np.linspace(0, 1, 256)[:, None]
    colours = np.clip(np.array(first) * (1 - ramp) + np.array(second) * ramp, 0, 255).astype(np.uint8)
    steps = cv2.convertScaleAbs(np.maximum(share, 0, dtype=np.float32), alpha=255)
    return np.asarray(cv2.LUT(cv2.merge((steps, steps, steps)), colours[None]), np.uint8)


def _graded(rng: Random, shape: tuple[int, int], style: Style) -> Bytes:
    h, w = shape
    angle = rng.choice((1.57, rng.uniform(0, 6.28)))
    share = np.cos(angle) * np.linspace(0, 1, w)[None] + np.sin(angle) * np.linspace(0, 1, h)[:, None]
    if rng.random() < 0.25:
        share = np.hypot(np.linspace(-1, 1, w)[None], np.linspace(-1, 1, h)[:, None])
    return _mix(share.astype(np.float32), tone(rng, 0.3), tone(rng, 0.3))


def _washed(rng: Random, shape: tuple[int, int], style: Style) -> Bytes:
    first = tone(rng, 0.3)
    second = darker(first, rng.uniform(0.5, 1.4), (1.0, rng.uniform(0.8, 1.1), rng.uniform(0.8, 1.2)))
    share = clouds(rng, shape, rng.uniform(25, 150), int(rng.integers(2, 6)))
    return _mix((share - 0.25) * 2 * rng.uniform(0.5, 1.2), first, second)


def _textured(rng: Random, shape: tuple[int, int], style: Style) -> Bytes:
    """Leaves, stones, grass, brush strokes: many small things of a few related colours."""
    image = _washed(rng, shape, style)
    h, w = shape
    base = tone(rng, 0.4)
    kind, size = int(rng.integers(4)), rng.uniform(4, 26)
    count = int(min(260, 2.5 * h * w / size**2))
    shapes = [blob(rng, 1.0, 0.25, 6), polygon(rng, 1.0, 5), blob(rng, 1.0, 0.1, 6, 0.35)]
    centres = rng.uniform(0, 1, (count, 2)) * (w, h)
    sizes, turns = size * rng.uniform(0.4, 1.2, count), rng.uniform(-0.5, 0.5, count)
    tones = rng.uniform(0.6, 1.25, count)
    for at, big, turn, level in zip(centres, sizes, turns, tones, strict=True):
        if kind == 3:
            stroke = np.array(((0, 0), (0.3 * turn * big, -0.6 * big), (turn * 2 * big, -1.2 * big))) + at
            points = ribbon(curve(stroke, 2), big * 0.25, True)
        else:
            cos, sin = np.cos(turn), np.sin(turn)
            points = shapes[kind] @ (np.array(((cos, sin), (-sin, cos))) * big) + at
        fill(image, points, darker(base, level))
    return image


def _streaked(rng: Random, shape: tuple[int, int], style: Style) -> Bytes:
    """Wood, water, speed: noise stretched one way."""
    h, w = shape
    across = clouds(rng, (h, max(8, w // int(rng.integers(8, 30)))), rng.uniform(3, 20), 3)
    share = cv2.resize(across, (w, h), interpolation=cv2.INTER_LINEAR)
    if rng.random() < 0.4:
        share = cv2.resize(np.ascontiguousarray(share.T), (w, h))
    colour = tone(rng, 0.4)
    return _mix((share - 0.3) * 2, colour, darker(colour, rng.uniform(0.5, 0.9)))


def _town(rng: Random, shape: tuple[int, int], style: Style) -> Bytes:
    """Houses, walls, rooms: boxes with windows, edges and lines."""
    image = _graded(rng, shape, style)
    h, w = shape
    ink = style.ink or (40, 35, 45)
    for row in range(int(rng.integers(1, 4))):
        base = tone(rng, 0.25)
        x = rng.uniform(-40, 0)
        while x < w:
            wide, top = rng.uniform(0.08, 0.3) * w, h * rng.uniform(0.1 + 0.15 * row, 0.7)
            colour = darker(base, rng.uniform(0.7, 1.2))
            box = np.array(((x, top), (x + wide, top), (x + wide, h + 5), (x, h + 5)))
            fill(image, box, colour)
            if style.line:
                line = max(1, round(style.line / 1.5))
                cv2.polylines(image, [np.rint(box * 16).astype(np.int32)], True, ink, line, cv2.LINE_AA, 4)
            _windows(rng, image, (x, top, wide, h - top), darker(colour, rng.choice((0.5, 1.5))))
            x += wide * rng.uniform(0.7, 1.5)
    return image


def _windows(rng: Random, image: Bytes, box: tuple[float, float, float, float], colour: Colour) -> None:
    x, y, wide, tall = box
    pitch = rng.uniform(12, 40)
    for top in np.arange(y + 0.3 * pitch, y + tall - pitch, pitch * 1.3)[:6]:
        for left in np.arange(x + 0.25 * pitch, x + wide - 0.6 * pitch, pitch)[:6]:
            low = (int(left + 0.55 * pitch), int(top + 0.7 * pitch))
            cv2.rectangle(image, (int(left), int(top)), low, colour, -1)


def _nature(rng: Random, shape: tuple[int, int], style: Style) -> Bytes:
    """Sky with clouds, hills, trees, a ground that has a texture."""
    h, w = shape
    sky = hsv(
        rng.uniform(0.5, 0.65) if rng.random() < 0.7 else rng.random(),
        rng.uniform(0.1, 0.6),
        rng.uniform(0.5, 1),
    )
    image = _mix(
        np.linspace(0, 1, h, dtype=np.float32)[:, None] + np.zeros((1, w), np.float32), sky, darker(sky, 1.25)
    )
    for _ in range(int(rng.integers(0, 7))):
        centre = rng.uniform(0, 1, 2) * (w, 0.5 * h)
        puff = rng.uniform(10, 45)
        for _ in range(5):
            offset = rng.normal(0, 1, 2) * (puff * 1.6, puff * 0.3)
            fill(
                image, blob(rng, puff * rng.uniform(0.5, 1), 0.1, 7, 0.7) + centre + offset, darker(sky, 1.6)
            )
    green = hsv(rng.uniform(0.15, 0.45), rng.uniform(0.2, 0.7), rng.uniform(0.3, 0.8))
    for layer in range(int(rng.integers(1, 4))):
        ridge = np.stack(
            (np.linspace(-20, w + 20, 9), h * (0.45 + 0.15 * layer) + rng.normal(0, 0.06 * h, 9)), -1
        )
        hill = np.concatenate((curve(ridge, 5), np.array(((w + 20, h + 9), (-20, h + 9)))))
        fill(image, hill, darker(green, 1.1 - 0.2 * layer))
    for _ in range(int(rng.integers(0, 60))):
        at = rng.uniform(0, 1, 2) * (w, 0.45 * h) + (0, 0.55 * h)
        size = rng.uniform(4, 26)
        fill(image, blob(rng, size, 0.25, 8) + at, darker(green, rng.uniform(0.5, 1.2)))
    return image


def _room(rng: Random, shape: tuple[int, int], style: Style) -> Bytes:
    """A wall and a floor, with boards, frames, a window and shelves of books."""
    h, w = shape
    wall, floor = (
        tone(rng, 0.25),
        hsv(rng.uniform(0.03, 0.13), rng.uniform(0.15, 0.6), rng.uniform(0.3, 0.85)),
    )
    image = _mix(
        np.linspace(0, 1, h, dtype=np.float32)[:, None] + np.zeros((1, w), np.float32),
        wall,
        darker(wall, 0.8),
    )
    edge, line = h * rng.uniform(0.55, 0.85), max(1, round(style.line / 1.5))
    fill(image, np.array(((0, edge), (w, edge), (w, h), (0, h))), floor)
    away = np.array((w * rng.uniform(0.3, 0.7), edge - h * rng.uniform(0.2, 0.6)))
    for x in np.linspace(-0.6 * w, 1.6 * w, int(rng.integers(8, 26))):
        near = np.array((x, h))
        far = away + (near - away) * (edge - away[1]) / (h - away[1])
        board = np.rint(np.stack((far, near)) * 16).astype(np.int32)
        cv2.polylines(image, [board], False, darker(floor, 0.7), line, cv2.LINE_AA, 4)
    for _ in range(int(rng.integers(1, 5))):
        x, y = rng.uniform(0, 0.85) * w, rng.uniform(0.02, 0.4) * h
        wide, tall = rng.uniform(0.08, 0.3) * w, rng.uniform(0.12, 0.4) * h
        colour = tone(rng, 0.4)
        cv2.rectangle(
            image, (int(x) - 4, int(y) - 4), (int(x + wide) + 4, int(y + tall) + 4), darker(colour, 0.5), -1
        )
        cv2.rectangle(image, (int(x), int(y)), (int(x + wide), int(y + tall)), colour, -1)
        if rng.random() < 0.6:
            _books(rng, image, (x, y, wide, tall))
        else:
            _windows(rng, image, (x, y - 0.2 * tall, wide, 1.3 * tall), darker(colour, 1.4))
    return image


def _books(rng: Random, image: Bytes, box: tuple[float, float, float, float]) -> None:
    """A shelf: rows of narrow upright things of many colours."""
    x, y, wide, tall = box
    for row in range(int(rng.integers(1, 4))):
        left, base = x + 2, y + tall * (row + 1) / 3
        while left < x + wide - 3 and base < y + tall:
            thick, high = rng.uniform(3, 11), tall / 3 * rng.uniform(0.55, 0.9)
            high_corner = (int(left), int(base - high))
            cv2.rectangle(
                image, high_corner, (int(min(left + thick, x + wide) - 1), int(base)), tone(rng, 0.5), -1
            )
            left += thick


def _rub(rng: Random, image: Bytes) -> Bytes:
    """Paint is never even: brush marks or the grain of paper over everything."""
    h, w = image.shape[:2]
    fine, stretch = rng.uniform(1.0, 4.0), rng.choice((1.0, 1.0, 3.0, 8.0))
    knots = rng.integers(0, 256, (int(h / fine) + 2, int(w / fine / stretch) + 2), np.uint8)
    marks = cv2.resize(knots, (w, h), interpolation=cv2.INTER_LINEAR)
    depth = rng.uniform(0.03, 0.2)
    scale = cv2.convertScaleAbs(marks, alpha=depth, beta=255 * (1 - depth))
    return np.asarray(cv2.multiply(image, cv2.merge((scale, scale, scale)), scale=1 / 255), np.uint8)


FLAT = 0.24
"""Share of scenes whose backdrop is paper of one colour."""

KINDS: dict[str, tuple[float, Callable[[Random, tuple[int, int], Style], Bytes]]] = {
    "graded": (0.10, _graded),
    "washed": (0.14, _washed),
    "textured": (0.20, _textured),
    "streaked": (0.08, _streaked),
    "town": (0.13, _town),
    "nature": (0.11, _nature),
    "room": (0.1, _room),
}


def add_backdrop(troupe: Troupe, size: tuple[int, int], reach: float, kind: str | None = None) -> None:
    """Put a backdrop behind everything.

    Args:
        troupe: where its cel goes.
        size: (height, width) of the canvas.
        reach: how many pixels of margin the camera needs on each side.
        kind: one of KINDS, or "flat"; None: by chance.
    """
    rng, style = troupe.rng, troupe.style
    names = ["flat", *KINDS]
    shares = [FLAT, *(share for share, _ in KINDS.values())]
    chosen = kind or str(rng.choice(names, p=np.array(shares) / sum(shares)))
    if style.paper is not None and kind is None and rng.random() < 0.8:
        chosen = "flat"
    h, w = round(size[0] + 2 * reach), round(size[1] + 2 * reach)
    if chosen == "flat":
        colour = (255, 255, 255) if rng.random() < 0.5 else tone(rng, 0.2)
        r, g, b = (round(value) for value in style.paper or colour)
        troupe.paper = (r, g, b)
        return
    image = np.full((h, w, 4), 255, np.uint8)
    image[..., :3] = KINDS[chosen][1](rng, (h, w), style)
    if chosen != "graded" and rng.random() < 0.5:
        image[..., :3] = _rub(rng, image[..., :3])
    if chosen != "graded" and rng.random() < 0.3:
        image[..., :3] = soften(np.ascontiguousarray(image[..., :3]), rng.uniform(0.6, 3))
    detail, troupe.detail = troupe.detail, 1.0
    middle = ((size[1] - 1) / 2, (size[0] - 1) / 2)
    depth = float(rng.choice((1.0, rng.uniform(0.3, 1.0))))
    painting = Painting(image, ((w - 1) / 2, (h - 1) / 2))
    index = troupe.add(painting, -1e3, -1, middle, max(h, w) / 2, depth=depth)
    troupe.detail = detail
    troupe.cels[index].part = 0


def add_overlay(troupe: Troupe, size: tuple[int, int]) -> None:
    """Something near the camera or half-way to the backdrop: a pole, a branch, a wall, a bush."""
    rng = troupe.rng
    near = rng.random() < 0.5
    depth = rng.uniform(1.1, 1.6) if near else rng.uniform(0.5, 0.95)
    order = 90.0 if near else -90.0
    h, w = size[0] * troupe.detail, size[1] * troupe.detail
    cloth = Cloth(
        darker(tone(rng, 0.3), 0.4 if near else 0.9), str(rng.choice(("", "noise", "stripes", "hatch")))
    )
    cloth.second, cloth.pitch = darker(cloth.colour, rng.uniform(0.6, 1.3)), rng.uniform(6, 30)
    if rng.random() < 0.5:
        wide = rng.uniform(0.03, 0.14) * w
        shape = np.array(
            ((-wide, -0.8 * h), (wide, -0.8 * h), (wide * rng.uniform(0.7, 1.4), 0.8 * h), (-wide, 0.8 * h))
        )
        marks: list[Mark] = []
    else:
        shape = blob(rng, 0.28 * w, 0.2, 12)
        spots = rng.normal(0, 0.13 * w, (14, 2))
        marks = [
            Mark(blob(rng, 0.04 * w, 0.3, 6) + at, darker(cloth.colour, rng.uniform(0.7, 1.3)))
            for at in spots
        ]
    edge = (
        float(rng.choice((0.05, 0.95)) + rng.normal(0, 0.1)) * size[1],
        float(rng.uniform(0.3, 1.0)) * size[0],
    )
    troupe.add(paint(shape, cloth, troupe.style, rng, marks), order, -1, edge, depth=float(depth))
