"""Small drawings of a disc, as files."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

SIZE = (40, 64)


def drawing(x: float, dtype=np.uint8, alpha: bool = False) -> np.ndarray:
    """A dark disc with a red middle at column x, on white or on nothing."""
    top = np.iinfo(dtype).max
    image = np.full((*SIZE, 4 if alpha else 3), top, dtype)
    if alpha:
        image[:] = 0
    for radius, colour in ((10, (0.1, 0.1, 0.1)), (6, (0.9, 0.2, 0.2))):
        rows, columns = np.ogrid[: SIZE[0], : SIZE[1]]
        inside = (columns - x) ** 2 + (rows - 20) ** 2 < radius**2
        image[inside] = [round(c * top) for c in colour] + [top] * alpha
    return image


def save(path: Path, image: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    code = cv2.COLOR_RGBA2BGRA if image.shape[2] == 4 else cv2.COLOR_RGB2BGR
    assert cv2.imwrite(str(path), cv2.cvtColor(image, code))
    return path


def load(path: Path) -> np.ndarray:
    return cv2.imread(str(path), cv2.IMREAD_UNCHANGED)


def keys(folder: Path, *columns: float, step: int = 4, suffix: str = ".png", **kind) -> list[Path]:
    return [save(folder / f"A{1 + step * k:04d}{suffix}", drawing(x, **kind)) for k, x in enumerate(columns)]


def place(image: np.ndarray) -> float:
    """Column of what is dark or opaque."""
    mask = (
        image[..., 3] > 0
        if image.shape[2] == 4
        else image.astype(float).mean(2) < 0.7 * np.iinfo(image.dtype).max
    )
    return float(np.argwhere(mask)[:, 1].mean())


def names(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
