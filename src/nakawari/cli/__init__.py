"""The command line: one file for each verb."""

from __future__ import annotations

from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run `nakawari` with `argv` (the process's arguments when None) and return its exit status."""
    from nakawari.cli.verbs import run

    return run(argv)
