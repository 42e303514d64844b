"""MPI Sintel: rendered sequences of an animated film, with flow and where it is covered.

    training/clean/alley_1/frame_0001.png …, training/final/alley_1/frame_0001.png …         1024×436
    training/flow/alley_1/frame_0001.flo, training/occlusions/alley_1/frame_0001.png
    training/invalid/alley_1/frame_0001.png

Flow of the part called test was never published. So six sequences are held out, those that the literature
holds out where it does.

Source: Butler et al. 2012, "A Naturalistic Open Source Movie for Optical Flow Evaluation"; the six
sequences: Yang & Ramanan 2019, "Volumetric Correspondence Networks for Optical Flow".
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from nakawari.data.augment import inside
from nakawari.data.sample import Sample
from nakawari.data.sets.files import folders, neighbours, read_flow, read_mask, same_size
from nakawari.data.sets.options import Options, PublishedSet, pair_of
from nakawari.errors import MediaError

HELD_OUT = ("ambush_2", "ambush_6", "bamboo_2", "cave_4", "market_6", "temple_2")
PASSES = {"clean": ("clean",), "final": ("final",), "both": ("clean", "final")}


class Sintel(PublishedSet):
    """Frame 0, frame 1, flow01, visible01 (from its occlusions) and valid01 (from its invalid pixels).

    Raises:
        MediaError: a folder is missing, or a sequence has fewer than two frames.
    """

    def __init__(self, folder: str, options: Options) -> None:
        self.root = Path(folder) / "training"
        self.pairs: list[tuple[Path, Path]] = []
        for name in PASSES[options.passes]:
            for sequence in folders(self.root / name, "alley_1/frame_0001.png and so on in it"):
                if options.split != "all" and (sequence.name in HELD_OUT) != (options.split == "held-out"):
                    continue
                flows = (self.root / "flow" / sequence.name).glob("frame_????.flo")
                known = [int(path.stem[-4:]) for path in flows if path.stem[-4:].isdecimal()]
                self.pairs += neighbours(sequence, "frame_", 4, known)
        if not self.pairs:
            raise MediaError(f"{self.root} has no sequence that is {options.split}; is the set whole?")

    def __len__(self) -> int:
        return len(self.pairs)

    def read(self, number: int, rng: np.random.Generator) -> Sample:
        """Pair `number`."""
        one, two = self.pairs[number]
        flow_path = self.root / "flow" / one.parent.name / f"{one.stem}.flo"
        flow, known = read_flow(flow_path)
        pair = pair_of([one, two], flow, flow_path)
        paths = [self.root / kind / one.parent.name / one.name for kind in ("occlusions", "invalid")]
        covered, wrong = (read_mask(path) for path in paths)
        same_size([one, *paths], [pair.frame0, covered, wrong])
        pair.valid01 = known & ~wrong
        pair.visible01 = ~covered & inside(flow)
        return pair
