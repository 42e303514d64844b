"""Precision and recall of repeated drawings and of cuts, and output frames at a wrong time.

    python benchmarks/detection.py [--seeds 104:116] [--json OUT.json] [--markdown OUT.md]

Generated clips (`clips.py`) go through x264 at several qualities, with grain and flicker. The rules were
tuned on seeds below 100; from 104 on they have not been looked at. Clips of the same seeds that flicker more
are reported apart. The hand-drawn clips under
$NAKAWARI_DATA/anita are reported apart; how they were labelled is said in `anita_labels.json`.

Beside ours stand ffmpeg's mpdecimate, an SSIM threshold and a mean-difference threshold for repeats, and
PySceneDetect's adaptive, content and hash detectors for cuts (`pip install scenedetect`), each with its
own defaults; the two thresholds are the best ones for the clips that they are shown, which flatters them.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np

import clips
from nakawari.optional import available
from nakawari.timeline.cuts import find_flashes
from nakawari.timeline.detect import decide
from nakawari.timeline.measure import Measurer
from nakawari.timeline.measurements import Measurements
from nakawari.timeline.picture import reduced
from nakawari.timeline.plan import Drawing, Plan, Shot
from nakawari.timeline.retime import lay

CONDITIONS = (
    (18, 0.0, 0.0), (23, 0.0, 0.0), (28, 0.0, 0.0), (35, 0.0, 0.0),
    (23, 3.0, 0.0), (28, 4.0, 0.0), (23, 0.0, 0.012), (28, 2.5, 0.015),
)  # fmt: skip
"""x264 crf, grain (levels), flicker (relative): a clip gets the one of its seed."""

LATE = Fraction(1, 10)
"""Part of a drawing's duration by which an output frame may be off and still be in time."""


@dataclass
class Film:
    """A clip as decoded, what it really is, and what rules need of it (nothing else of it is kept)."""

    name: str
    group: str
    rate: Fraction
    truth: clips.Truth
    ours: Any
    seconds: float
    repeats: dict[str, list[float]] = field(default_factory=dict)
    cuts: dict[str, list[int]] = field(default_factory=dict)


FLICKER = 0.02
"""Of the clips that are reported apart: that of a broadcast, which poor coding (crf 28) makes uneven."""


def flickering(seed: int) -> tuple[list[Any], clips.Truth, str]:
    clean = clips.clip(seed, shots=4)
    frames = clips.encoded(clips.spoil(clean, seed + 1, flicker=FLICKER), 28)
    return frames, clean.truth, "crf 28, flicker 0.02"


def generated(seed: int) -> tuple[list[Any], clips.Truth, str]:
    crf, grain, flicker = CONDITIONS[seed % len(CONDITIONS)]
    size = (1080, 1920) if seed % 16 == 9 else (360, 640) if seed % 3 else (540, 960)
    clean = clips.clip(seed, size=size, shots=4 if size[0] > 1000 else 7)
    spoiled = clips.spoil(clean, seed + 1, grain=grain, flicker=flicker)
    group = (
        f"crf {crf}" + (f", grain {grain:g}" if grain else "") + (f", flicker {flicker:g}" if flicker else "")
    )
    return clips.encoded(spoiled, crf, preset="veryfast" if seed % 2 else "medium"), clean.truth, group


def labelled(path: Path, label: dict[str, Any]) -> tuple[list[Any], clips.Truth]:
    import av

    with av.open(str(path)) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    firsts = set(label["drawings"])
    same = tuple(n not in firsts for n in range(len(frames)))
    return frames, clips.Truth(same, tuple(label["cuts"]), frozenset(label["unsure"]))


def study(name: str, group: str, frames: list[Any], truth: clips.Truth, rate: Fraction) -> Film:
    """Run every rule over the frames."""
    measurer = Measurer()
    start = time.perf_counter()
    measurements = Measurements(measurer.add(frame) for frame in frames)
    seconds = (time.perf_counter() - start) / len(frames)
    film = Film(name, group, rate, truth, measurements, seconds)
    lumas = [reduced(frame)[0] for frame in frames]
    film.repeats["mean difference"] = [0.0, *(float(cv2.absdiff(a, b).mean()) for a, b in pairwise(lumas))]
    film.repeats["SSIM"] = [0.0, *(1 - _ssim(a, b) for a, b in pairwise(lumas))]
    if shutil.which("ffmpeg"):
        film.repeats["mpdecimate"] = _mpdecimate(frames)
    if available("scenedetect"):
        film.cuts |= _scenedetect(frames, rate)
    return film


