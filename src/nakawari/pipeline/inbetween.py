"""`inbetween`: keys in, keys and the drawings between them out.

Everything is planned and checked before anything is drawn (`planning.py`), each pair is prepared once
(`desk.py`), and nothing has its name until all of it is whole (`cels.deliver`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from nakawari.cels.composite import over
from nakawari.cels.deliver import Delivery
from nakawari.cels.files import read_cel
from nakawari.cels.sheet import Sheet, is_sheet, read_sheet, sheet_text
from nakawari.errors import InputError, UsageError
from nakawari.models import DEFAULT, find, is_file, load
from nakawari.models.unsure import Unsure, check_unsure
from nakawari.pipeline.cut import Layer
from nakawari.pipeline.desk import Desk
from nakawari.pipeline.inbetween_report import InbetweenReport
from nakawari.pipeline.options import check_options
from nakawari.pipeline.planning import Charts, Places, plan_cut, several
from nakawari.pipeline.render import Progress, silent
from nakawari.pipeline.track import track_of

COMPOSITE = "composite"
"""Folder of the layers over one another."""


def inbetween(
    keys: Places = (),
    output: str | Path = ".",
    *,
    chart: Charts | Mapping[str, Charts] | None = None,
    count: int | None = None,
    ease: str = "linear",
    strength: float = 1,
    loop: bool = False,
    exposure: int = 1,
    holds: Mapping[str, int] | None = None,
    layers: Mapping[str, Places] | None = None,
    composite: bool = False,
    sheet: str | None = None,
    names: str | None = None,
    arcs: bool = True,
    unsure: Unsure = "draw",
    hints: str | Path | None = None,
    model: str | None = None,
    weights: str | Path | None = None,
    device: str = "auto",
    precision: str = "auto",
    options: dict[str, Any] | None = None,
    overwrite: bool = False,
    progress: Progress = silent,
) -> InbetweenReport:
    """Draw what stands between keys; keys come out byte for byte.

    Args:
        keys: two or more files in order of time (breakdowns are keys too), a folder, or a pattern; a PSD,
            whose groups are layers; or a timesheet (.xdts, .csv), which says what stands when: drawings it
            names and of which there is no file, and marks (○), are drawn.
        output: a folder; layers get folders in it.
        chart: where the drawings stand, as `timeline.charts` says: one for all pairs, or one for each; or a
            mapping from layers to those ("" stands for all others). None: `count` of them.
        count: of drawings between two keys; when nothing else is said, 1, or what the sheet asks for.
        ease, strength: how `count` drawings are spaced, as `timeline.charts.eased` takes them.
        loop: the last key moves on to the first.
        exposure: frames that a drawing is shown for: 2 is on twos. Holds: stem of a key → frames instead.
        layers: name → keys, instead of `keys`; each is drawn by itself, on one canvas, the lowest first.
        composite: lay the layers over one another as well, a picture a frame, into `output/composite`.
        sheet: name of a timesheet (.xdts or .csv) of the result that is written into `output`; one that was
            read is written there with the new drawings in it.
        names: how in-betweens are called, such as `"{prefix}{number:04d}_{index}"`; see `cels.names`.
        arcs: motion follows arcs where three or more keys tell them, and the model can; otherwise chords.
        unsure: what stands where the model is not sure, of a drawing and (`classic`, `fast`, `best`) of parts
            of one: "draw" (what it drew, flagged), "hold" (the key before) or "nearest" (the nearer key).
        hints: a JSON file of what became what, for models that take hints (`cel`).
        model: a name or weight file; None: `cel` where there are hints or a palette, which others do not
            take, and else the default of `smooth`.
        weights, device, precision, options: as `load` takes them.
        overwrite: replace files that stand in `output`; keys that are read never are.
        progress: is told the stage "render".

    Returns:
        the report; nothing stands in `output` unless all of it was written.

    Raises:
        InputError: a value, chart or key cannot be used. OutputError: the output cannot be written.
        ModelError: no such model, or weights that do not fit. MissingExtraError: PSD or EXR without the
            extra `cel`.
    """
    if model is None:
        model = "cel" if hints or "palette" in (options or {}) else DEFAULT
    if not is_file(model):
        find(model)
    check_unsure(unsure)
    check_options(options or {})
    with TemporaryDirectory(prefix="nakawari-") as unpack:
        cut = plan_cut(
            keys, chart=chart, count=count, ease=ease, strength=strength, loop=loop, exposure=exposure,
            holds=holds, layers=layers, names=names, unpack=Path(unpack),
        )  # fmt: skip
        read, sheet = _sheets(several(keys), sheet)
        if composite:
            over(
                [read_cel(layer.keys[0]).display() for layer in cut]
            )  # canvases that differ are said at once
        folder = Path(output)
        places = _places(cut, folder, composite, sheet)
        delivery = Delivery(folder, places, [key for layer in cut for key in layer.keys], overwrite)
        begin, whole = perf_counter(), False
        try:
            artist = load(model, weights, device, precision, **(options or {}))
            report = InbetweenReport(str(folder), artist.name, str(artist.device), [], 0.0)
            total = sum(drawing.second is not None for layer in cut for drawing in layer.drawings)
            desks = [Desk(layer, artist, delivery, arcs, unsure, hints) for layer in cut]
            for desk in desks:
                desk.check()
            progress("render", 0, total)
            for layer, desk in zip(cut, desks, strict=True):
                for done in desk.work():
                    report.drawings.append(done)
                    progress("render", sum(d.reason != "key" for d in report.drawings), total)
                report.notes += _notes(layer, desk, arcs)
            report.notes += _left_out(read, cut) + _unused(hints, cut)
            if composite:
                _compose(cut, delivery)
            if sheet is not None:
                delivery.write(sheet, sheet_text(_sheet_of(cut, read), sheet).encode())
            delivery.commit()
            whole = True
        finally:
            if not whole:
                delivery.discard()
    report.seconds = perf_counter() - begin
    return report


def check_sheet(sheet: str) -> None:
    """Raise UsageError where a timesheet of that name cannot be written into the output."""
    sheet_text(Sheet(1, ()), sheet)
    if Path(sheet).name != sheet:
        raise UsageError(f"the sheet {sheet} goes into the output; wanted a name without a folder.")


def _sheets(given: Sequence[str | Path], sheet: str | None) -> tuple[Sheet | None, str | None]:
    """The timesheet that was read, and the name of the one to write."""
    if sheet is not None:
        check_sheet(sheet)
    if len(given) == 1 and is_sheet(given[0]):
        return read_sheet(given[0]), sheet or Path(given[0]).name
    return None, sheet


def _sheet_of(cut: Sequence[Layer], read: Sheet | None) -> Sheet:
    """The timesheet of what was drawn; columns that were not drawn stay as they were read."""
    drawn = {layer.name.lower(): track_of(layer) for layer in cut}
    if read is None:
        return Sheet(max(layer.duration for layer in cut), tuple(drawn.values()))
    tracks = [
        replace(drawn[track.name.lower()], name=track.name) if track.name.lower() in drawn else track
        for track in read.tracks
    ]
    return replace(read, tracks=tuple(tracks))


def _places(cut: Sequence[Layer], folder: Path, composite: bool, sheet: str | None) -> set[str]:
    """Every file that will be written; keys that stand there already, as they are, are not."""
    places = {sheet} if sheet is not None else set()
    for layer in cut:
        for drawing in layer.drawings:
            place = layer.place(drawing)
            if drawing.second is None and (folder / place).resolve() == layer.keys[drawing.first].resolve():
                continue
            places.add(place)
    if composite:
        if any(layer.name.lower() == COMPOSITE for layer in cut):
            raise InputError(f"a layer is called {COMPOSITE}, and so is the folder of all; rename the layer.")
        places |= {_frame(number) for number in range(max(layer.duration for layer in cut))}
    return places


def _frame(number: int) -> str:
    return f"{COMPOSITE}/{number + 1:04d}.png"


def _compose(cut: Sequence[Layer], delivery: Delivery) -> None:
    """Write a picture of all layers for each frame."""
    from nakawari.video.images import encode_image

    shown = [_shown(layer) for layer in cut]
    last: tuple[list[Path | None], bytes] | None = None
    for number in range(max(layer.duration for layer in cut)):
        paths = [next(frames, None) for frames in shown]
        found = [None if path is None else delivery.find(path) for path in paths]
        if last is None or last[0] != found:
            pictures = [read_cel(path).display() for path in found if path is not None]
            if not pictures:
                pictures = [read_cel(cut[0].keys[0]).display()[..., :1].repeat(4, 2) * 0]
            last = found, encode_image(over(pictures), ".png")
        delivery.write(_frame(number), last[1])


def _shown(layer: Layer) -> Iterator[str | None]:
    """The file that is shown in each frame, relative to the output."""
    current: str | None = None
    cells = {shown.frame: shown.drawing for shown in layer.shown}
    for frame in range(layer.duration):
        if frame in cells:
            number = cells[frame]
            current = None if number is None else layer.place(layer.drawings[number])
        yield current


def _notes(layer: Layer, desk: Desk, arcs: bool) -> list[str]:
    """What was chosen for the user in a layer."""
    what = f"layer {layer.name}: " if layer.name else ""
    notes = []
    if arcs and len(layer.pairs()) > 1 and not desk.curved:
        notes.append(f"{what}{desk.artist.name} draws no arcs, so everything moves along chords.")
    elif desk.bent:
        notes.append(f"{what}{desk.bent} of {len(layer.pairs())} pairs move along arcs.")
    return notes


def _left_out(read: Sheet | None, cut: Sequence[Layer]) -> list[str]:
    """Notes about columns with drawings that no layer was given for."""
    given = {layer.name.lower() for layer in cut}
    return [
        f"layer {track.name} is on the timesheet and was not given: it stays as it is, and is not drawn."
        for track in ([] if read is None else read.tracks)
        if track.cells and track.name.lower() not in given
    ]


def _unused(hints: str | Path | None, cut: Sequence[Layer]) -> list[str]:
    """Notes about hints of keys that do not follow each other here."""
    from nakawari.models.cel.hints import named_pairs

    here = {
        frozenset((layer.keys[one].stem, layer.keys[other].stem))
        for layer in cut
        for one, other in layer.pairs()
    }
    return [
        f"the hints for {one} and {other} are of no pair here, and are not used."
        for one, other in ([] if hints is None else named_pairs(hints))
        if frozenset((one, other)) not in here
    ]


def explain(cut: Sequence[Layer]) -> str:
    """The cut as text, a line for each drawing."""
    lines = []
    for layer in cut:
        lines += [f"layer {layer.name}:"] if layer.name else []
        width = max(len(drawing.name) for drawing in layer.drawings)
        frames: dict[int, list[str]] = {}
        for shown in layer.shown:
            if shown.drawing is not None:
                frames.setdefault(shown.drawing, []).append(str(shown.frame + 1))
        for number, drawing in enumerate(layer.drawings):
            when = f"from frame {', '.join(frames.get(number, ['-']))}"
            if drawing.second is None:
                lines.append(f"  {drawing.name:<{width}}  {when}: key")
            else:
                first, second = layer.keys[drawing.first].name, layer.keys[drawing.second].name
                share = f"{drawing.t} ({float(drawing.t or Fraction(0)):.3f})"
                lines.append(
                    f"  {drawing.name:<{width}}  {when}: {share} of the way from {first} to {second}"
                )
    return "\n".join(lines)
