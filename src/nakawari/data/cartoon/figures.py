"""People: jointed figures with faces, hair, hands and clothes, from busts to whole bodies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nakawari.data.cartoon import outlines
from nakawari.data.cartoon.faces import add_face
from nakawari.data.cartoon.outlines import Random
from nakawari.data.cartoon.paint import Cloth, Colour, Mark, Painting, Palette, darker, paint
from nakawari.data.cartoon.scene import STRETCH_X, STRETCH_Y, Floats, track
from nakawari.data.cartoon.troupe import Troupe


@dataclass(slots=True)
class Build:
    """Proportions in heads (the half height of a head is the unit of everything)."""

    unit: float
    torso: float
    shoulders: float
    hips: float
    arm: float
    leg: float
    thick: float
    jointed: bool
    facing: float

    @property
    def hips_below_face(self) -> float:
        """In units."""
        return self.torso + 1.05

    @property
    def height(self) -> float:
        """From crown to sole, in units, standing upright."""
        return 1.0 + self.hips_below_face + self.leg + 0.3

    @staticmethod
    def draw(rng: Random) -> Build:
        """A body type, from three heads tall to seven; its unit is 1."""
        tall = rng.uniform(0.6, 1.75)
        return Build(
            unit=1.0,
            torso=rng.uniform(2.3, 3.0) * tall,
            shoulders=rng.uniform(0.85, 1.25) * (0.55 + 0.45 * tall),
            hips=rng.uniform(0.6, 0.95) * (0.6 + 0.35 * tall),
            arm=rng.uniform(1.5, 1.9) * tall,
            leg=rng.uniform(2.2, 2.9) * tall,
            thick=rng.uniform(0.16, 0.32) * (0.7 + 0.3 * tall),
            jointed=bool(rng.random() < 0.6),
            facing=float(rng.uniform(-0.5, 0.5)),
        )


def folds(troupe: Troupe, width: float, length: float, count: int, tone: Colour | None = None) -> list[Mark]:
    """Creases of clothing: thin tapered strokes, and slivers of shade."""
    rng, marks = troupe.rng, []
    for _ in range(count):
        x, y = rng.uniform(-0.8, 0.8) * width, rng.uniform(0, 0.75) * length
        reach = np.array((rng.normal(0, 0.35) * width, rng.uniform(0.1, 0.4) * length))
        bow = rng.normal(0, 0.15, 2) * width
        points = outlines.curve(
            np.stack(((x, y), np.array((x, y)) + reach / 2 + bow, np.array((x, y)) + reach)), 4
        )
        if tone is not None and rng.random() < 0.4:
            sliver = np.concatenate((points, points[::-1] + bow + (0.12 * width, 0)))
            marks.append(Mark(sliver, darker(tone, troupe.style.shade, troupe.style.shade_tint)))
        marks.append(Mark(points, None, max(0.8, troupe.style.line * rng.uniform(0.4, 0.9))))
    return marks


def _torso(troupe: Troupe, build: Build, cloth: Cloth) -> Painting:
    u, rng = build.unit, troupe.rng
    top, waist = -build.torso * u, -0.35 * build.torso * u
    downs = np.array((top - 0.05 * u, top + 0.25 * u, top + 0.7 * u, waist, 0.0, 0.3 * u))
    widths = u * np.array(
        (0.35, build.shoulders, build.shoulders * 0.85, build.hips * 0.85, build.hips, build.hips * 0.8)
    )
    outline = outlines.profile(widths, widths, downs, 5)
    marks = folds(troupe, build.hips * u, build.torso * u, int(rng.integers(0, 6)), cloth.colour)
    for mark in marks:
        mark.points[:, 1] += top
    if rng.random() < 0.6:
        half = rng.uniform(0.25, 0.5) * u
        collar = np.array(
            ((-half, top - 0.1 * u), (0, top + rng.uniform(0.4, 1.2) * u), (half, top - 0.1 * u))
        )
        marks.append(Mark(collar, troupe_skin(rng, cloth)))
        marks.append(Mark(collar, None, troupe.style.line, False))
    if rng.random() < 0.5:
        x = rng.uniform(-0.1, 0.1) * u
        marks.append(Mark(np.array(((x, top), (x, 0.3 * u))), None, troupe.style.line * 0.8, False))
    if rng.random() < 0.35:
        marks += emblem(rng, 0.35 * u, (rng.uniform(-0.3, 0.3) * u, top * 0.6), cloth.second)
    return paint(outline, cloth, troupe.style, rng, marks, open_above=top + 0.12 * u, open_below=0.05 * u)


def troupe_skin(rng: Random, cloth: Cloth) -> tuple[float, float, float]:
    """What shows in a neckline: the second colour of the cloth or white."""
    return cloth.second if rng.random() < 0.5 else (245.0, 240.0, 238.0)


def emblem(
    rng: Random, size: float, at: tuple[float, float], colour: tuple[float, float, float]
) -> list[Mark]:
    """A print: a star, a ring, or strokes like a letter."""
    centre = np.array(at)
    if rng.random() < 0.5:
        tips = int(rng.integers(3, 7))
        return [Mark(outlines.star(size, size * 0.5, tips, np.ones(2 * tips)) + centre, colour)]
    return [
        Mark(rng.uniform(-size, size, (2, 2)) + centre, colour, max(1.0, size * 0.25), False)
        for _ in range(int(rng.integers(2, 6)))
    ]


def _arm(troupe: Troupe, build: Build, body: int, *, side: float, order: float, palette: Palette) -> None:
    u, rng, mover = build.unit, troupe.rng, troupe.mover
    sleeve = palette.cloths[0] if rng.random() < 0.75 else Cloth(palette.skin)
    thick, length = build.thick * u, build.arm * u
    rest = -side * rng.uniform(0.0, 1.1) + rng.normal(0, 0.2)
    if rng.random() < 0.25:
        rest = -side * rng.uniform(1.2, 2.9)
    shoulder = (side * build.shoulders * u * 0.82, -build.torso * u + 0.35 * u)
    marks = folds(troupe, thick, length, int(rng.integers(0, 4)), sleeve.colour)
    if build.jointed:
        upper = outlines.limb(length, thick * 1.1, thick * 0.95)
        arm = troupe.add(
            paint(upper, sleeve, troupe.style, rng, marks, open_below=length * 0.97), order, body, shoulder
        )
        mover.joint(troupe.cels[arm], rest, 0.55)
        flare = rng.uniform(1.4, 3.2) if rng.random() < 0.2 else rng.uniform(0.6, 1.2)
        lower = outlines.limb(length * 0.95, thick * 0.95, thick * flare, 0.05, 0.1)
        cloth = sleeve if rng.random() < 0.7 else Cloth(palette.skin)
        painting = paint(lower, cloth, troupe.style, rng, marks[:2], open_above=0.1 * u)
        fore = troupe.add(painting, order + 0.02, arm, (0, length * 0.97))
        mover.joint(troupe.cels[fore], -side * rng.uniform(-1.9, 0.2), 0.6)
        wrist, tip = fore, length * 0.95
    else:
        whole = outlines.limb(length * 1.9, thick * 1.1, thick * 0.75)
        arm = troupe.add(
            paint(whole, sleeve, troupe.style, rng, marks), order, body, shoulder, length=length * 1.9
        )
        mover.joint(troupe.cels[arm], rest, 0.5)
        mover.bend(troupe.cels[arm], 0.25, 0.25)
        wrist, tip = arm, length * 1.9
    size = thick * rng.uniform(2.0, 2.7)
    palm = outlines.hand(rng, size) * (side, 1)
    lines = [
        Mark(np.array(((x, 0.45 * size), (x * 1.1, 0.8 * size))), None, 0.8)
        for x in (-0.1 * size, 0.12 * size)
    ]
    under = -0.01 if rng.random() < 0.6 else 0.01
    painting = paint(palm[:: int(side)], Cloth(palette.skin), troupe.style, rng, lines if size > 14 else [])
    index = troupe.add(painting, order + 0.02 + under, wrist, (0, tip))
    mover.joint(troupe.cels[index], rng.normal(0, 0.3), 0.4)


def _leg(
    troupe: Troupe, build: Build, body: int, *, side: float, order: float, cloths: tuple[Cloth, Cloth]
) -> None:
    u, rng, mover = build.unit, troupe.rng, troupe.mover
    thick, length = build.thick * u * 1.35, build.leg * u * 0.5
    hip = (side * build.hips * u * 0.5, -0.05 * u)
    trousers, shoe = cloths
    upper = paint(
        outlines.limb(length, thick * 1.1, thick * 0.85), trousers, troupe.style, rng, open_below=length
    )
    thigh = troupe.add(upper, order, body, hip)
    mover.joint(troupe.cels[thigh], rng.normal(-side * 0.1, 0.35), 0.5)
    lower = outlines.limb(length, thick * 0.85, thick * 0.55, 0.12)
    marks = folds(troupe, thick * 0.6, length, int(rng.integers(0, 3)))
    shin = troupe.add(
        paint(lower, trousers, troupe.style, rng, marks, open_above=0.1 * u), order + 0.01, thigh, (0, length)
    )
    mover.joint(troupe.cels[shin], abs(rng.normal(0, 0.4)), 0.5)
    way = 1 if rng.random() < 0.5 else -1
    sole = np.array(((-0.5, -0.2), (0.5, -0.3), (0.7, 0.3), (1.6, 0.6), (1.6, 0.95), (-0.6, 0.95)))
    foot = outlines.closed(sole * thick * (way, 1))
    index = troupe.add(paint(foot[::way], shoe, troupe.style, rng), order + 0.02, shin, (0, length))
    mover.joint(troupe.cels[index], rng.normal(0, 0.15), 0.3)


def _skirt(troupe: Troupe, build: Build, body: int, cloth: Cloth) -> None:
    u, rng = build.unit, troupe.rng
    length = u * rng.uniform(0.9, 2.6)
    flare = build.hips * u * rng.uniform(1.1, 2.0)
    pleats = int(rng.integers(2, 6))
    outline = outlines.garment(length, build.hips * u * 0.95, flare, pleats, rng.uniform(0.01, 0.06))
    marks = [
        Mark(np.array(((x * 0.6, length * 0.15), (x, length * 0.97))), None, troupe.style.line * 0.7)
        for x in np.linspace(-0.8, 0.8, pleats + 1) * flare
    ]
    index = troupe.add(
        paint(outline, cloth, troupe.style, rng, marks, open_above=0.02 * u),
        0.15,
        body,
        (0, -0.25 * u),
        length,
    )
    troupe.mover.joint(troupe.cels[index], 0.0, 0.12)
    troupe.mover.bend(troupe.cels[index], 0.1, 0.25)
    troupe.mover.flutter(troupe.cels[index], 0.06, rng.uniform(0.5, 1.2))


def _cape(troupe: Troupe, build: Build, body: int, cloth: Cloth) -> None:
    u, rng = build.unit, troupe.rng
    length = u * build.torso * rng.uniform(0.8, 1.9)
    outline = outlines.garment(
        length, build.shoulders * u * 0.9, build.shoulders * u * rng.uniform(1.2, 2.2), 3, 0.05
    )
    marks = folds(troupe, build.shoulders * u, length, 7, cloth.colour)
    at = (0.0, -build.torso * u + 0.2 * u)
    index = troupe.add(paint(outline, cloth, troupe.style, rng, marks), -2.5, body, at, length, follow=False)
    troupe.mover.joint(troupe.cels[index], rng.normal(0, 0.4), 0.35)
    troupe.mover.bend(troupe.cels[index], 0.4, 0.4)
    troupe.mover.flutter(troupe.cels[index], 0.12, rng.uniform(0.8, 1.8))


def add_figure(
    troupe: Troupe, palette: Palette, build: Build, *, at: Floats, order: float, legs: bool = True
) -> int:
    """Add a person.

    Args:
        troupe: where its cels go.
        palette: its colours.
        build: its proportions; the unit in cel pixels.
        at: where the middle of its face is, in canvas pixels.
        order: of its torso; parts lie within ±4 of it, divided by 10.
        legs: a whole body, rather than one that the picture's edge cuts.

    Returns:
        index of its torso, the root.
    """
    rng, mover = troupe.rng, troupe.mover
    unit = build.unit
    first = len(troupe.cels)
    place = (float(at[0]), float(at[1]) + build.hips_below_face * unit / troupe.detail)
    body = troupe.add(_torso(troupe, build, palette.cloths[0]), 0.0, -1, place, build.torso * unit)
    mover.joint(troupe.cels[body], rng.normal(0, 0.12), 0.15)
    troupe.cels[body].tracks[STRETCH_Y] = mover.change(0.0, 0.03)
    troupe.cels[body].tracks[STRETCH_X] = track(0.0, -troupe.cels[body].tracks[STRETCH_Y][1])
    if legs:
        dressed = (palette.cloths[1], palette.cloths[2])
        for side, layer in ((-1.0, -1.0), (1.0, -0.8)):
            _leg(troupe, build, body, side=side, order=layer, cloths=dressed)
        if rng.random() < 0.5:
            _skirt(troupe, build, body, palette.cloths[1])
    if rng.random() < 0.3:
        _cape(troupe, build, body, palette.cloths[2])
    for side, layer in ((-1.0, -2.0 if rng.random() < 0.5 else 2.0), (1.0, 2.2)):
        _arm(troupe, build, body, side=side, order=layer, palette=palette)
    thick = 0.3 * unit
    neck = outlines.limb(0.8 * unit, thick, thick, 0.0) * (1, -1)
    nape = paint(neck[::-1], Cloth(darker(palette.skin, 0.9)), troupe.style, rng)
    above = (0.0, -build.torso * unit + 0.1 * unit)
    throat = troupe.add(nape, -0.2 if rng.random() < 0.5 else 0.2, body, above, 0.8 * unit)
    head = add_face(troupe, palette, unit, parent=throat, offset=(0.0, -1.15 * unit), facing=build.facing)
    mover.joint(troupe.cels[head], rng.normal(0, 0.12), 0.22)
    for cel in troupe.cels[first:]:
        cel.order = order + cel.order / 10
    return body
