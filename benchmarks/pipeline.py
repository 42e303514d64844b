"""What `smooth` costs as a whole: memory against length, holds, boxes, and the first frame of a second run.

    python benchmarks/pipeline.py [--model classic] [--json OUT.json]

Each case is a process of its own. Wall times are of one machine on one day; compare rows of one run.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from nakawari.pipeline.demo_clip import FRAMES, picture, pictures

Picture = np.ndarray


def film(seconds: int) -> Iterator[Picture]:
    """The demo's film, over and over."""
    total = seconds * 24
    made = list(pictures())
    for number in range(total):
        yield made[number % FRAMES]


def held(seconds: int) -> Iterator[Picture]:
    """Two drawings a fifth of a second apart, then the second one held."""
    for number in range(4 + seconds * 24):
        yield picture(10 if number < 4 else 16)


def boxed(whole: bool) -> Iterator[Picture]:
    """A small thing moving over a large still picture, or the whole of it moving."""
    rng = np.random.default_rng(3)
    ground = np.repeat(np.repeat(rng.integers(60, 200, (68, 128, 3), np.uint8), 16, 0), 16, 1)[:1080, :1920]
    for number in range(12):
        frame = np.roll(ground, 6 * number, 1) if whole else ground.copy()
        frame[500:560, 300 + 12 * number : 360 + 12 * number] = (230, 40, 40)
        yield frame


def write(path: Path, frames: Iterator[Picture]) -> Path:
    with av.open(str(path), "w") as container:
        stream = None
        for number, pixels in enumerate(frames):
            if stream is None:
                stream = container.add_stream(
                    "libx264rgb", rate=Fraction(24), options={"crf": "0", "preset": "ultrafast"}
                )
                stream.height, stream.width = pixels.shape[:2]
                stream.pix_fmt = "rgb24"
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 24)
            container.mux(stream.encode(frame))
        assert stream is not None
        container.mux(stream.encode(None))
    return path


def run(source: Path, folder: Path, model: str) -> dict[str, Any]:
    """`nakawari smooth --factor 2` in a process; its report, its wall time and when its first frame came."""
    report = folder / "report.json"
    words = [sys.executable, "-m", "nakawari", "smooth", str(source), "-o", str(folder / "out.mkv"), "-y"]
    words += [
        "--factor",
        "2",
        "-m",
        model,
        "--preset",
        "ultrafast",
        "--json-progress",
        "--report",
        str(report),
    ]
    begin = time.perf_counter()
    first = None
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            step = json.loads(line) if line.startswith("{") else {}
            if first is None and step.get("stage") == "render" and step["done"]:
                first = time.perf_counter() - begin
    if process.returncode:
        sys.exit(f"nakawari smooth failed on {source}")
    return json.loads(report.read_text()) | {"wall_s": time.perf_counter() - begin, "first_frame_s": first}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="classic")
    parser.add_argument("--minutes", type=int, default=5, help="of the long film")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    cases: dict[str, Callable[[], Iterator[Picture]]] = {
        "film, 10 s": lambda: film(10),
        f"film, {arguments.minutes} min": lambda: film(60 * arguments.minutes),
        "hold, 1 s": lambda: held(1),
        "hold, 12 s": lambda: held(12),
        "1080p, all of it moves": lambda: boxed(True),
        "1080p, a small box moves": lambda: boxed(False),
    }
    rows = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for case, frames in cases.items():
            # the cross-fade for the long film: memory is the pipeline's, not the model's
            model = "blend" if case.startswith("film") else arguments.model
            rows[case] = run(write(folder / "in.mkv", frames()), folder, model)
    print(
        "| clip | frames out | drawn | s analysing | s drawing | ns / changed px | first frame s | peak MiB |"
    )
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for case, row in rows.items():
        s = row["seconds"]
        print(
            f"| {case} | {row['frames']['out']} | {row['frames']['between']} | {s['analyse']:.2f} "
            f"| {s['prepare'] + s['draw']:.2f} | {row['nanoseconds_per_changed_pixel']:.0f} "
            f"| {row['first_frame_s']:.2f} | {row['peak_memory_mib']:.0f} |"
        )
    if arguments.json:
        meta = {"processors": os.cpu_count(), "machine": platform.machine(), "model": arguments.model}
        arguments.json.write_text(json.dumps({"rows": rows, "meta": meta}, indent=1) + "\n")


if __name__ == "__main__":
    main()
