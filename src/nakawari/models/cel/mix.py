"""Which pixels of the keys make a pixel of a smoothed picture: never more than two, and two that touch.

A place between pixels of a key is looked up as the mix of two neighbours that comes nearest to a cubic
interpolation of all around: as sharp and as dark, and never a colour that the drawing does not have between
two of its own. Where a line comes to lie over other paint than in its key, it is laid over that by how much
it covers.
"""

# ruff: noqa: ANN001, ANN201, ANN202, C901
from __future__ import annotations

import numpy as np

from nakawari.ops.compiled import compile_kernel

TOUCH_PX = 4
"""Colours that are within this of each other in a key touch: between them is only their smoothed edge."""
ALIKE = 10
"""Largest difference of a channel (0-255) of what counts as one paint."""
UNEXPLAINED = 40
"""Difference of a channel (0-255) from the mix of line and paint: above it a pixel has its own."""
SHARP = -1.0
"""Slope of the cubic where it first meets 0. Drawings are averages over pixels, and averaged again where they
are looked up between pixels; a kernel this sharp takes most of that back: thin lines stay as dark."""
LEAST_SHARE = 0.02
"""Cover of a line below which there is none."""


@compile_kernel("i8(u1[:, ::1], i8, i8)")
def _apart(rgb, a, b):  # type: ignore[no-untyped-def]
    """Largest difference of a channel."""
    far = np.int64(0)
    for c in range(3):
        far = max(far, abs(np.int64(rgb[a, c]) - np.int64(rgb[b, c])))
    return far


@compile_kernel("f8(f8, i8)")
def _cubic(f, k):  # type: ignore[no-untyped-def]
    """Weight of the neighbour k (-1 to 2) at the fraction f (Keys 1981)."""
    d = abs(f - k)
    if d < 1:
        return ((SHARP + 2) * d - (SHARP + 3)) * d * d + 1
    return SHARP * (((d - 5) * d + 8) * d - 4)


@compile_kernel("Tuple((i4, i4, f4))(u1[:, ::1], i8, i8, i8, f8, f8)")
def between(rgb, height, width, start, px, py):  # type: ignore[no-untyped-def]
    """The place (px, py) of a picture whose pixels begin at `start`, as a mix of two of its pixels."""
    px, py = min(max(px, 0.0), width - 1.0), min(max(py, 0.0), height - 1.0)
    left, above = np.int64(px), np.int64(py)
    fx, fy = px - left, py - above
    nearest = start + np.int64(py + 0.5) * width + np.int64(px + 0.5)
    exact = abs(fx - np.round(fx)) < 0.02 and abs(fy - np.round(fy)) < 0.02
    right, below = min(left + 1, width - 1), min(above + 1, height - 1)
    corners = (
        start + above * width + left,
        start + above * width + right,
        start + below * width + left,
        start + below * width + right,
    )
    if (
        exact
        or max(
            _apart(rgb, corners[0], corners[1]),
            _apart(rgb, corners[0], corners[2]),
            _apart(rgb, corners[0], corners[3]),
        )
        <= 1
    ):
        return np.int32(nearest), np.int32(nearest), np.float32(0)
    want = np.zeros(3)
    for j in range(-1, 3):
        v = min(max(above + j, 0), height - 1)
        for i in range(-1, 3):
            u = min(max(left + i, 0), width - 1)
            weight = _cubic(fx, i) * _cubic(fy, j)
            p = start + v * width + u
            for c in range(3):
                want[c] += weight * rgb[p, c]
    first, second, share, least = nearest, nearest, 0.0, np.inf
    for a in corners:
        for j in range(-1, 3):
            v = above + j
            if v < 0 or v >= height:
                continue
            for i in range(-1, 3):
                u = left + i
                if u < 0 or u >= width:
                    continue
                b = start + v * width + u
                along, size, off = 0.0, 0.0, 0.0
                for c in range(3):
                    way = np.float64(rgb[b, c]) - rgb[a, c]
                    along += way * (want[c] - rgb[a, c])
                    size += way * way
                s = min(max(along / size, 0.0), 1.0) if size > 0 else 0.0
                for c in range(3):
                    miss = rgb[a, c] + s * (np.float64(rgb[b, c]) - rgb[a, c]) - want[c]
                    off += miss * miss
                if off < least - 1e-6:
                    first, second, share, least = a, b, s, off
    return np.int32(first), np.int32(second), np.float32(share)


