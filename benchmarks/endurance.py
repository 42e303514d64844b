"""Length, repetition, company and size: what memory does, and whether runs know of each other.

    python benchmarks/endurance.py [--minutes 40] [--runs 100] [--models blend] [--size 1920x1080] [CASE ...]

length: peak memory of a film of --minutes against one of a minute. runs: memory of a process after each of
--runs renders. two: two renders at once, against the same two one after the other. 8k: four frames of
7680x4320 with --model. limit: `--memory` at the least that each of --models says for --size, and what was
taken. Small pictures and the cross-fade, so that memory is the pipeline's and not a model's.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np

LENGTH_SIZE = (128, 72)


def film(path: Path, seconds: float, size: tuple[int, int]) -> Path:
    width, height = size
    rng = np.random.default_rng(1)
    ground = cv2.resize(rng.integers(40, 210, (9, 16, 3)).astype(np.uint8), size)
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=Fraction(24), options={"preset": "ultrafast"})
        voice = out.add_stream("flac", rate=48000, layout="mono")
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number in range(round(seconds * 24)):
            if number % 2 == 0:
                picture = ground.copy() if number // 96 % 2 else 255 - ground
                place = (width // 8 + number * 3 % (3 * width // 4), height // 2)
                cv2.circle(picture, place, height // 6, (30, 60, 200), -1)
            frame = av.VideoFrame.from_ndarray(picture, "rgb24").reformat(format="yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, 24)
            out.mux(stream.encode(frame))
            sound = av.AudioFrame.from_ndarray(np.zeros((1, 2000), np.int16), format="s16", layout="mono")
            sound.sample_rate, sound.pts, sound.time_base = 48000, number * 2000, Fraction(1, 48000)
            out.mux(voice.encode(sound))
        out.mux(stream.encode(None))
        out.mux(voice.encode(None))
    return path


def command(source: Path, target: Path, *more: str, model: str = "blend") -> list[str]:
    return [sys.executable, "-m", "nakawari", "smooth", str(source), "-o", str(target), "--fps", "60",
            "-m", model, "-q", "-y", *more]  # fmt: skip


def length(folder: Path, minutes: int) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for number in (1, minutes):
        source, report = film(folder / f"{number}.mkv", 60 * number, LENGTH_SIZE), folder / "r.json"
        begin = time.perf_counter()
        subprocess.run(
            command(source, folder / "out.mkv", "--preset", "ultrafast", "--report", str(report)), check=True
        )
        row[f"peak_mib_{number}_min"] = json.loads(report.read_text())["peak_memory_mib"]
        row[f"seconds_{number}_min"] = round(time.perf_counter() - begin, 1)
    row["ratio"] = round(row[f"peak_mib_{minutes}_min"] / row["peak_mib_1_min"], 3)
    return row


REPEATED = """
import gc, json, sys
import nakawari as nk
source, target, runs = sys.argv[1], sys.argv[2], int(sys.argv[3])
held = []
for run in range(runs):
    nk.smooth(source, target, factor=2, model="classic", overwrite=True, encode={"preset": "ultrafast"})
    gc.collect()
    pages = int(open("/proc/self/statm").read().split()[1])
    held.append(pages * 4096 / 2**20)
print(json.dumps(held))
"""


def runs(folder: Path, count: int) -> dict[str, Any]:
    source = film(folder / "in.mkv", 0.5, LENGTH_SIZE)
    words = [sys.executable, "-c", REPEATED, str(source), str(folder / "out.mkv"), str(count)]
    held = json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)
    tenth = max(1, count // 10)
    early, late = float(np.median(held[tenth : 3 * tenth])), float(np.median(held[-2 * tenth :]))
    growth = (late - early) * 1024 / (0.8 * count)
    return {
        "runs": count,
        "first_mib": round(held[0], 1),
        "early_mib": round(early, 1),
        "late_mib": round(late, 1),
        "growth_kib_a_run": round(growth, 1),
    }


def two(folder: Path) -> dict[str, Any]:
    (folder / "together").mkdir()
    sources = [film(folder / "a.mkv", 6, LENGTH_SIZE), film(folder / "b.mkv", 5, (240, 136))]
    alone = []
    for number, source in enumerate(sources):
        subprocess.run(command(source, folder / f"{number}.mkv", "-c:v", "ffv1"), check=True)
        alone.append((folder / f"{number}.mkv").read_bytes())
    begun = [
        subprocess.Popen(command(s, folder / "together" / f"{n}.mkv", "-c:v", "ffv1"))
        for n, s in enumerate(sources)
    ]
    statuses = [process.wait() for process in begun]
    same = [(folder / "together" / f"{n}.mkv").read_bytes() == data for n, data in enumerate(alone)]
    left = [p.name for p in (folder / "together").iterdir() if p.name not in ("0.mkv", "1.mkv")]
    return {"statuses": statuses, "same": all(same), "left": left}


def eight_k(folder: Path, models: list[str]) -> dict[str, Any]:
    source, report, rows = film(folder / "in.mkv", 4 / 24, (7680, 4320)), folder / "r.json", {}
    for model in models:
        words = command(
            source, folder / "out.mkv", "--preset", "ultrafast", "--report", str(report), model=model
        )
        begin = time.perf_counter()
        subprocess.run(words, check=True)
        seconds = round(time.perf_counter() - begin, 1)
        with av.open(str(folder / "out.mkv")) as container:
            sizes = [(frame.width, frame.height) for frame in container.decode(video=0)]
        said = json.loads(report.read_text())
        rows[model] = {"frames": len(sizes), "sizes": sorted(set(sizes)), "seconds": seconds,
                       "peak_mib": said["peak_memory_mib"], "drawing": said["seconds"]}  # fmt: skip
    return rows


def limit(folder: Path, models: list[str], size: tuple[int, int], seconds: float) -> dict[str, Any]:
    """Ask for far too little, take the least that the refusal names, and see what is taken then."""
    source, report, rows = film(folder / "in.mkv", seconds, size), folder / "r.json", {}
    for model in models:
        words = command(source, folder / "out.mkv", "--report", str(report), model=model)
        refused = subprocess.run([*words, "--memory", "100M"], capture_output=True, text=True, check=False)
        least = int(refused.stderr.split(" MiB at least")[0].rpartition(" ")[2])
        subprocess.run([*words, "--memory", f"{least + 16}M"], check=True)
        said = json.loads(report.read_text())
        rows[model] = {"least_mib": least, "peak_mib": said["peak_memory_mib"], "out": said["frames"]["out"]}
        print(model, rows[model], flush=True)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="*", default=["length", "runs", "two", "8k"], metavar="CASE")
    parser.add_argument("--minutes", type=int, default=40)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--models", nargs="+", default=["blend"])
    parser.add_argument("--size", type=lambda s: tuple(map(int, s.split("x"))), default=(1920, 1080))
    parser.add_argument("--seconds", type=float, default=2.0, help="of the film of `limit`")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    models = arguments.models
    known = {"length": lambda f: length(f, arguments.minutes), "runs": lambda f: runs(f, arguments.runs),
             "two": two, "8k": lambda f: eight_k(f, models),
             "limit": lambda f: limit(f, models, arguments.size, arguments.seconds)}  # fmt: skip
    rows = {}
    for case in arguments.cases:
        with tempfile.TemporaryDirectory() as name:
            rows[case] = known[case](Path(name))
        print(case, json.dumps(rows[case]), flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
