"""Between a timesheet's column and a layer: which cells are keys, which are still to be drawn, and back."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from nakawari.cels import names
from nakawari.cels.sheet import Cell, Track
from nakawari.errors import InputError, PlanError
from nakawari.pipeline.cut import Drawing, Layer, Shown, check_names
from nakawari.timeline.charts import Chart

Tokens = tuple[int | str, ...]


@dataclass(frozen=True, slots=True)
class Timing:
    """How drawings that a sheet asks for are spaced, and what is put where it asks for none.

    Attributes:
        charts: one for all pairs or one for each that is drawn; None: `even`.
        even: so many drawings as a chart.
        insert: between keys that follow each other on a sheet that asks for no drawings; None: nothing.
        exposure: frames that each of those is shown for, just before the next key.
    """

    charts: tuple[Chart, ...] | None
    even: Callable[[int], Chart]
    insert: Chart | None = None
    exposure: int = 1


def file_of(value: str, files: Sequence[Path]) -> Path | None:
    """The drawing that a sheet calls `value`: by its whole name, or what follows the prefix that all share.

    Raises:
        InputError: two files could be meant.
    """
    exact = [path for path in files if path.stem == value]
    if len(exact) == 1:
        return exact[0]
    prefix = re.sub(r"\d*$", "", _shared([path.stem for path in files]))
    wanted = _tokens(value)
    found = [path for path in files if wanted in (_tokens(path.stem), _tokens(path.stem[len(prefix) :]))]
    if len(found) > 1:
        raise InputError(
            f"{value} on the sheet could be {found[0].name} or {found[1].name} in {found[0].parent}."
        )
    return found[0] if found else None


def _shared(stems: Sequence[str]) -> str:
    """What all stems begin with."""
    low, high = min(stems), max(stems)
    same = next(
        (n for n, (a, b) in enumerate(zip(low, high, strict=False)) if a != b), min(len(low), len(high))
    )
    return low[:same]


def _tokens(text: str) -> Tokens:
    """Letters and numbers of a name, so that 1, 01 and 0001 are one."""
    return tuple(int(part) if part.isdigit() else part.lower() for part in re.findall(r"\d+|\D+", text))


@dataclass(slots=True)
class _Column:
    """A layer that is being read from a column."""

    track: Track
    files: Sequence[Path]
    timing: Timing
    keys: list[Path] = field(default_factory=list)
    drawings: list[Drawing] = field(default_factory=list)
    shown: list[Shown] = field(default_factory=list)
    waiting: list[Cell] = field(default_factory=list)
    made: dict[str, int] = field(default_factory=dict)
    drawn_pairs: int = 0
    step: int = 1

    def read(self, duration: int, loop: bool) -> Layer:
        previous: int | None = None
        inserts = self.timing.insert is not None and not self._asks()
        since = 0
        for cell in self.track.cells:
            path = None if cell.name is None else file_of(cell.name, self.files)
            if path is None and not cell.tick and cell.name is None:
                self._refuse_waiting("before an empty cell")
                previous = None
                self.shown.append(Shown(cell.frame, None))
            elif path is None:
                if cell.name in self.made and not self.waiting:
                    self.shown.append(Shown(cell.frame, self.made[str(cell.name)]))
                else:
                    self.waiting.append(cell)
            else:
                key = self._key(path)
                if self.waiting:
                    self._draw(previous, key, path.stem)
                elif inserts and previous is not None and previous != key:
                    self._insert(previous, key, path.stem, since, cell.frame)
                self.shown.append(Shown(cell.frame, len(self.drawings)))
                self.drawings.append(Drawing(path.name, key))
                previous, since = key, cell.frame
        self._end(previous, since, duration, loop, inserts)
        self.shown.sort(key=lambda shown: shown.frame)
        return Layer(
            self.track.name, tuple(self.keys), tuple(self.drawings), loop, tuple(self.shown), duration
        )

    def _asks(self) -> bool:
        """Whether the sheet asks for drawings."""
        return any(
            c.tick or (c.name is not None and file_of(c.name, self.files) is None) for c in self.track.cells
        )

    def _end(self, previous: int | None, since: int, duration: int, loop: bool, inserts: bool) -> None:
        if loop and previous is not None and self.keys:
            if self.waiting:
                self._draw(previous, 0, None)
            elif inserts and previous != 0:
                self._insert(previous, 0, None, since, duration)
        self._refuse_waiting("and no key follows")

    def _refuse_waiting(self, why: str) -> None:
        if self.waiting:
            cell = self.waiting[0]
            raise PlanError(
                f"layer {self.track.name} wants {cell.name or 'a drawing'} at frame {cell.frame + 1}, {why}; "
                "put the file of a key into its folder."
            )

    def _key(self, path: Path) -> int:
        if path not in self.keys:
            self.keys.append(path)
        return self.keys.index(path)

    def _draw(self, previous: int | None, key: int, after: str | None) -> None:
        """Lay out the drawings that wait between two keys."""
        cells, self.waiting = self.waiting, []
        if previous is None:
            self.waiting = cells
            self._refuse_waiting("and no key is before it")
        assert previous is not None
        charts, count = self.timing.charts, len(cells)
        chart = self.timing.even(count)
        if charts is not None:
            if len(charts) > 1 and self.drawn_pairs >= len(charts):
                raise PlanError(
                    f"layer {self.track.name} is given {len(charts)} charts, and draws more pairs."
                )
            chart = charts[0] if len(charts) == 1 else charts[self.drawn_pairs]
        self.drawn_pairs += 1
        if len(chart) != count:
            raise PlanError(
                f"the sheet asks for {count} drawings after {self.keys[previous].stem} in layer "
                f"{self.track.name}, and its chart has {len(chart)}; make them agree, or leave the chart out."
            )
        stems = self._stems(cells, previous, after)
        for cell, stem, t in zip(cells, stems, chart, strict=True):
            if cell.name is not None:
                self.made[cell.name] = len(self.drawings)
            self._add(stem, previous, key, t, cell.frame)

    def _insert(self, previous: int, key: int, after: str | None, since: int, until: int) -> None:
        """Put drawings between two keys, just before the second."""
        chart, exposure = self.timing.insert or (), self.timing.exposure
        first = until - len(chart) * exposure
        if chart and first <= since:
            raise PlanError(
                f"layer {self.track.name} has {until - since} frames from {self.keys[previous].stem} to the "
                f"next key; it and {len(chart)} drawings need {len(chart) * exposure + 1}."
            )
        stems, self.step = names.between(
            self.keys[previous].stem, after, len(chart), self.step, self._taken()
        )
        for number, (stem, t) in enumerate(zip(stems, chart, strict=True)):
            self._add(stem, previous, key, t, first + number * exposure)

    def _add(self, stem: str, first: int, second: int, t: object, frame: int) -> None:
        self.shown.append(Shown(frame, len(self.drawings)))
        self.drawings.append(Drawing(stem + self.keys[first].suffix, first, second, t))  # type: ignore[arg-type]

    def _taken(self) -> set[str]:
        return {path.stem for path in self.files}

    def _stems(self, cells: list[Cell], previous: int, after: str | None) -> list[str]:
        key = self.keys[previous].stem
        if all(cell.tick for cell in cells):
            stems, self.step = names.between(key, after, len(cells), self.step, self._taken())
            return stems
        return [_stem(cell.name, key) or f"{key}_{number}" for number, cell in enumerate(cells, 1)]


def _stem(value: str | None, key: str) -> str | None:
    """What a drawing that a sheet calls `value` is named beside A0001: 2 is A0002, and 1_1 is A0001_1."""
    if value is None:
        return None
    short, _, index = value.rpartition("_")
    if index.isdigit() and _tokens(short) == _tokens(_short(key)):
        return f"{key}_{index}"
    said, beside = names.Name.of(value), names.Name.of(key)
    if said is None or beside is None or said.prefix not in ("", beside.prefix):
        return value
    return f"{beside.prefix}{said.number:0{beside.width}d}{said.suffix or beside.suffix}"


def layer_of(track: Track, files: Sequence[Path], timing: Timing, duration: int, loop: bool = False) -> Layer:
    """A column of a sheet, with the drawings there are, as a layer.

    Args:
        track: the column.
        files: drawings that its cells may name; those of which there is no file are to be drawn.
        timing: where they stand.
        duration: of the sheet, frames.
        loop: what waits behind the last key leads to the first.

    Raises:
        PlanError: a drawing is wanted that does not stand between two keys, or charts do not fit.
        InputError: a cell could name two files, or two drawings one.
    """
    layer = _Column(track, files, timing).read(duration, loop)
    check_names(layer)
    return layer


def track_of(layer: Layer) -> Track:
    """A layer as a column of a sheet: drawings by their numbers where that is clear, else by their names."""
    values = [_value(layer, drawing) for drawing in layer.drawings]
    stems = [Path(drawing.name).stem for drawing in layer.drawings]
    called: dict[str, str] = {}
    for value, stem in zip(values, stems, strict=True):
        if called.setdefault(value, stem) != stem:
            values = stems
            break
    cells = [
        Cell(shown.frame, None if shown.drawing is None else values[shown.drawing]) for shown in layer.shown
    ]
    return Track(layer.name or "A", tuple(cells))


def _value(layer: Layer, drawing: Drawing) -> str:
    stem, key = Path(drawing.name).stem, layer.keys[drawing.first].stem
    return _short(key) + stem[len(key) :] if stem.startswith(f"{key}_") else _short(stem)


def _short(stem: str) -> str:
    """What a sheet calls a drawing: A0001 is 1."""
    parts = names.Name.of(stem)
    return stem if parts is None else f"{parts.number}{parts.suffix}"
