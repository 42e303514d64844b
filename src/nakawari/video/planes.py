"""The planes of a decoded frame as they are: for measuring, where making RGB would be waste."""

from __future__ import annotations

from typing import Any

import numpy as np

from nakawari.video.colour import layout, rows
from nakawari.video.frames import Array, Frame

Planes = tuple[Array, tuple[Array, Array] | None]
"""A picture, and the two colour planes that belong to it when it is luma alone."""


def planes(frame: Frame) -> Planes:
    """What `frame` shows, in the cheapest form that shows all of it.

    Returns:
        luma [H, W] and its Cb and Cr planes (of any size) for planar Y'CbCr without alpha, else RGB
        [H, W, 3 or 4] and None; uint8, or uint16 scaled to the full 16 bits.
    """
    native = frame.native
    if isinstance(native, np.ndarray):
        light = native.dtype == np.float32
        return np.rint(native * 65535).astype(np.uint16) if light else native, None
    form = layout(native.format.name)
    if form.kind != "yuv" or form.alpha:
        return frame.rgb(), None
    luma, blue, red = (_samples(plane, form.bits) for plane in native.planes[:3])
    return luma, (blue, red)


def _samples(plane: Any, bits: int) -> Array:
    view = rows(plane, bits)[:, : plane.width]
    if bits in (8, 16):
        return view
    return np.left_shift(view, 16 - bits)
