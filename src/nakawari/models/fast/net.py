"""The networks of `fast`: motion found by search, corrected and understood by a small network.

Dense inverse search (DIS) is exact where drawings move rigidly and have texture, and wrong where limbs
are thin, regions are flat, or things pass each other. So the network does not climb to what DIS knows:

    encode    features of one frame at 1/2, 1/4, 1/8 and 1/16
    match     all against all at 1/16, so that no displacement is out of reach (both directions at once)
    choose    at 1/8, for each pixel: search, match or stillness, and a correction
    refine    at 1/4: a further correction; how far to trust the search's own fine flow; importance
    draw      for each t: splat both frames and their features, warp both backwards along the projected
              flow, and let a U-net at 1/2 say for each pixel which of them to believe, and what to add

Both directions run through the same weights. The last layers start at zero, so that training starts at
what search and splatting give.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nakawari.models.boxes import Box
from nakawari.models.fast.parts import (
    Encoder,
    FastConfig,
    Residual,
    block,
    conv,
    fill,
    match_all,
    zeroed,
)
from nakawari.models.tiles import in_windows
from nakawari.ops.arcs import along_arc
from nakawari.ops.correlation import local_correlation
from nakawari.ops.splat import divide, splat_sums
from nakawari.ops.warp import backward_warp, resize_flow, warp_part

FLOW_UNIT_PX = 32.0
"""Flow is divided by this before a network sees it."""
MOST_CELLS = 32.0
"""No correction of a flow is longer, along x and y, in pixels of its level."""
FINISHING, CHOOSING = (8, 16), (128, 64)
"""Pixels that the ends of `motion` and of `draw` look around, and what their windows are aligned to."""
MOVES_PX = 0.5
"""What moves by less, along x and y, may as well be still."""


class Choose(nn.Module):
    """At 1/8: which motion each pixel follows, of search, match and stillness, and a correction."""

    def __init__(self, config: FastConfig) -> None:
        super().__init__()
        c = config
        self.radius = c.radius8
        agreements = (2 * c.radius8 + 1) ** 2 + 2 * 9
        self.context = conv(c.width16, 32, kernel=1)
        self.body = nn.Sequential(block(c.width8 + 32 + agreements + 3 + 4 + 2, c.choose), Residual(c.choose))
        self.head = zeroed(conv(c.choose, 5))

    def forward(
        self,
        own: tuple[Tensor, Tensor],
        other: tuple[Tensor, Tensor],
        context: Tensor,
        search: Tensor,
        match: Tensor,
        trust: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """Flow at 1/8 in its pixels, and hidden features.

        Args:
            own, other: features [B, width8, h, w] and colours [B, 3, h, w] of a frame and its partner.
            context: features of the frame at 1/16.
            search: [B, 2, h, w], what dense search found, in pixels of this level.
            match: [B, 2, h, w], what matching all with all found.
            trust: [B, 2, h, w]: how far search closes its circle (pixels), probability of the match.
        """
        candidates = (search, match, torch.zeros_like(search))
        agreements, errors = [], []
        for number, flow in enumerate(candidates):
            moved = other if number == 2 else tuple(backward_warp(x, flow) for x in other)
            agreements.append(local_correlation(own[0], moved[0], self.radius if number == 0 else 1))
            errors.append((own[1] - moved[1]).abs().mean(1, keepdim=True))
        unit = FLOW_UNIT_PX / 8
        wide = F.interpolate(self.context(context), size=own[0].shape[2:], mode="bilinear")
        hidden = self.body(
            torch.cat([own[0], wide, *agreements, *errors, search / unit, match / unit, trust], 1)
        )
        said = self.head(hidden)
        share = (said[:, :3] + said.new_tensor([2.0, 0.0, 0.0])[:, None, None]).softmax(1)
        correction = said[:, 3:].clamp(-MOST_CELLS, MOST_CELLS)
        flow = share[:, :1] * search + share[:, 1:2] * match + correction
        return flow, hidden


class Refine(nn.Module):
    """At 1/4: a further correction, and what splatting has to know of each pixel."""

    def __init__(self, config: FastConfig) -> None:
        super().__init__()
        c = config
        self.radius = c.radius4
        self.carry = conv(c.choose, c.carry, kernel=1)
        inputs = c.width4 + (2 * c.radius4 + 1) ** 2 + c.carry + 2 + 4
        self.body = nn.Sequential(block(inputs, c.refine), Residual(c.refine))
        self.head = zeroed(conv(c.refine, 4))

    def forward(
        self,
        own: tuple[Tensor, Tensor],
        other: tuple[Tensor, Tensor],
        hidden: Tensor,
        flow: Tensor,
        search: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """Flow at 1/4 in its pixels, and [B, 2, h, w]: gate of the search's flow, importance."""
        size = own[0].shape[2:]
        moved = tuple(backward_warp(x, flow) for x in other)
        error = (own[1] - moved[1]).abs().mean(1, keepdim=True)
        error_search = (own[1] - backward_warp(other[1], search)).abs().mean(1, keepdim=True)
        wide = F.interpolate(self.carry(hidden), size=size, mode="bilinear")
        unit = FLOW_UNIT_PX / 4
        agreement = local_correlation(own[0], moved[0], self.radius)
        seen = [own[0], agreement, wide, error, error_search, flow / unit, search / unit]
        said = self.head(self.body(torch.cat(seen, 1)))
        return flow + said[:, :2].clamp(-MOST_CELLS, MOST_CELLS), said[:, 2:]


