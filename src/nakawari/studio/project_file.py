"""A project as one file for another machine: its JSON, with the pictures that it names inside."""

from __future__ import annotations

import base64
import binascii
import json
from pathlib import Path
from typing import Any

from nakawari.errors import InputError
from nakawari.studio.guides import check_carried, file_of
from nakawari.studio.project import Project

FIELD = "pictures"
"""Where pictures stand, by name, in base64."""


def write(project: Project, folder: Path) -> str:
    """The text of the file; `folder`: where the project's pictures lie.

    Raises:
        InputError: one of them is gone.
    """
    text = project.to_json().rstrip()
    names = sorted({guide.picture for guide in project.guides.values()})
    if not names:
        return text + "\n"
    try:
        kept = {n: base64.b64encode((folder / file_of(n)).read_bytes()).decode("ascii") for n in names}
    except OSError as error:
        raise InputError(f"a rough of the project cannot be read ({error.strerror}).") from error
    return f'{text[:-1]},"{FIELD}":{json.dumps(kept)}}}\n'


def read(text: str) -> tuple[Project, dict[str, bytes]]:
    """The project of a file, and its pictures by name.

    Raises:
        InputError: it is no project, not whole, or lacks a picture that it names.
    """
    try:
        values: Any = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise InputError(f"the project is not JSON: {error}.") from error
    project = Project.from_values(values)
    given = values.get(FIELD, {})
    names = {guide.picture for guide in project.guides.values()}
    if not isinstance(given, dict) or not names <= given.keys():
        raise InputError("the project file lacks a rough that it names.")
    pictures = {}
    for name in names:
        try:
            pictures[name] = base64.b64decode(str(given[name]), validate=True)
        except binascii.Error as error:
            raise InputError(f"the project file has a rough that is not base64 ({error}).") from error
        check_carried(name, pictures[name], (project.source.width, project.source.height))
    return project, pictures
