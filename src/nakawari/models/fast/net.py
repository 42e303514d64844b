"""The network of `fast`: it says, for each pixel at t, how much each motion that search finds is worth.

`classic` tries several motions at each pixel and believes each as much as both keys agree along it. That rule
sees five pixels. This network sees limbs: what each candidate shows in both keys, what landed there, how much
was covered, all around a pixel and at four scales, and says

    how much of each candidate   a correction of the rule's own odds
    how much of each key         that it leans to one of them, where the other is covered or lies

It is heard only where the rule is lost.

It draws nothing: every colour is a mix of what both keys show along some motion. Before training it says
nothing, and `fast` is `classic`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nakawari.models.classic.synthesis import SLIGHT
from nakawari.models.fast.packing import PLANES, pack

SLOTS = 6
"""Candidates of `fast`: two of each field of motion, no motion, and the global shift."""
MULTIPLE = 16
"""Of height and width."""
SEES = 96
"""Pixels around each that it looks at (a few more hardly count)."""
_UNSURE = 0.05
"""Landed weight of which a half is believed."""
_SCALE = 4.0
"""What the last layer says counts as much more, so that it learns as fast as the rest."""
LOST = 80.0
"""Cost of the rule's best candidate from which the network has a say, and twice that wholly: below, the rule
sees shares of a pixel, which the network does not."""
FORGOTTEN = -1e4
"""Score of what is out of the question."""


@dataclass(frozen=True, slots=True)
class FastConfig:
    """Widths of `fast`.

    Attributes:
        look: channels for what one candidate shows.
        widths: channels of the whole at 1/2, 1/4, 1/8 and 1/16.
        slots: candidates, at the most.
    """

    look: int = 20
    widths: tuple[int, int, int, int] = (32, 40, 56, 64)
    slots: int = SLOTS


@dataclass(slots=True)
class Seen:
    """What is known at t of K candidates at h×w, multiples of `MULTIPLE`.

    Attributes:
        views: [B, K, 6, h, w] uint8, what a candidate shows in key 0 and in key 1.
        inside: [B, K, 2, h, w] bool, whether that is inside them.
        cost: [B, K, h, w], the rule's score (0 to 1530 and some), less is better.
        length: [B, K, h, w], log(1 + pixels of motion).
        evidence: [B, 3, h, w] uint8, colours that landed.
        weights: [B, 2, h, w], how much of each key landed.
        unsure: [B, 1, h, w], from 0, where the rule is certain, to 1.
        t: [B].
        present: [B, K] bool, which candidates there are; None: all.
    """

    views: Tensor
    inside: Tensor
    cost: Tensor
    length: Tensor
    evidence: Tensor
    weights: Tensor
    unsure: Tensor
    t: Tensor
    present: Tensor | None = None

    @staticmethod
    def of(batch: Mapping[str, Tensor]) -> Seen:
        """Of tensors by name."""
        return Seen(**{name: batch[name] for name in Seen.__dataclass_fields__ if name in batch})

    def known_cost(self) -> Tensor:
        """`cost` as float32, out of the question for candidates that there are not."""
        cost = self.cost.float()
        if self.present is None:
            return cost
        return cost.masked_fill(~self.present[:, :, None, None], -FORGOTTEN)


def _conv(inputs: int, outputs: int, stride: int = 1, kernel: int = 3) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2)


def _block(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(_conv(inputs, outputs, stride), nn.LeakyReLU(0.1, inplace=True))


class _Residual(nn.Module):
    """Two convolutions around which the input goes straight on."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = _block(width, width)
        self.second = _conv(width, width)

    def forward(self, x: Tensor) -> Tensor:
        return F.leaky_relu(x + self.second(self.first(x)), 0.1)


