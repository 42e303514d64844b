"""On a GPU: are our kernels and models right there, and how fast are they?

    python benchmarks/gpu.py [--models classic,fast,best] [--json OUT.json]

Splatting against the float64 reference on the CPU (value and gradients), then nanoseconds a pixel beside the
reference on the same GPU; then each model at 960×540 and 1920×1080, on the GPU against the CPU's picture.
Exits with 1 when something is not as near as float32 allows.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch

import nakawari as nk
from nakawari.ops.splat import reference, splat_sums

DEVICE = "cuda"


def inputs(channels: int, height: int, width: int, reach: float) -> tuple[torch.Tensor, ...]:
    generator = torch.Generator().manual_seed(channels * 1000 + height)
    source = torch.rand(2, channels, height, width, generator=generator)
    coarse = torch.randn(2, 2, height // 8 + 1, width // 8 + 1, generator=generator) * reach
    flow = torch.nn.functional.interpolate(coarse, size=(height, width), mode="bilinear")
    weight = torch.rand(2, 1, height, width, generator=generator)
    return source, flow, weight


def distance(found: torch.Tensor, wanted: torch.Tensor) -> float:
    """Relative to the length of what is wanted."""
    wanted = wanted.double()
    return float((found.double().cpu() - wanted).norm() / wanted.norm().clamp_min(1e-12))


def check_splat() -> dict[str, float]:
    worst: dict[str, float] = {}
    for channels, height, width, reach in ((3, 64, 96, 12.0), (1, 33, 47, 60.0), (19, 40, 40, 3.0)):
        tensors = inputs(channels, height, width, reach)
        exact = [each.double().requires_grad_() for each in tensors]
        ours = [each.to(DEVICE).requires_grad_() for each in tensors]
        pulls = [torch.rand(2, c, height, width) for c in (channels, 1)]
        wanted = reference.splat_sums(*exact)
        sum((a * b.double()).sum() for a, b in zip(wanted, pulls, strict=True)).backward()
        found = splat_sums(*ours)
        sum((a * b.to(DEVICE)).sum() for a, b in zip(found, pulls, strict=True)).backward()
        pairs = dict(zip(("sums", "mass"), zip(found, wanted, strict=True), strict=True))
        pairs |= {
            f"gradient of {name}": (a.grad, b.grad)
            for name, a, b in zip(("source", "flow", "weight"), ours, exact, strict=True)
        }
        for name, (a, b) in pairs.items():
            worst[name] = max(worst.get(name, 0.0), distance(a.detach(), b.detach()))
    return worst


def timed(work: Callable[[], object], rounds: int = 20) -> float:
    """Median seconds."""
    work()
    times = []
    for _ in range(rounds):
        torch.cuda.synchronize()
        start = time.perf_counter()
        work()
        torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return sorted(times)[rounds // 2]


def time_splat() -> list[dict[str, float]]:
    rows = []
    for channels, height, width in ((3, 540, 960), (64, 270, 480), (3, 2160, 3840)):
        tensors = [each.to(DEVICE) for each in inputs(channels, height, width, 10.0)]
        pixels = 2 * height * width
        ours = timed(lambda t=tensors: splat_sums(*t)) / pixels * 1e9
        theirs = timed(lambda t=tensors: reference.splat_sums(*t)) / pixels * 1e9
        rows.append({"channels": channels, "height": height, "ours": ours, "reference": theirs})
        print(
            f"splat {channels} ch {width}×{height}: {ours:.3f} ns/px, reference {theirs:.3f} ns/px",
            flush=True,
        )
    return rows


def pictures(height: int, width: int) -> list[object]:
    """Two frames of a scene that moves."""
    from nakawari.data.cartoon import draw

    scene = draw(11, 4, (height, width), 0.5)
    return [each.permute(1, 2, 0).contiguous().numpy() for each in (scene.frame0, scene.frame1)]


def check_model(name: str, sizes: tuple[tuple[int, int], ...]) -> list[dict[str, object]]:
    rows = []
    on_gpu, on_cpu = (nk.load(name, device=device, precision="fp32") for device in (DEVICE, "cpu"))
    for height, width in sizes:
        first, second = pictures(height, width)
        torch.cuda.reset_peak_memory_stats()
        found = on_gpu(first, second, t=0.5)
        wanted = on_cpu(first, second, t=0.5)
        difference = abs(found.astype(float) - wanted.astype(float))
        seconds = timed(lambda a=first, b=second: on_gpu(a, b, t=0.5), 5)
        pair = on_gpu.prepare(first, second)
        further = timed(lambda p=pair: on_gpu.at(p, 0.25), 5)
        peak = torch.cuda.max_memory_allocated() / 2**20
        row = {
            "model": name,
            "height": height,
            "mean difference of 255": float(difference.mean()),
            "pixels off by more than 2": float((difference.max(-1) > 2).mean()),
            "first s": seconds,
            "further s": further,
            "peak MiB": peak,
        }
        print(row, flush=True)
        rows.append(row)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", default="classic,fast,best")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    if not torch.cuda.is_available():
        sys.exit("there is no GPU that torch can use.")
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    splatting = check_splat()
    print("splat, relative distance to float64:", {k: f"{v:.1e}" for k, v in splatting.items()}, flush=True)
    wrong = [name for name, value in splatting.items() if not value < 1e-5]
    results: dict[str, object] = {"device": torch.cuda.get_device_name(), "torch": torch.__version__}
    results |= {"splat": splatting, "splat ns/px": time_splat(), "models": []}
    for name in filter(None, arguments.models.split(",")):
        rows = check_model(name, ((540, 960), (1080, 1920)))
        results["models"] += rows  # type: ignore[operator]
        wrong += [name for row in rows if not row["mean difference of 255"] < 0.1]
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1) + "\n")
    if wrong:
        sys.exit(f"not right: {', '.join(wrong)}")


if __name__ == "__main__":
    main()
