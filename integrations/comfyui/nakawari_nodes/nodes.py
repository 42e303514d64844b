"""One node: images in (and their mask), the same images with drawings between them out."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
import torch

from nakawari.errors import InputError
from nakawari.models import DEFAULT, list_models, load

LARGEST = 64
"""Most frames for each one that comes in."""


@lru_cache(maxsize=1)
def _model(name: str, weights: str | None) -> Any:
    return load(name, weights)


class NakawariInterpolate:
    """Draws the frames between images. Every image comes out as it went in."""

    CATEGORY = "image/animation"
    FUNCTION = "interpolate"
    RETURN_TYPES = ("IMAGE", "MASK")
    RETURN_NAMES = ("images", "mask")
    DESCRIPTION = "Draws the frames between the drawings of 2D animation."

    _NUMBER: ClassVar[dict[str, Any]] = {"default": 2, "min": 1, "max": LARGEST}

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:  # noqa: N802 - the name that ComfyUI calls
        """What the node takes."""
        return {
            "required": {
                "images": ("IMAGE",),
                "model": ([row.name for row in list_models()], {"default": DEFAULT}),
                "multiplier": ("INT", cls._NUMBER),
                "loop": ("BOOLEAN", {"default": False, "tooltip": "the last image moves on to the first"}),
            },
            "optional": {
                "mask": ("MASK", {"tooltip": "1 where an image is clear, as LoadImage gives it"}),
                "multipliers": (
                    "STRING",
                    {"default": "", "tooltip": "a number for each pair, such as 2, 4, 1; instead of one"},
                ),
                "weights": ("STRING", {"default": "", "tooltip": "a file, for models that need one"}),
            },
        }

    def interpolate(
        self,
        images: torch.Tensor,
        model: str,
        multiplier: int,
        loop: bool,
        mask: torch.Tensor | None = None,
        multipliers: str = "",
        weights: str = "",
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Draw.

        Args:
            images: [B, H, W, 3 or 4], float in [0, 1].
            model: a name of nakawari's catalogue.
            multiplier: frames for each pair of images, the first of them among these.
            loop: whether the last image moves on to the first one.
            mask: [B, H, W] or [1, H, W], 1 where the image is clear.
            multipliers: one number for each pair instead, in order.
            weights: a file, for models that need one.

        Returns:
            images and masks: multiplier × (pairs) of them, and without a loop the last one as well.

        Raises:
            InputError: the numbers or the mask do not fit the images.
        """
        count = int(images.shape[0])
        pairs = [(n, (n + 1) % count) for n in range(count if loop else count - 1)] if count > 1 else []
        numbers = _numbers(multipliers, multiplier, len(pairs))
        frames = _with_alpha(images, mask)
        artist = _model(model, weights or None)
        made: list[np.ndarray] = []
        for (a, b), number in zip(pairs, numbers, strict=True):
            made.append(frames[a])
            times = [Fraction(k, number) for k in range(1, number)]
            if times:
                made += artist(frames[a], frames[b], t=times)
        if not loop or not pairs:
            made.append(frames[-1])
        result = torch.from_numpy(np.stack(made))
        clear = 1 - result[..., 3] if result.shape[3] == 4 else torch.zeros(result.shape[:3])
        channels = images.shape[3]
        return result[..., :channels], clear


def _with_alpha(images: torch.Tensor, mask: torch.Tensor | None) -> list[np.ndarray]:
    """Images as arrays in [0, 1]; a mask becomes alpha."""
    frames = images.detach().cpu().float().clamp(0, 1)
    if mask is not None:
        clear = mask.detach().cpu().float().clamp(0, 1)
        if clear.ndim == 2:
            clear = clear[None]
        if clear.shape[1:] != frames.shape[1:3] or clear.shape[0] not in (1, frames.shape[0]):
            raise InputError(
                f"the mask is {list(clear.shape)}; wanted {list(frames.shape[:3])}, one for each image."
            )
        alpha = (1 - clear).expand(frames.shape[0], -1, -1)[..., None]
        frames = torch.cat([frames[..., :3], alpha], 3)
    return list(np.ascontiguousarray(frames.numpy()))


def _numbers(text: str, number: int, pairs: int) -> list[int]:
    words = text.replace(",", " ").split()
    if not words:
        return [number] * pairs
    if len(words) != pairs:
        raise InputError(
            f"there are {len(words)} multipliers for {pairs} pairs of images; wanted one for each."
        )
    for word in words:
        if not word.isdecimal() or not 1 <= int(word) <= LARGEST:
            raise InputError(f"the multiplier {word!r} is not a number from 1 to {LARGEST}.")
    return [int(word) for word in words]
