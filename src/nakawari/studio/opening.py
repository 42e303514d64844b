"""From a path to a project: what kind of thing it is, whether it changed, and the job that looks at it."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from nakawari.errors import InputError, MediaError
from nakawari.studio import project_file
from nakawari.studio.crew import Crew, Job
from nakawari.studio.project import Project, Settings, Source
from nakawari.studio.roots import Roots
from nakawari.studio.store import Store, new_id
from nakawari.timeline.edit import Reading

MOST_PROJECT = 256 << 20
"""Bytes of a project file that is read."""


class Opening:
    """Opens clips and projects."""

    def __init__(self, roots: Roots, store: Store, crew: Crew) -> None:
        self._roots, self._store, self._crew = roots, store, crew

    def open(self, text: str, rate: str | None, fresh: bool = False) -> tuple[str, Job | None]:
        """Open a clip, a folder of images, or a project file.

        Args:
            text: where it lies.
            rate: frames a second of images; None: 24.
            fresh: look at the clip anew, also where there is a project of it.

        Returns:
            the id, and the job after which there is a project of that id; None where it is there already.

        Raises:
            InputError: it is outside of what was opened, or nothing that can be opened.
        """
        path = self._roots.inside(text)
        if path.suffix.lower() == ".json" and path.is_file():
            return self._project(path), None
        if path.suffix.lower() == ".psd":
            raise InputError(
                f"{path.name} holds layers, which the studio does not take apart; `inbetween` does, or open "
                "a folder with its drawings as images."
            )
        stamp = describe(path, self._roots)
        input_rate = _rate(rate)
        if not fresh:
            known = self._known(path, stamp, input_rate)
            if known:
                return known, None
        new = new_id()
        home = self._store.place(new)

        def keep(result: Any) -> dict[str, Any]:
            self._store.add(_made(new, path, stamp, input_rate, result))
            return {"id": new}

        job = self._crew.ask(
            "whole", "look",
            {"path": str(path), "input_rate": None if input_rate is None else str(input_rate),
             "thumbs": str(home / "thumbs")},
            key=f"look {path} {input_rate} {stamp}",
            about={"project": new, "title": f"Looking at {path.name}"},
            then=keep,
        )  # fmt: skip
        return str(job.about["project"]), job

    def check(self, project: Project) -> str:
        """What is wrong with the clip of a project; "" where it is the one that was looked at."""
        try:
            path = self._roots.inside(project.source.path)
            stamp = describe(path, self._roots)
        except InputError as error:
            return str(error)
        if stamp != (project.source.size, project.source.modified_ns):
            return f"{path.name} has changed since it was looked at; open it again to look anew."
        return ""

    def _known(self, path: Path, stamp: tuple[int, int], rate: Fraction | None) -> str | None:
        for row in self._store.recent():
            if row["path"] != str(path):
                continue
            try:
                source = self._store.get(row["id"]).project.source
            except InputError:
                continue
            if (source.size, source.modified_ns) == stamp and rate in (None, source.input_rate):
                return str(row["id"])
        return None

    def _project(self, path: Path) -> str:
        try:
            if path.stat().st_size > MOST_PROJECT:
                raise InputError(f"{path.name} is larger than any project.")
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{path.name} cannot be read ({error}).") from error
        project, pictures = project_file.read(text)
        self._roots.inside(project.source.path)
        return self._store.add(replace(project, id=new_id()), pictures).project.id


def describe(path: Path, roots: Roots) -> tuple[int, int]:
    """Size and time of change, by which another clip under the same name is noticed.

    Raises:
        InputError: it does not exist, or an image of a folder lies outside of what was opened.
    """
    from nakawari.video.images import find, is_images

    if not path.exists():
        raise MediaError(f"{path} does not exist.")
    files = find(path) if is_images(path) else [path]
    for file in files:
        if not roots.allows(file):
            raise InputError(f"{file} is a link to outside of what was opened.")
    stats = [file.stat() for file in files]
    return sum(s.st_size for s in stats), max(s.st_mtime_ns for s in stats)


def _made(new: str, path: Path, stamp: tuple[int, int], rate: Fraction | None, seen: Any) -> Project:
    info = seen["info"]
    reading = Reading(seen["times"], seen["durations"], seen["shots"], seen["drawings"])
    source = Source(
        str(path), *stamp, rate, info.width, info.height, info.rate,
        info.bits, info.alpha, info.sample_aspect, info.audio, seen["pictures"]
    )  # fmt: skip
    return Project(new, path.name, source, reading, reading, Settings())


def _rate(text: str | None) -> Fraction | None:
    if text in (None, ""):
        return None
    try:
        rate = Fraction(str(text))
    except (ValueError, ZeroDivisionError) as error:
        raise InputError(f"{text!r} is not a rate such as 24 or 24000/1001.") from error
    if not 0 < rate <= 1000 or math.isinf(float(rate)):
        raise InputError(f"{text} is no rate of images; wanted more than 0, at most 1000.")
    return rate
