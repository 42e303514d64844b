"""A small set of triplets: a square that moves over a ground with a pattern, and frames made from it."""

from pathlib import Path

import cv2
import numpy as np

from nakawari.tensors import Array

NAMES = ("clip_2", "clip_10", "deep")


def draw(place: int, dtype: type = np.uint8) -> Array:
    """The square, outlined, at `place`."""
    y, x = np.mgrid[:48, :64]
    frame = np.stack([160 + 40 * np.sin(x / 7), 150 + 40 * np.cos(y / 9), 120 + 0 * x], 2).astype(np.uint8)
    frame[12:32, 4 + 5 * place : 20 + 5 * place] = (200, 40, 40)
    frame[12:32, 4 + 5 * place : 6 + 5 * place] = 20
    return frame if dtype is np.uint8 else frame.astype(np.uint16) * 257


def write(path: Path, frame: Array) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), frame[..., ::-1])


def write_triplets(root: Path) -> Path:
    """`root`/triplets: three at places (0 1 2), (2 3 4), (4 5 6); the last has 16 bits."""
    for number, name in enumerate(NAMES):
        for frame in range(3):
            picture = draw(2 * number + frame, np.uint16 if name == "deep" else np.uint8)
            write(root / "triplets" / name / f"frame{frame + 1}.png", picture)
    return root / "triplets"


def write_means(root: Path) -> Path:
    """`root`/mean, a folder of predictions: what `blend` draws, in 8 bits."""
    for number, name in enumerate(NAMES):
        mean = (draw(2 * number).astype(float) + draw(2 * number + 2)) / 2
        write(root / "mean" / f"{name}.png", np.rint(mean).astype(np.uint8))
    return root / "mean"


def write_truths(root: Path) -> Path:
    """`root`/oracle, a folder of predictions: the truth itself."""
    for number, name in enumerate(NAMES):
        write(root / "oracle" / f"{name}.png", draw(2 * number + 1))
    return root / "oracle"
