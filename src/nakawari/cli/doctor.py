"""Print versions, devices and codecs, and try what works here."""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

from nakawari import __version__
from nakawari.errors import NakawariError
from nakawari.optional import available

FAR = 2.0
"""Levels (of 256) that a drawing may be off on the mean; fading instead of moving is off by 16."""

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
    extra = {"OpenEXR": "exr", "psd_tools": "psd"}
    missing = [kind for module, kind in extra.items() if not available(module)]
    yield "cels", f"without {' and '.join(missing)}: pip install 'nakawari[cel]'" if missing else "exr, psd"
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
        begin = perf_counter()
        middle = np.asarray(model(_square(20), _square(60), 0.5), np.float64)
        seconds = perf_counter() - begin
        wanted = _square(40)
        if name == "blend":  # it fades, and moves nothing
            wanted = (_square(20).astype(np.float64) + _square(60)) / 2
        error = float(np.abs(middle - wanted).mean())
        if not error <= FAR:
            raise NakawariError(
                f"the square it drew is {error:.2f} levels off on the mean; wanted at most {FAR}."
            )
        return f"drew a square half-way as it should be in {seconds:.2f} s on {model.device}"

    return attempt


def _square(left: int) -> Any:
    """A dark square that begins at column `left`."""
    import numpy as np

    picture = np.full((96, 128, 3), 200, np.uint8)
    picture[30:60, left : left + 30] = 40
    return picture


def _video() -> str:
    import numpy as np

    from nakawari.pipeline.demo_clip import write_clip
    from nakawari.pipeline.smooth import smooth
    from nakawari.video.open import open_reader

    with tempfile.TemporaryDirectory() as folder:
        before, after = Path(folder, "before.mp4"), Path(folder, "after.mkv")
        write_clip(before, frames=12)
        report = smooth(before, after, fps=Fraction(48), model="blend", encode={"codec": "ffv1"})
        given = [frame.rgb() for frame in open_reader(before)]
        made = [frame.rgb() for frame in open_reader(after)]
        slots = report.plan.slots
        if len(made) != len(slots):
            raise NakawariError(f"wrote {len(made)} frames; wanted {len(slots)}.")
        copies = [number for number, slot in enumerate(slots) if slot.target is None]
        off = [n for n in copies if not np.array_equal(made[n], given[slots[n].source])]
        if off or not copies:
            raise NakawariError(f"{len(off)} of {len(copies)} copied frames came back changed.")
        return f"12 frames of h264 became {len(slots)}, the {len(copies)} copied ones untouched"
