"""Dense inverse search: the flow that needs no weights, exact on what is rigid and has texture.

OpenCV computes it. Here are its conventions made ours, and sizes that it cannot take made possible.

Source: Kroeger et al. 2016, "Fast Optical Flow using Dense Inverse Search".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from nakawari.tensors import Array

Preset = Literal["fast", "medium"]
PRESETS: dict[str, int] = {"fast": 1, "medium": 2}
SMALLEST_PX = 48
"""Pictures are extended to this by replication: the search needs room for its coarsest patches."""

SHIFT_SIDE = 256
"""The global shift is looked for at about this width."""
LARGEST_SHIFT = 0.4
"""The largest shift that is tried, as a share of the picture's side."""

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
Search = Callable[[Bytes, Bytes], Floats]


def dense_search(preset: Preset = "medium", finest: int | None = None) -> Search:
    """A search from one grey picture to another.

    Args:
        preset: OpenCV's: iterations and overlap of patches; "medium" refines at half the size, "fast" at a
            quarter.
        finest: halvings of the picture at which the search ends instead.

    Returns:
        two [H, W] uint8 pictures of any size → flow [H, W, 2] from the first to the second, pixels.
    """
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
        return np.ascontiguousarray(flow, np.float32)

    return search


def search_both(frame0: Array, frame1: Array, preset: Preset = "medium") -> tuple[Tensor, Tensor]:
    """Flow between two pictures, both ways, around the motion that most of them shares.

    Args:
        frame0, frame1: H×W×3 uint8 RGB.
        preset: see `dense_search`.

    Returns:
        flow01 and flow10, each [2, H, W] float32, pixels.
    """
    grey0, grey1 = (np.asarray(cv2.cvtColor(f, cv2.COLOR_RGB2GRAY), np.uint8) for f in (frame0, frame1))
    return as_tensors(search_around(grey0, grey1, global_shift(grey0, grey1), dense_search(preset)))


def as_tensors(flows: tuple[Floats, Floats]) -> tuple[Tensor, Tensor]:
    """Two flows [H, W, 2] as [2, H, W]."""
    first, second = (torch.from_numpy(np.ascontiguousarray(flow.transpose(2, 0, 1))) for flow in flows)
    return first, second


def search_around(
    grey0: Bytes, grey1: Bytes, shift: tuple[int, int], search: Search
) -> tuple[Floats, Floats]:
    """Flow 0→1 and 1→0, [H, W, 2], pixels, found after a global shift (x, y) in whole pixels is undone."""
    back = (-shift[0], -shift[1])
    return _add(search(grey0, shifted(grey1, shift)), shift), _add(search(grey1, shifted(grey0, back)), back)


def carried(flows: tuple[Floats, Floats], shift: tuple[int, int]) -> tuple[Floats, Floats]:
    """Flow around a shift; what leaves the picture with it goes as the nearest pixel that does not.

    There was nothing to find for it but the repeated edge.
    """
    return _carried(flows[0], shift), _carried(flows[1], (-shift[0], -shift[1]))


def _carried(flow: Floats, shift: tuple[int, int]) -> Floats:
    if shift == (0, 0):
        return flow
    height, width = flow.shape[:2]
    left, top, right, bottom = (max(0, by) for by in (-shift[0], -shift[1], *shift))
    inner = flow[top : max(0, height - bottom), left : max(0, width - right)]
    if not inner.size:  # nothing stays
        return flow
    return np.asarray(cv2.copyMakeBorder(inner, top, bottom, left, right, cv2.BORDER_REPLICATE))


def _add(flow: Floats, shift: tuple[int, int]) -> Floats:
    return flow if shift == (0, 0) else np.asarray(flow + np.array(shift, np.float32), np.float32)


def global_shift(grey0: Bytes, grey1: Bytes, tried: int = 1) -> tuple[int, int]:
    """How far everything moved together, whole pixels (x, y); (0, 0) unless that explains much more.

    Phase correlation of edge pictures at a small size says which shifts to try. Of so many, the one that
    makes the pictures most alike is taken. One is safer where a figure moves over plain ground; where a
    caption stands still, which makes a peak of its own, the pan may be another.
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
    for x, y in _peaks(one, other, tried):
        rows = slice(max(0, y), small[1] + min(0, y)), slice(max(0, -y), small[1] - max(0, y))
        columns = slice(max(0, x), small[0] + min(0, x)), slice(max(0, -x), small[0] - max(0, x))
        moved = float(np.abs(one[rows[1], columns[1]] - other[rows[0], columns[0]]).mean())
        if moved < least:
            best, least = (x, y), moved
    return round(best[0] * width / small[0]), round(best[1] * height / small[1])


def _peaks(one: Floats, other: Floats, count: int) -> list[tuple[int, int]]:
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
    for _ in range(count):
        y, x = np.unravel_index(int(surface.argmax()), surface.shape)
        found.append((int(x) - middle[1], int(y) - middle[0]))
        surface[max(0, y - 1) : y + 2, max(0, x - 1) : x + 2] = -np.inf
    return found


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
