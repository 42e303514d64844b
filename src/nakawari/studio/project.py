"""A project: a clip, what was seen in it, and what a person decided. Data only; every edit gives a new one.

A project file is JSON and needs nothing but the clip beside it. Times are whole numbers of `tick` seconds;
fractions are "n/d". What is said of a pair is kept under the first frame of its second drawing.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import lru_cache
from math import lcm
from types import MappingProxyType
from typing import Any, Literal

from nakawari.errors import InputError, PlanError
from nakawari.models import DEFAULT, find
from nakawari.studio.guides import Guide, read_guide
from nakawari.studio.hints import as_fields, read_hints
from nakawari.timeline.edit import Reading, Spacing, bend, check_spacing
from nakawari.timeline.plan import Choice, Drawing, Original, Plan, Shot, Slot
from nakawari.timeline.retime import check_clock, check_runs, lay, target_rate

VERSION = 1
NONE: Mapping[int, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Source:
    """The clip: where it lies, and by what a change of it is noticed."""

    path: str
    size: int
    modified_ns: int
    input_rate: Fraction | None
    width: int
    height: int
    rate: Fraction
    bits: int
    alpha: bool
    sample_aspect: Fraction
    audio: int
    pictures: str
    """Digest of what the frames show."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What counts for the whole clip; the words are those of `smooth`."""

    fps: Fraction | None = None
    factor: Fraction | None = None
    holds: Literal["keep", "smooth"] = "keep"
    hold_max: Fraction | None = None
    model: str = DEFAULT


