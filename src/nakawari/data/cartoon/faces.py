"""Heads: face, eyes, mouth, and the hair that hangs from them."""

from __future__ import annotations

import numpy as np

from nakawari.data.cartoon import outlines
from nakawari.data.cartoon.paint import (
    Cloth,
    Colour,
    Mark,
    Painting,
    Palette,
    Style,
    darker,
    fill,
    paint,
    ribbon,
)
from nakawari.data.cartoon.scene import STRETCH_X, STRETCH_Y, Floats, X, Y, track
from nakawari.data.cartoon.troupe import Troupe

Place = tuple[float, float]


def _bare(style: Style, line: float) -> Style:
    """The style with another width of line."""
    return Style(
        line, 0.0, style.ink, style.shade, style.shade_tint, style.light, 0.0, style.paper, 0.0, style.aliased
    )


def _eye(troupe: Troupe, colour: Colour, width: float, height: float) -> Painting:
    """An eye: white, iris, pupil, lights, and a heavy upper lid. The origin is its middle."""
    rng, style = troupe.rng, troupe.style
    lid = np.array(((-1, 0.15), (-0.5, -0.75), (0.15, -1.0), (0.8, -0.55), (1.0, 0.1)))
    low = np.array(((0.75, 0.7), (0.1, 0.95), (-0.6, 0.75)))
    shape = outlines.closed(np.concatenate((lid, low)) * (width, height), 4)
    look = np.array((rng.normal(0, 0.12) * width, rng.normal(0.05, 0.06) * height))
    tall, wide = height * rng.uniform(0.75, 1.0), width * rng.uniform(0.5, 0.7)
    circle = np.linspace(0, 6.28, 20)[:-1]
    ring = np.stack((np.cos(circle), np.sin(circle)), -1)
    iris = colour if style.paper is None else style.paper
    ink = style.ink if style.ink is not None else darker(colour, 0.3)
    marks = [
        Mark(ring * (wide, tall) + look, ink, drawn=True),
        Mark(ring * (wide * 0.86, tall * 0.88) + look, iris, drawn=True),
        Mark(ring * (wide * 0.4, tall * 0.45) + look, ink, drawn=True),
        Mark(ring * (wide * 0.8, tall * 0.3) + look - (0, tall * 0.55), darker(colour, 0.5)),
        Mark(
            ring * (wide * 0.3, tall * 0.28) + look + np.array((-0.35 * wide, -0.4 * tall)), (255, 255, 255)
        ),
    ]
    lash = max(1.2, style.line * rng.uniform(1.0, 2.2))
    marks.append(Mark(outlines.curve(lid * (width * 1.06, height), 4), ink, lash, True, False))
    if rng.random() < 0.5:
        outer = np.array(((0.8, -0.5), (1.25, -0.65))) * (width, height)
        marks.append(Mark(outer, ink, lash * 0.8, True, False))
    return paint(shape, Cloth((250, 250, 252)), _bare(style, 0.4 * style.line), rng, marks)


def _shut(troupe: Troupe, width: float) -> Painting:
    """A shut eye: one bow."""
    bow = outlines.curve(np.array(((-width, 0.0), (0.0, width * 0.35), (width, 0.0))), 5)
    return stroke(troupe, bow, max(1.5, troupe.style.line * 1.6))


def stroke(troupe: Troupe, points: Floats, width: float, colour: Colour | None = None) -> Painting:
    """A cel that is one tapered line."""
    style = troupe.style
    ink = colour or style.ink or (60, 40, 45)
    shift = 4 + width - points.min(0)
    size = np.ceil(points.max(0) + shift + 4 + width).astype(int)
    image = np.zeros((int(size[1]), int(size[0]), 4), np.uint8)
    fill(image, ribbon(points, width, True, 0.2, troupe.rng) + shift, (*ink, 255), style.aliased)
    return Painting(image, (float(shift[0]), float(shift[1])))


