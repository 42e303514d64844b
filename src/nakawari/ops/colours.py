"""Colours as single numbers, so that they can be counted and looked up."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]


def pack(colours: Bytes) -> npt.NDArray[np.int32]:
    """[..., 3], 0-255 → [...], red first."""
    wide = colours.astype(np.int32)
    return np.asarray(wide[..., 0] << 16 | wide[..., 1] << 8 | wide[..., 2], np.int32)


def unpack(numbers: npt.NDArray[np.int32]) -> Bytes:
    """What `pack` was given."""
    return np.stack([numbers >> 16, numbers >> 8 & 255, numbers & 255], -1).astype(np.uint8)