def _ssim(a: Any, b: Any) -> float:
    """Least SSIM of 8×8 means: a mean over the picture would not see a mouth at all."""
    x, y = a.astype(np.float32), b.astype(np.float32)
    mx, my = cv2.blur(x, (8, 8)), cv2.blur(y, (8, 8))
    vx, vy = cv2.blur(x * x, (8, 8)) - mx * mx, cv2.blur(y * y, (8, 8)) - my * my
    cov = cv2.blur(x * y, (8, 8)) - mx * my
    ssim = (2 * mx * my + 6.5) * (2 * cov + 58.5) / ((mx * mx + my * my + 6.5) * (vx + vy + 58.5))
    return float(ssim.min())


def _mpdecimate(frames: Sequence[Any]) -> list[float]:
    """1 where ffmpeg's mpdecimate keeps the frame, 0 where it drops it, by its own defaults."""
    height, width = frames[0].shape[:2]
    command = [
        "ffmpeg",
        "-v",
        "debug",
        "-f",
        "rawvideo",
        "-pix_fmt",
        "rgb24",
        "-s",
        f"{width}x{height}",
        "-r",
        "24",
    ]
    command += ["-i", "-", "-vf", "format=yuv420p,mpdecimate", "-f", "null", "-"]
    with tempfile.TemporaryFile() as raw:
        for frame in frames:
            raw.write(np.ascontiguousarray(frame).tobytes())
        raw.seek(0)
        done = subprocess.run(command, stdin=raw, capture_output=True, check=True)
    verdicts = re.findall(r"(keep|drop) pts:\d+", done.stderr.decode(errors="replace"))
    if len(verdicts) != len(frames):
        raise RuntimeError(f"mpdecimate judged {len(verdicts)} of {len(frames)} frames.")
    return [float(verdict == "keep") for verdict in verdicts]


def _scenedetect(frames: Sequence[Any], rate: Fraction) -> dict[str, list[int]]:
    from scenedetect import FrameTimecode
    from scenedetect.detectors import AdaptiveDetector, ContentDetector, HashDetector

    found = {}
    for name, detector in (
        ("AdaptiveDetector", AdaptiveDetector()),
        ("ContentDetector", ContentDetector()),
        ("HashDetector", HashDetector()),
        ("AdaptiveDetector, min_scene_len 1", AdaptiveDetector(min_scene_len=1)),
    ):
        cuts = []
        for number, frame in enumerate(frames):
            bgr = np.ascontiguousarray(frame[..., ::-1])
            cuts += detector.process_frame(FrameTimecode(number, fps=float(rate)), bgr)
        last = FrameTimecode(len(frames) - 1, fps=float(rate))
        cuts += detector.post_process(last)
        found[name] = sorted({cut.frame_num for cut in cuts})
    return found


@dataclass
class Score:
    """Counts of a rule's verdicts on repeats, on cuts, and of its output frames."""

    held: int = 0
    moved: int = 0
    held_as_moved: int = 0
    moved_as_held: int = 0
    cuts: int = 0
    false_cuts: int = 0
    missed_cuts: int = 0
    slots: int = 0
    wrong: int = 0

    def row(self) -> dict[str, float | int]:
        found = self.held - self.held_as_moved
        hit = self.cuts - self.missed_cuts
        return {
            "repeat_precision": round(found / max(1, found + self.moved_as_held), 4),
            "repeat_recall": round(found / max(1, self.held), 4),
            "cut_precision": round(hit / max(1, hit + self.false_cuts), 4),
            "cut_recall": round(hit / max(1, self.cuts), 4),
            "wrong_time": round(self.wrong / max(1, self.slots), 4),
            **self.__dict__,
        }


