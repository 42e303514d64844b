"""Lines and distances to them. All pictures are numpy arrays here: this runs where OpenCV runs."""

# ruff: noqa: ANN001, ANN202
from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from nakawari.ops.compiled import compile_kernel, in_bands

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


Style = Literal["anime", "cartoon", "auto"]


@dataclass(frozen=True, slots=True)
class ContourStyle:
    """How the contours of a kind of picture are found.

    Attributes:
        low, high: a pixel is on a contour where the response is above `low` and hangs together with one above
            `high`; the strongest response of the picture is 255.
        diameter, sigma_colour, sigma_space: of the bilateral filter before, pixels and grey levels.
    """

    low: float
    high: float
    diameter: int
    sigma_colour: float
    sigma_space: float


STYLES: dict[str, ContourStyle] = {
    "anime": ContourStyle(2, 20, 10, 10, 10),
    "cartoon": ContourStyle(1, 20, 30, 40, 30),
}
HIGHEST_LOW = 4.0
"""`low` is never estimated above this."""
GRAINY = 3.0
"""Grain, in grey levels, from which a picture is filtered as a cartoon is."""


def contour_style(picture: npt.NDArray[np.uint8], style: Style = "auto") -> ContourStyle:
    """The style of a name; "auto" estimates it from an [H, W, 3] picture, 0-255.

    The grain decides whether it is filtered as anime or as a cartoon. The lower threshold is that style's,
    or higher where it takes more to stand clear of the grain that the filter leaves.
    """
    if style != "auto":
        return STYLES[style]
    filtered = STYLES["cartoon" if _grain(picture) > GRAINY else "anime"]
    spread = 1.4826 * float(np.median(np.abs(_response(picture, filtered)[::2, ::2])))
    low = min(max(4 * spread, filtered.low), HIGHEST_LOW)
    return ContourStyle(low, filtered.high, filtered.diameter, filtered.sigma_colour, filtered.sigma_space)


def contour_map(picture: npt.NDArray[np.uint8], style: ContourStyle) -> Mask:
    """The dark lines of a picture and the dark sides of its edges.

    Args:
        picture: [H, W, 3], 0-255, RGB or BGR.
        style: as `contour_style` gives it.

    Returns:
        [H, W], True on a contour; nowhere in a picture of one colour.

    Source: Zhang et al. 2009, "Vectorizing Cartoon Animations", as AnimeInterp's released code does it:
    bilateral filter, Laplacian of each channel, thresholds with hysteresis across space and channels.
    """
    response = np.ascontiguousarray(_response(picture, style))
    line = np.zeros(picture.shape[:2], np.bool_)
    _hysteresis(response, np.float32(style.low), np.float32(style.high), line)
    return line


def _response(picture: npt.NDArray[np.uint8], style: ContourStyle) -> Floats:
    """[H, W, 3]: positive in the dark of an edge, the largest 255; 0 everywhere where there is no edge."""
    smooth = cv2.bilateralFilter(picture, style.diameter, style.sigma_colour, style.sigma_space)
    response = np.asarray(cv2.Laplacian(smooth, ddepth=cv2.CV_32F, ksize=5), np.float32)
    largest = response.max()
    return response if largest <= 0 else np.asarray(response * np.float32(np.float32(255) / largest))


def _grain(picture: npt.NDArray[np.uint8]) -> float:
    """Standard deviation of the grain, grey levels: from the half of the picture that is smoothest.

    Source: Immerkær 1996, "Fast Noise Variance Estimation": its operator is blind to slopes. The median in
    place of the mean makes it blind to lines too.
    """
    grey = np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.float32)
    operator = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
    return 1.4826 * float(np.median(np.abs(cv2.filter2D(grey, -1, operator)))) / 6


def contrast(picture: Floats) -> Floats:
    """How much each pixel of [H, W] differs from the next to its right and the next below, summed."""
    out = np.empty(picture.shape, np.float32)
    in_bands(partial(_contrast, picture, out), len(picture))
    return out


