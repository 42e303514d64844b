"""Where samples come from: a table `[[data.sources]]` → item i, from its number alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

from nakawari.data.cartoon import draw
from nakawari.data.lottie import LottieStream
from nakawari.data.photo import PhotoStream
from nakawari.data.sample import Sample
from nakawari.data.sets import FLOW_SETS, SETS, PartOfSet, SetStream, open_set
from nakawari.data.sets.options import Options, Passes, Split
from nakawari.data.shards import ShardStream
from nakawari.errors import InputError

Kind = Literal[
    "cartoon", "photo", "lottie", "shards",
    "atd12k", "vimeo90k-triplet", "vimeo90k-septuplet", "qvi960", "chairs", "things", "sintel",
]  # fmt: skip
_ONE_T = {"atd12k": 0.5, "vimeo90k-triplet": 0.5, **dict.fromkeys(FLOW_SETS, 1.0)}


@dataclass(frozen=True, slots=True)
class SourceConfig:
    """One source of triplets.

    Attributes:
        kind: "cartoon" draws scenes as they are asked for, "photo" photo-like ones, "lottie" lays vector
            animations over backdrops (the motion of these two is not known); "shards" reads samples that were
            made before; the rest are published sets in their own layouts (`nakawari.data.sets`). Those of
            flow have nothing between two frames: t is 1, and framet is frame 1.
        folder: of shards, or of a published set.
        archive: lottie.zip, for "lottie".
        weight: how often it is chosen, against the others.
        canvas: (height, width) that scenes are drawn on; crops are cut from it.
        t: the time of the middle frame of a drawn scene, of a septuplet or of QVI-960; 0: any, drawn from
            the seed.
        split: of a published set, "train" is all but what is kept for measuring, "all" is all of it (then
            data.held_out is 0, for nothing is left to hold out).
        validation: share of what a published set has for training, its end, that is kept back and evaluated
            on in place of the part for measuring: a run that stops early must not choose by that.
        resize: (height, width) to which frames of a published set without flow are brought before crops.
        passes: which renderings of Things and Sintel.
        guides: folder of ATD-12K's coarse flow, GUIDES/NAME, where data.known names guide01; empty: where it
            was published, or beside the frames.
    """

    kind: Kind = "cartoon"
    folder: str = ""
    archive: str = ""
    weight: float = 1.0
    canvas: tuple[int, int] = (384, 384)
    t: float = 0.0
    split: Literal["train", "all"] = "train"
    validation: float = 0.0
    resize: tuple[int, int] | None = None
    passes: Passes = "both"
    guides: str = ""

    @property
    def drawn(self) -> bool:
        """Whether items are drawn on `canvas`, rather than read in whatever size they have."""
        return self.kind in ("cartoon", "photo", "lottie")

    def check(self, crop: tuple[int, int] | None, held_out: int) -> None:
        """Raise InputError where something is missing, does not fit, or would do nothing."""
        name = f"data.sources of kind {self.kind}"
        if self.drawn:
            if self.kind == "lottie" and not self.archive:
                raise InputError(f"{name} want an archive.")
            if crop is not None and (crop[0] > self.canvas[0] or crop[1] > self.canvas[1]):
                raise InputError(f"data.augment.crop {crop} is larger than a canvas {self.canvas}.")
        elif not self.folder or crop is None:
            raise InputError(f"{name} want a folder, and data.augment.crop.")
        if not 0 <= self.t < 1:
            raise InputError(f"data.sources t is {self.t}; wanted 0 < t < 1, or 0 for any.")
        if self.t and self.t != _ONE_T.get(self.kind, self.t):
            raise InputError(f"{name} have t {_ONE_T[self.kind]:g} alone; leave t out.")
        if self.resize is not None and (self.kind not in SETS or self.kind in FLOW_SETS):
            raise InputError(f"{name} are not resized; leave resize out.")
        if self.guides and self.kind != "atd12k":
            raise InputError(f"{name} have no guides; leave guides out.")
        if not 0 <= self.validation < 1:
            raise InputError(f"data.sources validation is {self.validation}; wanted 0 <= validation < 1.")
        if self.validation and (self.kind not in SETS or self.split == "all"):
            raise InputError(f"{name} keep no validation back; it is for published sets of split 'train'.")
        if self.split == "all" and held_out:
            raise InputError(f"{name} with split 'all' leave nothing to hold out; set data.held_out to 0.")

    def items(self, seed: int, held_out: bool, guided: bool) -> Callable[[int], Sample]:
        """Item i, whole.

        Args:
            seed: of the stream.
            held_out: of animations and published sets, what is kept for measuring. (Scenes differ by seed.)
            guided: whether triplets of animation are read with their coarse flow.
        """
        if self.kind == "shards":
            return ShardStream(self.folder, seed).__getitem__
        if self.kind == "lottie":
            return LottieStream(self.archive, seed, self.canvas, held_out=held_out).__getitem__
        if self.kind == "photo":
            return PhotoStream(seed, self.canvas, self.t or None).__getitem__
        if self.kind == "cartoon":
            return partial(_scene, seed, self.canvas, self.t or None)
        split: Split = "held-out" if held_out and not self.validation else self.split
        t = 0.0 if self.kind in _ONE_T else self.t
        options = Options(split, t, self.resize, self.passes, guided, self.guides)
        items = open_set(self.kind, self.folder, options)
        if self.validation:
            items = PartOfSet(items, self.validation, last=held_out)
        return SetStream(items, seed).__getitem__


def _scene(seed: int, canvas: tuple[int, int], t: float | None, index: int) -> Sample:
    return draw(seed, index, canvas, t)
