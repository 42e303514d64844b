"""Motion between two keys: a global shift first, then dense inverse search on two looks of the pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from nakawari.ops.lines import distance_to, line_map
from nakawari.ops.search import dense_search

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

REACH = 16
"""Pixels from a line up to which a picture of distances still slopes."""
LARGE = 200_000
"""Pixels of the largest picture in which motion is found at full size."""
SHIFT_SIDE = 256
"""The global shift is looked for at about this width."""
PEAKS, LARGEST_SHIFT = 1, 0.4
"""How many shifts are tried, and the largest, as a share of the picture's side."""


@dataclass(slots=True)
class Look:
    """A key as motion sees it, at working size.

    Attributes:
        rgb: [h, w, 3].
        grey: [h, w].
        distance: [h, w], grey mixed with the distance to the nearest line. It slopes towards lines from
            afar, which is what lets a gradient method find a thin line, or a small figure on white, that
            moved by more than its own width.
    """

    rgb: Bytes
    grey: Bytes
    distance: Bytes


def working_size(height: int, width: int) -> tuple[int, int]:
    """(H, W) at which motion is found: all of a small picture, half of a large one."""
    if height * width <= LARGE:
        return height, width
    return (height + 1) // 2, (width + 1) // 2


def look(rgb: Bytes) -> Look:
    """All looks of an [h, w, 3] picture of working size, 0-255."""
    grey = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.uint8)
    slope = np.minimum(distance_to(line_map(grey)), REACH) * np.float32(128 / REACH)
    mixed = cv2.addWeighted(grey, 0.5, slope.astype(np.uint8), 1.0, 0.0)
    return Look(rgb, grey, np.asarray(mixed, np.uint8))


def largest(picture: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The largest channel of [H, W, C], [H, W]: numpy's own maximum over a short axis is slow."""
    out = picture[..., 0]
    for channel in range(1, picture.shape[2]):
        out = np.maximum(out, picture[..., channel])
    return out


def lookup(picture: npt.NDArray[Any], flow: Floats, share: float = 1.0) -> npt.NDArray[Any]:
    """`picture` at p + share * flow(p), bilinear; places outside take the nearest edge pixel.

    Flow is [H, W, 2].
    """
    height, width = flow.shape[:2]
    x = share * flow[..., 0] + np.arange(width, dtype=np.float32)
    y = share * flow[..., 1] + np.arange(height, dtype=np.float32)[:, None]
    return np.asarray(cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))


def global_shift(grey0: Bytes, grey1: Bytes) -> tuple[int, int]:
    """How far everything moved together, whole pixels (x, y); (0, 0) unless that explains much more.

    Phase correlation of edge pictures at a small size gives a few shifts to try: what does not move, a
    caption or a figure, makes a peak of its own. The one that makes the pictures most alike is taken.
    """
    height, width = grey0.shape
    scale = max(1.0, max(width, height) / SHIFT_SIDE)
    small = (max(1, round(width / scale)), max(1, round(height / scale)))
    if min(small) < 16:
        return 0, 0
    one, other = (
        cv2.resize(grey, small, interpolation=cv2.INTER_AREA).astype(np.float32) for grey in (grey0, grey1)
    )
    best, least = (0, 0), 0.75 * float(np.abs(one - other).mean())
    for x, y in _peaks(one, other):
        rows = slice(max(0, y), small[1] + min(0, y)), slice(max(0, -y), small[1] - max(0, y))
        columns = slice(max(0, x), small[0] + min(0, x)), slice(max(0, -x), small[0] - max(0, x))
        moved = float(np.abs(one[rows[1], columns[1]] - other[rows[0], columns[0]]).mean())
        if moved < least:
            best, least = (x, y), moved
    return round(best[0] * width / small[0]), round(best[1] * height / small[1])


def _peaks(one: Floats, other: Floats) -> list[tuple[int, int]]:
    """The shifts (x, y) at which the edges of two pictures correlate most, but for none at all."""
    height, width = one.shape
    window = cv2.createHanningWindow((width, height), cv2.CV_32F)
    spectra = [
        np.fft.rfft2(window * cv2.magnitude(cv2.Sobel(p, cv2.CV_32F, 1, 0), cv2.Sobel(p, cv2.CV_32F, 0, 1)))
        for p in (one, other)
    ]
    cross = spectra[1] * spectra[0].conj()
    surface = np.fft.irfft2(cross / (np.abs(cross) + 1e-6 * np.abs(cross).max() + 1e-12), (height, width))
    surface = np.fft.fftshift(surface)
    middle = (height // 2, width // 2)
    far = np.ones(surface.shape, np.bool_)
    reach = round(LARGEST_SHIFT * height), round(LARGEST_SHIFT * width)
    far[middle[0] - reach[0] : middle[0] + reach[0] + 1, middle[1] - reach[1] : middle[1] + reach[1] + 1] = (
        False
    )
    surface[far] = -np.inf
    surface[middle[0] - 1 : middle[0] + 2, middle[1] - 1 : middle[1] + 2] = -np.inf
    found = []
    for _ in range(PEAKS):
        y, x = np.unravel_index(int(surface.argmax()), surface.shape)
        found.append((int(x) - middle[1], int(y) - middle[0]))
        surface[max(0, y - 1) : y + 2, max(0, x - 1) : x + 2] = -np.inf
    return found


def dense_flow(
    picture0: Bytes, picture1: Bytes, shift: tuple[int, int], finest: int
) -> tuple[Floats, Floats]:
    """Flow 0→1 and 1→0, [h, w, 2], pixels, around a global shift.

    Args:
        picture0, picture1: [h, w], 0-255.
        shift: whole pixels (x, y).
        finest: halvings of the picture at which the search ends.

    Source: Kroeger et al. 2016, "Fast Optical Flow using Dense Inverse Search".
    """
    search = dense_search(finest=finest)
    ways = (
        (picture0, shifted(picture1, shift), shift),
        (picture1, shifted(picture0, (-shift[0], -shift[1])), (-shift[0], -shift[1])),
    )
    flows = [
        np.ascontiguousarray(search(own, other) + np.array(base, np.float32)) for own, other, base in ways
    ]
    return flows[0], flows[1]


def shifted(picture: npt.NDArray[Any], shift: tuple[int, int]) -> npt.NDArray[Any]:
    """`picture` at p + shift, edges repeated."""
    if shift == (0, 0):
        return picture
    height, width = picture.shape[:2]
    matrix = np.array([[1, 0, shift[0]], [0, 1, shift[1]]], np.float32)
    flags = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
    return np.asarray(
        cv2.warpAffine(picture, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    )


def returns(flow: Floats, back: Floats) -> npt.NDArray[np.bool_]:
    """Where going along `flow`, then along `back`, ends near the start: a pixel, or a tenth of the way."""
    loop = flow + lookup(back, flow)
    length = cv2.magnitude(flow[..., 0], flow[..., 1])
    return np.asarray(cv2.magnitude(loop[..., 0], loop[..., 1]) < np.maximum(1.0, 0.1 * length))
