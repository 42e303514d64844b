"""QVI-960: clips of film at 960 frames a second, of which every eighth frame is a key.

    CLIP/frame0.jpg, frame1.jpg, framet1.jpg … framet7.jpg, frame2.jpg, frame3.jpg

framet1 to framet7 lie between frame1 and frame2; frame0 and frame3 are for methods that look further.
No part of it was set aside: of the clips in order of their names, the last twentieth is held out.

Source: Xu et al. 2019, "Quadratic Video Interpolation", and the reader of its released code.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from nakawari.data.sample import Sample
from nakawari.data.sets.files import folders
from nakawari.data.sets.options import Options, PublishedSet, frames_at
from nakawari.errors import InputError, MediaError

BETWEEN = 7
_ONE_IN = 20


class Qvi960(PublishedSet):
    """Keys frame1 and frame2 and one of the seven between.

    Raises:
        MediaError: there are no clips, or the first lacks a frame.
        InputError: t is no eighth.
    """

    def __init__(self, folder: str, options: Options) -> None:
        self.options = options
        if options.t and abs(options.t * 8 - round(options.t * 8)) > 1e-3:
            raise InputError(f"t is {options.t}; QVI-960 has eighths, such as 0.5.")
        clips = folders(Path(folder), "CLIP/frame1.jpg, framet1.jpg to framet7.jpg, frame2.jpg in it")
        train = len(clips) - max(1, len(clips) // _ONE_IN)
        parts = {"train": clips[:train], "held-out": clips[train:], "all": clips}
        self.clips = parts[options.split]
        if not self.clips:
            raise MediaError(f"{folder} has one clip, which is held out; wanted more, or split all.")
        missing = [path for path in self.pictures(0) if not path.is_file()]
        if options.early and missing:
            raise MediaError(f"{missing[0]} is missing; is the set whole?")

    def __len__(self) -> int:
        return len(self.clips)

    def pictures(self, number: int) -> list[Path]:
        """Frame 1, the seven between, frame 2."""
        names = ("frame1", *(f"framet{k}" for k in range(1, BETWEEN + 1)), "frame2")
        return [self.clips[number] / f"{name}.jpg" for name in names]

    def read(self, number: int, rng: np.random.Generator) -> Sample:
        """Three frames of clip `number`."""
        eighth = round(self.options.t * 8) or int(rng.integers(1, BETWEEN + 1))
        pictures = self.pictures(number)
        return frames_at([pictures[0], pictures[eighth], pictures[-1]], eighth / 8, self.options.resize)
