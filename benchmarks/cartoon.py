"""How fast cartoon triplets are made: rate with worker processes, and processor time of the parts.

python benchmarks/cartoon.py [--count 120] [--sizes 256 512] [--workers 2] [--json OUT.json]

The wall rate depends on who else uses the machine; the processor time of a triplet does so much less, and
`per_minute_of_free_cores` is what it comes to on that many idle cores.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import time
from multiprocessing import get_context

import torch

from nakawari.data.cartoon import VERSION, render, when, write
from nakawari.data.cartoon.stream import settle

SEED = 77


def _measure(task: tuple[int, int]) -> tuple[float, float]:
    """Processor seconds of writing and of rendering sample `index`."""
    side, index = task
    begin = time.process_time()
    scene = write(SEED, index, (side, side))
    written = time.process_time()
    render([scene], [when(SEED, index)])
    return written - begin, time.process_time() - written


def measure(side: int, count: int, workers: int) -> dict[str, float | int]:
    """One row of the table."""
    with get_context("spawn").Pool(workers, settle) as pool:
        pool.map(_measure, [(side, index) for index in range(count, count + 4 * workers)], chunksize=1)
        begin = time.perf_counter()
        parts = pool.map(_measure, [(side, index) for index in range(count)], chunksize=1)
        wall = time.perf_counter() - begin
    seconds = [sum(part) for part in parts]
    return {
        "side_px": side,
        "count": count,
        "workers": workers,
        "wall_per_minute": round(60 * count / wall),
        "per_minute_of_free_cores": round(60 * workers / statistics.mean(seconds)),
        "write_ms": round(1e3 * statistics.mean(part[0] for part in parts), 1),
        "render_ms": round(1e3 * statistics.mean(part[1] for part in parts), 1),
        "p95_ms": round(1e3 * statistics.quantiles(seconds, n=20)[-1], 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=120)
    parser.add_argument("--sizes", type=int, nargs="+", default=[256, 512])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--json")
    arguments = parser.parse_args()
    rows = [measure(side, arguments.count, arguments.workers) for side in arguments.sizes]
    for row in rows:
        print("  ".join(f"{name} {value}" for name, value in row.items()))
    if arguments.json:
        meta = {
            "version": VERSION,
            "torch": torch.__version__,
            "machine": platform.processor() or platform.machine(),
        }
        with open(arguments.json, "w") as file:
            json.dump({"rows": rows, "meta": meta}, file, indent=1)


if __name__ == "__main__":
    main()
