"""Timesheets as CSV: a row for each frame, a column for each layer.

    Frame,A,B
    1,1,1
    2,,            a blank cell goes on with what was shown
    3,○,           a drawing between, still to be made
    4,2,×          nothing is shown

Programs write two rows of headings, the kinds of the columns first (原画 keys, 台詞 dialogue, 動画 drawings):
of those with a name in the second row, the ones under 動画 are taken where it holds anything, else the keys.
"""

from __future__ import annotations

import csv
import io

from nakawari.cels.sheet import Cell, Sheet, Track
from nakawari.errors import PlanError

EMPTY, TICKS, GOES_ON = ("×", "x", "X", "✕"), ("○", "●", "◯"), ("", "-", "|", "｜", "↓", "―")
KINDS = {"keys": ("原画", "原画"), "drawings": ("動画", "动画")}
_ALL_KINDS = {"原画", "動画", "动画", "台詞", "台词", "S", "カメラ", "ACTION", "CELL", "SOUND", "CAMERA"}


def parse(text: str, path: str) -> Sheet:
    """Read a sheet.

    Raises:
        PlanError: it is none.
    """
    try:
        rows = [[cell.strip() for cell in row] for row in csv.reader(io.StringIO(text, newline="")) if row]
    except csv.Error as error:
        raise PlanError(f"{path} is not CSV: {error}.") from error
    if len(rows) < 2 or not rows[0] or rows[0][0].lower() not in ("frame", "frames", "フレーム", "コマ"):
        raise PlanError(f"{path} is no timesheet: wanted a first row such as Frame,A,B.")
    kinds, names, body = _headings(rows)
    columns = _columns(kinds, names, body)
    frames: list[list[str]] = []
    for row in body:
        if not row[0].isdigit() or int(row[0]) != len(frames) + 1:
            raise PlanError(f"{path} has {row[0]!r} where frame {len(frames) + 1} should be.")
        frames.append(row)
    tracks = [
        Track(names[column], _cells([row[column] if column < len(row) else "" for row in frames]))
        for column in columns
    ]
    return Sheet(len(frames), tuple(tracks))


def _headings(rows: list[list[str]]) -> tuple[list[str], list[str], list[list[str]]]:
    """Kinds of the columns (empty where not said), their names, and the rows of frames."""
    if rows[1][0] == "" and any(cell in _ALL_KINDS for cell in rows[0]):
        kinds, last = [], ""
        for cell in rows[0] + [""] * max(0, len(rows[1]) - len(rows[0])):
            last = cell or last
            kinds.append(last)
        return kinds, rows[1], rows[2:]
    return [""] * len(rows[0]), rows[0], rows[1:]


def _columns(kinds: list[str], names: list[str], body: list[list[str]]) -> list[int]:
    named = [n for n in range(1, len(names)) if names[n]]
    if not any(kinds):
        return named
    for wanted in (KINDS["drawings"], KINDS["keys"]):
        of_kind = [n for n in named if kinds[n] in wanted]
        if any(n < len(row) and row[n] not in GOES_ON for row in body for n in of_kind):
            return of_kind
    return []


def _cells(column: list[str]) -> tuple[Cell, ...]:
    cells = []
    for frame, value in enumerate(column):
        if value in GOES_ON:
            continue
        if value in TICKS:
            cells.append(Cell(frame, None, tick=True))
        else:
            cells.append(Cell(frame, None if value in EMPTY else value))
    return tuple(cells)


def text(sheet: Sheet) -> str:
    """A sheet as the text of a file, with a mark that tells other programs that it is UTF-8."""
    grid = [[str(frame + 1), *[""] * len(sheet.tracks)] for frame in range(sheet.duration)]
    for column, track in enumerate(sheet.tracks, 1):
        for cell in track.cells:
            grid[cell.frame][column] = TICKS[0] if cell.tick else cell.name or EMPTY[0]
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["Frame", *(track.name for track in sheet.tracks)])
    writer.writerows(grid)
    return "\ufeff" + out.getvalue()
