"""Print versions, devices and codecs, and try what works here."""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

from nakawari import __version__
from nakawari.errors import NakawariError

ENCODERS = ("libx264", "libx265", "ffv1", "libvpx-vp9", "libsvtav1", "prores_ks")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """No flags."""
    parser.add_argument("--quick", action="store_true", help="print only; try nothing")


def run(arguments: argparse.Namespace) -> int:
    """Print the findings; 1 when something that should work does not."""
    for name, value in _facts():
        print(f"{name:<12} {value}")
    if arguments.quick:
        return 0
    failed = 0
    for name, attempt in _attempts().items():
        try:
            print(f"{name:<12} works: {attempt()}")
        except (NakawariError, OSError, RuntimeError) as error:
            failed += 1
            print(f"{name:<12} FAILS: {' '.join(str(error).split())}")
    return 1 if failed else 0


def _facts() -> Iterator[tuple[str, str]]:
    from importlib.metadata import version

    import av
    import torch

    yield "nakawari", __version__
    yield "python", f"{platform.python_version()} on {platform.platform()}"
    for package in ("torch", "numpy", "opencv-python-headless", "av", "numba", "safetensors"):
        yield package, version(package)
    yield "ffmpeg", ", ".join(f"{k} {'.'.join(map(str, v))}" for k, v in sorted(av.library_versions.items()))
    yield "processors", f"{os.cpu_count()} ({torch.get_num_threads()} threads for torch)"
    if torch.cuda.is_available():
        for index in range(torch.cuda.device_count()):
            card = torch.cuda.get_device_properties(index)
            yield f"cuda:{index}", f"{card.name}, {card.total_memory / 2**30:.1f} GiB"
    else:
        yield "cuda", "none that torch can use"
    yield "mps", "yes" if torch.backends.mps.is_available() else "no"
    hardware = [name for name in sorted(av.codecs_available) if name.endswith(("_nvenc", "_qsv", "_amf"))]
    have = [name for name in ENCODERS if name in av.codecs_available]
    yield "encoders", ", ".join(have)
    yield "of cards", ", ".join(name for name in hardware if "jpeg" not in name) or "none"
    absent = [name for name in ENCODERS if name not in have]
    if absent:
        yield "absent", ", ".join(absent)


def _attempts() -> dict[str, Callable[[], str]]:
    from nakawari.models import list_models

    models = [row.name for row in list_models() if row.weights != "file"]
    attempts: dict[str, Callable[[], str]] = {f"{name}": _draw_with(name) for name in models}
    return attempts | {"video": _video}


def _draw_with(name: str) -> Callable[[], str]:
    def attempt() -> str:
        from time import perf_counter

        import numpy as np

        from nakawari.models import load

        model = load(name)
        frame0 = np.full((96, 128, 3), 200, np.uint8)
        frame1 = frame0.copy()
        frame0[30:60, 20:50] = 40
        frame1[30:60, 60:90] = 40
        begin = perf_counter()
        middle = model(frame0, frame1, 0.5)
        dark = np.flatnonzero(np.asarray(middle)[45, :, 0] < 100)
        where = f"columns {dark.min()}..{dark.max()}" if dark.size else "nowhere"
        return (
            f"drew a square between two places at {where} in {perf_counter() - begin:.2f} s on {model.device}"
        )

    return attempt


def _video() -> str:
    from nakawari.pipeline.demo_clip import write_clip
    from nakawari.pipeline.smooth import smooth

    with tempfile.TemporaryDirectory() as folder:
        before, after = Path(folder, "before.mp4"), Path(folder, "after.mkv")
        write_clip(before, frames=12)
        report = smooth(before, after, fps=Fraction(48), model="blend")
        return f"read 12 frames of h264, wrote {len(report.plan.slots)}"
