"""Files on their way into a folder: nothing there has its name until all of them are whole."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from nakawari.errors import OutputError
from nakawari.video.part import HeldFolder, check_folder

MARK = ".nakawari"
"""Stands in a folder of files on their way, so that it is known again after a crash."""


class Delivery(HeldFolder):
    """Write to `place(name)`, then `commit` or `discard`.

    Args:
        folder: where the files shall stand in the end, under names relative to it; other files there stay.
        names: all that will be written.
        sources: files that are read, which are never written over.
        overwrite: whether files that stand there may be replaced.
    """

    def __init__(
        self, folder: Path, names: Iterable[str], sources: Iterable[Path] = (), overwrite: bool = False
    ) -> None:
        """Check that everything may be written, and claim the folder.

        Raises:
            OutputError: a file stands there already, is one that is read, or nothing can be written there.
        """
        self.folder = folder.resolve()
        self.part = self.folder.with_name(self.folder.name + ".part")
        self.names = frozenset(names)
        if folder.exists() and not folder.is_dir():
            raise OutputError(f"{folder} is a file; wanted a folder.")
        read = {source.resolve() for source in sources}
        for name in sorted(self.names):
            target = self.folder / name
            if target.resolve() in read:
                raise OutputError(f"{target} is a key that is read. Choose another folder or other names.")
            if target.exists() and not overwrite:
                raise OutputError(f"{folder} holds {name} already. Choose another folder, or give -y.")
        check_folder(folder if folder.is_dir() else self.folder.parent)
        try:
            self._hold(folder)
            self._empty()
        except OSError as error:
            self._release()
            raise OutputError(f"{self.part} cannot be written ({error.strerror}).") from error
        except OutputError:
            self._release()
            raise

    def _empty(self) -> None:
        """Remove what a killed run left; refuse a folder that is not from one."""
        mark = self.part / MARK
        left = list(self.part.iterdir())
        if left and not mark.exists():
            raise OutputError(f"{self.part} is in the way and not from here. Move it elsewhere first.")
        for child in left:
            shutil.rmtree(child) if child.is_dir() else child.unlink()
        mark.touch()

    def place(self, name: str) -> Path:
        """Where to write the file that shall be called `name`."""
        assert name in self.names, name
        target = self.part / name
        target.parent.mkdir(parents=True, exist_ok=True)
        return target

    def find(self, name: str) -> Path:
        """Where the file that is or will be called `name` is now."""
        return self.part / name if name in self.names else self.folder / name

    def write(self, name: str, data: bytes | memoryview) -> None:
        """Write a whole file.

        Raises:
            OutputError: the disk is full, or the like.
        """
        try:
            self.place(name).write_bytes(data)
        except OSError as error:
            raise OutputError(f"{self.folder / name} cannot be written ({error.strerror}).") from error

    def commit(self) -> None:
        """Give every file its name.

        Raises:
            OutputError: that cannot be done.
        """
        try:
            (self.part / MARK).unlink()
            if not self.folder.exists():
                os.replace(self.part, self.folder)
            else:
                for name in sorted(self.names):
                    (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
                    os.replace(self.part / name, self.folder / name)
                shutil.rmtree(self.part)
        except OSError as error:
            raise OutputError(f"{self.folder} cannot be written ({error.strerror}).") from error
        self._release()
