"""Procedural cels with known truth: flat paint, line art, hard edges or smoothed ones, which region is which.

The actors of `data.cartoon` are painted finely and without smoothing, their colours become a small palette,
and each pixel of a frame is looked up, never mixed. So every pixel has one paint of one part, at any t, and
where it is at any other t is known in closed form.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from nakawari.data.cartoon.motion import Mover
from nakawari.data.cartoon.paint import Style
from nakawari.data.cartoon.pose import Pose, along, bent, pose
from nakawari.data.cartoon.scene import OPACITY, Bytes, Cel, Floats, Scene
from nakawari.data.cartoon.troupe import Troupe
from nakawari.data.cartoon.write import CASTS, limit

Kind = Literal["flat", "smooth", "lines"]
Labels = npt.NDArray[np.int32]

FINE = 4.0
"""Pixels of a painting for one of the canvas: a lookup then is as good as drawing without smoothing."""
SMOOTHING = 4
"""Samples along each side of a pixel of smoothed cels."""
FEWEST = 0.002
"""Colours of a painting with a smaller share become the nearest of the others."""
PAPER: tuple[int, int, int] = (255, 255, 255)
INKS = ((20, 16, 24), (0, 0, 0), (60, 30, 20))
TRACES = ((200, 30, 30), (30, 60, 200), (20, 140, 50))
"""Ink of trace lines: red, blue and green, as animators mark shadows and lights."""


@dataclass(frozen=True, slots=True)
class CelPair:
    """Two keys, the frames between them, and the truth.

    Attributes:
        key0, key1: [H, W, 3] uint8.
        between: {t: [H, W, 3]}.
        paint0, paint1: [H, W], which paint of which part a pixel shows; 0 is paper.
        paint_between: {t: [H, W]}.
        flow01: [H, W, 2], pixels (x, y): where what a pixel of key 0 shows is in key 1.
        palette: [P, 3] uint8, colour of each paint.
    """

    key0: Bytes
    key1: Bytes
    between: dict[float, Bytes]
    paint0: Labels
    paint1: Labels
    paint_between: dict[float, Labels]
    flow01: Floats
    palette: Bytes

    def moving(self, t: float) -> npt.NDArray[np.bool_]:
        """[H, W], where the picture at t differs from a key in its paint: what there is to get right."""
        made = self.paint_between[t]
        return np.asarray((made != self.paint0) | (made != self.paint1))


def cel_pair(
    seed: int,
    index: int,
    size: tuple[int, int] = (270, 480),
    *,
    kind: Kind = "flat",
    farthest_px: float = 12.0,
    arc: float = 0.0,
    times: tuple[float, ...] = (0.5,),
) -> CelPair:
    """Draw pair `index` of a seed.

    Args:
        seed, index: the same give the same pair.
        size: (height, width).
        kind: "flat": cels with hard edges; "smooth": the same antialiased; "lines": line drawings with hard
            edges, some with coloured trace lines.
        farthest_px: how far cels move at most. 6 is a tight in-between, 40 is a wide one.
        arc: spread of how much all that moves swings out half-way, as a share of how far it goes (cels turn
            about their joints in any case); other values draw other pairs.
        times: in (0, 1).
    """
    scene = _scene(np.random.default_rng((seed, index, 7)), size, kind, farthest_px, arc)
    plates, palette = _plates(scene.cels)
    poses = pose(scene, np.array((0.0, 1.0, *times)))
    paints, colours, flow = [], [], None
    for number in range(2 + len(times)):
        paint, goal = _render(scene, plates, poses, number, 1, goal=1 if number == 0 else None)
        paints.append(paint)
        if number == 0:
            flow = goal
        if kind == "smooth":
            fine, _ = _render(scene, plates, poses, number, SMOOTHING, None)
            colours.append(_averaged(palette[fine]))
        else:
            colours.append(palette[paint])
    assert flow is not None
    return CelPair(
        colours[0],
        colours[1],
        dict(zip(times, colours[2:], strict=True)),
        paints[0],
        paints[1],
        dict(zip(times, paints[2:], strict=True)),
        flow,
        palette,
    )


def _scene(
    rng: np.random.Generator, size: tuple[int, int], kind: Kind, farthest_px: float, arc: float
) -> Scene:
    lines = kind == "lines"
    style = Style(
        line=float(rng.uniform(1.6, 2.6)) * FINE,
        vary=0.0,
        ink=INKS[int(rng.integers(len(INKS)))],
        shade=1.0 if lines else float(rng.uniform(0.6, 0.8)),
        paper=PAPER if lines else None,
        detail=0.0,
        aliased=True,
        second_ink=TRACES[int(rng.integers(len(TRACES)))] if lines else None,
    )
    troupe = Troupe(rng, style, Mover(rng, 0.8, 0.0, arc), FINE)
    CASTS[str(rng.choice(("bodies", "bust", "bust")))][1](troupe, size)
    for cel in troupe.cels:
        cel.tracks[OPACITY] = (1, 0, 0, 0)
    scene = Scene(size, troupe.cels, paper=PAPER)
    limit(scene, farthest_px)
    return scene


def _plates(cels: list[Cel]) -> tuple[list[Labels], Bytes]:
    """Each painting as numbers of paints, 0 where it is transparent, and the colours of all paints."""
    palette: list[npt.NDArray[np.int64]] = [np.array(PAPER, np.int64)]
    plates = []
    for cel in cels:
        solid = cel.image[..., 3] >= 128
        plate = np.zeros(solid.shape, np.int32)
        if solid.any():
            straight = cel.image[solid].astype(np.int64)
            colours = straight[:, :3] * 255 // straight[:, 3:]
            kinds, counts = np.unique(colours, axis=0, return_counts=True)
            main = kinds[counts >= max(FEWEST * counts.sum(), 0.2 * counts.max() ** 0.5)]
            which = np.abs(colours[:, None] - main[None]).sum(2).argmin(1)
            plate[solid] = which + len(palette)
            palette += list(main)
        plates.append(plate)
    return plates, np.array(palette, np.uint8)


def _render(
    scene: Scene, plates: list[Labels], poses: Pose, number: int, fine: int, goal: int | None
) -> tuple[Labels, Floats | None]:
    """Paints of the frame `number`, [fine·H, fine·W], and how far each goes until the frame `goal`."""
    height, width = scene.size
    places = ((np.arange(n * fine) + 0.5) / fine - 0.5 for n in (width, height))
    x, y = np.meshgrid(*places)
    paint = np.zeros(x.shape, np.int32)
    flow = None if goal is None else np.zeros((*x.shape, 2))
    for slot, which in enumerate(poses.order):
        cel, plate = scene.cels[int(which)], plates[int(which)]
        left, top, right, bottom = (int(v) * fine for v in poses.boxes[number, slot])
        rows, columns = slice(max(0, top), max(0, bottom)), slice(max(0, left), max(0, right))
        here = np.stack((x[rows, columns], y[rows, columns]), -1)
        if not here.size:
            continue
        affine, bend = poses.affine[number, slot], poses.bend[number, slot]
        q = (here - affine[:, 2]) @ np.linalg.inv(affine[:, :2]).T
        v = q[..., 1] - bend[4] * q[..., 0] ** 2
        u = q[..., 0] - along(bend, v)
        column = np.rint(u * cel.length + cel.pivot[0]).astype(np.int64)
        row = np.rint(v * cel.length + cel.pivot[1]).astype(np.int64)
        inside = (column >= 0) & (row >= 0) & (column < plate.shape[1]) & (row < plate.shape[0])
        shown = np.where(inside, plate[row * inside, column * inside], 0)
        solid = shown > 0
        paint[rows, columns][solid] = shown[solid]
        if flow is not None and goal is not None:
            target = poses.affine[goal, slot]
            there = bent(poses.bend[goal, slot], np.stack((u, v), -1)) @ target[:, :2].T + target[:, 2]
            flow[rows, columns][solid] = (there - here)[solid]
    return paint, flow


def _averaged(fine: Bytes) -> Bytes:
    height, width = fine.shape[0] // SMOOTHING, fine.shape[1] // SMOOTHING
    blocks = fine.reshape(height, SMOOTHING, width, SMOOTHING, 3).astype(np.float64)
    return np.asarray(np.rint(blocks.mean((1, 3))), np.uint8)
