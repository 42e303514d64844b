"""`nakawari data fake KIND -o DIR` and `nakawari data check KIND DIR`: sets in published layouts."""

from __future__ import annotations

import argparse
import sys

from nakawari.cli.parser import at_least, frame_size

KINDS = ("atd12k", "vimeo90k-triplet", "vimeo90k-septuplet", "qvi960", "chairs", "things", "sintel")
NAMED_AT_MOST = 20
"""So many faults are named; the rest are counted."""


def add_fake_arguments(parser: argparse.ArgumentParser) -> None:
    """Which layout, where to, and how much."""
    parser.add_argument("kind", choices=KINDS, metavar="KIND", help=", ".join(KINDS))
    parser.add_argument("-o", "--output", required=True, metavar="DIR", help="folder of the set")
    parser.add_argument(
        "--count", type=at_least(2), default=8, metavar="N", help="items, the last held out (8)"
    )
    parser.add_argument(
        "--part",
        choices=("both", "train", "test"),
        default="both",
        help="of atd12k: only this one; test has annotations and coarse flow (both)",
    )
    parser.add_argument("--size", type=frame_size, metavar="W[xH]", help="of frames (as published)")
    parser.add_argument("--seed", type=at_least(0), default=0, metavar="N", help="of the scenes (0)")


def add_check_arguments(parser: argparse.ArgumentParser) -> None:
    """Which layout, and where it lies."""
    parser.add_argument("kind", choices=KINDS, metavar="KIND", help=", ".join(KINDS))
    parser.add_argument("folder", metavar="DIR", help="folder of the set")
    parser.add_argument("--split", choices=("train", "held-out", "all"), default="all", help="(all)")


def fake(arguments: argparse.Namespace) -> int:
    """Write a small set."""
    from nakawari.data.sets.fake import write_fake

    items = write_fake(
        arguments.kind,
        arguments.output,
        arguments.count,
        arguments.size,
        arguments.seed,
        part=None if arguments.part == "both" else arguments.part,
    )
    for number in items:
        print(f"\r{number + 1}/{arguments.count} items", end="", file=sys.stderr, flush=True)
    print(
        f"\r{arguments.output}: {arguments.count} drawn items in the layout of {arguments.kind}; "
        "their numbers are not its numbers.",
        file=sys.stderr,
    )
    return 0


def check(arguments: argparse.Namespace) -> int:
    """Read all of a set and say what is missing or broken; 1 where something is."""
    from nakawari.data.sets import faults, open_set
    from nakawari.data.sets.options import Options

    items = open_set(arguments.kind, arguments.folder, Options(arguments.split, early=False))
    wrong = 0
    for number, fault in enumerate(faults(items), 1):
        if fault is not None:
            wrong += 1
            if wrong <= NAMED_AT_MOST:
                print(f"\r{fault}", file=sys.stderr)
        if sys.stderr.isatty() or number == len(items):
            print(f"\r{number}/{len(items)} items", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    print(f"{arguments.folder}: {len(items)} items of {arguments.kind}, {wrong} of them broken.")
    return 1 if wrong else 0
