"""Two pictures looked up along one motion, in one pass and without pictures in between.

A pixel p of the picture at t that moves by m between the keys was at p - t m in key 0 and will be at
p + (1 - t) m in key 1; on an arc that is b beside its chord at t, put p - b for p. All lookups are bilinear,
and places outside take the nearest edge pixel.
Arrays are numpy arrays here, planes first unless said otherwise: this runs where OpenCV runs.
"""

# ruff: noqa: ANN001, ANN202
from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from nakawari.ops.compiled import compile_kernel, in_bands

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]


STRAIGHT = np.empty((0, 1, 1), np.float32)
"""The bend of motion along chords."""
BY_TIME = np.empty((0, 1), np.float32)
"""The share of keys that are mixed by time."""


@dataclass(frozen=True, slots=True)
class Views:
    """What both keys show along a motion, to be filled in.

    Attributes:
        colours: [6, H, W], 0-255, of key 0, then of key 1.
        inside: [2, H, W], whether that is inside of key 0 and of key 1.
    """

    colours: Bytes
    inside: Mask


def disagreement(
    rgb0: Bytes,
    rgb1: Bytes,
    motion: Floats,
    evidence: Floats,
    t: float,
    bend: Floats = STRAIGHT,
    views: Views | None = None,
) -> tuple[Floats, Floats]:
    """How far the keys disagree along a motion, and how far their mix disagrees with what is expected.

    Args:
        rgb0, rgb1: [H, W, 3], 0-255.
        motion: [2, H, W], pixels from key 0 to key 1, at the pixels of the picture at t.
        evidence: [3, H, W], 0-255, the expected colours.
        t: between 0 and 1.
        bend: [2, H, W], pixels, how far beside its chord each pixel is.
        views: filled in where they are wanted.

    Returns:
        [H, W], the sum of both over the channels, 0 to 1530; and how light the mix is, [H, W], the sum of
        its channels.
    """
    out, light = np.empty(motion.shape[1:], np.float32), np.empty(motion.shape[1:], np.float32)
    seen = (None, None) if views is None else (views.colours, views.inside)
    work = partial(_disagreement, rgb0, rgb1, motion, bend, evidence, np.float32(t), *seen, out, light)
    in_bands(work, len(out))
    return out, light


def keep_better(
    cost: Floats, doubt: Floats, motion: Floats, sure: float, least: Floats, best: Floats, agrees: Mask
) -> None:
    """Where `cost` is less than `least`, put it, `motion`, and `doubt < sure` into the last three."""
    in_bands(partial(_keep_better, cost, doubt, motion, np.float32(sure), least, best, agrees), len(cost))


def mix_along(
    image0: Floats,
    image1: Floats,
    motion: Floats,
    t: float,
    bend: Floats = STRAIGHT,
    share: Floats = BY_TIME,
) -> Floats:
    """Both keys looked up along the motion and mixed, by time unless said otherwise.

    Args:
        image0, image1: [3, H, W].
        motion: [2, h, w], its own pixels; where h, w are less than H, W, the nearest is taken, scaled.
        t: between 0 and 1.
        bend: [2, h, w], how far beside its chord each pixel is.
        share: [h, w], of key 1; what is left is of key 0.

    Returns:
        [3, H, W].
    """
    height, width = image0.shape[1:]
    rows, columns = motion.shape[1:]
    # Nearest as cv2.resize has it: pixel x of W takes pixel floor(x * w / W) of w.
    column = np.minimum(np.arange(width) * (columns / width), columns - 1).astype(np.int32)
    scale = np.array([width / columns, height / rows], np.float32)
    out = np.empty_like(image0)
    work = partial(_mix_along, image0, image1, motion, bend, share, scale, column, np.float32(t), out)
    in_bands(work, height)
    return out


@compile_kernel("Tuple((u4, u4, u4, u4, f4, f4))(f4, f4, i8, i8)")
def _corners(x, y, width, height):  # type: ignore[no-untyped-def]
    """Left, right, upper and lower neighbour of a place, and its fractions."""
    x = min(max(x, np.float32(0)), np.float32(width - 1))
    y = min(max(y, np.float32(0)), np.float32(height - 1))
    left, above = np.uint32(x), np.uint32(y)
    right, below = (
        min(left + np.uint32(1), np.uint32(width - 1)),
        min(above + np.uint32(1), np.uint32(height - 1)),
    )
    return left, right, above, below, x - np.float32(left), y - np.float32(above)


@compile_kernel("Tuple((f4, f4, f4, f4))(f4[:, :, ::1], f4[:, :, ::1], u4, u4)", fast=True)
def _chord(motion, bend, x, y):  # type: ignore[no-untyped-def]
    """Where pixel (x, y) is on the chord of its way, and its motion."""
    px, py = np.float32(x), np.float32(y)
    if bend.shape[0] == 2:
        px, py = px - bend[0, y, x], py - bend[1, y, x]
    return px, py, motion[0, y, x], motion[1, y, x]


