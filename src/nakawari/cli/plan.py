"""Say what `smooth` would do and why: shots, cadence, holds, cuts, how every output frame is made."""

from __future__ import annotations

import argparse

from nakawari.cli.progress import shown
from nakawari.cli.timing import add_timing, timing


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The timing flags of `smooth`, and how to print."""
    add_timing(parser)
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="as JSON, which `smooth --plan FILE` takes back")
    form.add_argument(
        "--cuts-only", action="store_true", help="only the cuts, which `--cuts FILE` takes back"
    )
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress")
    parser.add_argument("-v", "--verbose", action="store_true", help="a line for every output frame")


def run(arguments: argparse.Namespace) -> int:
    """Print the plan."""
    from nakawari.pipeline.analyse import plan_and_times
    from nakawari.timeline.explain import explain

    with shown("none" if arguments.quiet else "bar") as progress:
        made, times = plan_and_times(arguments.input, progress=progress, **timing(arguments))
    if arguments.json:
        print(made.to_json(), end="")
    elif arguments.cuts_only:
        print("# first frames of shots")
        for shot in made.shots[1:]:
            print(shot.first)
    else:
        print(explain(made, times=times, verbose=arguments.verbose).rstrip())
    return 0