@dataclass(frozen=True, slots=True)
class Project:
    """All that is kept. `found` is what the program saw, `reading` what counts now."""

    id: str
    name: str
    source: Source
    found: Reading
    reading: Reading
    settings: Settings = Settings()
    held: Mapping[int, bool] = field(default_factory=lambda: NONE)
    """Drawings, by first frame, of which a person said whether they hold."""
    charts: Mapping[int, Spacing] = field(default_factory=lambda: NONE)
    models: Mapping[int, str] = field(default_factory=lambda: NONE)
    hints: Mapping[int, tuple[dict[str, Any], ...]] = field(default_factory=lambda: NONE)
    """What a person said about what matches what in a pair."""
    guides: Mapping[int, Guide] = field(default_factory=lambda: NONE)
    """Rough breakdowns of pairs."""

    def rate(self) -> Fraction:
        """Output frames a second.

        Raises:
            InputError: the settings ask for fewer than the clip has.
        """
        return target_rate(self.source.rate, fps=self.settings.fps, factor=self.settings.factor)

    def plan(self) -> Plan:
        """How every output frame is made; roughs are named from where the pictures of the project lie."""
        r = self.reading
        made = self._lay(r.times, r.durations, r.shots, r.drawings, self.held, None)
        clip = Original(len(r.times), r.times[0], r.times[-1], self.source.pictures)
        pairs = self._choices({slot.target for slot in made.slots if slot.target is not None})
        slots, model = bend(made.slots, self.charts), self.settings.model
        bent = replace(made, slots=slots, clip=clip, pairs=pairs, model=model)
        return bent.check(len(r.times), r.times[0])

    def _choices(self, drawn: set[int]) -> tuple[Choice, ...]:
        """What is chosen for single pairs that have in-betweens; hints with the model that they are for."""
        rows = []
        for target in sorted(drawn & (self.models.keys() | self.hints.keys() | self.guides.keys())):
            name = self.model_of(target)
            hints: dict[str, Any] = as_fields(self.hints.get(target, ())) if find(name).hints else {}
            if target in self.guides and find(name).hints:
                hints |= self.guides[target].as_fields()
            if hints or target in self.models:
                rows.append(Choice(target, name, hints))
        return tuple(rows)

    def slots(self, number: int, *, bent: bool = True) -> tuple[Slot, ...]:
        """The output frames of one shot, without laying out the rest; `bent`: as the charts say."""
        shot = self.reading.shots[number]
        part = slice(shot.first, shot.last + 1)
        own = [
            replace(d, first=d.first - shot.first, last=d.last - shot.first)
            for d in self.reading.inside(shot)
        ]
        held = {frame - shot.first: value for frame, value in self.held.items()}
        alone = self._lay(
            self.reading.times[part], self.reading.durations[part],
            (Shot(0, shot.last - shot.first, shot.cadence),), own, held, self.reading.times[0],
        )  # fmt: skip
        slots = tuple(
            replace(
                slot,
                source=slot.source + shot.first,
                target=None if slot.target is None else slot.target + shot.first,
            )
            for slot in alone.slots
        )
        return bend(slots, self.charts) if bent else slots

    def pair_slots(self, target: int, *, bent: bool = True) -> list[Slot]:
        """The in-betweens on the way to the drawing that begins at frame `target`.

        Raises:
            PlanError: no drawing begins there.
        """
        drawing = self.reading.drawings[self.reading.drawing_of(target)]
        if drawing.first != target:
            raise PlanError(f"no drawing begins at frame {target}.")
        slots = self.slots(self.reading.shot_of(target), bent=bent)
        return [slot for slot in slots if slot.target == target]

    def source_of(self, target: int) -> int | None:
        """First frame of the drawing before the one at `target` in its shot; None where a cut is between."""
        reading = self.reading
        number = reading.drawing_of(target)
        if not 0 <= number < len(reading.drawings) or reading.drawings[number].first != target:
            raise PlanError(f"no drawing begins at frame {target}.")
        shot = reading.shots[reading.shot_of(target)]
        while number > 0 and reading.drawings[number - 1].first >= shot.first:
            number -= 1
            if not reading.drawings[number].flash:
                return reading.drawings[number].first
        return None

    def model_of(self, target: int) -> str:
        """The model that draws towards `target`."""
        return self.models.get(target, self.settings.model)

    def _lay(
        self, times: Any, durations: Any, shots: Any, drawings: Any, held: Any, origin: Fraction | None
    ) -> Plan:
        return lay(
            times, durations, shots, drawings, rate=self.rate(), holds=self.settings.holds,
            hold_max=self.settings.hold_max, held=held, origin=origin, input_name=self.source.path,
        )  # fmt: skip

    def to_json(self) -> str:
        """The project as JSON text."""
        r, s = self.reading, self.settings
        own = {
            "nakawari": "project",
            "version": VERSION,
            "id": self.id,
            "name": self.name,
            "source": {
                **{k: getattr(self.source, k) for k in _PLAIN},
                **{k: _ratio(getattr(self.source, k)) for k in _RATIOS},
            },
            "settings": {
                "fps": _ratio(s.fps),
                "factor": _ratio(s.factor),
                "holds": s.holds,
                "hold_max": _ratio(s.hold_max),
                "model": s.model,
            },
            "held": {str(k): v for k, v in self.held.items()},
            "charts": {str(k): [[_ratio(u), _ratio(t)] for u, t in c] for k, c in self.charts.items()},
            "models": {str(k): v for k, v in self.models.items()},
            "hints": {str(k): list(v) for k, v in self.hints.items()},
            "guides": {str(k): v.to_json() for k, v in self.guides.items()},
        }
        found = _runs(Same(self.found.shots), Same(self.found.drawings))
        parts = (
            _dumped(own)[1:-1],
            _clock(Same(r.times), Same(r.durations)),
            _runs(Same(r.shots), Same(r.drawings)),
            f'"found":{{{found}}}',
        )
        return f"{{{','.join(parts)}}}\n"

    @staticmethod
    def from_json(text: str) -> Project:
        """Read what `to_json` gave.

        Raises:
            InputError: it is no project, of another version, or not whole.
        """
        try:
            values = json.loads(text)
        except (json.JSONDecodeError, RecursionError) as error:
            raise InputError(f"the project is not JSON: {error}.") from error
        return Project.from_values(values)

    @staticmethod
    def from_values(values: Any) -> Project:
        """The same of values that JSON gave; raises InputError as `from_json` does."""
        if not isinstance(values, dict) or values.get("nakawari") != "project":
            raise InputError("this is not a project of the studio.")
        if values.get("version") != VERSION:
            raise InputError(f"the project's version is {values.get('version')!r}; wanted {VERSION}.")
        try:
            project = _from_dict(values)
            for seen in (project.found, project.reading):
                check_clock(seen.times, seen.durations, project.rate())
                check_runs(len(seen.times), seen.shots, seen.drawings)
        except PlanError:
            raise
        except (KeyError, TypeError, ValueError, AttributeError, ZeroDivisionError, IndexError) as error:
            raise InputError(f"the project is not whole ({type(error).__name__}: {error}).") from error
        return project


