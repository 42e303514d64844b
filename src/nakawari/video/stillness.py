"""What does not move keeps the very samples that its source has, whatever rounding colour conversion does."""

from __future__ import annotations

from typing import Any

import numpy as np

from nakawari.video.colour import layout, rows
from nakawari.video.frames import Array, Colour


def keep_still(made: Any, rgb: Array, key: Any, key_rgb: Array) -> None:
    """Give `made` the native samples of `key` wherever the two pictures in RGB are equal.

    A chroma sample is kept where all pixels under it are equal.

    Args:
        made, key: `av.VideoFrame`s of one pixel format and size; `made` is changed.
        rgb, key_rgb: what they show, H×W×C of one type.
    """
    import cv2

    form = layout(made.format.name)
    if form.kind not in ("yuv", "gray"):
        return  # RGB converts exactly; packed Y'CbCr is no output of ours
    still = equal(rgb, key_rgb)
    if not still.any():
        return
    halved = still
    if form.halved_x or form.halved_y:
        sy, sx = (2 if form.halved_y else 1), (2 if form.halved_x else 1)
        # the smallest of the pixels right and below; beyond the edge counts as equal
        halved = cv2.erode(still, np.ones((sy, sx), np.uint8), anchor=(0, 0))[::sy, ::sx]
    for number, (target, source) in enumerate(zip(made.planes, key.planes, strict=True)):
        mask = halved if number in (1, 2) else still
        width = mask.shape[1]
        kept = rows(source, form.bits)[:, :width]
        np.copyto(rows(target, form.bits)[:, :width], kept, where=mask.view(np.bool_))


def equal(a: Array, b: Array) -> Array:
    """Where two pictures are equal in all channels, as H×W uint8 of 0 and 1."""
    differs = a != b
    flat = differs[..., 0] | differs[..., 1]
    for channel in range(2, a.shape[2]):
        flat |= differs[..., channel]
    same: Array = (~flat).view(np.uint8)
    return same


def same_samples(native: Any, colour: Colour, pix_fmt: str, wanted: Colour) -> Any | None:
    """The frame under another format's name if its samples are the same (`yuvj420p`, `yuv420p`), or None."""
    import av

    here, there = layout(native.format.name), layout(pix_fmt)
    if here != there or here.kind not in ("yuv", "gbr", "gray"):
        return None
    if (colour.matrix, colour.full_range) != (wanted.matrix, wanted.full_range):
        return None
    frame = av.VideoFrame(native.width, native.height, pix_fmt)
    for target, source in zip(frame.planes, native.planes, strict=True):
        width = source.width
        rows(target, there.bits)[:, :width] = rows(source, here.bits)[:, :width]
    return frame
