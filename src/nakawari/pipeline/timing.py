"""What was asked about time, checked before anything is read: which part, how fast, at what rate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from nakawari.errors import InputError
from nakawari.timeline.cuts import moment

if TYPE_CHECKING:
    from nakawari.timeline.retime import CutFill, Holds
    from nakawari.video.clip import Part
    from nakawari.video.frames import Reader, Retime

Number = Fraction | float | str
Cuts = Literal["auto", "off"] | str | Path | Sequence[int]


def read_text(path: str | Path, what: str, hint: str = "") -> str:
    """The text of a file that was given by name.

    Raises:
        InputError: it is missing, cannot be read, or is no text.
    """
    place = Path(path)
    if not place.exists():
        raise InputError(f"there is no {what} {path}.{hint}")
    if place.is_dir():
        raise InputError(f"the {what} {path} is a folder; wanted a file.{hint}")
    try:
        return place.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"the {what} {path} is not text (UTF-8).{hint}") from error
    except OSError as error:
        raise InputError(f"the {what} {path} cannot be read ({error.strerror}).{hint}") from error


def exact(value: Number | None) -> Fraction | None:
    """A number as exact Fraction; a float is taken as it prints (59.94 is 2997/50)."""
    if value is None or isinstance(value, Fraction):
        return value
    try:
        return Fraction(str(value))
    except (ValueError, ZeroDivisionError) as error:
        raise InputError(f"{value!r} is not a number such as 60, 23.976 or 60000/1001.") from error


def _moment(value: Number | None, name: str) -> Fraction | None:
    """A time in seconds; text may also be minutes and hours, as `1:02.5`."""
    found = exact(value) if not isinstance(value, str) else moment(value)
    if value is not None and (found is None or found < 0):
        raise InputError(f"--{name} is {value}; wanted seconds from 0 on, such as 62.5 or 1:02.5.")
    return found


@dataclass(frozen=True, slots=True)
class Timing:
    """All about time that a user may ask for, exact and in range; see `pipeline.analyse.plan` for each."""

    fps: Fraction | None = None
    factor: Fraction | None = None
    slowmo: Fraction = Fraction(1)
    start: Fraction | None = None
    end: Fraction | None = None
    loop: bool = False
    holds: Holds = "keep"
    hold_max: Fraction | None = None
    cuts: Any = "auto"
    cut_fill: CutFill = "copy"
    input_rate: Fraction | None = None
    deinterlace: bool = False

    @staticmethod
    def of(
        *,
        fps: Number | None = None,
        factor: Number | None = None,
        slowmo: Number | None = None,
        start: Number | None = None,
        end: Number | None = None,
        loop: bool = False,
        holds: Holds | None = None,
        hold_max: Number | None = None,
        cuts: Any = None,
        cut_fill: CutFill | None = None,
        input_rate: Number | None = None,
        deinterlace: bool = False,
    ) -> Timing:
        """Make numbers exact, and check what can be checked without the clip; None is what is usual.

        Raises:
            InputError: a value is out of range, or two contradict each other.
        """
        made = Timing(
            exact(fps),
            exact(factor),
            Fraction(1) if slowmo is None else exact(slowmo) or Fraction(0),
            _moment(start, "start"),
            _moment(end, "end"),
            loop,
            "keep" if holds is None else holds,
            exact(hold_max),
            "auto" if cuts is None else cuts,
            "copy" if cut_fill is None else cut_fill,
            exact(input_rate),
            deinterlace,
        )
        made._check()
        return made

    def options(self, cuts: Sequence[int]) -> dict[str, Any]:
        """What was asked, as JSON-ready values; a file of cuts is `cuts`, the frames that it named."""
        values: dict[str, Any] = {name: getattr(self, name) for name in self.__slots__}
        for name, value in values.items():
            if isinstance(value, Fraction):
                values[name] = f"{value.numerator}/{value.denominator}"
        return values | {"cuts": self.cuts if self.cuts in ("auto", "off") else list(cuts)}

    @staticmethod
    def of_options(values: Mapping[str, Any]) -> Timing:
        """Read what `options` gave; a field that is missing was not asked for.

        Raises:
            InputError: a field is unknown, or a value is not one that it takes.
        """
        for name, value in values.items():
            if name not in Timing.__slots__:
                known = ", ".join(Timing.__slots__)
                raise InputError(f"the plan's options have an unknown field {name!r}; wanted {known}.")
            if name in ("loop", "deinterlace") and not isinstance(value, bool):
                raise InputError(f"{name} is {value!r}; wanted true or false.")
        asked = {name: value for name, value in values.items() if value is not None}
        return Timing.of(**asked | {name: exact(asked[name]) for name in ("start", "end") if name in asked})

    def _check(self) -> None:
        cuts = self.cuts
        if not isinstance(cuts, (str, Path)) and not all(type(n) is int for n in cuts):
            raise InputError(f"cuts is {cuts!r}; wanted auto, off, a file, or the first frames of shots.")
        for name, value, words in (
            ("holds", self.holds, ("keep", "smooth")),
            ("cut_fill", self.cut_fill, ("copy", "nearest")),
        ):
            if value not in words:
                raise InputError(f"{name} is {value!r}; wanted {' or '.join(words)}.")
        if self.slowmo < 1:
            raise InputError(
                f"--slowmo is {self.slowmo}; wanted 1 or more: time is slowed down, never sped up."
            )
        if self.hold_max is not None and self.hold_max <= 0:
            raise InputError(f"--hold-max is {self.hold_max} s; wanted more than 0.")
        if self.end is not None and self.end <= (self.start or 0):
            raise InputError(f"--end is {self.end} s; wanted more than the start, {self.start or 0} s.")
        if isinstance(self.cuts, (str, Path)) and self.cuts not in ("auto", "off"):
            read_text(self.cuts, "cuts file", " (auto and off are words.)")

    def open(self, source: str | Path) -> Clip:
        """Open what was asked for of `source`.

        Raises:
            MediaError: it cannot be read.
            InputError: nothing of it lies between start and end.
        """
        from nakawari.video.clip import Loop, Part
        from nakawari.video.open import open_reader

        reader = open_reader(source, self.input_rate, self.deinterlace, light=True)
        part = None
        if self.start is not None or self.end is not None:
            reader = part = Part(reader, self.start, self.end)
        if self.loop:
            reader = Loop(reader)
        return Clip(reader, part, self.slowmo)

    def rate(self, clip_rate: Fraction) -> Fraction:
        """Output frames a second of a clip of `clip_rate`."""
        from nakawari.timeline.retime import target_rate

        return target_rate(clip_rate, fps=self.fps, factor=self.factor, slowmo=self.slowmo)


@dataclass(frozen=True, slots=True)
class Clip:
    """The part of a file that was asked for, and how the file's clock becomes the output's."""

    reader: Reader
    part: Part | None
    slowmo: Fraction

    @property
    def span(self) -> tuple[Fraction | None, Fraction | None]:
        """The times of the file between which sound is wanted."""
        return (None, None) if self.part is None else self.part.span

    @property
    def retime(self) -> Retime:
        """How times of the file become those of the output."""
        from nakawari.video.frames import Retime

        return Retime(Fraction(0) if self.part is None else self.part.zero, self.slowmo)
