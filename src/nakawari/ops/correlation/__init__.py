"""Correlation: how well the features of a pixel agree with those of places in another picture.

`look_up` and `look_up_on_demand` look around any place, at several scales at once: the first in a volume
that holds the agreement of all with all, the second works out what is asked for and keeps nothing.
`look_nearby` looks around the same place, in whole pixels.
`reference.py` defines them in torch; `lookup.py` (numba) is the fast twin for float32 on the CPU; other
devices and number types run the reference, which differentiates itself.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from nakawari.ops.correlation import reference


def all_pairs(features0: Tensor, features1: Tensor) -> Tensor:
    """Agreement of every pixel of one map with every pixel of another.

    Args:
        features0: [B, C, H0, W0]. features1: [B, C, H1, W1].

    Returns:
        [B, H0 W0, H1, W1], the scalar product over channels divided by the root of C. The volume of the
        other direction is its transpose: `transposed`.

    Source: Teed & Deng 2020, "RAFT", section 3.2.
    """
    batch, channels, height, width = features1.shape
    own = features0.flatten(2).transpose(1, 2) * channels**-0.5
    with torch.autocast(own.device.type, enabled=False):  # places are shares of a pixel; see `look_up`
        return torch.matmul(own, features1.flatten(2)).view(batch, -1, height, width)


def transposed(volume: Tensor, size: tuple[int, int]) -> Tensor:
    """The volume of `all_pairs(features1, features0)` from that of `all_pairs(features0, features1)`.

    Args:
        volume: [B, H0 W0, H1, W1].
        size: (H0, W0).
    """
    return volume.flatten(2).transpose(1, 2).contiguous().view(volume.shape[0], -1, *size)


def pyramid(maps: Tensor, levels: int) -> list[Tensor]:
    """`maps` [B, N, H, W] at `levels` scales, each half the one before (odd last rows are dropped)."""
    scales = [maps]
    for _ in range(levels - 1):
        scales.append(torch.nn.functional.avg_pool2d(scales[-1], 2, stride=2))
    return scales


def look_up(volumes: Sequence[Tensor], places: Tensor, radius: int) -> Tensor:
    """Agreement with the surroundings of a place, for each pixel and scale.

    Args:
        volumes: `pyramid(all_pairs(...), levels)`; float32 ones on the CPU are contiguous.
        places: [B, 2, H0, W0], (x, y) in pixels of the second map: where each pixel looks.
        radius: pixels of a scale to each side.

    Returns:
        [B, levels (2 radius + 1)^2, H0, W0], channels last in memory: channel
        (level, dx + radius, dy + radius), bilinear between pixels, 0 outside. dx counts slower than dy.

    Source: Teed & Deng 2020, "RAFT", section 3.2; the order is that of its released code.
    """
    if _is_fast(volumes[0], places):
        from nakawari.ops.correlation import lookup

        return lookup.look_up(volumes, places, radius)
    return reference.look_up(volumes, places, radius)


def look_up_on_demand(features0: Tensor, pyramid1: Sequence[Tensor], places: Tensor, radius: int) -> Tensor:
    """What `look_up` gives, without a volume: memory grows with pixels, not with their square.

    Args:
        features0: [B, C, H0, W0]. pyramid1: `pyramid(features1, levels)`.
        places, radius: as `look_up`.
    """
    if _is_fast(features0, places):
        from nakawari.ops.correlation import lookup

        return lookup.look_up_on_demand(features0, pyramid1, places, radius)
    return reference.look_up_on_demand(features0, pyramid1, places, radius)


def look_nearby(features0: Tensor, features1: Tensor, radius: int) -> Tensor:
    """Agreement of each pixel with those around the same place of another map.

    Args:
        features0, features1: [B, C, H, W].
        radius: pixels to each side.

    Returns:
        [B, (2 radius + 1)^2, H, W], the mean product over channels, 0 outside: channel
        (dy + radius, dx + radius), dy counts slower than dx.
    """
    if _is_fast(features0, features1):
        from nakawari.ops.correlation import lookup

        return lookup.look_nearby(features0, features1, radius)
    return reference.look_nearby(features0, features1, radius)


def _is_fast(values: Tensor, others: Tensor) -> bool:
    differentiated = torch.is_grad_enabled() and (values.requires_grad or others.requires_grad)
    return values.device.type == "cpu" and values.dtype == torch.float32 and not differentiated
