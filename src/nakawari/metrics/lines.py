"""How far the lines of a made frame are from the lines of the truth.

Animation is lines. A torn or doubled line hardly changes PSNR, but it is the first thing that is seen.
Lines are taken out with a difference of Gaussians, and each line pixel of one frame is asked how far the
nearest line pixel of the other is.

Source: Chen & Zwicker 2022 (EISAI), chamfer line distance.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from nakawari.errors import ShapeError
from nakawari.metrics.image import unit_pair

Mask = npt.NDArray[np.bool_]

SIGMA = 1.0
"""Of the narrow Gaussian, in pixels: lines about two pixels wide answer most."""
RATIO = 1.6
"""Of the wide Gaussian to the narrow one: nearest to a Laplacian of Gaussian."""
THRESHOLD = 0.005
"""How much darker than its surrounding a line is, in grey of [0, 1] after both blurs."""
GREY = np.array([0.299, 0.587, 0.114])


def line_map(image: npt.NDArray[np.floating]) -> Mask:
    """Where the dark lines are.

    Args:
        image: [H, W, 3], RGB in [0, 1].

    Returns:
        [H, W]; True where the wide Gaussian of the grey picture exceeds the narrow one.
    """
    grey = np.ascontiguousarray(image @ GREY)
    return np.asarray(_blur(grey, RATIO * SIGMA) - _blur(grey, SIGMA) > THRESHOLD)


def _blur(grey: npt.NDArray[np.float64], sigma: float) -> npt.NDArray[np.float64]:
    size = 2 * int(4 * sigma) + 1
    return np.asarray(cv2.GaussianBlur(grey, (size, size), sigma, borderType=cv2.BORDER_REPLICATE))


def chamfer_of_maps(made: Mask, truth: Mask) -> float:
    """Chamfer distance of two line maps of one size.

    The mean over *all* pixels of (line in one map) × (distance in pixels to the nearest line of the other)
    ÷ (the picture's diagonal in pixels), averaged over both directions. Where the other map has no line at
    all the distance is the whole diagonal. Values for good frames are about 4e-5: blank space counts.
    """
    if made.shape != truth.shape or made.ndim != 2:
        raise ShapeError(f"line maps are {list(made.shape)} and {list(truth.shape)}; wanted one [H, W].")
    return 0.5 * (_one_way(made, truth) + _one_way(truth, made))


def _one_way(lines: Mask, to: Mask) -> float:
    count = int(lines.sum())
    if not count:
        return 0.0
    if not to.any():
        return count / lines.size
    distance = cv2.distanceTransform((~to).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    diagonal = float(np.hypot(*lines.shape))
    return float(distance[lines].sum(dtype=np.float64)) / diagonal / lines.size


def chamfer(made: npt.NDArray[np.generic], truth: npt.NDArray[np.generic]) -> float:
    """Chamfer line distance of two H×W×3 frames of one size and type, unscaled; 0 when equal.

    See `line_map` and `chamfer_of_maps`. Print it × 1e5.
    """
    one, other = unit_pair(made, truth)
    return chamfer_of_maps(line_map(one), line_map(other))
