"""The network of AnimeInterp: refinement of flow, features to splat, and synthesis."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from nakawari.errors import ModelError
from nakawari.models.animeinterp.config import AnimeInterpConfig
from nakawari.models.animeinterp.rfr import FlowFeatures, RecurrentFlowRefinement
from nakawari.models.animeinterp.synthesis import WIDTHS, FeaturePyramid, GridNet, push
from nakawari.models.boxes import Box
from nakawari.models.tiles import in_windows

Flows = tuple[Tensor, Tensor]
"""flow01 and flow10, [B, 2, H, W], pixels."""
Scales = tuple[Tensor, Tensor, Tensor]


@dataclass(slots=True)
class Features:
    """What the network knows of one frame."""

    flow: FlowFeatures | None
    """None without refinement."""
    splat: Scales


class AnimeInterpNet(nn.Module):
    """Frames in [0, 1], H and W multiples of 4 ("official") or 8 ("paper")."""

    def __init__(self, config: AnimeInterpConfig | None = None) -> None:
        super().__init__()
        self.config = config or AnimeInterpConfig()
        self.refine = RecurrentFlowRefinement(self.config) if self.config.refine else None
        one, two, three = (width // self.config.narrow for width in WIDTHS)
        self.features = FeaturePyramid((one, two, three))
        self.synthesis = GridNet((one, two, three))

    def encode(self, image: Tensor) -> Features:
        """All that is known of [B, 3, H, W] without its neighbours."""
        return Features(None if self.refine is None else self.refine.encode(image), self.features(image))

    def flows(
        self,
        image0: Tensor,
        image1: Tensor,
        features0: Features,
        features1: Features,
        guide: Flows | None = None,
        iterations: int | None = None,
    ) -> Flows:
        """Motion in both directions.

        Args:
            image0, image1: [B, 3, H, W].
            features0, features1: what `encode` gave for them.
            guide: coarse flows of segments, zero where nothing is known; None: none.
            iterations: corrections; None: as the configuration says.

        Raises:
            ModelError: there is neither a guide nor refinement.
        """
        if self.refine is None:
            if guide is None:
                raise ModelError(
                    "without refinement the flow is the guide's, and there is none; wanted a guide."
                )
            return guide
        if features0.flow is None or features1.flow is None:
            raise ModelError("the features were encoded without refinement; encode the frames again.")
        start = None
        if guide is not None:
            start = (
                self.refine.coarse(guide[0], image0, image1),
                self.refine.coarse(guide[1], image1, image0),
            )
        size = (int(image0.shape[2]), int(image0.shape[3]))
        found: Flows = self.refine(features0.flow, features1.flow, size, start, iterations)
        return found

    def draw(
        self,
        image0: Tensor,
        image1: Tensor,
        scales0: Scales,
        scales1: Scales,
        flows: Flows,
        t: float | Tensor,
        side: int | None = None,
    ) -> Tensor:
        """The picture at t, [B, 3, H, W], not clamped.

        Args:
            image0, image1: [B, 3, H, W].
            scales0, scales1: what `features` gives for them.
            flows: what `flows` gave.
            t: in (0, 1), or [B, 1, 1, 1].
            side: of windows, see `tiles.in_windows`.
        """
        picture0, landed0 = push(image0, scales0, flows[0] * t)
        picture1, landed1 = push(image1, scales1, flows[1] * (1 - t))
        pictures = torch.cat([picture0, picture1], 1).to(landed0[0].dtype)
        joined = tuple(torch.cat(pair, 1) for pair in zip(landed0, landed1, strict=True))
        del picture0, picture1, landed0, landed1  # a quarter of a gigabyte at 1920×1080

        def paint(box: Box) -> Tensor:
            scales = [pictures, *joined]
            seen = [box.scaled(0.5 ** max(0, n - 1)).crop(x) for n, x in enumerate(scales)]
            if side is not None:  # the synthesis writes over what it is given, and windows overlap
                seen = [x.clone() for x in seen]
            image: Tensor = self.synthesis(seen[0], (seen[1], seen[2], seen[3]))
            return image.to(image0.dtype)

        return in_windows(paint, image0.shape, side, GridNet.SEES, GridNet.ALIGNED)

    def forward(
        self, image0: Tensor, image1: Tensor, t: float | Tensor = 0.5, guide: Flows | None = None
    ) -> tuple[Tensor, Flows]:
        """The picture at t and the flows it was drawn with; differentiable, for training."""
        features0, features1 = self.encode(image0), self.encode(image1)
        flows = self.flows(image0, image1, features0, features1, guide)
        return self.draw(image0, image1, features0.splat, features1.splat, flows, t), flows