class FastNet(nn.Module):
    """Which candidate, and which key, at each pixel."""

    def __init__(self, config: FastConfig | None = None) -> None:
        super().__init__()
        self.config = config or FastConfig()
        look, (at2, at4, at8, at16) = self.config.look, self.config.widths
        self.slot = nn.Parameter(torch.zeros(self.config.slots, look))
        self.look = _conv(4 * PLANES, look)
        self.to2 = _block(2 * look + 4 * 4, at2)
        self.to4 = nn.Sequential(_block(at2, at4, 2), _Residual(at4))
        self.to8 = nn.Sequential(_block(at4, at8, 2), _Residual(at8))
        self.to16 = nn.Sequential(_block(at8, at16, 2), _Residual(at16), _Residual(at16))
        self.from16, self.mix8 = _conv(at16, at8, kernel=1), _block(at8, at8)
        self.from8, self.mix4 = _conv(at8, at4, kernel=1), _block(at4, at4)
        self.from4, self.mix2 = _conv(at4, at2, kernel=1), _block(at2, look)
        self.join = _conv(2 * look, look)
        self.head = _conv(look, 4 * 2, kernel=1)
        nn.init.zeros_(self.head.weight)
        assert self.head.bias is not None
        nn.init.zeros_(self.head.bias)

    def forward(self, seen: Seen) -> tuple[Tensor, Tensor]:
        """Weights of what key 0 and key 1 show along each candidate, [B, K, 2, h, w], 1 together; and what is
        new in their log-odds, [B, K, 2, h, w]: of the candidate, and of key 1 along it.
        """
        count = seen.cost.shape[1]
        cost = seen.known_cost()
        each = [self._looked(seen, number) for number in range(count)]
        most = each
        if seen.present is not None:
            absent = ~seen.present[:, :, None, None]
            most = [one.masked_fill(absent[:, k, None], FORGOTTEN) for k, one in enumerate(each)]
        score = -2 * (cost + SLIGHT).log()  # the inverse square of the cost, as the rule has it
        if seen.present is not None:
            score = score.masked_fill(absent, FORGOTTEN)
        likely = F.avg_pool2d(score, 2).softmax(1).chunk(count, 1)
        mean = reduce(torch.add, [one * share for one, share in zip(each, likely, strict=True)])
        around = self._around(mean, reduce(torch.maximum, most), seen)
        # One convolution of both, but what surrounds all candidates goes through it only once.
        own, shared = torch.split(self.join.weight, self.config.look, 1)
        around = F.conv2d(around, shared, padding=1)
        said = torch.stack(
            [self._said(F.conv2d(one, own, self.join.bias, padding=1) + around) for one in each], 1
        )
        rule = _smallest(cost)
        said = said * ((cost.gather(1, rule) - LOST) / LOST).clamp(0, 1)[:, None]
        odds = (score + said[:, :, 0]).softmax(1)
        unsure = seen.unsure.to(odds)
        odds = (odds * unsure).scatter_add(1, rule, 1 - unsure)
        second = (seen.t.to(odds).logit().reshape(-1, 1, 1, 1) + said[:, :, 1]).sigmoid()
        return torch.stack([odds * (1 - second), odds * second], 2), said

    def _looked(self, seen: Seen, number: int) -> Tensor:
        """What one candidate shows, [B, C, h / 2, w / 2]; one by one, for all at once take much memory."""
        one = slice(number, number + 1)
        shown = seen.views[:, one], seen.evidence, seen.cost[:, one], seen.length[:, one], seen.inside[:, one]
        looked = self.look(pack(*shown)) + self.slot[number, :, None, None]
        return F.leaky_relu(looked, 0.1, inplace=True)

    def _said(self, joined: Tensor) -> Tensor:
        """What is said of one candidate, [B, 2, h, w]."""
        assert self.head.bias is not None
        seen = F.leaky_relu(joined, 0.1, inplace=True)
        return F.pixel_shuffle(F.conv2d(seen, self.head.weight * _SCALE, self.head.bias * _SCALE), 2)

    def _around(self, mean: Tensor, most: Tensor, seen: Seen) -> Tensor:
        """What the surroundings say, at 1/2, of the mean and the most of all candidates."""
        landed = seen.weights.float()
        grey = seen.evidence.float().mean(1, keepdim=True) / 255
        facts = [landed / (landed + _UNSURE), grey, seen.t.to(grey).reshape(-1, 1, 1, 1).expand_as(grey)]
        known = F.pixel_unshuffle(torch.cat(facts, 1), 2).contiguous(memory_format=torch.channels_last)
        at2 = self.to2(torch.cat([mean, most, known], 1))
        at4 = self.to4(at2)
        at8 = self.to8(at4)
        at16 = self.to16(at8)
        at8 = self.mix8(at8 + _enlarged(self.from16(at16), at8))
        at4 = self.mix4(at4 + _enlarged(self.from8(at8), at4))
        found: Tensor = self.mix2(at2 + _enlarged(self.from4(at4), at2))
        return found


def _smallest(values: Tensor) -> Tensor:
    """[B, N, h, w] → [B, 1, h, w], the first of the smallest. `argmin` over such an axis is slow."""
    least, number = values[:, 0], torch.zeros_like(values[:, 0], dtype=torch.int64)
    for k in range(1, values.shape[1]):
        number = torch.where(values[:, k] < least, k, number)
        least = torch.minimum(least, values[:, k])
    return number[:, None]


def _enlarged(small: Tensor, like: Tensor) -> Tensor:
    return F.interpolate(small, size=like.shape[2:], mode="bilinear")
