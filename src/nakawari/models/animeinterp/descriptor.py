"""What a colour piece looks like, as a row of numbers that are not negative and add up to 1.

Two rows are alike as far as they overlap (`ops.regions.intersections`, the paper's Eq. 1). `VggDescriptor` is
the paper's. `PaintDescriptor` needs no weights: it describes a piece by its paint, its size and shape, and by
the paint around it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch

from nakawari.nn.vgg import Vgg19
from nakawari.ops.regions import Bytes, Floats, Labels, Regions, contacts, pool

Places = npt.NDArray[np.int64]

TONES = 16
"""Bins of a colour channel."""


class Descriptor(Protocol):
    """Describes the pieces of one picture."""

    name: str
    words: str
    """What it does, for reports."""

    def __call__(self, picture: Bytes, labels: Labels, regions: Regions) -> Floats:
        """[K, N], rows that add up to 1, of [H, W, 3] RGB, its labels and their statistics."""


class VggDescriptor:
    """VGG-19's features, pooled over each piece at every scale.

    Args:
        net: deep enough for `layers`.
        layers: their features are put side by side.
        official: take the least value of a row off before it is scaled, and leave a piece that is lost at a
            coarse scale without features there, as the released code does. Otherwise such a piece takes the
            feature at one of its pixels.

    Source: Li et al. 2021, "Deep Animation Video Interpolation in the Wild", section 4.1.
    """

    name = "vgg19"
    words = "pieces told apart by VGG-19"

    def __init__(self, net: Vgg19, layers: Sequence[str], official: bool) -> None:
        self.net, self.layers, self.official = net, tuple(layers), official

    @torch.inference_mode()
    def __call__(self, picture: Bytes, labels: Labels, regions: Regions) -> Floats:
        """See `Descriptor`."""
        count = len(regions.area)
        image = torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1)))[None].float() / 255
        least = 1 << (int(max(self.layers)[4]) - 1)
        below, right = (max(0, least - side) for side in labels.shape)
        image = torch.nn.functional.pad(image, (0, right, 0, below), mode="replicate")
        labels = np.pad(labels, ((0, below), (0, right)), mode="edge")
        parts, scaled, scale = [], labels, 1
        for _, features in self.net.taps(image, self.layers):
            while scaled.shape != features.shape[2:]:
                scaled = scaled[1::2, 1::2]
                scale *= 2
            part = pool(features[0].numpy(), scaled, count)
            lost = np.flatnonzero(np.bincount(scaled.reshape(-1), minlength=count) == 0)
            if not self.official and len(lost):
                y, x = _a_pixel(labels, count, lost, scale, scaled.shape)
                part[lost] = features[0].numpy()[:, y, x].T
            parts.append(part)
        rows = np.concatenate(parts, 1)
        if self.official:
            rows -= rows.min(1, keepdims=True)
        total = rows.sum(1, keepdims=True)
        return np.asarray(np.divide(rows, total, out=np.zeros_like(rows), where=total > 0), np.float32)


def _a_pixel(
    labels: Labels, count: int, wanted: Places, scale: int, size: tuple[int, ...]
) -> tuple[Places, Places]:
    """(y, x) at a coarse scale of one pixel of each wanted label: the middle one in raster order."""
    order = np.argsort(labels.reshape(-1), kind="stable")
    area = np.bincount(labels.reshape(-1), minlength=count)
    first = np.cumsum(area) - area
    place = order[first[wanted] + area[wanted] // 2]
    y, x = place // labels.shape[1] // scale, place % labels.shape[1] // scale
    return np.minimum(y, size[0] - 1), np.minimum(x, size[1] - 1)


class PaintDescriptor:
    """Colour, size, shape and neighbours; no weights.

    Every quantity is spread over bins so that two rows overlap the more the nearer the quantities are: sides
    and area up to a factor of two, colours up to a bin. What a piece borders on, and what that borders on,
    tells apart pieces that look the same.
    """

    name = "paint"
    words = "pieces told apart by their paint (without VGG-19; --vgg FILE names its weights)"

    SHARES = (
        ("paint", 0.35),
        ("near", 0.25),
        ("around", 0.1),
        ("area", 0.1),
        ("sides", 0.16),
        ("filled", 0.04),
    )
    """What each part of a row adds up to."""

    def __call__(self, picture: Bytes, labels: Labels, regions: Regions) -> Floats:
        """See `Descriptor`."""
        count = len(regions.area)
        paint = _paint(picture, labels, count)
        near = _neighbourhood(labels, count)
        sides = (regions.box[:, 2:] - regions.box[:, :2]).astype(np.float64)
        beside = near @ paint
        parts = {
            "paint": paint,
            "near": beside,
            "around": near @ beside,
            "area": _spread(np.log2(regions.area), 0, 28, 29),
            "sides": np.concatenate([_spread(np.log2(side), 0, 14, 15) for side in sides.T], 1) / 2,
            "filled": _spread(regions.area / sides.prod(1), 0, 1, 5),
        }
        rows = np.concatenate([share * parts[name] for name, share in self.SHARES], 1)
        return np.ascontiguousarray(rows, np.float32)


def _paint(picture: Bytes, labels: Labels, count: int) -> Floats:
    """[K, 3 · TONES]: how much of a piece has each tone, channel by channel."""
    flat = labels.reshape(-1).astype(np.int64)
    area = np.bincount(flat, minlength=count)
    parts = []
    for c in range(3):
        histogram = np.bincount(flat * 256 + picture[..., c].reshape(-1), minlength=count * 256)
        parts.append(histogram.reshape(count, 256) @ _spread(np.arange(256.0), 0, 255, TONES))
    return np.asarray(np.concatenate(parts, 1) / (3 * area[:, None]), np.float32)


def _neighbourhood(labels: Labels, count: int):  # type: ignore[no-untyped-def]  # noqa: ANN202 - scipy is untyped
    """[K, K] sparse: which share of a piece's rim borders on each other piece; the only piece has itself."""
    from scipy.sparse import coo_matrix

    pairs, lengths = contacts(labels, count)
    if not len(pairs):
        pairs, lengths = np.zeros((1, 2), np.int64), np.ones(1, np.int64)
    rim = np.bincount(pairs[:, 0], weights=lengths, minlength=count)
    shares = (lengths / rim[pairs[:, 0]]).astype(np.float32)
    return coo_matrix((shares, (pairs[:, 0], pairs[:, 1])), (count, count)).tocsr()


def _spread(values: npt.NDArray[np.float64], low: float, high: float, bins: int) -> Floats:
    """[len(values), bins]: each value shared between the two nearest of `bins` points, low to high."""
    place = np.clip((values - low) / (high - low), 0, 1) * (bins - 1)
    return np.asarray(np.maximum(0, 1 - np.abs(place[:, None] - np.arange(bins))), np.float32)
