"""From what a caller gives (keys, folders, layers, a timesheet, a PSD) to the layers that will be drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from nakawari.cels.files import find_cels
from nakawari.cels.names import check_name, check_pattern
from nakawari.cels.sheet import Sheet, Track, is_sheet, read_sheet
from nakawari.errors import InputError, OutputError, PlanError, UsageError
from nakawari.pipeline.cut import Layer, keys_of, lasting, lay_out, renamed
from nakawari.pipeline.track import Timing, layer_of
from nakawari.timeline.charts import Chart, as_charts, eased

Charts = str | Sequence[Any]
"""A chart for all pairs, or one for each: `"1/4 1/2"`, `"halves; thirds"`, `[0.25, 0.5]`, `["halves", …]`."""
Places = str | Path | Sequence[str | Path]
LONGEST = 100_000
"""Frames of an exposure or hold."""


def plan_cut(
    keys: Places = (),
    *,
    chart: Charts | Mapping[str, Charts] | None = None,
    count: int | None = None,
    ease: str = "linear",
    strength: float = 1,
    loop: bool = False,
    exposure: int = 1,
    holds: Mapping[str, int] | None = None,
    layers: Mapping[str, Places] | None = None,
    names: str | None = None,
    unpack: Path | None = None,
) -> list[Layer]:
    """What `inbetween` would draw with the same arguments.

    Args:
        unpack: folder for the drawings inside PSD files; None: one that is gone afterwards.

    Raises:
        InputError: a value, chart or key cannot be used (UsageError where one contradicts another).
    """
    if chart is not None and count is not None:
        raise UsageError("a chart says how many drawings there are; give a chart or a count, not both.")
    _check_ease(ease, strength, chart is not None and (not isinstance(chart, Mapping) or "" in chart))
    if names is not None:
        check_pattern(names)
    for name in layers or {}:
        check_name(name, "layer")
    for what, frames in (("exposure", exposure), *(holds or {}).items()):
        if not 1 <= frames <= LONGEST:
            raise UsageError(f"{what} is shown for {frames} frames; wanted 1 to {LONGEST}.")
    if unpack is None:
        with TemporaryDirectory(prefix="nakawari-") as folder:
            return plan_cut(
                keys, chart=chart, count=count, ease=ease, strength=strength, loop=loop, exposure=exposure,
                holds=holds, layers=layers, names=names, unpack=Path(folder),
            )  # fmt: skip
    given = several(keys)
    sheet = read_sheet(given[0]) if len(given) == 1 and is_sheet(given[0]) else None
    even = _even(ease, strength)
    if sheet is None:
        files = _files(given, layers, unpack)
        charts = _charts(files, chart, (even(1 if count is None else count),))
        for name in holds or {}:
            if not any(path.stem == name for paths in files.values() for path in paths):
                raise UsageError(f"there is no key {name!r} to hold.")
        cut = [
            lay_out(name, paths, charts[name], loop and len(paths) > 1, exposure, holds)
            for name, paths in files.items()
        ]
        longest = max(layer.duration for layer in cut)
        cut = [lasting(layer, longest) for layer in cut]
    else:
        if holds:
            raise UsageError("the sheet says how long keys are held; leave the holds out.")
        cut = _of_sheet(sheet, str(given[0]), layers, unpack, _timing(chart, count, even, exposure), loop)
    return cut if names is None else [renamed(layer, names) for layer in cut]


def several(places: Places) -> list[str | Path]:
    """One place or several as a list."""
    return [places] if isinstance(places, (str, Path)) else list(places)


def _check_ease(ease: str, strength: float, charted: bool) -> None:
    """Refuse an ease that would say nothing."""
    if charted and ease != "linear":
        raise UsageError(f'a chart says where drawings stand; write the ease into it, such as "{ease} 3".')
    if strength != 1 and ease == "linear":
        raise UsageError(f"the strength {strength:g} is of no ease; give one: in, out or in-out.")


def _even(ease: str, strength: float) -> Callable[[int], Chart]:
    eased(0, ease, strength)  # a wrong value is said at once
    return lambda count: eased(count, ease, strength)


# -- keys --------------------------------------------------------------------------------------


def _files(
    given: list[str | Path], layers: Mapping[str, Places] | None, unpack: Path
) -> dict[str, tuple[Path, ...]]:
    """The keys of each layer."""
    if layers is not None:
        if given:
            raise UsageError("keys are given alone and as layers; wanted one of them.")
        found = {name: _unpacked(name, several(places), unpack) for name, places in layers.items()}
    elif len(given) == 1 and _is_psd(given[0]):
        found = _unpack(Path(given[0]), unpack / "all")
    else:
        return {"": keys_of(given)}
    if all(len(paths) < 2 for paths in found.values()):  # one that stands still may be among others
        paths = next(iter(found.values()), ())
        raise UsageError(
            f"{paths[0] if paths else 'nothing'} is only one key; wanted two or more in a layer."
        )
    return found


def _is_psd(place: str | Path) -> bool:
    return Path(place).suffix.lower() == ".psd"


def _unpacked(name: str, places: list[str | Path], unpack: Path) -> tuple[Path, ...]:
    """The drawings of a layer; of a PSD those of the group that is called as the layer, or all."""
    if len(places) > 1 or not _is_psd(places[0]):
        return keys_of(places) if len(places) > 1 else tuple(find_cels(places[0]))
    found = _unpack(Path(places[0]), unpack / name)
    if name in found or "" in found:
        return found[name if name in found else ""]
    raise InputError(f"{places[0]} has no group {name!r}; its groups: {', '.join(found)}.")


def _unpack(path: Path, folder: Path) -> dict[str, tuple[Path, ...]]:
    """Write the drawings of a PSD as PNG files; gives them by group."""
    from nakawari.cels.psd import psd_drawings
    from nakawari.video.images import encode_image

    found: dict[str, tuple[Path, ...]] = {}
    for group, drawings in psd_drawings(path).items():
        place = folder / (group or "_")
        try:
            place.mkdir(parents=True)
            for stem, image in drawings:
                (place / f"{stem}.png").write_bytes(encode_image(image, ".png"))
        except OSError as error:
            raise OutputError(f"{place} cannot be written ({error.strerror}).") from error
        found[group] = tuple(place / f"{stem}.png" for stem, _ in drawings)
    return found


# -- charts ------------------------------------------------------------------------------------


def _charts(
    layers: Mapping[str, object], chart: Charts | Mapping[str, Charts] | None, rest: tuple[Chart, ...]
) -> dict[str, tuple[Chart, ...]]:
    """The charts of each layer, `rest` where none is given."""
    if chart is None:
        return dict.fromkeys(layers, rest)
    if not isinstance(chart, Mapping):
        return dict.fromkeys(layers, as_charts(chart))
    for name in chart:
        if name and name not in layers:
            raise UsageError(f"there is a chart for layer {name!r}; layers: {', '.join(layers) or 'none'}.")
    rest = as_charts(chart[""]) if "" in chart else rest
    return {name: as_charts(chart[name]) if name in chart else rest for name in layers}


def _timing(
    chart: Charts | Mapping[str, Charts] | None,
    count: int | None,
    even: Callable[[int], Chart],
    exposure: int,
) -> Callable[[str, list[str]], Timing]:
    """The timing of a layer of a sheet, by its name and those of all."""

    def timing(name: str, layers: list[str]) -> Timing:
        given = _charts(dict.fromkeys(layers), chart, ())[name] or None
        insert = None if given is None else given[0]
        if given is None and count is not None:
            insert = even(count)
        return Timing(given, even, insert, exposure)

    return timing


# -- sheets ------------------------------------------------------------------------------------


def _of_sheet(
    sheet: Sheet,
    path: str,
    layers: Mapping[str, Places] | None,
    unpack: Path,
    timing: Callable[[str, list[str]], Timing],
    loop: bool,
) -> list[Layer]:
    if not layers:
        tracks = ", ".join(track.name for track in sheet.tracks)
        raise InputError(f"{path} has layers {tracks}; say where their drawings are: --layers A=cels/A.")
    cut = []
    for name, places in layers.items():
        files = _unpacked(name, several(places), unpack)
        cut.append(
            layer_of(_track(sheet, name, path), files, timing(name, list(layers)), sheet.duration, loop)
        )
    if not any(drawing.second is not None for layer in cut for drawing in layer.drawings):
        raise PlanError(
            f"{path} asks for no drawing between keys; give --count or --chart to put some there."
        )
    order = [track.name.lower() for track in sheet.tracks]
    return sorted(cut, key=lambda layer: order.index(layer.name.lower()))


def _track(sheet: Sheet, name: str, path: str) -> Track:
    found = [track for track in sheet.tracks if track.name == name]
    found = found or [track for track in sheet.tracks if track.name.lower() == name.lower()]
    if len(found) != 1:
        said = "no layer" if not found else f"{len(found)} layers called"
        raise InputError(f"{path} has {said} {name}; its layers: {', '.join(t.name for t in sheet.tracks)}.")
    return Track(name, found[0].cells)
