"""Small sets in the layouts of published ones, of drawn scenes with exact flow: to try a recipe before the
download is there, and to test with.

Whatever the layout says is there is there: lists, splits, occlusions, annotations. Only numbers are small.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from nakawari.checkpoints import write_atomic
from nakawari.data.atd12k import Part
from nakawari.data.atd12k_write import write_set
from nakawari.data.cartoon import Scene, render, write
from nakawari.data.sample import Sample
from nakawari.data.sets.files import write_flo, write_pfm, write_picture
from nakawari.data.sets.qvi960 import BETWEEN
from nakawari.data.sets.sintel import HELD_OUT
from nakawari.data.sets.vimeo import SEPTUPLET
from nakawari.errors import InputError, OutputError

Size = tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Scenes:
    """Scenes by number, without grain or compression (which flow does not explain)."""

    seed: int
    size: Size

    def scene(self, number: int) -> Scene:
        return write(self.seed, number, self.size, graded=False)

    def sample(self, number: int) -> Sample:
        """Times 0, ½ and 1, with the flow between all of them."""
        return render([self.scene(number)], [0.5])[0]

    def frames(self, number: int, count: int) -> list[Tensor]:
        """`count` frames evenly spread over the scene, its first and last among them."""
        scene = self.scene(number)
        samples = [render([scene], [k / (count - 1)])[0] for k in range(1, count - 1)]
        return [samples[0].frame0, *(sample.framet for sample in samples), samples[0].frame1]


def write_fake(
    kind: str,
    folder: str | Path,
    count: int = 4,
    size: Size | None = None,
    seed: int = 0,
    *,
    part: Part | None = None,
) -> Iterator[int]:
    """Write a set of `count` items of which the last is held out; yields the number of each as it is done.

    Args:
        kind: one of FAKES.
        folder: is made; what is in it already is written over.
        count: items (sequences of three frames, for Things and Sintel).
        size: (height, width); None: as published.
        seed: of the scenes.
        part: of ATD-12K: all items are of this part; None: the last is of the test part.

    Raises:
        InputError: there is no such kind or no such part of it, or fewer than two items.
        OutputError: it cannot be written.
    """
    if kind not in FAKES:
        raise InputError(f"there is no set {kind!r} to fake; wanted {', '.join(FAKES)}.")
    if count < 2:
        raise InputError(f"a set of {count} has nothing to hold out; wanted 2 or more.")
    if part is not None and kind != "atd12k":
        raise InputError(f"{kind} is written whole; only atd12k has a part {part} that is written alone.")
    root = Path(folder)
    if kind == "atd12k" and part is not None:
        yield from (n for n, _ in enumerate(write_set(root, part, count, seed, size)))
        return
    if kind == "atd12k":
        yield from (n for n, _ in enumerate(write_set(root, "train", count - 1, seed, size)))
        yield from (n + count - 1 for n, _ in enumerate(write_set(root, "test", 1, seed + 1, size)))
        return
    scenes = _Scenes(seed, size or SIZES[kind])
    for number in range(count):
        _ITEMS[kind](root, scenes, number, number == count - 1)
        yield number
    if kind in _LISTS:
        for name, lines in _LISTS[kind](count).items():
            _write_text(root / name, "\n".join(lines) + "\n")


def _write_text(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{path.parent} cannot be made: {error.strerror or error}.") from error
    write_atomic(path, text.encode())


def _vimeo(frames: int) -> Callable[[Path, _Scenes, int, bool], None]:
    def write_item(root: Path, scenes: _Scenes, number: int, held_out: bool) -> None:
        place = root / "sequences" / _vimeo_name(number)
        for frame, tensor in enumerate(scenes.frames(number, frames), 1):
            write_picture(place / f"im{frame}.png", tensor)

    return write_item


def _vimeo_name(number: int) -> str:
    return f"{1 + number // 1000:05d}/{1 + number % 1000:04d}"


def _vimeo_lists(prefix: str) -> Callable[[int], dict[str, list[str]]]:
    def lists(count: int) -> dict[str, list[str]]:
        names = [_vimeo_name(number) for number in range(count)]
        return {f"{prefix}_trainlist.txt": names[:-1], f"{prefix}_testlist.txt": names[-1:]}

    return lists


def _qvi960(root: Path, scenes: _Scenes, number: int, held_out: bool) -> None:
    frames = scenes.frames(number, BETWEEN + 2)
    first, *between, last = frames
    named = {"frame0": first, "frame1": first, "frame2": last, "frame3": last}
    named |= {f"framet{k}": frame for k, frame in enumerate(between, 1)}
    for name, frame in named.items():
        write_picture(root / f"clip{number:05d}" / f"{name}.jpg", frame)


def _chairs(root: Path, scenes: _Scenes, number: int, held_out: bool) -> None:
    sample = scenes.sample(number)
    assert sample.flow01 is not None
    stem = f"{number + 1:05d}"
    write_picture(root / "data" / f"{stem}_img1.ppm", sample.frame0)
    write_picture(root / "data" / f"{stem}_img2.ppm", sample.frame1)
    write_flo(root / "data" / f"{stem}_flow.flo", sample.flow01)


def _things(root: Path, scenes: _Scenes, number: int, held_out: bool) -> None:
    sample = scenes.sample(number)
    sequence = Path("TEST" if held_out else "TRAIN", "ABC"[number % 3], f"{number:04d}")
    for name in ("cleanpass", "finalpass"):
        for frame, tensor in enumerate((sample.frame0, sample.framet, sample.frame1), 6):
            write_picture(root / f"frames_{name}" / sequence / "left" / f"{frame:04d}.png", tensor)
    flows = {
        ("Future", 6): sample.flow0t,
        ("Future", 7): sample.flowt1,
        ("Past", 7): sample.flowt0,
        ("Past", 8): sample.flow1t,
    }
    for (way, frame), flow in flows.items():
        assert flow is not None
        place = root / "optical_flow" / sequence / f"into_{way.lower()}" / "left"
        place.mkdir(parents=True, exist_ok=True)
        write_pfm(place / f"OpticalFlowInto{way}_{frame:04d}_L.pfm", flow)


def _sintel(root: Path, scenes: _Scenes, number: int, held_out: bool) -> None:
    sample = scenes.sample(number)
    sequence = HELD_OUT[0] if held_out else f"alley_{number + 1}"
    place = root / "training"
    for name in ("clean", "final"):
        for frame, tensor in enumerate((sample.frame0, sample.framet, sample.frame1), 1):
            write_picture(place / name / sequence / f"frame_{frame:04d}.png", tensor)
    for frame, flow, visible in (
        (1, sample.flow0t, sample.visible0t),
        (2, sample.flowt1, sample.visiblet1),
    ):
        assert flow is not None
        assert visible is not None
        (place / "flow" / sequence).mkdir(parents=True, exist_ok=True)
        write_flo(place / "flow" / sequence / f"frame_{frame:04d}.flo", flow)
        write_picture(place / "occlusions" / sequence / f"frame_{frame:04d}.png", ~visible)
        write_picture(place / "invalid" / sequence / f"frame_{frame:04d}.png", torch.zeros_like(visible))


_ITEMS: dict[str, Callable[[Path, _Scenes, int, bool], None]] = {
    "vimeo90k-triplet": _vimeo(3),
    "vimeo90k-septuplet": _vimeo(SEPTUPLET),
    "qvi960": _qvi960,
    "chairs": _chairs,
    "things": _things,
    "sintel": _sintel,
}
FAKES = ("atd12k", *_ITEMS)
"""The kinds of `data.sets.SETS`."""
SIZES: dict[str, Size] = {
    "vimeo90k-triplet": (256, 448),
    "vimeo90k-septuplet": (256, 448),
    "qvi960": (360, 640),
    "chairs": (384, 512),
    "things": (540, 960),
    "sintel": (436, 1024),
}
"""Of published frames, height and width; those of ATD-12K are of several."""
_LISTS: dict[str, Callable[[int], dict[str, list[str]]]] = {
    "vimeo90k-triplet": _vimeo_lists("tri"),
    "vimeo90k-septuplet": _vimeo_lists("sep"),
    "chairs": lambda count: {"FlyingChairs_train_val.txt": ["1"] * (count - 1) + ["2"]},
}
