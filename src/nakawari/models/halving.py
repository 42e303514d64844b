"""Any t from a model that only draws the middle: halve the interval that holds t, again and again."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from torch import Tensor

NEAR = Fraction(1, 100)
"""A picture so near to t, in parts of the interval between the keys, is the picture at t."""


class Halving:
    """The pictures that were drawn between two keys so far; each is drawn once.

    Args:
        prepare: (image, image) → what the model knows of a pair.
        draw: (what it knows, picture, picture) → the middle of two pictures that move as that pair does.
        image0, image1: [B, 3, H, W].
    """

    def __init__(
        self,
        prepare: Callable[[Tensor, Tensor], Any],
        draw: Callable[[Any, Tensor, Tensor], Tensor],
        image0: Tensor,
        image1: Tensor,
    ) -> None:
        self._prepare = prepare
        self._draw = draw
        self._whole = prepare(image0, image1)
        self._images = {Fraction(0): image0, Fraction(1): image1}

    def at(self, t: float, image0: Tensor, image1: Tensor) -> Tensor:
        """The picture at `t`, between the keys or between other pictures that move as they do."""
        images = self._images
        own = image0 is images[Fraction(0)]
        pictures = images if own else {Fraction(0): image0, Fraction(1): image1}
        low, high = Fraction(0), Fraction(1)
        while True:
            middle = (low + high) / 2
            if middle not in images or middle not in pictures:
                is_whole = high - low == 1
                known = self._whole if is_whole else self._prepare(images[low], images[high])
                if middle not in images:
                    images[middle] = self._draw(known, images[low], images[high])
                if not own:
                    pictures[middle] = self._draw(known, pictures[low], pictures[high])
            if abs(middle - Fraction(t)) <= NEAR:
                return pictures[middle]
            low, high = (low, middle) if t < middle else (middle, high)