class Draw(nn.Module):
    """At 1/2, for one t: which candidate to believe at each pixel, and what to add."""

    CANDIDATES = 4

    def __init__(self, config: FastConfig) -> None:
        super().__init__()
        c = config
        self.features = conv(c.width4, c.carry, kernel=1)
        self.at2 = block(4 * (9 + 3), c.draw2)
        self.at4 = nn.Sequential(block(c.draw2 + 2 * c.carry, c.draw4, 1), Residual(c.draw4))
        self.at8 = nn.Sequential(block(c.draw4, c.draw8, 2), Residual(c.draw8), Residual(c.draw8))
        self.from8 = conv(c.draw8, c.draw4, kernel=1)
        self.mix4 = block(c.draw4, c.draw4)
        self.from4 = conv(c.draw4, c.draw2, kernel=1)
        self.mix2 = block(c.draw2, c.draw2)
        self.head = zeroed(conv(c.draw2, 4 * (self.CANDIDATES + 3)))

    def forward(self, pictures: Tensor, facts: Tensor, features: Tensor) -> tuple[Tensor, Tensor]:
        """Log-weights [B, 4, H, W] of the candidates, and a correction [B, 3, H, W].

        Args:
            pictures: [B, 9, H, W], the candidates that the network looks at; H and W even.
            facts: [B, 3, H, W], mass of each direction, and t.
            features: [B, 2 carry, H/4, W/4], splatted.
        """
        at2 = self.at2(F.pixel_unshuffle(torch.cat([pictures - 0.5, facts], 1), 2))
        at4 = self.at4(torch.cat([F.avg_pool2d(at2, 2), features], 1))
        at8 = self.from8(self.at8(at4))
        at4 = self.mix4(at4 + F.interpolate(at8, size=at4.shape[2:], mode="bilinear"))
        at2 = self.mix2(at2 + F.interpolate(self.from4(at4), size=at2.shape[2:], mode="bilinear"))
        said = F.pixel_shuffle(self.head(at2), 2)
        return said[:, : self.CANDIDATES], said[:, self.CANDIDATES :]


@dataclass(slots=True)
class Motion:
    """What is known of a pair before t: everything for frame 0 first, then for frame 1 (batch 2B)."""

    flow: Tensor
    """[2B, 2, H, W], pixels: 0→1, then 1→0."""
    weight: Tensor
    """[2B, 1, H, W], log-importance."""
    features: Tensor
    """[2B, carry, H/4, W/4]."""
    coarse: tuple[Tensor, Tensor]
    """The flow at 1/8 and at 1/4, each in its own pixels; for training."""


