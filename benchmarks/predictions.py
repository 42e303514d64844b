"""Frames of other systems for a folder of triplets, for `evaluate -m predictions:DIR`.

    python benchmarks/predictions.py TRIPLETS OUT [--only NAME ...]

TRIPLETS/NAME/frame1, frame3 are read and OUT/SYSTEM/NAME.png is written, for systems of `peers.py` that are
not ours: ffmpeg's minterpolate, plain DIS, an average. What is there already is kept.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import cv2
import numpy as np

from nakawari.evaluation.data import TripletFolder
from peers import Method, average, dis_with_average, minterpolate, plain_dis

SYSTEMS: dict[str, Method] = {
    "minterpolate": minterpolate,
    "dis": plain_dis,
    "dis-average": dis_with_average,
    "average": average,
}


def main() -> None:
    """Draw and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("triplets", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--only", nargs="+", choices=SYSTEMS, default=list(SYSTEMS))
    arguments = parser.parse_args()
    folder = TripletFolder(str(arguments.triplets))
    for number, triplet in enumerate(folder, 1):
        for name in arguments.only:
            path = arguments.output / name / f"{triplet.name}.png"
            if path.exists():
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            made = SYSTEMS[name](triplet.frame0, triplet.frame1)
            cv2.imwrite(str(path), np.ascontiguousarray(made[..., ::-1]))
        print(f"\r{number}/{len(folder.names)} triplets", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)


if __name__ == "__main__":
    main()
