"""A short film to mine: a figure that walks on twos, a cut, a pan, a cut, a figure that stops."""

from pathlib import Path

import cv2
import numpy as np

SIZE = (144, 240)
Array = np.ndarray
DARK = (20, 20, 20)


def backdrop(seed: int, width: int = SIZE[1]) -> Array:
    rng = np.random.default_rng(seed)
    coarse = rng.integers(60, 200, (6, max(4, width // 24), 3)).astype(np.uint8)
    return cv2.resize(coarse, (width, SIZE[0]), interpolation=cv2.INTER_CUBIC)


def with_figure(back: Array, x: float) -> Array:
    frame = back.copy()
    for dx, dy, radius, colour in ((0, 0, 30, (220, 180, 140)), (-10, -6, 5, DARK), (10, -6, 5, DARK)):
        centre = (round((x + dx) * 16), round((80 + dy) * 16))
        cv2.circle(frame, centre, radius * 16, colour, -1, cv2.LINE_AA, 4)
        cv2.circle(frame, centre, radius * 16, (10, 10, 10), 2, cv2.LINE_AA, 4)
    return frame


def drawings() -> list[Array]:
    walk = [with_figure(backdrop(1), 50 + 6 * step) for step in range(9)]
    wide = backdrop(2, 2 * SIZE[1])
    pan = [np.ascontiguousarray(wide[:, 9 * step : 9 * step + SIZE[1]]) for step in range(5)]
    stops = [with_figure(backdrop(3), x) for x in (60, 72, 73.5, 75, 87)]
    return [*walk, *pan, *stops]


def write_film(folder: Path, hold: int = 2) -> Path:
    """The film as numbered images, each drawing shown for `hold` frames."""
    folder.mkdir(parents=True, exist_ok=True)
    number = 0
    for drawing in drawings():
        for _ in range(hold):
            cv2.imwrite(str(folder / f"{number:04d}.png"), drawing[..., ::-1])
            number += 1
    return folder
