"""List the models, or tell about one."""

from __future__ import annotations

import argparse
import json
import sys

from nakawari.models import DEFAULT, Row, find, list_models


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`list`, `info NAME`."""
    verbs = parser.add_subparsers(dest="what", required=True, metavar="list|info")
    listing = verbs.add_parser("list", help="a line for each model")
    listing.add_argument("--json", action="store_true", help="as JSON")
    info = verbs.add_parser("info", help="all that is known of one model")
    info.add_argument("name")
    info.add_argument("--json", action="store_true", help="as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Print what was asked for."""
    rows = list_models() if arguments.what == "list" else [find(arguments.name)]
    if arguments.json:
        values = [{k: getattr(row, k) for k in Row.__slots__ if k != "entry"} for row in rows]
        print(json.dumps(values if arguments.what == "list" else values[0], indent=2))
    elif arguments.what == "list":
        from rich.console import Console
        from rich.table import Table

        table = Table("model", "family", "weights", "licence", "what it is", box=None, pad_edge=False)
        for row in rows:
            mark = " (default)" if row.name == DEFAULT else ""
            table.add_row(row.name + mark, row.family, row.weights, row.licence, row.summary)
        Console(width=None if sys.stdout.isatty() else 160).print(table)
    else:
        for key in ("name", "family", "weights", "licence", "summary"):
            print(f"{key:<8} {getattr(rows[0], key)}")
    return 0
