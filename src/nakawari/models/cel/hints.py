"""What a person says about a pair: which point, region or stroke became which, what comes, what goes.

A hints file is JSON. For one pair it is an object with any of the fields of `Hints`; for a run of many keys
it is `{"pairs": [{"keys": ["A0001", "A0007"], ...fields}, ...]}`. Places are [x, y] in pixels.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from nakawari.errors import InputError

Point = tuple[float, float]
Ends = tuple[Point, Point]
Stroke = tuple[Point, ...]

KEYS = ("first", "second")
MIDDLE = 0.5
"""Time of a guide of which none is told."""
NO_GUIDE = "hints have guide_t {} and no guide, whose time it is; wanted both, or neither."
RESERVED = ("version", "keys", "comment")
"""Fields of a file that are not hints."""
CARRIED = "data:image/png;base64,"
"""Before a guide that is in the file itself, as text; what kind of picture it is, the picture says."""


@dataclass(frozen=True, slots=True)
class Hints:
    """Hints for one pair; places are (x, y) in pixels of the keys.

    Attributes:
        points: what is at the first place in key 0 is at the second in key 1.
        regions: the region at the first place in key 0 is the region at the second in key 1.
        strokes: the line along the first polyline in key 0 is the line along the second in key 1, from end to
            end.
        appears: the regions at these places in key 1 are not in key 0.
        disappears: the regions at these places in key 0 are not in key 1.
        apart: the regions at these two places are not each other.
        guide: [H, W, 3 or 4] uint8, a rough breakdown, dark lines on light paper or on none: where things
            are at `guide_t`.
        guide_t: the time of the guide, in (0, 1).
    """

    points: tuple[Ends, ...] = ()
    regions: tuple[Ends, ...] = ()
    strokes: tuple[tuple[Stroke, Stroke], ...] = ()
    appears: tuple[Point, ...] = ()
    disappears: tuple[Point, ...] = ()
    apart: tuple[Ends, ...] = ()
    guide: npt.NDArray[np.uint8] | None = None
    guide_t: float = MIDDLE

    def reversed(self) -> Hints:
        """The same hints for the pair (key 1, key 0)."""

        def swap(pairs: Any) -> Any:
            return tuple((second, first) for first, second in pairs)

        return Hints(
            swap(self.points),
            swap(self.regions),
            swap(self.strokes),
            self.disappears,
            self.appears,
            swap(self.apart),
            self.guide,
            1 - self.guide_t,
        )

    def check(self, height: int, width: int) -> None:
        """See whether all fits keys of this size.

        Raises:
            InputError: a place outside of the keys, a point with two goals, a guide of another size, a time
                outside (0, 1) or of no guide.
        """
        self._check_points()
        places = [p for ends in (*self.points, *self.regions, *self.apart) for p in ends]
        places += [p for ends in self.strokes for stroke in ends for p in stroke]
        for x, y in (*places, *self.appears, *self.disappears):
            if not (0 <= x <= width - 1 and 0 <= y <= height - 1):
                raise InputError(f"hint at ({x:g}, {y:g}); wanted a place in the {width}x{height} keys.")
        if self.guide is not None and self.guide.shape[:2] != (height, width):
            rows, columns = self.guide.shape[:2]
            raise InputError(f"the guide is {columns}x{rows}; wanted {width}x{height} as the keys are.")
        if not 0 < self.guide_t < 1:
            raise InputError(f"guide_t is {self.guide_t}; wanted 0 < guide_t < 1.")
        if self.guide is None and self.guide_t != MIDDLE:
            raise InputError(NO_GUIDE.format(self.guide_t))

    def _check_points(self) -> None:
        for own in (0, 1):
            told: dict[Point, Point] = {}
            for ends in self.points:
                here, there = ends[own], ends[1 - own]
                if told.setdefault(here, there) != there:
                    (x, y), (a, b), (c, d) = here, told[here], there
                    raise InputError(
                        f"points say that ({x:g}, {y:g}) of the {KEYS[own]} key is ({a:g}, {b:g}) of the "
                        f"{KEYS[1 - own]}, and that it is ({c:g}, {d:g}); wanted one of them."
                    )

    def as_json(self) -> dict[str, Any]:
        """What a file holds; the guide is left out, it is a picture of its own."""
        found: dict[str, Any] = {
            spec.name: _lists(getattr(self, spec.name))
            for spec in fields(self)
            if spec.name not in ("guide", "guide_t") and getattr(self, spec.name)
        }
        return found


def _lists(value: Any) -> Any:
    return [_lists(one) for one in value] if isinstance(value, tuple) else value


def parse_hints(found: Mapping[str, Any], folder: Path | None = None) -> Hints:
    """Hints of an object as a file holds it.

    Args:
        found: fields of `Hints`; `guide` is the name of a picture, or what `carried` made of it.
        folder: that names of pictures are relative to.

    Raises:
        InputError: an unknown field, or one that is not made as it should be.
    """
    names = [spec.name for spec in fields(Hints)]
    for name in found:
        if name not in (*names, *RESERVED):
            raise InputError(f"hints have no field {name!r}; wanted some of {', '.join(names)}.")
    guide = found.get("guide")
    try:
        hints = Hints(
            points=tuple(_ends(one) for one in _list(found, "points")),
            regions=tuple(_ends(one) for one in _list(found, "regions")),
            strokes=tuple(_strokes(one) for one in _list(found, "strokes")),
            appears=tuple(_point(one) for one in _list(found, "appears")),
            disappears=tuple(_point(one) for one in _list(found, "disappears")),
            apart=tuple(_ends(one) for one in _list(found, "apart")),
            guide=None if guide is None else _guide(str(guide), folder),
            guide_t=_time(found.get("guide_t", MIDDLE)),
        )
    except InputError:
        raise
    except (TypeError, ValueError) as error:
        raise InputError(f"hints cannot be read: {error}.") from error
    if guide is None and "guide_t" in found:
        raise InputError(NO_GUIDE.format(found["guide_t"]))
    return hints


def read_hints(path: str | Path, keys: tuple[str, str] | None = None) -> Hints:
    """Hints of a file, for a pair.

    Args:
        path: JSON, see above.
        keys: names of the pair's keys, with or without folder and ending; needed where a file has `pairs`.

    Raises:
        InputError: there is no such file, or it is not made as it should be.
    """
    path = Path(path)
    found = _object(path)
    if "pairs" not in found:
        return parse_hints(found, path.parent)
    wanted = None if keys is None else tuple(Path(name).stem for name in keys)
    for one, here in zip(found["pairs"], _stems(found, path), strict=True):
        if here == wanted:
            return parse_hints(one, path.parent)
        if wanted is not None and here == wanted[::-1]:
            return parse_hints(one, path.parent).reversed()
    return Hints()


def named_pairs(path: str | Path) -> list[tuple[str, str]]:
    """Stems of the keys that a file with `pairs` has hints for; none of another file.

    Raises:
        InputError: as `read_hints`.
    """
    return _stems(_object(Path(path)), path)


def _stems(found: Mapping[str, Any], path: str | Path) -> list[tuple[str, str]]:
    """What `named_pairs` says of a file that was read."""
    pairs = found.get("pairs", [])
    if not isinstance(pairs, list) or not all(
        isinstance(one, dict) and isinstance(one.get("keys"), list) and len(one["keys"]) == 2 for one in pairs
    ):
        raise InputError(f"{path}: each of pairs wants keys, two names.")
    beside = [name for name in found if name not in ("pairs", *RESERVED)]
    if "pairs" in found and beside:
        raise InputError(f"{path} has {beside[0]} beside pairs; say in pairs which keys it is for.")
    stems = [(Path(str(one)).stem, Path(str(other)).stem) for one, other in (pair["keys"] for pair in pairs)]
    seen: set[frozenset[str]] = set()
    for one, other in stems:
        if frozenset((one, other)) in seen:
            raise InputError(f"{path} has hints for {one} and {other} twice; put them together.")
        seen.add(frozenset((one, other)))
    return stems


def _object(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is not JSON: {error}.") from error
    if not isinstance(found, dict):
        raise InputError(f"{path} holds no JSON object; wanted fields such as points and regions.")
    return found


def _list(found: Mapping[str, Any], name: str) -> list[Any] | tuple[Any, ...]:
    value = found.get(name, [])
    if not isinstance(value, (list, tuple)):
        raise ValueError(f"{name} is {value!r}; wanted a list")
    return value


def _time(value: Any) -> float:
    try:
        return float(Fraction(str(value)))
    except (ValueError, ZeroDivisionError):
        raise ValueError(f'guide_t is {value!r}; wanted a share such as 0.5 or "1/2"') from None


def _point(value: Any) -> Point:
    if not isinstance(value, list) or len(value) != 2 or not all(type(v) in (int, float) for v in value):
        raise ValueError(f"{value!r} is no place; wanted [x, y], two numbers")
    x, y = (float(v) for v in value)
    if not (np.isfinite(x) and np.isfinite(y)):
        raise ValueError(f"{value!r} is no place; wanted finite numbers")
    return x, y


def _ends(value: Any) -> Ends:
    if not isinstance(value, list) or len(value) != 2:
        raise ValueError(f"{value!r} is no pair of places; wanted [[x0, y0], [x1, y1]]")
    return _point(value[0]), _point(value[1])


def _strokes(value: Any) -> tuple[Stroke, Stroke]:
    if (
        not (isinstance(value, list) and len(value) == 2 and all(isinstance(one, list) for one in value))
        or min(len(one) for one in value) < 2
    ):
        raise ValueError(f"{value!r} is no pair of strokes; wanted two lists of two places or more")
    first, second = (tuple(_point(one) for one in stroke) for stroke in value)
    return first, second


def carried(found: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """The same fields with the guide itself in place of its name, so that they mean the same from everywhere.

    Raises:
        InputError: there is no such picture.
    """
    guide = found.get("guide")
    if guide is None or str(guide).startswith("data:"):
        return dict(found)
    try:
        data = (folder / str(guide)).read_bytes()
    except (OSError, ValueError) as error:
        raise InputError(f"the guide {folder / str(guide)} cannot be read as a picture.") from error
    return {**found, "guide": carry(data)}


def carry(picture: bytes) -> str:
    """The bytes of a picture's file as the text of a guide."""
    return CARRIED + base64.b64encode(picture).decode("ascii")


def _guide(text: str, folder: Path | None) -> npt.NDArray[np.uint8]:
    if not text.startswith("data:"):
        path = (folder or Path()) / text
        return _picture(path, f"the guide {path}")
    head, _, data = text.partition(",")
    if not head.endswith(";base64"):
        raise ValueError(f"a guide begins with {head[:40]!r}; wanted a name, or {CARRIED!r}")
    return _picture(BytesIO(base64.b64decode(data, validate=True)), "the guide that the hints carry")


def _picture(file: Path | BytesIO, name: str) -> npt.NDArray[np.uint8]:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(file) as image:
            if image.mode.startswith("I"):  # grey, 16 bits
                grey = (np.asarray(image).clip(0, 65535) >> 8).astype(np.uint8)
                return np.repeat(grey[..., None], 3, 2)
            return np.asarray(image.convert("RGBA" if image.has_transparency_data else "RGB"))
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise InputError(f"{name} cannot be read as a picture.") from error
