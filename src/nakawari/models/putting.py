"""What was drawn, put back into the frame: still pixels as they were, alpha undone, in the keys' own kind."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from nakawari.models.boxes import Box, unequal
from nakawari.models.keys import Picture
from nakawari.tensors import Array, to_frame, unpad

STILL_TOLERANCE = 6 / 255
"""A still pixel that a model without `cover` changes by less than this is given back its key's value."""


def put_back(
    keys: tuple[Picture, Picture], box: Box, image: Tensor, cover: Tensor | None, keeps_still: bool
) -> Picture:
    """The frame with what was drawn in a box of it, of the kind that the keys have.

    Args:
        keys: as they came.
        box: what was drawn of them.
        image: [B, 3 or 4, H, W], padded, colour premultiplied.
        cover: [B, 1, H, W] bool, where something passes; see `Drawn`.
        keeps_still: pixels equal in both keys that nothing covers get the keys' value.
    """
    key0, key1 = box.crop(keys[0]), box.crop(keys[1])
    size = (box.bottom - box.top, box.right - box.left)
    image = unpad(image, size)
    cover = None if cover is None else unpad(cover, size)
    tolerance = STILL_TOLERANCE if keeps_still else 0.0
    if image.shape[1] == 4:
        alpha = image[:, 3:].clamp(0, 1)
        image = torch.cat([image[:, :3] / alpha.clamp_min(1e-6), alpha], 1)
        image = torch.where(alpha > 1e-3, image, torch.zeros_like(image))
    if isinstance(key0, Tensor):
        made = image.to(key0.device, key0.dtype)
        still = (key0 == key1).all(1, keepdim=True)
        if cover is None:
            near = (made - key0).abs().amax(1, keepdim=True) < tolerance
        else:
            near = ~cover.to(key0.device)
        made = torch.where(still & near, key0, made)
        out = keys[0].clone()  # type: ignore[union-attr]
        out[..., box.top : box.bottom, box.left : box.right] = made
        return out
    made_array = to_frame(image, key0.dtype)
    still_array = ~unequal(key0, key1)
    if cover is None:
        scale = 1.0 if np.issubdtype(key0.dtype, np.floating) else float(np.iinfo(key0.dtype).max)
        change = np.abs(made_array.astype(np.float32) - key0.astype(np.float32)).max(2)
        near_array = change < tolerance * scale
    else:
        near_array = ~cover[0, 0].cpu().numpy()
    keep = still_array & near_array
    made_array[keep] = key0[keep]
    whole: Array = np.array(keys[0])
    whole[box.top : box.bottom, box.left : box.right] = made_array
    return whole
