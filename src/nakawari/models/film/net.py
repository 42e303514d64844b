"""The network of FILM, in as little memory as it can be computed in.

    extract    a pyramid of features of one frame: at each level, the same small network's answers to
               this level and to the three finer ones, so that level 3 and all coarser ones mean the same
    motion     flow both ways, coarse to fine; a level corrects what the coarser one found
    fuse       keys, features and flow, warped to t, become the picture, coarse to fine

The fine levels are most of the memory, and nobody has to see them whole: they are warped, concatenated and
convolved in strips of rows, with as many rows more as the convolutions look across. That is exact. Where
the paper enlarges by repetition and then convolves 2×2, the four positions inside a repeated pixel are four
convolutions of the small map.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nakawari.errors import ModelError
from nakawari.ops.warp import pixel_grid, sample

STRIP_BYTES = 48 * 2**20
"""A strip's concatenated input takes about so much."""


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
        plain: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
        return FilmConfig(**plain)


@dataclass(slots=True)
class Pyramid:
    """A frame at `fused` sizes with its features, and features alone at the coarser ones; finest first.

    Attributes:
        images: [B, 3, H / 2ⁱ, W / 2ⁱ].
        features: [B, C, H / 2ⁱ, W / 2ⁱ].
    """

    images: list[Tensor]
    features: list[Tensor]


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

    def extract(self, image: Tensor) -> Pyramid:
        """What one frame, [B, 3, H, W], tells; H and W divide by 2 to the levels less one."""
        c, images = self.config, [image]
        parts: list[list[Tensor]] = [[] for _ in range(c.levels)]
        for level in range(c.levels):
            x = images[level].to(self.dtype)
            for depth, stage in enumerate(self.extractor[: c.levels - level]):
                x = stage(F.avg_pool2d(x, 2) if depth else x)
                parts[level + depth].append(x)
            if level + 1 < c.levels:
                images.append(F.avg_pool2d(images[level], 2))
        features = []
        for level in range(c.levels):
            # The answer to the level itself comes first, then those to ever finer ones.
            features.append(parts[level][0] if level == 0 else torch.cat(parts[level][::-1], 1))
            parts[level].clear()
        return Pyramid(images[: c.fused], features)

    def motion(self, first: Pyramid, second: Pyramid) -> Flows:
        """Flow both ways."""
        return Flows(self._flow(first, second), self._flow(second, first))

    def _flow(self, own: Pyramid, other: Pyramid) -> list[Tensor]:
        c, flows = self.config, []
        flow: Tensor | None = None
        for level in reversed(range(c.levels)):
            near, far = own.features[level], other.features[level]
            estimator = self.estimators[min(level, len(c.motion) - 1)]
            if flow is None:
                flow = estimator(torch.cat([near, far], 1)).float()
            else:
                flow = F.interpolate(2 * flow, size=near.shape[2:], mode="bilinear")
                flow = flow + self._correction(estimator, near, far, flow)
            flows.append(flow)
        return flows[::-1][: c.fused]

    @staticmethod
    def _correction(estimator: nn.Module, near: Tensor, far: Tensor, flow: Tensor) -> Tensor:
        place = pixel_grid(flow) + flow

        def strip(rows: slice) -> Tensor:
            warped = sample(far, place[:, :, rows])
            return estimator(torch.cat([near[:, :, rows], warped], 1)).float()  # type: ignore[no-any-return]

        return in_strips(strip, near.shape, 2 * near.shape[1], Estimator.ACROSS)

    def draw(self, first: Pyramid, second: Pyramid, flows: Flows, t: float | Tensor) -> Tensor:
        """The picture at t (or [B, 1, 1, 1] of them), [B, 3, H, W], not clamped."""
        top = self.config.fused - 1
        made = _Aligned(first, second, flows, top, t)(slice(None))
        for level in reversed(range(top)):
            fuse = self.fusion[level]
            assert isinstance(fuse, Fuse)
            aligned, enlarged = _Aligned(first, second, flows, level, t), fuse.enlarged(made)
            last = level == 0

            def strip(
                rows: slice,
                fuse: Fuse = fuse,
                aligned: _Aligned = aligned,
                enlarged: Tensor = enlarged,
                last: bool = last,
            ) -> Tensor:
                part = fuse(aligned(rows), enlarged[:, :, rows])
                return self.out(part).float() if last else part  # type: ignore[no-any-return]

            made = in_strips(strip, enlarged.shape, aligned.channels + enlarged.shape[1], Fuse.ACROSS)
        return made


class _Aligned:
    """Keys, features and flow of one level, warped to t, a strip of rows at a time."""

    def __init__(self, first: Pyramid, second: Pyramid, flows: Flows, level: int, t: float | Tensor) -> None:
        self.sides = [(p.images[level], p.features[level]) for p in (first, second)]
        self.channels = 2 * (3 + first.features[level].shape[1] + 2)
        # Flow from frame 0 is read as flow to frame 0 from what lies between, and so for frame 1.
        self.flows = (flows.backward[level] * t, flows.forward[level] * (1 - t))

    def __call__(self, rows: slice) -> Tensor:
        parts = []
        for (image, features), flow in zip(self.sides, self.flows, strict=True):
            place = (pixel_grid(flow) + flow)[:, :, rows]
            parts += [sample(image, place).to(features.dtype), sample(features, place)]
        return torch.cat([*parts, *(flow[:, :, rows].to(parts[1].dtype) for flow in self.flows)], 1)


def in_strips(draw: Callable[[slice], Tensor], shape: torch.Size, channels: int, across: int) -> Tensor:
    """Put together [B, C, H, W] from strips of rows.

    Args:
        draw: gives the named rows, of which the `across` outermost may be wrong where the picture goes on.
        shape: [B, …, H, W].
        channels: that `draw` works on at once: decides how many rows a strip has.
        across: how many rows the convolutions in `draw` look across in all.
    """
    batch, _, height, width = shape
    rows = max(4 * across, STRIP_BYTES // (4 * batch * channels * width))
    whole: Tensor | None = None
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        above, below = max(0, top - across), min(height, bottom + across)
        part = draw(slice(above, below))[:, :, top - above : bottom - above]
        if whole is None:
            if bottom == height:
                return part
            whole = part.new_empty(batch, part.shape[1], height, width)
        whole[:, :, top:bottom] = part
    assert whole is not None
    return whole
