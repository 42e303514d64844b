"""`nakawari data review DIR` and `nakawari data stats DIR...`: people's eyes, and numbers, on triplets."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from nakawari.errors import InputError, OutputError

if TYPE_CHECKING:
    from nakawari.data.mined.statistics import Statistics


def add_review_arguments(parser: argparse.ArgumentParser) -> None:
    """The set, and the page or the answers."""
    parser.description = (
        "Writes a page on which people keep or drop triplets and mend level, box and tags; with --merge, "
        "keeps what two of them keep and moves the rest to DIR/dropped."
    )
    parser.add_argument("folder", metavar="DIR", help="a mined set")
    parser.add_argument("-o", "--output", metavar="FILE.html", help="the page (DIR/review.html)")
    parser.add_argument("--merge", nargs="+", metavar="FILE.json", help="answers that the page saved")


def add_stats_arguments(parser: argparse.ArgumentParser) -> None:
    """The sets, and where the numbers go."""
    parser.add_argument(
        "folders", nargs="+", metavar="DIR", help="sets in ATD-12K's layout; several stand side by side"
    )
    parser.add_argument("-o", "--output", metavar="FILE.html", help="write charts")
    parser.add_argument("--json", metavar="FILE", help="write the numbers")


def review(arguments: argparse.Namespace) -> int:
    """Write the page, or merge answers."""
    from nakawari.data.mined.review import merge, page

    if arguments.merge:
        if arguments.output:
            raise InputError("--merge changes the set and writes no page; leave -o out.")
        found = merge(arguments.folder, arguments.merge)
        print(f"{arguments.folder}: {found.kept} kept, {found.dropped} dropped, {found.open} open.")
        return 0
    output = Path(arguments.output or Path(arguments.folder) / "review.html")
    _write(output, page(arguments.folder, output))
    print(output)
    return 0


def stats(arguments: argparse.Namespace) -> int:
    """Measure, print a table, write the files."""
    from nakawari.data.mined.statistics import Statistics, html, measure

    sets: list[Statistics] = []
    for folder in arguments.folders:
        for found in measure(folder):
            if isinstance(found, Statistics):
                sets.append(found)
            elif sys.stderr.isatty():
                print(f"\r{folder}: {found} triplets", end="", file=sys.stderr, flush=True)
        if sys.stderr.isatty():
            print(file=sys.stderr)
    if arguments.output:
        _write(Path(arguments.output), html(sets))
    if arguments.json:
        _write(Path(arguments.json), json.dumps([each.said() for each in sets], indent=1) + "\n")
    print("\n".join(_lines(sets)))
    return 0


def _lines(sets: list[Statistics]) -> list[str]:
    from nakawari.data.atd12k import LEVELS

    lines = []
    for each in sets:
        mean, deviation = each.flows.mean(0)
        lines.append(
            f"{each.name}: {each.count} triplets; motion {mean:.1f} px, deviation within a picture "
            f"{deviation:.1f} px (at 960 wide)"
        )
        if each.annotated:
            doubt = f" ({each.estimated} of {each.annotated} estimated)" if each.estimated else ""
            counts = [(name, each.levels[name]) for name in LEVELS] + each.tags.most_common()
            shares = ", ".join(f"{name} {100 * count / each.annotated:.0f} %" for name, count in counts)
            lines.append(f"  {shares}{doubt}")
    return lines


def _write(path: Path, text: str) -> None:
    from nakawari.checkpoints import write_atomic

    if not path.resolve().parent.is_dir():
        raise OutputError(f"the folder {path.parent} does not exist. Create it first.")
    write_atomic(path, text.encode())