@compile_kernel("f4(u1[:, :, ::1], u4, u4, u4, u4, f4, f4, u4)", fast=True)
def _between(rgb, left, right, above, below, x, y, c):  # type: ignore[no-untyped-def]
    """Channel c at the place that `_corners` says."""
    one = np.float32(1)
    upper = np.float32(rgb[above, left, c]) * (one - x) + np.float32(rgb[above, right, c]) * x
    lower = np.float32(rgb[below, left, c]) * (one - x) + np.float32(rgb[below, right, c]) * x
    return upper * (one - y) + lower * y


@compile_kernel(
    [
        "void(u1[:, :, ::1], u1[:, :, ::1], f4[:, :, ::1], f4[:, :, ::1], f4[:, :, ::1], f4,"
        f"{seen}, f4[:, ::1], f4[:, ::1], i8, i8)"
        for seen in ("none, none", "u1[:, :, ::1], b1[:, :, ::1]")
    ],
    fast=True,
)
def _disagreement(rgb0, rgb1, motion, bend, evidence, t, views, inside, out, light, top, bottom):  # type: ignore[no-untyped-def]
    height, width = out.shape
    one, half = np.float32(1), np.float32(0.5)
    last_x, last_y = np.float32(width) - half, np.float32(height) - half
    for row in range(top, bottom):
        y = np.uint32(row)
        for column in range(width):
            x = np.uint32(column)
            px, py, mx, my = _chord(motion, bend, x, y)
            x0, y0, x1, y1 = px - t * mx, py - t * my, px + (one - t) * mx, py + (one - t) * my
            l0, r0, a0, b0, fx0, fy0 = _corners(x0, y0, width, height)
            l1, r1, a1, b1, fx1, fy1 = _corners(x1, y1, width, height)
            if inside is not None:
                inside[0, y, x] = (x0 > -half) & (x0 < last_x) & (y0 > -half) & (y0 < last_y)
                inside[1, y, x] = (x1 > -half) & (x1 < last_x) & (y1 > -half) & (y1 < last_y)
            apart, bright = np.float32(0), np.float32(0)
            for c in range(np.uint32(3)):
                from0 = _between(rgb0, l0, r0, a0, b0, fx0, fy0, c)
                from1 = _between(rgb1, l1, r1, a1, b1, fx1, fy1, c)
                mixed = (one - t) * from0 + t * from1
                apart += abs(from0 - from1) + abs(mixed - evidence[c, y, x])
                bright += mixed
                if views is not None:
                    views[c, y, x], views[c + 3, y, x] = np.uint8(from0 + half), np.uint8(from1 + half)
            out[y, x], light[y, x] = apart, bright


@compile_kernel(
    "void(f4[:, ::1], f4[:, ::1], f4[:, :, ::1], f4, f4[:, ::1], f4[:, :, ::1], b1[:, ::1], i8, i8)"
)
def _keep_better(cost, doubt, motion, sure, least, best, agrees, top, bottom):  # type: ignore[no-untyped-def]
    width = cost.shape[1]
    for row in range(top, bottom):
        y = np.uint32(row)
        for column in range(width):
            x = np.uint32(column)
            if cost[y, x] < least[y, x]:
                least[y, x] = cost[y, x]
                best[0, y, x], best[1, y, x] = motion[0, y, x], motion[1, y, x]
                agrees[y, x] = doubt[y, x] < sure


@compile_kernel(
    "void(f4[:, :, ::1], f4[:, :, ::1], f4[:, :, ::1], f4[:, :, ::1], f4[:, ::1], f4[::1], i4[::1], f4,"
    "f4[:, :, ::1], i8, i8)",
    fast=True,
)
def _mix_along(image0, image1, motion, bend, share, scale, nearest, t, out, top, bottom):  # type: ignore[no-untyped-def]
    bent, shared = bend.shape[0] == 2, share.shape[0] > 0
    _, height, width = out.shape
    rows = motion.shape[1]
    one = np.float32(1)
    for row in range(top, bottom):
        y, v = np.uint32(row), np.uint32(min(row * rows // height, rows - 1))
        for column in range(width):
            x = np.uint32(column)
            u = np.uint32(nearest[x])
            mx, my = motion[0, v, u] * scale[0], motion[1, v, u] * scale[1]
            px, py = np.float32(x), np.float32(y)
            second = share[v, u] if shared else t
            if bent:
                px, py = px - bend[0, v, u] * scale[0], py - bend[1, v, u] * scale[1]
            l0, r0, a0, b0, fx0, fy0 = _corners(px - t * mx, py - t * my, width, height)
            l1, r1, a1, b1, fx1, fy1 = _corners(px + (one - t) * mx, py + (one - t) * my, width, height)
            for c in range(np.uint32(3)):
                upper = image0[c, a0, l0] * (one - fx0) + image0[c, a0, r0] * fx0
                lower = image0[c, b0, l0] * (one - fx0) + image0[c, b0, r0] * fx0
                from0 = upper * (one - fy0) + lower * fy0
                upper = image1[c, a1, l1] * (one - fx1) + image1[c, a1, r1] * fx1
                lower = image1[c, b1, l1] * (one - fx1) + image1[c, b1, r1] * fx1
                from1 = upper * (one - fy1) + lower * fy1
                out[c, y, x] = (one - second) * from0 + second * from1
