"""What a model found out about a pair, for people to look at: motion, regions, and who matches whom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int32]
Numbers = npt.NDArray[np.int64]


@dataclass(slots=True)
class Explanation:
    """All on the grid of the keys; None where a model has no such thing.

    Attributes:
        flow01, flow10: [H, W, 2], pixels (x, y): where each pixel of a key is in the other.
        labels0, labels1: [H, W], which region each pixel of a key belongs to; -1: none.
        partners01, partners10: [K0], [K1], the number of each region's partner in the other key; -1: none.
    """

    flow01: Floats
    flow10: Floats
    labels0: Labels | None = None
    labels1: Labels | None = None
    partners01: Numbers | None = None
    partners10: Numbers | None = None


def planes_last(flow: Any, size: tuple[int, int]) -> Floats:
    """A [2, H, W] tensor, perhaps padded at the right and the bottom → [H, W, 2] array of `size`."""
    height, width = size
    return np.ascontiguousarray(
        np.asarray(flow.detach().float().cpu())[:, :height, :width].transpose(1, 2, 0)
    )
