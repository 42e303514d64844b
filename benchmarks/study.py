"""The miniature study: every mini recipe under one budget, scored by slice, with seeds; resumed where it was.

    python benchmarks/study.py run OUT --steps 400 --seeds 0 1 2 [--only freezing rife-3]
    python benchmarks/study.py report OUT          tables and curves in Markdown [--into docs/experiments.md]
    python benchmarks/study.py compare OUT A B     triplet by triplet, and crops of where they differ most

OUT/seedN/NAME is a run folder of `nakawari train` with `scores.json` beside the weights. Experiments that go
on from a starting state name it, and it is trained first. Systems are measured on scenes that are drawn from
the held-out seed, never trained on; FILM also on photo-like ones; with NAKAWARI_DATA also on drawings of
`anita/`.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from nakawari import checkpoints
from nakawari.data.cartoon import draw
from nakawari.data.heldout import HELD_OUT_SEED
from nakawari.data.photo import PhotoStream
from nakawari.data.sample import Sample
from nakawari.errors import InputError
from nakawari.evaluation.slices import pooled, slices_of, squares
from nakawari.losses.colour_class import classes_of, wishes
from nakawari.tensors import Array, to_frame
from nakawari.train.config import read_config
from nakawari.train.interpolation import Interpolation
from nakawari.train.loop import train
from nakawari.train.scores import score

MINI = Path(__file__).parents[1] / "configs" / "mini"
SIZE = (96, 96)
FADE = "cross-fade"
BEGIN, END = "<!-- study -->", "<!-- /study -->"
EPOCHS = 6
"""Parts of a run after which it is scored, for the curves."""
DRAWINGS_SIDE = 160
GMA = ("model=animeinterp-gma", "model_config.attention=gma", "model_config.mode=official")


@dataclass(frozen=True)
class Experiment:
    """A row of a table.

    Attributes:
        name: of the run.
        recipe: in configs/mini.
        start: the run whose weights it begins with; "": as the recipe says.
        share: of the budget of steps.
        also: overrides.
        shown: whether it is a row of a table, or only a starting state.
    """

    name: str
    recipe: str
    start: str = ""
    share: float = 1.0
    also: tuple[str, ...] = ()
    shown: bool = True


def experiments() -> dict[str, tuple[Experiment, ...]]:
    """By table, each in the order in which they can be trained."""
    e = Experiment
    film = [e("film-photo", "film-vimeo-l1", share=2.0)]
    film += [
        e(f"film-{part}-{loss}", f"film-{part}-{loss}", "film-photo")
        for loss in ("l1", "vgg", "style")
        for part in ("all", "fusion", "flow", "frozen", "rates")
    ]
    return {
        "parts-and-gma": (
            e("rfr", "animeinterp-rfr-scenes", share=2.0, also=("model_config.mode=official",), shown=False),
            e("synthesis", "animeinterp-synthesis", "rfr", also=("model_config.mode=official",), shown=False),
            e("animeinterp", "animeinterp", "synthesis", also=("model_config.mode=official",)),
            e("without-sgm", "animeinterp-without-sgm", "synthesis", also=("model_config.mode=official",)),
            e("without-rfr", "animeinterp-without-rfr", "synthesis", also=("model_config.mode=official",)),
            e("animeinterp-style", "animeinterp-style", "animeinterp"),
            e("gma-rfr", "animeinterp-rfr-scenes", share=2.0, also=GMA, shown=False),
            e("gma-synthesis", "animeinterp-gma-synthesis", "gma-rfr", shown=False),
            e("gma-l1", "animeinterp-gma-l1", "gma-synthesis"),
            e("gma-style", "animeinterp-gma-style", "gma-l1"),
        ),
        "colour": (
            e("rife-base", "rife-base", share=2.0),
            e("rife-0.3", "rife-colour-0.3", share=2.0),
            e("rife-3", "rife-colour-3", share=2.0),
            e("rife-30", "rife-colour-30", "rife-3", share=0.35),
            e("rife-300", "rife-colour-300", "rife-3", share=0.35),
            e("rife-30-scratch", "rife-colour-30-scratch", share=2.0),
            e("rife-300-scratch", "rife-colour-300-scratch", share=2.0),
        ),
        "freezing": tuple(film),
    }


# -- training ------------------------------------------------------------------------------------------


def run(arguments: argparse.Namespace) -> None:
    """Train and score what is missing."""
    torch.set_num_threads(arguments.threads)
    chosen = wanted(arguments.only)
    fade = Path(arguments.out) / f"{FADE}.json"
    if not fade.exists():
        fade.parent.mkdir(parents=True, exist_ok=True)
        found = {"steps": 0, "batch": 0, "notes": {}} | measure(Fade(), torch.nn.Identity(), arguments, True)
        fade.write_text(json.dumps(found) + "\n")
    for seed in arguments.seeds:
        for each in chosen:
            one(arguments, each, seed)


def wanted(names: list[str]) -> list[Experiment]:
    """The experiments of these names or tables (all where there are none), after what they start from."""
    tables = experiments()
    known = {each.name: each for table in tables.values() for each in table}
    asked = names or list(tables)
    unknown = [name for name in asked if name not in known and name not in tables]
    if unknown:
        raise SystemExit(f"no experiment {', '.join(unknown)}; there are {', '.join([*tables, *known])}")
    chosen: dict[str, Experiment] = {}

    def choose(each: Experiment) -> None:
        if each.start:
            choose(known[each.start])
        chosen[each.name] = each

    for name in asked:
        for each in tables.get(name, (known[name],) if name in known else ()):
            choose(each)
    return list(chosen.values())


def one(arguments: argparse.Namespace, each: Experiment, seed: int) -> None:
    """Train and score one experiment of one seed, unless that was done."""
    folder = Path(arguments.out) / f"seed{seed}"
    done = folder / each.name / "scores.json"
    if done.exists():
        return
    steps = max(8, round(arguments.steps * each.share))
    overrides = [f"steps={steps}", f"seed={seed + 11}", f"out={folder / each.name}", *each.also]
    overrides += [f"every.evaluate_steps={max(1, steps // EPOCHS)}", f"compute.threads={arguments.threads}"]
    overrides += [f"compute.device={arguments.device}", f"optim.warmup_steps={max(2, steps // 20)}"]
    if each.start:
        overrides.append(f"init={folder / each.start / 'weights.safetensors'}")
    config = read_config(MINI / f"{each.recipe}.toml", overrides)
    began = time.monotonic()
    outcome = train(config)
    if outcome.reason not in ("done", "early"):
        raise SystemExit(f"{each.name} stopped at step {outcome.step}; the same command goes on")
    task = Interpolation(config, torch.device(arguments.device))
    net = task.build()
    tensors, header = checkpoints.load(folder / each.name / "weights.safetensors", torch.float32)
    checkpoints.load_strictly(net, tensors, each.name)
    net = net.to(arguments.device).eval()
    found = {"steps": steps, "batch": config.batch.size, "notes": header.notes}
    found |= measure(task, net, arguments, each.name.startswith("film"))
    done.write_text(json.dumps(found) + "\n")
    whole = found["slices"]["whole"]
    print(
        f"seed {seed} {each.name}: {steps} steps, {time.monotonic() - began:.0f} s, {whole:.2f} dB",
        flush=True,
    )


# -- measuring -----------------------------------------------------------------------------------------


class Fade:
    """The mean of both keys, measured like a system: what anything should be better than."""

    search = None
    device = torch.device("cpu")

    @property
    def family(self) -> Fade:
        """Itself."""
        return self

    def draw(self, net: torch.nn.Module, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        """[1, 3, H, W]."""
        return (batch["frame0"] + batch["frame1"]) / 2


def measure(
    task: Interpolation | Fade, net: torch.nn.Module, arguments: argparse.Namespace, photo: bool
) -> dict[str, Any]:
    """All numbers of one system."""
    found, triplets, parts = [], [], []
    guided = task.search is not None
    for number in range(arguments.scenes):
        sample, guide = scene(number, guided)
        made = drawn(task, net, sample, guide)
        truth = frame_of(sample.framet)
        parts.append(squares(made, truth, slices_of(sample)))
        triplets.append(numbers(made, truth) | {"name": f"scene{number:04d}"})
        found.append(colour_wishes(sample, made))
    slices = {name: value.psnr for name, value in pooled(parts).items()}
    result: dict[str, Any] = {
        "slices": slices,
        "scenes": means(triplets),
        "wishes": means(found),
        "triplets": triplets,
    }
    if photo:
        stream = PhotoStream(HELD_OUT_SEED, SIZE, 0.5)
        rows = [stream[number] for number in range(arguments.scenes // 4)]
        result["photo"] = means([numbers(drawn(task, net, row, None), frame_of(row.framet)) for row in rows])
    rows = []
    for name, frames in drawings(Path(arguments.out), arguments.drawings):
        sample = Sample(*(torch.from_numpy(f.transpose(2, 0, 1).copy()) for f in frames), torch.tensor(0.5))
        guide = task.search(frames[0], frames[2])["search"] if task.search is not None else None
        rows.append(numbers(drawn(task, net, sample, guide), frames[1]) | {"name": name})
    if rows:
        result["anita"] = means(rows)
        result["triplets"] += rows
    return result


@cache
def scene(number: int, guided: bool) -> tuple[Sample, Any]:
    """A held-out scene, and what segment-guided matching finds in it."""
    sample = draw(HELD_OUT_SEED, number, SIZE, 0.5)
    if not guided:
        return sample, None
    from nakawari.train.animeinterp import match

    return sample, match(frame_of(sample.frame0), frame_of(sample.frame1))


@cache
def drawings(out: Path, count: int) -> tuple[tuple[str, tuple[Array, Array, Array]], ...]:
    """Triplets of successive drawings of real clips, reduced; kept in OUT. None without NAKAWARI_DATA."""
    root = os.environ.get("NAKAWARI_DATA")
    if not root or not count:
        return ()
    kept = out / f"drawings-{count}.npz"
    if not kept.exists():
        np.savez_compressed(kept, **dict(found_in(Path(root) / "anita", count)))  # type: ignore[arg-type]
    with np.load(kept) as file:
        return tuple((name, tuple(file[name])) for name in sorted(file))  # type: ignore[misc]


def found_in(folder: Path, count: int) -> Iterator[tuple[str, Array]]:
    """The first drawings of every clip that have a neighbour on both sides: name and [3, H, W, 3]."""
    from nakawari.evaluation.data import open_data

    clips = sorted(folder.glob("*.gif"))
    each = -(-count // max(1, len(clips)))
    for clip in clips[:count]:
        try:
            for triplet in islice(open_data(f"video:{clip}"), each):
                frames = (triplet.frame0, triplet.truth, triplet.frame1)
                yield f"{clip.stem}-{triplet.name}", np.stack([reduced(frame) for frame in frames])
        except InputError as error:  # a clip of fewer than three drawings
            print(f"{clip.name}: {error}")


def reduced(frame: Array) -> Array:
    """With the longer side at DRAWINGS_SIDE."""
    scale = DRAWINGS_SIDE / max(frame.shape[:2])
    size = (round(frame.shape[1] * scale), round(frame.shape[0] * scale))
    return cv2.resize(frame, size, interpolation=cv2.INTER_AREA)


def drawn(task: Interpolation | Fade, net: torch.nn.Module, sample: Sample, guide: Any) -> Array:
    """The middle frame as users get it."""
    batch = {"frame0": sample.frame0, "frame1": sample.frame1, "t": sample.t}
    batch = {name: value[None].to(task.device) for name, value in batch.items()}
    batch = {name: value.float() / 255 if name != "t" else value for name, value in batch.items()}
    if guide is not None:
        batch |= {"search01": guide[0][None].to(task.device), "search10": guide[1][None].to(task.device)}
    with torch.no_grad():
        return to_frame(task.family.draw(net, batch).float().clamp(0, 1))


def frame_of(tensor: torch.Tensor) -> Array:
    """[3, H, W] uint8 → H×W×3."""
    return np.ascontiguousarray(tensor.permute(1, 2, 0).numpy())


def numbers(made: Array, truth: Array) -> dict[str, Any]:
    """PSNR, SSIM, line distance, and how sharp it is against the truth (mean gradient; 1 is as sharp)."""
    pair = [torch.from_numpy(x.transpose(2, 0, 1).copy())[None].float() / 255 for x in (made, truth)]
    edges = [float(x.diff(dim=2).abs().mean() + x.diff(dim=3).abs().mean()) for x in pair]
    return score(pair[0], pair[1]) | {"sharpness": edges[0] / max(edges[1], 1e-6)}


def colour_wishes(sample: Sample, made: Array) -> dict[str, float]:
    """The three wishes of the colour-class document."""
    frames = [x[None].float() / 255 for x in (sample.frame0, sample.frame1)]
    picture = torch.from_numpy(made.transpose(2, 0, 1).copy())[None].float() / 255
    assert sample.flowt0 is not None
    assert sample.visiblet0 is not None
    motion = sample.flowt0[None].float(), sample.visiblet0[None]
    found = wishes(classes_of(*frames), picture, *frames, *motion)
    return {name: float(value) for name, value in found.items()}


def means(rows: list[dict[str, Any]]) -> dict[str, float]:
    """Of all numbers."""
    names = [name for name, value in rows[0].items() if isinstance(value, float)]
    return {name: float(np.mean([row[name] for row in rows])) for name in names}


# -- reporting -----------------------------------------------------------------------------------------

Scores = dict[str, dict[int, dict[str, Any]]]
"""By experiment and seed."""


def scores(out: Path) -> Scores:
    """What was measured."""
    found: Scores = {}
    for path in sorted(out.glob("seed*/*/scores.json")):
        found.setdefault(path.parent.name, {})[int(path.parts[-3][4:])] = json.loads(path.read_text())
    if (out / f"{FADE}.json").exists():
        found[FADE] = {0: json.loads((out / f"{FADE}.json").read_text())}
    return found


def columns(table: str) -> list[tuple[str, tuple[str, str], int]]:
    """Heading, where the number is, and its decimals."""
    psnr = [
        ("whole", ("slices", "whole"), 2),
        ("out of frame", ("slices", "out-of-frame"), 2),
        ("occluded", ("slices", "occluded"), 2),
        ("large motion", ("slices", "large-motion"), 2),
        ("flat", ("slices", "flat"), 2),
    ]
    rest = [
        ("SSIM", ("scenes", "ssim"), 4),
        ("lines", ("scenes", "chamfer"), 1),
        ("sharpness", ("scenes", "sharpness"), 3),
    ]
    more = {
        "colour": [(name, ("wishes", name), 4) for name in ("distribution", "motion", "clustered")],
        "freezing": [("photo-like", ("photo", "psnr"), 2)],
    }
    return [*psnr, *rest, *more.get(table, []), ("anita", ("anita", "psnr"), 2)]


def report(arguments: argparse.Namespace) -> None:
    """Print the tables and curves."""
    out = Path(arguments.out)
    found = scores(out)
    lines: list[str] = []
    for table, members in experiments().items():
        shown = [each for each in members if each.shown and each.name in found]
        if shown:
            lines += ["", f"### {table}", *rows_of(table, shown, found)]
            lines += ["", *curves(out, shown, found)]
    every = [each.name for each in wanted([]) if each.shown]
    missing = [name for name in every if name not in found]
    if missing:
        lines += ["", f"Not run: {', '.join(missing)}."]
    if not arguments.into:
        print("\n".join(lines))
        return
    page = Path(arguments.into)
    before, begin, rest = page.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"{page} has no {BEGIN} … {END} to put the tables between")
    page.write_text(f"{before}{BEGIN}\n" + "\n".join(lines).strip() + f"\n{END}{after}")


def rows_of(
    table: str, shown: list[Experiment], found: dict[str, dict[int, dict[str, Any]]]
) -> Iterator[str]:
    heads = columns(table)
    yield "| system | steps | seeds | " + " | ".join(head for head, _, _ in heads) + " |"
    yield "| --- " * (3 + len(heads)) + "|"
    fade = [Experiment(FADE, "")] if FADE in found else []
    for each in (*fade, *shown):
        seeds = list(found[each.name].values())
        cells = [cell([seed.get(a, {}).get(b) for seed in seeds], digits) for _, (a, b), digits in heads]
        mark = " †" if any(seed["notes"].get("stand-in features") for seed in seeds) else ""
        yield f"| {each.name}{mark} | {seeds[0]['steps']} | {len(seeds)} | " + " | ".join(cells) + " |"


def cell(values: list[float | None], digits: int) -> str:
    """Mean, and ± half of the range where there are several."""
    known = [value for value in values if value is not None]
    if not known:
        return "–"
    text = f"{np.mean(known):.{digits}f}"
    return text if len(known) == 1 else f"{text} ± {(max(known) - min(known)) / 2:.{digits}f}"


def curves(out: Path, shown: list[Experiment], found: Scores) -> Iterator[str]:
    """PSNR on eight held-out scenes after each part of a run, the mean of seeds."""
    yield "| PSNR after epoch | 0 | " + " | ".join(map(str, range(1, EPOCHS + 1))) + " |"
    yield "| --- " * (EPOCHS + 2) + "|"
    for each in shown:
        runs = []
        for seed in found[each.name]:
            lines = (out / f"seed{seed}" / each.name / "metrics.jsonl").read_text().splitlines()
            rows = [json.loads(line) for line in lines]
            values = [row["psnr"] for row in rows if row.get("split") == "held-out"]
            runs.append(values[:EPOCHS] + values[-1:])  # a last odd step is scored as well
        least = min(map(len, runs))
        mean = np.mean([values[:least] for values in runs], 0)
        yield f"| {each.name} | " + " | ".join(f"{value:.2f}" for value in mean) + " |"


def compare(arguments: argparse.Namespace) -> None:
    """Differences of two systems, by triplet and by slice, of each seed; crops of the largest of one."""
    out, found = Path(arguments.out), scores(Path(arguments.out))
    one, other = (found[name] for name in (arguments.first, arguments.second))
    seeds = sorted(set(one) & set(other))
    for seed in seeds:
        values = np.array([difference for difference, _ in differences(one[seed], other[seed])])
        slices = {name: psnr - other[seed]["slices"][name] for name, psnr in one[seed]["slices"].items()}
        print(
            f"{arguments.first} − {arguments.second}, seed {seed}: {len(values)} triplets, "
            f"mean {values.mean():+.3f} dB, median {np.median(values):+.3f}, "
            f"better in {(values > 0).mean():.0%}, from {values.min():+.2f} to {values.max():+.2f}; "
            + ", ".join(f"{name} {value:+.2f}" for name, value in slices.items())
        )
    seed = seeds[0]
    pairs = differences(one[seed], other[seed])
    ordered = sorted(pair for pair in pairs if pair[1].startswith("scene"))
    chosen = [name for _, name in (*ordered[:2], *ordered[-2:])]
    rows = []
    for name in chosen:
        row = [scene(int(name[5:]), False)[0]]
        pictures = [((row[0].frame0.int() + row[0].frame1.int()) // 2).byte(), row[0].framet]
        made = [
            again(arguments, system, seed, int(name[5:])) for system in (arguments.first, arguments.second)
        ]
        rows.append(np.concatenate([*map(frame_of, pictures), *made], 1))
    sheet = cv2.resize(np.concatenate(rows, 0), None, fx=2, fy=2, interpolation=cv2.INTER_NEAREST)
    path = out / f"{arguments.first}-{arguments.second}.png"
    cv2.imwrite(str(path), sheet[..., ::-1])
    print(f"{path}: keys, truth, {arguments.first}, {arguments.second}; {', '.join(chosen)}")


def differences(one: dict[str, Any], other: dict[str, Any]) -> list[tuple[float, str]]:
    """By how many dB the first is better, and the name, of each triplet."""
    both = zip(one["triplets"], other["triplets"], strict=True)
    return [(a["psnr"] - b["psnr"], a["name"]) for a, b in both]


def again(arguments: argparse.Namespace, name: str, seed: int, number: int) -> Array:
    """A scene as a system that was trained draws it."""
    folder = Path(arguments.out) / f"seed{seed}" / name
    task = Interpolation(read_config(folder / "config.toml"), torch.device("cpu"))
    net = task.build().eval()
    tensors, _ = checkpoints.load(folder / "weights.safetensors", torch.float32)
    checkpoints.load_strictly(net, tensors, name)
    sample, guide = scene(number, task.search is not None)
    return drawn(task, net, sample, guide)


def main() -> None:
    """Parse and go."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    verbs = parser.add_subparsers(required=True)
    go = verbs.add_parser("run", help="train and score what is missing")
    go.add_argument("out")
    go.add_argument(
        "--steps", type=int, default=400, help="of an experiment (starting states have twice that)"
    )
    go.add_argument("--seeds", type=int, nargs="+", default=[0])
    go.add_argument(
        "--only",
        nargs="*",
        default=[],
        help="experiments or tables, in this order; what they start from comes first",
    )
    go.add_argument("--scenes", type=int, default=200, help="held-out scenes")
    go.add_argument("--drawings", type=int, default=30, help="triplets of anita")
    go.add_argument("--threads", type=int, default=1)
    go.add_argument("--device", default="cpu")
    go.set_defaults(run=run)
    tell = verbs.add_parser("report", help="print tables of what is there")
    tell.add_argument("out")
    tell.add_argument("--into", help="a page that has a place for them, such as docs/experiments.md")
    tell.set_defaults(run=report)
    differ = verbs.add_parser("compare", help="two systems, triplet by triplet")
    differ.add_argument("out")
    differ.add_argument("first")
    differ.add_argument("second")
    differ.set_defaults(run=compare)
    arguments = parser.parse_args()
    arguments.run(arguments)


if __name__ == "__main__":
    main()
