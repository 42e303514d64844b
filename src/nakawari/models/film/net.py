"""The network of FILM, in as little memory as it can be computed in.

    extract    a pyramid of features of one frame: at each level, the same small network's answers to
               this level and to the three finer ones, so that level 3 and all coarser ones mean the same
    motion     flow both ways, coarse to fine; a level corrects what the coarser one found
    fuse       keys, features and flow, warped to t, become the picture, coarse to fine

The fine levels are most of the memory, and nobody has to see them whole: they are warped, concatenated and
convolved in strips of rows, with as many rows more as the convolutions look across. That is exact. Where
the paper enlarges by repetition and then convolves 2×2, the four positions inside a repeated pixel are four
convolutions of the small map.

Where memory is short, the features of the finest levels are not kept either, but computed anew for each
window that asks for them (and for the place where its flow leads), and the picture of these levels is made
from the coarser ones window by window. That is exact as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nakawari.checkpoints import as_arguments
from nakawari.errors import ModelError
from nakawari.models.boxes import Box
from nakawari.models.tiles import in_windows, put_together
from nakawari.ops.warp import pixel_grid, sample

STRIP_BYTES = 48 * 2**20
"""A strip's concatenated input takes about so much."""
EXTRACTION_SEES = 4
"""Pixels of a level that its features look around."""
PASSING = 3
"""So many of the finest levels are computed anew for each window where memory is short."""


@dataclass(frozen=True, slots=True)
class FilmConfig:
    """Widths and depths.

    Attributes:
        width: channels at the finest level.
        levels: of the pyramid of a frame.
        fused: of them, the finest, from which the picture is made.
        motion: channels of the networks that find motion; the last one's serves all coarser levels.
    """

    width: int = 64
    levels: int = 7
    fused: int = 5
    motion: tuple[int, ...] = (32, 64, 128, 256)

    def features(self, level: int) -> int:
        """Channels of a level of the pyramid."""
        return sum(self.width << i for i in range(min(level + 1, len(self.motion))))

    def to_dict(self) -> dict[str, Any]:
        """As a weight file's header keeps it."""
        return asdict(self)

    @staticmethod
    def from_dict(values: Mapping[str, Any]) -> FilmConfig:
        """What `to_dict` gave, also after a journey through JSON.

        Raises:
            ModelError: a name is unknown.
        """
        extra = sorted(set(values) - {f.name for f in fields(FilmConfig)})
        if extra:
            raise ModelError(f"the configuration {dict(values)} is not one of FILM (unknown: {extra}).")
        return FilmConfig(**as_arguments(values))


@dataclass(slots=True)
class Pyramid:
    """A frame at all sizes, and its features; finest first.

    Attributes:
        images: [B, 3, H / 2ⁱ, W / 2ⁱ].
        features: [B, C, H / 2ⁱ, W / 2ⁱ]; None where they are computed when they are asked for.
        compute: gives a box of the features of a level.
    """

    images: list[Tensor]
    features: list[Tensor | None]
    compute: Callable[[list[Tensor], int, Box], Tensor]

    def at(self, level: int, box: Box) -> Tensor:
        """A box of the features of a level."""
        kept = self.features[level]
        return self.compute(self.images, level, box) if kept is None else box.crop(kept)

    def look_up(self, level: int, place: Tensor) -> Tensor:
        """Features at places [B, 2, h, w], pixels of the level."""
        kept = self.features[level]
        if kept is not None:
            return sample(kept, place)
        height, width = self.images[level].shape[2:]
        x, y = place[:, 0].clamp(0, width - 1), place[:, 1].clamp(0, height - 1)
        left, top = int(x.min()), int(y.min())
        right, bottom = min(int(x.max()) + 2, width), min(int(y.max()) + 2, height)
        h, w = place.shape[2:]
        if (right - left) * (bottom - top) > max(2 * h * w, 2**16) and h * w > 1:
            across = 2 if h > w else 3
            halves = place.tensor_split(2, across)
            return torch.cat([self.look_up(level, half) for half in halves], across)
        return sample(self.at(level, Box(top, left, bottom, right)), torch.stack([x - left, y - top], 1))