def _mouth(troupe: Troupe, width: float) -> Painting:
    rng = troupe.rng
    if rng.random() < 0.5:
        bow = outlines.curve(np.array(((-width, 0), (0, rng.normal(0, 0.25) * width), (width, 0.0))), 5)
        return stroke(troupe, bow, troupe.style.line)
    open_by = width * rng.uniform(0.3, 1.1)
    shape = outlines.closed(
        np.array(
            ((-width, 0), (0, -0.1 * width), (width, 0), (0.5 * width, open_by), (-0.5 * width, open_by))
        ),
        4,
    )
    marks = [
        Mark(outlines.blob(rng, width * 0.6, 0.1, 6) + np.array((0, open_by)), (225, 120, 120)),
        Mark(
            np.array(
                ((-width, -2.0), (width, -2.0), (0.7 * width, 0.25 * open_by), (-0.7 * width, 0.25 * open_by))
            ),
            (250, 250, 250),
        ),
    ]
    return paint(shape, Cloth((130, 45, 55)), _bare(troupe.style, 0.7 * troupe.style.line), rng, marks)


def _features(troupe: Troupe, palette: Palette, head: int, unit: float, facing: float) -> None:
    """Eyes, brows, nose and mouth. Turning the head moves them together, the nose farthest."""
    rng, mover = troupe.rng, troupe.mover
    turn = float(rng.normal(0, 0.14)) * mover.energy * unit
    nod = float(rng.normal(0, 0.08)) * mover.energy * unit

    def put(painting: Painting, x: float, y: float, near: float, order: float) -> int:
        index = troupe.add(painting, order, head, (x + facing * 0.35 * unit * near, y), new_part=False)
        troupe.cels[index].tracks[X] = track(0, turn * near)
        troupe.cels[index].tracks[Y] = track(0, nod * near)
        return index

    apart, size = rng.uniform(0.36, 0.5) * unit, rng.uniform(0.17, 0.27) * unit
    shut = rng.random() < 0.12
    eye = _shut(troupe, size) if shut else _eye(troupe, palette.eyes, size, size * rng.uniform(0.7, 1.25))
    blink = -float(rng.uniform(0.5, 2.5)) if rng.random() < 0.15 * (mover.energy > 0) else 0.0
    tilt = rng.normal(0, 0.25)
    for side in (-1, 1):
        mirrored = Painting(
            eye.image[:, ::side].copy(),
            eye.pivot if side == 1 else (eye.image.shape[1] - 1 - eye.pivot[0], eye.pivot[1]),
        )
        index = put(mirrored, side * apart, 0.1 * unit, 1.0, 1.2)
        narrow = -0.35 * max(0.0, -side * facing)
        troupe.cels[index].tracks[STRETCH_X] = track(narrow)
        troupe.cels[index].tracks[STRETCH_Y] = track(0, blink)
        brow = outlines.curve(
            np.array(((-size, 0.2 * size * tilt), (0, -0.25 * size), (size, 0.1 * size))) * (side, 1), 4
        )
        index = put(
            stroke(troupe, brow, troupe.style.line * 1.3, darker(palette.hair, 0.5)),
            side * apart,
            -0.28 * unit,
            1.0,
            1.6,
        )
        troupe.cels[index].angle = side * tilt
        troupe.cels[index].tracks[Y] = mover.change(0, 0.06 * unit)
    nose = np.array(((0.02, -0.1), (0.07, 0.06), (-0.02, 0.09))) * unit * (np.sign(facing) or 1, 1)
    put(stroke(troupe, outlines.curve(nose, 4), troupe.style.line * 0.9), 0, 0.42 * unit, 1.35, 1.2)
    index = put(_mouth(troupe, rng.uniform(0.12, 0.26) * unit), 0, 0.68 * unit, 1.1, 1.2)
    troupe.cels[index].tracks[STRETCH_Y] = mover.change(0, 0.35)
    if rng.random() < 0.3 and troupe.style.paper is None:
        blush = paint(
            outlines.blob(rng, 0.13 * unit, 0.05, 6, 0.6),
            Cloth(darker(palette.skin, 0.98, (1.0, 0.8, 0.8))),
            _bare(troupe.style, 0),
            rng,
        )
        for side in (-1, 1):
            put(blush, side * apart * 1.3, 0.42 * unit, 0.9, 1.1)


