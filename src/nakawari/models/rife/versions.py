"""How the releases of RIFE differ: one row of numbers each. Free of torch, so that CATALOG can list them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal

from nakawari.checkpoints import as_arguments
from nakawari.errors import ModelError

Body = Literal["once", "pairs", "plain", "residual"]
Tail = Literal["deconv", "shuffle", "twins"]


@dataclass(frozen=True, slots=True)
class RifeConfig:
    """What one release computes.

    Attributes:
        widths: channels of each block, coarsest first.
        scales: by how much the picture is shrunk for each block.
        body: eight convolutions with a shortcut around all ("once"), around each two ("pairs"), around none
            ("plain"), or around each, gated ("residual").
        tail: how a block speaks: at half size ("deconv"), at full size by pixel shuffle ("shuffle"), or from
            two heads for flow and mask ("twins").
        prelu: learned rectifiers; else leaky ones of 0.2.
        channels: what a tail says: 4 of flow, 1 of mask, and spare ones.
        recycles: the spare channels are handed to the next block.
        groups: of the convolutions in the body.
        encoder: features of a frame beside its colours: hidden channels, channels, convolutions between.
        timed: blocks are told t; else there is only ½.
        keeps_keys: later blocks see the keys themselves beside the warped ones.
        starts_still: the first block is given flow and mask too, all zero.
        mirrored: every block is asked a second time with the frames swapped, and the answers are averaged.
        mask: blocks correct the mask ("added") or replace it ("replaced").
        grows: where the second block wants more than 32 px, all is begun again at double scale.
        context: channels of the network that refines the merged picture; 0: there is none.
        stride: of the first convolution in each block and of the refinement; 1 works at double resolution.
        ensemble: `mirrored` can be asked for.
        teacher: channels of the block that is shown the truth while training; 0: there is none, as in files
            that are only drawn with.
    """

    widths: tuple[int, ...]
    scales: tuple[int, ...]
    body: Body
    tail: Tail
    prelu: bool
    channels: int = 5
    recycles: bool = False
    groups: int = 1
    encoder: tuple[int, int, int] | None = None
    timed: bool = True
    keeps_keys: bool = False
    starts_still: bool = False
    mirrored: bool = False
    mask: Literal["added", "replaced"] = "added"
    grows: bool = False
    context: int = 0
    stride: int = 2
    ensemble: bool = False
    teacher: int = 0

    @property
    def multiple(self) -> int:
        """What height and width must divide by."""
        return max(32, 4 * max(self.scales))

    @property
    def spread(self) -> int:
        """By how much a block's answer is smaller than its question."""
        return 2 if self.tail == "deconv" and self.stride == 2 else 1

    @property
    def features(self) -> int:
        """Channels that the encoder adds to a frame."""
        return 0 if self.encoder is None else self.encoder[1]

    def inputs(self, block: int) -> int:
        """Channels that a block is asked with."""
        keys = 2 * (3 + self.features)
        if block == 0 and not self.starts_still:
            return keys + self.timed
        recycled = self.channels - 5 if self.recycles else 0
        return keys * (1 + self.keeps_keys) + self.timed + 1 + recycled + 4

    def to_dict(self) -> dict[str, Any]:
        """As a weight file's header keeps it."""
        return asdict(self)

    @staticmethod
    def from_dict(values: Mapping[str, Any]) -> RifeConfig:
        """What `to_dict` gave, also after a journey through JSON.

        Raises:
            ModelError: a name is unknown or missing.
        """
        known = {f.name for f in fields(RifeConfig)}
        extra = sorted(set(values) - known)
        plain = as_arguments(values)
        if extra or not {"widths", "scales", "body", "tail", "prelu"} <= set(plain):
            raise ModelError(f"the configuration {dict(values)} is not one of RIFE (unknown: {extra}).")
        return RifeConfig(**plain)


PAPER = RifeConfig(
    widths=(240, 150, 90),
    scales=(4, 2, 1),
    body="once",
    tail="deconv",
    prelu=True,
    timed=False,
    keeps_keys=True,
    context=16,
)
HD3 = RifeConfig(
    widths=(90, 90, 90),
    scales=(4, 2, 1),
    body="pairs",
    tail="twins",
    prelu=True,
    timed=False,
    starts_still=True,
    mirrored=True,
)
V4_0 = RifeConfig(
    widths=(192, 128, 96, 64),
    scales=(8, 4, 2, 1),
    body="once",
    tail="deconv",
    prelu=True,
    grows=True,
    ensemble=True,
)
V4_2 = replace(V4_0, body="plain", prelu=False, grows=False)
V4_5 = replace(V4_2, body="residual", tail="shuffle")
V4_6 = replace(V4_5, channels=6)
V4_7 = replace(V4_6, encoder=(16, 4, 0), mask="replaced")
V4_10 = replace(V4_7, encoder=(32, 8, 2))
V4_12_LITE = replace(V4_10, widths=(128, 96, 64, 48), encoder=(32, 4, 2))
V4_14_LITE = replace(V4_10, groups=2)
V4_15_LITE = replace(V4_12_LITE, encoder=(16, 4, 2))
V4_20 = replace(V4_10, widths=(384, 192, 96, 48))
V4_21 = replace(V4_10, widths=(256, 192, 96, 48), channels=13, recycles=True, ensemble=False)
V4_22_LITE = replace(V4_21, widths=(192, 128, 64, 32), encoder=(16, 4, 2))
V4_25 = replace(V4_22_LITE, widths=(192, 128, 96, 64, 32), scales=(16, 8, 4, 2, 1))
V4_25_LITE = replace(V4_25, widths=(192, 128, 96, 64, 24), scales=(32, 16, 8, 4, 1))
V4_25_HEAVY = replace(V4_25, widths=(384, 256, 192, 128, 64))
V4_26_HEAVY = replace(V4_25, encoder=(16, 16, 2))

VERSIONS: dict[str, RifeConfig] = {
    "rife": PAPER,
    "rife-m": replace(PAPER, timed=True),
    "rife-2r": replace(PAPER, stride=1),
    "rife-hd3": HD3,
    "rife-4.0": V4_0,
    "rife-4.1": V4_0,
    "rife-4.2": V4_2,
    "rife-4.3": V4_2,
    "rife-4.4": V4_2,
    "rife-4.5": V4_5,
    "rife-4.6": V4_6,
    "rife-4.7": V4_7,
    "rife-4.8": V4_7,
    "rife-4.9": V4_7,
    "rife-4.10": V4_10,
    "rife-4.11": V4_10,
    "rife-4.12": V4_10,
    "rife-4.12-lite": V4_12_LITE,
    "rife-4.13": V4_10,
    "rife-4.13-lite": V4_12_LITE,
    "rife-4.14": V4_10,
    "rife-4.14-lite": V4_14_LITE,
    "rife-4.15": V4_10,
    "rife-4.15-lite": V4_15_LITE,
    "rife-4.16-lite": V4_15_LITE,
    "rife-4.17": V4_10,
    "rife-4.17-lite": V4_15_LITE,
    "rife-4.18": V4_10,
    "rife-4.19": V4_10,
    "rife-4.20": V4_20,
    "rife-4.21": V4_21,
    "rife-4.22": V4_21,
    "rife-4.22-lite": V4_22_LITE,
    "rife-4.23": V4_21,
    "rife-4.24": V4_10,
    "rife-4.25": V4_25,
    "rife-4.25-lite": V4_25_LITE,
    "rife-4.25-heavy": V4_25_HEAVY,
    "rife-4.26": V4_25,
    "rife-4.26-heavy": V4_26_HEAVY,
}
