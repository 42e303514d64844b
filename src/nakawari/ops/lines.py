"""Lines and distances to them. All pictures are numpy arrays here: this runs where OpenCV runs."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float32]


def line_map(grey: npt.NDArray[np.uint8] | Floats, sigma: float = 1.0, threshold: float = 4.0) -> Mask:
    """Where lines and edges are: a difference of Gaussians that is large either way.

    Args:
        grey: [H, W], 0-255.
        sigma: of the narrow Gaussian, pixels; the wide one is 1.6 times that.
        threshold: the least difference, in grey levels.
    """
    picture = np.asarray(grey, np.float32)
    wide = cv2.GaussianBlur(picture, (0, 0), 1.6 * sigma)
    narrow = cv2.GaussianBlur(picture, (0, 0), sigma)
    return np.asarray(cv2.absdiff(wide, narrow) > threshold)


def distance_to(mask: Mask) -> Floats:
    """How far the nearest pixel of `mask` is, [H, W], pixels; everything is far where there is none."""
    if not mask.any():
        return np.full(mask.shape, float(sum(mask.shape)), np.float32)
    return np.asarray(cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 3), np.float32)


def nearest_outside(hole: Mask) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The pixels of a mask, and for each the nearest one outside of it, both as places in the flat picture.

    Both are empty where there is no hole, or nothing else.
    """
    if not hole.any() or hole.all():
        return np.empty(0, np.int64), np.empty(0, np.int64)
    _, label = cv2.distanceTransformWithLabels(
        hole.astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    label = label.reshape(-1)
    holes, known = np.flatnonzero(hole), np.flatnonzero(~hole)
    place = np.zeros(int(label.max()) + 1, np.int64)
    place[label[known]] = known
    return holes, place[label[holes]]
