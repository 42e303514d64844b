"""Compiled CPU kernels, and how they use the cores.

Kernels are compiled by numba without its own threads. They take a range of rows and release the GIL;
`in_bands` runs the ranges on a thread pool. That is safe when several Python threads run kernels at once
(numba's default threading layer is not), compiles in a fraction of the time, and leaves the order of
additions to the kernel, so results do not depend on the number of threads.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from functools import lru_cache
from itertools import pairwise
from typing import Any

import torch

from nakawari.machine_code import kept
from nakawari.optional import need


@lru_cache(maxsize=1)
def _pool() -> ThreadPoolExecutor:
    """Of all who call kernels at once: each runs one band itself, so that nobody only waits."""
    return ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="nakawari-kernel")


if hasattr(os, "register_at_fork"):  # threads do not survive a fork (data loader workers)
    os.register_at_fork(after_in_child=_pool.cache_clear)


def compile_kernel(signature: str, fast: bool = False) -> Callable[..., Any]:
    """Decorate a kernel: compiled once for `signature`, then loaded from the user's cache.

    Args:
        signature: numba's, such as `"void(f4[:, ::1], i8)"`.
        fast: let the compiler reorder and fuse arithmetic (not NaN-unsafe tricks).
    """
    numba = need("numba")
    options: dict[str, Any] = {"nogil": True, "cache": True, "error_model": "numpy"}
    if fast:
        options["fastmath"] = {"contract", "reassoc", "nsz", "arcp"}

    return kept(numba.njit([signature], **options))


def in_bands(work: Callable[[int, int], object], length: int, smallest: int = 16) -> None:
    """Call `work(start, stop)` on bands that cover `range(length)`, one for each of torch's threads.

    Args:
        work: releases the GIL, and writes nothing that another band writes.
        length: number of rows.
        smallest: bands are not made shorter than this.
    """
    bands = max(1, min(torch.get_num_threads(), length // smallest))
    if bands == 1:
        work(0, length)
        return
    edges = [length * i // bands for i in range(bands + 1)]
    others = [_pool().submit(work, *band) for band in pairwise(edges[1:])]
    try:
        work(edges[0], edges[1])
    finally:
        wait(others)
    for other in others:
        other.result()
