"""Things: props, animals, swarms, sheets of cloth, effects, captions."""

from __future__ import annotations

import cv2
import numpy as np

from nakawari.data.cartoon import outlines
from nakawari.data.cartoon.looks import cloth, tone
from nakawari.data.cartoon.paint import Cloth, Mark, Painting, Style, darker, fill, paint, ribbon
from nakawari.data.cartoon.scene import ADD, ANGLE, OPACITY, STRETCH_X, STRETCH_Y, Bytes, Floats, X, Y, track
from nakawari.data.cartoon.troupe import Troupe

Size = tuple[int, int]


def _thing(troupe: Troupe, size: float) -> Painting:
    """A prop: ball, box, blade, leaf, star, bag, cup."""
    rng = troupe.rng
    kind = int(rng.integers(9))
    if kind == 0:
        outline = outlines.blob(rng, size, 0.02, 8)
    elif kind == 1:
        outline = outlines.polygon(rng, size, int(rng.integers(3, 8)))
    elif kind == 2:
        outline = outlines.limb(2.4 * size, 0.12 * size, 0.1 * size, 0.0, 2.0)
    elif kind == 3:
        outline = outlines.lock(1.6 * size, 0.4 * size, rng.normal(0, 0.3))
    elif kind == 4:
        tips = int(rng.integers(4, 9))
        outline = outlines.star(size, 0.5 * size, tips, rng.uniform(0.8, 1.1, 2 * tips))
    elif kind == 5:
        a, b = size * rng.uniform(0.5, 1.1, 2)
        outline = np.array(((-a, -b), (a, -b), (a, b), (-a, b)))
    elif kind == 6:
        return _fan(troupe, 1.3 * size)
    else:
        outline = outlines.blob(rng, size, 0.22, int(rng.integers(6, 12)), rng.uniform(0.6, 1.4))
    reach = 0.7 * size
    marks = []
    for _ in range(int(rng.integers(0, 6))):
        points = outlines.curve(rng.uniform(-reach, reach, (3, 2)), 4)
        colour = None if rng.random() < 0.5 else tone(rng)
        marks.append(Mark(points, colour, rng.uniform(0.6, 1.5) * max(troupe.style.line, 1)))
    if rng.random() < 0.4:
        marks.append(Mark(outlines.blob(rng, 0.3 * size, 0.2) + rng.uniform(-0.4, 0.4, 2) * size, tone(rng)))
    return paint(outline, cloth(rng, 1.0), troupe.style, rng, marks)


def _fan(troupe: Troupe, size: float) -> Painting:
    """A folding fan: an arc of leaves on thin ribs."""
    rng = troupe.rng
    half, ribs = rng.uniform(0.5, 1.4), int(rng.integers(5, 13))
    angle = np.linspace(-half, half, 2 * ribs)
    outer = np.stack((np.sin(angle), -np.cos(angle)), -1) * size
    inner = outer[::-1] * rng.uniform(0.05, 0.5)
    lines = [
        Mark(np.stack((-0.15 * tip, tip)), None, max(1.0, troupe.style.line), False) for tip in outer[::2]
    ]
    return paint(np.concatenate((outer, inner)), cloth(rng, 1.0), troupe.style, rng, lines)


def add_cords(troupe: Troupe, size: Size) -> None:
    """Thin long things: cords, wires, reins, sticks, stalks."""
    rng, mover, detail = troupe.rng, troupe.mover, troupe.detail
    thick = max(1.2, rng.uniform(0.6, 4.0)) * detail
    colour = cloth(rng, 0.0)
    for _ in range(int(rng.integers(1, 7))):
        length = rng.uniform(0.25, 1.1) * size[0] * detail
        outline = outlines.limb(length, thick, thick * rng.uniform(0.3, 1.0), 0.0)
        at = (rng.uniform(0, 1) * size[1], rng.uniform(-0.1, 0.7) * size[0])
        style = troupe.style if thick > 2 * troupe.style.line else bare(troupe.style)
        index = troupe.add(paint(outline, colour, style, rng), float(rng.uniform(-60, 60)), -1, at, length)
        cel = troupe.cels[index]
        mover.joint(cel, rng.uniform(-3.1, 3.1), 0.3)
        mover.travel(cel, 0.05 * size[1], 0.05 * size[0])
        if rng.random() < 0.7:
            mover.bend(cel, 0.3, 0.25)
            mover.flutter(cel, 0.06, rng.uniform(0.5, 3.0))


