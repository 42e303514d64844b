"""Pictures that were made for looking at, on disk; those not looked at for longest go first."""

from __future__ import annotations

import os
from pathlib import Path

MOST_BYTES = 2 << 30
CHECK_EVERY = 64
"""Pictures are counted after so many new ones."""


class Cache:
    """Files by project and name."""

    def __init__(self, folder: Path, most: int = MOST_BYTES) -> None:
        self._folder = folder
        self._most = most
        self._asked = 0

    def place(self, project: str, name: str) -> Path:
        """Where a picture is, or would be; `name` may be FOLDER/FILE."""
        return self._folder / project / name

    def has(self, path: Path) -> bool:
        """Whether it is there; it counts as looked at."""
        try:
            os.utime(path)
        except FileNotFoundError:
            self._asked += 1
            if self._asked % CHECK_EVERY == 0:
                self.trim()
            return False
        return True

    def trim(self) -> None:
        """Remove what was not looked at for longest, until the rest fits."""
        files = [(p.stat(), p) for p in self._folder.rglob("*.*") if p.is_file()]
        total = sum(stat.st_size for stat, _ in files)
        for stat, path in sorted(files, key=lambda pair: pair[0].st_mtime):
            if total <= self._most:
                return
            path.unlink(missing_ok=True)
            total -= stat.st_size
