"""Where a layer is drawn: pairs prepared once, bent along arcs that their neighbours tell, looked over."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nakawari.cels.deliver import Delivery
from nakawari.cels.files import Cel, alike, encode_cel, read_cel
from nakawari.errors import InputError
from nakawari.models import find
from nakawari.models.unsure import Unsure, takes_second
from nakawari.pipeline.artist import hard
from nakawari.pipeline.cut import Drawing, Layer
from nakawari.pipeline.inbetween_report import DrawingReport
from nakawari.pipeline.sureness import doubt_of, premultiplied, tell

if TYPE_CHECKING:
    from torch import Tensor

    from nakawari.metrics.cels import Lines
    from nakawari.models.base import Encoded, Interpolator, Pair

Flows = tuple["Tensor", "Tensor"]


@dataclass(slots=True)
class _Ready:
    """A pair made ready.

    Attributes:
        cels: both keys, of one kind. originals: as their files have them.
        flows: 0→1 and 1→0; None: the model tells none.
        lines: of both keys, once a drawing was looked over.
    """

    cels: tuple[Cel, Cel]
    originals: tuple[Cel, Cel]
    pair: Pair
    flows: Flows | None
    lines: tuple[Lines, Lines] | None = None

    @property
    def keys(self) -> tuple[Any, Any]:
        """Both pictures."""
        return self.cels[0].image, self.cels[1].image


class Desk:
    """Draws one layer.

    Args:
        arcs: motion follows arcs where the keys around a pair tell them.
        hints: a file of hints about pairs, for models that take them.
        unsure: what is done where the model is not sure: it draws, the key before is held, or the nearest is.
    """

    def __init__(
        self,
        layer: Layer,
        artist: Interpolator,
        delivery: Delivery,
        arcs: bool = True,
        unsure: Unsure = "draw",
        hints: str | Path | None = None,
    ) -> None:
        from nakawari.models.arcs import Curved

        self.layer, self.artist, self.delivery = layer, artist, delivery
        self.unsure = unsure
        tell(artist, unsure)
        if hints is not None and not find(artist.name).hints:
            raise InputError(f"{artist.name} takes no hints; another model, such as cel, does.")
        self._pairs = layer.pairs()
        self._hints = None if hints is None else [self._told(hints, *pair) for pair in self._pairs]
        self.curved = artist if isinstance(artist, Curved) else None
        self._arcs = arcs and self.curved is not None and len(self._pairs) > 1
        self._cels: dict[int, Cel] = {}
        self._encoded: dict[int, tuple[Cel, Encoded]] = {}
        self._ready: dict[int, _Ready] = {}
        self._flows: dict[int, Flows | None] = {}
        self.bent = 0
        """Pairs whose motion follows arcs."""

    def check(self) -> None:
        """Read all keys before anything is drawn.

        Raises:
            MediaError: one cannot be read, or two that follow each other do not stand on one canvas.
            InputError: a hint lies outside of them, or a guide is no line drawing.
        """
        from nakawari.models.cel.rough import rough_lines

        for number, pair in enumerate(self._pairs):
            height, width = self._read(pair)[0].image.shape[:2]
            if self._hints is not None:
                self._hints[number].check(height, width)
                if self._hints[number].guide is not None:
                    rough_lines(self._hints[number].guide)
            self._forget(pair)
        self._forget()

    def work(self) -> Iterator[DrawingReport]:
        """Write each drawing and report it."""
        now, ready, doubt = -1, None, 0.0
        done: set[str] = set()
        for drawing in self.layer.drawings:
            if drawing.name in done:  # a key that is shown again
                continue
            done.add(drawing.name)
            if drawing.second is None:
                yield self._key(drawing)
                continue
            number = self._pairs.index((drawing.first, drawing.second))
            if number != now or ready is None:
                ready = None  # lets go of what it knows before more is kept
                now, ready = number, self._take(number)
                doubt = doubt_of(self.artist, ready.pair, ready.keys)
            yield self._between(drawing, ready, doubt)
        self._forget()
        self._flows.clear()

    def _key(self, drawing: Drawing) -> DrawingReport:
        place = self.layer.place(drawing)
        key = self.layer.keys[drawing.first]
        if place in self.delivery.names:
            self.delivery.write(place, _bytes(key))
        return DrawingReport(place, self.layer.name, "key", key.name)

    # -- pairs ---------------------------------------------------------------------------------

    def _take(self, number: int) -> _Ready:
        """A pair, bent where its neighbours tell arcs."""
        before, after = self.layer.beside(number) if self._arcs else (None, None)
        if before is not None and before not in self._flows:
            self._flows[before] = self._prepare(before).flows
        ready = self._ready.pop(number, None) or self._prepare(number)
        self._flows[number] = ready.flows
        if after is not None and after not in self._flows:
            self._ready = {after: self._prepare(after)}
            self._flows[after] = self._ready[after].flows
        if self._arcs:
            self._bend(ready, before, after)
            kept = {n for n in (number, after, self.layer.beside(0)[0]) if n is not None}
            self._flows = {n: flows for n, flows in self._flows.items() if n in kept}
        return ready

    def _bend(self, ready: _Ready, before: int | None, after: int | None) -> None:
        from nakawari.ops.arcs import arc_angles, distinctness

        told = None if before is None else self._flows[before]
        goes = None if after is None else self._flows[after]
        if ready.flows is None or (told is None and goes is None):
            return
        trust = [distinctness(frame) for frame in premultiplied(ready.keys, self.artist.device)]
        leads = None if told is None else (told[1], told[0])
        turns = arc_angles(*ready.flows, leads, goes, (trust[0], trust[1]))
        if any(bool((turn.abs() > 1e-3).any()) for turn in turns):
            assert self.curved is not None
            self.curved.bend(ready.pair, *turns)
            self.bent += ready.pair.box is not None

    def _prepare(self, number: int) -> _Ready:
        first, second = self._pairs[number]
        cels, handles = self._read((first, second)), []
        for key, cel in zip((first, second), cels, strict=True):
            known = self._encoded.get(key)
            if known is None or known[0].image is not cel.image:
                self._encoded[key] = known = (cel, self.artist.encode(cel.image))
            handles.append(known[1])
        originals = self._cels[first], self._cels[second]
        self._forget((first, second))
        told = {} if self._hints is None else {"hints": self._hints[number]}
        pair = self.artist.prepare(*handles, **told)
        return _Ready(cels, originals, pair, None if self.curved is None else self.curved.flows(pair))

    def _told(self, hints: str | Path, first: int, second: int) -> Any:
        from nakawari.models.cel.hints import read_hints

        return read_hints(hints, (self.layer.keys[first].stem, self.layer.keys[second].stem))

    def _read(self, pair: tuple[int, int]) -> tuple[Cel, Cel]:
        """Both keys, of one kind."""
        for key in pair:
            if key not in self._cels:
                self._cels[key] = read_cel(self.layer.keys[key])
        return alike(self._cels[pair[0]], self._cels[pair[1]])

    def _forget(self, pair: tuple[int, ...] = ()) -> None:
        """Let go of all keys but these."""
        self._cels = {key: cel for key, cel in self._cels.items() if key in pair}
        self._encoded = {key: known for key, known in self._encoded.items() if key in pair}

    # -- drawings ------------------------------------------------------------------------------

    def _between(self, drawing: Drawing, ready: _Ready, doubt: float) -> DrawingReport:
        from nakawari.metrics.doubt import LARGE

        assert drawing.t is not None
        assert drawing.second is not None
        keys, place = self.layer.keys, self.layer.place(drawing)
        report = DrawingReport(
            place, self.layer.name, "between", keys[drawing.first].name, keys[drawing.second].name, drawing.t
        )
        report.measures["doubt"] = doubt
        if doubt > LARGE:
            report.flags.append("low confidence")
            if self.unsure != "draw":
                report.reason = self.unsure
                second = takes_second(self.unsure, drawing.t)
                self.delivery.write(place, self._stand_in(place, drawing.second if second else drawing.first))
                return report
        picture: Any = self.artist.at(ready.pair, drawing.t)
        picture = hard(picture, *ready.keys)
        self._examine(report, picture, ready, float(drawing.t))
        self.delivery.write(place, encode_cel(picture, Path(place).suffix.lower(), *ready.originals))
        return report

    def _examine(self, report: DrawingReport, picture: Any, ready: _Ready, t: float) -> None:
        """Look a drawing over beside its keys."""
        from nakawari.metrics.cels import examine, lines_of

        keys = ready.keys
        if ready.lines is None:
            ready.lines = lines_of(keys[0]), lines_of(keys[1])
        seen = examine(picture, keys[0], keys[1], t, ready.lines)
        report.measures |= {name: float(value) for name, value in asdict(seen).items()}
        report.flags += seen.flags()

    def _stand_in(self, place: str, key: int) -> bytes:
        """A key in place of a drawing: its very bytes, where the file is of the same kind."""
        path = self.layer.keys[key]
        if path.suffix.lower() == Path(place).suffix.lower():
            return _bytes(path)
        cel = read_cel(path)
        return encode_cel(cel.image, Path(place).suffix.lower(), replace(cel, extras=()), cel)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}).") from error
