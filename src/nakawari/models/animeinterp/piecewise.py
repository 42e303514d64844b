"""Flow from matched colour pieces: how far each went, and how it changed on the way.

A piece is cut out of both pictures, everything else in the cut-out is 0. Its flow is the way of the whole
(its base) and a local deformation of the one cut-out into the other. Pieces do not overlap, so their flows
add up to that of the picture.

`paper`: base from the centroids, deformation by Eq. 6, every mutual match.
`official`: what the released code does: base from the middles of the boxes, deformation by dense inverse
search, gates on distance, size and fit.

Source: Li et al. 2021, "Deep Animation Video Interpolation in the Wild", section 4.1, flow generation.
"""

# ruff: noqa: ANN001, ANN202
from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch

from nakawari.models.animeinterp.matching import Partners
from nakawari.ops.compiled import compile_kernel
from nakawari.ops.deformation import deform
from nakawari.ops.regions import Bytes, Floats, Labels, Regions

MARGIN_PX = 5
"""Empty pixels around a cut-out."""
DARK, LIFTED = 20, 40
"""A piece whose mean is below DARK would be lost in the empty part of its cut-out: it is lifted by LIFTED."""


@dataclass(frozen=True, slots=True)
class Pieces:
    """One picture and its colour pieces.

    Attributes:
        grey: [H, W], 0-255.
        labels: [H, W].
        regions: statistics of the labels.
    """

    grey: Bytes
    labels: Labels
    regions: Regions


@dataclass(frozen=True, slots=True)
class Gates:
    """Which matches get flow.

    Attributes:
        furthest_px: the way of the centroid.
        smallest_px: the area is above this.
        largest_share: the area is below this share of the picture.
        ratio: the areas differ by less than this factor.
        fit: of what the piece covers once it is moved, the share that lies on its partner is above this.
    """

    furthest_px: float = 250
    smallest_px: int = 50
    largest_share: float = 0.12
    ratio: float = 3
    fit: float = 0.8


