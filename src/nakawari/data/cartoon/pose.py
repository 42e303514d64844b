"""Where every cel of a scene is at given times: tables of affine maps and bends, in closed form."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nakawari.data.cartoon.scene import (
    ANGLE,
    BEND,
    CROSS,
    OPACITY,
    PAN_X,
    PAN_Y,
    PHASE,
    ROLL,
    STRETCH_X,
    STRETCH_Y,
    SWAY,
    WAVE,
    ZOOM,
    Floats,
    Scene,
    X,
    Y,
    values,
)

_EDGE = 9
"""Points along each side of a cel that bound where it lands."""


@dataclass(slots=True)
class Pose:
    """Cels of a scene at T times, in drawing order.

    Attributes:
        order: [L] indices into `scene.cels`, from back to front.
        affine: [T, L, 2, 3], bend space → canvas pixels.
        bend: [T, L, 6]: bend, sway, wave, phase, cross, and 2π times the number of waves.
        opacity: [T, L].
        boxes: [T, L, 4] int, left, top, right, bottom (ends excluded), not clipped to the canvas.
    """

    order: np.ndarray[tuple[int], np.dtype[np.int64]]
    affine: Floats
    bend: Floats
    opacity: Floats
    boxes: Floats


def along(bend: Floats, v: Floats) -> Floats:
    """f(v): how far bend pushes sideways; `bend` is [..., 6] and broadcasts against `v`."""
    s = np.maximum(v, 0)
    wave = bend[..., 2] * s * np.sin(bend[..., 5] * s - bend[..., 3])
    result: Floats = bend[..., 0] * s**2 + bend[..., 1] * s**3 + wave
    return result


def slope(bend: Floats, v: Floats) -> Floats:
    """df/dv."""
    s = np.maximum(v, 0)
    angle = bend[..., 5] * s - bend[..., 3]
    wave = bend[..., 2] * (np.sin(angle) + s * bend[..., 5] * np.cos(angle))
    result: Floats = np.where(v > 0, 2 * bend[..., 0] * s + 3 * bend[..., 1] * s**2 + wave, 0)
    return result


def bent(bend: Floats, q: Floats) -> Floats:
    """Bend space points moved by the bend: [..., 2] → [..., 2]."""
    u = q[..., 0] + along(bend, q[..., 1])
    v = q[..., 1] + bend[..., 4] * u**2
    return np.stack((u, v), -1)


def _turn(angle: Floats, stretch_x: Floats, stretch_y: Floats) -> Floats:
    """[..., 2, 2]: stretch along the cel's own axes, then turn."""
    cos, sin = np.cos(angle), np.sin(angle)
    return np.stack(
        (np.stack((cos * stretch_x, -sin * stretch_y), -1), np.stack((sin * stretch_x, cos * stretch_y), -1)),
        -2,
    )


def _camera(scene: Scene, times: Floats, depth: Floats) -> Floats:
    """[T, L, 2, 3] maps from the scene to the screen, for cels at `depth` [L]."""
    height, width = scene.size
    moves = values(scene.camera, times)[:, :, None]  # [T, 4, 1]
    zoom = np.exp(moves[:, ZOOM] * np.minimum(depth, 1.5))
    roll = np.where(depth > 0, moves[:, ROLL], 0)
    turn = _turn(roll, zoom, zoom)
    centre = np.array(((width - 1) / 2, (height - 1) / 2))
    pan = np.stack((moves[:, PAN_X] * depth, moves[:, PAN_Y] * depth), -1)
    shift = centre - np.einsum("tlij,tlj->tli", turn, centre + pan)
    return np.concatenate((turn, shift[..., None]), -1)


def _levels(parents: list[int]) -> list[list[int]]:
    """Indices by distance from the root."""
    depth = [0] * len(parents)
    for index, parent in enumerate(parents):
        depth[index] = depth[parent] + 1 if parent >= 0 else 0
    return [[i for i, d in enumerate(depth) if d == level] for level in range(max(depth, default=-1) + 1)]