def add_things(troupe: Troupe, size: Size, count: int, radius: float, reach: float) -> None:
    """Scatter props over the canvas; `radius` and `reach` (how far they travel) in canvas pixels."""
    rng, mover = troupe.rng, troupe.mover
    for _ in range(count):
        painting = _thing(troupe, radius * rng.uniform(0.3, 1.2) * troupe.detail)
        at = (rng.uniform(0, size[1]), rng.uniform(0, size[0]))
        index = troupe.add(painting, float(rng.uniform(-50, 50)), -1, at, depth=float(rng.uniform(0.7, 1.2)))
        cel = troupe.cels[index]
        mover.travel(cel, reach, reach)
        mover.joint(cel, rng.uniform(0, 6.28), 0.5)
        cel.tracks[STRETCH_X], cel.tracks[STRETCH_Y] = mover.change(0, 0.12), mover.change(0, 0.12)
        if rng.random() < 0.3:
            mover.bend(cel, 0.1, 0.15)


def add_swarm(troupe: Troupe, size: Size, count: int, reach: float) -> None:
    """Many alike that go the same way: fish, birds, leaves, petals."""
    rng, mover, style = troupe.rng, troupe.mover, troupe.style
    length = rng.uniform(0.05, 0.28) * size[1] * troupe.detail
    if rng.random() < 0.6:
        outline = outlines.fish(length, length * rng.uniform(0.12, 0.24), rng.uniform(0.7, 1.5))
        dot = outlines.blob(rng, 0.03 * length, 0.1, 6) + np.array((0.04, 0.14)) * length
        marks = [Mark(dot, (20, 20, 20)), Mark(np.array(((0, 0.3), (0, 0.7))) * length, None, style.line)]
    else:
        outline, marks = outlines.lock(length * 0.5, length * 0.13, rng.normal(0, 0.3)), []
    paintings = [paint(outline, cloth(rng, 0.4), style, rng, marks) for _ in range(2)]
    heading = rng.uniform(0, 6.28)
    way = np.array((np.sin(heading), -np.cos(heading))) * reach * mover.energy
    for number in range(count):
        at = (rng.uniform(-0.1, 1.1) * size[1], rng.uniform(-0.1, 1.1) * size[0])
        painting = paintings[number % 2]
        scale = float(rng.uniform(0.5, 1.3))
        index = troupe.add(
            painting, float(rng.uniform(-40, 40)), -1, at, angle=heading + rng.normal(0, 0.2), scale=scale
        )
        cel = troupe.cels[index]
        pace = scale * rng.uniform(0.7, 1.2)
        cel.tracks[X], cel.tracks[Y] = track(0, way[0] * pace), track(0, way[1] * pace)
        cel.tracks[ANGLE] = mover.change(0, 0.15)
        mover.bend(cel, 0.05, 0.12)


def add_sheet(troupe: Troupe, size: Size) -> None:
    """A large cloth that waves: a flag, a curtain, a banner, a tentacle."""
    rng, mover = troupe.rng, troupe.mover
    length = rng.uniform(0.4, 1.0) * size[0] * troupe.detail
    width = rng.uniform(0.05, 0.35) * size[1] * troupe.detail
    if rng.random() < 0.6:
        outline = outlines.garment(
            length, width * rng.uniform(0.7, 1.0), width, int(rng.integers(1, 5)), 0.03
        )
    else:
        outline = outlines.lock(length, 0.4 * width, rng.normal(0, 0.2))
    marks = [
        Mark(np.array(((x, 0.05 * length), (x * 1.05, 0.95 * length))), None, troupe.style.line * 0.8)
        for x in rng.uniform(-0.7, 0.7, int(rng.integers(0, 6))) * width
    ]
    at = (rng.uniform(0.1, 0.9) * size[1], rng.uniform(-0.1, 0.4) * size[0])
    order = float(rng.choice((-60.0, 60.0)))
    index = troupe.add(paint(outline, cloth(rng, 1.0), troupe.style, rng, marks), order, -1, at, length)
    cel = troupe.cels[index]
    mover.joint(cel, rng.normal(0, 0.7), 0.25)
    mover.bend(cel, 0.25, 0.35)
    mover.flutter(cel, 0.12, rng.uniform(0.5, 2.2))
    mover.billow(cel, 0.1)


def _soft(radius: int, colour: tuple[float, float, float], power: float) -> Painting:
    """A round glow that fades to nothing."""
    x = np.linspace(-1, 1, 2 * radius + 1, dtype=np.float32)
    fade = np.clip(1 - np.hypot(x[None], x[:, None]), 0, 1) ** power
    image = (fade[..., None] * np.array((*colour, 255.0), np.float32)).astype(np.uint8)
    return Painting(image, (float(radius), float(radius)))


