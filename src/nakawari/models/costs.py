"""What drawing takes: bytes of memory for each pixel of the padded picture, in float32.

Measured with `benchmarks/memory.py` on a CPU: whole pictures at 960x540 (`classic` at 1920x1080, where it
takes most, and up to 7680x4320), and what is held at 1920x1080 (for `rife-4.25`; for others it is reckoned
from what they keep, with some to spare). `blend`, `cel`, `classic`, `fast` and `best` draw whole pictures.
"""

from __future__ import annotations

from dataclasses import dataclass

LARGE = 2**22
"""Pixels of a picture from which on `classic`, `fast` and `best` keep less a pixel, as they know motion at a
lower size."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Bytes a pixel.

    Attributes:
        whole: when all is computed at once.
        held: of the whole picture, when it is drawn in windows.
        large: as `whole`, for more than `LARGE` pixels; None: the same.
        window: for each pixel of a window; None: as `whole`.
        base: bytes that do not grow with the picture, MiB.
    """

    whole: float
    held: float
    large: float | None = None
    window: float | None = None
    base: int = 0

    def of_whole(self, pixels: int) -> int:
        """Bytes that a whole picture of so many pixels takes."""
        rate = self.whole if self.large is None or pixels <= LARGE else self.large
        return int(rate * pixels) + (self.base << 20)

    def of_windows(self, pixels: int) -> float:
        """Bytes that windows of so many pixels take beside what is held."""
        return (self.whole if self.window is None else self.window) * pixels


_MEASURED: dict[tuple[str, ...], tuple[int, ...]] = {
    ("rife",): (864, 390),
    ("rife-m",): (843, 390),
    ("rife-2r",): (1946, 690),
    ("rife-hd3",): (508, 240),
    ("rife-4.0", "rife-4.1"): (273, 240),
    ("rife-4.2", "rife-4.3", "rife-4.4"): (255, 240),
    ("rife-4.5",): (307, 240),
    ("rife-4.6",): (325, 240),
    ("rife-4.7", "rife-4.8", "rife-4.9"): (532, 280),
    ("rife-4.10", "rife-4.11", "rife-4.12", "rife-4.13", "rife-4.14", "rife-4.15", "rife-4.17"): (600, 290),
    ("rife-4.18", "rife-4.19", "rife-4.24"): (600, 290),
    ("rife-4.12-lite", "rife-4.13-lite"): (563, 280),
    ("rife-4.14-lite",): (607, 290),
    ("rife-4.15-lite", "rife-4.16-lite", "rife-4.17-lite"): (570, 280),
    ("rife-4.20",): (636, 290),
    ("rife-4.21", "rife-4.22", "rife-4.23"): (819, 310),
    ("rife-4.22-lite",): (629, 290),
    ("rife-4.25", "rife-4.26"): (661, 290),
    ("rife-4.25-lite",): (591, 290),
    ("rife-4.25-heavy",): (678, 310),
    ("rife-4.26-heavy",): (1045, 390),
    ("blend",): (60, 60),
    ("classic",): (240, 240, 150),
    ("cel",): (800, 800),
    ("animeinterp", "animeinterp-gma"): (2700, 1000),
}

COSTS = {name: Cost(*cost) for names, cost in _MEASURED.items() for name in names}
COSTS |= {"fast": Cost(250, 250, 165, base=64), "best": Cost(250, 250, 165, base=256)}
COSTS |= {name: Cost(2600, 330, window=2500) for name in ("film-l1", "film-vgg", "film-style")}
