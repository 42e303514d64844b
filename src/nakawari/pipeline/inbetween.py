"""`inbetween`: keys in, keys and the drawings between them out.

Everything is planned and checked before anything is drawn (`cut.py`), each pair is prepared once, and
nothing has its name until all of it is whole (`cels.deliver`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from nakawari.cels.deliver import Delivery
from nakawari.cels.files import Cel, alike, encode_cel, read_cel
from nakawari.cels.names import check_pattern
from nakawari.errors import InputError
from nakawari.models import DEFAULT, find, is_file, load
from nakawari.pipeline.cut import Drawing, Layer, keys_of, lay_out
from nakawari.pipeline.inbetween_report import DrawingReport, InbetweenReport
from nakawari.pipeline.render import Progress, hard, silent
from nakawari.timeline.charts import Chart, as_charts, eased

if TYPE_CHECKING:
    from nakawari.models.base import Encoded, Interpolator

Charts = str | Sequence[Any]
"""A chart for all pairs, or one for each: `"1/4 1/2"`, `"halves; thirds"`, `[0.25, 0.5]`, `["halves", …]`."""


def inbetween(
    keys: Sequence[str | Path] | str | Path = (),
    output: str | Path = ".",
    *,
    chart: Charts | Mapping[str, Charts] | None = None,
    count: int | None = None,
    ease: str = "linear",
    strength: float = 1,
    loop: bool = False,
    layers: Mapping[str, str | Path | Sequence[str | Path]] | None = None,
    names: str | None = None,
    model: str = DEFAULT,
    weights: str | Path | None = None,
    device: str = "auto",
    precision: str = "auto",
    options: dict[str, Any] | None = None,
    overwrite: bool = False,
    progress: Progress = silent,
) -> InbetweenReport:
    """Draw what stands between keys; keys come out byte for byte.

    Args:
        keys: two or more files in order of time (breakdowns are keys too), a folder, or a pattern.
        output: a folder; layers get folders in it.
        chart: where the drawings stand, as `timeline.charts` says: one for all pairs, or one for each; or a
            mapping from layers to those ("" stands for all others). None: `count` of them.
        count: of drawings between two keys, 1 when nothing else is said.
        ease, strength: how `count` drawings are spaced, as `timeline.charts.eased` takes them.
        loop: the last key moves on to the first.
        layers: name → keys, instead of `keys`; each is drawn by itself, on one canvas.
        names: how in-betweens are called, such as `"{prefix}{number:04d}_{index}"`; see `cels.names`.
        model, weights, device, precision, options: as `load` takes them.
        overwrite: replace files that stand in `output`; keys that are read never are.
        progress: is told the stage "render".

    Returns:
        the report; nothing stands in `output` unless all of it was written.

    Raises:
        InputError: a value, chart or key cannot be used. OutputError: the output cannot be written.
        ModelError: no such model, or weights that do not fit.
    """
    if not is_file(model):
        find(model)
    cut = plan_cut(
        keys, chart=chart, count=count, ease=ease, strength=strength, loop=loop, layers=layers, names=names
    )
    folder = Path(output)
    places = _places(cut, folder)
    delivery = Delivery(folder, places, [key for layer in cut for key in layer.keys], overwrite)
    begin, whole = perf_counter(), False
    try:
        artist = load(model, weights, device, precision, **(options or {}))
        report = InbetweenReport(str(folder), artist.name, str(artist.device), [], 0.0)
        total = sum(drawing.second is not None for layer in cut for drawing in layer.drawings)
        progress("render", 0, total)
        for layer in cut:
            for done in _Desk(layer, artist, delivery).work():
                report.drawings.append(done)
                progress("render", sum(d.reason != "key" for d in report.drawings), total)
        delivery.commit()
        whole = True
    finally:
        if not whole:
            delivery.discard()
    report.seconds = perf_counter() - begin
    return report


def plan_cut(
    keys: Sequence[str | Path] | str | Path = (),
    *,
    chart: Charts | Mapping[str, Charts] | None = None,
    count: int | None = None,
    ease: str = "linear",
    strength: float = 1,
    loop: bool = False,
    layers: Mapping[str, str | Path | Sequence[str | Path]] | None = None,
    names: str | None = None,
) -> list[Layer]:
    """What `inbetween` would draw with the same arguments.

    Raises:
        InputError: a value, chart or key cannot be used.
    """
    if chart is not None and count is not None:
        raise InputError("a chart says how many drawings there are; give a chart or a count, not both.")
    if names is not None:
        check_pattern(names)
    given = {"": keys} if layers is None else dict(layers)
    if layers is not None and _several(keys):
        raise InputError("keys are given alone and as layers; wanted one of them.")
    found = {name: keys_of(_several(places)) for name, places in given.items()}
    charts = _charts(found, chart, eased(1 if count is None else count, ease, strength))
    return [lay_out(name, files, charts[name], loop, names) for name, files in found.items()]


def _several(places: Sequence[str | Path] | str | Path) -> list[str | Path]:
    return [places] if isinstance(places, (str, Path)) else list(places)


def _charts(
    layers: Mapping[str, object], chart: Charts | Mapping[str, Charts] | None, even: Chart
) -> dict[str, tuple[Chart, ...]]:
    """The charts of each layer."""
    if chart is None:
        return dict.fromkeys(layers, (even,))
    if not isinstance(chart, Mapping):
        return dict.fromkeys(layers, as_charts(chart))
    for name in chart:
        if name and name not in layers:
            raise InputError(f"there is a chart for layer {name!r}; layers: {', '.join(layers) or 'none'}.")
    rest = as_charts(chart[""]) if "" in chart else (even,)
    return {name: as_charts(chart[name]) if name in chart else rest for name in layers}


def _places(cut: Sequence[Layer], folder: Path) -> set[str]:
    """Every file that will be written; keys that stand there already, as they are, are not."""
    places = set()
    for layer in cut:
        for drawing in layer.drawings:
            place = layer.place(drawing)
            if drawing.second is None and (folder / place).resolve() == layer.keys[drawing.first].resolve():
                continue
            places.add(place)
    return places


class _Desk:
    """Where one layer is drawn."""

    def __init__(self, layer: Layer, artist: Interpolator, delivery: Delivery) -> None:
        self.layer, self.artist, self.delivery = layer, artist, delivery
        self._cels: dict[int, Cel] = {}
        self._encoded: dict[int, tuple[Cel, Encoded]] = {}

    def work(self) -> Any:
        """Write each drawing and report it."""
        pair, state = (-1, -1), None
        for drawing in self.layer.drawings:
            if drawing.second is None:
                yield self._key(drawing)
                continue
            if pair != (drawing.first, drawing.second):
                pair = (drawing.first, drawing.second)
                state = None  # lets go of what it knows before more is kept
                state = self._prepare(*pair)
            yield self._between(drawing, state)

    def _key(self, drawing: Drawing) -> DrawingReport:
        place = self.layer.place(drawing)
        key = self.layer.keys[drawing.first]
        if place in self.delivery.names:
            try:
                self.delivery.write(place, key.read_bytes())
            except OSError as error:
                raise InputError(f"{key} cannot be read ({error.strerror}).") from error
        return DrawingReport(place, self.layer.name, "key", key.name)

    def _prepare(self, first: int, second: int) -> Any:
        self._cels = {n: self._cels.get(n) or read_cel(self.layer.keys[n]) for n in (first, second)}
        cels = alike(self._cels[first], self._cels[second])
        handles = {}
        for number, cel in zip((first, second), cels, strict=True):
            known = self._encoded.get(number)
            same = known is not None and known[0].image is cel.image
            handles[number] = known if known and same else (cel, self.artist.encode(cel.image))
        self._encoded = handles
        return cels, self.artist.prepare(handles[first][1], handles[second][1])

    def _between(self, drawing: Drawing, state: Any) -> DrawingReport:
        (first, second), pair = state
        assert drawing.t is not None
        assert drawing.second is not None
        picture: Any = hard(self.artist.at(pair, drawing.t), first.image, second.image)  # type: ignore[arg-type]
        place = self.layer.place(drawing)
        originals = self._cels[drawing.first], self._cels[drawing.second]
        self.delivery.write(place, encode_cel(picture, Path(place).suffix.lower(), *originals))
        keys = self.layer.keys
        return DrawingReport(
            place, self.layer.name, "between", keys[drawing.first].name, keys[drawing.second].name, drawing.t
        )


def explain(cut: Sequence[Layer]) -> str:
    """The cut as text, a line for each drawing."""
    lines = []
    for layer in cut:
        lines += [f"layer {layer.name}:"] if layer.name else []
        width = max(len(drawing.name) for drawing in layer.drawings)
        for drawing in layer.drawings:
            if drawing.second is None:
                lines.append(f"  {drawing.name:<{width}}  key")
            else:
                first, second = layer.keys[drawing.first].name, layer.keys[drawing.second].name
                share = f"{drawing.t} ({float(drawing.t or Fraction(0)):.3f})"
                lines.append(f"  {drawing.name:<{width}}  {share} of the way from {first} to {second}")
    return "\n".join(lines)
