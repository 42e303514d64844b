"""Open the studio: a page on this machine for looking at drawings and what lies between, and mending both."""

from __future__ import annotations

import argparse
from contextlib import suppress
from pathlib import Path

from nakawari.cli.parser import at_least


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What may be opened, and where the page is."""
    parser.add_argument(
        "path",
        nargs="*",
        metavar="PATH",
        help="folders and clips that the page may open, the first at once if it is a clip (this folder)",
    )
    parser.add_argument(
        "--port", type=at_least(0), default=7860, help="on 127.0.0.1; 0 is any free one (7860)"
    )
    parser.add_argument("--no-browser", action="store_true", help="only print the address")
    parser.add_argument("--projects", metavar="DIR", help="where projects are kept (the user's state folder)")
    parser.add_argument(
        "--upload-limit", type=at_least(1), metavar="MIB", default=4096, help="of dropped files, MiB (4096)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Serve the page until ctrl-C."""
    from nakawari.optional import need

    for module in ("starlette", "uvicorn"):
        need(module, extra="studio")
    from nakawari.studio.roots import Roots
    from nakawari.studio.server import serve
    from nakawari.studio.store import Store, default_folder
    from nakawari.studio.studio import Studio

    store = Store(Path(arguments.projects) if arguments.projects else default_folder())
    given = arguments.path or ["."]
    roots = Roots.of([*given, store.folder])
    first = _first(Path(given[0])) if arguments.path else ""
    studio = Studio(roots, store, upload_limit=arguments.upload_limit << 20, first=first)
    with suppress(KeyboardInterrupt):  # how it is ended
        serve(studio, arguments.port, lambda address: _ready(address, not arguments.no_browser))
    return 0


def _first(path: Path) -> str:
    """What the page opens at once: a file, or a folder of images."""
    from nakawari.video.images import SUFFIXES

    clip = path.is_file() or any(p.suffix.lower() in SUFFIXES for p in path.iterdir())
    return str(path.resolve()) if clip else ""


def _ready(address: str, browser: bool) -> None:
    import webbrowser

    print(f"The studio is at {address}\nCtrl-C ends it; projects are saved at every edit.", flush=True)
    if browser:
        webbrowser.open(address)
