"""What happens to frames after they are drawn: light, blur, grain, compression. The same for all three."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from nakawari.data.cartoon.scene import Grade

_LUMA = (0.299, 0.587, 0.114)
_JPEG_LUMA = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
"""Annex K of ITU-T T.81, the luminance table."""
_JPEG_CHROMA_DC = (17, 18, 24, 47, 99, 99, 99, 99)
_BAYER = ((0, 8, 2, 10), (12, 4, 14, 6), (3, 11, 1, 9), (15, 7, 13, 5))


def _noise(shape: tuple[int, ...], seed: int, device: torch.device) -> Tensor:
    """Gaussian noise that is the same on every device."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator).to(device)


def _blur(image: Tensor, sigma: float) -> Tensor:
    """Gaussian blur of [N, C, H, W], borders replicated. Sums of shifted copies: fast for small radii."""
    radius = max(1, math.ceil(2.5 * sigma))
    weights = [math.exp(-0.5 * (i / sigma) ** 2) for i in range(-radius, radius + 1)]
    height, width = image.shape[-2:]
    padded = F.pad(image, (radius, radius, radius, radius), mode="replicate")
    scale = 1 / sum(weights)
    rows = padded[..., :width] * (weights[0] * scale)
    for shift, weight in enumerate(weights[1:], 1):
        rows.add_(padded[..., shift : shift + width], alpha=weight * scale)
    columns = rows[..., :height, :] * (weights[0] * scale)
    for shift, weight in enumerate(weights[1:], 1):
        columns.add_(rows[..., shift : shift + height, :], alpha=weight * scale)
    return columns


def _cosines(device: torch.device) -> Tensor:
    """[8, 8] orthonormal DCT-II."""
    k = torch.arange(8, dtype=torch.float32, device=device)
    basis = torch.cos(math.pi / 8 * (k[None, :] + 0.5) * k[:, None]) * 0.5
    basis[0] *= math.sqrt(0.5)
    return basis


def _quantise(plane: Tensor, table: Tensor) -> Tensor:
    """Round the 8×8 DCT of planes [N, H, W] (0..255) to multiples of `table`."""
    height, width = plane.shape[-2:]
    padded = F.pad(plane[:, None], (0, -width % 8, 0, -height % 8), mode="replicate")[:, 0]
    basis = _cosines(plane.device)
    count, tall, wide = padded.shape
    blocks = padded.reshape(count, tall // 8, 8, wide // 8, 8).transpose(2, 3) - 128
    coefficients = basis @ blocks @ basis.T
    coefficients = torch.round(coefficients / table) * table
    blocks = basis.T @ coefficients @ basis + 128
    return blocks.transpose(2, 3).flatten(3, 4).flatten(1, 2)[:, :height, :width]


def compress(image: Tensor, quality: int) -> Tensor:
    """What block compression with halved colour does to [N, 3, H, W] in 0..255; quality 1..100."""
    scale = (5000 / quality if quality < 50 else 200 - 2 * quality) / 100
    luma = torch.tensor(_JPEG_LUMA, dtype=torch.float32, device=image.device)
    first = torch.tensor(_JPEG_CHROMA_DC, dtype=torch.float32, device=image.device)
    chroma = torch.maximum(first[:, None], first[None, :])
    red, green, blue = image.unbind(1)
    y = _LUMA[0] * red + _LUMA[1] * green + _LUMA[2] * blue
    colour = torch.stack((0.564 * (blue - y), 0.713 * (red - y)), 1) + 128
    height, width = image.shape[-2:]
    small = F.avg_pool2d(colour, 2, ceil_mode=True)
    y = _quantise(y, (luma * scale).clamp_min(1))
    small = _quantise(small.flatten(0, 1), (chroma * scale).clamp_min(1)).view_as(small)
    wide = F.interpolate(small, scale_factor=2, mode="bilinear", align_corners=False)[..., :height, :width]
    cb, cr = (wide - 128).unbind(1)
    red, blue = y + 1.403 * cr, y + 1.773 * cb
    return torch.stack((red, y - 0.714 * cr - 0.344 * cb, blue), 1)


def _dither(image: Tensor, levels: int) -> Tensor:
    """Ordered dither of 0..255 to `levels` a channel; flat values that are levels stay flat."""
    step = 255 / (levels - 1)
    bayer = (torch.tensor(_BAYER, dtype=torch.float32, device=image.device) + 0.5) / 16
    height, width = image.shape[-2:]
    tiled = bayer.repeat(math.ceil(height / 4), math.ceil(width / 4))[:height, :width]
    return torch.floor(image / step + tiled) * step


def _light(grade: Grade, times: Tensor, image: Tensor) -> Tensor:
    """Gains, greys and corners on [3, 3, H, W] in 0..1."""
    gain0 = torch.tensor(grade.gain0, device=image.device)
    gain1 = torch.tensor(grade.gain1, device=image.device)
    if grade.gain0 != (1.0, 1.0, 1.0) or grade.gain1 != (1.0, 1.0, 1.0):
        image = image * (gain0 + (gain1 - gain0) * times[:, None])[..., None, None]
    if grade.grey:
        weights = torch.tensor(_LUMA, device=image.device).view(1, 3, 1, 1)
        image = image.lerp((image * weights).sum(1, keepdim=True).expand_as(image), grade.grey)
    if grade.vignette:
        height, width = image.shape[-2:]
        x = torch.linspace(-1, 1, width, device=image.device)
        y = torch.linspace(-1, 1, height, device=image.device)[:, None]
        image = image * (1 - grade.vignette * (0.5 * (x * x + y * y)) ** 1.5)
    return image


def _one(grade: Grade, times: Tensor, image: Tensor) -> Tensor:
    """Grade the three frames of a scene, [3, 3, H, W] in 0..1 → 0..255, not yet rounded."""
    image = _light(grade, times, image).clamp_(0, 1).mul_(255)
    if grade.blur:
        image = _blur(image, grade.blur)
    if grade.sharpen:
        image = (image + grade.sharpen * (image - _blur(image, 1.0))).clamp(0, 255)
    if grade.grain:
        image = image + grade.grain * _noise((1, 1, *image.shape[-2:]), grade.seed, image.device)
    if grade.flicker:
        image = image + grade.flicker * _noise((3, 1, *image.shape[-2:]), grade.seed + 1, image.device)
    if grade.dct:
        image = compress(image, grade.dct)
    if grade.levels:
        image = _dither(image.clamp(0, 255), grade.levels)
    return image


def apply_grade(grades: Sequence[Grade], t: Sequence[float], canvas: Tensor, alpha: bool) -> Tensor:
    """Finish frames.

    Args:
        grades: of each of the B scenes.
        t: B times.
        canvas: [B, 3, 4, H, W] in 0..1, RGB premultiplied by the fourth; overwritten.
        alpha: keep the fourth channel (grain and compression are then left out: cels have none).

    Returns:
        [B, 3, 3, H, W] uint8, or [B, 3, 4, H, W] with straight alpha.
    """
    if alpha:
        cover = canvas[:, :, 3:]
        colour = canvas[:, :, :3] / cover.clamp_min(1e-4)
        colour = torch.where(cover > 1 / 512, colour, torch.zeros_like(colour))
        return torch.cat((colour, cover), 2).clamp(0, 1).mul(255).round().to(torch.uint8)
    times = [torch.tensor((0.0, time, 1.0), device=canvas.device) for time in t]
    done = [_one(*each) for each in zip(grades, times, canvas[:, :, :3], strict=True)]
    return torch.stack([image.round_().clamp_(0, 255).to(torch.uint8) for image in done])
