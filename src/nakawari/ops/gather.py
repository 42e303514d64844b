"""Two pictures looked up along motions, in one pass and without pictures in between.

A pixel p of the picture at t that moves by m between the keys was at p - t m in key 0 and will be at
p + (1 - t) m in key 1; on an arc that is b beside its chord at t, put p - b for p. All lookups are bilinear,
and places outside take the nearest edge pixel.
Arrays are numpy arrays here, planes first unless said otherwise: this runs where OpenCV runs.
"""

# ruff: noqa: ANN001, ANN202
from __future__ import annotations

from functools import partial

import numpy as np
import numpy.typing as npt

from nakawari.ops.compiled import compile_kernel, in_bands

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.int64]
Known = tuple[Floats, Floats]
"""Of each key, [H, W, 3]: the motion (x, y) of its pixels from key 0 to key 1, and 1 where that is sure."""


STRAIGHT = np.empty((0, 1, 1), np.float32)
"""The bend of motion along chords."""
ALL_STRAIGHT = np.empty((0, 2, 1, 1), np.float32)
"""The bends of motions along chords."""
NOTHING_KNOWN = (np.empty((0, 1, 3), np.float32),) * 2
"""Keys of which no motion is known."""
SLIGHT = 1 / 128
"""Weights below this show nothing."""
HIDDEN = 60.0
"""Difference (sum of three channels, 0-255) that counts where only one key shows a thing."""
SAME_WAY, SHARE_OF_WAY = 1.5, 0.1
"""Motions that differ by so many pixels, or by that share of their length, are the same; by twice that much,
surely not."""
FAINT = 0.05
"""What a key that does not show a thing counts, against one that does: both may seem hidden."""


def disagreement(
    rgb0: Bytes,
    rgb1: Bytes,
    motion: Floats,
    evidence: Floats,
    t: float,
    bend: Floats = STRAIGHT,
    known: Known = NOTHING_KNOWN,
) -> tuple[Floats, Floats, Floats]:
    """How far the keys disagree along a motion, and how far their mix disagrees with what is expected.

    A key does not show what is outside of it, nor what is behind a thing that surely moves otherwise. Then
    only the other one is asked, and that counts as a difference of `HIDDEN` at most.

    Args:
        rgb0, rgb1: [H, W, 3], 0-255.
        motion: [2, H, W], pixels from key 0 to key 1, at the pixels of the picture at t.
        evidence: [3, H, W], 0-255, the expected colours.
        t: between 0 and 1.
        bend: [2, H, W], pixels, how far beside its chord each pixel is.
        known: of both keys, at the pixels of each.

    Returns:
        [H, W], the sum of both over the channels, 0 to 1530; how light the mix is, [H, W], the sum of its
        channels; and the share of key 1 in it, [H, W], which is t where both keys show it.
    """
    out, light, share = (np.empty(motion.shape[1:], np.float32) for _ in range(3))
    work = partial(
        _disagreement, rgb0, rgb1, motion, bend, evidence, *known, np.float32(t), out, light, share
    )
    in_bands(work, len(out))
    return out, light, share


def believe(costs: Floats, best: Numbers, unsure: Floats, slight: float, shares: Floats) -> Floats:
    """Weights for `mix_along`: the best candidate's, and where that is unsure, of all by their costs.

    Args:
        costs: [K, H, W]; each counts by its inverse square.
        best: [H, W], whose cost is least.
        unsure: [H, W], 0 to 1, the share of weight that goes by costs.
        slight: added to all costs: differences below this hardly count.
        shares: [K, H, W], of key 1.

    Returns:
        [K, 2, H, W].
    """
    weights = np.empty((len(costs), 2, *best.shape), np.float32)
    in_bands(partial(_believe, costs, best, unsure, np.float32(slight), shares, weights), len(best))
    return weights


