"""Where a flow leads, in arrays: flow is [H, W, 2], pixels, (x right, y down)."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]


def lookup(picture: npt.NDArray[Any], flow: Floats, share: float = 1.0) -> npt.NDArray[Any]:
    """`picture` at p + share * flow(p), bilinear; places outside take the nearest edge pixel.

    Flow is [H, W, 2].
    """
    height, width = flow.shape[:2]
    x = share * flow[..., 0] + np.arange(width, dtype=np.float32)
    y = share * flow[..., 1] + np.arange(height, dtype=np.float32)[:, None]
    return np.asarray(cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))


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
