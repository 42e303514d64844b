"""`nakawari data atd12k -o DIR`: a small set in ATD-12K's layout, to try all that reads it."""

from __future__ import annotations

import argparse
import sys

from nakawari.cli.parser import at_least


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where to, which part, how much."""
    parser.add_argument("-o", "--output", required=True, metavar="DIR", help="gets the published folders")
    parser.add_argument(
        "--part",
        choices=("test", "train"),
        default="test",
        help="test: 960x540 with annotations and coarse flow; train: 1280x720 frames (default test)",
    )
    parser.add_argument("--count", type=at_least(1), default=6, metavar="N", help="triplets (default 6)")
    parser.add_argument("--seed", type=at_least(0), default=0, metavar="N", help="of the scenes (default 0)")


def run(arguments: argparse.Namespace) -> int:
    """Write it, and say how it goes."""
    from nakawari.data.atd12k_write import write_set

    names = write_set(arguments.output, arguments.part, arguments.count, arguments.seed)
    for number, name in enumerate(names, 1):
        print(f"{number}/{arguments.count} {name}", file=sys.stderr, flush=True)
    print(f"{arguments.output}: generated scenes in ATD-12K's layout; their numbers are not its numbers.")
    return 0