def mix_along(
    image0: Floats,
    image1: Floats,
    motions: Floats,
    weights: Floats,
    t: float,
    bends: Floats = ALL_STRAIGHT,
) -> Floats:
    """Both keys looked up along motions, and mixed.

    Args:
        image0, image1: [3, H, W].
        motions: [K, 2, h, w], their own pixels; where h, w are less than H, W, the nearest is taken, scaled.
        weights: [K, 2, h, w], of what key 0 and key 1 show along each.
        t: between 0 and 1.
        bends: [K, 2, h, w], how far beside its chord each pixel is.

    Returns:
        [3, H, W], the mean by weight; weights need not sum to 1, but must not be all below `SLIGHT`.
    """
    height, width = image0.shape[1:]
    rows, columns = motions.shape[2:]
    # Nearest as cv2.resize has it: pixel x of W takes pixel floor(x * w / W) of w.
    column = np.minimum(np.arange(width) * (columns / width), columns - 1).astype(np.int32)
    scale = np.array([width / columns, height / rows], np.float32)
    out = np.empty_like(image0)
    work = partial(_mix_along, image0, image1, motions, bends, weights, scale, column, np.float32(t), out)
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


@compile_kernel("f4(f4[:, :, ::1], u4, u4, u4, u4, f4, f4, u4)", fast=True)
def _at(image, left, right, above, below, x, y, c):  # type: ignore[no-untyped-def]
    """Plane c at the place that `_corners` says."""
    one = np.float32(1)
    upper = image[c, above, left] * (one - x) + image[c, above, right] * x
    lower = image[c, below, left] * (one - x) + image[c, below, right] * x
    return upper * (one - y) + lower * y


@compile_kernel("f4(u1[:, :, ::1], u4, u4, u4, u4, f4, f4, u4)", fast=True)
def _between(rgb, left, right, above, below, x, y, c):  # type: ignore[no-untyped-def]
    """Channel c at the place that `_corners` says."""
    one = np.float32(1)
    upper = np.float32(rgb[above, left, c]) * (one - x) + np.float32(rgb[above, right, c]) * x
    lower = np.float32(rgb[below, left, c]) * (one - x) + np.float32(rgb[below, right, c]) * x
    return upper * (one - y) + lower * y


@compile_kernel("f4(f4[:, :, ::1], f4, f4, f4, f4, i8, i8)", fast=True)
def _shows(known, x, y, mx, my, width, height):  # type: ignore[no-untyped-def]
    """Whether a key shows at (x, y) what moves by (mx, my), 0 to 1."""
    zero, one, half = np.float32(0), np.float32(1), np.float32(0.5)
    right, bottom = np.float32(width - 1), np.float32(height - 1)
    outside = max(-x, x - right, -y, y - bottom) - half
    shown = one - min(max(outside, zero), one)
    if known.shape[0] == 0:
        return shown
    column, row = np.uint32(min(max(x, zero), right) + half), np.uint32(min(max(y, zero), bottom) + half)
    if known[row, column, 2] == zero:
        return shown
    off = max(abs(known[row, column, 0] - mx), abs(known[row, column, 1] - my))
    same = max(np.float32(SAME_WAY), np.float32(SHARE_OF_WAY) * max(abs(mx), abs(my)))
    return shown * min(max(np.float32(2) - off / same, zero), one)


@compile_kernel(
    "void(u1[:, :, ::1], u1[:, :, ::1], f4[:, :, ::1], f4[:, :, ::1], f4[:, :, ::1], f4[:, :, ::1],"
    "f4[:, :, ::1], f4, f4[:, ::1], f4[:, ::1], f4[:, ::1], i8, i8)",
    fast=True,
)
def _disagreement(rgb0, rgb1, motion, bend, evidence, known0, known1, t, out, light, shares, top, bottom):  # type: ignore[no-untyped-def]
    height, width = out.shape
    one, faint, hidden = np.float32(1), np.float32(FAINT), np.float32(HIDDEN)
    for row in range(top, bottom):
        y = np.uint32(row)
        for column in range(width):
            x = np.uint32(column)
            px, py, mx, my = _chord(motion, bend, x, y)
            x0, y0, x1, y1 = px - t * mx, py - t * my, px + (one - t) * mx, py + (one - t) * my
            shown0 = _shows(known0, x0, y0, mx, my, width, height)
            shown1 = _shows(known1, x1, y1, mx, my, width, height)
            alone, share = abs(shown0 - shown1), t
            if alone > np.float32(0):
                first, second = (one - t) * (shown0 + faint), t * (shown1 + faint)
                share = second / (first + second)
            l0, r0, a0, b0, fx0, fy0 = _corners(x0, y0, width, height)
            l1, r1, a1, b1, fx1, fy1 = _corners(x1, y1, width, height)
            apart, beside, bright = np.float32(0), np.float32(0), np.float32(0)
            for c in range(np.uint32(3)):
                from0 = _between(rgb0, l0, r0, a0, b0, fx0, fy0, c)
                from1 = _between(rgb1, l1, r1, a1, b1, fx1, fy1, c)
                mixed = (one - share) * from0 + share * from1
                apart += abs(from0 - from1)
                beside += abs(mixed - evidence[c, y, x])
                bright += mixed
            out[y, x] = (one - alone) * apart + alone * min(apart, hidden) + beside
            light[y, x], shares[y, x] = bright, share


