"""The matcher of `fast`: flow both ways, learned from scenes whose flow is known exactly.

Search follows what looks alike nearby, and is lost where a thin or plain thing jumps by more than its size.
Here features of every place are compared with those of every other at 1/8 of the size, and a recurrent unit
corrects the flow step by step, looking where it leads. Limbs and lines are narrower than eight pixels, so
the flow is corrected at 1/4 too, before each pixel takes it from its nine nearest.

Sources: Teed & Deng 2020, "RAFT" (comparing, correcting, enlarging); the finer corrections are ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nakawari.checkpoints import as_arguments
from nakawari.errors import ModelError
from nakawari.models.animeinterp.parts import GatedPass, Residual, convex_upsample
from nakawari.ops.correlation import all_pairs, look_nearby, look_up, pyramid, transposed
from nakawari.ops.warp import pixel_grid, sample

MULTIPLE, LEAST = 8, 64
"""Sides are multiples of this, and at least so many pixels, for the coarsest scale must hold one place."""
LEVELS, RADIUS = 4, 3
COARSE, FINE = 8, 4
"""One place of the first corrections, and of the last ones, is so many pixels wide."""
_SHARPER = 0.25
"""The shares of neighbours are learned as logits of this size, as RAFT has them."""

Flows = tuple[Tensor, Tensor]


@dataclass(frozen=True, slots=True)
class MatcherConfig:
    """Widths and steps of the matcher.

    Attributes:
        widths: channels of the features at 1/2, 1/4 and 1/8.
        hidden: channels of the recurrent unit, of its context and of what it knows of motion.
        detail: channels compared at 1/4.
        corrections: at 1/8.
        finer: corrections at 1/4.
    """

    widths: tuple[int, int, int] = (40, 64, 128)
    hidden: int = 96
    detail: int = 64
    corrections: int = 6
    finer: int = 2

    @staticmethod
    def of(told: Mapping[str, Any]) -> MatcherConfig:
        """Of what a weight file says.

        Raises:
            ModelError: it tells of an earlier network, or of none that there was.
        """
        try:
            return MatcherConfig(**as_arguments(told))
        except TypeError as error:
            raise ModelError("these are weights of an earlier `fast`, which is not read any more.") from error


@dataclass(slots=True)
class Steps:
    """What the matcher thought of both directions ([2B, …], first all of 0→1), after each correction.

    Attributes:
        coarse: [2B, 2, H/8, W/8] each, in their own pixels.
        fine: [2B, 2, H, W] each.
    """

    coarse: list[Tensor]
    fine: list[Tensor]


class Matcher(nn.Module):
    """Pictures [B, 3, H, W] in [0, 1] → flow 0→1 and 1→0, [B, 2, H, W] in pixels."""

    def __init__(self, config: MatcherConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or MatcherConfig()
        at2, at4, at8 = config.widths
        hidden, detail = config.hidden, config.detail
        self.stem = nn.Conv2d(12, at2, 3, padding=1)
        self.norm = nn.InstanceNorm2d(at2)
        self.to2 = Residual(at2, at2, 1, "instance")
        self.to4 = nn.Sequential(Residual(at2, at4, 2, "instance"), Residual(at4, at4, 1, "instance"))
        self.to8 = nn.Sequential(Residual(at4, at8, 2, "instance"), Residual(at8, at8, 1, "instance"))
        self.matching = nn.Conv2d(at8, 2 * hidden, 1)
        self.context = nn.Conv2d(at8, 2 * hidden, 1)
        self.from8 = nn.Conv2d(at8, at4, 1)
        self.detail = nn.Conv2d(at4, 2 * detail, 3, padding=1)
        self.motion = _Motion(LEVELS * _places(RADIUS), hidden)
        self.across = GatedPass(hidden, hidden, hidden, (1, 5))
        self.down = GatedPass(hidden, hidden, hidden, (5, 1))
        self.correct = nn.Sequential(
            nn.Conv2d(hidden, hidden, 3, padding=1), nn.ReLU(inplace=True), nn.Conv2d(hidden, 2, 3, padding=1)
        )
        self.finer = _Finer(detail, hidden)

    def forward(self, frame0: Tensor, frame1: Tensor, count: tuple[int, int] | None = None) -> Flows:
        """Flow both ways; sides are multiples of `MULTIPLE` and not below `LEAST`. `count`: see `steps`."""
        forth, back = self.steps(frame0, frame1, last=True, count=count).fine[-1].chunk(2)
        return forth, back

    def steps(
        self, frame0: Tensor, frame1: Tensor, last: bool = False, count: tuple[int, int] | None = None
    ) -> Steps:
        """All that is thought on the way; differentiable.

        Args:
            frame0, frame1: [B, 3, H, W].
            last: only the last flow is enlarged.
            count: corrections at 1/8 and at 1/4; None: as configured.
        """
        corrections, finer = count or (self.config.corrections, self.config.finer)
        at4, at8 = self._features(torch.cat([frame0, frame1]))
        detail, known = self.detail(at4 + _enlarged(self.from8(at8))).chunk(2, 1)
        hidden, context = self.context(at8).chunk(2, 1)
        hidden, context = torch.tanh(hidden), torch.relu(context)
        across, down = self.across.settle(context), self.down.settle(context)
        maps = self.matching(at8).float().chunk(2)
        rows, columns = maps[0].shape[2:]
        volume = all_pairs(*maps)
        turned = transposed(volume, (int(rows), int(columns)))
        volumes = [pyramid(one, LEVELS) for one in (volume, turned)]
        flow = maps[0].new_zeros(2 * len(frame0), 2, rows, columns)
        grid = pixel_grid(flow)
        steps = Steps([], [])
        for _ in range(corrections):
            flow = flow.detach()
            halves = zip(volumes, (grid + flow).chunk(2), strict=True)
            agreement = torch.cat([look_up(own, where, RADIUS) for own, where in halves])
            motion = self.motion(flow, agreement)
            hidden = self.down(self.across(hidden, motion, across), motion, down)
            flow = flow + self.correct(hidden).float()
            steps.coarse.append(flow)
        flow, told = (COARSE / FINE) * _enlarged(flow), _enlarged(self.finer.heard(hidden))
        other = torch.cat(detail.chunk(2)[::-1])
        for number in range(finer):
            flow = flow.detach() if number else flow
            flow, told = self.finer(flow, detail, other, known, told)
            if not last or number + 1 == finer:
                steps.fine.append(convex_upsample(flow, _SHARPER * self.finer.shares(told), FINE))
        return steps

    def _features(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """At 1/4 and at 1/8."""
        seen = F.pixel_unshuffle(2 * frames - 1, 2)
        at4 = self.to4(self.to2(F.relu(self.norm(self.stem(seen)), inplace=True)))
        return at4, self.to8(at4)


class _Motion(nn.Module):
    """Agreement around where each place looks, and its flow, as features (the last two are the flow)."""

    def __init__(self, planes: int, width: int) -> None:
        super().__init__()
        self.agreement = nn.Sequential(
            nn.Conv2d(planes, 96, 1),
            nn.ReLU(inplace=True),
            nn.Conv2d(96, 64, 3, padding=1),
            nn.ReLU(inplace=True),
        )
        self.flow = nn.Sequential(
            nn.Conv2d(2, 32, 7, padding=3),
            nn.ReLU(inplace=True),
            nn.Conv2d(32, 32, 3, padding=1),
            nn.ReLU(inplace=True),
        )
        self.both = nn.Conv2d(96, width - 2, 3, padding=1)

    def forward(self, flow: Tensor, agreement: Tensor) -> Tensor:
        flow = flow.to(self.both.weight.dtype)
        seen = torch.cat([self.agreement(agreement.to(flow.dtype)), self.flow(flow / COARSE)], 1)
        return torch.cat([F.relu(self.both(seen), inplace=True), flow / COARSE], 1)


class _Finer(nn.Module):
    """One correction at 1/4: the other key's detail is fetched along the flow and compared around it."""

    def __init__(self, detail: int, hidden: int) -> None:
        super().__init__()
        width = 2 * detail
        self.heard = nn.Conv2d(hidden, detail, 1)
        self.look = nn.Conv2d(_places(RADIUS) + 3 * detail + 2, width, 3, padding=1)
        self.think = nn.Conv2d(width, detail, 3, padding=1)
        self.say = nn.Conv2d(detail, 2, 3, padding=1)
        self.shares = nn.Sequential(
            nn.Conv2d(detail, width, 3, padding=1), nn.ReLU(inplace=True), nn.Conv2d(width, 9 * FINE**2, 1)
        )

    def forward(self, flow: Tensor, own: Tensor, other: Tensor, known: Tensor, told: Tensor) -> Flows:
        """Flow [B, 2, h, w] → the corrected one, and what is told to the next, [B, detail, h, w].

        Args:
            flow: in pixels of 1/4.
            own, other: [B, detail, h, w], to compare.
            known: [B, detail, h, w], of the own key.
            told: [B, detail, h, w], by what came before.
        """
        with torch.autocast(flow.device.type, enabled=False):
            fetched = sample(other.float(), pixel_grid(flow) + flow)
            agreement = look_nearby(own.float(), fetched, RADIUS)
        agreement, moved = agreement.to(own.dtype), (flow / 16).to(own.dtype)
        seen = torch.cat([agreement, fetched.to(own.dtype), known, told, moved], 1)
        told = F.relu(told + self.think(F.relu(self.look(seen), inplace=True)), inplace=True)
        return flow + self.say(told).float(), told


def _places(radius: int) -> int:
    return int((2 * radius + 1) ** 2)


def _enlarged(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=COARSE / FINE, mode="bilinear", align_corners=False)
