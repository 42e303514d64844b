"""The network of `fast`: it chooses, for each pixel at t, among the motions that search finds.

`classic` tries several motions at each pixel and takes the one along which both keys agree. That rule sees
five pixels. This network sees limbs: what each candidate shows in both keys, what landed there, how much
was covered, all around a pixel and at four scales, and says

    which candidate      a correction of the rule's own score
    which key to show    both mixed by time, or one of them, where the other is covered or lies

Where the rule is certain it stays, and what landed may not be erased (`forbidden`).

It draws nothing: every colour comes out of a key, so there is nothing that could blur or fade. Before
training it says nothing, and `fast` is `classic`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nakawari.models.fast.packing import PLANES, pack

SLOTS = 6
"""Candidates, at the most: two of each field of motion, no motion, and the global shift."""
MULTIPLE = 16
"""Of height and width."""
SEES = 96
"""Pixels around each that it looks at (a few more hardly count)."""
BOTH, FIRST, SECOND = range(3)
"""Which keys to show."""
_UNSURE = 0.05
"""Landed weight of which a half is believed."""
_SCALE = 4.0
"""What the last layer says counts as much more, so that it learns as fast as the rest."""
_KEYS = (1.5, -1.0, -1.0)
"""Log-odds of the keys to show before anything is said."""
_SLIGHT = 10.0
"""Differences of cost below this hardly count."""
ERASED = 10.0
"""What landed may be contradicted by so much more than the rule would (of 765), and no more.

A thing whose place is not sure is wrong twice where it is misplaced, and once where it is left out: whatever
is trained for the least error would rather show the ground. Here it may not.
"""
CERTAIN = 32.0
"""Cost below which the rule is not overruled: it sees shares of a pixel there, which the network does not."""
FORGOTTEN = -1e4
"""Score of what is out of the question."""


@dataclass(frozen=True, slots=True)
class FastConfig:
    """Widths of `fast`.

    Attributes:
        look: channels for what one candidate shows.
        widths: channels of the whole at 1/2, 1/4, 1/8 and 1/16.
    """

    look: int = 20
    widths: tuple[int, int, int, int] = (32, 40, 56, 64)


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
        strange: [B, K, h, w], how far a candidate is from what landed (0 to 765).
        t: [B].
        present: [B, K] bool, which candidates there are; None: all.
    """

    views: Tensor
    inside: Tensor
    cost: Tensor
    length: Tensor
    evidence: Tensor
    weights: Tensor
    strange: Tensor
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
        self.slot = nn.Parameter(torch.zeros(SLOTS, look))
        self.look = _conv(4 * PLANES, look)
        self.to2 = _block(2 * look + 4 * 4, at2)
        self.to4 = nn.Sequential(_block(at2, at4, 2), _Residual(at4))
        self.to8 = nn.Sequential(_block(at4, at8, 2), _Residual(at8))
        self.to16 = nn.Sequential(_block(at8, at16, 2), _Residual(at16), _Residual(at16))
        self.from16, self.mix8 = _conv(at16, at8, kernel=1), _block(at8, at8)
        self.from8, self.mix4 = _conv(at8, at4, kernel=1), _block(at4, at4)
        self.from4, self.mix2 = _conv(at4, at2, kernel=1), _block(at2, look)
        self.join = _conv(2 * look, look)
        self.head = _conv(look, 4 * 4, kernel=1)
        nn.init.zeros_(self.head.weight)
        assert self.head.bias is not None
        nn.init.zeros_(self.head.bias)
        self.strictness = nn.Parameter(torch.tensor(1.5))
        """What the logarithm of a cost counts: even what the rule finds hopeless has a chance, or nothing
        could be learned of it."""

    def forward(self, seen: Seen) -> tuple[Tensor, Tensor, Tensor]:
        """Log-odds of candidates [B, K, h, w] and of keys for each [B, K, 3, h, w]; what is new in them.

        The last, [B, K, 4, h, w], is what the network itself said.
        """
        count = seen.cost.shape[1]
        cost = seen.known_cost()
        each = [self._looked(seen, number) for number in range(count)]
        most = each
        if seen.present is not None:
            absent = ~seen.present[:, :, None, None]
            most = [one.masked_fill(absent[:, k, None], FORGOTTEN) for k, one in enumerate(each)]
        least = reduce(torch.minimum, cost.unbind(1))  # `amin` over an axis that is not the last is slow
        score = -self.strictness * ((cost - least[:, None]) / _SLIGHT).log1p()
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
        keys = said[:, :, 1:] + said.new_tensor(_KEYS)[:, None, None]
        return score + said[:, :, 0], keys, said

    def _looked(self, seen: Seen, number: int) -> Tensor:
        """What one candidate shows, [B, C, h / 2, w / 2]; one by one, for all at once take much memory."""
        one = slice(number, number + 1)
        shown = seen.views[:, one], seen.evidence, seen.cost[:, one], seen.length[:, one], seen.inside[:, one]
        looked = self.look(pack(*shown)) + self.slot[number, :, None, None]
        return F.leaky_relu(looked, 0.1, inplace=True)

    def _said(self, joined: Tensor) -> Tensor:
        """What is said of one candidate, [B, 4, h, w]."""
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

    def pick(self, seen: Seen) -> Tensor:
        """[B, 2, h, w]: the number of the best candidate, and the share of key 1."""
        score, keys, _ = self(seen)
        best = _largest(score.masked_fill(forbidden(seen), FORGOTTEN))
        keys = _largest(keys.gather(1, best[:, :, None].expand(-1, -1, 3, -1, -1))[:, 0])
        t = seen.t.to(score).reshape(-1, 1, 1, 1)
        share = torch.where(keys == SECOND, 1.0, torch.where(keys == FIRST, 0.0, t))
        # Where the key changes, half a pixel of both hides the seam.
        share = F.avg_pool2d(share, 3, 1, 1, count_include_pad=False)
        return torch.cat([best.to(share), share], 1)


def forbidden(seen: Seen) -> Tensor:
    """[B, K, h, w], the candidates that may not be taken: where the rule is certain, all but its own, and
    elsewhere those that erase what landed.
    """
    cost = seen.known_cost()
    rule = _largest(-cost)
    certain = cost.gather(1, rule) < CERTAIN
    others = torch.arange(cost.shape[1], device=cost.device)[:, None, None] != rule
    strange = seen.strange.float()
    erases = strange > strange.gather(1, rule) + ERASED
    return (certain & others) | erases


def _largest(values: Tensor) -> Tensor:
    """[B, N, h, w] → [B, 1, h, w], the first of the largest. `argmax` over such an axis is slow."""
    top, number = values[:, 0], torch.zeros_like(values[:, 0], dtype=torch.int64)
    for k in range(1, values.shape[1]):
        number = torch.where(values[:, k] > top, k, number)
        top = torch.maximum(top, values[:, k])
    return number[:, None]


def _enlarged(small: Tensor, like: Tensor) -> Tensor:
    return F.interpolate(small, size=like.shape[2:], mode="bilinear")
