"""Losses that see with a classifier's eyes: VGG, Gram, and the style loss made of both; and LPIPS.

Three statements of VGG and Gram are in use, and their numbers do not compare:

    film         as FILM's code: averages between blocks, the features in FILM's units, the sum over layers;
                 Gram matrices over H·W, the mean of their squared differences
    thesis       as the thesis prints it (eq. 3.18–3.20): the mean over layers; of Gram matrices the root of
                 the mean of the squared differences. It prints norms without saying over what they are meant
                 and Gram matrices without a divisor; ours are means, and matrices over H·W as FILM's are,
                 whose set-up it follows: only so its weights of 1, 0.25 and 40 mean what they do there
    thesis-code  as the code of the thesis computes it: both pictures first resized to 224×224 and brought to
                 the network's units, in which L1 is taken too; four of its layers left out (so that its
                 relu4_2 and relu5_2 are no real activations); Gram matrices not divided by H·W (sums of 10⁷
                 beside an L1 of 10⁻²)

All compare relu1_2, relu2_2, relu3_2, relu4_2 and relu5_2 with FILM's weights.

Differs: the weights are torchvision's and not those of FILM's MatConvNet file, which was trained apart. FILM
shows its network pictures times 255 and divides by 255; torchvision's sees them divided by a deviation of
about 0.226. So `film` multiplies features by that, and its other weights keep their meaning.

Source: Reda et al. 2022 (FILM), section 4; Gatys et al. 2016; the thesis "Deep Animation Video Interpolation
with Global Motion Aggregation and Style Loss", section 3.4; Zhang et al. 2018 (LPIPS).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from nakawari import checkpoints
from nakawari.errors import InputError, ModelError
from nakawari.losses.image import l1
from nakawari.nn.lpips import BACKBONES, Lpips, backbone_of
from nakawari.nn.vgg import FILE, Vgg19, load_vgg19, randomise, stand_in

Statement = Literal["film", "thesis", "thesis-code"]
STAND_IN = "stand-in"
"""In place of a weight file: random features, an eighth as wide."""

LAYERS = ("relu1_2", "relu2_2", "relu3_2", "relu4_2", "relu5_2")
WEIGHTS = (1 / 2.6, 1 / 4.8, 1 / 3.7, 1 / 5.6, 10 / 1.5)
FILM_UNITS = 0.226
LEFT_OUT = ("relu3_3", "relu3_4", "relu4_3", "relu4_4")
"""thesis-code: its slices of the network skip these convolutions."""
CODE_SIDE = 224
LEAST_SIDE_PX = 16
"""Smaller pictures leave nothing for the deepest layer."""


class Perceptual:
    """VGG and Gram terms of one statement.

    Args:
        statement: which of the three.
        features: torchvision's `vgg19-dcbb9e9d.pth`, or "stand-in".
        device: where to compute.

    Raises:
        ModelError: no file is named, or it is absent or another's.
    """

    def __init__(self, statement: Statement, features: str, device: torch.device | str = "cpu") -> None:
        if not features:
            raise ModelError(
                f"VGG and Gram losses want torchvision's {FILE}: losses.style.features=FILE, or "
                f"losses.style.features={STAND_IN} for random features."
            )
        self.statement = statement
        pooling: Literal["max", "average"] = "average" if statement == "film" else "max"
        without = LEFT_OUT if statement == "thesis-code" else ()
        if features == STAND_IN:
            net = stand_in(LAYERS[-1], pooling, without)
        else:
            net = load_vgg19(features, LAYERS[-1], pooling, without)
        self.net: Vgg19 = net.to(device)

    def __call__(self, made: Tensor, truth: Tensor, gram: bool = True) -> tuple[Tensor, Tensor]:
        """The VGG term and the Gram term (0 unless `gram`), scalars in float32.

        Args:
            made, truth: [B, 3, H, W] in [0, 1], at least 16 pixels a side.

        Raises:
            InputError: the pictures are smaller.
        """
        if min(made.shape[-2:]) < LEAST_SIDE_PX:
            raise InputError(
                f"VGG wants at least {LEAST_SIDE_PX} pixels a side; found {list(made.shape[-2:])}."
            )
        vgg = style = made.new_zeros((), dtype=torch.float32)
        with torch.autocast(made.device.type, enabled=False):
            for weight, one, other in self._features(made.float(), truth.float()):
                vgg = vgg + weight * (one - other).abs().mean()
                if gram:
                    style = style + weight * self._gram_distance(one, other)
        if self.statement == "thesis":
            return vgg / len(LAYERS), style / len(LAYERS)
        return vgg, style

    def l1(self, made: Tensor, truth: Tensor) -> Tensor:
        """The L1 term that stands beside them, a scalar in float32; arguments as above."""
        if self.statement != "thesis-code":
            return l1(made, truth)
        units = (as_the_code_resizes(x.float()) / self.net.deviation for x in (made, truth))
        return l1(*units)  # the mean that is taken off first is the same in both

    def _features(self, made: Tensor, truth: Tensor) -> Iterator[tuple[float, Tensor, Tensor]]:
        if self.statement == "thesis-code":
            made, truth = as_the_code_resizes(made), as_the_code_resizes(truth)
        with torch.no_grad():
            wanted = [features for _, features in self.net.taps(truth, LAYERS)]
        for weight, (_, found), target in zip(WEIGHTS, self.net.taps(made, LAYERS), wanted, strict=True):
            unit = FILM_UNITS if self.statement == "film" else 1.0
            yield weight, unit * found, unit * target

    def _gram_distance(self, one: Tensor, other: Tensor) -> Tensor:
        difference = gram_matrix(one) - gram_matrix(other)
        if self.statement == "thesis-code":
            difference = difference * (one.shape[-2] * one.shape[-1])
        squares = difference.square().mean((1, 2))
        if self.statement == "thesis":
            squares = (squares + 1e-12).sqrt()
        return squares.mean()


def as_the_code_resizes(image: Tensor) -> Tensor:
    """[B, 3, H, W] → [B, 3, 224, 224], bilinearly, whatever its shape was."""
    return F.interpolate(image, (CODE_SIDE, CODE_SIDE), mode="bilinear", align_corners=False)


def gram_matrix(features: Tensor) -> Tensor:
    """[B, C, H, W] → [B, C, C]: how channels go together, the mean over places."""
    flat = features.flatten(2)
    return flat @ flat.transpose(1, 2) / flat.shape[2]


@dataclass(frozen=True, slots=True)
class StyleWeights:
    """Weights of L1, VGG and Gram; the published ones of FILM and, from its second half, of the thesis."""

    l1: float = 1.0
    vgg: float = 1.0
    gram: float = 0.0

    @staticmethod
    def at(step: int, switch: int, gram: float = 40.0) -> StyleWeights:
        """(1, 1, 0) before step `switch`, (1, 0.25, gram) from it on: begun with Gram it does not learn."""
        return StyleWeights() if step < switch else StyleWeights(1.0, 0.25, gram)


def load_lpips(backbone: str, heads: str, device: torch.device | str = "cpu") -> Lpips:
    """LPIPS as a loss: `Lpips(made, truth).mean()`.

    Args:
        backbone: torchvision's `alexnet-owt-7be5be79.pth` or `vgg16-397923af.pth`, or "stand-in".
        heads: `alex.pth` or `vgg.pth` of the published code; not looked at for a stand-in.
        device: where to compute.

    Raises:
        ModelError: no file is named, or one is absent or another's.
    """
    if backbone == STAND_IN:
        with torch.random.fork_rng(devices=[]):
            net = Lpips("alex")
        randomise(net, seed=0)
        with torch.no_grad():
            for head in net.heads:
                head.fill_(1 / head.numel())
        return net.to(device)
    if not backbone or not heads:
        raise ModelError(
            "LPIPS wants two files, losses.lpips.backbone=FILE (alexnet-owt-7be5be79.pth or "
            f"vgg16-397923af.pth) and losses.lpips.heads=FILE; or losses.lpips.backbone={STAND_IN}."
        )
    linear = checkpoints.load_pt(heads)
    name = backbone_of(linear)
    assert name in BACKBONES
    return Lpips(name).load(checkpoints.load_pt(backbone), linear).to(device)
