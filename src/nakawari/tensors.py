"""Image and flow conventions, their checks, and the change between arrays and tensors.

Conventions (docs/conventions.md says more):
    image   [B, C, H, W], float32, [0, 1], sRGB-encoded, RGB or RGBA
    flow    [B, 2, H, W], pixels, channel 0 is x (right), channel 1 is y (down)
    frame   H×W×3 or H×W×4 array, uint8, uint16 or float in [0, 1]: what users hold
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from nakawari.errors import ShapeError

Array = npt.NDArray[Any]


def check_image(image: Tensor, name: str = "image", channels: int | None = None) -> None:
    """Raise ShapeError unless `image` is [B, C, H, W] floating point (with `channels` channels)."""
    wanted = f"[B, {channels or 'C'}, H, W]"
    if image.ndim != 4:
        hint = f" Add a batch axis: {name}[None]." if image.ndim == 3 else ""
        raise ShapeError(f"{name} is {list(image.shape)}; wanted {wanted}.{hint}")
    if channels is not None and image.shape[1] != channels:
        raise ShapeError(f"{name} is {list(image.shape)}; wanted {wanted}.")
    if not image.is_floating_point():
        raise ShapeError(f"{name} is {image.dtype}; wanted floating point in [0, 1].")


def check_flow(flow: Tensor, like: Tensor | None = None, name: str = "flow") -> None:
    """Raise ShapeError unless `flow` is [B, 2, H, W], of the batch and size of `like`."""
    check_image(flow, name, channels=2)
    if like is not None and (flow.shape[0] != like.shape[0] or flow.shape[2:] != like.shape[2:]):
        raise ShapeError(f"{name} is {list(flow.shape)}; wanted the batch and size of {list(like.shape)}.")


def check_frame(frame: Array, name: str = "frame") -> None:
    """Raise ShapeError unless `frame` is an H×W×3 or H×W×4 array of a type that we read."""
    if frame.ndim != 3 or frame.shape[2] not in (3, 4):
        raise ShapeError(f"{name} is {list(frame.shape)}; wanted [H, W, 3] or [H, W, 4].")
    if frame.shape[0] < 1 or frame.shape[1] < 1:
        raise ShapeError(f"{name} is {list(frame.shape)}; wanted at least one pixel.")
    if frame.dtype not in (np.uint8, np.uint16) and not np.issubdtype(frame.dtype, np.floating):
        raise ShapeError(f"{name} is {frame.dtype}; wanted uint8, uint16 or floating point in [0, 1].")


def to_tensor(frame: Array, device: torch.device | str = "cpu") -> Tensor:
    """H×W×C frame → [1, C, H, W] float32 in [0, 1] on `device`. Floats are taken as they are."""
    check_frame(frame)
    chw = np.ascontiguousarray(frame.transpose(2, 0, 1))
    if frame.dtype == np.uint16:
        chw = chw.astype(np.float32)  # torch on old GPUs has no uint16 arithmetic
        return torch.from_numpy(chw)[None].to(device).mul_(1 / 65535)
    tensor = torch.from_numpy(chw)[None].to(device)
    if frame.dtype == np.uint8:
        return tensor.float().mul_(1 / 255)
    return tensor.float()


def to_bytes(frame: Array) -> Array:
    """A frame as H×W×3 uint8 to look at: deeper ones rounded, floats clipped, alpha over middle grey."""
    check_frame(frame)
    if frame.dtype == np.uint16:
        frame = (frame.astype(np.float32) / 257).round().astype(np.uint8)
    elif frame.dtype != np.uint8:
        frame = (np.clip(frame, 0, 1) * 255).round().astype(np.uint8)
    if frame.shape[2] == 4:
        alpha = frame[..., 3:].astype(np.float32) / 255
        frame = (128 + (frame[..., :3] - np.float32(128)) * alpha).round().astype(np.uint8)
    return np.ascontiguousarray(frame)


def to_frame(image: Tensor, dtype: npt.DTypeLike = np.uint8) -> Array:
    """[1, C, H, W] in [0, 1] → H×W×C frame of `dtype`, rounded (never truncated) and clipped for integers."""
    check_image(image)
    if image.shape[0] != 1:
        raise ShapeError(f"image is {list(image.shape)}; wanted a batch of one.")
    picture, kind = image[0].detach().float(), np.dtype(dtype)
    if kind not in (np.uint8, np.uint16):
        return picture.permute(1, 2, 0).cpu().contiguous().numpy().astype(kind)
    top = np.iinfo(kind).max
    if image.device.type != "cpu":  # integers are less to carry
        scaled = picture.mul(top).round_().clamp_(0, top).to(torch.int32 if top > 255 else torch.uint8)
        return np.ascontiguousarray(scaled.cpu().numpy().transpose(1, 2, 0).astype(kind))
    frame = np.empty((*picture.shape[1:], picture.shape[0]), kind)
    with np.errstate(invalid="ignore"):
        for channel, plane in enumerate(picture.numpy()):  # one at a time stays in the cache
            values = plane * np.float32(top)
            frame[..., channel] = np.clip(np.rint(values, out=values), 0, top, out=values)
    return frame


def pad_to_multiple(image: Tensor, multiple: int) -> tuple[Tensor, tuple[int, int]]:
    """Replicate the right and bottom edge until H and W divide by `multiple`.

    Returns:
        the padded [B, C, H', W'] and the (H, W) that `unpad` needs.
    """
    height, width = image.shape[-2:]
    bottom, right = -height % multiple, -width % multiple
    if bottom or right:
        image = F.pad(image, (0, right, 0, bottom), mode="replicate")
    return image, (height, width)


def unpad(image: Tensor, size: tuple[int, int]) -> Tensor:
    """Crop what `pad_to_multiple` added; `size` is (H, W)."""
    return image[..., : size[0], : size[1]]
