"""FlyingThings3D: rendered sequences with flow to the next frame and to the one before.

    frames_cleanpass/TRAIN/A/0000/left/0006.png … 0015.png               960×540; frames_finalpass likewise
    optical_flow/TRAIN/A/0000/into_future/left/OpticalFlowIntoFuture_0006_L.pfm
    optical_flow/TRAIN/A/0000/into_past/left/OpticalFlowIntoPast_0007_L.pfm

TEST beside TRAIN is what is held out. Left views are read, as those who train flow do.

Source: Mayer et al. 2016, "A Large Dataset to Train Convolutional Networks for Disparity, Optical Flow, and
Scene Flow Estimation".
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from nakawari.data.sample import Sample
from nakawari.data.sets.files import folders, neighbours, read_flow, same_size
from nakawari.data.sets.options import Options, PublishedSet, pair_of

PASSES = {"clean": ("cleanpass",), "final": ("finalpass",), "both": ("cleanpass", "finalpass")}
_PARTS = {"train": ("TRAIN",), "held-out": ("TEST",), "all": ("TRAIN", "TEST")}


class FlyingThings3D(PublishedSet):
    """Frame 0, frame 1, flow01 and flow10.

    Raises:
        MediaError: a folder is missing, or a sequence has fewer than two frames.
    """

    def __init__(self, folder: str, options: Options) -> None:
        self.flow = Path(folder) / "optical_flow"
        self.pairs: list[tuple[Path, Path, Path]] = []
        """Of each pair the two frames, and where its sequence's flow lies."""
        for name in PASSES[options.passes]:
            for part in _PARTS[options.split]:
                place = Path(folder) / f"frames_{name}" / part
                for letter in folders(place, "A/0000/left/0006.png and so on in it"):
                    for sequence in folders(letter, "0000/left/0006.png and so on in it"):
                        self._add(sequence, self.flow / part / letter.name / sequence.name)

    def _add(self, sequence: Path, flow: Path) -> None:
        self.pairs += [(one, two, flow) for one, two in neighbours(sequence / "left", "", 4)]

    def __len__(self) -> int:
        return len(self.pairs)

    def read(self, number: int, rng: np.random.Generator) -> Sample:
        """Pair `number`."""
        one, two, flow = self.pairs[number]
        future = flow / "into_future" / "left" / f"OpticalFlowIntoFuture_{one.stem}_L.pfm"
        past = flow / "into_past" / "left" / f"OpticalFlowIntoPast_{two.stem}_L.pfm"
        flow01, known01 = read_flow(future)
        pair = pair_of([one, two], flow01, future)
        pair.flow10, pair.valid10 = read_flow(past)
        pair.valid01 = known01
        same_size([one, past], [pair.frame0, pair.flow10])
        return pair