@dataclass(slots=True)
class Flows:
    """At each fused level, finest first, [B, 2, h, w] in its pixels: 0→1 on frame 0's grid, and 1→0."""

    forward: list[Tensor]
    backward: list[Tensor]


def _conv(inputs: int, outputs: int, size: int = 3) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, size, padding=size // 2)


def _rectifier() -> nn.Module:
    return nn.LeakyReLU(0.2, inplace=True)


class Estimator(nn.Module):
    """Corrects flow at one level."""

    ACROSS = 3

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        widths = [inputs, *(width,) * self.ACROSS, width // 2]
        sizes = (*(3,) * self.ACROSS, 1)
        layers: list[nn.Module] = []
        for before, after, size in zip(widths[:-1], widths[1:], sizes, strict=True):
            layers += [_conv(before, after, size), _rectifier()]
        self.layers = nn.Sequential(*layers, _conv(width // 2, 2, 1))

    def forward(self, seen: Tensor) -> Tensor:
        """[B, features of both, h, w] → [B, 2, h, w]."""
        flow: Tensor = self.layers(seen)
        return flow


class Fuse(nn.Module):
    """Makes one level's part of the picture from the coarser one's and the aligned keys."""

    ACROSS = 2

    def __init__(self, coarse: int, aligned: int, width: int) -> None:
        super().__init__()
        self.enlarge = nn.Conv2d(coarse, width, 2)
        self.mix = nn.Sequential(
            _conv(aligned + width, width), _rectifier(), _conv(width, width), _rectifier()
        )

    def enlarged(self, coarse: Tensor) -> Tensor:
        """[B, coarse, h, w] → [B, width, 2h, 2w]: each pixel repeated twice both ways, then convolved 2×2.

        Inside a repeated pixel, a tap falls on the same pixel or on the next one; so a position's kernel is
        the sum of the taps that fall on each, and four of them are one convolution at the small size.
        """
        weight = self.enlarge.weight
        kernels = []
        for down in (0, 1):
            for right in (0, 1):
                kernel = weight if down else weight.sum(2, keepdim=True)
                kernel = kernel if right else kernel.sum(3, keepdim=True)
                kernels.append(F.pad(kernel, (0, 1 - right, 0, 1 - down)))
        stacked = torch.stack(kernels, 1).flatten(0, 1)
        bias = self.enlarge.bias
        assert bias is not None
        small = F.conv2d(F.pad(coarse, (0, 1, 0, 1)), stacked, bias.repeat_interleave(4))
        return F.pixel_shuffle(small, 2)

    def forward(self, aligned: Tensor, enlarged: Tensor) -> Tensor:
        """[B, aligned, h, w] and [B, width, h, w] → [B, width, h, w]."""
        made: Tensor = self.mix(torch.cat([aligned, enlarged], 1))
        return made


class FilmNet(nn.Module):
    """FILM."""

    def __init__(self, config: FilmConfig) -> None:
        super().__init__()
        self.config = config
        c, depth = config, len(config.motion)
        widths = [c.width << i for i in range(depth)]
        self.extractor = nn.ModuleList(
            nn.Sequential(_conv(before, width), _rectifier(), _conv(width, width), _rectifier())
            for before, width in zip([3, *widths], widths, strict=False)
        )
        self.estimators = nn.ModuleList(
            Estimator(2 * c.features(level), width) for level, width in enumerate(c.motion)
        )
        aligned = [2 * (3 + c.features(level)) + 4 for level in range(c.fused)]
        made = [c.width << min(level, depth - 1) for level in range(c.fused - 1)] + [aligned[-1]]
        self.fusion = nn.ModuleList(
            Fuse(made[level + 1], aligned[level], made[level]) for level in range(c.fused - 1)
        )
        self.out = nn.Conv2d(c.width, 3, 1)

    @property
    def dtype(self) -> torch.dtype:
        """What the convolutions compute in; flow is always float32."""
        return self.out.weight.dtype

    def extract(self, image: Tensor, side: int | None = None) -> Pyramid:
        """What one frame, [B, 3, H, W], tells; H and W divide by 2 to the levels less one.

        Args:
            image: the frame.
            side: of windows, see `tiles.in_windows`; None: features of all levels are kept.
        """
        c, images = self.config, [image]
        for level in range(1, c.levels):
            images.append(F.avg_pool2d(images[level - 1], 2))
        found = Pyramid(images, [], self._features)
        if side is None:
            found.features = list(self._all_features(images))
            return found
        for level in range(c.levels):

            def draw(box: Box, level: int = level) -> Tensor:
                return self._features(images, level, box)

            passes = level < min(PASSING, c.fused - 1)
            narrow = self.narrowed(side, level)
            found.features.append(None if passes else in_windows(draw, images[level].shape, narrow, 0))
        return found

    def narrowed(self, side: int | None, level: int) -> int | None:
        """Windows of `side` pixels of the picture, in those of a level.

        A level has more channels than the finer one, but not four times as many: what a window of the same
        part of the picture takes never grows.
        """
        return None if side is None else side >> min(level, len(self.config.motion) - 1)

    def _all_features(self, images: list[Tensor]) -> Iterator[Tensor]:
        c = self.config
        parts: list[list[Tensor]] = [[] for _ in range(c.levels)]
        for level in range(c.levels):
            x = images[level].to(self.dtype)
            for depth, stage in enumerate(self.extractor[: c.levels - level]):
                x = stage(F.avg_pool2d(x, 2) if depth else x)
                parts[level + depth].append(x)
        for level in range(c.levels):
            # The answer to the level itself comes first, then those to ever finer ones.
            yield parts[level][0] if level == 0 else torch.cat(parts[level][::-1], 1)
            parts[level].clear()

    def _features(self, images: list[Tensor], level: int, box: Box) -> Tensor:
        """A box of the features of a level, computed from the pictures at this size and at the finer ones."""
        seen = box.grown(EXTRACTION_SEES, *images[level].shape[2:])
        parts = []
        for depth in range(min(level + 1, len(self.extractor))):
            x = seen.scaled(2**depth).crop(images[level - depth]).to(self.dtype)
            for number, stage in enumerate(self.extractor[: depth + 1]):
                x = stage(F.avg_pool2d(x, 2) if number else x)
            parts.append(box.within(seen).crop(x))
        return torch.cat(parts, 1)

    def motion(self, first: Pyramid, second: Pyramid, side: int | None = None) -> Flows:
        """Flow both ways; `side`: of windows, see `tiles.in_windows`."""
        return Flows(self._flow(first, second, side), self._flow(second, first, side))

    def _flow(self, own: Pyramid, other: Pyramid, side: int | None) -> list[Tensor]:
        c, flows = self.config, []
        flow: Tensor | None = None
        for level in reversed(range(c.levels)):
            shape = own.images[level].shape
            estimator = self.estimators[min(level, len(c.motion) - 1)]
            if flow is None:
                all_of_it = Box(0, 0, shape[2], shape[3])
                flow = estimator(torch.cat([p.at(level, all_of_it) for p in (own, other)], 1)).float()
            else:
                flow = F.interpolate(2 * flow, size=shape[2:], mode="bilinear")
                flow = flow + self._correction(estimator, own, other, level, flow, side)
            flows.append(flow)
        return flows[::-1][: c.fused]

    def _correction(
        self, estimator: nn.Module, own: Pyramid, other: Pyramid, level: int, flow: Tensor, side: int | None
    ) -> Tensor:
        def draw(box: Box) -> Tensor:
            seen = torch.cat([own.at(level, box), other.look_up(level, place_of(flow, box))], 1)
            return estimator(seen).float()  # type: ignore[no-any-return]

        channels = 2 * self.config.features(level)
        return in_parts(draw, flow.shape, channels, Estimator.ACROSS, self.narrowed(side, level))

    def draw(
        self, first: Pyramid, second: Pyramid, flows: Flows, t: float | Tensor, side: int | None = None
    ) -> Tensor:
        """The picture at t (or [B, 1, 1, 1] of them), [B, 3, H, W], not clamped.

        `side` is that of windows, see `tiles.in_windows`.
        """
        scene = _Scene(self, first, second, flows, t)
        for level in reversed(range(self.config.fused)):
            shape = (*first.images[level].shape[:1], 0, *first.images[level].shape[2:])
            channels = scene.channels(level)

            def draw(box: Box, level: int = level) -> Tensor:
                made = scene.made(level, box)
                return made if level else self.out(made).float()

            narrow = self.narrowed(side, level)
            if level == 0:
                return in_parts(draw, shape, channels, 0, narrow)
            if side is None or level >= min(PASSING, self.config.fused - 1):
                scene.whole = (level, in_parts(draw, shape, channels, 0, narrow))
        raise AssertionError


class _Scene:
    """Keys, features and flow warped to t, and the picture as far as it is made; any box of any level.

    Attributes:
        whole: the finest level that is made already, and that.
    """

    def __init__(
        self, net: FilmNet, first: Pyramid, second: Pyramid, flows: Flows, t: float | Tensor
    ) -> None:
        self.net, self.keys = net, (first, second)
        # Flow from frame 0 is read as flow to frame 0 from what lies between, and so for frame 1.
        self.sides = ((first, flows.backward, t), (second, flows.forward, 1 - t))
        self.whole: tuple[int, Tensor] | None = None

    def channels(self, level: int) -> int:
        """That are worked on at once."""
        return 2 * (3 + self.net.config.features(level) + 2)

    def aligned(self, level: int, box: Box) -> Tensor:
        """Keys, features and flow at t."""
        parts, flows = [], []
        for pyramid, flow, share in self.sides:
            scaled = flow[level] * share
            place = place_of(scaled, box)
            features = pyramid.look_up(level, place)
            parts += [sample(pyramid.images[level], place).to(features.dtype), features]
            flows.append(box.crop(scaled).to(features.dtype))
        return torch.cat([*parts, *flows], 1)

    def made(self, level: int, box: Box) -> Tensor:
        """The picture's features at a level."""
        if self.whole is not None and self.whole[0] == level:
            return box.crop(self.whole[1])  # type: ignore[no-any-return]
        if level == self.net.config.fused - 1:
            return self.aligned(level, box)
        fuse = self.net.fusion[level]
        assert isinstance(fuse, Fuse)
        seen = box.grown(Fuse.ACROSS, *self.keys[0].images[level].shape[2:])
        coarse = Box(seen.top // 2, seen.left // 2, (seen.bottom + 1) // 2, (seen.right + 1) // 2)
        # A pixel that is repeated looks to its right and below.
        wider = coarse.grown(1, *self.keys[0].images[level + 1].shape[2:])
        wider = Box(coarse.top, coarse.left, wider.bottom, wider.right)
        enlarged = fuse.enlarged(self.made(level + 1, wider))
        enlarged = seen.within(wider.scaled(2)).crop(enlarged)
        return box.within(seen).crop(fuse(self.aligned(level, seen), enlarged))  # type: ignore[no-any-return]


def place_of(flow: Tensor, box: Box) -> Tensor:
    """Where a box of flow [B, 2, H, W] leads, [B, 2, h, w], pixels."""
    part = box.crop(flow)
    corner = torch.tensor([box.left, box.top], device=flow.device, dtype=flow.dtype)[:, None, None]
    return pixel_grid(part) + part + corner  # type: ignore[no-any-return]


def in_parts(
    draw: Callable[[Box], Tensor], shape: Sequence[int], channels: int, across: int, side: int | None
) -> Tensor:
    """Put together [B, C, H, W] from strips of rows, or from windows.

    Args:
        draw: gives a box, of which the `across` outermost pixels may be wrong where the picture goes on.
        shape: [B, …, H, W].
        channels: that `draw` works on at once: decides how many rows a strip has.
        across: how many pixels the convolutions in `draw` look across in all.
        side: of windows; None: strips.
    """
    if side is not None:
        return in_windows(draw, shape, side, across)
    width = shape[-1]
    rows = max(4 * across, 1, STRIP_BYTES // (4 * shape[0] * channels * width))
    return put_together(draw, shape, (rows, width), across)
