# mypy: allow-untyped-defs, allow-untyped-calls
# ruff: noqa: ANN001, ANN201, ANN202 - kernels take plain arrays and numbers, one by one
"""Numba kernels between Y'CbCr planes and interleaved RGB: one pass each way, in 32-bit float.

Written here because swscale is a unit or two off on flat 8-bit colours, four on 10-bit ones, and wraps
around on 10-bit 4:2:0 with full chroma interpolation.

Chroma is brought to full size by linear interpolation, and back by the filters that are its exact dual:
(-1 2 6 2 -1)/8 where samples lie on pixels (horizontally in MPEG-style 4:2:0 and 4:2:2; the low-pass of
the LeGall 5/3 wavelet) and (-1 3 3 -1)/4 where they lie between two. So samples that merely pass through
RGB come back as they were, up to rounding, and repeated conversion does not blur.

Planes are flat arrays with a stride in elements, because decoders pad their rows.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from nakawari.machine_code import kept

_JIT: dict[str, Any] = {
    "cache": True,
    "nogil": True,
    "error_model": "numpy",
    "fastmath": {"nnan", "ninf", "nsz", "contract"},
}
_compiled = kept(njit(**_JIT))


@_compiled
def _chroma_row(plane, stride, y, rows, columns, halved_y, halved_x, cosited, offset, line, out):
    """Fill `out` [width] with the chroma of pixel row `y`, minus `offset`; `line` is scratch."""
    if halved_y:
        near = y >> 1
        far = near - 1 if y & 1 == 0 else near + 1
        far = min(max(far, 0), rows - 1)
        a, b = near * stride, far * stride
        for x in range(columns):
            line[x] = np.float32(0.75) * plane[a + x] + np.float32(0.25) * plane[b + x] - offset
    else:
        a = y * stride
        for x in range(columns):
            line[x] = np.float32(plane[a + x]) - offset
    width = out.shape[0]
    if not halved_x:
        for x in range(width):
            out[x] = line[x]
    elif cosited:
        for i in range(columns - 1):
            out[2 * i] = line[i]
            out[2 * i + 1] = np.float32(0.5) * (line[i] + line[i + 1])
        for x in range(2 * columns - 2, width):
            out[x] = line[columns - 1]
    else:
        for x in range(width):
            i = x >> 1
            j = min(max(i - 1 + 2 * (x & 1), 0), columns - 1)
            out[x] = np.float32(0.75) * line[i] + np.float32(0.25) * line[j]


@_compiled
def yuv_to_rgb(
    luma, luma_stride, cb, cr, chroma_stride, chroma_rows, chroma_columns, sampling, scale, matrix, out
):
    """Convert planes to `out` [H, W, C >= 3].

    Args:
        luma, cb, cr: flat planes, uint8 or uint16.
        luma_stride, chroma_stride: elements a row.
        chroma_rows, chroma_columns: size of the chroma planes.
        sampling: (halved vertically, halved horizontally, samples lie on even pixels).
        scale: [3] float32: luma offset, chroma offset, largest value of `out`.
        matrix: [3, 3] float32, (luma, cb, cr) minus offsets → RGB in units of `out`.
        out: uint8 or uint16; channels beyond the third are left alone.
    """
    height, width = out.shape[0], out.shape[1]
    halved_y, halved_x, cosited = sampling
    line = np.empty(chroma_columns, np.float32)
    blue = np.empty(width, np.float32)
    red = np.empty(width, np.float32)
    black, middle, top = scale[0], scale[1], scale[2]
    half, zero = np.float32(0.5), np.float32(0)
    m00, m01, m02 = matrix[0, 0], matrix[0, 1], matrix[0, 2]
    m10, m11, m12 = matrix[1, 0], matrix[1, 1], matrix[1, 2]
    m20, m21, m22 = matrix[2, 0], matrix[2, 1], matrix[2, 2]
    rows, columns = chroma_rows, chroma_columns
    rows0, rows1, rows2 = np.empty(width, out.dtype), np.empty(width, out.dtype), np.empty(width, out.dtype)
    for y in range(height):
        _chroma_row(cb, chroma_stride, y, rows, columns, halved_y, halved_x, cosited, middle, line, blue)
        _chroma_row(cr, chroma_stride, y, rows, columns, halved_y, halved_x, cosited, middle, line, red)
        start = y * luma_stride
        for x in range(width):  # into rows of one channel first, which the compiler vectorises
            grey = np.float32(luma[start + x]) - black
            b, r = blue[x], red[x]
            rows0[x] = np.int32(min(max(m00 * grey + m01 * b + m02 * r + half, zero), top))
            rows1[x] = np.int32(min(max(m10 * grey + m11 * b + m12 * r + half, zero), top))
            rows2[x] = np.int32(min(max(m20 * grey + m21 * b + m22 * r + half, zero), top))
        line_out = out[y]
        for x in range(width):
            line_out[x, 0] = rows0[x]
            line_out[x, 1] = rows1[x]
            line_out[x, 2] = rows2[x]


@_compiled
def _halve_row(line, cosited, out):
    """Filter `line` [width] down to `out` [ceil(width / 2)], edges repeated."""
    last = line.shape[0] - 1
    for i in range(out.shape[0]):
        x = 2 * i
        right = line[min(x + 1, last)]
        if cosited:
            near = line[max(x - 1, 0)] + right
            far = line[max(x - 2, 0)] + line[min(x + 2, last)]
            out[i] = np.float32(0.75) * line[x] + np.float32(0.25) * near - np.float32(0.125) * far
        else:
            far = line[max(x - 1, 0)] + line[min(x + 2, last)]
            out[i] = np.float32(0.75) * (line[x] + right) - np.float32(0.25) * far


@_compiled
def _filtered_row(full, halved_y, i, out):
    """Fill `out` [columns] with row `i` of the chroma plane, from `full` [H, columns]."""
    if not halved_y:
        for x in range(out.shape[0]):  # a slice takes seconds to compile
            out[x] = full[i, x]
        return
    y, last = 2 * i, full.shape[0] - 1
    before, lower, after = max(y - 1, 0), min(y + 1, last), min(y + 2, last)
    for x in range(out.shape[0]):
        near, far = full[y, x] + full[lower, x], full[before, x] + full[after, x]
        out[x] = np.float32(0.75) * near - np.float32(0.25) * far


@_compiled
def _room(u, v, errors):
    """How far luma may err, down and up, so that no channel errs by 1.5 where chroma errs by (u, v)."""
    red = errors[0, 1] * u + errors[0, 2] * v
    green = errors[1, 1] * u + errors[1, 2] * v
    blue = errors[2, 1] * u + errors[2, 2] * v
    return -errors[0, 0] - min(red, green, blue), errors[0, 0] - max(red, green, blue)


@_compiled
def _store_chroma(full_b, full_r, halved_y, middle, top, cb, cr, stride, i, errors, nudge):
    """Round row `i` of both chroma planes into place.

    8-bit RGB → 8-bit limited range rounds so coarsely that a flat colour can come back two units off when
    luma and chroma err to the same side. `nudge` [columns] is filled with what added to luma before it is
    rounded prevents that; where nothing would, blue is rounded the other way. `errors` is [3, 3]: for each
    channel, the error of luma that is worth 1.5, and what errors of blue and red chroma are worth in luma;
    [0, 0] where this is not wanted.
    """
    columns = nudge.shape[0]
    row_b, row_r = np.empty(columns, np.float32), np.empty(columns, np.float32)
    _filtered_row(full_b, halved_y, i, row_b)
    _filtered_row(full_r, halved_y, i, row_r)
    start = i * stride
    half, zero, one = np.float32(0.5), np.float32(0), np.float32(1)
    for x in range(columns):
        b = np.int32(min(max(row_b[x] + middle + half, zero), top))
        r = np.int32(min(max(row_r[x] + middle + half, zero), top))
        if errors.shape[0] == 3:
            off_b, off_r = b - middle - row_b[x], r - middle - row_r[x]
            low, high = _room(off_b, off_r, errors)
            if high - low < one and zero < b < top:
                b += -1 if off_b > zero else 1
                low, high = _room(b - middle - row_b[x], off_r, errors)
            nudge[x] = min(zero, high - half) + max(zero, low + half)
        cb[start + x] = b
        cr[start + x] = r


@_compiled
def rgb_to_yuv(
    rgb,
    luma,
    luma_stride,
    cb,
    cr,
    chroma_stride,
    chroma_rows,
    chroma_columns,
    sampling,
    scale,
    matrix,
    errors,
):
    """Convert `rgb` [H, W, C >= 3] to planes; arguments as in `yuv_to_rgb`, `matrix` the other way round.

    `scale` is luma offset, chroma offset, largest value of a plane; `errors` is as in `_store_chroma`.
    """
    height, width = rgb.shape[0], rgb.shape[1]
    halved_y, halved_x, cosited = sampling
    black, middle, top = scale[0], scale[1], scale[2]
    half, zero = np.float32(0.5) + black, np.float32(0)
    grey_rows = np.empty((height, width), np.float32)
    blue_rows = np.empty((height, chroma_columns), np.float32)
    red_rows = np.empty((height, chroma_columns), np.float32)
    blue, red = np.empty(width, np.float32), np.empty(width, np.float32)
    m00, m01, m02 = matrix[0, 0], matrix[0, 1], matrix[0, 2]
    m10, m11, m12 = matrix[1, 0], matrix[1, 1], matrix[1, 2]
    m20, m21, m22 = matrix[2, 0], matrix[2, 1], matrix[2, 2]
    for y in range(height):
        line, grey_row = rgb[y], grey_rows[y]
        for x in range(width):
            r, g, b = np.float32(line[x, 0]), np.float32(line[x, 1]), np.float32(line[x, 2])
            grey_row[x] = m00 * r + m01 * g + m02 * b
            blue[x] = m10 * r + m11 * g + m12 * b
            red[x] = m20 * r + m21 * g + m22 * b
        if halved_x:
            _halve_row(blue, cosited, blue_rows[y])
            _halve_row(red, cosited, red_rows[y])
        else:
            for x in range(width):
                blue_rows[y, x] = blue[x]
                red_rows[y, x] = red[x]
    nudge = np.zeros(chroma_columns, np.float32)
    step_y, step_x = 2 if halved_y else 1, 1 if halved_x else 0
    for i in range(chroma_rows):
        _store_chroma(blue_rows, red_rows, halved_y, middle, top, cb, cr, chroma_stride, i, errors, nudge)
        for y in range(i * step_y, min((i + 1) * step_y, height)):
            start, grey_row = y * luma_stride, grey_rows[y]
            for x in range(width):
                value = grey_row[x] + nudge[x >> step_x] + half
                luma[start + x] = np.int32(min(max(value, zero), top))
