"""List the models, tell about one, and bring weights: get, verify, import."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from nakawari.errors import ModelError, OutputError
from nakawari.models import DEFAULT, Row, find, list_models


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`list`, `info NAME`, `get NAME`, `verify`, `import FILE`."""
    verbs = parser.add_subparsers(dest="what", required=True, metavar="list|info|get|verify|import")
    listing = verbs.add_parser("list", help="a line for each model")
    listing.add_argument("--json", action="store_true", help="as JSON")
    info = verbs.add_parser("info", help="all that is known of one model")
    info.add_argument("name")
    info.add_argument("--json", action="store_true", help="as JSON")
    get = verbs.add_parser("get", help="download the weights of a model, checked, and resumed if broken off")
    get.add_argument("name", help="a model, or a starting state such as gma-sintel")
    get.add_argument("--variant", metavar="NAME", help="another training of the same model")
    get.add_argument("-q", "--quiet", action="store_true", help="no progress")
    verbs.add_parser("verify", help="check the weights that were downloaded")
    take = verbs.add_parser("import", help="turn a project's weight file into one of ours")
    take.add_argument("file", metavar="FILE", help="as the project released it")
    take.add_argument("-o", "--output", required=True, metavar="OUT", help="a .safetensors file")
    take.add_argument("--as", dest="name", metavar="NAME", help="refuse the file unless it is this model")
    take.add_argument(
        "--start", action="store_true", help="RAFT or GMA: a starting state to train animeinterp from"
    )
    take.add_argument(
        "--onto", metavar="BASE",
        help="with --start: synthesis from AnimeInterp's file, as the thesis starts (GMA over AnimeInterp)",
    )  # fmt: skip
    take.add_argument(
        "--mode", choices=("official", "paper"),
        help="with --start: do as the released code or as the papers (official for GMA over AnimeInterp)",
    )  # fmt: skip
    take.add_argument("-y", "--overwrite", action="store_true", help="replace OUT if it exists")


def run(arguments: argparse.Namespace) -> int:
    """Do what was asked for."""
    actions = {"list": _list, "info": _info, "get": _get, "verify": _verify, "import": _import}
    return actions[arguments.what](arguments)


def _values(row: Row) -> dict[str, str]:
    return {key: getattr(row, key) for key in Row.__slots__ if key != "entry"} | {"weights": _held(row)}


def _held(row: Row) -> str:
    """none, shipped, cached or absent."""
    from nakawari.models.sources import held_weights

    if row.weights != "file":
        return row.weights
    return "absent" if held_weights(row.name) is None else "cached"


def _list(arguments: argparse.Namespace) -> int:
    rows = [_values(row) for row in list_models()]
    if arguments.json:
        print(json.dumps(rows, indent=2))
        return 0
    from rich.console import Console
    from rich.table import Table

    table = Table("model", "family", "weights", "licence", "what it is", box=None, pad_edge=False)
    for row in rows:
        mark = " (default)" if row["name"] == DEFAULT else ""
        table.add_row(row["name"] + mark, row["family"], row["weights"], row["licence"], row["summary"])
    Console(width=None if sys.stdout.isatty() else 160).print(table)
    return 0


def _info(arguments: argparse.Namespace) -> int:
    from nakawari.models.sources import SOURCES, held_weights

    row = find(arguments.name)
    values = _values(row)
    held = held_weights(row.name)
    files = [
        {"variant": s.variant, "file": s.file, "url": s.url, "digest": s.digest, "note": s.note}
        for s in SOURCES
        if s.name == row.name
    ]
    if arguments.json:
        print(json.dumps(values | {"path": None if held is None else str(held), "files": files}, indent=2))
        return 0
    if row.wears:
        values["weights"] += f" (those of {row.wears})"
    for key in ("name", "family", "weights", "licence", "summary"):
        print(f"{key:<8} {values[key]}")
    if held is not None:
        print(f"{'path':<8} {held}")
    for file in files:
        print(f"{'file':<8} {file['variant'] or '-'}: {file['url'] or file['note']}")
    return 0


def _get(arguments: argparse.Namespace) -> int:
    from nakawari.cli.progress import shown
    from nakawari.models.download import get
    from nakawari.models.sources import check_digest, find_source

    source = find_source(arguments.name, arguments.variant)
    with shown("none" if arguments.quiet else "bar") as progress:
        path = get(source, progress)
    fault = check_digest(path, source)
    if fault:
        raise ModelError(f"{path} is damaged: {fault}; delete it and get it again.")
    if not source.digest:
        print("its project published no digest: the file is known by its keys alone", file=sys.stderr)
    print(path)
    return 0


def _verify(arguments: argparse.Namespace) -> int:
    from nakawari.models.sources import SOURCES, check_digest, weights_folder

    bad = 0
    for source in SOURCES:
        path = weights_folder() / source.file
        if not path.is_file():
            continue
        fault = check_digest(path, source)
        bad += bool(fault)
        print(f"{source.name:<16} {path.name}: {fault or 'whole'}")
    if bad:
        raise ModelError(f"{bad} of the files in {weights_folder()} failed; delete them and get them again.")
    return 0


def _import(arguments: argparse.Namespace) -> int:
    from nakawari.models.take import take

    out = Path(arguments.output)
    if out.suffix != ".safetensors":
        raise OutputError(f"{out} is no name for weights of ours; wanted one that ends in .safetensors.")
    if out.exists() and not arguments.overwrite:
        raise OutputError(f"{out} exists; add -y to replace it.")
    if (arguments.onto or arguments.mode) and not arguments.start:
        raise ModelError("--onto and --mode go with --start.")
    found = take(Path(arguments.file), out, arguments.name, arguments.start, arguments.onto, arguments.mode)
    print(f"{out}: {found.model}, {len(found.tensors)} tensors, from {found.source}")
    if found.ignored:
        more = len(found.ignored) - 8
        named = ", ".join(found.ignored[:8]) + (f" and {more} more" if more > 0 else "")
        print(f"left out, because inference does not use them: {named}")
    for part in found.config.get("untrained", ()):
        print(f"untrained: {part}")
    return 0
