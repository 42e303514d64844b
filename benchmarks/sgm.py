"""Segment-guided matching at 960×540: seconds a pair, step by step, without VGG and with it.

    python benchmarks/sgm.py [--threads 2] [--rounds 3] [--vgg FILE] [--json OUT.json]

`simple` is two drawings of a character from NAKAWARI_DATA, `busy` a mosaic of generated cartoons under grain,
with thousands of fills. The least of several rounds; a pair is two frames, none of them known before.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from pathlib import Path

import cv2
import numpy as np
import torch

from nakawari.data.cartoon import CartoonStream
from nakawari.models.animeinterp.sgm import PRESETS, SegmentGuidedMatching
from nakawari.ops.lines import contour_map, contour_style
from nakawari.ops.trapped_ball import fill

SIZE = (540, 960)
TILES = (6, 7, 3, 2, 6, 0, 7, 3, 6)


def simple() -> list[np.ndarray]:
    from PIL import Image

    frames = []
    with Image.open(Path(os.environ["NAKAWARI_DATA"]) / "anita" / "00121_1_fps10.gif") as clip:
        for number in (clip.n_frames // 2, clip.n_frames // 2 + 1):
            clip.seek(number)
            frames.append(cv2.resize(np.array(clip.convert("RGB")), SIZE[::-1]))
    return frames


def busy() -> list[np.ndarray]:
    stream = CartoonStream(0, SIZE)
    random = np.random.default_rng(0)
    frames = []
    for name in ("frame0", "frame1"):
        tiles = []
        for number in TILES:
            picture = getattr(stream[number], name).permute(1, 2, 0).numpy()
            tiles.append(cv2.resize(picture.copy(), (320, 180), interpolation=cv2.INTER_AREA))
        mosaic = np.vstack([np.hstack(tiles[row : row + 3]) for row in (0, 3, 6)])
        grain = cv2.GaussianBlur(random.normal(0, 1, mosaic.shape).astype(np.float32), (0, 0), 1) * 17.5
        frames.append(np.clip(mosaic + grain, 0, 255).round().astype(np.uint8))
    return frames


def measure(frames: list[np.ndarray], preset: str, vgg: str | None, rounds: int) -> dict[str, object]:
    times = []
    for _ in range(rounds + 1):
        sgm = SegmentGuidedMatching(preset, "anime", vgg)  # a new one: it remembers frames
        begin = time.perf_counter()
        guide = sgm.guide(*frames)
        times.append(time.perf_counter() - begin)
    begin = time.perf_counter()
    sgm.match(guide.frame0, guide.frame1)
    rules = PRESETS[preset]
    line = contour_map(frames[0], contour_style(frames[0], "anime"))
    return {
        "fills": int(fill(~line, rules.balls, rules.most_floods).max()),
        "pieces": [len(guide.partners01), len(guide.partners10)],
        "matches": int((guide.partners01 >= 0).sum()),
        "seconds": round(min(times[1:]), 3),
        "matching and flow": round(time.perf_counter() - begin, 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--vgg", help="torchvision's VGG-19 file, or any with its keys: measured as well")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    cv2.setNumThreads(arguments.threads)
    pairs = {"busy": busy()}
    if "NAKAWARI_DATA" in os.environ:
        pairs = {"simple": simple(), **pairs}
    rows = {}
    print("| pair | preset | descriptor | fills | pieces | s | of it matching and flow |")
    print("| --- | --- | --- | ---: | ---: | ---: | ---: |")
    for pair, frames in pairs.items():
        for preset in PRESETS:
            for vgg in (None, arguments.vgg) if arguments.vgg else (None,):
                row = measure(frames, preset, vgg, arguments.rounds)
                what = "vgg19" if vgg else "paint"
                rows[f"{pair}, {preset}, {what}"] = row
                pieces = " and ".join(map(str, row["pieces"]))
                cells = [pair, preset, what, row["fills"], pieces, row["seconds"], row["matching and flow"]]
                print("|", " | ".join(map(str, cells)), "|", flush=True)
    if arguments.json:
        meta = {
            "machine": platform.processor() or platform.machine(),
            "python": platform.python_version(),
            "torch": torch.__version__,
            "opencv": cv2.__version__,
            "threads": arguments.threads,
        }
        arguments.json.write_text(json.dumps({"rows": rows, "meta": meta}, indent=1) + "\n")


if __name__ == "__main__":
    main()
