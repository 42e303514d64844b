"""VGG-19's features: what a classifier sees in a picture, layer by layer.

Weights are not shipped: the file is torchvision's own (`vgg19-dcbb9e9d.pth`), its keys unchanged.

Source: Simonyan & Zisserman 2015.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn

from nakawari import checkpoints
from nakawari.errors import InputError, ModelError
from nakawari.tensors import check_image

FILE = "vgg19-dcbb9e9d.pth"
BLOCKS = ((64, 2), (128, 2), (256, 4), (512, 4), (512, 4))
"""Channels and number of convolutions of each block; a 2×2 maximum halves the picture after each."""
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def _plan() -> tuple[tuple[str, int, int], ...]:
    """(name of the ReLU, place of its convolution in torchvision's `features`, channels)."""
    layers, index = [], 0
    for block, (channels, count) in enumerate(BLOCKS, 1):
        for place in range(1, count + 1):
            layers.append((f"relu{block}_{place}", index, channels))
            index += 2
        index += 1
    return tuple(layers)


PLAN = _plan()
LAYERS = tuple(name for name, _, _ in PLAN)


Pooling = Literal["max", "average"]
STAND_IN_NARROW = 8
"""By how much a stand-in is narrower than the network that it stands in for."""


class Vgg19(nn.Module):
    """The convolutions of VGG-19 up to `last`; its weights are frozen, its input may want gradients.

    Args:
        last: the deepest layer that will be asked for, `relu1_1` … `relu5_4`.
        pooling: what halves the picture between blocks: "max", as it was trained, or "average", as in FILM.
        without: layers that are left out (what they would have seen goes on to the next one).
        narrow: channels are divided by this; for stand-ins.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(
        self,
        last: str = LAYERS[-1],
        pooling: Pooling = "max",
        without: Sequence[str] = (),
        narrow: int = 1,
    ) -> None:
        super().__init__()
        kept = [layer for layer in PLAN[: _place(last) + 1] if layer[0] not in without]
        widths = [3, *(channels // narrow for _, _, channels in kept)]
        self.plan = tuple((name, index) for name, index, _ in kept)
        self.pool = nn.functional.max_pool2d if pooling == "max" else nn.functional.avg_pool2d
        self.features = nn.ModuleDict(
            {
                str(index): nn.Conv2d(before, after, 3, padding=1)
                for (_, index), (before, after) in zip(self.plan, pairwise(widths), strict=True)
            }
        )
        self.register_buffer("mean", torch.tensor(MEAN)[:, None, None], persistent=False)
        self.register_buffer("deviation", torch.tensor(DEVIATION)[:, None, None], persistent=False)
        self.requires_grad_(False).eval()

    def taps(self, image: Tensor, layers: Sequence[str]) -> Iterator[tuple[str, Tensor]]:
        """Features of `layers`, one after the other in order of depth, so that none need be kept.

        Args:
            image: [B, 3, H, W], RGB in [0, 1], at least 2^(block - 1) pixels a side for the deepest layer.
            layers: names such as `relu4_1`.

        Yields:
            the name and [B, C, H', W'], sides halved (rounded down) from block to block.

        Raises:
            ShapeError: `image` is of another shape.
            InputError: a layer is unknown or deeper than the network was built for.
        """
        check_image(image, "image", channels=3)
        for name in layers:
            _place(name)
        has = [name for name, _ in self.plan]
        wanted, absent = set(layers), [name for name in layers if name not in has]
        if absent:
            raise InputError(f"this VGG-19 ends at {has[-1]}, or leaves it out; wanted {absent[-1]}.")
        yield from self._walk((image - self.mean) / self.deviation, wanted)

    def _walk(self, x: Tensor, wanted: set[str]) -> Iterator[tuple[str, Tensor]]:
        for (name, index), (before, _) in zip(self.plan, (self.plan[0], *self.plan), strict=False):
            for _ in range(int(name[4]) - int(before[4])):
                x = self.pool(x, 2)
            x = nn.functional.relu(self.features[str(index)](x))
            if name in wanted:
                yield name, x
                wanted.discard(name)
            if not wanted:
                return


def _place(layer: str) -> int:
    if layer not in LAYERS:
        raise InputError(f"VGG-19 has no layer {layer!r}; layers: {', '.join(LAYERS)}.")
    return LAYERS.index(layer)


def cached() -> Path | None:
    """Torchvision's file where torch keeps downloads, if it is there."""
    path = Path(torch.hub.get_dir()) / "checkpoints" / FILE
    return path if path.is_file() else None


def load_vgg19(
    path: str | Path, last: str = LAYERS[-1], pooling: Pooling = "max", without: Sequence[str] = ()
) -> Vgg19:
    """VGG-19 with the weights of a file.

    Args:
        path: torchvision's `vgg19-dcbb9e9d.pth`, or any file with its keys; the classifier is not used.
        last: the deepest layer that will be asked for.
        pooling, without: as `Vgg19` takes them.

    Raises:
        ModelError: the file is absent or broken, or a key is missing or of another shape.
    """
    tensors = checkpoints.load_pt(path)
    net = Vgg19(last, pooling, without)
    missing = [key for key in net.state_dict() if key not in tensors]
    if missing:
        raise ModelError(f"{path} lacks {missing[0]!r}; wanted torchvision's {FILE}.")
    checkpoints.load_strictly(net, {key: tensors[key] for key in net.state_dict()}, str(path))
    return net


def stand_in(last: str = LAYERS[-1], pooling: Pooling = "max", without: Sequence[str] = ()) -> Vgg19:
    """VGG-19's layers, an eighth as wide, with random weights from a fixed seed: no classifier of anything.

    Random convolutions tell textures apart too, worse. What is trained or measured with it says so.
    """
    with torch.random.fork_rng(devices=[]):
        net = Vgg19(last, pooling, without, STAND_IN_NARROW)
    randomise(net, seed=0)
    return net


def randomise(net: nn.Module, seed: int) -> None:
    """Draw the convolutions so that rectified signals keep their size, the same on every machine."""
    chance = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for module in net.modules():
            if isinstance(module, nn.Conv2d):
                fan = module.weight[0].numel()
                module.weight.copy_(torch.randn(module.weight.shape, generator=chance) * (2 / fan) ** 0.5)
                if module.bias is not None:
                    module.bias.zero_()
