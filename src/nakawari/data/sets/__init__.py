"""Data sets as they were published, each item a `Sample`.

    triplets    atd12k · vimeo90k-triplet · vimeo90k-septuplet · qvi960
    flow        chairs · things · sintel       (t is 1, for frame 1 is all that is seen after frame 0)

A set is opened where it lies and never changed. `SetStream` makes an endless row of it, sample i a function
of (seed, i) alone, for training; `fake` writes small sets of the same layouts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from nakawari.data.sample import Sample
from nakawari.data.sets.atd12k import Atd12k
from nakawari.data.sets.chairs import FlyingChairs
from nakawari.data.sets.options import Options, PublishedSet
from nakawari.data.sets.qvi960 import Qvi960
from nakawari.data.sets.sintel import Sintel
from nakawari.data.sets.things import FlyingThings3D
from nakawari.data.sets.vimeo import VimeoSeptuplets, VimeoTriplets
from nakawari.errors import InputError

SETS: dict[str, Callable[[str, Options], PublishedSet]] = {
    "atd12k": Atd12k,
    "vimeo90k-triplet": VimeoTriplets,
    "vimeo90k-septuplet": VimeoSeptuplets,
    "qvi960": Qvi960,
    "chairs": FlyingChairs,
    "things": FlyingThings3D,
    "sintel": Sintel,
}
FLOW_SETS = ("chairs", "things", "sintel")
"""Those of pairs with flow and nothing between."""
_ORDER, _READ = 5, 6
"""Streams of random numbers: the order of a pass, and what an item chooses."""


def open_set(kind: str, folder: str, options: Options | None = None) -> PublishedSet:
    """The set of a kind in a folder.

    Raises:
        InputError: there is no such kind, or the folder is not in its layout.
    """
    if kind not in SETS:
        raise InputError(f"there is no set {kind!r}; wanted {', '.join(SETS)}.")
    return SETS[kind](folder, options or Options())


class SetStream:
    """A set as an endless stream: each pass in another order, sample i a pure function of (seed, i).

    Args:
        items: the set.
        seed: of the order, and of what items choose.
    """

    def __init__(self, items: PublishedSet, seed: int) -> None:
        self.items, self.seed = items, seed

    def __getitem__(self, index: int) -> Sample:
        """Sample `index` of the stream, whole."""
        turn, place = divmod(index, len(self.items))
        number = int(_order(self.seed, turn, len(self.items))[place])
        return self.items.read(number, np.random.default_rng((self.seed, index, _READ)))


class PartOfSet(PublishedSet):
    """The first items of a set, or the share of it that is left at its end.

    Args:
        items: the set.
        share: of it at the end, above 0 and below 1; one item at least, and not all.
        last: whether that share is meant, or what is before it.

    Raises:
        InputError: there is one item only.
    """

    def __init__(self, items: PublishedSet, share: float, last: bool) -> None:
        count = len(items)
        if count < 2:
            raise InputError(f"the set has {count} item to train on; wanted two, of which one is kept back.")
        kept = int(count * (1 - share) + 1e-9)  # as RIFE counts it
        kept = min(max(kept, 1), count - 1)
        self.items, self.numbers = items, range(kept, count) if last else range(kept)

    def __len__(self) -> int:
        return len(self.numbers)

    def pictures(self, number: int) -> list[Path]:
        """As the set has them."""
        return self.items.pictures(self.numbers[number])

    def read(self, number: int, rng: np.random.Generator) -> Sample:
        """As the set reads it."""
        return self.items.read(self.numbers[number], rng)


@lru_cache(maxsize=8)
def _order(seed: int, turn: int, count: int) -> Any:
    return np.random.default_rng((seed, turn, _ORDER)).permutation(count)


def faults(items: PublishedSet) -> Iterator[str | None]:
    """Read every item; yields for each what is wrong with it, or None. Open it with `early=False`."""

    def fault(number: int) -> str | None:
        try:
            items.inspect(number)
        except InputError as error:
            return str(error)
        return None

    with ThreadPoolExecutor() as pool:
        yield from pool.map(fault, range(len(items)))
