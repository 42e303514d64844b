"""A rough breakdown bends paths: what is matched between the keys passes the lines of the rough in its time.

Nothing in a rough is matched by regions, and it carries no paint. It says where lines are at one moment. Each
part of the keys, a region or a stroke that follows none, is led off its chord onto them (`deviation.py`), and
its path is the parabola through both keys and there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from nakawari.errors import InputError
from nakawari.models.cel.deviation import Parts, deviations
from nakawari.models.cel.lines import STILL_PX, Moving
from nakawari.models.cel.motions import Floats, Places
from nakawari.models.cel.register import outline
from nakawari.models.cel.rough import Lines, directions, rough_lines

if TYPE_CHECKING:
    from nakawari.models.cel.plan import Plan

Bytes = npt.NDArray[np.uint8]

EVERY_PX, BESIDE_PX = 6, 4.0
"""Along outlines, places that are looked at; and how near two of them are where parts lie side by side."""
NEAREST = 8
"""Of the places around one, those that are looked at."""
LEAST_RADIUS_PX = 8.0
AGREES = 0.3
"""Of a rough's lines, the share on which lines of the keys have to come to lie."""


def follow_guide(plan: Plan, guide: Bytes, t: float) -> None:
    """Let what moves in a plan pass the lines of a rough at t; what other roughs told is forgotten.

    Args:
        plan: straight, or bent along arcs, from which the rough then tells what deviates.
        guide: [H, W, 3 or 4], 0-255, of the keys' size.
        t: the time of the rough, in (0, 1).

    Raises:
        InputError: the guide is no line drawing, or shows other things than the keys.
    """
    rough = rough_lines(guide)
    motions = plan.found.motions
    motions.sag, motions.sag_t = np.zeros_like(motions.bend), t
    for lines in plan.lines:
        lines.sag[:] = 0
    parts = _parts(plan, t)
    if not len(parts.part):
        raise InputError("the keys have no lines that could follow a guide; leave it out.")
    terms, agreeing = deviations(parts, rough, plan.keys[0].labels.shape)
    if agreeing < AGREES:
        raise InputError(
            f"the keys have {agreeing:.0%} of the guide's lines; wanted a rough of what is between them."
        )
    _bend(plan, parts, terms, t)


def _parts(plan: Plan, t: float) -> Parts:
    """Motions of regions; and strokes before the background, which tells nothing of them."""
    motions, motion0 = plan.found.motions, plan.found.motion0
    ground = plan.keys[0].ground
    place, way, part, many = [], [], [], len(motions)
    for lines in plan.lines:
        place.append(lines.at(motions, t))
        way.append(directions(place[-1], lines.strokes.start))
        part.append(np.where(ground[lines.motion], many + lines.strokes.branch(), lines.motion))
        many += len(lines.strokes)
    both, own = Lines(np.concatenate(place), np.concatenate(way)), np.concatenate(part)
    border = outline(plan.keys[0].labels, len(motion0))
    by = np.repeat(motion0, np.diff(border.start))
    some = np.flatnonzero(~ground[by])[::EVERY_PX]
    loose = np.flatnonzero(own >= len(motions))[::EVERY_PX]
    places = np.concatenate([motions.at(by[some], border.place[some], t), both.place[loose]])
    of = np.concatenate([by[some], own[loose]])
    count = np.maximum(np.bincount(of, minlength=many), 1)
    centre = np.stack([np.bincount(of, places[:, axis], many) / count for axis in (0, 1)], 1)
    radius = np.full(many, LEAST_RADIUS_PX)
    np.maximum.at(radius, of, np.abs(places - centre[of]).max(1))
    return Parts(both, own, *_ties(places, of), centre, radius)


def _ties(places: Floats, of: Places) -> tuple[Floats, Places, Floats]:
    """Places of two parts side by side, which parts, and how close; each place once with each part."""
    from scipy.spatial import cKDTree

    away, which = cKDTree(places).query(places, np.arange(1, min(NEAREST, len(places)) + 1))
    n, k = np.nonzero((of[which] != of[:, None]) & (away < 3 * BESIDE_PX))
    once = np.unique(np.stack([n, of[which[n, k]]], 1), axis=0, return_index=True)[1]
    n, k = n[once], k[once]
    other = which[n, k]
    close = np.exp(-((away[n, k] / BESIDE_PX) ** 2))
    return np.stack([places[n], places[other]], 1), np.stack([of[n], of[other]], 1), close


def _bend(plan: Plan, parts: Parts, terms: Floats, t: float) -> None:
    """Hand deviations out: to the knots of motions, and to strokes before the background."""
    motions = plan.found.motions
    moving = np.setdiff1d(plan.found.motion0, np.flatnonzero(plan.keys[0].ground))
    for m in moving.tolist():
        left, top, step, across, down = motions.grid[m]
        knots = np.stack(
            np.meshgrid(left + step * np.arange(int(across)), top + step * np.arange(int(down))), 2
        ).reshape(-1, 2)
        by = np.full(len(knots), m)
        gone = parts.gone(terms, motions.at(by, knots, t), by)
        back = (gone[:, 0] + 1j * gone[:, 1]) * np.exp(-t * complex(*motions.linear[m]))
        first = int(motions.first[m])
        motions.sag[first : first + len(knots)] = np.stack([back.real, back.imag], 1)
    gone = parts.gone(terms, parts.lines.place, parts.part)
    loose = parts.part >= len(motions)
    count, led = len(plan.lines[0].sag), []
    for lines, some in zip(plan.lines, (slice(count), slice(count, None)), strict=True):
        lines.sag[:] = np.where(loose[some, None], gone[some], 0)
        off = np.hypot(*gone[some].T) > STILL_PX
        lines.moves[:] |= off
        led.append(off)
    _stir(plan, led)


def _stir(plan: Plan, led: list[npt.NDArray[np.bool_]]) -> None:
    """Mark what deviates as moving, and its places in the keys as left, also where both keys are equal.

    Args:
        plan: whose motions have their sags.
        led: [N0], [N1], vertices that deviate.
    """
    motions, found = plan.found.motions, plan.found
    off = np.maximum.reduceat(np.hypot(*motions.sag.T), motions.first) > STILL_PX
    plan.lifted = off[found.motion0], off[found.motion1]
    stirred = [
        lifted[key.labels] | _around(lines, some, key.labels.shape)
        for key, lifted, lines, some in zip(plan.keys, plan.lifted, plan.lines, led, strict=True)
    ]
    plan.passing[:] |= np.concatenate([one.reshape(-1) for one in stirred])
    plan.stirred = stirred[0] | stirred[1]


def _around(lines: Moving, some: npt.NDArray[np.bool_], shape: tuple[int, ...]) -> npt.NDArray[np.bool_]:
    """[H, W]: pixels of lines around some of their vertices."""
    vertices = np.zeros(shape, np.uint8)
    if not some.any():
        return vertices > 0
    x, y = np.rint(lines.strokes.place[some]).astype(np.int64).T
    vertices[y.clip(0, shape[0] - 1), x.clip(0, shape[1] - 1)] = 1
    reach = int(np.ceil(lines.strokes.radius[some].max())) + 1
    return np.asarray(cv2.dilate(vertices, np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)) > 0)
