"""How good classic is beside what anybody could write in an hour, on the same triplets in one run.

    NAKAWARI_DATA=... python benchmarks/peers.py [--quick] [--json OUT.json] [--only NAME ...]

copy          the first key
average       both keys, half and half
minterpolate  ffmpeg's motion-compensated filter, when ffmpeg is installed
dis           plain DIS: flow on grey both ways, both directions splatted to t in one sum, with
              Z = -20 |I0 - backwarp(I1)|, holes filled with the nearest pixel
dis+avg       dis with a quarter of `average` mixed in: better numbers by ghosts, to show what PSNR rewards
classic       ours, without weights
fast, best    ours, trained networks, for comparison

Prints Markdown: mean and 95 % bootstrap interval of each group; chamfer is x 1e5, time is the median.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import torch
from scipy.ndimage import distance_transform_edt

from nakawari.metrics.image import ie, psnr, ssim
from nakawari.metrics.lines import chamfer
from nakawari.models import load
from nakawari.models.base import Interpolator
from nakawari.ops.splat import splat_sums
from triplets import Triplet, anita, lottie, pans, scenes

Method = Callable[[np.ndarray, np.ndarray], np.ndarray]
METRICS = ("psnr", "ssim", "chamfer", "ie", "seconds")


def copy(key0: np.ndarray, key1: np.ndarray) -> np.ndarray:
    return key0


def average(key0: np.ndarray, key1: np.ndarray) -> np.ndarray:
    return ((key0.astype(np.uint16) + key1 + 1) // 2).astype(np.uint8)


def plain_dis(key0: np.ndarray, key1: np.ndarray) -> np.ndarray:
    """The baseline that the models must beat; kept as it is defined, not improved."""
    grey = [cv2.cvtColor(key, cv2.COLOR_RGB2GRAY) for key in (key0, key1)]
    search = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    sums = mass = 0
    for own, other, key in ((grey[0], grey[1], key0), (grey[1], grey[0], key1)):
        flow = search.calc(own, other, None)
        height, width = own.shape
        x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
        back = cv2.remap(
            other, x + flow[..., 0], y + flow[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        z = -20 * np.abs(own.astype(np.float32) - back) / 255
        source = torch.from_numpy(np.ascontiguousarray(key.transpose(2, 0, 1)))[None].float()
        half = torch.from_numpy(np.ascontiguousarray(flow.transpose(2, 0, 1)))[None] * 0.5
        landed, weights = splat_sums(source, half, torch.from_numpy(np.exp(z))[None, None])
        sums, mass = sums + landed, mass + weights
    made = (sums / mass.clamp_min(1e-12))[0].permute(1, 2, 0).numpy()
    hole = mass[0, 0].numpy() <= 1e-6
    if hole.any() and not hole.all():
        nearest = distance_transform_edt(hole, return_distances=False, return_indices=True)
        made = made[tuple(nearest)]
    return made.round().clip(0, 255).astype(np.uint8)


def dis_with_average(key0: np.ndarray, key1: np.ndarray) -> np.ndarray:
    mixed = 0.75 * plain_dis(key0, key1) + 0.25 * average(key0, key1)
    return mixed.round().astype(np.uint8)


def minterpolate(key0: np.ndarray, key1: np.ndarray) -> np.ndarray:
    """ffmpeg wants a few frames around the pair, so each key is shown twice and the middle is taken."""
    height, width = key0.shape[:2]
    with tempfile.TemporaryDirectory() as folder:
        for number, key in enumerate((key0, key0, key1, key1)):
            cv2.imwrite(f"{folder}/in{number}.png", key[..., ::-1])
        command = ["ffmpeg", "-v", "error", "-framerate", "10", "-i", f"{folder}/in%d.png"]
        command += [
            "-vf",
            "minterpolate=fps=20:mi_mode=mci:scd=none",
            "-f",
            "rawvideo",
            "-pix_fmt",
            "rgb24",
            "-",
        ]
        raw = subprocess.run(command, capture_output=True, check=True).stdout
    frames = np.frombuffer(raw, np.uint8).reshape(-1, height, width, 3)
    # Presented at 0, 1/20, 2/20 ... seconds from the first whole one; the pair lies between 1/10 and 2/10.
    return frames[MINTERPOLATE_MIDDLE]


MINTERPOLATE_MIDDLE = 3


def methods(device: str) -> dict[str, Method]:
    """All rows of the table."""
    rows: dict[str, Method] = {"copy": copy, "average": average}
    if shutil.which("ffmpeg"):
        rows["minterpolate"] = minterpolate
    rows |= {"dis": plain_dis, "dis+avg": dis_with_average}
    for name in ("classic", "fast", "best"):
        rows[name] = partial(half_way, load(name, device=device))
    return rows


def half_way(model: Interpolator, key0: np.ndarray, key1: np.ndarray) -> np.ndarray:
    return model(key0, key1, t=0.5)


def measure(rows: dict[str, Method], triplets: list[Triplet]) -> dict[str, dict[str, list[float]]]:
    """Every metric of every method on every triplet; methods take turns, so noise hits all alike."""
    found: dict[str, dict[str, list[float]]] = {name: {m: [] for m in METRICS} for name in rows}
    for method in rows.values():
        method(triplets[0][0], triplets[0][2])
    for key0, truth, key1 in triplets:
        for name, method in rows.items():
            start = time.perf_counter()
            made = method(key0, key1)
            seconds = time.perf_counter() - start
            values = (
                psnr(made, truth),
                ssim(made, truth),
                1e5 * chamfer(made, truth),
                ie(made, truth),
                seconds,
            )
            for metric, value in zip(METRICS, values, strict=True):
                found[name][metric].append(value)
    return found


def interval(values: list[float], rounds: int = 1000) -> tuple[float, float]:
    """95 % bootstrap interval of the mean."""
    random = np.random.default_rng(0)
    array = np.asarray(values)
    means = array[random.integers(0, len(array), (rounds, len(array)))].mean(1)
    return float(np.quantile(means, 0.025)), float(np.quantile(means, 0.975))


def groups(quick: bool) -> Iterator[tuple[str, list[Triplet]]]:
    folder = Path(tempfile.gettempdir()) / "nakawari-lottie"
    yield from anita(24 if quick else None)
    yield from lottie(folder, 12 if quick else None, 2)
    yield scenes(24 if quick else None)
    yield pans(24 if quick else None)


def summary(found: dict[str, list[float]]) -> dict[str, object]:
    row: dict[str, object] = {"n": len(found["psnr"])}
    for metric in METRICS[:-1]:
        row[metric] = float(np.mean(found[metric]))
        row[f"{metric}_interval"] = interval(found[metric])
    row["seconds"] = float(np.median(found["seconds"]))
    return row


def markdown(group: str, table: dict[str, dict[str, object]]) -> str:
    n = next(iter(table.values()))["n"]
    lines = [
        f"\n### {group} ({n} triplets)\n",
        "| method | PSNR dB | SSIM | chamfer | IE | s/frame |",
        "|---|---|---|---|---|---|",
    ]
    for name, row in table.items():
        low, high = row["psnr_interval"]  # type: ignore[misc]
        lines.append(
            f"| {name} | {row['psnr']:.2f} ({low:.2f}-{high:.2f}) | {row['ssim']:.4f} | {row['chamfer']:.2f} "
            f"| {row['ie']:.2f} | {row['seconds']:.3f} |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--quick", action="store_true", help="at most 24 triplets of a clip, 12 animations a repository"
    )
    parser.add_argument("--json", type=Path, help="write all numbers there")
    parser.add_argument("--only", nargs="+", metavar="METHOD", help="only these methods")
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    rows = methods(arguments.device)
    rows = {name: row for name, row in rows.items() if not arguments.only or name in arguments.only}
    report: dict[str, dict[str, dict[str, object]]] = {}
    everything: dict[str, dict[str, list[float]]] = {name: {m: [] for m in METRICS} for name in rows}
    for group, triplets in groups(arguments.quick):
        found = measure(rows, triplets)
        report[group] = {name: summary(values) for name, values in found.items()}
        for name, values in found.items():
            for metric in METRICS:
                everything[name][metric] += values[metric]
        print(markdown(group, report[group]), flush=True)
        if arguments.json:  # after each group, because all of them take long
            write(report, everything, arguments.json)
    print(markdown("all triplets", {name: summary(values) for name, values in everything.items()}))


def write(
    report: dict[str, dict[str, dict[str, object]]],
    everything: dict[str, dict[str, list[float]]],
    path: Path,
) -> None:
    """Write what is known so far."""
    meta = {
        "machine": platform.platform(),
        "cores": os.cpu_count(),
        "torch": torch.__version__,
        "cv2": cv2.__version__,
    }
    whole = {name: summary(values) for name, values in everything.items()}
    path.write_text(json.dumps({"meta": meta, "groups": report | {"all triplets": whole}}, indent=1))


if __name__ == "__main__":
    main()
