"""Recurrent flow refinement: look where the flow leads, say how to correct it, look again.

A coarse flow of whole segments says roughly where things went, or nothing at all. From there a recurrent
unit corrects it, always looking at how well the frames agree around the place it has come to. Agreement is
that of every pixel of one frame with every pixel of the other, at four scales, so that no displacement is
out of reach.

Both directions use the same features and, transposed, the same agreement; where memory allows they run as
one batch. The agreement of all with all grows with the square of the pixels, so beyond `VOLUMES_MIB` it is
worked out on demand, around the places that are looked at, and the directions run one after the other.

Source: Li et al. 2021, "Deep Animation Video Interpolation in the Wild", section 4.2; Teed & Deng 2020,
"RAFT".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nakawari.models.animeinterp.config import AnimeInterpConfig
from nakawari.models.animeinterp.gma import GlobalMotionAggregation
from nakawari.models.animeinterp.parts import (
    ErrorAttention,
    FeatureEncoder,
    GatedPass,
    MotionEncoder,
    convex_upsample,
)
from nakawari.ops.correlation import all_pairs, look_up, look_up_on_demand, pyramid, transposed
from nakawari.ops.warp import pixel_grid

LEVELS, RADIUS = 4, 4
WIDTH = 128
"""Channels of the hidden state, of the context and of what is known of motion."""
VOLUMES_MIB = 1024
"""The agreement of all with all of both directions, and attention, may take so much memory."""

Looking = Callable[[Tensor], Tensor]
"""Places [B, 2, h, w] → agreement around them [B, planes, h, w]."""


@dataclass(slots=True)
class FlowFeatures:
    """What refinement knows of one frame: [B, 256, h, w] to match by, and as context."""

    matching: Tensor
    context: Tensor


class RecurrentFlowRefinement(nn.Module):
    """Flow of a pair in both directions, from a coarse one or from nothing."""

    def __init__(self, config: AnimeInterpConfig) -> None:
        super().__init__()
        self.config = config
        paper, gma, n = config.mode == "paper", config.attention == "gma", config.narrow
        width = self.width = WIDTH // n
        self.encoder = FeatureEncoder("instance" if config.normalised else "none", n)
        self.context = FeatureEncoder("batch", n) if paper else None
        self.attention = ErrorAttention() if paper else None
        self.aggregate = GlobalMotionAggregation(width) if gma else None
        self.motion = MotionEncoder(LEVELS * (2 * RADIUS + 1) ** 2, n)
        heard = 2 * width if gma else width
        self.across = GatedPass(width, width, heard, (1, 5))
        self.down = GatedPass(width, width, heard, (5, 1))
        self.flow_head = nn.Sequential(
            nn.Conv2d(width, 2 * width, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(2 * width, 2, 3, padding=1),
        )
        self.mask_head = nn.Sequential(
            nn.Conv2d(width, 2 * width, 3, padding=1), nn.ReLU(inplace=True), nn.Conv2d(2 * width, 9 * 64, 1)
        )

    @property
    def dtype(self) -> torch.dtype:
        """The number type of the convolutions; flow, places and agreement are float32 at least."""
        return self.flow_head[0].weight.dtype  # type: ignore[return-value]

    def encode(self, image: Tensor) -> FlowFeatures:
        """Features of one frame for both of its neighbours.

        Args:
            image: [B, 3, H, W] in [0, 1], at least 8×8; "paper" wants multiples of 8.
        """
        height, width = image.shape[2:]
        size = (height // 8 * 8, width // 8 * 8)
        if (height, width) != size:  # official: resized, not padded
            image = F.interpolate(image, size=size, mode="bilinear", align_corners=False)
        image = (2 * image - 1).to(self.dtype)
        matching = self.encoder(image)
        context = matching if self.context is None else self.context(image)
        return FlowFeatures(matching.to(torch.promote_types(matching.dtype, torch.float32)), context)

    def forward(
        self,
        features0: FlowFeatures,
        features1: FlowFeatures,
        size: tuple[int, int],
        start: tuple[Tensor, Tensor] | None = None,
        iterations: int | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Flow in both directions.

        Args:
            features0, features1: what `encode` gave.
            size: (H, W) of the pictures.
            start: what `coarse` gave; None: nothing is known.
            iterations: corrections; None: as the configuration says.

        Returns:
            flow01 and flow10, [B, 2, H, W], pixels.
        """
        count = iterations or self.config.iterations
        batch, _, rows, columns = features0.matching.shape
        starts = start or (features0.matching.new_zeros(batch, 2, rows, columns),) * 2
        maps = features0.matching, features1.matching
        contexts = features0.context, features1.context
        side_by_side = self._volumes_mib(batch, rows * columns) <= VOLUMES_MIB
        if side_by_side:
            looking = self._look_in_volumes(*maps)
            flow = self._refine(looking, torch.cat(contexts), torch.cat(starts), count)
            flows = flow.chunk(2)
        else:
            one, other = (self._look_on_demand(a, b) for a, b in (maps, maps[::-1]))
            flows = (
                self._refine(one, contexts[0], starts[0], count),
                self._refine(other, contexts[1], starts[1], count),
            )
        return self._enlarged(flows[0], size), self._enlarged(flows[1], size)

    def every(
        self,
        features0: FlowFeatures,
        features1: FlowFeatures,
        size: tuple[int, int],
        start: tuple[Tensor, Tensor] | None = None,
    ) -> list[tuple[Tensor, Tensor]]:
        """What `forward` gives, after each correction; differentiable, for training on flow."""
        batch, _, rows, columns = features0.matching.shape
        starts = start or (features0.matching.new_zeros(batch, 2, rows, columns),) * 2
        looking = self._look_in_volumes(features0.matching, features1.matching)
        context = torch.cat([features0.context, features1.context])
        each: list[Tensor] = []
        self._refine(looking, context, torch.cat(starts), self.config.iterations, each)
        pairs = [flow.chunk(2) for flow in each]
        return [(self._enlarged(one, size), self._enlarged(other, size)) for one, other in pairs]

    def coarse(self, flow: Tensor, image0: Tensor, image1: Tensor) -> Tensor:
        """Where refinement starts, from the flow of whole segments.

        Args:
            flow: [B, 2, H, W], pixels, zero where nothing is known.
            image0, image1: [B, 3, H, W] in [0, 1], the frames it leads from and to.

        Returns:
            [B, 2, H/8, W/8], in its own pixels.
        """
        height, width = flow.shape[2:]
        size = (height // 8, width // 8)
        small = F.interpolate(flow, size=size, mode="nearest")
        small = small * small.new_tensor([size[1] / width, size[0] / height])[:, None, None]
        if self.attention is None:
            return 2 * small  # official: added twice, and the gate is not used
        pictures = (F.interpolate(2 * x - 1, size=size, mode="bilinear") for x in (image0, image1))
        own, other = pictures
        error = (_look_outside_is_zero(other, small) - own).abs().sum(1, keepdim=True)
        kind = self.dtype
        gate: Tensor = self.attention(own.to(kind), error.to(kind), small.to(kind))
        return gate.to(small.dtype) * small

    def _volumes_mib(self, batch: int, pixels: int) -> float:
        squares = 2 * 4 / 3 + (2 if self.aggregate is not None else 0)
        return batch * squares * pixels**2 * 4 / 2**20

    def _look_in_volumes(self, matching0: Tensor, matching1: Tensor) -> Looking:
        rows, columns = matching0.shape[2:]
        volume = all_pairs(matching0, matching1)
        volumes = [pyramid(one, LEVELS) for one in (volume, transposed(volume, (int(rows), int(columns))))]

        def look(places: Tensor) -> Tensor:
            halves = zip(volumes, places.chunk(2), strict=True)
            return torch.cat([look_up(own, where, RADIUS) for own, where in halves])

        return look

    def _look_on_demand(self, own: Tensor, other: Tensor) -> Looking:
        scales = pyramid(other, LEVELS)
        return lambda places: look_up_on_demand(own, scales, places, RADIUS)

    def _refine(
        self,
        looking: Looking,
        context: Tensor,
        start: Tensor,
        count: int,
        each: list[Tensor] | None = None,
    ) -> Tensor:
        """Flow [B, 2, 8h, 8w] from a start [B, 2, h, w] and a context [B, 256, h, w]; `each` takes all."""
        hidden, context = torch.split(context, self.width, 1)
        hidden, context = torch.tanh(hidden), torch.relu(context)
        attention = None if self.aggregate is None else self.aggregate.attend(context)
        across, down = self.across.settle(context), self.down.settle(context)
        grid, flow = pixel_grid(start), start
        for step in range(count):
            if step:  # a correction answers for itself; the start for how far it is believed
                flow = flow.detach()
            motion = self.motion(flow.to(context.dtype), looking(grid + flow).to(context.dtype))
            if self.aggregate is not None and attention is not None:
                motion = torch.cat([motion, self.aggregate(attention, motion)], 1)
            hidden = self.down(self.across(hidden, motion, across), motion, down)
            flow = flow + self.flow_head(hidden)
            if each is not None:
                each.append(convex_upsample(flow, 0.25 * self.mask_head(hidden)))
        return each[-1] if each else convex_upsample(flow, 0.25 * self.mask_head(hidden))

    @staticmethod
    def _enlarged(flow: Tensor, size: tuple[int, int]) -> Tensor:
        height, width = flow.shape[2:]
        if (height, width) == size:
            return flow
        flow = flow * flow.new_tensor([size[1] / width, size[0] / height])[:, None, None]
        return F.interpolate(flow, size=size, mode="bilinear", align_corners=False)


def _look_outside_is_zero(image: Tensor, flow: Tensor) -> Tensor:
    """`image` at p + flow(p), zero outside: what the error attention was designed with."""
    height, width = image.shape[2:]
    place = pixel_grid(flow) + flow
    x = (2 * place[:, 0] + 1) / width - 1
    y = (2 * place[:, 1] + 1) / height - 1
    grid = torch.stack([x, y], -1)
    return F.grid_sample(image, grid, padding_mode="zeros", align_corners=False)
