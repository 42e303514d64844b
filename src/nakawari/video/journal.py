"""A render that can go on after it was cut off: what is finished, and what it belongs to.

Beside `OUT` lies the folder `OUT.resume`: `settings.json` (all that decides the result), `plan.json` once the
clip has been looked at, and the finished pieces. A piece gets its name only when it is whole and on disk, so
however a run ends, what has a name can be relied on. One run at a time holds the folder.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any

from nakawari.errors import OutputError
from nakawari.video.part import check_folder, hold

SETTINGS, PLAN, LOCK = "settings.json", "plan.json", "lock"
UNFINISHED = ".unfinished"


class Journal:
    """The folder of one render.

    Args:
        output: what is rendered.
        settings: all that decides the result, JSON-ready; a folder of other settings is refused.

    Raises:
        OutputError: the folder belongs to other settings, is held by another run, or cannot be written.
    """

    def __init__(self, output: Path, settings: dict[str, Any]) -> None:
        place = output.resolve()
        self.folder = place.with_name(place.name + ".resume")
        self._lock: IO[bytes] | None = None
        self.fresh = False
        """Whether nothing can stand from an earlier run."""
        check_folder(place.parent)
        try:
            self.folder.mkdir(exist_ok=True)
            self._lock = (self.folder / LOCK).open("ab")
        except OSError as error:
            raise OutputError(f"{self.folder} cannot be written ({error.strerror}).") from error
        try:
            hold(self._lock, output)
            self._check(settings)
        except OutputError:
            self.release()
            raise

    def _check(self, settings: dict[str, Any]) -> None:
        wanted = json.loads(json.dumps(settings))
        text = self.read(SETTINGS)
        if text is None:
            self.fresh = True
            self._clear()
            self.write(SETTINGS, (json.dumps(wanted, indent=1) + "\n").encode())
            return
        try:
            found = json.loads(text)
        except ValueError as error:
            raise OutputError(
                f"{self.folder / SETTINGS} is broken. Remove {self.folder} to begin anew."
            ) from error
        for key in sorted({*found, *wanted}):
            if found.get(key) != wanted.get(key):
                raise OutputError(
                    f"{self.folder} holds another render: {key} was {_short(found.get(key))} and is "
                    f"{_short(wanted.get(key))}. Give the same command again, or remove that folder."
                )

    def _clear(self) -> None:
        for place in self.folder.iterdir():
            if place.name != LOCK:
                place.unlink()

    def read(self, name: str) -> bytes | None:
        """What was written under `name`; None where nothing was."""
        try:
            return (self.folder / name).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise OutputError(f"{self.folder / name} cannot be read ({error.strerror}).") from error

    def write(self, name: str, data: bytes | Iterable[bytes]) -> None:
        """Write a piece, whole or not at all.

        Raises:
            OutputError: it cannot be written.
        """
        try:
            piece = Piece(self.folder, name)
            try:
                piece.file.writelines([data] if isinstance(data, bytes) else data)
                piece.commit()
            finally:
                piece.discard()
        except OSError as error:
            raise OutputError(f"{self.folder / name} cannot be written ({error.strerror}).") from error

    def release(self) -> None:
        """Let another run have the folder; what is finished stays."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def remove(self) -> None:
        """Remove the folder: the output is whole."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.release()


class Piece:
    """A file on its way, that gets its name when it is whole and on disk. All methods may raise OSError."""

    def __init__(self, folder: Path, name: str) -> None:
        self._part, self._place = folder / (name + UNFINISHED), folder / name
        self.file = self._part.open("wb")

    def commit(self, place: Path | None = None) -> None:
        """Give it its name, or that of a `place` on the same disk."""
        self.file.flush()
        os.fsync(self.file.fileno())
        self.file.close()
        os.replace(self._part, place or self._place)

    def discard(self) -> None:
        """Remove what has no name yet; safe to call at any time."""
        with contextlib.suppress(OSError):
            self.file.close()
        self._part.unlink(missing_ok=True)


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
