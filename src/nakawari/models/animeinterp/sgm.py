"""Segment-guided matching (SGM): coarse flow of cel animation from which colour piece became which.

Flat paint gives optical flow nothing to hold on to, and a hand can cross the picture between two drawings.
But a drawing consists of closed pieces of one paint, and a piece is still that piece in the next drawing.
So each picture is cut into pieces along its contours (`ops.lines`, `ops.trapped_ball`); every piece is
described (`descriptor`), matched with the piece that it is most like and that is most like it in turn
(`matching`), and the flow from a piece to its partner is the way of the whole and a local deformation
(`piecewise`). Where there is no mutual match the flow is zero: a later step must find it.

Two presets. `paper` follows the paper: its layers, constants and equations; small pieces join the neighbour
that is nearest in colour. `official` does what the released code does, to the pixel, because the flows that
were published, and the network that was trained on them, came from it.

Source: Li et al. 2021, "Deep Animation Video Interpolation in the Wild", section 4.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from nakawari.errors import InputError, ShapeError
from nakawari.models.animeinterp.descriptor import Descriptor, PaintDescriptor, VggDescriptor
from nakawari.models.animeinterp.matching import NONE, Partners, Penalties, mutual_matches
from nakawari.models.animeinterp.piecewise import Gates, Pieces, piecewise_flow
from nakawari.nn.vgg import cached, load_vgg19
from nakawari.ops.lines import STYLES, Style, contour_map, contour_style
from nakawari.ops.regions import Bytes, Floats, Labels, describe, join_alike
from nakawari.ops.trapped_ball import Ball, by_area, fill, grow, merge
from nakawari.tensors import Array, check_image, to_bytes

PresetName = Literal["paper", "official"]


SMALL, SLIVER = 1e-4, 1e-3
"""Shares of the picture: up to SMALL is no piece of its own, up to SLIVER only if it differs in colour."""


REMEMBERED = 3
"""Frames whose pieces are kept: in a video each is the end of one pair and the beginning of the next."""


@dataclass(frozen=True, slots=True)
class Preset:
    """All that `paper` and `official` differ in.

    Attributes:
        balls: passes of the trapped ball.
        most_floods: fills at most of the flood after them.
        layers: of VGG-19, put side by side.
        penalties: taken off the affinity.
        gates: None: every mutual match gets flow, by the paper's Eq. 6.
    """

    balls: tuple[Ball, ...]
    most_floods: int
    layers: tuple[str, ...]
    penalties: Penalties
    gates: Gates | None


PRESETS: dict[str, Preset] = {
    "paper": Preset(
        balls=(Ball(3), Ball(2), Ball(1)),
        most_floods=1 << 30,
        layers=("relu1_2", "relu2_2", "relu3_4", "relu4_4"),
        penalties=Penalties(0.15, 0.2, "share", 0.05),
        gates=None,
    ),
    "official": Preset(
        balls=(Ball(3, largest=True, most=1000), Ball(2, most=1000), Ball(1, most=1000)),
        most_floods=20_000,
        layers=("relu1_1", "relu2_1", "relu3_1", "relu4_1"),
        penalties=Penalties(0.14, 0.2, "ratio", 0.05),
        gates=Gates(),
    ),
}


@dataclass(frozen=True, slots=True)
class Segmented:
    """A frame as matching sees it; made once, used with the frame before and the one after.

    Attributes:
        picture: [h, w, 3] RGB, 0-255, at working size.
        size: (H, W) of the frame.
        pieces: its labels, numbered by area from the smallest, and their statistics.
        rows: [K, N], the descriptor of each piece.
    """

    picture: Bytes
    size: tuple[int, int]
    pieces: Pieces
    rows: Floats


@dataclass(frozen=True, slots=True)
class Matched:
    """What SGM found out about a pair.

    Attributes:
        flow01, flow10: [2, h, w] float32, pixels of the working size, which is the frames' own unless
            `most_px` was less; zero where nothing was matched.
        partners01, partners10: [K0], [K1]: the number of each piece's partner, -1 without a mutual match.
        passed01, passed10: [K0], [K1]: which pieces got flow.
        frame0, frame1: the pictures and their pieces.
        descriptor: "vgg19" or "paint": what the pieces were told apart by.
    """

    flow01: Floats
    flow10: Floats
    partners01: Partners
    partners10: Partners
    passed01: npt.NDArray[np.bool_]
    passed10: npt.NDArray[np.bool_]
    frame0: Segmented
    frame1: Segmented
    descriptor: str

    def flows(self) -> tuple[Floats, Floats]:
        """flow01 and flow10 at the frames' own size, [2, H, W], in its pixels; zero stays exactly zero."""
        height, width = self.frame0.size
        h, w = self.flow01.shape[1:]
        if (h, w) == (height, width):
            return self.flow01, self.flow10
        scale = np.array([width / w, height / h], np.float32)[:, None, None]
        rows, columns = (np.arange(height) * h // height, np.arange(width) * w // width)
        one, other = (flow[:, rows[:, None], columns] * scale for flow in (self.flow01, self.flow10))
        return one, other

    def summary(self) -> str:
        """One line: pieces, matches, the share of the picture that got flow, and the descriptor."""
        share = [float((flow != 0).any(0).mean()) for flow in (self.flow01, self.flow10)]
        return (
            f"{len(self.partners01)} and {len(self.partners10)} pieces, {int((self.partners01 >= 0).sum())} "
            f"mutual matches, flow on {share[0]:.0%} and {share[1]:.0%}, descriptor {self.descriptor}"
        )


class SegmentGuidedMatching:
    """Coarse flow both ways between two frames.

    Args:
        preset: "official" or "paper".
        contours: thresholds of the contours: "anime", "cartoon", or "auto" (estimated from each frame).
        vgg: torchvision's VGG-19 file; "auto": the one that torch has downloaded, the weight-free descriptor
            where there is none; None: the weight-free descriptor. `descriptor.name` says which it is.
        most_px: frames with more pixels are reduced to as many before they are cut, and their flow is
            enlarged again. None: never. The released code works at 960×540.

    Raises:
        InputError: an unknown preset or style of contours, or `most_px` below 1.
        ModelError: the file is absent or does not fit.
    """

    def __init__(
        self,
        preset: PresetName = "official",
        contours: Style = "auto",
        vgg: str | Path | None = "auto",
        most_px: int | None = None,
    ) -> None:
        if preset not in PRESETS:
            raise InputError(f"preset is {preset!r}; wanted one of {', '.join(PRESETS)}.")
        if contours not in (*STYLES, "auto"):
            raise InputError(f"contours is {contours!r}; wanted one of {', '.join((*STYLES, 'auto'))}.")
        if most_px is not None and most_px < 1:
            raise InputError(f"most_px is {most_px}; wanted at least 1.")
        self.preset, self.contours, self.most_px = preset, contours, most_px
        self._rules = PRESETS[preset]
        path = cached() if vgg == "auto" else vgg
        self._recent: dict[bytes, Segmented] = {}
        self.descriptor: Descriptor = PaintDescriptor()
        if path is not None:
            net = load_vgg19(path, last=self._rules.layers[-1])
            self.descriptor = VggDescriptor(net, self._rules.layers, official=preset == "official")

    def __call__(self, frame0: Array | Tensor, frame1: Array | Tensor) -> tuple[Tensor, Tensor]:
        """flow01 and flow10, pixels, zero where nothing was matched.

        Args:
            frame0, frame1: frames (H×W×3 or H×W×4 arrays), which give [2, H, W]; or images [B, 3, H, W]
                in [0, 1], which give [B, 2, H, W] on their device.

        Raises:
            ShapeError: the frames are of another kind, or differ in size.
        """
        if isinstance(frame0, Tensor) and isinstance(frame1, Tensor):
            return stacked(self.pairs(frame0, frame1), frame0.device)
        flow01, flow10 = self.guide(frame0, frame1).flows()
        return torch.from_numpy(flow01), torch.from_numpy(flow10)

    def pairs(self, frame0: Tensor, frame1: Tensor) -> list[Matched]:
        """Everything about each pair of two batches of images [B, 3, H, W] in [0, 1].

        Raises:
            ShapeError: they are of another kind, or differ in size.
        """
        check_image(frame0, "frame0", channels=3)
        check_image(frame1, "frame1", channels=3)
        if frame0.shape != frame1.shape:
            raise ShapeError(f"frame1 is {list(frame1.shape)}; wanted {list(frame0.shape)} as frame0 is.")
        return [self.guide(one, other) for one, other in zip(frame0, frame1, strict=True)]

    def guide(self, frame0: Array | Tensor, frame1: Array | Tensor) -> Matched:
        """Everything about a pair; frames as `segment` takes them."""
        with ThreadPoolExecutor(min(2, torch.get_num_threads())) as pool:
            segmented = list(pool.map(self.segment, (frame0, frame1)))
        return self.match(*segmented)

    def segment(self, frame: Array | Tensor) -> Segmented:
        """Cut a frame into pieces and describe them; the last few frames are remembered.

        Args:
            frame: H×W×3 or H×W×4 array, or [3, H, W] in [0, 1].
        """
        picture = _as_bytes(frame)
        size = (picture.shape[0], picture.shape[1])
        key = blake2b(picture.tobytes(), digest_size=16).digest() + bytes(str(size), "ascii")
        known = self._recent.get(key)
        if known is not None:
            return known
        picture = _reduced(picture, self.most_px)
        labels = self._cut(picture)
        regions = describe(picture, labels, int(labels.max()) + 1)
        grey = np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.uint8)
        rows = self.descriptor(picture, labels, regions)
        segmented = Segmented(picture, size, Pieces(grey, labels, regions), rows)
        self._recent = dict([*self._recent.items(), (key, segmented)][-REMEMBERED:])
        return segmented

    def match(self, frame0: Segmented, frame1: Segmented) -> Matched:
        """Match the pieces of two frames, and make flow of it.

        Raises:
            ShapeError: they differ in size.
        """
        one, other = frame0.pieces, frame1.pieces
        if frame0.size != frame1.size:
            raise ShapeError(f"frame1 is {list(frame1.size)}; wanted {list(frame0.size)} as frame0 is.")
        size = (one.labels.shape[0], one.labels.shape[1])
        partners01, partners10 = mutual_matches(
            frame0.rows, frame1.rows, one.regions, other.regions, size, self._rules.penalties
        )
        flow01, passed01 = piecewise_flow(one, other, partners01, self._rules.gates)
        flow10, passed10 = piecewise_flow(other, one, partners10, self._rules.gates)
        return Matched(
            flow01, flow10, partners01, partners10, passed01, passed10, frame0, frame1, self.descriptor.name
        )

    def _cut(self, picture: Bytes) -> Labels:
        line = contour_map(picture, contour_style(picture, self.contours))
        labels = fill(~line, self._rules.balls, self._rules.most_floods)
        if self.preset == "official":
            labels = merge(labels, picture)
        else:
            labels = join_alike(labels, picture, SMALL * line.size, SLIVER * line.size)
        return by_area(grow(labels))


def stacked(found: Sequence[Matched], device: torch.device) -> tuple[Tensor, Tensor]:
    """flow01 and flow10 of pairs as batches, [B, 2, H, W], pixels of the frames."""
    forth, back = zip(*(one.flows() for one in found), strict=True)
    return torch.from_numpy(np.stack(forth)).to(device), torch.from_numpy(np.stack(back)).to(device)


def _reduced(picture: Bytes, most_px: int | None) -> Bytes:
    height, width = picture.shape[:2]
    if most_px is None or height * width <= most_px:
        return picture
    scale = (most_px / (height * width)) ** 0.5
    size = max(1, int(width * scale)), max(1, int(height * scale))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def _as_bytes(frame: Array | Tensor) -> Bytes:
    """H×W×3, 0-255, of a frame or of one image; what has alpha is seen over middle grey."""
    if isinstance(frame, Tensor):
        if frame.ndim != 3 or frame.shape[0] != 3:
            raise ShapeError(f"frame is {list(frame.shape)}; wanted [3, H, W].")
        frame = frame.detach().float().cpu().permute(1, 2, 0).numpy()
    return to_bytes(frame)


__all__ = ["NONE", "PRESETS", "Matched", "SegmentGuidedMatching", "Segmented"]
