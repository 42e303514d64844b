"""Make data: procedural cartoons with exact flow, vector animations over backdrops, guides for training.

`nakawari data cartoon -o DIR --count 10000` writes shards; the same command goes on with a run that was
interrupted. `--sheet FILE.png` draws a contact sheet (frame0, middle, frame1 of each sample) instead.

`nakawari data guides DIR` matches the colour pieces of every triplet's outer frames and keeps the flow.

`nakawari data mine FILM... -o DIR` finds triplets in films; `nakawari data review DIR` writes a page to look
through them, `nakawari data stats DIR` says how much moves in them.

`nakawari data fake KIND -o DIR` writes a small set in the layout of a published one;
`nakawari data check KIND DIR` reads all of one and names what is missing or broken.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

from nakawari.cli import data_guides, data_mine, data_review, data_sets
from nakawari.cli.parser import at_least, frame_size
from nakawari.errors import InputError, OutputError


def _shared(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-o", "--output", metavar="DIR", help="folder for the shards")
    parser.add_argument("--count", type=at_least(1), default=1000, metavar="N", help="samples (default 1000)")
    parser.add_argument("--start", type=at_least(0), default=0, metavar="N", help="first sample (default 0)")
    parser.add_argument("--seed", type=at_least(0), default=0, metavar="N", help="of the stream (default 0)")
    parser.add_argument(
        "--size", type=frame_size, default=(256, 256), metavar="W[xH]", help="canvas (default 256)"
    )
    parser.add_argument("--crop", type=frame_size, metavar="W[xH]", help="augment, and crop to this size")
    parser.add_argument(
        "--per-shard", type=at_least(1), default=64, metavar="N", help="samples a file (default 64)"
    )
    parser.add_argument("--workers", type=at_least(0), default=2, metavar="N", help="processes (default 2)")
    parser.add_argument("--sheet", metavar="FILE.png", help="write a contact sheet instead of shards")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`cartoon` and `lottie`, each with where to write and how much; `guides`."""
    verbs = parser.add_subparsers(dest="what", required=True, metavar="WHAT")
    cartoon = verbs.add_parser("cartoon", help="procedural scenes with exact flow, labels and visibility")
    _shared(cartoon)
    cartoon.add_argument(
        "--keep",
        nargs="*",
        metavar="NAME",
        help="flows, masks and labels to keep, such as flow01 (default: all)",
    )
    lottie = verbs.add_parser("lottie", help="vector animations over backdrops (extra: lottie)")
    _shared(lottie)
    lottie.add_argument(
        "--archive", required=True, metavar="lottie.zip", help="the animations; index beside it"
    )
    lottie.add_argument("--held-out", action="store_true", help="those that are never trained on")
    guides = verbs.add_parser("guides", help="coarse flow of triplets, by segment-guided matching")
    data_guides.add_arguments(guides)
    mine = verbs.add_parser("mine", help="triplets from films, in the layout of ATD-12K")
    data_mine.add_arguments(mine)
    review = verbs.add_parser(
        "review", help="a page to keep or drop triplets on; merge several people's answers"
    )
    data_review.add_review_arguments(review)
    stats = verbs.add_parser("stats", help="how much moves in sets of triplets, their levels and tags")
    data_review.add_stats_arguments(stats)
    fake = verbs.add_parser("fake", help="a small set in the layout of a published one")
    data_sets.add_fake_arguments(fake)
    check = verbs.add_parser("check", help="read all of a published set, name what is missing or broken")
    data_sets.add_check_arguments(check)


OTHERS = {
    "check": data_sets.check,
    "fake": data_sets.fake,
    "guides": data_guides.run,
    "mine": data_mine.run,
    "review": data_review.review,
    "stats": data_review.stats,
}
"""What writes no shards."""


def _source(arguments: argparse.Namespace) -> tuple[Any, dict[str, str]]:
    """The stream that was asked for, and the header of its shards."""
    from nakawari.data.augment import Recipe
    from nakawari.data.sample import NAMES

    crop = arguments.crop
    recipe = None if crop is None else Recipe(crop=crop, turn=0.25 if crop[0] == crop[1] else 0.0)
    header = {"seed": str(arguments.seed), "size": str(arguments.size), "crop": str(crop)}
    if arguments.what == "cartoon":
        from nakawari.data.cartoon import VERSION, CartoonStream

        unknown = sorted(set(arguments.keep or ()) - set(NAMES))
        if unknown:
            raise InputError(f"--keep {unknown[0]} is not known; names: {', '.join(NAMES[4:])}.")
        header |= {"generator": "cartoon", "version": str(VERSION), "keep": str(arguments.keep)}
        return CartoonStream(arguments.seed, arguments.size, recipe=recipe, names=arguments.keep), header
    from nakawari.data import lottie

    header |= {"generator": "lottie", "version": str(lottie.VERSION), "held_out": str(arguments.held_out)}
    stream = lottie.LottieStream(
        arguments.archive, arguments.seed, arguments.size, held_out=arguments.held_out, recipe=recipe
    )
    return stream, header


def _sheet(path: str, source: Any, start: int, count: int) -> None:
    """Rows of two samples: frame0, middle, frame1."""
    import cv2
    import numpy as np

    strips = []
    for index in range(start, start + count):
        sample = source[index]
        frames = (sample.frame0, sample.framet, sample.frame1)
        strips.append(np.concatenate([frame.permute(1, 2, 0).numpy() for frame in frames], 1))
    if len(strips) % 2:
        strips.append(np.zeros_like(strips[0]))
    rows = [np.concatenate(strips[i : i + 2], 1) for i in range(0, len(strips), 2)]
    try:
        written = cv2.imwrite(path, np.concatenate(rows)[..., ::-1])
    except cv2.error as error:
        raise OutputError(f"cannot write {path}: {error}. Name a .png or .jpg file.") from error
    if not written:
        raise OutputError(f"cannot write {path}; is its folder there?")


def run(arguments: argparse.Namespace) -> int:
    """Write shards, a sheet or guides, and say how fast."""
    if arguments.what in OTHERS:
        return OTHERS[arguments.what](arguments)
    from nakawari.data.cartoon.stream import settle
    from nakawari.data.shards import total_bytes, write_shards

    if not arguments.output and not arguments.sheet:
        raise InputError("nowhere to write; give -o DIR, or --sheet FILE.png.")
    source, header = _source(arguments)
    if arguments.sheet:
        _sheet(arguments.sheet, source, arguments.start, arguments.count)
        print(arguments.sheet)
        return 0
    began = time.perf_counter()
    folder = Path(arguments.output)
    shards = write_shards(
        folder,
        source,
        header,
        arguments.count,
        start=arguments.start,
        per_shard=arguments.per_shard,
        workers=arguments.workers,
        settle=settle,
    )
    for number, _ in enumerate(shards, 1):
        done = min(number * arguments.per_shard, arguments.count)
        print(f"\r{done}/{arguments.count} samples", end="", file=sys.stderr, flush=True)
    seconds = time.perf_counter() - began
    size = total_bytes(folder) / 2**20
    print(f"\r{folder}: {arguments.count} samples, {size:.0f} MiB, {seconds:.0f} s.", file=sys.stderr)
    return 0
