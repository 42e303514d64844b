"""Which folders the studio may read and write: those that were opened when it was started."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nakawari.errors import InputError

MOST_ENTRIES = 2000
"""A folder is listed up to here."""
_UNSAFE = re.compile(r"[\x00-\x1f\x7f/\\:*?\"<>|%]")


@dataclass(frozen=True, slots=True)
class Roots:
    """Folders (and single files) that were opened. Links are followed before a path is judged."""

    places: tuple[Path, ...]

    @staticmethod
    def of(places: Sequence[str | Path]) -> Roots:
        """Open what exists.

        Raises:
            InputError: one does not exist.
        """
        found = []
        for place in places:
            path = Path(place).expanduser()
            if not path.exists():
                raise InputError(f"{place} does not exist; wanted folders or files to open.")
            found.append(path.resolve())
        return Roots(tuple(dict.fromkeys(found)))

    def allows(self, path: Path) -> bool:
        """Whether `path`, links followed, lies in what was opened."""
        try:
            real = path.resolve()
        except (OSError, RuntimeError):  # a link that goes round
            return False
        return any(real == root or real.is_relative_to(root) for root in self.places)

    def inside(self, text: str) -> Path:
        """A path that a page sent, as it really is.

        Raises:
            InputError: it is outside of what was opened, or no path.
        """
        if not text or "\x00" in text:
            raise InputError("no path was given.")
        path = Path(text).expanduser()
        if not path.is_absolute():
            path = self.places[0] / path
        if not self.allows(path):
            opened = ", ".join(map(str, self.places))
            raise InputError(f"{text} is outside of what was opened ({opened}); start the studio with it.")
        return path.resolve()

    def list(self, text: str | None) -> dict[str, Any]:
        """What a folder holds, for the page; the roots themselves when no folder is named."""
        if not text:
            rows = [_entry(root, str(root)) for root in self.places]
            return {"path": None, "parent": None, "entries": rows, "more": 0}
        folder = self.inside(text)
        if not folder.is_dir():
            raise InputError(f"{text} is not a folder.")
        try:
            names = sorted((p for p in folder.iterdir() if not p.name.startswith(".")), key=_order)
        except OSError as error:
            raise InputError(f"{text} cannot be read ({error.strerror}).") from error
        shown = [_entry(p, p.name) for p in names[:MOST_ENTRIES] if self.allows(p)]
        parent = folder.parent if self.allows(folder.parent) else None
        return {
            "path": str(folder),
            "parent": str(parent) if parent else "",
            "entries": shown,
            "more": max(0, len(names) - MOST_ENTRIES),
        }


def _order(path: Path) -> tuple[bool, str]:
    return not path.is_dir(), path.name.lower()


def _entry(path: Path, name: str) -> dict[str, Any]:
    from nakawari.video.images import SUFFIXES

    folder = path.is_dir()
    kind = "folder" if folder else "image" if path.suffix.lower() in SUFFIXES else "file"
    if not folder and path.suffix.lower() == ".json":
        kind = "project"
    return {"name": name, "path": str(path), "kind": kind}


def safe_name(name: str) -> str:
    """A file name that a page sent, without what could make it a path or a pattern.

    Raises:
        InputError: nothing is left of it.
    """
    kept = _UNSAFE.sub("_", name).strip(" .")[-120:]
    if not kept.strip("._ "):
        raise InputError(f"{name!r} is not a file name.")
    return kept