def add_glow(troupe: Troupe, size: Size) -> None:
    """A light that shines over everything, and may move or flare."""
    rng = troupe.rng
    radius = int(rng.uniform(0.1, 0.6) * size[1])
    at = (rng.uniform(0, size[1]), rng.uniform(0, size[0]))
    index = troupe.add(_soft(radius, tone(rng, 0.5), rng.uniform(1.2, 3)), 95.0, -1, at, scale=troupe.detail)
    cel = troupe.cels[index]
    cel.blend = ADD
    troupe.mover.travel(cel, 0.05 * size[1], 0.05 * size[1])
    cel.tracks[OPACITY] = track(rng.uniform(0.3, 1), rng.normal(0, 0.2) * troupe.mover.energy)


def add_smoke(troupe: Troupe, size: Size) -> None:
    """Puffs that grow, drift and thin out; drawn with edges or airbrushed."""
    rng, mover = troupe.rng, troupe.mover
    edged = rng.random() < 0.5
    colour = tone(rng, 0.1)
    centre = rng.uniform(0.2, 0.8, 2) * (size[1], size[0])
    for _ in range(int(rng.integers(3, 9))):
        radius = rng.uniform(0.04, 0.16) * size[1] * troupe.detail
        if edged:
            painting = paint(
                outlines.blob(rng, radius, 0.12, 9),
                Cloth(darker(colour, rng.uniform(0.85, 1.1))),
                troupe.style,
                rng,
            )
        else:
            painting = _soft(int(radius * 1.5) + 2, colour, 0.7)
        at = centre + rng.normal(0, 0.1, 2) * size[1]
        index = troupe.add(
            painting, 70 + float(rng.random()), -1, (float(at[0]), float(at[1])), length=radius
        )
        cel = troupe.cels[index]
        away = (at - centre) * mover.energy * rng.uniform(0, 0.6)
        cel.tracks[X], cel.tracks[Y] = track(0, away[0]), track(0, away[1] - rng.uniform(0, 0.05) * size[0])
        grow = track(0, rng.uniform(0, 0.4) * mover.energy)
        cel.tracks[STRETCH_X], cel.tracks[STRETCH_Y] = grow, grow
        cel.tracks[OPACITY] = track(
            rng.uniform(0.6, 1.0), 0.0 if edged else -rng.uniform(0, 0.4) * mover.energy
        )


def add_speed_lines(troupe: Troupe, size: Size) -> None:
    """Lines that fan out from a point or run across; one cel that grows, turns or slides."""
    rng, detail = troupe.rng, troupe.detail
    side = int(max(size) * 1.3)
    image = np.zeros((side, side, 4), np.uint8)
    colour = (255, 255, 255) if rng.random() < 0.6 else tone(rng)
    fan, centre = rng.random() < 0.6, np.array((side, side)) / 2
    for _ in range(int(rng.integers(10, 50))):
        if fan:
            angle = rng.uniform(0, 6.28)
            way = np.array((np.cos(angle), np.sin(angle)))
            ends = centre + way * (rng.uniform(0.25, 0.5) * side), centre + way * 0.75 * side
        else:
            start = rng.uniform(0.02, 0.98, 2) * side
            ends = start, start + np.array((rng.uniform(0.1, 0.4) * side, 0))
        points = ribbon(np.linspace(*ends, 7), rng.uniform(0.8, 4), True)
        fill(image, np.clip(points, 1, side - 2), (*colour, 255))
    at = ((size[1] - 1) / 2, (size[0] - 1) / 2)
    index = troupe.add(Painting(image, (side / 2, side / 2)), 80.0, -1, at, side / 2, depth=0.0, scale=detail)
    cel = troupe.cels[index]
    grow = troupe.mover.change(0.05, 0.05)
    cel.tracks[STRETCH_X] = cel.tracks[STRETCH_Y] = grow
    cel.tracks[X] = troupe.mover.change(0, 0.0 if fan else 0.08 * size[1])
    cel.tracks[OPACITY] = track(rng.uniform(0.55, 1))


def add_particles(troupe: Troupe, size: Size) -> None:
    """Snow, rain, sparks, petals: sheets of small marks that drift at different speeds."""
    rng = troupe.rng
    side, colour, kind = int(max(size) * 1.5), tone(rng, 0.6), int(rng.integers(3))
    for sheet in range(int(rng.integers(1, 4))):
        image = np.zeros((side, side, 4), np.uint8)
        big = rng.uniform(0.8, 4.5)
        for at in rng.uniform(10, side - 10, (int(rng.integers(20, 90)), 2)):
            if kind == 0:
                points = outlines.blob(rng, big * rng.uniform(0.5, 1.2), 0.1, 5) + at
            elif kind == 1:
                points = ribbon(at + np.array(((0, 0), (1, 4), (2, 8))) * big * 0.6, big * 0.4, True)
            else:
                points = outlines.polygon(rng, big * 1.3, 4) + at
            fill(image, points, (*colour, 255))
        at = ((size[1] - 1) / 2, (size[0] - 1) / 2)
        painting = Painting(image, (side / 2, side / 2))
        index = troupe.add(painting, 75.0 + sheet, -1, at, side / 2, depth=1.0, scale=troupe.detail)
        cel = troupe.cels[index]
        troupe.mover.travel(cel, 0.05 * size[1], 0.08 * size[0])
        troupe.mover.flutter(cel, 0.01, 2.0)
        cel.tracks[OPACITY] = track(rng.uniform(0.6, 1))


