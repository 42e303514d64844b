"""Where two pictures differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nakawari.tensors import Array


@dataclass(slots=True)
class Box:
    """Rows `top`..`bottom` and columns `left`..`right` (ends excluded)."""

    top: int
    left: int
    bottom: int
    right: int

    def crop(self, picture: Any) -> Any:
        """The box of a [..., H, W] tensor or an H×W×C array."""
        if isinstance(picture, Tensor):
            return picture[..., self.top : self.bottom, self.left : self.right]
        return picture[self.top : self.bottom, self.left : self.right]

    def scaled(self, factor: float) -> Box:
        """The same place in a picture `factor` times as large; it has to begin and end at whole pixels."""
        return Box(*(int(side * factor) for side in (self.top, self.left, self.bottom, self.right)))

    def grown(self, by: int, height: int, width: int) -> Box:
        """With so many pixels more on all sides, within a picture."""
        return Box(
            max(0, self.top - by),
            max(0, self.left - by),
            min(height, self.bottom + by),
            min(width, self.right + by),
        )

    def aligned(self, multiple: int) -> Box:
        """With as few pixels more as it takes to begin and end at multiples."""
        return Box(
            self.top // multiple * multiple,
            self.left // multiple * multiple,
            -(-self.bottom // multiple) * multiple,
            -(-self.right // multiple) * multiple,
        )

    def within(self, outer: Box) -> Box:
        """The same place, counted from the corner of a box around it."""
        return Box(
            self.top - outer.top, self.left - outer.left, self.bottom - outer.top, self.right - outer.left
        )


def change_box(frame0: Array | Tensor, frame1: Array | Tensor) -> Box | None:
    """The smallest box outside of which two frames are equal; None when they are equal everywhere."""
    return box_of(unequal(frame0, frame1))


def box_of(mask: Array) -> Box | None:
    """The smallest box around all that is True in [H, W]; None where nothing is."""
    rows = np.flatnonzero(mask.any(1))
    if rows.size == 0:
        return None
    columns = np.flatnonzero(mask.any(0))
    return Box(int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1)


def unequal(frame0: Array | Tensor, frame1: Array | Tensor) -> Array:
    """[H, W] bool, where any channel of any picture of the batch differs."""
    if isinstance(frame0, Tensor):
        return np.asarray(torch.ne(frame0, torch.as_tensor(frame1)).any(1).any(0).cpu())
    differs = np.asarray(frame0 != frame1)
    out = differs[..., 0].copy()
    for channel in range(1, differs.shape[2]):  # numpy's own `any` over a short axis is slow
        out |= differs[..., channel]
    return out