@compile_kernel("i8(u1[:, ::1], i8, i8, i8, i8)")
def _beside(rgb, height, width, a, b):  # type: ignore[no-untyped-def]
    """The pixel that touches pixel a in its key and has the paint of pixel b; -1: none."""
    size = height * width
    start = size if a >= size else 0
    y, x = (a - start) // width, (a - start) % width
    found, least = -1, ALIKE + 1
    for v in range(max(0, y - TOUCH_PX), min(height, y + TOUCH_PX + 1)):
        for u in range(max(0, x - TOUCH_PX), min(width, x + TOUCH_PX + 1)):
            p = start + v * width + u
            far = _apart(rgb, p, b)
            if far < least:
                found, least = p, far
    return found


@compile_kernel("Tuple((i4, i4, f4))(u1[:, ::1], i8, i8, i8, i8, f8)")
def touching(rgb, height, width, a, b, share):  # type: ignore[no-untyped-def]
    """Pixels a and b mixed if their paints touch in a key, else the one of which there is more."""
    if a == b or share <= 0:
        return np.int32(a), np.int32(a), np.float32(0)
    if share >= 1:
        return np.int32(b), np.int32(b), np.float32(0)
    c = _beside(rgb, height, width, a, b)
    if c >= 0:
        return np.int32(a), np.int32(c), np.float32(share)
    c = _beside(rgb, height, width, b, a)
    if c >= 0:
        return np.int32(c), np.int32(b), np.float32(share)
    most = b if share > 0.5 else a
    return np.int32(most), np.int32(most), np.float32(0)


@compile_kernel("void(u1[:, ::1], i8, i8, i4[:, ::1], i4[:, ::1], f4[:, ::1])")
def only_touching(rgb, height, width, first, second, share):  # type: ignore[no-untyped-def]
    """`touching` for whole pictures of pixels, in place."""
    rows, columns = share.shape
    for y in range(rows):
        for x in range(columns):
            if share[y, x] > 0:
                first[y, x], second[y, x], share[y, x] = touching(
                    rgb, height, width, np.int64(first[y, x]), np.int64(second[y, x]), np.float64(share[y, x])
                )


@compile_kernel("b1(i4[:, :, ::1], i4[:, ::1], i8[::1], i8, i8, i8, i8, i8, i8)")
def _goes_along(labels, owner, same, many, k, x, y, u, v):  # type: ignore[no-untyped-def]
    """Whether every region around the place (u, v) of key k is around (x, y) at t as well."""
    _, height, width = labels.shape
    for j in range(max(0, v - 2), min(height, v + 3)):
        for i in range(max(0, u - 2), min(width, u + 3)):
            region = same[labels[k, j, i] + k * many]
            found = False
            for q in range(max(0, y - 3), min(height, y + 4)):
                for p in range(max(0, x - 3), min(width, x + 4)):
                    found |= same[owner[q, p]] == region
            if not found:
                return False
    return True


