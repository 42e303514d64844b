"""FlyingChairs: pairs of pictures with flow.

    data/00001_img1.ppm, 00001_img2.ppm, 00001_flow.flo … 22872          512×384
    FlyingChairs_train_val.txt                                           1 (train) or 2 (validation) a line

The list is published beside the archive; other projects keep it as chairs_split.txt.

Source: Dosovitskiy et al. 2015, "FlowNet".
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from nakawari.data.sample import Sample
from nakawari.data.sets.files import read_flow, read_list
from nakawari.data.sets.options import Options, PublishedSet, pair_of
from nakawari.errors import MediaError

LISTS = ("FlyingChairs_train_val.txt", "chairs_split.txt")
_CODES = {"train": {"1"}, "held-out": {"2"}, "all": {"1", "2"}}


class FlyingChairs(PublishedSet):
    """Frame 0, frame 1 and flow01.

    Raises:
        MediaError: the list or the data are missing, or do not fit each other.
    """

    def __init__(self, folder: str, options: Options) -> None:
        root = Path(folder)
        self.data = root / "data"
        if not self.data.is_dir():
            raise MediaError(f"there is no folder {self.data}; wanted 00001_img1.ppm and so on in it.")
        listed = next((root / name for name in LISTS if (root / name).is_file()), root / LISTS[0])
        codes = read_list(listed)
        if not set(codes) <= _CODES["all"]:
            raise MediaError(f"{listed} has {sorted(set(codes) - _CODES['all'])[0]!r}; wanted 1 or 2 a line.")
        wanted = {f"{number:05d}_flow.flo" for number in range(1, len(codes) + 1)}
        unlike = sorted(wanted ^ {path.name for path in self.data.glob("*_flow.flo")})
        if unlike:
            state = "missing" if unlike[0] in wanted else "not listed"
            raise MediaError(f"{self.data / unlike[0]} is {state}; {listed} is of {len(codes)} pairs.")
        self.numbers = [n for n, code in enumerate(codes, 1) if code in _CODES[options.split]]
        if not self.numbers:
            raise MediaError(f"{listed} marks no pair as {options.split}.")

    def __len__(self) -> int:
        return len(self.numbers)

    def read(self, number: int, rng: np.random.Generator) -> Sample:
        """Pair `number`."""
        stem = f"{self.numbers[number]:05d}"
        flow_path = self.data / f"{stem}_flow.flo"
        flow, known = read_flow(flow_path)
        pair = pair_of([self.data / f"{stem}_img{k}.ppm" for k in (1, 2)], flow, flow_path)
        pair.valid01 = known
        return pair
