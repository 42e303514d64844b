"""Samples on disk, read without decoding: folders of safetensors files, each a stack of samples.

A shard holds the tensors of `Sample` by name, stacked; flows as float16. Its header says what made it:
format, generator, version, seed, first index, count, size. A folder is written shard by shard, each appearing
whole or not at all, so an interrupted run goes on where it stopped; and a shard that something else made is
never mixed in.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from nakawari.data.augment import Recipe, augment
from nakawari.data.sample import FLOWS, NAMES, Sample, collate
from nakawari.errors import InputError, OutputError

FORMAT = "nakawari-shard-1"
_log = logging.getLogger(__name__)


class Source(Protocol):
    """Anything that gives sample i. Picklable when several processes write."""

    def __getitem__(self, index: int) -> Sample: ...


def shard_path(folder: Path, number: int) -> Path:
    """Where shard `number` lies."""
    return folder / f"{number:06d}.safetensors"


def read_header(path: Path) -> dict[str, str]:
    """What made a shard.

    Raises:
        InputError: it is not one of ours.
    """
    try:
        with safe_open(str(path), framework="pt") as file:
            header = dict(file.metadata() or {})
    except (OSError, SafetensorError) as error:
        raise InputError(f"{path} is not a shard ({error}); delete it, or name another folder.") from error
    if header.get("format") != FORMAT:
        raise InputError(f"{path} has format {header.get('format')!r}; wanted {FORMAT!r}.")
    return header


def _packed(sample: Sample) -> Sample:
    """Flows in half precision."""
    return Sample(**{k: x.half() if k in FLOWS else x for k, x in sample.tensors().items()})


def write_shard(path: Path, samples: Sequence[Sample], header: Mapping[str, str]) -> None:
    """Write one shard, whole or not at all."""
    tensors = {name: x.contiguous() for name, x in collate(map(_packed, samples)).tensors().items()}
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        save_file(tensors, str(part), dict(header))
        os.replace(part, path)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error}.") from error
    finally:
        part.unlink(missing_ok=True)


def _make(source: Source, path: Path, first: int, count: int, header: Mapping[str, str]) -> Path:
    write_shard(path, [source[index] for index in range(first, first + count)], header)
    return path


def write_shards(
    folder: str | Path,
    source: Source,
    header: Mapping[str, str],
    count: int,
    *,
    start: int = 0,
    per_shard: int = 64,
    workers: int = 0,
    settle: Callable[[], None] | None = None,
) -> Iterator[Path]:
    """Write samples `start` .. `start + count` of a source; yields each shard as it is done, old ones first.

    Args:
        folder: is made when it is not there.
        source: gives sample i.
        header: what made them: generator, version, seed and so on.
        count: of samples in all.
        start: the first sample.
        per_shard: samples a file.
        workers: processes; 0: this one.
        settle: called once in each process.

    Raises:
        InputError: the folder has a shard that something else made.
        OutputError: it cannot be written.
    """
    place = Path(folder)
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make {place}: {error}.") from error
    todo = []
    for number, first in enumerate(range(start, start + count, per_shard)):
        size = min(per_shard, start + count - first)
        own = {**header, "format": FORMAT, "first": str(first), "count": str(size)}
        path = shard_path(place, number)
        if not path.exists():
            todo.append((path, first, size, own))
            continue
        found = read_header(path)
        if found != own:
            differ = next(key for key in {*own, *found} if own.get(key) != found.get(key))
            raise InputError(
                f"{path} has {differ}={found.get(differ)!r}; wanted {own.get(differ)!r}. Name another folder."
            )
        yield path
    if not workers:
        for each in todo:
            yield _make(source, *each)
        return
    with ProcessPoolExecutor(workers, get_context("spawn"), initializer=settle) as pool:
        yield from pool.map(_make, repeat(source), *zip(*todo, strict=True)) if todo else ()


class Shards:
    """A folder of shards as one sequence of samples, memory-mapped.

    Args:
        folder: that `write_shards` wrote.

    Raises:
        InputError: there are no shards in it.
    """

    def __init__(self, folder: str | Path) -> None:
        self.paths = sorted(Path(folder).glob("*.safetensors"))
        if not self.paths:
            raise InputError(
                f"{folder} has no shards (*.safetensors); make some with: nakawari data cartoon."
            )
        self.headers = [read_header(path) for path in self.paths]
        self.ends = np.cumsum([int(header["count"]) for header in self.headers])

    def __len__(self) -> int:
        return int(self.ends[-1])

    def __getitem__(self, index: int) -> Sample:
        """Sample `index`; flows as float32."""
        if not 0 <= index < len(self):
            raise IndexError(f"sample {index} of {len(self)}")
        number = int(np.searchsorted(self.ends, index, "right"))
        file, names = _opened(str(self.paths[number]))
        row = index - int(self.ends[number]) + int(self.headers[number]["count"])
        tensors = {name: file.get_slice(name)[row] for name in names}
        return Sample(**{name: x.float() if name in FLOWS else x for name, x in tensors.items()})


@lru_cache(maxsize=256)
def _opened(path: str) -> tuple[Any, tuple[str, ...]]:
    """A shard kept open, and the names in it that we know."""
    file: Any = safe_open(path, framework="pt")
    return file, tuple(name for name in NAMES if name in file.keys())  # noqa: SIM118 - not a mapping


class ShardStream:
    """Shards as an endless stream: each pass in another order, sample i a pure function of (seed, i).

    Args:
        folder: of shards.
        seed: of order and augmentation.
        recipe: None: as they are.
        names: which flows, masks and labels to keep; None: all.
    """

    def __init__(
        self, folder: str | Path, seed: int, recipe: Recipe | None = None, names: Sequence[str] | None = None
    ) -> None:
        self.shards, self.seed, self.recipe, self.names = Shards(folder), seed, recipe, names

    def __getitem__(self, index: int) -> Sample:
        """Sample `index` of the stream."""
        turn, place = divmod(index, len(self.shards))
        sample = self.shards[int(_order(self.seed, turn, len(self.shards))[place])]
        if self.names is not None:
            sample = sample.only(*self.names)
        if self.recipe is not None:
            sample = augment(sample, self.recipe, np.random.default_rng((self.seed, index, 2)))
        return sample

    def batch(self, indices: Sequence[int]) -> dict[str, Tensor]:
        """The samples `indices`, stacked, by name."""
        return collate(self[index] for index in indices).tensors()


@lru_cache(maxsize=4)
def _order(seed: int, turn: int, count: int) -> Any:
    return np.random.default_rng((seed, turn, 3)).permutation(count)


def total_bytes(folder: str | Path) -> int:
    """Size of a folder of shards."""
    return sum(path.stat().st_size for path in Path(folder).glob("*.safetensors"))


__all__ = [
    "FORMAT",
    "ShardStream",
    "Shards",
    "Source",
    "read_header",
    "shard_path",
    "total_bytes",
    "write_shard",
    "write_shards",
]
