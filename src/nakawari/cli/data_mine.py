"""`nakawari data mine FILM... -o DIR`: triplets from films, in the layout of ATD-12K."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from typing import TYPE_CHECKING

from nakawari.cli.parser import at_least, frame_size
from nakawari.cli.progress import shown

if TYPE_CHECKING:
    from nakawari.pipeline.mine import Mined

REASONS = {
    "alike": "two of the three are nearly the same",
    "unlike": "two of the three have little in common",
    "black": "a frame is nearly black",
    "caption": "a line of text",
    "still": "hardly anything moves",
    "pan": "the whole picture slides",
    "crowded": "more than half of the picture moves",
    "uneven": "the middle drawing is not midway",
    "enough": "its shot has given enough",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which films, where to, and what is kept."""
    parser.description = (
        "Three drawings of a shot with as many drawings between them, as ATD-12K was made (no two nearly "
        "the same or of another scene, no captions) and as the RRLD pipeline does (no pans, motion in part "
        "of the picture, the middle one midway). Level, box and type of motion are estimated, and marked "
        "so. The same command goes on with a run that was cut off."
    )
    parser.add_argument("films", nargs="+", metavar="FILM", help="a video, or a folder or pattern of images")
    parser.add_argument("-o", "--output", required=True, metavar="DIR", help="folder of the set")
    kept = parser.add_argument_group("what is kept")
    kept.add_argument("--rules", choices=("both", "atd12k", "rrld"), default="both", help="whose (both)")
    kept.add_argument(
        "--gaps", type=_gaps, default=(0, 1, 2), metavar="N,N", help="drawings left out in between (0,1,2)"
    )
    kept.add_argument("--alike", type=_share, default=0.95, metavar="SSIM", help="at most, of any two (0.95)")
    kept.add_argument(
        "--unlike", type=_share, default=0.75, metavar="SSIM", help="at least, of any two (0.75)"
    )
    kept.add_argument("--captions", action="store_true", help="keep triplets with lines of text")
    kept.add_argument(
        "--per-shot", type=at_least(0), default=0, metavar="N", help="the first N of a shot; 0: all (0)"
    )
    written = parser.add_argument_group("how it is written")
    written.add_argument("--size", type=frame_size, metavar="WxH", help="of frames (as the film's)")
    written.add_argument("--format", choices=("png", "jpg"), default="png", help="(png)")
    written.add_argument("--part", choices=("train", "test"), default="train", help="(train)")
    parser.add_argument("--workers", type=at_least(1), metavar="N", help="cores (all)")
    parser.add_argument(
        "--ray",
        metavar="ADDRESS",
        help="on a running Ray cluster: auto, HOST:PORT or ray://HOST:PORT (extra: ray)",
    )
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress")


def run(arguments: argparse.Namespace) -> int:
    """Mine, and say what was kept and what not; 1 where a film failed."""
    from nakawari.data.mined.files import Rules
    from nakawari.pipeline.mine_many import mine

    rules = Rules(
        rules=arguments.rules,
        gaps=arguments.gaps,
        alike=arguments.alike,
        unlike=arguments.unlike,
        captions=arguments.captions,
        per_shot=arguments.per_shot,
        size=arguments.size,
        form=arguments.format,
        part=arguments.part,
    )
    total: Counter[str] = Counter()
    failed = 0
    with shown("none" if arguments.quiet else "bar") as progress:
        where = {"workers": arguments.workers, "ray": arguments.ray}
        for film in mine(arguments.films, arguments.output, rules, progress=progress, **where):
            if film.mined is not None:
                total += film.mined.counts
                print(_line(film.mined), file=sys.stderr)
            else:
                failed += 1
                said = str(film.error)
                print(said if film.source in said else f"{film.source}: {said}", file=sys.stderr)
    print(_summary(arguments.output, total), end="")
    return 1 if failed else 0


def _line(mined: Mined) -> str:
    done = "" if mined.new else " (was done before)"
    return f"{mined.source}: {mined.counts['kept']} of {mined.counts.total()} kept{done}"


def _summary(folder: str, counts: Counter[str]) -> str:
    lines = [f"{folder}: {counts['kept']} triplets of {counts.total()} candidates; left out:"]
    lines += [f"{counts[why]:8d}  {words}" for why, words in REASONS.items() if counts[why]]
    if len(lines) == 1:
        lines = [lines[0].replace("; left out:", ".")]
    return "\n".join(lines) + "\n"


def _gaps(text: str) -> tuple[int, ...]:
    try:
        gaps = tuple(sorted({int(word) for word in text.split(",")}))
    except ValueError:
        gaps = ()
    if not gaps or gaps[0] < 0 or gaps[-1] > 8:
        raise argparse.ArgumentTypeError(f"{text!r} is not a list such as 0,1,2 of numbers from 0 to 8")
    return gaps


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not in 0..1")
    return value
