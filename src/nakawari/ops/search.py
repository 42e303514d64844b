"""Dense inverse search: the flow that needs no weights, exact on what is rigid and has texture.

OpenCV computes it. Here are its conventions made ours, and sizes that it cannot take made possible.

Source: Kroeger et al. 2016, "Fast Optical Flow using Dense Inverse Search".
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from nakawari.tensors import Array

Preset = Literal["ultrafast", "fast", "medium"]
PRESETS: dict[str, int] = {"ultrafast": 0, "fast": 1, "medium": 2}
SMALLEST_PX = 32
"""Frames are extended to this by replication: the search needs room for its coarsest patches."""


def search_both(frame0: Array, frame1: Array, preset: Preset = "medium") -> tuple[Tensor, Tensor]:
    """Flow between two pictures, both ways.

    Args:
        frame0, frame1: H×W×3 uint8 RGB.
        preset: OpenCV's; "medium" refines at half the size, "fast" at a quarter.

    Returns:
        flow01 and flow10, each [2, H, W] float32, pixels.
    """
    import cv2

    greys = [_grey(frame) for frame in (frame0, frame1)]
    height, width = frame0.shape[:2]
    search: Any = cv2.DISOpticalFlow.create(PRESETS[preset])
    flows = []
    for own, other in (greys, greys[::-1]):
        flow = search.calc(own, other, None)[:height, :width]
        flows.append(torch.from_numpy(np.ascontiguousarray(flow.transpose(2, 0, 1))))
    return flows[0], flows[1]


def _grey(frame: Array) -> Array:
    import cv2

    grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
    bottom, right = (max(0, SMALLEST_PX - side) for side in grey.shape)
    if bottom or right:
        grey = cv2.copyMakeBorder(grey, 0, bottom, 0, right, cv2.BORDER_REPLICATE)
    return grey
