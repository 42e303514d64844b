"""Splatting: nanoseconds a pixel, ours beside the torch reference, in one run with alternating turns.

    python benchmarks/splat.py [--threads 2] [--json OUT.json]

Half of 1080p (960×540), a smooth flow of up to 11 pixels, random weights; the least of several runs.
Backward is the gather alone, given both gradients.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Callable
from pathlib import Path

import torch

from nakawari.ops.splat import cpu, reference, splat

HEIGHT, WIDTH = 540, 960


def smooth_flow() -> torch.Tensor:
    y, x = torch.meshgrid(torch.arange(HEIGHT).float(), torch.arange(WIDTH).float(), indexing="ij")
    return torch.stack([8 * torch.sin(y / 40) + 3 * torch.cos(x / 30), 5 * torch.sin(x / 50)])[
        None
    ].contiguous()


def alternate(works: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Least time of each, nanoseconds a pixel."""
    least = dict.fromkeys(works, float("inf"))
    for _ in range(rounds):
        for name, work in works.items():
            start = time.perf_counter()
            work()
            least[name] = min(least[name], time.perf_counter() - start)
    return {name: seconds * 1e9 / (HEIGHT * WIDTH) for name, seconds in least.items()}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    flow, weight = smooth_flow(), torch.rand(1, 1, HEIGHT, WIDTH)
    rows: dict[str, dict[str, float]] = {}
    for channels in (3, 64):
        source, grad_mass = torch.rand(1, channels, HEIGHT, WIDTH), torch.rand_like(weight)
        works = {
            "splat (softmax)": lambda s=source: splat(s, flow, weight),
            "sums, numba": lambda s=source: cpu.splat_sums(s, flow, weight),
            "sums, reference": lambda s=source: reference.splat_sums(s, flow, weight),
            "backward, numba": lambda s=source, g=grad_mass: cpu.splat_sums_backward(s, g, s, flow, weight),
            "backward, reference": lambda s=source, g=grad_mass: reference.splat_sums_backward(
                s, g, s, flow, weight
            ),
        }
        with torch.inference_mode():
            rows[f"{channels} channels"] = alternate(works, arguments.rounds)
    names = list(next(iter(rows.values())))
    print("| ns a pixel | " + " | ".join(rows) + " |\n|---|" + "---|" * len(rows))
    for name in names:
        print(f"| {name} | " + " | ".join(f"{row[name]:.1f}" for row in rows.values()) + " |")
    if arguments.json:
        meta = {"machine": platform.platform(), "threads": arguments.threads, "torch": torch.__version__}
        arguments.json.write_text(json.dumps({"meta": meta, "rows": rows}, indent=1))


if __name__ == "__main__":
    main()
