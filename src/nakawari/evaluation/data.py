"""What is evaluated on: triplets of frames, one in memory at a time.

    triplets:DIR  DIR/NAME/frame1, frame2, frame3 as .png or .jpg; frame2 is the truth
    atd12k:DIR    the test part of ATD-12K as published, measured as its authors do
    video:FILE    leave one out: each drawing is the truth for the drawings beside it in its shot

The truth is taken to lie midway. That is how triplets were published, and for drawings it is the better
guess too: how long a drawing is exposed says little about where between its neighbours it was drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np

from nakawari.data.atd12k import ANNOTATIONS, FRAMES, Annotation, find_triplets
from nakawari.errors import InputError
from nakawari.pipeline.analyse import analyse
from nakawari.pipeline.render import Progress, silent
from nakawari.tensors import Array
from nakawari.timeline.plan import Drawing, Shot
from nakawari.video.images import natural, read_image
from nakawari.video.open import open_reader

SUFFIXES = (".png", ".jpg", ".jpeg")


@dataclass(frozen=True, slots=True)
class Triplet:
    """Two keys and the frame midway, H×W×3 of one size and type. `name` fits a file name.

    `note` says how hard it is and where it moves; `coarse` is flow from frame 0 to 1 and back, [2, H, W].
    """

    name: str
    frame0: Array
    truth: Array
    frame1: Array
    note: Annotation | None = None
    coarse: tuple[Array, Array] | None = None


class Dataset(Protocol):
    """Triplets whose names are known before the first is read; each iteration starts anew.

    Opening one is quick; a video is looked through when its names are first asked for. `as_published`: what a
    model draws is measured as it is, in floats; otherwise as users get it, mostly in 8 bits.
    """

    as_published: bool

    @property
    def names(self) -> Sequence[str]:
        """The names of all triplets, in order.

        Raises:
            InputError: there are none.
        """
        ...

    def __iter__(self) -> Iterator[Triplet]:
        """The triplets in the order of `names`.

        Raises:
            InputError: one cannot be read.
        """
        ...


class TripletFolder:
    """`triplets:DIR`."""

    as_published = False

    def __init__(self, folder: str, progress: Progress = silent) -> None:
        """Find all files.

        Raises:
            InputError: the folder holds no triplets, or one of them lacks a frame.
        """
        root = Path(folder)
        if not root.is_dir():
            raise InputError(f"triplets:{folder}: there is no such folder.")
        places = [p for p in root.iterdir() if p.is_dir() and not p.name.startswith(".")]
        places.sort(key=lambda place: natural(place.name))
        if not places:
            raise InputError(f"triplets:{folder} holds no folders; wanted NAME/frame1, frame2, frame3 in it.")
        self._files = {
            place.name: tuple(_one_frame(place, f"frame{number}") for number in (1, 2, 3)) for place in places
        }

    @property
    def names(self) -> Sequence[str]:
        """The names of the folders."""
        return tuple(self._files)

    def __iter__(self) -> Iterator[Triplet]:
        """Read one folder after the other."""
        for name, files in self._files.items():
            frame0, truth, frame1 = (opaque(read_image(file)) for file in files)
            _check_alike((frame0, truth, frame1), [str(file) for file in files])
            yield Triplet(name, frame0, truth, frame1)


class VideoDrawings:
    """`video:FILE`: every drawing but the first and last of its shot, named by its first frame's number."""

    as_published = False

    def __init__(self, path: str, progress: Progress = silent) -> None:
        """Open the clip.

        Raises:
            InputError: it cannot be read.
        """
        self._reader = open_reader(path)
        self._path = path
        self._progress = progress

    @cached_property
    def _frames(self) -> list[tuple[int, int, int]]:
        seen = analyse(self._reader, progress=self._progress)
        frames = leave_one_out(seen.shots, seen.drawings)
        if not frames:
            raise InputError(
                f"video:{self._path} has {len(seen.drawings)} drawings in {len(seen.shots)} shots; "
                "wanted three in one shot."
            )
        return frames

    @property
    def names(self) -> Sequence[str]:
        """The numbers of the frames that are left out."""
        return tuple(f"{middle:06d}" for _, middle, _ in self._frames)

    def __iter__(self) -> Iterator[Triplet]:
        """Read the clip once; what no triplet to come needs is forgotten."""
        waiting = list(zip(self.names, self._frames, strict=True))[::-1]
        wanted = {index for frames in self._frames for index in frames}
        kept: dict[int, Array] = {}
        for frame in self._reader:
            if frame.index not in wanted:
                continue
            kept[frame.index] = opaque(frame.rgb())
            while waiting and waiting[-1][1][2] == frame.index:
                name, (first, middle, last) = waiting.pop()
                yield Triplet(name, kept[first], kept[middle], kept[last])
            if not waiting:
                return
            kept = {index: rgb for index, rgb in kept.items() if index >= waiting[-1][1][0]}
        raise InputError(f"video:{self._path} gave fewer frames when it was read for the second time.")


