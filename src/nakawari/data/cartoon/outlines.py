"""Outlines of things: closed curves as [M, 2] points, x right and y down, around a pivot at the origin."""

from __future__ import annotations

from functools import cache

import numpy as np

from nakawari.data.cartoon.scene import Floats

Random = np.random.Generator


@cache
def _closed_basis(knots: int, per: int) -> Floats:
    """[knots·per, knots] Catmull-Rom weights of a closed curve."""
    u = np.arange(per) / per
    weights = np.stack(
        (-u + 2 * u**2 - u**3, 2 - 5 * u**2 + 3 * u**3, u + 4 * u**2 - 3 * u**3, u**3 - u**2), -1
    )
    basis = np.zeros((knots * per, knots))
    for knot in range(knots):
        for offset in range(4):
            basis[knot * per : (knot + 1) * per, (knot + offset - 1) % knots] += weights[:, offset] / 2
    return basis


@cache
def _open_basis(knots: int, per: int) -> Floats:
    """[(knots-1)·per + 1, knots] Catmull-Rom weights of an open curve; ends are doubled."""
    u = np.linspace(0, knots - 1, (knots - 1) * per + 1)
    basis = np.zeros((len(u), knots))
    for row, at in zip(basis, u, strict=True):
        first = min(int(at), knots - 2)
        f = at - first
        weights = (-f + 2 * f**2 - f**3, 2 - 5 * f**2 + 3 * f**3, f + 4 * f**2 - 3 * f**3, f**3 - f**2)
        for offset, weight in enumerate(weights):
            row[min(max(first + offset - 1, 0), knots - 1)] += weight / 2
    return basis


def closed(points: Floats, per: int = 6) -> Floats:
    """A smooth closed curve through points [K, 2]."""
    return _closed_basis(len(points), per) @ points


def curve(points: Floats, per: int = 6) -> Floats:
    """A smooth open curve through points [K, 2]."""
    return _open_basis(len(points), per) @ points


def normals(points: Floats, loop: bool = True) -> Floats:
    """Unit normals of a curve [M, 2]; of a clockwise closed curve (y down) they point outwards."""
    out = np.empty(points.shape)
    out[1:-1, 0], out[1:-1, 1] = points[2:, 1] - points[:-2, 1], points[:-2, 0] - points[2:, 0]
    before, after = (-1, 0) if loop else (0, -1)
    first, last = points[1] - points[before], points[after] - points[-2]
    out[0], out[-1] = (first[1], -first[0]), (last[1], -last[0])
    out /= np.hypot(out[:, 0], out[:, 1])[:, None] + 1e-9
    return out


def profile(lefts: Floats, rights: Floats, downs: Floats, per: int = 6) -> Floats:
    """A closed shape along y from its half-widths: left and right of the axis at heights `downs`."""
    right = np.stack((rights, downs), -1)
    left = np.stack((-lefts, downs), -1)[::-1]
    return closed(np.concatenate((right, left)), per)


def blob(rng: Random, radius: float, wobble: float = 0.15, knots: int = 8, aspect: float = 1.0) -> Floats:
    """A roundish shape around the origin."""
    angle = np.arange(knots) * 2 * np.pi / knots + rng.uniform(0, 6)
    r = radius * (1 + wobble * rng.standard_normal(knots)).clip(0.4, 1.7)
    return closed(np.stack((r * np.cos(angle), r * np.sin(angle) * aspect), -1))


def polygon(rng: Random, radius: float, corners: int) -> Floats:
    """A sharp polygon around the origin."""
    angle = np.sort(np.arange(corners) + rng.uniform(-0.3, 0.3, corners)) * 2 * np.pi / corners
    r = radius * rng.uniform(0.6, 1.1, corners)
    return np.stack((r * np.cos(angle), r * np.sin(angle)), -1)


def star(radius: float, inner: float, tips: int, jitter: Floats) -> Floats:
    """A star or burst; `jitter` [2·tips] are factors of its radii."""
    angle = np.arange(2 * tips) * np.pi / tips
    r = np.where(np.arange(2 * tips) % 2 == 0, radius, inner) * jitter
    return np.stack((r * np.cos(angle), r * np.sin(angle)), -1)


def limb(length: float, start: float, end: float, swell: float = 0.1, round_end: float = 0.6) -> Floats:
    """A limb from its joint at the origin downwards; `start` and `end` are half-widths."""
    downs = np.array((-0.35 * start, 0.15 * length, 0.45 * length, 0.8 * length, length + round_end * end))
    widths = np.array((0.75 * start, start * (1 + swell), (start + end) / 2 * (1 + swell), end, end * 0.65))
    return profile(widths, widths * (1 - swell / 2), downs)


def lock(length: float, width: float, hook: float, tip: float = 0.0) -> Floats:
    """A lock of hair, hanging: broad at the origin, a point at its end, hooked to one side."""
    s = np.array((-0.08, 0.1, 0.35, 0.62, 0.85))
    w = width * np.array((0.8, 1.0, 0.95, 0.65, 0.33))
    bow = hook * s**2 * length
    right = np.stack((bow + w, s * length), -1)
    left = np.stack((bow - w, s * length), -1)[::-1]
    end = np.array(((hook * length + tip, length),))
    sides = curve(np.concatenate((right, end)), 5), curve(np.concatenate((end, left)), 5)[1:]
    return np.concatenate(sides)


