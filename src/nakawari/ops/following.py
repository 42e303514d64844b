"""Where a flow leads, in arrays: flow is [H, W, 2], pixels, (x right, y down)."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]


def lookup(picture: npt.NDArray[Any], flow: Floats, share: float = 1.0) -> npt.NDArray[Any]:
    """`picture` at p + share * flow(p), bilinear; places outside take the nearest edge pixel.

    Flow is [H, W, 2].
    """
    way = flow if share == 1 else np.float32(share) * flow
    places = cv2.add(way, _places(*flow.shape[:2]))
    how: Any = {"interpolation": cv2.INTER_LINEAR, "borderMode": cv2.BORDER_REPLICATE}
    return np.asarray(cv2.remap(picture, places, None, **how))  # type: ignore[call-overload]


@lru_cache(maxsize=2)
def _places(height: int, width: int) -> Floats:
    """Where each pixel is, [H, W, 2]; made once for a clip, and never written to."""
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    return np.stack([x, y], -1)


def returns(flow: Floats, back: Floats) -> npt.NDArray[np.bool_]:
    """Where going along `flow`, then along `back`, ends near the start: a pixel, or a tenth of the way."""
    loop = flow + lookup(back, flow)
    length = cv2.magnitude(flow[..., 0], flow[..., 1])
    return np.asarray(cv2.magnitude(loop[..., 0], loop[..., 1]) < np.maximum(1.0, 0.1 * length))


def leaves(flow: Floats) -> npt.NDArray[np.bool_]:
    """Where going along `flow` ends outside of the picture."""
    height, width = flow.shape[:2]
    x = flow[..., 0] + np.arange(width, dtype=np.float32)
    y = flow[..., 1] + np.arange(height, dtype=np.float32)[:, None]
    return np.asarray((x < -0.5) | (x > width - 0.5) | (y < -0.5) | (y > height - 0.5))
