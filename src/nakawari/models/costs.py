"""What drawing takes: bytes of memory for each pixel of the padded picture, in float32.

Measured with `benchmarks/memory.py` at 960×540 on a CPU. A model that is not here is drawn in tiles only when
that is asked for.
"""

from __future__ import annotations

_MEASURED: dict[tuple[str, ...], int] = {
    ("rife",): 864,
    ("rife-m",): 843,
    ("rife-2r",): 1946,
    ("rife-hd3",): 508,
    ("rife-4.0", "rife-4.1"): 273,
    ("rife-4.2", "rife-4.3", "rife-4.4"): 255,
    ("rife-4.5",): 307,
    ("rife-4.6",): 325,
    ("rife-4.7", "rife-4.8", "rife-4.9"): 532,
    ("rife-4.10", "rife-4.11", "rife-4.12", "rife-4.13", "rife-4.14", "rife-4.15", "rife-4.17"): 600,
    ("rife-4.18", "rife-4.19", "rife-4.24"): 600,
    ("rife-4.12-lite", "rife-4.13-lite"): 563,
    ("rife-4.14-lite",): 607,
    ("rife-4.15-lite", "rife-4.16-lite", "rife-4.17-lite"): 570,
    ("rife-4.20",): 636,
    ("rife-4.21", "rife-4.22", "rife-4.23"): 819,
    ("rife-4.22-lite",): 629,
    ("rife-4.25", "rife-4.26"): 661,
    ("rife-4.25-lite",): 591,
    ("rife-4.25-heavy",): 678,
    ("rife-4.26-heavy",): 1045,
    ("film-l1", "film-vgg", "film-style"): 2600,
}

BYTES_PER_PX = {name: cost for names, cost in _MEASURED.items() for name in names}
