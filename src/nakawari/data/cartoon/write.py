"""Writing scenes: what is in them and how much it moves, as a pure function of (seed, index)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from nakawari.data.cartoon import looks
from nakawari.data.cartoon.backdrops import KINDS, add_backdrop, add_overlay
from nakawari.data.cartoon.figures import Build, add_figure
from nakawari.data.cartoon.motion import Mover, camera
from nakawari.data.cartoon.outlines import Random
from nakawari.data.cartoon.pose import farthest
from nakawari.data.cartoon.props import (
    add_bars,
    add_caption,
    add_cords,
    add_glow,
    add_particles,
    add_sheet,
    add_smoke,
    add_speed_lines,
    add_swarm,
    add_things,
)
from nakawari.data.cartoon.scene import Floats, Scene
from nakawari.data.cartoon.troupe import Troupe

VERSION = 1
"""Raised whenever a seed gives another picture than before."""

FARTHEST = 0.25
"""Cels move no farther than this share of the width between frame0 and frame1."""

Size = tuple[int, int]


def _travel(troupe: Troupe, root: int, size: Size) -> None:
    reach = 0.16 * size[1]
    troupe.mover.travel(troupe.cels[root], reach, 0.4 * reach)


def _bodies(troupe: Troupe, size: Size) -> None:
    """One to three people, head to toe."""
    rng = troupe.rng
    count = int(rng.choice((1, 2, 3), p=(0.55, 0.33, 0.12)))
    places = (np.arange(count) + rng.uniform(0.25, 0.75, count)) / count
    for place in places:
        build = Build.draw(rng)
        unit = size[0] * rng.uniform(0.45, 1.1) / build.height
        build.unit = unit * troupe.detail
        at = np.array((place * size[1], rng.uniform(0.0, 0.45) * size[0] + unit))
        palette = looks.palette(rng, troupe.style)
        root = add_figure(troupe, palette, build, at=at, order=float(rng.uniform(-10, 10)))
        _travel(troupe, root, size)


def _half(troupe: Troupe, size: Size, unit: float, at: Floats, order: float) -> None:
    """A person without legs; `unit` in canvas pixels, `at` the middle of the face."""
    build = Build.draw(troupe.rng)
    build.unit = unit * troupe.detail
    root = add_figure(troupe, looks.palette(troupe.rng, troupe.style), build, at=at, order=order, legs=False)
    _travel(troupe, root, size)


def _bust(troupe: Troupe, size: Size) -> None:
    """One or two people from the waist up, cut by the picture's edge."""
    rng = troupe.rng
    count = 1 if rng.random() < 0.75 else 2
    for number in range(count):
        unit = size[0] * rng.uniform(0.13, 0.3) / (1 + 0.3 * (count - 1))
        across = rng.uniform(0.3, 0.7) if count == 1 else 0.28 + 0.44 * number
        at = np.array((across * size[1], size[0] * rng.uniform(0.3, 0.6)))
        _half(troupe, size, unit, at, 10.0 * number)


def _close(troupe: Troupe, size: Size) -> None:
    """A face, a hand or a garment that fills the picture."""
    rng = troupe.rng
    unit = size[0] * rng.uniform(0.35, 0.6)
    at = np.array((rng.uniform(0.2, 0.8) * size[1], rng.uniform(-2.2, 0.9) * size[0] * 0.6))
    _half(troupe, size, unit, at, 0.0)


def _things(troupe: Troupe, size: Size) -> None:
    rng = troupe.rng
    add_things(troupe, size, int(rng.integers(3, 16)), rng.uniform(0.04, 0.2) * size[1], 0.12 * size[1])


def _swarm(troupe: Troupe, size: Size) -> None:
    add_swarm(troupe, size, int(troupe.rng.integers(6, 28)), 0.2 * size[1])


def _sheets(troupe: Troupe, size: Size) -> None:
    for _ in range(int(troupe.rng.integers(1, 5))):
        add_sheet(troupe, size)
    if troupe.rng.random() < 0.5:
        _things(troupe, size)


def _view(troupe: Troupe, size: Size) -> None:
    """Nothing but the backdrop and what stands in it: the camera's turn."""
    for _ in range(int(troupe.rng.integers(0, 3))):
        add_overlay(troupe, size)
    if troupe.rng.random() < 0.6:
        add_things(
            troupe, size, int(troupe.rng.integers(3, 10)), troupe.rng.uniform(0.03, 0.12) * size[1], 0.0
        )