@compile_kernel("void(f4[:, ::1], f4[:, ::1], i8, i8)", fast=True)
def _contrast(picture, out, top, bottom):  # type: ignore[no-untyped-def]
    height, width = picture.shape
    for y in range(top, bottom):
        below = min(y + 1, height - 1)
        for x in range(width - 1):
            here = picture[y, x]
            out[y, x] = abs(picture[y, x + 1] - here) + abs(picture[below, x] - here)
        out[y, width - 1] = abs(picture[below, width - 1] - picture[y, width - 1])


def distance_to(mask: Mask) -> Floats:
    """How far the nearest pixel of `mask` is, [H, W], pixels; everything is far where there is none."""
    if not mask.any():
        return np.full(mask.shape, float(sum(mask.shape)), np.float32)
    return np.asarray(cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 3), np.float32)


REACH_PX = 16
"""How far from a line a picture of distances still slopes."""


def slope_to_lines(grey: npt.NDArray[np.uint8], line: Mask, reach: float = REACH_PX) -> npt.NDArray[np.uint8]:
    """Grey mixed with the distance to the nearest line: a gradient method then finds thin lines from afar.

    Args:
        grey: [H, W], 0-255.
        line: [H, W], where lines are.
        reach: pixels from a line up to which it slopes.
    """
    slope = np.minimum(distance_to(line), reach) * np.float32(128 / reach)
    return np.asarray(cv2.addWeighted(grey, 0.5, slope.astype(np.uint8), 1.0, 0.0), np.uint8)


def nearest_outside(
    hole: Mask, asked: Mask | None = None
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The pixels of a mask, and for each the nearest one outside of it, both as places in the flat picture.

    `asked`: only these of them; None: all.
    Both are empty where there is no hole, or nothing else.
    """
    if not hole.any() or hole.all():
        return np.empty(0, np.int64), np.empty(0, np.int64)
    # the way to what is nearest leaves the box of the holes through the pixels around it
    rows, columns = np.flatnonzero(hole.any(1)), np.flatnonzero(hole.any(0))
    top, left = max(0, int(rows[0]) - 1), max(0, int(columns[0]) - 1)
    part = np.ascontiguousarray(hole[top : rows[-1] + 2, left : columns[-1] + 2])
    _, label = cv2.distanceTransformWithLabels(
        part.astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    label = label.reshape(-1)
    wanted = part if asked is None else part & asked[top : rows[-1] + 2, left : columns[-1] + 2]
    holes, known = np.flatnonzero(wanted), np.flatnonzero(~part)
    place = np.zeros(int(label.max()) + 1, np.int64)
    place[label[known]] = known
    row, column = np.divmod(np.stack([holes, place[label[holes]]]), part.shape[1])
    whole = (row + top) * hole.shape[1] + column + left
    return whole[0], whole[1]


@compile_kernel("void(f4[:, :, ::1], f4, f4, b1[:, ::1])")
def _hysteresis(response, low, high, line):  # type: ignore[no-untyped-def]
    """Spread from responses above `high` over 6 neighbours (space and channels) that are above `low`."""
    height, width, channels = response.shape
    reached = np.zeros((height, width, channels), np.bool_)
    queue = np.empty(height * width * channels, np.int32)
    for y in range(height):
        for x in range(width):
            for c in range(channels):
                if not response[y, x, c] > high or reached[y, x, c]:
                    continue
                reached[y, x, c] = True
                queue[0] = (y * width + x) * channels + c
                found = 1
                while found:
                    found -= 1
                    at = queue[found]
                    here, d = at // channels, at % channels
                    v, u = here // width, here % width
                    # In steps of one grey level, as a picture of 8 bits keeps it.
                    if np.float32(255) - np.float32(20) * response[v, u, d] < np.float32(221):
                        line[v, u] = True
                    for k in range(6):
                        b = v + (k == 0) - (k == 1)
                        a = u + (k == 2) - (k == 3)
                        e = d + (k == 4) - (k == 5)
                        if not (0 <= b < height and 0 <= a < width and 0 <= e < channels):
                            continue
                        if response[b, a, e] > low and not reached[b, a, e]:
                            reached[b, a, e] = True
                            queue[found] = (b * width + a) * channels + e
                            found += 1
