"""What an episode, a season and a catalogue take: measured costs of parts, multiplied.

    python benchmarks/scale.py measure --json costs.json [--seconds 90]
    python benchmarks/scale.py table costs.json

`measure` counts processor seconds, at 1920x1080, of looking at a frame, the first picture of
a pair and a further one for each model, and encoding (libx264, its defaults). `table` prints the table of
docs/scale.md.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np

from nakawari.pipeline.demo_clip import picture

SIZE = (1920, 1080)
RATE_IN, RATE_OUT = 24, 60
DRAWINGS_A_SECOND, DRAWN_SHARE = 10, 0.7
"""Of a film on twos and threes: drawings that begin, and the share of output frames that are drawn."""
LENGTHS = {"episode, 24 min": 24 / 60, "season, 12 episodes": 12 * 24 / 60, "catalogue, 10,000 h": 10_000.0}


def frames(count: int) -> list[np.ndarray]:
    return [cv2.resize(picture(2 * n), SIZE, interpolation=cv2.INTER_CUBIC) for n in range(count)]


def measure(seconds: float) -> dict[str, Any]:
    from nakawari.models import load
    from nakawari.pipeline.analyse import analyse

    end = time.process_time() + seconds
    shown = frames(4)
    row: dict[str, Any] = {"processors": os.cpu_count(), "size": SIZE}
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "in.mkv"
        begin = time.process_time()
        with av.open(str(path), "w") as out:
            stream = out.add_stream("libx264", rate=Fraction(24))
            stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
            for number in range(24):
                native = av.VideoFrame.from_ndarray(shown[number // 2 % 4], "rgb24").reformat(
                    format="yuv420p"
                )
                native.pts, native.time_base = number, Fraction(1, 24)
                out.mux(stream.encode(native))
            out.mux(stream.encode(None))
        row["encode_s"] = (time.process_time() - begin) / 24
        begin = time.process_time()
        analyse(path)
        row["analyse_s"] = (time.process_time() - begin) / 24
    row["models"] = {}
    for name in ("classic", "fast"):
        model = load(name, device="cpu")
        model(shown[0], shown[1], 0.5)
        first, further = [], []
        for one, other in pairwise(shown[1:]):
            begin = time.process_time()
            pair = model.prepare(one, other)
            model.at(pair, 0.2)
            first.append(time.process_time() - begin)
            begin = time.process_time()
            model.at(pair, 0.6)
            further.append(time.process_time() - begin)
            if time.process_time() > end:
                break
        row["models"][name] = {"first_s": float(np.median(first)), "further_s": float(np.median(further))}
    return row


def hours(costs: dict[str, Any], model: dict[str, float], film_hours: float) -> float:
    """Processor hours for so many hours of film."""
    seconds = 3600 * film_hours
    drawn, pairs = DRAWN_SHARE * RATE_OUT * seconds, DRAWINGS_A_SECOND * seconds
    looked = costs["analyse_s"] * RATE_IN * seconds
    drawing = pairs * model["first_s"] + (drawn - pairs) * model["further_s"]
    return (looked + drawing + costs["encode_s"] * RATE_OUT * seconds) / 3600


def table(costs: dict[str, Any]) -> None:
    print("| model | " + " | ".join(LENGTHS) + " |")
    print("| --- |" + " ---: |" * len(LENGTHS))
    for name, model in costs["models"].items():
        cells = [f"{hours(costs, model, length):,.3g} h" for length in LENGTHS.values()]
        print(f"| `{name}` | " + " | ".join(cells) + " |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("measure", "table"))
    parser.add_argument("costs", nargs="?", type=Path)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--seconds", type=float, default=90)
    arguments = parser.parse_args()
    if arguments.what == "table":
        table(json.loads(arguments.costs.read_text()))
        return
    found = measure(arguments.seconds)
    print(json.dumps(found))
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
