"""What a render takes beside drawing: pictures that are read ahead, on their way, and in the encoder.

All of it grows with the picture and none with the length. Measured with `benchmarks/memory.py`.
"""

from __future__ import annotations

import os
from math import ceil
from typing import Any

from nakawari.video.encoders import pictures_held
from nakawari.video.encoding import Encoding
from nakawari.video.frames import Info

DECODED = 16
"""Pictures as the decoder gives them: its own (and one for each thread), read ahead, and kept."""
SHOWN = 12
"""Pictures as RGB: keys, those that are made and wait for the encoder, and what conversion takes."""
FIXED = 96 * 2**20
"""Bytes that come whatever the size: kernels that are loaded when they are first used, sound, packets."""


def beside_drawing(info: Info, writer: Any, frames: int | None) -> int:
    """Bytes that reading, converting and encoding take at most.

    Args:
        info: the clip.
        writer: what takes the pictures.
        frames: how many are written; None: nobody knows.
    """
    pixels = info.width * info.height
    shown = (4 if info.alpha else 3) * ceil(info.bits / 8)
    threads = os.cpu_count() or 1
    total = FIXED + pixels * (SHOWN * shown + (DECODED + threads) * _bytes_a_pixel(info.pix_fmt))
    encoding = getattr(writer, "encoding", None)
    if isinstance(encoding, Encoding):
        held = pictures_held(encoding.codec, encoding.options.get("preset"), frames)
        total += (held + threads) * pixels * _bytes_a_pixel(encoding.pix_fmt)
    return int(total)


def _bytes_a_pixel(pix_fmt: str) -> float:
    import av

    return av.VideoFormat(pix_fmt, 64, 64).padded_bits_per_pixel / 8
