"""`nakawari data guides DIR`: coarse flow for training, made once."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from nakawari.cli.parser import at_least, frame_size


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What is matched, how, and where to."""
    parser.add_argument("folder", metavar="DIR", help="DIR/NAME/frame1 and frame3, .png or .jpg")
    parser.add_argument("-o", "--output", metavar="OUT", help="OUT/NAME/ gets the guide (default: beside)")
    parser.add_argument(
        "--preset", choices=("official", "paper"), default="official", help="whose rules (default official)"
    )
    parser.add_argument(
        "--contours",
        choices=("auto", "anime", "cartoon"),
        default="auto",
        help="thresholds of the contours (default auto: estimated from each frame)",
    )
    weights = parser.add_mutually_exclusive_group()
    weights.add_argument(
        "--vgg", metavar="FILE", default="auto", help="torchvision's VGG-19 file (default: torch's cache)"
    )
    weights.add_argument(
        "--no-vgg", dest="vgg", action="store_const", const=None, help="tell pieces apart without weights"
    )
    parser.add_argument(
        "--size", type=frame_size, metavar="WxH", help="resize frames first; the published way is 960x540"
    )
    parser.add_argument(
        "--layout",
        choices=("compact", "published"),
        default="compact",
        help="one file of at most 100 kB, or guide_flo13.npy and guide_flo31.npy (default compact)",
    )
    parser.add_argument("--workers", type=at_least(0), metavar="N", help="processes (default: all cores)")
    parser.add_argument(
        "--debug-dir", metavar="DIR", help="draw segments, matches and flow of each pair there"
    )


def run(arguments: argparse.Namespace) -> int:
    """Make what is not there yet, and say how it goes."""
    from nakawari.pipeline.guides import Recipe, find_pairs, make_guides

    total = len(find_pairs(Path(arguments.folder)))
    recipe = Recipe(
        preset=arguments.preset,
        contours=arguments.contours,
        vgg=arguments.vgg,
        size=arguments.size,
        layout=arguments.layout,
        debug_dir=arguments.debug_dir,
    )
    began, made, size_bytes = time.perf_counter(), 0, 0
    for number, done in enumerate(
        make_guides(arguments.folder, arguments.output, recipe, arguments.workers), 1
    ):
        size_bytes += done.size_bytes
        if done.summary is None:
            continue
        made += 1
        pace = (time.perf_counter() - began) / made
        left = pace * (total - number)
        print(f"{number}/{total} {done.name}: {done.summary}; {left:.0f} s left", file=sys.stderr, flush=True)
    seconds = time.perf_counter() - began
    each = size_bytes / total / 1000
    print(f"{total} guides, {made} of them new, {each:.1f} kB each, {seconds:.0f} s.", file=sys.stderr)
    return 0
