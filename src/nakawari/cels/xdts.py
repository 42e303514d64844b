"""XDTS, the exchange format of digital timesheets: a line that says so, and JSON.

Field 0 holds cels (3 dialogue, 5 camera work); track n of it has name n of its header, 0 being the lowest
layer. A frame that is not listed goes on with what was there. Frames are counted from 0; programs also write
a frame behind the last one, and frames before the first.

Source: "XDTS file format", version 1.0 (2022), Toei Animation and Celsys, as public readers describe it.
"""

from __future__ import annotations

import copy
import json
from typing import Any

from nakawari.cels.sheet import Cell, Sheet, Track
from nakawari.errors import PlanError

HEADER = "exchangeDigitalTimeSheet Save Data"
CELS = 0
EMPTY, GOES_ON = "SYMBOL_NULL_CELL", "SYMBOL_HYPHEN"
TICKS = ("SYMBOL_TICK_1", "SYMBOL_TICK_2")
VERSION = 5


def parse(text: str, path: str) -> Sheet:
    """Read a sheet.

    Raises:
        PlanError: it is no XDTS, or not a whole one.
    """
    first, _, body = text.partition("\n")
    if first.strip() != HEADER:
        raise PlanError(f"{path} is no XDTS timesheet: its first line is {first.strip()[:40]!r}.")
    try:
        values = json.loads(body)
    except (json.JSONDecodeError, RecursionError) as error:
        raise PlanError(f"{path} is not JSON after its first line: {error}.") from error
    try:
        return _sheet(values)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        if isinstance(error, PlanError):
            raise
        raise PlanError(f"{path} is not a whole XDTS timesheet ({type(error).__name__}: {error}).") from error


def _sheet(values: dict[str, Any]) -> Sheet:
    table = values["timeTables"][0]
    names: list[Any] = next((h["names"] for h in table["timeTableHeaders"] if h["fieldId"] == CELS), [])
    tracks = [track for f in table.get("fields", []) if f["fieldId"] == CELS for track in f["tracks"]]
    duration = table["duration"]
    if isinstance(duration, bool) or not isinstance(duration, int):
        raise PlanError(f"its duration is {duration!r}; wanted a whole number of frames.")
    found = [Track(str(name), ()) for name in names]
    for track in tracks:
        number = int(track["trackNo"])
        if not 0 <= number < len(names):
            raise PlanError(f"its track {number} has no name.")
        found[number] = Track(str(names[number]), _cells(track["frames"], duration))
    header = values.get("header") or {}
    return Sheet(
        duration=duration,
        tracks=tuple(found),
        cut=str(header.get("cut", "1")),
        scene=str(header.get("scene", "1")),
        name=str(table.get("name", "")),
        source=values,
    )


def _cells(frames: list[dict[str, Any]], duration: int) -> tuple[Cell, ...]:
    cells: dict[int, Cell] = {}
    for entry in sorted(frames, key=lambda entry: int(entry["frame"])):
        frame = max(0, int(entry["frame"]))
        said = entry["data"][0]["values"]
        value = str(said[0]) if said else GOES_ON
        if value == GOES_ON or frame >= duration:
            continue
        cells[frame] = Cell(frame, None if value in (EMPTY, *TICKS) else value, value in TICKS)
    return tuple(cells.values())


def text(sheet: Sheet) -> str:
    """A sheet as the text of a file; what it was read with besides cels is kept."""
    values = copy.deepcopy(sheet.source) or {}
    values.setdefault("version", VERSION)
    values["header"] = {**(values.get("header") or {}), "cut": sheet.cut, "scene": sheet.scene}
    tables = values.get("timeTables") or [{}]
    values["timeTables"] = tables
    table = tables[0]
    table.update(name=sheet.name, duration=sheet.duration)
    tracks = [
        {"trackNo": number, "frames": _frames(track, sheet.duration)}
        for number, track in enumerate(sheet.tracks)
    ]
    _replace(table, "timeTableHeaders", {"fieldId": CELS, "names": [track.name for track in sheet.tracks]})
    _replace(table, "fields", {"fieldId": CELS, "tracks": tracks})
    return f"{HEADER}\n{json.dumps(values, indent=4, ensure_ascii=False)}\n"


def _replace(table: dict[str, Any], key: str, entry: dict[str, Any]) -> None:
    others = [old for old in table.get(key) or [] if old.get("fieldId") != CELS]
    table[key] = [entry, *others]


def _frames(track: Track, duration: int) -> list[dict[str, Any]]:
    frames = [(cell.frame, TICKS[0] if cell.tick else cell.name or EMPTY) for cell in track.cells]
    frames.append((duration, EMPTY))
    return [{"frame": frame, "data": [{"id": 0, "values": [value]}]} for frame, value in frames]