class Atd12kTest:
    """`atd12k:DIR`: the 2,000 triplets of the test part at 960×540, in floats, with what is noted of them."""

    as_published = True

    def __init__(self, folder: str, progress: Progress = silent) -> None:
        """Find all files, and read the annotations.

        Raises:
            InputError: frames are missing, or annotations, or one is broken.
        """
        self._triplets = find_triplets(folder, "test")
        bare = [triplet.name for triplet in self._triplets if triplet.annotation is None]
        if bare:
            raise InputError(
                f"atd12k:{folder} lacks {len(bare)} annotations, {ANNOTATIONS}/{bare[0]}/{bare[0]}.json "
                f"the first; triplets:{folder}/{FRAMES['test'][0]} measures without them."
            )
        self._notes = [triplet.read_annotation() for triplet in self._triplets]

    @property
    def names(self) -> Sequence[str]:
        """The names of the folders."""
        return tuple(triplet.name for triplet in self._triplets)

    def __iter__(self) -> Iterator[Triplet]:
        """Read one folder after the other."""
        for triplet, note in zip(self._triplets, self._notes, strict=True):
            frame0, truth, frame1 = (frame.astype(np.float32) / 255 for frame in triplet.read_frames())
            guide = triplet.read_guide()
            coarse = None if guide is None else (guide.flow01, guide.flow10)
            if coarse is not None and coarse[0].shape[1:] != truth.shape[:2]:
                raise InputError(
                    f"the coarse flow in {triplet.guide} is {list(coarse[0].shape)}; wanted [2, 540, 960]."
                )
            yield Triplet(triplet.name, frame0, truth, frame1, note, coarse)


def leave_one_out(shots: Sequence[Shot], drawings: Sequence[Drawing]) -> list[tuple[int, int, int]]:
    """Frame numbers of (drawing before, drawing, drawing after), for each that has both in its shot."""
    found = []
    for shot in shots:
        firsts = [drawing.first for drawing in drawings if shot.first <= drawing.first <= shot.last]
        found += list(zip(firsts, firsts[1:], firsts[2:], strict=False))
    return found


def opaque(frame: Array) -> Array:
    """H×W×3 of an H×W×4 frame: over white, as a drawing on paper. H×W×3 stays as it is."""
    if frame.shape[2] == 3:
        return frame
    top = int(np.iinfo(frame.dtype).max)
    alpha = frame[..., 3:].astype(np.float64) / top
    return np.asarray(np.rint(frame[..., :3] * alpha + top * (1 - alpha)), dtype=frame.dtype)


def _one_frame(place: Path, stem: str) -> Path:
    for suffix in SUFFIXES:
        for name in (stem + suffix, stem + suffix.upper()):
            if (place / name).is_file():
                return place / name
    raise InputError(f"{place} lacks {stem}; wanted {stem}{SUFFIXES[0]} or {stem}{SUFFIXES[1]}.")


def _check_alike(frames: Sequence[Array], names: Sequence[str]) -> None:
    for frame, name in zip(frames, names, strict=True):
        if frame.shape != frames[0].shape or frame.dtype != frames[0].dtype:
            raise InputError(
                f"{name} is {describe(frame)} but {Path(names[0]).name} is {describe(frames[0])}; "
                "wanted three frames of one size and type."
            )


def describe(frame: Array) -> str:
    """Size and type in words, for messages."""
    return f"{frame.shape[1]}x{frame.shape[0]} {frame.dtype}"


KINDS: dict[str, Callable[[str, Progress], Dataset]] = {
    "triplets": TripletFolder,
    "video": VideoDrawings,
    "atd12k": Atd12kTest,
}
"""What may stand before the colon of a data spec."""


def open_data(spec: str, progress: Progress = silent) -> Dataset:
    """The data that `spec` (KIND:PATH) names.

    Raises:
        InputError: there is no such kind, or the data are not there or not whole.
    """
    kind, colon, path = spec.partition(":")
    if kind not in KINDS or not colon or not path:
        near = get_close_matches(kind, KINDS, n=1)
        hint = f" Did you mean {near[0]}:{path or 'PATH'}?" if near else ""
        raise InputError(f"{spec!r} names no data; wanted {', '.join(f'{k}:PATH' for k in KINDS)}.{hint}")
    return KINDS[kind](path, progress)
