"""What a scene is: painted cels, and how each of them moves. Plain numbers, drawn from a seed.

A scene lasts from time 0 (`frame0`) to time 1 (`frame1`). It is a list of cels. A cel is painted once, in its
own space, and then moved by a map that has a closed form in both directions:

    cel space        pixels of the painting, measured from its pivot, divided by its length: q = (u, v)
    bend             u' = u + f(v),  v' = v + g(u');  f bends hair, limbs and cloth away from the pivot
    affine           joint angle, stretch and shift, chained from parent to child, then the camera

A renderer inverts it to know which point of the painting a pixel shows; going forward again at another time
gives the exact flow. Every animated number is a `track` of four floats; see `values`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating[Any]]
Bytes = npt.NDArray[np.uint8]

ANGLE, STRETCH_X, STRETCH_Y, X, Y, BEND, SWAY, WAVE, PHASE, CROSS, OPACITY = range(11)
"""Rows of `Cel.tracks`: radians, log factors, pixels of the parent, then bends in lengths, radians, share."""
TRACKS = 11

PAN_X, PAN_Y, ZOOM, ROLL = range(4)
"""Rows of `Scene.camera`: pixels, pixels, log factor, radians."""

NORMAL, ADD = 0, 1
"""How a cel is laid over what is below it."""


def track(start: float = 0.0, change: float = 0.0, ease: float = 0.0, arc: float = 0.0) -> Floats:
    """Four floats that `values` reads."""
    return np.array((start, change, ease, arc), np.float64)


def values(tracks: Floats, times: Floats) -> Floats:
    """What tracks are worth at given times.

    Args:
        tracks: [..., 4]: start, change, ease, arc. `ease` in (-1, 1): positive is slow at both ends. `arc` is
            added half-way and at no end.
        times: [T], 0 is frame0 and 1 is frame1.

    Returns:
        [T, ...].
    """
    t = times.reshape(-1, *([1] * (tracks.ndim - 1)))
    start, change, ease, arc = (tracks[..., i] for i in range(4))
    eased = t - ease * np.sin(2 * np.pi * t) / (2 * np.pi)
    result: Floats = start + change * eased + arc * 4 * t * (1 - t)
    return result


def still_tracks() -> Floats:
    """[11, 4] tracks of a cel that does not move and is opaque."""
    tracks = np.zeros((TRACKS, 4))
    tracks[OPACITY, 0] = 1
    return tracks


@dataclass(slots=True)
class Cel:
    """A painting and its motion.

    Attributes:
        image: [h, w, 4] uint8, RGB premultiplied by alpha; its border is transparent unless it is a backdrop.
        pivot: the point of `image`, in its pixels, that joint and bend turn about.
        length: pixels of `image` that one unit of bend space is long.
        parent: index of the cel that it hangs on; -1: it stands in the scene.
        anchor: where the pivot sits: in pixels of the parent's image, or of the canvas.
        order: cels are laid from low to high.
        depth: how much the camera moves it: 1 like the main plane, 0 fixed to the screen.
        scale: canvas pixels of a cel pixel, at rest, on top of the parent's.
        angle: at rest, radians clockwise.
        tracks: [11, 4].
        waves: how many waves the bend has over one length.
        follow: whether it turns with the bend of its parent at the anchor.
        blend: NORMAL or ADD.
        part: what the label map shows; 0 for backdrops.
    """

    image: Bytes
    pivot: tuple[float, float]
    length: float
    parent: int = -1
    anchor: tuple[float, float] = (0.0, 0.0)
    order: float = 0.0
    depth: float = 1.0
    scale: float = 1.0
    angle: float = 0.0
    tracks: Floats = field(default_factory=still_tracks)
    waves: float = 1.0
    follow: bool = True
    blend: int = NORMAL
    part: int = 0


@dataclass(slots=True)
class Grade:
    """What happens to finished frames, to all of them alike (`post` reads it). Zero is: nothing.

    Attributes:
        gain0, gain1: RGB factors of the light at time 0 and 1.
        vignette: darkening of the corners.
        blur: sigma in pixels.
        sharpen: amount of an unsharp mask.
        grain: sigma of noise that stays on the screen, in 0..255.
        flicker: sigma of noise that differs from frame to frame, in 0..255.
        dct: quality of block compression, 1..100; 0: none.
        levels: colour levels a channel of an ordered dither; 0: none.
        grey: share of colour that is taken away.
        seed: of the noise.
    """

    gain0: tuple[float, float, float] = (1.0, 1.0, 1.0)
    gain1: tuple[float, float, float] = (1.0, 1.0, 1.0)
    vignette: float = 0.0
    blur: float = 0.0
    sharpen: float = 0.0
    grain: float = 0.0
    flicker: float = 0.0
    dct: int = 0
    levels: int = 0
    grey: float = 0.0
    seed: int = 0


@dataclass(slots=True)
class Scene:
    """Cels, camera and grade.

    Attributes:
        size: (height, width) of the canvas.
        cels: parents come before their children.
        camera: [4, 4] tracks.
        grade: what happens to the finished frames.
        paper: RGB below everything.
        kind: what it shows; for statistics only.
    """

    size: tuple[int, int]
    cels: list[Cel]
    camera: Floats = field(default_factory=lambda: np.zeros((4, 4)))
    grade: Grade = field(default_factory=Grade)
    paper: tuple[int, int, int] = (255, 255, 255)
    kind: str = ""
