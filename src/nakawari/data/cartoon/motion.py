"""How things move: the tracks of joints, cameras and bends, drawn from a seed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nakawari.data.cartoon.outlines import Random
from nakawari.data.cartoon.scene import (
    ANGLE,
    BEND,
    CROSS,
    PAN_X,
    PAN_Y,
    PHASE,
    ROLL,
    SWAY,
    WAVE,
    ZOOM,
    Cel,
    Floats,
    X,
    Y,
    track,
)


@dataclass(slots=True)
class Mover:
    """Draws tracks of one scene.

    Attributes:
        rng: where chance comes from.
        energy: 0 (still) .. 1 (wild).
        ease: eases are drawn around 0 with this spread; 0: everything is linear.
        arc: spread of arcs, as a share of the change.
    """

    rng: Random
    energy: float
    ease: float = 0.0
    arc: float = 0.1

    def change(self, start: float, spread: float) -> Floats:
        """A track that leaves `start` by about `spread` × energy."""
        change = float(self.rng.normal(0, spread)) * self.energy
        ease = float(np.clip(self.rng.normal(0, self.ease), -0.9, 0.9)) if self.ease else 0.0
        arc = float(self.rng.normal(0, self.arc)) * abs(change) if self.arc else 0.0
        return track(start, change, ease, arc)

    def joint(self, cel: Cel, rest: float, swing: float) -> None:
        """A joint: rests around `rest` radians and swings by about `swing`."""
        cel.tracks[ANGLE] = self.change(rest, swing)

    def bend(self, cel: Cel, rest: float, swing: float) -> None:
        """Bend of a limb, a lock or cloth away from its pivot."""
        cel.tracks[BEND] = self.change(float(self.rng.normal(0, rest)), swing)
        cel.tracks[SWAY] = self.change(float(self.rng.normal(0, rest / 2)), swing / 2)

    def flutter(self, cel: Cel, size: float, waves: float) -> None:
        """A wave that runs along hair or cloth."""
        phase = float(self.rng.uniform(0, 6.28))
        cel.waves = waves
        cel.tracks[WAVE] = self.change(abs(float(self.rng.normal(0, size))), size / 3)
        cel.tracks[PHASE] = track(phase, float(self.rng.normal(0, 2.0)) * self.energy)

    def billow(self, cel: Cel, size: float) -> None:
        """Cloth that bulges across."""
        cel.tracks[CROSS] = self.change(float(self.rng.normal(0, size)), size)

    def travel(self, cel: Cel, reach_x: float, reach_y: float) -> None:
        """A root that goes somewhere: pixels at full energy."""
        cel.tracks[X] = self.change(0.0, reach_x)
        cel.tracks[Y] = self.change(0.0, reach_y)


def camera(rng: Random, width: int, pan: float, zoom: float, roll: float) -> Floats:
    """[4, 4] camera tracks, centred on the middle time; spreads in widths, log factors and radians."""
    tracks = np.zeros((4, 4))
    ease = float(rng.uniform(-0.3, 0.5)) if rng.random() < 0.3 else 0.0
    direction = rng.uniform(0, 6.28) if rng.random() < 0.4 else rng.choice((0.0, 3.14, 1.57, 4.71))
    moves = ((PAN_X, np.cos(direction) * pan * width), (PAN_Y, np.sin(direction) * pan * width * 0.7))
    for row, change in moves:
        tracks[row] = track(-change / 2, change, ease)
    grow, turn = float(rng.normal(0, 1)) * zoom, float(rng.normal(0, 1)) * roll
    tracks[ZOOM] = track(-grow / 2, grow, ease)
    tracks[ROLL] = track(-turn / 2, turn, ease)
    return tracks
