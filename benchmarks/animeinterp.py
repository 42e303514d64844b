"""AnimeInterp, with and without GMA: seconds and memory of a pair, and what shortcuts save and cost.

    python benchmarks/animeinterp.py [--models NAME ...] [--threads 2] [--rounds 2]
        [--only speed memory savings] [--weights animeinterp=FILE] [--json OUT.json]

speed    960×540 in float32, without segment-guided matching (benchmarks/sgm.py measures that): the first
         pair, the next pair of a video (whose first frame is known), a further t of a pair
memory   peak above the loaded weights, at 960×540 and 1920×1080 (2 corrections: more take no more)
savings  bfloat16, and fewer corrections than 12, at --size: seconds, and PSNR of the frames and mean distance
         of the flows to those of 12 corrections in float32

Without --weights parameters are drawn at random from a seed: seconds and memory are the same, but what fewer
corrections cost is not, for random corrections never settle. Every number is of a process of its own.
"""

from __future__ import annotations

import argparse
import json
import platform
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

MODELS = ("animeinterp", "animeinterp-gma")
SMALL, LARGE = (540, 960), (1080, 1920)
ITERATIONS = (12, 8, 6, 4, 2)


def resident_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def opened(name: str, weights: str | None, precision: str, iterations: int) -> Any:
    from nakawari.models import load
    from nakawari.models.animeinterp.config import AnimeInterpConfig
    from nakawari.models.animeinterp.model import AnimeInterp
    from nakawari.models.animeinterp.net import AnimeInterpNet

    if weights is not None:
        return load(name, weights, "cpu", precision, guide=None, iterations=iterations, tile="off")
    torch.manual_seed(0)
    net = AnimeInterpNet(AnimeInterpConfig("gma" if name.endswith("gma") else "none"))
    with torch.no_grad():
        for parameter in net.parameters():
            if parameter.ndim > 1:
                torch.nn.init.kaiming_normal_(parameter)
    for layer, gain in (
        (net.refine.flow_head[2], 0.1),
        (net.refine.mask_head[2], 2),
        (net.synthesis.tail.conv2, 0.05),
    ):
        layer.weight.data.mul_(gain)
    kind = torch.bfloat16 if precision == "bf16" else torch.float32
    model = AnimeInterp(name, net, "cpu", kind)
    model.adjust(guide=None, iterations=iterations, tile="off")
    return model


def frames(size: tuple[int, int], count: int = 3) -> list[torch.Tensor]:
    """A drawn scene as its camera sees it move."""
    from nakawari.data.cartoon.stream import draw

    scenes = [draw(0, 3, size, t=0.5)]
    pictures = [scene for s in scenes for scene in (s.frame0, s.framet, s.frame1)]
    return [picture[None].float() / 255 for picture in pictures[:count]]


def one(task: dict[str, Any]) -> dict[str, Any]:
    """What a process of its own does."""
    torch.set_num_threads(task["threads"])
    model = opened(task["model"], task["weights"], task["precision"], task["iterations"])
    warm = torch.rand(2, 1, 3, 64, 64)
    model(warm[0], warm[1], 0.5)
    first, second, third = frames(tuple(task["size"]))
    before = resident_mib()
    seconds: dict[str, list[float]] = {"first pair": [], "next pair": [], "further t": []}
    for _ in range(task["rounds"]):
        begin = time.perf_counter()
        known = model.encode(second)
        pair = model.prepare(first, known)
        made = model.at(pair, 0.5)
        seconds["first pair"].append(time.perf_counter() - begin)
        if task["what"] != "speed":
            continue
        begin = time.perf_counter()
        model.at(pair, 0.25)
        seconds["further t"].append(time.perf_counter() - begin)
        begin = time.perf_counter()
        model.at(model.prepare(known, third), 0.5)
        seconds["next pair"].append(time.perf_counter() - begin)
    if task["keep"]:
        flows = [flow.float().numpy() for flow in pair.state.flows]
        np.savez(task["keep"], made=made.numpy(), flow01=flows[0], flow10=flows[1])
    least = {what: round(min(values), 2) for what, values in seconds.items() if values}
    return {"seconds": least, "mib": round(resident_mib() - before)}


def spawn(task: dict[str, Any]) -> dict[str, Any]:
    words = [sys.executable, __file__, "--one", json.dumps(task)]
    out = subprocess.run(words, capture_output=True, text=True, check=True)
    return json.loads(out.stdout.splitlines()[-1])


def compared(kept: Path, reference: Path) -> dict[str, float]:
    ours, full = np.load(kept), np.load(reference)
    error = float(np.square(ours["made"] - full["made"]).mean())
    flows = [np.hypot(*(ours[key] - full[key])[0]).mean() for key in ("flow01", "flow10")]
    return {"psnr": round(-10 * np.log10(max(error, 1e-10)), 1), "flow_px": round(float(np.mean(flows)), 3)}


def savings(task: dict[str, Any], folder: Path) -> list[dict[str, Any]]:
    rows, reference = [], folder / f"{task['model']}-fp32-12.npz"
    for precision, count in [("fp32", n) for n in ITERATIONS] + [("bf16", 12), ("bf16", 6)]:
        kept = folder / f"{task['model']}-{precision}-{count}.npz"
        found = spawn(task | {"precision": precision, "iterations": count, "keep": str(kept)})
        row = {"precision": precision, "iterations": count, **found, **compared(kept, reference)}
        rows.append(row)
        print(f"| {task['model']} | {precision} | {count} | {row['seconds']['first pair']} | {row['psnr']} | "
              f"{row['flow_px']} |", flush=True)  # fmt: skip
    return rows


def main() -> None:
    if sys.argv[1:2] == ["--one"]:
        print(json.dumps(one(json.loads(sys.argv[2]))))
        return
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", nargs="+", default=MODELS, choices=MODELS)
    parser.add_argument("--only", nargs="+", default=("speed", "memory", "savings"))
    parser.add_argument("--weights", action="append", default=[], metavar="NAME=FILE")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--size", type=int, nargs=2, default=SMALL, metavar=("H", "W"), help="of the savings")
    parser.add_argument("--keep", type=Path, default=Path("/tmp"), help="a folder for frames to compare")
    parser.add_argument(
        "--json", type=Path, help="results; what is in the file already and not measured now stays"
    )
    arguments = parser.parse_args()
    weights = dict(word.split("=", 1) for word in arguments.weights)
    found: dict[str, Any] = {}
    if arguments.json and arguments.json.is_file():
        found = json.loads(arguments.json.read_text())
    for name in arguments.models:
        task = {
            "model": name,
            "weights": weights.get(name),
            "precision": "fp32",
            "iterations": 12,
            "threads": arguments.threads,
            "rounds": arguments.rounds,
            "size": SMALL,
            "keep": "",
        }
        own = found.setdefault(name, {})
        if "speed" in arguments.only:
            own["speed"] = spawn(task | {"what": "speed"})
            print(name, own["speed"], flush=True)
        if "memory" in arguments.only:
            for size in (SMALL, LARGE):
                row = spawn(task | {"what": "memory", "size": size, "rounds": 1, "iterations": 2})
                own[f"memory {size[1]}x{size[0]}"] = row["mib"]
                print(name, size, row["mib"], "MiB", flush=True)
        if "savings" in arguments.only:
            own["savings"] = savings(
                task | {"what": "savings", "rounds": 1, "size": arguments.size}, arguments.keep
            )
            own["savings size"] = list(arguments.size)
    found["meta"] = {
        "machine": platform.processor() or platform.machine(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "threads": arguments.threads,
        "weights": "given" if weights else "random",
    }
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