CASTS: dict[str, tuple[float, Callable[[Troupe, Size], None]]] = {
    "bodies": (0.28, _bodies),
    "bust": (0.26, _bust),
    "close": (0.08, _close),
    "things": (0.12, _things),
    "swarm": (0.07, _swarm),
    "sheets": (0.07, _sheets),
    "view": (0.12, _view),
}


def _energy(rng: Random) -> float:
    """How much happens: nothing, a little, or up to the limit."""
    if rng.random() < 0.04:
        return 0.0
    low, middle, high = rng.uniform(0.02, 0.25), rng.uniform(0.15, 0.8), rng.uniform(0.6, 1.6)
    return float(rng.choice((low, middle, high), p=(0.42, 0.40, 0.18)))


def _extras(troupe: Troupe, size: Size) -> None:
    rng = troupe.rng
    extras = (
        (0.14, add_overlay),
        (0.08, add_glow),
        (0.06, add_smoke),
        (0.05, add_speed_lines),
        (0.08, add_particles),
        (0.10, add_cords),
        (0.04, add_bars),
        (0.12, add_caption),
    )
    for chance, add in extras:
        if rng.random() < chance:
            add(troupe, size)
    if rng.random() < 0.12:
        add_things(troupe, size, int(rng.integers(1, 4)), 0.06 * size[1], 0.12 * size[1])


def limit(scene: Scene, most: float) -> None:
    """Scale all motion down until nothing moves farther than `most` pixels, in place."""
    while (reach := farthest(scene)) > most:
        factor = max(0.2, 0.97 * most / reach)
        scene.camera[:, (1, 3)] *= factor
        for cel in scene.cels:
            cel.tracks[:, (1, 3)] *= factor


def write(
    seed: int,
    index: int,
    size: Size = (256, 256),
    *,
    cast: str | None = None,
    graded: bool = True,
    layers: bool = False,
) -> Scene:
    """Write scene `index` of a seed.

    Args:
        seed, index: the same pair gives the same scene, whatever was written before.
        size: (height, width) of the canvas in pixels.
        cast: one of CASTS; None: by chance.
        layers: without backdrop, for RGBA frames.
        graded: with light changes, blur, grain and compression; without, frames are as drawn.
    """
    rng = np.random.default_rng((seed, index))
    look = looks.draw_look(rng)
    names = list(CASTS)
    chosen = cast or str(rng.choice(names, p=[CASTS[name][0] for name in names]))
    fine = (1.0, 1.25) if chosen in ("bust", "close") else (1.0, 1.4, 1.8)
    detail = float(rng.choice(fine))
    energy = _energy(rng)
    ease = 0.0 if rng.random() < 0.6 else float(rng.uniform(0.1, 0.5))
    mover = Mover(rng, energy, ease, float(rng.choice((0.0, 0.08, 0.25))))
    troupe = Troupe(rng, looks.style(rng, look, detail), mover, detail)
    pans = chosen == "view" or rng.random() < 0.4
    share = float(rng.uniform(0, FARTHEST) if rng.random() < 0.4 else rng.uniform(0, 0.06))
    views = [name for name in KINDS if name != "graded"]
    margin = size[1] * (0.30 if pans else 0.06)
    if not layers:
        add_backdrop(troupe, size, margin, str(rng.choice(views)) if chosen == "view" else None)
    CASTS[chosen][1](troupe, size)
    if troupe.style.paper is None:
        _extras(troupe, size)
    if not troupe.cels:
        _things(troupe, size)
    scene = Scene(size, troupe.cels, paper=troupe.paper, kind=f"{chosen}/{look}")
    if pans and energy:
        wild = rng.random() < 0.3
        scene.camera = camera(rng, size[1], share, 0.05 if wild else 0.01, 0.04 if wild else 0.0)
    if graded:
        scene.grade = looks.grade(rng, look, energy > 0)
    limit(scene, FARTHEST * size[1])
    return scene


def when(seed: int, index: int) -> float:
    """The t of sample `index`: often the middle, else anywhere between."""
    rng = np.random.default_rng((seed, index, 1))
    return 0.5 if rng.random() < 0.5 else float(np.float32(rng.uniform(0.05, 0.95)))
