"""A cut, planned before anything is drawn: layers of keys, and the drawings that shall stand between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

from nakawari.cels import names
from nakawari.cels.files import find_cels
from nakawari.errors import InputError, MediaError, UsageError
from nakawari.timeline.charts import Chart, charts_for


@dataclass(frozen=True, slots=True)
class Drawing:
    """One drawing of a layer, in order of time.

    Attributes:
        name: of its file, in the layer's folder.
        first: number of the key that it is (when `second` is None) or comes after.
        second: number of the key that it comes before; None: it is a key.
        t: share of the way from `first` to `second`.
    """

    name: str
    first: int
    second: int | None = None
    t: Fraction | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """From `frame` (from 0) on, the drawing of this number is shown; None: nothing is."""

    frame: int
    drawing: int | None


@dataclass(frozen=True, slots=True)
class Layer:
    """Keys on one canvas, and what stands between them.

    Attributes:
        name: also that of its folder; empty where there is only one and it has no folder of its own.
        keys: files, in order of time.
        drawings: keys and in-betweens, in order of time.
        loop: the last key moves on to the first.
        shown: what is shown when, in order of frames.
        duration: frames.
    """

    name: str
    keys: tuple[Path, ...]
    drawings: tuple[Drawing, ...]
    loop: bool = False
    shown: tuple[Shown, ...] = ()
    duration: int = 0

    def place(self, drawing: Drawing) -> str:
        """The file of a drawing, relative to the output."""
        return f"{self.name}/{drawing.name}" if self.name else drawing.name

    def pairs(self) -> list[tuple[int, int]]:
        """Keys that follow each other, whether anything stands between them or not."""
        order = [drawing.first for drawing in self.drawings if drawing.second is None]
        order += order[:1] if self.loop else []
        return list(dict.fromkeys(pairwise(order)))

    def beside(self, number: int) -> tuple[int | None, int | None]:
        """Numbers of the pairs that lead to a pair, and on from it; None where there is none.

        One that leads back to where it came from is none: it says nothing of the way.
        """
        pairs = self.pairs()
        first, second = pairs[number]
        before, after = number - 1, number + 1
        if self.loop and len(pairs) > 2:
            before, after = before % len(pairs), after % len(pairs)
        leads = before >= 0 and pairs[before][1] == first and pairs[before][0] != second
        goes_on = after < len(pairs) and pairs[after][0] == second and pairs[after][1] != first
        return before if leads else None, after if goes_on else None


def keys_of(given: Sequence[str | Path]) -> tuple[Path, ...]:
    """The files that keys, a folder or a pattern stand for.

    Several files keep the order in which they are given, unless that is merely the order in which a shell
    sorts them: then 2 comes before 10.

    Raises:
        MediaError: there are none, or one is missing. UsageError: there is only one, or one twice.
    """
    paths = [Path(one) for one in given]
    if not paths:
        raise UsageError("no keys are given; wanted two or more, a folder, a pattern, layers or a timesheet.")
    if len(paths) == 1:
        found = find_cels(paths[0])
    else:
        for path in paths:
            if path.is_dir():
                raise UsageError(f"{path} is a folder among several keys; give one folder, or files.")
            if not path.is_file():
                raise MediaError(f"{path} does not exist.")
        found = paths
        files = [path.resolve() for path in paths]
        twice = next((path for path, file in zip(paths, files, strict=True) if files.count(file) > 1), None)
        if twice is not None:
            raise UsageError(f"{twice} is given twice; wanted each key once. --loop leads back to the first.")
        if [str(p) for p in paths] == sorted(str(p) for p in paths):
            found = sorted(paths, key=lambda p: (str(p.parent), *_natural(p)))
    if len(found) < 2:
        raise UsageError(f"{found[0]} is only one key; wanted two or more.")
    return tuple(found)


def _natural(path: Path) -> tuple[object, ...]:
    from nakawari.video.images import natural

    return natural(path.name)


def lay_out(
    name: str,
    keys: Sequence[Path],
    charts: Sequence[Chart],
    loop: bool = False,
    exposure: int = 1,
    holds: Mapping[str, int] | None = None,
) -> Layer:
    """Say what will be drawn between the keys of a layer, and how it is called.

    Args:
        name: of the layer.
        keys: files, in order of time.
        charts: one for each pair, or one for all.
        loop: another pair leads from the last key to the first.
        exposure: frames that each drawing is shown for.
        holds: stem of a key → frames that it is shown for instead.

    Raises:
        PlanError: the number of charts does not fit. InputError: two drawings would have one name.
    """
    pairs = [(k, k + 1) for k in range(len(keys) - 1)]
    if loop:
        pairs.append((len(keys) - 1, 0))
    what = f"the keys of layer {name}" if name else "the keys"
    drawings: list[Drawing] = []
    step, taken = 1, {key.stem for key in keys}
    given = charts_for(charts, len(pairs), what) if pairs else ()
    for (first, second), chart in zip(pairs, given, strict=True):
        drawings.append(Drawing(keys[first].name, first))
        after = None if loop and second == 0 else keys[second].stem
        stems, step = names.between(keys[first].stem, after, len(chart), step, taken)
        drawings += [
            Drawing(stem + made_suffix(keys[first]), first, second, t)
            for stem, t in zip(stems, chart, strict=True)
        ]
    if not loop:
        drawings.append(Drawing(keys[-1].name, len(keys) - 1))
    shown, frame = [], 0
    for number, drawing in enumerate(drawings):
        shown.append(Shown(frame, number))
        held = (holds or {}).get(keys[drawing.first].stem) if drawing.second is None else None
        frame += exposure if held is None else held
    layer = Layer(name, tuple(keys), tuple(drawings), loop, tuple(shown), frame)
    check_names(layer)
    return layer


def lasting(layer: Layer, duration: int) -> Layer:
    """The same layer for `duration` frames: a loop goes round, any other stands on its last drawing."""
    rounds = range(0, duration, layer.duration) if layer.loop else range(1)
    shown = (Shown(begin + shown.frame, shown.drawing) for begin in rounds for shown in layer.shown)
    return replace(layer, shown=tuple(one for one in shown if one.frame < duration), duration=duration)


def made_suffix(key: Path) -> str:
    """The ending of drawings beside a key: its own, but PNG beside what is only read here."""
    return ".png" if key.suffix.lower() == ".psd" else key.suffix


def renamed(layer: Layer, pattern: str) -> Layer:
    """The same layer with its in-betweens (and keys, where it counts all drawings) named by a pattern.

    Raises:
        InputError: the pattern cannot be filled in, or gives one name twice.
    """
    result = replace(layer, drawings=tuple(_renamed(layer.name, layer.keys, layer.drawings, pattern)))
    check_names(result)
    return result


def _renamed(layer: str, keys: Sequence[Path], drawings: Sequence[Drawing], pattern: str) -> list[Drawing]:
    renamed, index, count = [], 0, 0
    for number, drawing in enumerate(drawings, 1):
        key = keys[drawing.first]
        between = drawing.second is not None
        index, count = (index + 1, count + 1) if between else (0, count)
        if not between and not names.names_keys(pattern):
            renamed.append(drawing)
            continue
        parts = names.Name.of(key.stem)
        after = drawing.first if drawing.second is None else drawing.second
        fields: Mapping[str, object] = {
            "layer": layer,
            "key": key.stem,
            "next": keys[after].stem,
            "prefix": parts.prefix if parts else key.stem,
            "number": parts.number if parts else 0,
            "index": index,
            "count": count,
            "drawing": number,
            "t": drawing.t or Fraction(0),
        }
        stem = names.named(pattern, fields)
        suffix = made_suffix(key) if between else key.suffix
        renamed.append(Drawing(stem + suffix, drawing.first, drawing.second, drawing.t))
    return renamed


def check_names(layer: Layer) -> None:
    """Raise InputError where two drawings of a layer would be one file on some disks."""
    seen: dict[str, Drawing] = {}
    for drawing in layer.drawings:
        other = seen.setdefault(drawing.name.lower(), drawing)
        if other is drawing:
            continue
        if other.second is None and drawing.second is None:
            first, second = layer.keys[other.first], layer.keys[drawing.first]
            if first == second:
                continue  # a key that comes again, as in a walk that goes back the way it came
            raise InputError(f"two keys are called {drawing.name}: {first} and {second}. Rename one.")
        raise InputError(
            f"two drawings would be called {drawing.name}; give another --names, such as "
            "{key}_{index}, or rename the keys."
        )
