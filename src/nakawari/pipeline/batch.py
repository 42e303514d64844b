"""A folder of clips, one after the other: what goes wrong with one does not touch the others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from nakawari.errors import InputError, NakawariError, OutputError
from nakawari.pipeline.report import Report
from nakawari.pipeline.smooth import default_output, smooth
from nakawari.pipeline.timing import exact
from nakawari.video.encoders import MUXERS
from nakawari.video.images import natural

CLIPS = (*MUXERS, ".gif", ".apng", ".avi", ".flv", ".m2ts", ".mpg", ".mpeg", ".mts", ".nut", ".ogv", ".ts",
         ".vob", ".wmv", ".y4m")  # fmt: skip
"""Endings of files that are taken for clips."""


@dataclass(frozen=True, slots=True)
class Done:
    """How a clip of a batch ended: its report, or its error."""

    source: Path
    report: Report | None = None
    error: NakawariError | None = None


def clips(folder: str | Path) -> list[Path]:
    """The clips of a folder, in natural order (2 before 10); empty where it is no folder of clips."""
    place = Path(folder)
    if not place.is_dir():
        return []
    found = [p for p in place.iterdir() if p.suffix.lower() in CLIPS and p.is_file() and p.name[0] != "."]
    return sorted(found, key=lambda p: natural(p.name))


def is_batch(source: str | Path) -> bool:
    """Whether `source` is a folder that holds clips and no images."""
    from nakawari.errors import MediaError
    from nakawari.video.images import find

    if not clips(source):
        return False
    try:
        find(source)
    except MediaError:
        return True
    return False


def smooth_all(folder: str | Path, output: str | Path | None = None, **words: Any) -> Iterator[Done]:
    """Smooth every clip of a folder into another folder, under its own name.

    Args:
        folder: where the clips are.
        output: the folder for the results, made if need be; None: beside it, named after it.
        words: as `smooth` takes them.

    Yields:
        how each clip ended, when it has.

    Raises:
        InputError: there is no clip, or two would get the same name.
        OutputError: the output is the folder itself, a file, or cannot be made.
    """
    source = Path(folder)
    found = clips(source)
    if not found:
        raise InputError(f"{source} holds no clips; wanted {', '.join(name[1:] for name in CLIPS)}.")
    names = [_name(clip) for clip in found]
    for clip, name in zip(found, names, strict=True):
        if names.count(name) > 1:
            raise InputError(
                f"{clip.name} and another clip of {source} would both become {name}. Rename one."
            )
    target = Path(output) if output is not None else _beside(source, words)
    if target.exists() and (not target.is_dir() or target.samefile(source)):
        raise OutputError(
            f"{target} is {'the input itself' if target.is_dir() else 'a file'}; wanted a folder."
        )
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"the folder {target} cannot be made ({error.strerror}).") from error
    pictures = words.pop("debug_dir", None)
    for clip, name in zip(found, names, strict=True):
        seen = None if pictures is None else Path(pictures) / clip.stem
        try:
            yield Done(clip, report=smooth(clip, target / name, debug_dir=seen, **words))
        except NakawariError as error:
            yield Done(clip, error=error)


def _name(clip: Path) -> str:
    from nakawari.video.open import writes

    return clip.name if writes(clip) else f"{clip.stem}.mkv"


def _beside(source: Path, words: dict[str, Any]) -> Path:
    fps, slowmo = exact(words.get("fps")), exact(words.get("slowmo"))
    if slowmo is not None:
        return default_output(source, Fraction(1), slowmo, True, "slow")
    return default_output(source, fps or Fraction(1), exact(words.get("factor")), fps is None)
