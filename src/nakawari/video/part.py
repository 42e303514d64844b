"""Nothing stands under its name until it is whole: writing beside it, and giving the name at the end.

A file is written as `name.part`, a folder of images as `folder.part/`. What stood there before stays until
the new one is whole. A `.part` that a killed render left over is written anew.
"""

from __future__ import annotations

import fcntl
import logging
import os
import re
import shutil
from pathlib import Path
from typing import IO

from nakawari.errors import OutputError

log = logging.getLogger(__name__)


def check_free(path: Path, overwrite: bool) -> None:
    """Raise OutputError where `path` exists and may not be replaced."""
    if path.exists() and not overwrite:
        raise OutputError(
            f"{path} exists already. Choose another name, or give -y (overwrite) to replace it."
        )


def check_other(path: Path, source: str | Path | None) -> None:
    """Raise OutputError where the output is the input."""
    if source is None:
        return
    given = Path(source)
    if path.resolve() == given.resolve() or (path.exists() and given.exists() and path.samefile(given)):
        raise OutputError(f"{path} is the input itself. Choose another name for the output.")


def check_folder(folder: Path) -> None:
    """Raise OutputError unless something can be written into `folder`."""
    if not folder.is_dir():
        raise OutputError(f"the folder {folder} does not exist. Create it first.")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OutputError(f"the folder {folder} cannot be written to.")


def hold(file: IO[bytes] | int, output: Path) -> None:
    """Hold an open file until it is closed, however the process ends, so that one run at a time writes.

    Raises:
        OutputError: another run holds it.
    """
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise OutputError(f"{output} is being written by another run. Choose another name.") from error
    except OSError as error:  # a file system that knows no locks
        log.info("%s: cannot be locked (%s).", output, error.strerror)


class PartFile:
    """A file on its way: write to `part`, then `commit` or `discard`."""

    def __init__(self, path: Path, overwrite: bool) -> None:
        """Check that the file may be written, and claim its name.

        Raises:
            OutputError: it exists and may not be replaced, is a folder, or its folder cannot be written to.
        """
        self.path = path
        self.part = path.with_name(path.name + ".part")
        if path.is_dir():
            raise OutputError(f"{path} is a folder; wanted the name of a file.")
        check_free(path, overwrite)
        check_folder(path.parent)
        try:
            self._held: IO[bytes] | None = self.part.open("ab")
        except OSError as error:
            raise OutputError(f"{self.part} cannot be written ({error.strerror}).") from error
        try:
            hold(self._held, path)
            self._held.truncate(0)
        except OutputError:
            self._held.close()
            self._held = None
            raise

    def commit(self) -> None:
        """Give the file its name."""
        try:
            os.replace(self.part, self.path)
        except OSError as error:
            raise OutputError(f"{self.path} cannot be written ({error.strerror}).") from error
        self._release()

    def discard(self) -> None:
        """Remove what was written; another run's file stays."""
        if self._held is not None:
            self.part.unlink(missing_ok=True)
            self._release()

    def _release(self) -> None:
        if self._held is not None:
            self._held.close()
            self._held = None


class HeldFolder:
    """A folder `part` that one run at a time works in; its users say what it becomes."""

    part: Path
    _held: int | None = None

    def _hold(self, folder: Path) -> None:
        """Make and claim `part`, for what shall be called `folder`."""
        self.part.mkdir(exist_ok=True)
        self._held = os.open(self.part, os.O_RDONLY)
        hold(self._held, folder)

    def discard(self) -> None:
        """Remove what was written, at any time; another run's folder stays."""
        if self._held is not None:
            shutil.rmtree(self.part, ignore_errors=True)
            self._release()

    def _release(self) -> None:
        if self._held is not None:
            os.close(self._held)
            self._held = None


class PartFolder(HeldFolder):
    """A folder of numbered images on its way.

    Args:
        folder: where the images shall stand in the end; other files in it stay.
        clash: what names of files may not stand there already without `overwrite`.
        ours: what names of files a whole result replaces.
        keep: go on with the images that a killed render left.
    """

    def __init__(
        self,
        folder: Path,
        clash: re.Pattern[str],
        ours: re.Pattern[str],
        overwrite: bool,
        keep: bool = False,
    ) -> None:
        self.folder = folder.resolve()
        self.part = self.folder.with_name(self.folder.name + ".part")
        self.ours = ours
        if folder.exists() and not folder.is_dir():
            raise OutputError(f"{folder} is a file; wanted a folder for images.")
        if folder.is_dir() and not overwrite:
            for name in sorted(os.listdir(folder)):
                if clash.fullmatch(name):
                    raise OutputError(
                        f"{folder} holds {name} already. Choose another folder, or give -y (overwrite)."
                    )
        check_folder(folder if folder.is_dir() else self.folder.parent)
        try:
            self._claim(keep)
        except OutputError:
            self._release()
            raise

    def _claim(self, keep: bool) -> None:
        try:
            self._hold(self.folder)
            left = os.listdir(self.part)
            if any(not self.ours.fullmatch(name) for name in left):
                raise OutputError(f"{self.part} is in the way and not from here. Move it elsewhere first.")
            for name in [] if keep else left:
                (self.part / name).unlink()
        except OSError as error:
            raise OutputError(f"{self.part} cannot be written ({error.strerror}).") from error

    def commit(self) -> None:
        """Give the folder its name; into a folder that stands already, move the images one by one."""
        try:
            if not self.folder.exists():
                os.replace(self.part, self.folder)
                self._release()
                return
            new = set(os.listdir(self.part))
            for name in new:
                os.replace(self.part / name, self.folder / name)
            for name in os.listdir(self.folder):
                if self.ours.fullmatch(name) and name not in new:
                    (self.folder / name).unlink()
            self.part.rmdir()
        except OSError as error:
            raise OutputError(f"{self.folder} cannot be written ({error.strerror}).") from error
        self._release()

    def let_go(self) -> None:
        """Leave what was written to a later run."""
        self._release()