def mane(rng: Random, length: float, width: float, tips: int) -> Floats:
    """A mass of long hair, hanging: gathered at the origin, ending in several points."""
    sides = np.array((0.0, 0.12, 0.4, 0.7, 0.88))
    half = width * np.array((0.45, 0.85, 1.0, 0.95, 0.9))
    right = curve(np.stack((half, sides * length), -1), 4)
    x = np.linspace(0.85, -0.85, 2 * tips + 1) * width
    y = length * np.where(np.arange(2 * tips + 1) % 2 == 1, rng.uniform(0.95, 1.15), rng.uniform(0.75, 0.85))
    y = y + length * rng.normal(0, 0.04, 2 * tips + 1)
    return np.concatenate((right, np.stack((x, y), -1), right[::-1] * (-1, 1)))


def fringe(rng: Random, width: float, height: float, tips: int, depth: float) -> Floats:
    """Hair over a forehead: an arc above, jagged points below. The origin is the middle of the forehead."""
    angle = np.linspace(np.pi, 2 * np.pi, 9)
    arc = np.stack((width * np.cos(angle), height * np.sin(angle)), -1)
    x = np.linspace(width, -width, 2 * tips + 1)
    low = depth * rng.uniform(0.6, 1.2, tips) * (1 + 0.5 * np.abs(x[1::2] / width))
    teeth = np.zeros((2 * tips + 1, 2))
    teeth[:, 0] = x
    teeth[1::2, 1] = low
    teeth[1::2, 0] += rng.normal(0, 0.35 * width / tips, tips)
    teeth[2:-1:2, 1] = depth * rng.uniform(-0.3, 0.35, tips - 1)
    return np.concatenate((curve(arc, 3), teeth[1:-1]))


def face(width: float, height: float, chin: float, jaw: float) -> Floats:
    """A face; the origin is between the eyes. `chin` and `jaw` are half-widths as shares of `width`."""
    downs = height * np.array((-0.62, -0.5, -0.1, 0.22, 0.42, 0.52))
    widths = width * np.array((0.45, 0.8, 1.0, 0.93, jaw, chin))
    return profile(widths, widths, downs)


def hand(rng: Random, size: float) -> Floats:
    """A hand with fingers, or a fist, hanging from the wrist at the origin."""
    if rng.random() < 0.25:
        fist: Floats = blob(rng, size * 0.5, 0.08, 8) + np.array((0, size * 0.4))
        return fist
    fingers, spread = int(rng.integers(3, 5)), rng.uniform(0.05, 0.35)
    points = [(0.28 * size, -0.1 * size), (0.42 * size, 0.25 * size)]
    base = np.linspace(0.34, -0.34, fingers)
    for number, x in enumerate(base):
        lean = x * (1 + 2 * spread)
        reach = size * (0.95 + 0.22 * rng.uniform(-1, 0.4) - 0.25 * abs(x))
        half = 0.30 * size / fingers
        points += [(x * size + half, 0.5 * size), (lean * size + half * 0.8, reach)]
        points += [(lean * size - half * 0.8, reach), (x * size - half, 0.5 * size)]
        if number < fingers - 1:
            points.append(((x + base[number + 1]) / 2 * size, 0.46 * size))
    points += [(-0.42 * size, 0.3 * size)]
    if rng.random() < 0.8:
        points += [(-0.72 * size, 0.5 * size), (-0.75 * size, 0.36 * size), (-0.4 * size, 0.05 * size)]
    points += [(-0.28 * size, -0.1 * size)]
    return closed(np.array(points), 3)


def garment(length: float, top: float, bottom: float, hem: int, wave: float) -> Floats:
    """A skirt, coat tail, cape or curtain, hanging from the origin, with a scalloped hem."""
    sides = np.linspace(0, 1, 5)
    half = top + (bottom - top) * sides**1.3
    right = curve(np.stack((half, sides * length), -1), 3)
    x = np.linspace(bottom, -bottom, 4 * hem + 1)
    y = length * (1 + wave * np.cos(np.linspace(0, 2 * np.pi * hem, 4 * hem + 1)))
    return np.concatenate((right, np.stack((x, y), -1)[1:-1], right[::-1] * (-1, 1)))


def fish(length: float, height: float, fork: float) -> Floats:
    """A fish that swims up (−y); the origin is its snout."""
    downs = length * np.array((0.0, 0.12, 0.35, 0.6, 0.78))
    widths = height * np.array((0.05, 0.55, 1.0, 0.6, 0.16))
    right = curve(np.stack((widths, downs), -1), 4)
    tail = np.array(((height * fork, length), (0, 0.9 * length), (-height * fork, length)))
    fin = np.array(((height * 1.5, 0.5 * length), (height * 0.9, 0.52 * length)))
    cut = len(right) // 2 + 1
    return np.concatenate((right[:cut], fin, right[cut:], tail, right[::-1] * (-1, 1)))
