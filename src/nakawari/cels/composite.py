"""Layers laid over one another, as a camera above the cels sees them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from nakawari.errors import MediaError
from nakawari.video.frames import Array


def over(pictures: Sequence[Array]) -> Array:
    """Pictures over one another, from the bottom to the top.

    Args:
        pictures: H×W×3 or H×W×4, uint8 or uint16, straight alpha, of one size.

    Returns:
        H×W×4 of the deepest type given, straight alpha; H×W×3 where nothing can be seen through.

    Raises:
        MediaError: they differ in size, or there are none.
    """
    if not pictures:
        raise MediaError("there are no layers to lay over one another.")
    size = pictures[0].shape[:2]
    deep = any(picture.dtype == np.uint16 for picture in pictures)
    colour, alpha = np.zeros((*size, 3), np.float32), np.zeros((*size, 1), np.float32)
    for picture in pictures:
        if picture.shape[:2] != size:
            raise MediaError(
                f"a layer is {picture.shape[1]}x{picture.shape[0]} and the lowest {size[1]}x{size[0]}; "
                "wanted layers on one canvas."
            )
        unit = picture.astype(np.float32) / np.float32(np.iinfo(picture.dtype).max)
        cover = unit[..., 3:] if picture.shape[2] == 4 else np.ones_like(alpha)
        colour = unit[..., :3] * cover + colour * (1 - cover)
        alpha = cover + alpha * (1 - cover)
    straight = np.divide(colour, alpha, out=np.zeros_like(colour), where=alpha > 0)
    kind: np.dtype[Any] = np.dtype(np.uint16 if deep else np.uint8)
    planes = straight if (alpha == 1).all() else np.concatenate([straight, alpha], 2)
    made: Array = np.rint(planes * np.float32(65535 if deep else 255)).astype(kind)
    return made