@compile_kernel(
    "void(f4[:, :, ::1], i8[:, ::1], f4[:, ::1], f4, f4[:, :, ::1], f4[:, :, :, ::1], i8, i8)", fast=True
)
def _believe(costs, best, unsure, slight, shares, weights, top, bottom):  # type: ignore[no-untyped-def]
    count, _, width = costs.shape
    zero, one = np.float32(0), np.float32(1)
    for row in range(top, bottom):
        y = np.uint32(row)
        for column in range(width):
            x = np.uint32(column)
            alone, total = one - unsure[y, x], zero
            if unsure[y, x] > zero:
                for k in range(count):
                    total += one / (costs[k, y, x] + slight) ** 2
            for k in range(count):
                weight, share = alone if k == best[y, x] else zero, shares[k, y, x]
                if unsure[y, x] > zero:
                    weight += unsure[y, x] / ((costs[k, y, x] + slight) ** 2 * total)
                weights[k, 0, y, x], weights[k, 1, y, x] = (one - share) * weight, share * weight


@compile_kernel(
    "void(f4[:, :, ::1], f4[:, :, ::1], f4[:, :, :, ::1], f4[:, :, :, ::1], f4[:, :, :, ::1], f4[::1],"
    "i4[::1], f4, f4[:, :, ::1], i8, i8)",
    fast=True,
)
def _mix_along(image0, image1, motions, bends, weights, scale, nearest, t, out, top, bottom):  # type: ignore[no-untyped-def]
    bent = bends.shape[0] > 0
    _, height, width = out.shape
    count, _, rows, columns = motions.shape
    zero, one, slight, half = np.float32(0), np.float32(1), np.float32(SLIGHT), np.float32(0.5)
    for row in range(top, bottom):
        y, v = np.uint32(row), np.uint32(min(row * rows // height, rows - 1))
        weight_y = (np.float32(row) + half) / scale[1] - half
        for column in range(width):
            x = np.uint32(column)
            u = np.uint32(nearest[x])
            start, stop = 0, count
            for number in range(count):
                if weights[number, 0, v, u] + weights[number, 1, v, u] > one - slight:
                    start, stop = number, number + 1
            weight_x = (np.float32(column) + half) / scale[0] - half
            left, right, above, below, wx, wy = _corners(weight_x, weight_y, columns, rows)
            red, green, blue, total = zero, zero, zero, zero
            for number in range(start, stop):
                k = np.uint32(number)
                first = _at(weights[k], left, right, above, below, wx, wy, 0)
                second = _at(weights[k], left, right, above, below, wx, wy, 1)
                if first + second < slight:
                    continue
                total += first + second
                mx, my = motions[k, 0, v, u] * scale[0], motions[k, 1, v, u] * scale[1]
                px, py = np.float32(x), np.float32(y)
                if bent:
                    px, py = px - bends[k, 0, v, u] * scale[0], py - bends[k, 1, v, u] * scale[1]
                l0, r0, a0, b0, fx0, fy0 = _corners(px - t * mx, py - t * my, width, height)
                l1, r1, a1, b1, fx1, fy1 = _corners(px + (one - t) * mx, py + (one - t) * my, width, height)
                red += first * _at(image0, l0, r0, a0, b0, fx0, fy0, 0)
                green += first * _at(image0, l0, r0, a0, b0, fx0, fy0, 1)
                blue += first * _at(image0, l0, r0, a0, b0, fx0, fy0, 2)
                red += second * _at(image1, l1, r1, a1, b1, fx1, fy1, 0)
                green += second * _at(image1, l1, r1, a1, b1, fx1, fy1, 1)
                blue += second * _at(image1, l1, r1, a1, b1, fx1, fy1, 2)
            out[0, y, x], out[1, y, x], out[2, y, x] = red / total, green / total, blue / total