@compile_kernel(
    "void(u1[:, ::1], b1[:, :, ::1], i4[:, :, ::1], i4[:, :, ::1], i8, i8[::1], i4[:, ::1], f4[:, :, ::1],"
    " i4[:, ::1], i4[:, ::1], f4[:, ::1])"
)
def look_up(rgb, inked, paint, labels, many, same, owner, place, first, second, share):  # type: ignore[no-untyped-def]
    """Paint at places of the keys: what is there, or under lines the paint nearest to it.

    The smoothed edge of something that went another way is not taken along.

    Args:
        rgb: [2·H·W, 3], 0-255, both keys end to end.
        inked: [2, H, W], pixels that a line covers in part.
        paint: [2, H, W], the nearest pixel of paint.
        labels: [2, H, W], regions of the keys; key 0 has `many`; partners have one number in `same`.
        owner: [H, W], the region that each pixel shows, those of key 0 first. place: [H, W, 2], (x, y) in
            its key.
        first, second, share: [H, W], filled.
    """
    _, height, width = inked.shape
    for y in range(height):
        for x in range(width):
            k = np.int64(owner[y, x] >= many)
            px, py = np.float64(place[y, x, 0]), np.float64(place[y, x, 1])
            u, v = min(max(np.int64(px), 0), width - 1), min(max(np.int64(py), 0), height - 1)
            r, b = min(u + 1, width - 1), min(v + 1, height - 1)
            cx = min(max(np.int64(np.floor(px + 0.5)), 0), width - 1)
            cy = min(max(np.int64(np.floor(py + 0.5)), 0), height - 1)
            own = k * height * width + cy * width + cx
            near = np.int64(paint[k, cy, cx])
            lined = inked[k, v, u] or inked[k, v, r] or inked[k, b, u] or inked[k, b, r]
            if lined:
                p = near if inked[k, cy, cx] else own
            elif near == own or _goes_along(labels, owner, same, many, k, x, y, cx, cy):
                first[y, x], second[y, x], share[y, x] = between(
                    rgb, height, width, k * height * width, px, py
                )
                continue
            else:
                p = near
            first[y, x], second[y, x], share[y, x] = p, p, 0


@compile_kernel(
    "void(u1[:, ::1], f4[:, :, ::1], i4[:, :, ::1], i4[::1], i8, i4[:, ::1], f4[:, :, ::1], i4[:, ::1],"
    " i4[:, ::1], f4[:, ::1], f4[:, ::1])"
)
def lay_over(rgb, coverage, paint, ink, many, hit, place, first, second, share, cover):  # type: ignore[no-untyped-def]
    """Lay strokes over paint: the strip of the key as it is, if it lies over the paint that it lay over.

    Args:
        rgb, paint: as in `look_up`. coverage: [2, H, W], how much of each pixel lines cover.
        ink: of all vertices, those of key 0 first, of which there are `many`.
        hit, place: as `lay_strokes` gives them; -1: no stroke.
        first, second, share: [H, W], the paint; changed. cover: [H, W], filled.
    """
    _, height, width = paint.shape
    size = height * width
    for y in range(height):
        for x in range(width):
            n = np.int64(hit[y, x])
            if n < 0:
                continue
            k = np.int64(n >= many)
            px, py = np.float64(place[y, x, 0]), np.float64(place[y, x, 1])
            if not (-0.5 <= px < width - 0.5 and -0.5 <= py < height - 0.5):
                continue
            px, py = min(max(px, 0.0), width - 1.0), min(max(py, 0.0), height - 1.0)
            u, v = np.int64(px), np.int64(py)
            r, b = min(u + 1, width - 1), min(v + 1, height - 1)
            fx, fy = px - u, py - v
            upper = coverage[k, v, u] * (1 - fx) + coverage[k, v, r] * fx
            lower = coverage[k, b, u] * (1 - fx) + coverage[k, b, r] * fx
            c = min(upper * (1 - fy) + lower * fy, 1.0)
            cover[y, x] = c
            base = np.int64(second[y, x]) if share[y, x] > 0.5 else np.int64(first[y, x])
            was = np.int64(paint[k, np.int64(py + 0.5), np.int64(px + 0.5)])
            here = k * size + np.int64(py + 0.5) * width + np.int64(px + 0.5)
            covered = min(max(coverage[k, np.int64(py + 0.5), np.int64(px + 0.5)], 0.0), 1.0)
            unlike = 0.0
            for channel in range(3):
                mixed = rgb[was, channel] + covered * (np.float64(rgb[ink[n], channel]) - rgb[was, channel])
                unlike = max(unlike, abs(mixed - rgb[here, channel]))
            if _apart(rgb, base, was) <= ALIKE or unlike > UNEXPLAINED:
                first[y, x], second[y, x], share[y, x] = between(rgb, height, width, k * size, px, py)
            elif c >= LEAST_SHARE:
                first[y, x], second[y, x], share[y, x] = touching(
                    rgb, height, width, base, np.int64(ink[n]), c
                )
