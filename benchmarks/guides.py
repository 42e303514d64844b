"""What a rough breakdown brings `cel`: procedural cels that swing off their chords, and some that do not.

    python benchmarks/guides.py [--pairs N] [--json OUT.json]
    NAKAWARI_DATA=... python benchmarks/guides.py --drawn

For each pair in-betweens at 1/4, 1/2 and 3/4 are drawn without a guide and with three roughs of the true
drawing at 1/2: its lines as they are, in pencil; rough (wobbling by 1 px, a tenth of the strokes missing, a
third drawn twice); and poor (wobbling by 3 px, a third missing). Columns: line distance x 1e5 and share of
wrong paint where something moves, means over pairs; and in how many drawings wrong paint is more than without
a guide by over half a hundredth. Prints Markdown. `--drawn`: hand-drawn triplets as in `cels.py --drawn`, and
their line distance without a guide and with a rough of the drawing between.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from cels import drawn
from nakawari.data.cels import cel_pair
from nakawari.data.roughs import rough
from nakawari.metrics.cels import wrong_paint
from nakawari.metrics.lines import chamfer
from nakawari.models import load
from nakawari.models.base import Interpolator
from nakawari.models.cel.hints import Hints

GROUPS = (
    ("flat", 16.0, 0.0),
    ("flat", 16.0, 0.6),
    ("flat", 40.0, 0.6),
    ("smooth", 16.0, 0.6),
    ("lines", 24.0, 0.6),
)
ROUGHS = {
    "its lines": {"wobble_px": 0.0, "missing": 0.0, "doubled": 0.0},
    "rough": {},
    "poor": {"wobble_px": 3.0, "missing": 0.33},
}
TIMES = (0.25, 0.5, 0.75)
SEED, MORE = 31, 0.005


def from_film(model: Interpolator) -> None:
    """Print what a rough brings between drawings by hand."""
    print("| | no guide | rough |\n| --- | ---: | ---: |")
    for index, (group, key0, truth, key1, _) in enumerate(drawn(1)):
        hints = Hints(guide=rough(truth, index))
        far = [
            1e5 * chamfer(model.at(model.prepare(key0, key1, hints=told), 0.5), truth)
            for told in (None, hints)
        ]
        print(f"| {group} {index} | {far[0]:.2f} | {far[1]:.2f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--pairs", type=int, default=4)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--drawn", action="store_true", help="hand-drawn clips instead (NAKAWARI_DATA)")
    args = parser.parse_args()
    model = load("cel", device="cpu")
    if args.drawn:
        from_film(model)
        return
    table: dict[str, dict[str, list[float]]] = {}
    for kind, far, arc in GROUPS:
        found: dict[str, list[list[tuple[float, float]]]] = {}
        for index in range(args.pairs):
            pair = cel_pair(SEED, index, kind=kind, farthest_px=far, arc=arc, times=TIMES)
            for name, how in (("no guide", None), *ROUGHS.items()):
                guide = None if how is None else Hints(guide=rough(pair.between[0.5], index, **how))
                ready = model.prepare(pair.key0, pair.key1, hints=guide)
                found.setdefault(name, []).append([])
                for t in TIMES:
                    made, truth = model.at(ready, t), pair.between[t]
                    wrong = wrong_paint(made, truth, pair.moving(t), pair.palette)
                    found[name][-1].append((1e5 * chamfer(made, truth), wrong))
        group = f"{kind}, up to {far:g} px, {'arcs' if arc else 'no arcs'}"
        columns = " | ".join(f"chamfer at {t:g} | wrong" for t in TIMES)
        print(f"\n### {group}\n\n| guide | {columns} | worse |")
        print("| --- |" + " ---: |" * (2 * len(TIMES) + 1), flush=True)
        without = np.array(found["no guide"])
        for name, rows in found.items():
            values = np.array(rows)
            worse = int((values[..., 1] > without[..., 1] + MORE).sum())
            means = values.mean(0).reshape(-1)
            table.setdefault(group, {})[name] = [*means.tolist(), worse]
            cells = " | ".join(f"{v:.3f}" for v in means)
            print(f"| {name} | {cells} | {worse} of {without[..., 1].size} |", flush=True)
    if args.json:
        args.json.write_text(json.dumps(table, indent=1) + "\n")


if __name__ == "__main__":
    main()