_PLAIN = ("path", "size", "modified_ns", "width", "height", "bits", "alpha", "audio", "pictures")
_RATIOS = ("input_rate", "rate", "sample_aspect")


class Same:
    """A key of what is the very same object: lists of frames are long, and most edits leave them alone."""

    def __init__(self, value: tuple[Any, ...]) -> None:
        self.value = value

    def __hash__(self) -> int:
        return id(self.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and self.value is other.value


def _dumped(values: Any) -> str:
    return json.dumps(values, separators=(",", ":"))


@lru_cache(maxsize=8)
def _clock(times: Same, durations: Same) -> str:
    """Times as whole numbers of a tick: fields of a JSON object."""
    tick = Fraction(1, lcm(*{t.denominator for t in (*times.value, *durations.value)}))
    fields = {
        "tick": _ratio(tick),
        "times": [int(t / tick) for t in times.value],
        "durations": [int(t / tick) for t in durations.value],
    }
    return _dumped(fields)[1:-1]


@lru_cache(maxsize=8)
def seconds(times: Same) -> list[float]:
    """Times as plain numbers."""
    return [float(t) for t in times.value]


@lru_cache(maxsize=16)
def _runs(shots: Same, drawings: Same) -> str:
    """Shots and drawings: fields of a JSON object."""
    fields = {
        "shots": [[x.first, x.last, x.cadence] for x in shots.value],
        "drawings": [[x.first, x.last, int(x.flash)] for x in drawings.value],
    }
    return _dumped(fields)[1:-1]


def _from_dict(values: dict[str, Any]) -> Project:
    tick = Fraction(values["tick"])
    times = tuple(tick * int(t) for t in values["times"])
    durations = tuple(tick * int(t) for t in values["durations"])

    def reading(part: dict[str, Any]) -> Reading:
        return Reading(
            times,
            durations,
            tuple(Shot(int(a), int(b), int(c)) for a, b, c in part["shots"]),
            tuple(Drawing(int(a), int(b), flash=bool(c)) for a, b, c in part["drawings"]),
        )

    given = values["source"]
    settings = values["settings"]
    source = Source(**{k: given[k] for k in _PLAIN}, **{k: _fraction(given[k]) for k in _RATIOS})  # type: ignore[arg-type]
    return Project(
        id=str(values["id"]),
        name=str(values["name"]),
        source=source,
        found=reading(values["found"]),
        reading=reading(values),
        settings=Settings(
            _fraction(settings["fps"]),
            _fraction(settings["factor"]),
            settings["holds"],
            _fraction(settings["hold_max"]),
            str(settings["model"]),
        ),
        held=_by_frame(values["held"], bool),
        charts=_by_frame(values["charts"], read_chart),
        models=_by_frame(values["models"], str),
        hints=_by_frame(values["hints"], lambda rows: read_hints(rows, source)),
        guides=_by_frame(values.get("guides", {}), read_guide),  # projects from before there were any
    )


def read_chart(rows: Any) -> Spacing:
    """[["1/2", "1/3"], …] as a chart; raises PlanError where it does not rise."""
    return check_spacing(tuple((Fraction(u), Fraction(t)) for u, t in rows))


def _by_frame(values: dict[str, Any], read: Callable[[Any], Any]) -> Mapping[int, Any]:
    return MappingProxyType({int(frame): read(value) for frame, value in values.items()})


def with_key(values: Mapping[int, Any], frame: int, value: Any) -> Mapping[int, Any]:
    """The mapping with one entry set, or without it where `value` is None."""
    kept = {k: v for k, v in values.items() if k != frame}
    if value is not None:
        kept[frame] = value
    return MappingProxyType(kept)


def pruned(project: Project) -> Project:
    """The project without what was said of drawings that are no more."""
    firsts = [d.first for d in project.reading.drawings]

    def there(frame: int) -> bool:
        at = bisect_left(firsts, frame)
        return at < len(firsts) and firsts[at] == frame

    kept = {
        name: MappingProxyType({k: v for k, v in getattr(project, name).items() if there(k)})
        for name in ("held", "charts", "models", "hints", "guides")
    }
    return replace(project, **kept)  # type: ignore[arg-type]


def _ratio(value: Fraction | None) -> str | None:
    return None if value is None else f"{value.numerator}/{value.denominator}"


def _fraction(value: str | None) -> Fraction | None:
    return None if value is None else Fraction(value)
