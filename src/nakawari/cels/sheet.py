"""Timesheets: which drawing of each layer is shown from which frame on.

    ×  nothing is shown          ○ ●  a drawing that is still to be made
    a blank cell holds what was shown before

Two kinds of files hold them: XDTS (`xdts.py`), which drawing programs exchange, and CSV (`sheet_csv.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nakawari.errors import MediaError, PlanError, UsageError

SUFFIXES = (".xdts", ".csv")
MOST_FRAMES = 100_000
"""More than an hour at 24 frames a second: a sheet is of one cut."""
MOST_BYTES = 64 * 2**20


@dataclass(frozen=True, slots=True)
class Cell:
    """What is shown from a frame on.

    Attributes:
        frame: from 0.
        name: of the drawing; None where nothing is shown, or the drawing has no name yet.
        tick: a drawing without a name, that is still to be made.
    """

    frame: int
    name: str | None
    tick: bool = False


@dataclass(frozen=True, slots=True)
class Track:
    """A layer's column: its cells, in order of frames."""

    name: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A cut's timesheet.

    Attributes:
        duration: frames.
        tracks: from the bottom to the top.
        cut, scene, name: what the sheet says of itself.
        source: the file's other contents (dialogue, camera), which are written back as they were.
    """

    duration: int
    tracks: tuple[Track, ...]
    cut: str = "1"
    scene: str = "1"
    name: str = ""
    source: dict[str, Any] | None = field(default=None, repr=False, compare=False)


def is_sheet(path: str | Path) -> bool:
    """Whether a file of that name is a timesheet."""
    return Path(path).suffix.lower() in SUFFIXES


def read_sheet(path: str | Path) -> Sheet:
    """Read a timesheet.

    Raises:
        MediaError: the file cannot be read. PlanError: it is no timesheet.
    """
    from nakawari.cels import sheet_csv, xdts

    place = Path(path)
    try:
        if place.stat().st_size > MOST_BYTES:
            raise PlanError(f"{path} is larger than any timesheet.")
        data = place.read_bytes()
    except OSError as error:
        raise MediaError(f"{path} cannot be read ({error.strerror}).") from error
    text = _text(data, path)
    sheet = (
        xdts.parse(text, str(path)) if place.suffix.lower() == ".xdts" else sheet_csv.parse(text, str(path))
    )
    return _checked(sheet, str(path))


def sheet_text(sheet: Sheet, path: str | Path) -> str:
    """A timesheet as the text of a file of that name.

    Raises:
        UsageError: the name's ending is not .xdts or .csv.
    """
    from nakawari.cels import sheet_csv, xdts

    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        raise UsageError(f"{path} is no name of a timesheet; wanted .xdts or .csv.")
    return xdts.text(sheet) if suffix == ".xdts" else sheet_csv.text(sheet)


def _text(data: bytes, path: str | Path) -> str:
    """Text in UTF-8 or, as older programs write it, in Shift-JIS."""
    for encoding in ("utf-8-sig", "cp932"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise PlanError(f"{path} is neither UTF-8 nor Shift-JIS text.")


def _checked(sheet: Sheet, path: str) -> Sheet:
    if not 1 <= sheet.duration <= MOST_FRAMES:
        raise PlanError(f"{path} lasts {sheet.duration} frames; wanted 1 to {MOST_FRAMES}.")
    if not sheet.tracks:
        raise PlanError(f"{path} has no layer for drawings.")
    return sheet
