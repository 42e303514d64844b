"""How much an animator would have to mend: `cel` beside `classic`, `fast` and `fast` snapped to the palette.

    NAKAWARI_DATA=... python benchmarks/cels.py [--pairs N] [--json OUT.json] [--sheet OUT.png]

Procedural cels (flat, smoothed, lines; tight and wide) have a truth pixel by pixel; hand-drawn clips have
the drawing between two others. Columns: line distance × 1e5; share of wrong paint where something moves
(procedural only); stroke width, distance in pixels of the histogram from the truth's, and how dark strokes
are, of 255; closed regions kept, made over truth; gaps, and pieces of line of at most four pixels, beyond
those of the truth; new colours, share; flagged frames. Prints Markdown.
`--sheet`: twenty tight in-betweens at full size, with `--drawn` of the hand-drawn triplets that move least
(development data, whose pictures are not ours to publish); flags are printed, and with `--keys` each stands
between its keys. `--corrections`: how many regions are matched wrongly, and how many hints it takes, each for
the largest wrong one, until all are right.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np

from nakawari.data.cels import CelPair, cel_pair
from nakawari.metrics.cels import examine, ink_distance, lines_of, snapped, stroke_width_distance, wrong_paint
from nakawari.metrics.lines import chamfer
from nakawari.models import load
from nakawari.models.cel.drawing import Drawing, take_apart
from nakawari.models.cel.hints import Hints
from nakawari.models.cel.matching import gather, match
from triplets import COLOURED, anita, line_clips

Array = np.ndarray
COLUMNS = ("chamfer", "wrong", "width", "ink", "regions", "gaps", "bits", "new", "flagged", "seconds")
GROUPS = (("flat", 6.0), ("flat", 16.0), ("flat", 40.0), ("smooth", 12.0), ("lines", 12.0))
SEED = 11


def measure(made: Array, key0: Array, truth: Array, key1: Array, wrong: float | None, seconds: float) -> dict:
    own, wanted = lines_of(made), lines_of(truth)
    check = examine(made, key0, key1, 0.5)
    return {
        "chamfer": 1e5 * chamfer(made, truth),
        "wrong": wrong,
        "width": stroke_width_distance(own, wanted),
        "ink": ink_distance(own, wanted),
        "regions": own.regions / max(1, wanted.regions),
        "gaps": own.gaps - wanted.gaps,
        "bits": own.bits - wanted.bits,
        "new": check.new_colours,
        "flagged": float(bool(check.flags())),
        "seconds": seconds,
    }


def methods() -> dict[str, Callable[[Array, Array, Array | None], Array]]:
    models = {name: load(name, device="cpu") for name in ("cel", "classic", "fast")}
    rows = {name: (lambda a, b, p, m=model: m(a, b, 0.5)) for name, model in models.items()}
    rows["fast snapped"] = lambda a, b, p: snapped(
        models["fast"](a, b, 0.5), _paints(a, b) if p is None else p
    )
    return rows


def _paints(key0: Array, key1: Array) -> Array:
    both = np.concatenate([key0.reshape(-1, 3), key1.reshape(-1, 3)])
    colours, counts = np.unique(both, axis=0, return_counts=True)
    return colours[np.argsort(-counts)[:64]]


def procedural(pairs: int) -> Iterator[tuple[str, Array, Array, Array, object]]:
    for kind, far in GROUPS:
        for index in range(pairs):
            pair = cel_pair(SEED, index, kind=kind, farthest_px=far)
            yield f"{kind}, up to {far:g} px", pair.key0, pair.between[0.5], pair.key1, pair


def drawn(pairs: int) -> Iterator[tuple[str, Array, Array, Array, object]]:
    for name, triplets in (*anita(pairs), *line_clips(pairs)):
        group = "hand-drawn, painted" if name.split("/")[1].split("_")[0] in COLOURED else "hand-drawn, lines"
        for key0, truth, key1 in triplets:
            yield group, key0, truth, key1, None


def tight(drawn: bool) -> Iterator[tuple[str, Array, Array, Array]]:
    """Twenty pairs that move little, with the drawing that is really between."""
    if not drawn:
        for index in range(20):
            pair = cel_pair(SEED + 1, index, (180, 320), farthest_px=5)
            yield f"procedural {index}", pair.key0, pair.between[0.5], pair.key1
        return
    clips = [(name, three) for name, many in (*anita(), *line_clips()) for three in quietest(many)]
    clips.sort(key=lambda row: changed(row[1]))
    for name, three in clips[:20]:
        yield name, *three


def quietest(triplets: list) -> list:
    """The two triplets of a clip that change least."""
    return sorted(triplets, key=changed)[:2]


def changed(triplet: tuple[Array, Array, Array]) -> float:
    return float(np.abs(triplet[0].astype(np.int16) - triplet[2]).mean())


def sheet(path: Path, drawn: bool, keys: bool) -> None:
    """Twenty tight in-betweens, four in a row; or each between its keys, one in a row."""
    model = load("cel", device="cpu")
    tiles = []
    for name, key0, _, key1 in tight(drawn):
        pair = model.prepare(key0, key1)
        made = model.at(pair, 0.5)
        flags = examine(made, key0, key1, 0.5).flags(model.confidence(pair))
        print(f"{name}: {', '.join(flags) or 'no flags'}", flush=True)
        tiles.append(np.concatenate([key0, made, key1], 1) if keys else made)
    height, width = (max(tile.shape[axis] for tile in tiles) for axis in (0, 1))
    tiles = [
        np.pad(t, ((0, height - t.shape[0]), (0, width - t.shape[1]), (0, 0)), constant_values=255)
        for t in tiles
    ]
    across = 1 if keys else 4
    rows = [np.concatenate(tiles[i : i + across], 1) for i in range(0, len(tiles), across)]
    cv2.imwrite(str(path), np.concatenate(rows)[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 9])


def true_partners(pair: CelPair, one: Drawing, other: Drawing) -> Array:
    """[K0]: where the exact motion brings most of each region of key 0; -1 where that is unclear."""
    height, width = one.labels.shape
    y, x = np.nonzero(~one.line)
    to = np.rint(np.stack((x, y), 1) + pair.flow01[y, x]).astype(int)
    inside = (to >= 0).all(1) & (to < (width, height)).all(1)
    y, x, to = y[inside], x[inside], to[inside]
    same = pair.paint1[to[:, 1], to[:, 0]] == pair.paint0[y, x]
    count0, count1 = len(one.regions.area), len(other.regions.area)
    code = one.labels[y, x][same].astype(int) * count1 + other.labels[to[same, 1], to[same, 0]]
    votes = np.bincount(code, minlength=count0 * count1).reshape(count0, count1)
    best, back = votes.argmax(1), votes.argmax(0)
    clear = (votes.max(1) > 0.5 * one.regions.area) & (one.regions.area >= 12)
    return np.where(clear & (back[best] == np.arange(count0)), best, -1)


def a_place(drawing: Drawing, region: int) -> tuple[float, float]:
    y, x = np.nonzero((drawing.labels == region) & ~drawing.line)
    return float(x[len(x) // 2]), float(y[len(y) // 2])


def corrections(pairs: int) -> None:
    """Print wrong matches before and after each hint."""
    for kind, far in (("flat", 40.0), ("flat", 90.0), ("lines", 40.0)):
        for index in range(pairs):
            pair = cel_pair(SEED, index, kind=kind, farthest_px=far)
            one, other = take_apart(pair.key0), take_apart(pair.key1)
            seen, truth = gather(one, other), true_partners(pair, one, other)
            known, told, left = np.flatnonzero(truth >= 0), [], []
            while True:
                found = match(one, other, seen, Hints(regions=tuple(told)) if told else None)
                wrong = known[found.partners01[known] != truth[known]]
                left.append(len(wrong))
                if not len(wrong) or len(told) >= len(known):
                    break
                largest = int(wrong[np.argmax(one.regions.area[wrong])])
                told.append((a_place(one, largest), a_place(other, int(truth[largest]))))
            print(f"{kind}, up to {far:g} px, pair {index}: {len(known)} regions, wrong {left}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--pairs", type=int, default=6)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--sheet", type=Path)
    parser.add_argument("--keys", action="store_true", help="on the sheet, each between its keys")
    parser.add_argument("--corrections", action="store_true")
    parser.add_argument("--drawn", action="store_true", help="hand-drawn clips instead (NAKAWARI_DATA)")
    args = parser.parse_args()
    if args.corrections:
        corrections(args.pairs)
        return
    if args.sheet:
        sheet(args.sheet, args.drawn, args.keys)
        return
    rows = methods()
    found: dict[str, dict[str, list[dict]]] = {}
    sources = [drawn(args.pairs) if args.drawn else procedural(args.pairs)]
    for source in sources:
        for group, key0, truth, key1, pair in source:
            for name, method in rows.items():
                start = time.perf_counter()
                made = method(key0, key1, None if pair is None else pair.palette)
                seconds = time.perf_counter() - start
                wrong = None
                if pair is not None:
                    wrong = wrong_paint(made, truth, pair.moving(0.5), pair.palette)
                row = measure(made, key0, truth, key1, wrong, seconds)
                found.setdefault(group, {}).setdefault(name, []).append(row)
    table = {
        group: {
            name: {
                c: None if many[0][c] is None else float(np.mean([one[c] for one in many])) for c in COLUMNS
            }
            for name, many in models.items()
        }
        for group, models in found.items()
    }
    for group, models in table.items():
        print(f"\n### {group}\n\n| | {' | '.join(COLUMNS)} |\n| --- |{' ---: |' * len(COLUMNS)}")
        for name, values in models.items():
            print(f"| {name} | {' | '.join('' if v is None else f'{v:.3f}' for v in values.values())} |")
    if args.json:
        args.json.write_text(json.dumps(table, indent=1) + "\n")


if __name__ == "__main__":
    main()