def _strands(troupe: Troupe, width: float, length: float, hook: float, count: int) -> list[Mark]:
    """Lines inside a lock, and its gloss."""
    rng, marks = troupe.rng, []
    s = np.linspace(0, 1, 7)
    for x in rng.uniform(-0.7, 0.7, count):
        start, stop = sorted(rng.uniform(0, 0.95, 2))
        part = start + (stop - start) * s
        points = np.stack((x * width * (1 - 0.8 * part) + hook * part**2 * length, part * length), -1)
        marks.append(Mark(points, None, max(0.8, 0.7 * troupe.style.line)))
    return marks


def _lock(
    troupe: Troupe, cloth: Cloth, head: int, *, at: Place, size: tuple[float, float], order: float
) -> None:
    """A lock of hair; `at` from the head's pivot, `size` is (half-width, length)."""
    rng, mover = troupe.rng, troupe.mover
    width, length = size
    hook = float(rng.normal(0, 0.2))
    marks = _strands(troupe, width, length, hook, int(rng.integers(0, 4)))
    painting = paint(outlines.lock(length, width, hook), cloth, troupe.style, rng, marks)
    index = troupe.add(painting, order, head, at, length)
    cel = troupe.cels[index]
    mover.joint(cel, rng.normal(0, 0.1) + 0.15 * np.sign(-at[0]), 0.12)
    mover.bend(cel, 0.15, 0.3)
    mover.flutter(cel, 0.05, rng.uniform(0.4, 1.4))


def _mane(troupe: Troupe, cloth: Cloth, head: int, unit: float) -> None:
    """Long hair behind the head, as one mass that waves."""
    rng, mover = troupe.rng, troupe.mover
    length, width = unit * rng.uniform(1.8, 5.0), unit * rng.uniform(0.7, 1.25)
    s = np.linspace(0, 1, 8)
    marks = []
    for x in rng.uniform(-0.8, 0.8, int(rng.integers(2, 9))) * width:
        start, stop = sorted(rng.uniform(0.1, 1.0, 2))
        part = start + (stop - start) * s
        bow = rng.normal(0, 0.08) * width * np.sin(np.pi * s)
        marks.append(Mark(np.stack((x + bow, part * length), -1), None, max(0.8, 0.7 * troupe.style.line)))
    outline = outlines.mane(rng, length, width, int(rng.integers(2, 7)))
    painting = paint(outline, cloth, troupe.style, rng, marks)
    order = -0.65 if rng.random() < 0.5 else -3.0
    index = troupe.add(painting, order, head, (0.0, -0.5 * unit), length)
    cel = troupe.cels[index]
    mover.joint(cel, rng.normal(0, 0.25), 0.2)
    mover.bend(cel, 0.3, 0.35)
    mover.flutter(cel, 0.08, rng.uniform(0.5, 1.6))


_BACK = np.array(((0, -1.25), (0.8, -0.95), (1.1, -0.2), (1.0, 0.6), (0.5, 0.95)))
"""The right half of the hair behind a head, from the crown to the nape."""


def _back_hair(troupe: Troupe, cloth: Cloth, head: int, unit: float, shift: float) -> None:
    """What is behind the face: the cap of hair, and long locks or a mane that hang from it."""
    rng = troupe.rng
    cap = outlines.closed(np.concatenate((_BACK, _BACK[:0:-1] * (-1, 1))) * unit)
    troupe.add(paint(cap, cloth, troupe.style, rng), -0.6, head, (shift, -0.05 * unit), new_part=False)
    if rng.random() < 0.6:
        length = unit * rng.uniform(1.6, 4.2)
        for _ in range(int(rng.integers(2, 7))):
            at = (rng.uniform(-0.85, 0.85) * unit, rng.uniform(-0.4, 0.3) * unit)
            size = (unit * rng.uniform(0.18, 0.5), length * rng.uniform(0.6, 1.1))
            order = -0.7 - 0.01 * rng.random() - 2.4 * (rng.random() < 0.6)
            _lock(troupe, cloth, head, at=at, size=size, order=order)
    if rng.random() < 0.3:
        _mane(troupe, cloth, head, unit)