def piecewise_flow(
    one: Pieces, other: Pieces, partners: Partners, gates: Gates | None
) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Flow of every matched piece of `one` to its partner in `other`.

    Args:
        one, other: the pictures.
        partners: [K] numbers in `other`, below 0 for none.
        gates: those of the released code, with its base and deformation; None: the paper's.

    Returns:
        flow [2, H, W] float32, pixels, zero where a piece has no partner or did not pass; and [K], which
        pieces got flow.
    """
    flow = np.zeros((2, *one.labels.shape), np.float32)
    passed = np.zeros(len(partners), np.bool_)
    chosen = np.flatnonzero(partners >= 0)
    if gates is not None:
        chosen = chosen[_admitted(one, other, chosen, partners[chosen], gates)]
    largest_first = chosen[np.argsort(-_box_area(one.regions)[chosen], kind="stable")]
    local = threading.local()

    def work(i: int) -> None:
        if gates is None:
            passed[i] = _paper(one, other, i, int(partners[i]), flow)
            return
        if not hasattr(local, "search"):
            local.search = _search()
        passed[i] = _official(one, other, i, int(partners[i]), gates.fit, local.search, flow)

    with ThreadPoolExecutor(max(1, torch.get_num_threads())) as pool:
        for _ in pool.map(work, largest_first.tolist()):
            pass
    return flow, passed


def _admitted(one: Pieces, other: Pieces, i: Partners, j: Partners, gates: Gates) -> npt.NDArray[np.bool_]:
    area0, area1 = one.regions.area[i], other.regions.area[j]
    away = np.linalg.norm(other.regions.centre[j] - one.regions.centre[i], axis=1)
    return np.asarray(
        (away <= gates.furthest_px)
        & (area0 > gates.smallest_px)
        & (area0 < gates.largest_share * one.labels.size)
        & (np.maximum(area0 / area1, area1 / area0) < gates.ratio)
    )


def _box_area(regions: Regions) -> npt.NDArray[np.int64]:
    return np.asarray((regions.box[:, 2:] - regions.box[:, :2]).prod(1))


def _search() -> Any:
    """official: dense inverse search down to full size, with more of both iterations than its preset has."""
    search: Any = cv2.DISOpticalFlow.create(2)
    search.setVariationalRefinementIterations(25)
    search.setFinestScale(0)
    search.setGradientDescentIterations(50)
    return search


def _cut(pieces: Pieces, number: int) -> tuple[Bytes, npt.NDArray[np.bool_]]:
    """The box of a piece: grey with 0 outside of it, and where it is."""
    left, top, right, bottom = pieces.regions.box[number]
    inside = pieces.labels[top:bottom, left:right] == number
    return pieces.grey[top:bottom, left:right] * inside, inside


def _official(one: Pieces, other: Pieces, i: int, j: int, fit: float, search: Any, flow: Floats) -> bool:
    cuts = [_cut(one, i), _cut(other, j)]
    sides = [max(cuts[0][0].shape[axis], cuts[1][0].shape[axis], 16) + 2 * MARGIN_PX for axis in (0, 1)]
    greys, masks = [], []
    for grey, inside in cuts:
        if grey[inside].mean() < DARK:
            grey = np.where(inside, (0.8 * grey + LIFTED).astype(np.uint8), 0).astype(np.uint8)  # noqa: PLW2901
        greys.append(_centred(grey, sides))
        masks.append(_centred(inside.astype(np.uint8), sides))
    local = np.ascontiguousarray(search.calc(greys[0], greys[1], None))
    if _fit(masks[0], masks[1], local) <= fit:
        return False
    box0, box1 = one.regions.box[i], other.regions.box[j]
    base = (box1[:2] + box1[2:] - box0[:2] - box0[2:]) / 2
    left, top, right, bottom = box0
    inside = cuts[0][1]
    at_y, at_x = ((sides[axis] - inside.shape[axis]) // 2 for axis in (0, 1))
    local = local[at_y : at_y + inside.shape[0], at_x : at_x + inside.shape[1]]
    for axis in (0, 1):
        flow[axis, top:bottom, left:right][inside] = local[..., axis][inside] + np.float32(base[axis])
    return True


def _centred(patch: Bytes, sides: list[int]) -> Bytes:
    above, before = ((sides[axis] - patch.shape[axis]) // 2 for axis in (0, 1))
    below, after = sides[0] - patch.shape[0] - above, sides[1] - patch.shape[1] - before
    return np.asarray(cv2.copyMakeBorder(patch, above, below, before, after, cv2.BORDER_CONSTANT, value=0))


def _paper(one: Pieces, other: Pieces, i: int, j: int, flow: Floats) -> bool:
    """Eq. 6. The base is rounded, so that `patch1` is cut out and not resampled; the rest of it is a start.

    So is standing still: the centroid of a background moves when a figure before it does.
    """
    exact = other.regions.centre[j] - one.regions.centre[i]
    base = np.rint(exact).astype(int)
    box0, box1 = one.regions.box[i], other.regions.box[j]
    corner = np.minimum(box0[:2], box1[:2] - base) - MARGIN_PX
    size = np.maximum(box0[2:], box1[2:] - base) + MARGIN_PX - corner
    patch0, inside = _on_canvas(one, i, corner, size)
    patch1, _ = _on_canvas(other, j, corner + base, size)
    starts = [(float(x), float(y)) for x, y in (exact - base, -base)]
    local = deform(patch0, patch1, starts)
    left, top, right, bottom = box0
    x, y = box0[:2] - corner
    for axis in (0, 1):
        moved = local[axis, y : y + bottom - top, x : x + right - left] + np.float32(base[axis])
        flow[axis, top:bottom, left:right][inside] = moved[inside]
    return True


def _on_canvas(
    pieces: Pieces, number: int, corner: Partners, size: Partners
) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """A piece on an empty canvas of `size` at `corner` (x, y), lifted so that black is not empty; where."""
    left, top, right, bottom = pieces.regions.box[number]
    x, y = pieces.regions.box[number, :2] - corner
    canvas = np.zeros((size[1], size[0]), np.float32)
    grey, inside = _cut(pieces, number)
    canvas[y : y + bottom - top, x : x + right - left] = np.where(inside, np.float32(0.8) * grey + LIFTED, 0)
    return canvas, inside


@compile_kernel("f8(u1[:, ::1], u1[:, ::1], f4[:, :, ::1])")
def _fit(mask0, mask1, flow):  # type: ignore[no-untyped-def]
    """Push `mask0` along the flow: of the pixels that it covers (by a 20th), the share inside `mask1`."""
    height, width = mask0.shape
    landed = np.zeros((height, width, 2), np.float32)
    for y in range(height):
        for x in range(width):
            to_x, to_y = np.float32(x) + flow[y, x, 0], np.float32(y) + flow[y, x, 1]
            left, above = np.int64(np.floor(to_x)), np.int64(np.floor(to_y))
            a, b = to_x - np.float32(left), to_y - np.float32(above)
            for row in range(2):
                for column in range(2):
                    v, u = above + row, left + column
                    if 0 <= v < height and 0 <= u < width:
                        weight = (b if row else np.float32(1) - b) * (a if column else np.float32(1) - a)
                        landed[v, u, 0] += weight * mask0[y, x]
                        landed[v, u, 1] += weight
    covered, inside = 0, 0
    for y in range(height):
        for x in range(width):
            if landed[y, x, 1] > 0 and landed[y, x, 0] / landed[y, x, 1] >= np.float32(0.05):
                covered += 1
                inside += mask1[y, x]
    return inside / covered if covered else 0.0