class FastNet(nn.Module):
    """Motion of a pair, and pictures between."""

    def __init__(self, config: FastConfig | None = None) -> None:
        super().__init__()
        self.config = config or FastConfig()
        self.encoder = Encoder(self.config)
        self.choose = Choose(self.config)
        self.refine = Refine(self.config)
        self.drawer = Draw(self.config)
        self.sharpness = nn.Parameter(torch.tensor(20.0))
        self.doubt = nn.Parameter(torch.tensor(20.0))

    def motion(
        self,
        image0: Tensor,
        image1: Tensor,
        features0: tuple[Tensor, ...],
        features1: tuple[Tensor, ...],
        search: Tensor,
        side: int | None = None,
    ) -> Motion:
        """Everything about a pair that does not depend on t.

        Args:
            image0, image1: [B, 3, H, W] in [0, 1], H and W multiples of 16.
            features0, features1: what `encoder` gives for them.
            search: [2B, 2, H, W], flow 0→1 then 1→0 that a search found, pixels.
            side: of windows, see `tiles.in_windows`.
        """
        images, partners = torch.cat([image0, image1]), torch.cat([image1, image0])
        own4, own8, own16 = (torch.cat([features0[n], features1[n]]) for n in (1, 2, 3))
        other4, other8 = (torch.cat([features1[n], features0[n]]) for n in (1, 2))
        match, chance = match_all(features0[3], features1[3], self.sharpness)
        size8, size4 = own8.shape[2:], own4.shape[2:]
        search8 = F.avg_pool2d(search, 8) / 8
        search4 = F.avg_pool2d(search, 4) / 4
        back8 = torch.cat(search8.chunk(2)[::-1])
        circle = (search8 + backward_warp(back8, search8)).norm(dim=1, keepdim=True).clamp_max(8)
        trust = torch.cat([circle, F.interpolate(chance, size=size8, mode="bilinear")], 1)
        colours8 = F.avg_pool2d(images, 8), F.avg_pool2d(partners, 8)
        colours4 = F.avg_pool2d(images, 4), F.avg_pool2d(partners, 4)
        match8 = resize_flow(match, (int(size8[0]), int(size8[1])))
        flow8, hidden = self.choose((own8, colours8[0]), (other8, colours8[1]), own16, search8, match8, trust)
        start4 = resize_flow(flow8, (int(size4[0]), int(size4[1])))
        flow4, said = self.refine((own4, colours4[0]), (other4, colours4[1]), hidden, start4, search4)
        small = torch.cat([flow4 * 4, said], 1)

        def finish(box: Box) -> Tensor:
            part = box.scaled(0.25).crop(small)
            whole = F.interpolate(part, scale_factor=4, mode="bilinear", align_corners=False)
            gate = torch.sigmoid(whole[:, 2:3] + 2)
            flow = torch.lerp(whole[:, :2], box.crop(search), gate)
            there = warp_part(partners, flow, box.top, box.left)
            error = (box.crop(images) - there).abs().mean(1, keepdim=True)
            return torch.cat([flow, whole[:, 3:4] - self.doubt * error], 1)

        found = in_windows(finish, search.shape, side, *FINISHING)
        return Motion(found[:, :2], found[:, 2:], self.drawer.features(own4), (flow8, flow4))

    def draw(
        self,
        motion: Motion,
        t: float | Tensor,
        image0: Tensor,
        image1: Tensor,
        side: int | None = None,
        turn: Tensor | None = None,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The picture at t, how much of each frame lands on each pixel, and how much of that moves.

        Args:
            motion: what `motion` gave.
            t: in (0, 1), or [B, 1, 1, 1].
            image0, image1: [B, 3, H, W].
            side: of windows, see `tiles.in_windows`.
            turn: [2B, 1, H, W], radians, for motion along arcs, as `ops.arcs.along_arc` takes it.

        Returns:
            [B, 3, H, W], not clamped; mass [B, 2, H, W]; share [B, 1, H, W] of what moves by more than
            `MOVES_PX`.
        """
        batch = image0.shape[0]
        step = torch.as_tensor(t, dtype=image0.dtype, device=image0.device).reshape(-1, 1, 1, 1)
        step = step.expand(batch, 1, 1, 1)
        steps = torch.cat([step, 1 - step])
        tops = motion.weight.detach().amax((1, 2, 3), keepdim=True)
        top = torch.maximum(tops[:batch], tops[batch:])
        strength = (motion.weight - torch.cat([top, top])).clamp_min(-40).exp()
        moves = (motion.flow.detach().abs().amax(1, keepdim=True) > MOVES_PX).to(image0.dtype)
        images = torch.cat([torch.cat([image0, image1]), moves], 1)
        way = motion.flow * steps if turn is None else along_arc(motion.flow, turn, steps)
        sums, mass = splat_sums(images, way, strength)
        del images, moves
        size4 = motion.features.shape[2:]
        small = int(size4[0]), int(size4[1])
        flow4 = resize_flow(motion.flow, small) * steps if turn is None else resize_flow(way, small)
        del way
        weight4 = F.avg_pool2d(strength, 4)
        features = divide(*splat_sums(motion.features, flow4, weight4))
        del strength

        def choose(box: Box) -> Tensor:
            part = box.scaled(0.25).crop(features)
            return torch.cat(self._choose(box.crop(sums), box.crop(mass), part, steps), 1)

        made = in_windows(choose, image0.shape, side, *CHOOSING)
        return made[:, :3], made[:, 3:5], made[:, 5:]

    def _choose(
        self, sums: Tensor, mass: Tensor, features: Tensor, steps: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """What `draw` gives, of what landed: colours and motion [2B, 4, h, w], mass, features at 1/4."""
        batch, near = len(mass) // 2, 1 - steps
        moving = _moving(sums[:, 3:].detach(), mass.detach(), near)
        sums = sums[:, :3]
        alone = divide(sums, mass)
        sums_both, mass_both = (near[:batch] * x[:batch] + near[batch:] * x[batch:] for x in (sums, mass))
        both = divide(sums_both, mass_both)
        filled = fill(sums_both, mass_both)
        landed = (mass / (mass + 1e-3)).chunk(2)
        logits, add = self.drawer(
            torch.cat([*alone.chunk(2), filled], 1),
            torch.cat([landed[0], landed[1], steps[:batch].expand_as(landed[0])], 1),
            torch.cat(features.chunk(2), 1),
        )
        exists = torch.cat([landed[0], landed[1], torch.maximum(landed[0], landed[1])], 1)
        prior = torch.cat([(exists + 1e-4).log() + exists.new_tensor([-2.0, -2.0, 2.0])[:, None, None],
                           torch.full_like(landed[0], -4.0)], 1)  # fmt: skip
        share = (logits + prior).softmax(1)
        first, second = alone.chunk(2)
        image = share[:, :1] * first + share[:, 1:2] * second + share[:, 2:3] * both + share[:, 3:] * filled
        lowest = torch.minimum(torch.minimum(first, second), torch.minimum(both, filled))
        highest = torch.maximum(torch.maximum(first, second), torch.maximum(both, filled))
        made = (image + add).clamp(lowest, highest)  # mends what was seen, invents nothing
        return made, torch.cat(landed, 1), moving


def _moving(moved: Tensor, mass: Tensor, near: Tensor) -> Tensor:
    """Share of what lands, of both frames together (batch 2B), that moves."""
    moved0, moved1 = (near * moved).chunk(2)
    mass0, mass1 = (near * mass).chunk(2)
    return divide(moved0 + moved1, mass0 + mass1)
