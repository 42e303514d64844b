"""Dense inverse search: the flow that needs no weights, exact on what is rigid and has texture.

OpenCV computes it. Here are its conventions made ours, and sizes that it cannot take made possible.

Source: Kroeger et al. 2016, "Fast Optical Flow using Dense Inverse Search".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from nakawari.tensors import Array

Preset = Literal["fast", "medium"]
PRESETS: dict[str, int] = {"fast": 1, "medium": 2}
SMALLEST_PX = 48
"""Pictures are extended to this by replication: the search needs room for its coarsest patches."""

Search = Callable[[npt.NDArray[np.uint8], npt.NDArray[np.uint8]], npt.NDArray[np.float32]]


def dense_search(preset: Preset = "medium", finest: int | None = None) -> Search:
    """A search from one grey picture to another.

    Args:
        preset: OpenCV's: iterations and overlap of patches; "medium" refines at half the size, "fast" at a
            quarter.
        finest: halvings of the picture at which the search ends instead.

    Returns:
        two [H, W] uint8 pictures of any size → flow [H, W, 2] from the first to the second, pixels.
    """
    import cv2

    create: Any = cv2.DISOpticalFlow_create  # type: ignore[attr-defined]
    found = create(PRESETS[preset])
    if finest is not None:
        found.setFinestScale(finest)

    def search(own: npt.NDArray[np.uint8], other: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        height, width = own.shape
        bottom, right = (max(0, SMALLEST_PX - side) for side in (height, width))
        if bottom or right:
            own, other = (
                np.asarray(cv2.copyMakeBorder(p, 0, bottom, 0, right, cv2.BORDER_REPLICATE), np.uint8)
                for p in (own, other)
            )
        flow = found.calc(own, other, None)[:height, :width]
        return np.asarray(flow, np.float32)

    return search


def search_both(frame0: Array, frame1: Array, preset: Preset = "medium") -> tuple[Tensor, Tensor]:
    """Flow between two pictures, both ways.

    Args:
        frame0, frame1: H×W×3 uint8 RGB.
        preset: see `dense_search`.

    Returns:
        flow01 and flow10, each [2, H, W] float32, pixels.
    """
    import cv2

    grey0, grey1 = (np.asarray(cv2.cvtColor(f, cv2.COLOR_RGB2GRAY), np.uint8) for f in (frame0, frame1))
    search = dense_search(preset)
    flows = search(grey0, grey1), search(grey1, grey0)
    flow01, flow10 = (torch.from_numpy(np.ascontiguousarray(flow.transpose(2, 0, 1))) for flow in flows)
    return flow01, flow10
