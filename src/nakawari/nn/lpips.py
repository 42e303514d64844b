"""Learned perceptual image patch similarity: what a classifier's features say two pictures differ by.

Weights are not shipped. The backbone's are those of an ImageNet classifier as torchvision stores them, the
heads' those of the five 1×1 layers that Zhang et al. trained; both are given as state dicts.

Source: Zhang et al. 2018.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from nakawari.errors import ModelError
from nakawari.tensors import check_image


@dataclass(frozen=True, slots=True)
class Convolution:
    """One convolution of a backbone, followed by ReLU. `index` is its place in torchvision's `features`."""

    index: int
    out_channels: int
    kernel_px: int = 3
    stride: int = 1
    padding: int = 1
    pool: tuple[int, int] | None = None  # (kernel, stride) of the maximum taken before it
    tap: bool = False  # its output is compared


def _vgg16() -> tuple[Convolution, ...]:
    layers, index = [], 0
    for block, (channels, count) in enumerate(((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))):
        for place in range(count):
            pool = (2, 2) if block and place == 0 else None
            layers.append(Convolution(index, channels, pool=pool, tap=place == count - 1))
            index += 2
        index += 1
    return tuple(layers)


BACKBONES: dict[str, tuple[Convolution, ...]] = {
    "alex": (
        Convolution(0, 64, kernel_px=11, stride=4, padding=2, tap=True),
        Convolution(3, 192, kernel_px=5, padding=2, pool=(3, 2), tap=True),
        Convolution(6, 384, pool=(3, 2), tap=True),
        Convolution(8, 256, tap=True),
        Convolution(10, 256, tap=True),
    ),
    "vgg": _vgg16(),
}


class Lpips(nn.Module):
    """The distance; differentiable in both pictures, its own weights frozen."""

    shift: Tensor
    scale: Tensor

    def __init__(self, backbone: str = "alex") -> None:
        super().__init__()
        self.plan = BACKBONES[backbone]
        channels = [3, *(layer.out_channels for layer in self.plan)]
        self.layers = nn.ModuleList(
            nn.Conv2d(before, layer.out_channels, layer.kernel_px, layer.stride, layer.padding)
            for before, layer in zip(channels, self.plan, strict=False)
        )
        self.heads = nn.ParameterList(
            nn.Parameter(torch.zeros(layer.out_channels)) for layer in self.plan if layer.tap
        )
        # official: constants of the published code, for pictures in [-1, 1]; not exactly ImageNet's
        self.register_buffer("shift", torch.tensor([-0.030, -0.088, -0.188])[:, None, None])
        self.register_buffer("scale", torch.tensor([0.458, 0.448, 0.450])[:, None, None])
        self.requires_grad_(False).eval()

    def load(self, backbone: Mapping[str, Tensor], heads: Mapping[str, Tensor]) -> Lpips:
        """Take published weights; returns itself.

        Args:
            backbone: `features.N.weight` and `.bias` as torchvision names them; a classifier's other
                keys are allowed and not used.
            heads: `lin0.model.1.weight` … `lin4.model.1.weight`, each [1, C, 1, 1].

        Raises:
            ModelError: a key is missing or of another shape, or the heads hold something else.
        """
        for layer, module in zip(self.plan, self.layers, strict=True):
            for part in ("weight", "bias"):
                _copy(backbone, f"features.{layer.index}.{part}", getattr(module, part), "the LPIPS backbone")
        names = [f"lin{number}.model.1.weight" for number in range(len(self.heads))]
        unknown = sorted(set(heads) - set(names))
        if unknown:
            raise ModelError(f"the LPIPS heads hold {unknown[0]!r}; wanted {names[0]} to {names[-1]} only.")
        for name, head in zip(names, self.heads, strict=True):
            _copy(heads, name, head.view(1, -1, 1, 1), "the LPIPS heads")
        return self

    def forward(self, image0: Tensor, image1: Tensor) -> Tensor:
        """Distance of each pair.

        Args:
            image0, image1: [B, 3, H, W], RGB in [0, 1], at least 31 pixels a side.

        Returns:
            [B]; 0 where the pictures are equal.
        """
        check_image(image0, "image0", channels=3)
        check_image(image1, "image1", channels=3)
        total = image0.new_zeros(image0.shape[0])
        for one, other, head in zip(self._taps(image0), self._taps(image1), self.heads, strict=True):
            total = total + ((one - other).square() * head[:, None, None]).sum(1).mean((1, 2))
        return total

    def _taps(self, image: Tensor) -> list[Tensor]:
        """Features that are compared, each pixel's vector of length one."""
        x = (2 * image - 1 - self.shift) / self.scale
        taps = []
        for layer, module in zip(self.plan, self.layers, strict=True):
            if layer.pool:
                x = nn.functional.max_pool2d(x, *layer.pool)
            x = nn.functional.relu(module(x))
            if layer.tap:
                taps.append(x / (torch.linalg.vector_norm(x, dim=1, keepdim=True) + 1e-10))
        return taps


def backbone_of(heads: Mapping[str, Tensor]) -> str:
    """Which backbone the heads were trained on, by the width of their second layer.

    Raises:
        ModelError: none that we know.
    """
    head = heads.get("lin1.model.1.weight")
    for name, plan in BACKBONES.items():
        widths = [layer.out_channels for layer in plan if layer.tap]
        if head is not None and head.numel() == widths[1]:
            return name
    raise ModelError(
        f"the LPIPS heads belong to no backbone that is known here ({', '.join(BACKBONES)}); "
        "wanted lin0.model.1.weight to lin4.model.1.weight."
    )


def _copy(source: Mapping[str, Tensor], key: str, into: Tensor, what: str) -> None:
    if key not in source:
        raise ModelError(f"{what} lacks {key!r}.")
    if source[key].shape != into.shape:
        raise ModelError(f"{what}: {key} is {list(source[key].shape)}; wanted {list(into.shape)}.")
    with torch.no_grad():
        into.copy_(source[key])