def _hair(troupe: Troupe, palette: Palette, head: int, unit: float, facing: float) -> None:
    rng, style, mover = troupe.rng, troupe.style, troupe.mover
    cloth = Cloth(palette.hair)
    shift = facing * 0.12 * unit
    _back_hair(troupe, cloth, head, unit, -shift)
    tips = int(rng.integers(3, 7))
    arch = outlines.fringe(rng, 1.02 * unit, 0.72 * unit, tips, rng.uniform(0.25, 0.75) * unit)
    marks = _strands(troupe, 0.9 * unit, 0.5 * unit, 0, int(rng.integers(1, 5)))
    if rng.random() < 0.5:
        s = np.linspace(-0.7, 0.7, 9)
        zigzag = np.stack((s * unit, (-0.3 + 0.07 * (np.arange(9) % 2) + 0.1 * s**2) * unit), -1)
        marks.append(Mark(zigzag, darker(palette.hair, 1.35, (1, 1, 1)), 0.09 * unit, True))
    index = troupe.add(paint(arch, cloth, style, rng, marks), 1.5, head, (shift, -0.5 * unit), 0.7 * unit)
    mover.bend(troupe.cels[index], 0.05, 0.2)
    for side in (-1, 1):
        if rng.random() < 0.75:
            at = (side * 0.92 * unit + shift, -0.35 * unit)
            _lock(
                troupe,
                cloth,
                head,
                at=at,
                size=(unit * rng.uniform(0.12, 0.3), unit * rng.uniform(0.9, 2.6)),
                order=1.45,
            )
    if rng.random() < 0.3:
        at = (rng.normal(0, 0.2) * unit, -1.2 * unit)
        _lock(troupe, cloth, head, at=at, size=(0.1 * unit, 0.9 * unit), order=1.56)
        troupe.cels[-1].angle = float(rng.choice((-1, 1))) * rng.uniform(1.2, 2.6)


def add_face(
    troupe: Troupe, palette: Palette, unit: float, *, parent: int, offset: Place, facing: float
) -> int:
    """Add a head with face and hair.

    Args:
        troupe: where its cels go.
        palette: colours.
        unit: half the height of the head in cel pixels.
        parent: the neck.
        offset: of the middle of the face from the neck's pivot.
        facing: -1..1, left..right.

    Returns:
        index of the head.
    """
    rng = troupe.rng
    outline = outlines.face(
        unit * rng.uniform(0.85, 1.0), 1.95 * unit, rng.uniform(0.12, 0.4), rng.uniform(0.45, 0.72)
    )
    shade = [
        Mark(
            outlines.fringe(rng, unit, 0.8 * unit, 4, 0.3 * unit) - (0, 0.35 * unit),
            darker(palette.skin, 0.82),
        )
    ]
    painting = paint(outline, Cloth(palette.skin), troupe.style, rng, shade if rng.random() < 0.5 else ())
    head = troupe.add(painting, 1.0, parent, offset, unit)
    ear = paint(outlines.blob(rng, 0.2 * unit, 0.08, 6, 1.5), Cloth(palette.skin), troupe.style, rng)
    for side in (-1, 1):
        troupe.add(ear, 0.95, head, ((side * 0.92 - 0.15 * facing) * unit, 0.2 * unit), new_part=False)
    _features(troupe, palette, head, unit, facing)
    _hair(troupe, palette, head, unit, facing)
    return head
