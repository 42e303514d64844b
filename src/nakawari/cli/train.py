"""Train a network as a TOML file says, or go on with a run that was interrupted.

The same command begins a run and goes on with it. With several GPUs:
torchrun --nproc-per-node N -m nakawari train CONFIG.toml
"""

from __future__ import annotations

import argparse
import sys

from nakawari.cli.speech import listen


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`CONFIG.toml [key=value ...]`."""
    parser.add_argument("config", metavar="CONFIG.toml", help="what to train, and how (see configs/)")
    parser.add_argument(
        "overrides",
        nargs="*",
        metavar="key=value",
        help="instead of what the file says: optim.lr=1e-4; out=DIR for folder, init=FILE for start.weights",
    )
    parser.add_argument(
        "--minutes", type=float, metavar="N", help="stop cleanly after this long (time.minutes=N)"
    )
    parser.add_argument("--print-config", action="store_true", help="print the resolved configuration only")
    parser.add_argument("-q", "--quiet", action="store_true", help="say nothing but errors")


def run(arguments: argparse.Namespace) -> int:
    """Train, and say how it ended."""
    from nakawari.allocation import claim, keep_freed
    from nakawari.train.config import read_config
    from nakawari.train.tables import to_toml

    claim()
    keep_freed()
    overrides = list(arguments.overrides)
    if arguments.minutes is not None:
        overrides.append(f"time.minutes={arguments.minutes}")
    config = read_config(arguments.config, overrides)
    if arguments.print_config:
        print(to_toml(config), end="")
        return 0
    listen(quiet=arguments.quiet, verbose=not arguments.quiet)
    from nakawari.train.loop import train

    outcome = train(config)
    if not arguments.quiet:
        words = {
            "done": "done",
            "early": "no better for long, stopped early",
            "time": "time is over",
            "signal": "stopped by a signal",
        }
        again = "" if outcome.reason in ("done", "early") else "; the same command goes on"
        print(f"{config.folder}: step {outcome.step}, {words[outcome.reason]}{again}.", file=sys.stderr)
    return 0
