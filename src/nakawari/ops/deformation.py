"""Variational flow between two small pictures: an L1 data term and a quadratic smoothness term (numba).

    E(u, v) = ∫ |I1(x + (u, v)) - I0(x)| + ∫ |∇u|² + |∇v|²

The data term is linearised around the flow so far and reweighted (its slope at 0 rounded off below one grey
level); what remains is linear and solved by successive over-relaxation, from coarse to fine.

Source: Li et al. 2021, "Deep Animation Video Interpolation in the Wild", Eq. 6; Brox et al. 2004, "High
Accuracy Optical Flow Estimation Based on a Theory for Warping", for how it is minimised.
"""

# ruff: noqa: ANN001, ANN202
from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from nakawari.ops.compiled import compile_kernel

Floats = npt.NDArray[np.float32]

SMALLEST_PX = 12
"""The coarsest picture's shorter side is not below this."""
WARPS, LAST_WARPS, SWEEPS = 5, 2, 12
"""Linearisations at each scale, at full size, and sweeps of the solver for each."""
STEP_PX = 1.0
"""How far a linearisation is trusted: the slope at a pixel says nothing of what lies beyond the next."""
ROUNDED = 1.0
"""Grey levels below which |difference| is rounded off."""
RELAXATION = 1.8


def deform(patch0: Floats, patch1: Floats, starts: Sequence[tuple[float, float]] = ((0.0, 0.0),)) -> Floats:
    """The flow that minimises E, as far as descent from coarse to fine finds it.

    Args:
        patch0, patch1: [H, W], grey levels; they show nearly the same.
        starts: flows (x, y) of all pixels alike; the descent begins at the best of them.

    Returns:
        [2, H, W], pixels (x, y): p of `patch0` is at p + flow in `patch1`. Its E is not above that of any
        start, and where a start leaves no difference it is that start.
    """
    pyramid = [(np.ascontiguousarray(patch0), np.ascontiguousarray(patch1))]
    energy, start = min((_energy(*pyramid[0], _constant(start, patch0.shape)), start) for start in starts)
    if energy == 0:
        return _constant(start, patch0.shape)
    while min(pyramid[-1][0].shape) >= 2 * SMALLEST_PX:
        height, width = pyramid[-1][0].shape
        half = ((width + 1) // 2, (height + 1) // 2)
        one, other = (cv2.resize(patch, half, interpolation=cv2.INTER_AREA) for patch in pyramid[-1])
        pyramid.append((np.asarray(one, np.float32), np.asarray(other, np.float32)))
    flow = None
    for one, other in reversed(pyramid):
        scale = (one.shape[1] / patch0.shape[1], one.shape[0] / patch0.shape[0])
        still = _constant((start[0] * scale[0], start[1] * scale[1]), one.shape)
        flow = still if flow is None else _enlarge(flow, one.shape)
        if flow is not still and _energy(one, other, still) < _energy(one, other, flow):
            flow = still
        _descend(one, other, flow, LAST_WARPS if one is pyramid[0][0] else WARPS, SWEEPS)
    assert flow is not None
    return flow


def _constant(value: tuple[float, float], size: tuple[int, ...]) -> Floats:
    return np.stack([np.full(size, component, np.float32) for component in value])


def _energy(patch0: Floats, patch1: Floats, flow: Floats) -> float:
    return float(_warp(patch0, patch1, flow, np.empty_like(patch0)))


def _enlarge(flow: Floats, size: tuple[int, ...]) -> Floats:
    height, width = size
    scale = (width / flow.shape[2], height / flow.shape[1])
    larger = [
        cv2.resize(plane, (width, height)) * np.float32(s) for plane, s in zip(flow, scale, strict=True)
    ]
    return np.stack(larger)


@compile_kernel("f8(f4[:, ::1], f4[:, ::1], f4[:, :, ::1], f4[:, ::1])", fast=True)
def _warp(patch0, patch1, flow, warped):  # type: ignore[no-untyped-def]
    """`patch1` at p + flow(p) into `warped`; returns E."""
    height, width = patch0.shape
    energy = np.float64(0)
    for y in range(height):
        row, smooth = np.float32(0), np.float32(0)
        for x in range(width):
            u = min(max(np.float32(x) + flow[0, y, x], np.float32(0)), np.float32(width - 1))
            v = min(max(np.float32(y) + flow[1, y, x], np.float32(0)), np.float32(height - 1))
            left, top = np.int64(u), np.int64(v)
            right, below = min(left + 1, width - 1), min(top + 1, height - 1)
            a, b = u - np.float32(left), v - np.float32(top)
            upper = patch1[top, left] + a * (patch1[top, right] - patch1[top, left])
            lower = patch1[below, left] + a * (patch1[below, right] - patch1[below, left])
            warped[y, x] = upper + b * (lower - upper)
            row += abs(warped[y, x] - patch0[y, x])
        for k in range(2):
            for x in range(width - 1):
                step = flow[k, y, x + 1] - flow[k, y, x]
                smooth += step * step
            if y > 0:
                for x in range(width):
                    step = flow[k, y, x] - flow[k, y - 1, x]
                    smooth += step * step
        energy += row + smooth
    return energy


@compile_kernel("void(f4[:, ::1], f4[:, ::1], f4[:, :, ::1], f4[:, :, ::1])", fast=True)
def _linearise(patch0, warped, flow, system):  # type: ignore[no-untyped-def]
    """At each pixel a linear equation of the flow: xx, xy, yy, and the right side."""
    height, width = patch0.shape
    half, quarter = np.float32(0.5), np.float32(0.25)
    for y in range(height):
        up, down = max(y - 1, 0), min(y + 1, height - 1)
        for x in range(width):
            west, east = max(x - 1, 0), min(x + 1, width - 1)
            ix = quarter * (warped[y, east] - warped[y, west] + patch0[y, east] - patch0[y, west])
            iy = quarter * (warped[down, x] - warped[up, x] + patch0[down, x] - patch0[up, x])
            difference = warped[y, x] - patch0[y, x]
            weight = half / np.sqrt(difference * difference + np.float32(ROUNDED * ROUNDED))
            known = ix * flow[0, y, x] + iy * flow[1, y, x] - difference
            system[0, y, x], system[1, y, x] = weight * ix * ix, weight * ix * iy
            system[2, y, x] = weight * iy * iy
            system[3, y, x], system[4, y, x] = weight * ix * known, weight * iy * known


@compile_kernel("void(f4[:, :, ::1], f4[:, :, ::1], i8)", fast=True)
def _solve(system, flow, sweeps):  # type: ignore[no-untyped-def]
    """Over-relaxation, the pixels of a chessboard's colours in turn; in place, at most a step."""
    height, width = flow.shape[1:]
    before = flow.copy()
    inverse = np.empty((2, height, width), np.float32)
    for y in range(height):
        rows = (y > 0) + (y < height - 1)
        for x in range(width):
            count = np.float32(rows + (x > 0) + (x < width - 1))
            inverse[0, y, x] = np.float32(RELAXATION) / max(count + system[0, y, x], np.float32(1e-6))
            inverse[1, y, x] = np.float32(RELAXATION) / max(count + system[2, y, x], np.float32(1e-6))
    rest, zero, step = np.float32(1 - RELAXATION), np.float32(0), np.float32(STEP_PX)
    for turn in range(2 * sweeps):
        for y in range(height):
            above, below = y > 0, y < height - 1
            for x in range((y + turn) & 1, width, 2):
                left, right = x > 0, x < width - 1
                near_u = (flow[0, y, x - 1] if left else zero) + (flow[0, y, x + 1] if right else zero)
                near_v = (flow[1, y, x - 1] if left else zero) + (flow[1, y, x + 1] if right else zero)
                if above:
                    near_u += flow[0, y - 1, x]
                    near_v += flow[1, y - 1, x]
                if below:
                    near_u += flow[0, y + 1, x]
                    near_v += flow[1, y + 1, x]
                xy = system[1, y, x]
                u = near_u + system[3, y, x] - xy * flow[1, y, x]
                u = rest * flow[0, y, x] + inverse[0, y, x] * u
                flow[0, y, x] = u
                v = near_v + system[4, y, x] - xy * u
                flow[1, y, x] = rest * flow[1, y, x] + inverse[1, y, x] * v
    for k in range(2):
        for y in range(height):
            for x in range(width):
                change = flow[k, y, x] - before[k, y, x]
                flow[k, y, x] = before[k, y, x] + min(max(change, -step), step)


@compile_kernel("void(f4[:, ::1], f4[:, ::1], f4[:, :, ::1], i8, i8)", fast=True)
def _descend(patch0, patch1, flow, warps, sweeps):  # type: ignore[no-untyped-def]
    """Linearise and solve a few times; `flow` becomes the best that was met, itself included."""
    height, width = patch0.shape
    warped = np.empty((height, width), np.float32)
    system = np.empty((5, height, width), np.float32)
    trial = flow.copy()
    least = _warp(patch0, patch1, trial, warped)
    for _ in range(warps):
        _linearise(patch0, warped, trial, system)
        _solve(system, trial, sweeps)
        energy = _warp(patch0, patch1, trial, warped)
        if energy < least:
            least = energy
            flow[:] = trial