def judge(score: Score, film: Film, shots: Sequence[Shot], drawings: Sequence[Drawing]) -> None:
    truth = film.truth
    count = len(truth.same)
    firsts, starts = {d.first for d in drawings}, {s.first for s in shots[1:]}
    for n in range(1, count):
        if n in truth.unsure or n in truth.cuts:
            continue
        score.held += truth.same[n]
        score.moved += not truth.same[n]
        score.held_as_moved += truth.same[n] and n in firsts
        score.moved_as_held += not truth.same[n] and n not in firsts
    score.cuts += len(truth.cuts)
    score.missed_cuts += len(set(truth.cuts) - starts)
    score.false_cuts += len(starts - set(truth.cuts) - truth.loose_cuts)
    wrong, slots = wrong_times(film, shots, drawings)
    score.wrong += wrong
    score.slots += slots


def wrong_times(film: Film, shots: Sequence[Shot], drawings: Sequence[Drawing]) -> tuple[int, int]:
    """Output frames at 60 a second that show another moment than with the drawings and cuts as they are."""
    truth = film.truth
    firsts = [n for n in range(len(truth.same)) if n == 0 or n in truth.cuts or not truth.same[n]]
    # frames that nobody can tell apart are taken as the rule took them
    ours = {d.first for d in drawings}
    firsts = [n for n in firsts if n not in truth.unsure or n in ours]
    real = runs(firsts, [n in truth.flashes for n in range(len(truth.same))])
    real_shots = shots_of(truth.cuts, real, film.rate)
    order = np.searchsorted(firsts, np.arange(len(truth.same)), side="right") - 1
    rate = max(Fraction(60), 2 * film.rate)
    wanted, got = (plan_of(film, s, d, rate) for s, d in ((real_shots, real), (shots, drawings)))
    wrong = 0
    for a, b in zip(wanted.slots, got.slots, strict=True):
        wrong += abs(_moment(a, order) - _moment(b, order)) > LATE
    return wrong, len(wanted.slots)


def _moment(slot: Any, order: Any) -> Fraction:
    """Which drawing a slot shows, counted from 0, with the way to the next as its fraction."""
    source = Fraction(int(order[slot.source]))
    if slot.target is None:
        return source
    return source + slot.t * (int(order[slot.target]) - source)


def plan_of(film: Film, shots: Sequence[Shot], drawings: Sequence[Drawing], rate: Fraction) -> Plan:
    count = len(film.truth.same)
    times = [n / film.rate for n in range(count)]
    return lay(times, [1 / film.rate] * count, shots, drawings, rate=rate)


def runs(firsts: Sequence[int], flashed: Sequence[bool]) -> tuple[Drawing, ...]:
    """Drawings that begin at `firsts`, of as many frames as it is said of whether they flash."""
    return tuple(Drawing(a, b - 1, flash=all(flashed[a:b])) for a, b in pairwise([*firsts, len(flashed)]))


def shots_of(cuts: Sequence[int], drawings: Sequence[Drawing], rate: Fraction) -> tuple[Shot, ...]:
    from nakawari.timeline.cadence import shot_cadence

    count = drawings[-1].last + 1
    times, durations = [n / rate for n in range(count)], [1 / rate] * count
    bounds = [0, *cuts, count]
    return tuple(
        Shot(a, b - 1, shot_cadence(times, durations, [d for d in drawings if a <= d.first < b]))
        for a, b in pairwise(bounds)
    )


def decided(film: Film, repeats: Sequence[bool] | None, cuts: Sequence[int] | None) -> Any:
    """Shots and drawings by our rule, with repeats or cuts by another where they are given."""
    count = len(film.truth.same)
    times = [n / film.rate for n in range(count)]
    shots, drawings = decide(film.ours, times, [1 / film.rate] * count, cuts="auto" if cuts is None else cuts)
    if repeats is not None:
        starts = [s.first for s in shots]
        firsts = [n for n in range(count) if n in starts or not repeats[n]]
        drawings = runs(firsts, find_flashes(film.ours))
        shots = shots_of(starts[1:], drawings, film.rate)
    return shots, drawings


def best_line(films: Sequence[Film], rule: str) -> float:
    """The threshold of a rule with the fewest wrong verdicts on these very clips."""
    pairs = [
        (film.repeats[rule][n], film.truth.same[n])
        for film in films
        for n in range(1, len(film.truth.same))
        if n not in film.truth.unsure and n not in film.truth.cuts
    ]
    values = np.array([value for value, _ in pairs])
    same = np.array([held for _, held in pairs])
    order = np.argsort(values)
    errors = np.cumsum(~same[order]) + same.sum() - np.cumsum(same[order])
    return float(values[order][np.argmin(errors)])


