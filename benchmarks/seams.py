"""Pictures drawn in windows beside the same pictures drawn whole, for every row of the catalogue.

    python benchmarks/seams.py [--models NAME ...] [--size 480 848] [--tile 384] [--threads 2]
        [--json OUT.json] [--markdown OUT.md]

Networks are at full width, with the tests' random parameters: those of RIFE and FILM scaled so that flow
spans 5 to 50 px, which asks more of windows than small motion does. AnimeInterp runs without matching. Rows
that compute the same are measured once. A row without windows draws whole whatever `--tile` says.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.models import released, test_film, test_rife
from tests.models.seeded import picture

from nakawari.models import CATALOG, load

WANTED_DB = 50


def parameters(name: str, family: str) -> tuple[str, dict[str, torch.Tensor]]:
    """Rows with equal first values compute the same; the second is a file as the row's authors release it."""
    from safetensors.torch import load_file

    if family == "rife":
        twin = test_rife.twin(name)
        return twin, test_rife.official(twin, load_file(test_rife.GOLDEN))
    if family == "film":
        return family, test_film.official(load_file(test_film.GOLDEN))
    return name, released.tensors(name)


def measure(
    name: str, tensors: dict[str, torch.Tensor] | None, arguments: argparse.Namespace
) -> dict[str, Any]:
    options: dict[str, Any] = {"guide": None} if name.startswith("animeinterp") else {}
    if tensors is None:
        model = load(name, device="cpu", precision="fp32")
    else:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "weights.pkl"
            torch.save(tensors, path)
            model = load(name, path, "cpu", "fp32", **options)
    frames = picture(*arguments.size, 1), picture(*arguments.size, 2)
    made = {}
    for tile in ("off", arguments.tile):
        model.adjust(tile=tile)
        pair = model.prepare(*frames)
        made[tile] = model.at(pair, 0.5)
    difference = (made["off"] - made[arguments.tile]).abs()
    error = float(difference.double().square().mean())
    return {
        "windows": pair.tile is not None,
        "psnr": None if error == 0 else round(-10 * torch.tensor(error).log10().item(), 1),
        "most": round(255 * float(difference.max()), 4),
        "apart": float(((255 * difference).round() >= 1).float().mean()),
    }


def table(found: dict[str, dict[str, Any]], size: list[int], tile: int) -> str:
    lines = [
        "# Windows beside the whole picture",
        f"{size[1]}×{size[0]}, windows of {tile}, float32 on a CPU, random parameters (RIFE and FILM:",
        f"flow of 5 to 50 px). Wanted: over {WANTED_DB} dB. From `benchmarks/seams.py`.",
        "",
        "| rows | PSNR, dB | largest difference, levels of 255 |",
        "| --- | ---: | ---: |",
    ]
    for row in found.values():
        names = ", ".join(f"`{name}`" for name in row["rows"])
        same = "equal" if row["windows"] else "no windows"
        said = same if row["psnr"] is None else str(row["psnr"])
        lines.append(f"| {names} | {said} | {row['most']:.4f} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", nargs="+", default=[row.name for row in CATALOG])
    parser.add_argument("--size", type=int, nargs=2, default=[480, 848], metavar=("H", "W"))
    parser.add_argument("--tile", type=int, default=384)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--json", type=Path, help="results; what is in it already stays and is not measured again"
    )
    parser.add_argument("--markdown", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    found: dict[str, dict[str, Any]] = {}
    if arguments.json and arguments.json.is_file():
        found = json.loads(arguments.json.read_text())["rows"]
    for row in CATALOG:
        if row.name not in arguments.models:
            continue
        shipped = row.family not in ("rife", "film", "animeinterp")
        network, tensors = (row.name, None) if shipped else parameters(row.name, row.family)
        if network not in found:
            found[network] = {"rows": [], **measure(row.name, tensors, arguments)}
            print(row.name, found[network], flush=True)
        if row.name not in found[network]["rows"]:
            found[network]["rows"].append(row.name)
        if arguments.json:
            meta = {"size": arguments.size, "tile": arguments.tile, "torch": torch.__version__,
                    "machine": platform.processor() or platform.machine()}  # fmt: skip
            arguments.json.write_text(json.dumps({"rows": found, "meta": meta}, indent=1) + "\n")
    if arguments.markdown:
        arguments.markdown.write_text(table(found, arguments.size, arguments.tile))


if __name__ == "__main__":
    main()
