"""Vimeo-90K: triplets and septuplets of films.

    vimeo_triplet/sequences/00001/0001/im1.png, im2.png, im3.png           448×256
    vimeo_triplet/tri_trainlist.txt, tri_testlist.txt                      00001/0001 a line
    vimeo_septuplet/sequences/00001/0001/im1.png … im7.png                 sep_trainlist.txt, sep_testlist.txt

Source: Xue et al. 2019, "Video Enhancement with Task-Oriented Flow".
"""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np

from nakawari.data.sample import Sample
from nakawari.data.sets.files import read_list
from nakawari.data.sets.options import Options, PublishedSet, frames_at
from nakawari.errors import InputError, MediaError

SEPTUPLET = 7


def _sequences(folder: str, options: Options, prefix: str, frames: int) -> list[Path]:
    """Folders of the sequences that the lists name."""
    root = Path(folder)
    if not root.is_dir():
        raise MediaError(f"there is no folder {root}; wanted sequences and {prefix}_trainlist.txt in it.")
    lists = {"train": ["train"], "held-out": ["test"], "all": ["train", "test"]}[options.split]
    names = [name for part in lists for name in read_list(root / f"{prefix}_{part}list.txt")]
    found = [root / "sequences" / name for name in names]
    last = found[0] / f"im{frames}.png"
    if options.early and not last.is_file():
        raise MediaError(f"{last} is missing, though {prefix}_{lists[0]}list.txt names it.")
    return found


class VimeoTriplets(PublishedSet):
    """Three frames each, the second midway.

    Raises:
        MediaError: a list is missing, or what it names first.
    """

    def __init__(self, folder: str, options: Options) -> None:
        self.options = options
        self.sequences = _sequences(folder, options, "tri", 3)

    def __len__(self) -> int:
        return len(self.sequences)

    def read(self, number: int, rng: np.random.Generator) -> Sample:
        """Item `number`."""
        place = self.sequences[number]
        return frames_at([place / f"im{frame}.png" for frame in (1, 2, 3)], 0.5, self.options.resize)


class VimeoSeptuplets(PublishedSet):
    """Seven frames each, of which any three in order are taken: t is any of eleven fractions.

    Raises:
        MediaError: a list is missing, or what it names first.
        InputError: no three of seven frames have the wanted t.
    """

    def __init__(self, folder: str, options: Options) -> None:
        self.options = options
        self.choices = [
            (first, middle, last)
            for first, middle, last in combinations(range(SEPTUPLET), 3)
            if not options.t or abs((middle - first) / (last - first) - options.t) < 1e-3
        ]
        if not self.choices:
            raise InputError(f"t is {options.t}; seven frames have n/m with m up to 6, such as 0.5.")
        self.sequences = _sequences(folder, options, "sep", SEPTUPLET)

    def __len__(self) -> int:
        return len(self.sequences)

    def pictures(self, number: int) -> list[Path]:
        """The seven frames."""
        return [self.sequences[number] / f"im{frame}.png" for frame in range(1, SEPTUPLET + 1)]

    def read(self, number: int, rng: np.random.Generator) -> Sample:
        """Three frames of item `number`."""
        first, middle, last = self.choices[int(rng.integers(len(self.choices)))]
        pictures = self.pictures(number)
        paths = [pictures[first], pictures[middle], pictures[last]]
        return frames_at(paths, (middle - first) / (last - first), self.options.resize)