def add_bars(troupe: Troupe, size: Size) -> None:
    """A still rim around the picture: letterbox bars, or the white margin of a drawing."""
    rng, (height, width) = troupe.rng, size
    image = np.zeros((height, width, 4), np.uint8)
    top, side = (int(rng.uniform(0.04, 0.14) * n) * int(rng.random() < 0.7) for n in size)
    colour = (*((0, 0, 0) if rng.random() < 0.6 else (255, 255, 255)), 255)
    image[:top], image[height - top :] = colour, colour
    image[:, :side], image[:, width - side :] = colour, colour
    index = troupe.add(Painting(image, (0.0, 0.0)), 190.0, -1, (0.0, 0.0), 1.0, depth=0.0)
    troupe.cels[index].scale = 1.0


def glyphs(rng: outlines.Random, count: int, height: float) -> list[Floats]:
    """Strokes of invented signs that look like East Asian writing."""
    strokes = []
    for number in range(count):
        corner = np.array((number * height * 1.12, 0.0))
        for _ in range(int(rng.integers(3, 9))):
            x, y = rng.uniform(0.05, 0.95, 2)
            kind = int(rng.integers(4))
            reach = rng.uniform(0.25, 0.9)
            ends = ((reach, 0.0), (0.0, reach), (-0.5 * reach, reach), (0.45 * reach, 0.8 * reach))[kind]
            line = np.array(((x, y), (x + ends[0] / 2, y + ends[1] / 2), (x + ends[0], y + ends[1])))
            strokes.append(np.clip(line, 0.02, 0.98) * height + corner)
    return strokes


def _letters(rng: outlines.Random, width: int, height: int) -> Bytes:
    """[1.6 height, width] mask of a line of writing: Latin letters, or invented signs."""
    mask = np.zeros((int(height * 1.6), width), np.uint8)
    weight = max(1, height // 12)
    if rng.random() < 0.5:
        alphabet = list("abcdefghiklmnoprstuvwy    ABCDEGHIKLMNORST.,!?'0123")
        words = "".join(rng.choice(alphabet, int(2 * width / height)))
        at, scale = (5, int(1.1 * height)), height / 32
        cv2.putText(mask, words, at, cv2.FONT_HERSHEY_SIMPLEX, scale, 255, weight, cv2.LINE_AA)
        return mask
    for stroke in glyphs(rng, max(1, int(width / height / 1.15)), height):
        points = np.rint((stroke + np.array((4, 0.25 * height))) * 16).astype(np.int32)
        cv2.polylines(mask, [points], False, 255, weight, cv2.LINE_AA, 4)
    return mask


def add_caption(troupe: Troupe, size: Size) -> None:
    """Writing that stays where it is on the screen, with or without a rim or box."""
    rng = troupe.rng
    height = int(rng.uniform(0.035, 0.1) * size[0]) + 6
    width = int(size[1] * rng.uniform(0.3, 0.95))
    mask = _letters(rng, width, height)
    light = rng.random() < 0.75
    ink, rim = ((255, 255, 255), (10, 10, 10)) if light else ((15, 15, 20), (250, 250, 250))
    reach = 2 * max(1, height // 14) + 1
    round_ = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    around = np.full_like(mask, 255) if rng.random() < 0.2 else cv2.dilate(mask, round_)
    share, cover = mask[..., None] / 255, np.maximum(around, mask)[..., None] / 255
    colour = np.array((*ink, 255)) * share + np.array((*rim, 255)) * (cover - share)
    image = np.clip(np.rint(colour), 0, 255).astype(np.uint8)
    image[:, [0, -1]] = 0
    image[[0, -1]] = 0
    at = (float(rng.integers(0, max(1, size[1] - width))), float(rng.choice((0.02, 0.86)) * size[0] // 1))
    index = troupe.add(Painting(image, (0.0, 0.0)), 200.0, -1, at, 1.0, depth=0.0)
    troupe.cels[index].scale = 1.0


def bare(style: Style) -> Style:
    """The style without lines."""
    return Style(0.0, 0.0, style.ink, style.shade, style.shade_tint, style.light, style.soft, style.paper)
