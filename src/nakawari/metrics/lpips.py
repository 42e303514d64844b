"""LPIPS of two frames, for those who have its two weight files. There is no number without them."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from nakawari.checkpoints import load_pt
from nakawari.errors import ModelError, ShapeError
from nakawari.metrics.image import unit_pair
from nakawari.nn.lpips import Lpips, backbone_of
from nakawari.tensors import Array

LEAST_SIDE_PX = 31
"""Smaller pictures leave nothing for the deepest layers."""


class LpipsMetric:
    """Load once, call for each pair. RGB in [0, 1] is brought to the [-1, 1] that the weights expect."""

    def __init__(self, backbone: str | Path, heads: str | Path, device: torch.device | str = "cpu") -> None:
        """Read the weight files.

        Args:
            backbone: torchvision's AlexNet or VGG16 (`alexnet-owt-7be5be79.pth`, `vgg16-397923af.pth`).
            heads: the file of the same name in the published code (`alex.pth`, `vgg.pth`, version 0.1).
            device: where to compute.

        Raises:
            ModelError: a file is missing, broken, or not what it should be.
        """
        linear = _read(Path(heads))
        self.backbone = backbone_of(linear)
        self.device = torch.device(device)
        self.network = Lpips(self.backbone).load(_read(Path(backbone)), linear).to(self.device)

    def __call__(self, made: Array, truth: Array) -> float:
        """The distance of two H×W×3 frames of one size and type, unscaled; 0 when equal."""
        pair = unit_pair(made, truth)
        height, width = truth.shape[:2]
        if min(height, width) < LEAST_SIDE_PX:
            raise ShapeError(
                f"the frames are {width}x{height}; wanted at least {LEAST_SIDE_PX} pixels a side for LPIPS."
            )
        images = [torch.from_numpy(x).float().permute(2, 0, 1)[None].to(self.device) for x in pair]
        with torch.inference_mode():
            return float(self.network(*images))


def _read(path: Path) -> dict[str, Tensor]:
    if not path.is_file():
        raise ModelError(f"the LPIPS weights {path} do not exist.")
    if path.suffix == ".safetensors":
        try:
            return load_file(path)
        except (OSError, SafetensorError) as error:
            raise ModelError(f"the LPIPS weights {path} cannot be read: {error}") from error
    state = load_pt(path)
    if not all(isinstance(value, Tensor) for value in state.values()):
        raise ModelError(f"{path} is not a state dict (names of tensors); wanted LPIPS weights.")
    return state
