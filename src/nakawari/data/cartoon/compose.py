"""Laying paint into an outline, compiled. Imported where it is used: numba takes a while to load."""

from __future__ import annotations

import numpy as np
from numba import njit

from nakawari.data.cartoon.scene import Bytes
from nakawari.machine_code import kept


@kept(njit(cache=True, nogil=True))
def compose(image: Bytes, tone: Bytes, mask: Bytes) -> None:
    """Lay `tone` [h, w, 3] over premultiplied `image` [h, w, 4] where `mask` [h, w] covers it, in place."""
    height, width = mask.shape
    for y in range(height):
        for x in range(width):
            cover = np.uint32(mask[y, x])
            if cover == 0:
                continue
            rest = np.uint32(255) - cover
            for c in range(3):
                image[y, x, c] = (image[y, x, c] * rest + tone[y, x, c] * cover + 127) // 255
            image[y, x, 3] = (image[y, x, 3] * rest + 127) // 255 + cover