def table(films: Sequence[Film]) -> dict[str, dict[str, float | int]]:
    """A row for each rule."""
    rows = {"ours": Score()}
    for film in films:
        judge(rows["ours"], film, *decided(film, None, None))
    for rule in films[0].repeats:
        line = 0.5 if rule == "mpdecimate" else best_line(films, rule)
        rows[rule] = Score()
        for film in films:
            judge(rows[rule], film, *decided(film, [value <= line for value in film.repeats[rule]], None))
    for rule in films[0].cuts:
        rows[rule] = Score()
        for film in films:
            cuts = [cut for cut in film.cuts[rule] if 0 < cut < len(film.truth.same)]
            judge(rows[rule], film, *decided(film, None, cuts))
    return {name: score.row() for name, score in rows.items()}


def markdown(title: str, rows: dict[str, dict[str, float | int]]) -> str:
    keys = ("repeat_precision", "repeat_recall", "cut_precision", "cut_recall", "wrong_time")
    counts = ("held_as_moved", "moved_as_held", "false_cuts", "missed_cuts")
    first = next(iter(rows.values()))
    lines = [
        f"### {title}",
        f"{first['held']} held and {first['moved']} moved frames, {first['cuts']} cuts, "
        f"{first['slots']} output frames",
        "",
        "| rule | " + " | ".join(k.replace("_", " ") for k in (*keys, *counts)) + " |",
        "|" + "---|" * (1 + len(keys) + len(counts)),
    ]
    for name, row in rows.items():
        # a rule can still find false cuts where there is none to find; the counts say so
        shown = [not k.startswith("cut_") or row["cuts"] for k in keys]
        values = [f"{100 * row[k]:.1f} %" if s else "–" for k, s in zip(keys, shown, strict=True)]
        values += [str(row[k]) for k in counts]
        lines.append(f"| {name} | " + " | ".join(values) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", default="104:116", help="FIRST:END of generated clips; none: 0:0")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--markdown", type=Path)
    args = parser.parse_args()
    cv2.setNumThreads(2)
    begin, end = (int(word) for word in args.seeds.split(":"))
    films = [study(f"clip{seed}", group, frames, truth, Fraction(24))
             for seed in range(begin, end) for frames, truth, group in [generated(seed)]]  # fmt: skip
    tables = {}
    if films:
        tables[f"generated clips, seeds {begin} to {end - 1}"] = table(films)
        for group in sorted({film.group for film in films}):
            own = [film for film in films if film.group == group]
            tables[group] = {"ours": table(own)["ours"]}
    bright = [study(f"flicker{seed}", group, frames, truth, Fraction(24))
              for seed in range(begin, end) for frames, truth, group in [flickering(seed)]]  # fmt: skip
    if bright:
        tables[bright[0].group] = {"ours": table(bright)["ours"]}
    drawn = anita()
    if drawn:
        tables["hand-drawn clips (anita)"] = table(drawn)
    text = "\n".join(markdown(title, rows) for title, rows in tables.items())
    sizes = {film.name: round(1000 * film.seconds, 1) for film in films}
    meta = {
        "python": platform.python_version(), "machine": platform.machine(), "cores": os.cpu_count(),
        "opencv": cv2.__version__, "numpy": np.__version__, "seeds": args.seeds,
        "measure_ms_per_frame": sizes,
    }  # fmt: skip
    print(text)
    if args.markdown:
        args.markdown.write_text(text)
    if args.json:
        args.json.write_text(json.dumps({"tables": tables, "meta": meta}, indent=1) + "\n")


def anita() -> list[Film]:
    data = os.environ.get("NAKAWARI_DATA")
    if not data:
        return []
    labels = json.loads(Path(__file__).with_name("anita_labels.json").read_text())
    rate = Fraction(labels["frames_per_second"])
    films = []
    for name, label in labels["clips"].items():
        frames, truth = labelled(Path(data) / "anita" / name, label)
        films.append(study(name, "anita", frames, truth, rate))
    return films


if __name__ == "__main__":
    main()
