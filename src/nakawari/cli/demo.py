"""Draw a short clip, smooth it, and write before, after and a contact sheet to look at."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from nakawari.cli.progress import shown
from nakawari.models import DEFAULT


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where to, and with which model."""
    parser.add_argument("-o", "--output", default="demo", metavar="DIR", help="folder to write into (demo)")
    parser.add_argument("-y", "--overwrite", action="store_true", help="replace a demo that stands there")
    parser.add_argument(
        "-m", "--model", default=DEFAULT, metavar="NAME", help=f"see `models list` ({DEFAULT})"
    )
    parser.add_argument("-q", "--quiet", action="store_true", help="say nothing but errors")


def run(arguments: argparse.Namespace) -> int:
    """Write the three files and say where they are."""
    from nakawari.pipeline.demo import demo

    with shown("none" if arguments.quiet else "bar") as progress:
        files = demo(
            Path(arguments.output),
            model=arguments.model,
            overwrite=arguments.overwrite,
            progress=progress,
        )
    if not arguments.quiet:
        print("\n".join(f"{what:<14} {path}" for what, path in files.items()), file=sys.stderr)
    return 0