def _chain(scene: Scene, times: Floats, moves: Floats, bend: Floats) -> Floats:
    """[T, L, 2, 3] affine maps, bend space → canvas, level by level of the hierarchy."""
    cels = scene.cels
    pivots = np.array([cel.pivot for cel in cels])
    lengths = np.array([cel.length for cel in cels])
    anchors = np.array([cel.anchor for cel in cels])
    scales = np.array([cel.scale for cel in cels])
    angles = moves[:, :, ANGLE] + np.array([cel.angle for cel in cels])
    stretch_x = np.exp(moves[:, :, STRETCH_X])
    stretch_y = np.exp(moves[:, :, STRETCH_Y])
    camera = _camera(scene, times, np.array([cel.depth for cel in cels]))
    parents = [cel.parent for cel in cels]
    follow = np.array([cel.follow for cel in cels])
    affine = np.empty((len(times), len(cels), 2, 3))
    for level, members in enumerate(_levels(parents)):
        own = np.array(members)
        size = (scales * lengths)[own][None, :]
        if level == 0:
            place = anchors[own] + moves[:, own][:, :, (X, Y)]
            above, angle, unit = camera[:, own], angles[:, own], size
        else:
            up = np.array([parents[i] for i in members])
            at = ((anchors[own] - pivots[up]) + moves[:, own][:, :, (X, Y)]) / lengths[up][:, None]
            tilt = -np.arctan(slope(bend[:, up], at[..., 1])) * follow[own]
            place, above, angle = bent(bend[:, up], at), affine[:, up], angles[:, own] + tilt
            unit = size / lengths[up]
        linear = _turn(angle, stretch_x[:, own] * unit, stretch_y[:, own] * unit)
        affine[:, own, :, :2] = above[..., :2] @ linear
        affine[..., 2][:, own] = np.einsum("tlij,tlj->tli", above[..., :2], place) + above[..., 2]
    return affine


def _borders(scene: Scene, affine: Floats, bend: Floats) -> Floats:
    """[T, L, P, 2]: points on the border of each cel, carried to the canvas."""
    side = np.linspace(0, 1, _EDGE)
    zero, one = np.zeros(_EDGE), np.ones(_EDGE)
    unit = np.concatenate(
        [np.stack(pair, -1) for pair in ((side, zero), (side, one), (zero, side), (one, side))]
    )
    sizes = np.array([(cel.image.shape[1] - 1, cel.image.shape[0] - 1) for cel in scene.cels])
    pivots = np.array([cel.pivot for cel in scene.cels])
    lengths = np.array([cel.length for cel in scene.cels])
    points = (unit * sizes[:, None] - pivots[:, None]) / lengths[:, None, None]
    moved = bent(bend[:, :, None], points[None])
    landed: Floats = moved @ affine[..., :2].swapaxes(-1, -2) + affine[:, :, None, :, 2]
    return landed


def _boxes(borders: Floats, bend: Floats) -> Floats:
    """[T, L, 4] around the borders."""
    low, high = borders.min(2), borders.max(2)
    margin = 2 + 0.04 * (high - low) * (np.abs(bend[..., 2:3]) > 0)
    return np.concatenate((np.floor(low - margin), np.ceil(high + margin) + 1), -1).astype(np.int64)


def farthest(scene: Scene) -> float:
    """How far, in pixels, the borders of cels that are on the canvas move from time 0 to time 1."""
    height, width = scene.size
    if not scene.cels:
        return 0.0
    affine, bend, _ = _maps(scene, np.array((0.0, 1.0)))
    borders = _borders(scene, affine, bend)
    inside = ((borders > -2) & (borders < (width + 2, height + 2))).all(-1).any(0)
    reach = float(np.max(np.hypot(*np.moveaxis(borders[1] - borders[0], -1, 0)) * inside, initial=0))
    corners = np.array(((0, 0), (width, 0), (0, height), (width, height)), np.float64)
    large = np.array([cel.parent < 0 and cel.depth > 0 for cel in scene.cels])
    covers = large & ((borders[0].max(1) - borders[0].min(1)) > (width, height)).any(-1)
    there = affine[:, covers]
    shown = np.linalg.solve(there[0, :, None, :, :2], (corners - there[0, :, None, :, 2])[..., None])
    landed = (there[1, :, None, :, :2] @ shown)[..., 0] + there[1, :, None, :, 2]
    return max(reach, float(np.max(np.hypot(*np.moveaxis(landed - corners, -1, 0)), initial=0)))


def _maps(scene: Scene, times: Floats) -> tuple[Floats, Floats, Floats]:
    """Affine maps [T, L, 2, 3], bends [T, L, 6] and opacities [T, L], in the order of the scene."""
    tracks = np.stack([cel.tracks for cel in scene.cels])
    moves = values(tracks, np.asarray(times, np.float64))
    turns = np.array([2 * np.pi * cel.waves for cel in scene.cels])
    bend = np.empty((*moves.shape[:2], 6))
    bend[..., :5], bend[..., 5] = moves[:, :, (BEND, SWAY, WAVE, PHASE, CROSS)], turns
    return _chain(scene, times, moves, bend), bend, np.clip(moves[:, :, OPACITY], 0, 1)


def pose(scene: Scene, times: Floats) -> Pose:
    """Where the cels of a scene are.

    Args:
        scene: with at least one cel.
        times: [T].
    """
    affine, bend, opacity = _maps(scene, times)
    order = np.argsort(np.array([cel.order for cel in scene.cels]), kind="stable")
    boxes = _boxes(_borders(scene, affine, bend), bend)
    return Pose(order, affine[:, order], bend[:, order], opacity[:, order], boxes[:, order])
