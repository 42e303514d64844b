"""Projects on disk: each edit is written, whole, before it is answered, so that a crash loses nothing."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from nakawari.errors import InputError, OutputError
from nakawari.replacing import replace_file
from nakawari.studio import guides
from nakawari.studio.project import Project

MOST_STEPS = 200
"""Edits that can be taken back."""
_ID = re.compile(r"[a-z0-9]{12}")


def default_folder() -> Path:
    """Where projects lie: the user's folder for the state of programs."""
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "nakawari" / "studio"


def new_id() -> str:
    """An id that no other project has."""
    return secrets.token_hex(6)


@dataclass(slots=True)
class Open:
    """A project that is open, with what can be taken back and done again."""

    project: Project
    revision: int = 0
    past: list[Project] = field(default_factory=list)
    future: list[Project] = field(default_factory=list)


class Store:
    """The projects of one folder; `ID/project.json`, `ID/thumbs/` and `ID/guides/` for each."""

    def __init__(self, folder: Path) -> None:
        """Make the folder.

        Raises:
            OutputError: it cannot be made.
        """
        self.folder = folder
        self._open: dict[str, Open] = {}
        self._changing = threading.RLock()
        try:
            for part in ("projects", "uploads", "exports"):
                (folder / part).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"{folder} cannot be used for projects ({error.strerror}).") from error

    def place(self, project: str) -> Path:
        """The folder of a project.

        Raises:
            InputError: it is no id.
        """
        if not _ID.fullmatch(project):
            raise InputError("there is no such project.")
        return self.folder / "projects" / project

    def guides(self, project: str) -> Path:
        """The folder of its rough breakdowns."""
        return self.place(project) / guides.FOLDER

    def get(self, project: str) -> Open:
        """A project, read from disk the first time.

        Raises:
            InputError: there is none, or its file is not whole.
        """
        if project not in self._open:
            path = self.place(project) / "project.json"
            try:
                text = path.read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError) as error:
                raise InputError("there is no such project.") from error
            self._open[project] = Open(Project.from_json(text))
            guides.sweep(self.guides(project), _pictures(self._open[project].project))
        return self._open[project]

    def add(self, project: Project, pictures: Mapping[str, bytes] = MappingProxyType({})) -> Open:
        """Keep a new project, with the pictures of its roughs."""
        for data in pictures.values():
            guides.keep(data, self.guides(project.id))
        self._save(project)
        self._open[project.id] = Open(project)
        return self._open[project.id]

    def edit(self, project: str, change: Callable[[Project], Project]) -> Open:
        """Keep what `change` makes of a project; one after the other, so that none is lost.

        Raises:
            InputError: as `change` does, or a rough names a picture that is not there.
        """
        with self._changing:
            return self.change(change(self.get(project).project))

    def change(self, project: Project) -> Open:
        """Keep the next state of a project.

        Raises:
            InputError: a rough names a picture that is not there.
        """
        with self._changing:
            entry = self.get(project.id)
            if project != entry.project:
                if project.guides != entry.project.guides:
                    guides.check_kept(_pictures(project), self.guides(project.id))
                self._save(project)
                entry.past = [*entry.past, entry.project][-MOST_STEPS:]
                entry.future = []
                entry.project = project
                entry.revision += 1
            return entry

    def step(self, project: str, back: bool) -> Open:
        """Take the last edit back, or do it again.

        Raises:
            InputError: there is nothing to take back or to do again.
        """
        with self._changing:
            entry = self.get(project)
            there, other = (entry.past, entry.future) if back else (entry.future, entry.past)
            if not there:
                raise InputError(
                    "there is nothing to take back." if back else "there is nothing to do again."
                )
            self._save(there[-1])
            other.append(entry.project)
            entry.project = there.pop()
            entry.revision += 1
            return entry

    def remove(self, project: str) -> None:
        """Forget a project; the clip stays."""
        self._open.pop(project, None)
        shutil.rmtree(self.place(project), ignore_errors=True)

    def recent(self) -> list[dict[str, Any]]:
        """Names and clips of all projects, the last changed first."""
        found = []
        for path in (self.folder / "projects").glob("*/project.json"):
            try:
                stamp = path.stat().st_mtime
                with path.open(encoding="utf-8") as file:
                    head = file.read(4096)
            except (OSError, UnicodeDecodeError):
                continue
            name = re.search(r'"name":"((?:[^"\\]|\\.)*)"', head)
            where = re.search(r'"path":"((?:[^"\\]|\\.)*)"', head)
            if name and where:
                row = {"id": path.parent.name, "name": _text(name[1]), "path": _text(where[1])}
                found.append((stamp, row | {"changed": stamp}))
        return [row for _, row in sorted(found, key=lambda pair: -pair[0])[:50]]

    def _save(self, project: Project) -> None:
        """Write a project so that after a crash the file is the old one or the new one, never half of one."""
        folder = self.place(project.id)
        try:
            folder.mkdir(exist_ok=True)
            replace_file(folder / "project.json", project.to_json().encode())
        except OSError as error:
            raise OutputError(f"the project cannot be saved ({error.strerror}).") from error


def _pictures(project: Project) -> set[str]:
    return {guide.picture for guide in project.guides.values()}


def _text(escaped: str) -> str:
    import json

    return str(json.loads(f'"{escaped}"'))
