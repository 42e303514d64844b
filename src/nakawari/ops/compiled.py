"""Compiled CPU kernels: where their machine code is kept, and how they use the cores.

Kernels are compiled by numba without its own threads. They take a range of rows and release the GIL;
`in_bands` runs the ranges on a thread pool. That is safe when several Python threads run kernels at once
(numba's default threading layer is not), compiles in a fraction of the time, and leaves the order of
additions to the kernel, so results do not depend on the number of threads.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import torch

from nakawari.optional import need

_pools: dict[int, ThreadPoolExecutor] = {}
if hasattr(os, "register_at_fork"):  # threads do not survive a fork (data loader workers)
    os.register_at_fork(after_in_child=_pools.clear)


def cache_folder() -> Path:
    """The user's folder for compiled kernels; a temporary one where the home folder cannot be written."""
    base = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA") or "~/.cache"
    folder = Path(base).expanduser() / "nakawari" / "numba"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError:
        owner = str(os.getuid()) if hasattr(os, "getuid") else "user"
        return Path(tempfile.gettempdir()) / f"nakawari-numba-{owner}"


def compile_kernel(signatures: str | Sequence[str], fast: bool = False) -> Callable[..., Any]:
    """Decorate a kernel: compiled once for `signatures`, then loaded from the user's cache.

    Args:
        signatures: numba signatures, such as `"void(f4[:, ::1], i8)"`.
        fast: let the compiler reorder and fuse arithmetic (not NaN-unsafe tricks).
    """
    numba = need("numba")
    wanted = [signatures] if isinstance(signatures, str) else list(signatures)
    options: dict[str, Any] = {"nogil": True, "cache": True, "error_model": "numpy"}
    if fast:
        options["fastmath"] = {"contract", "reassoc", "nsz", "arcp"}

    def decorate(function: Callable[..., Any]) -> Any:
        chosen = numba.config.CACHE_DIR
        if not chosen:  # NUMBA_CACHE_DIR wins
            numba.config.CACHE_DIR = str(cache_folder())
        try:
            return numba.njit(wanted, **options)(function)
        finally:
            numba.config.CACHE_DIR = chosen

    return decorate


def in_bands(work: Callable[[int, int], object], length: int, smallest: int = 16) -> None:
    """Call `work(start, stop)` on bands that cover `range(length)`, one for each of torch's threads.

    Args:
        work: releases the GIL, and writes nothing that another band writes.
        length: number of rows.
        smallest: bands are not made shorter than this.
    """
    threads = torch.get_num_threads()
    bands = max(1, min(threads, length // smallest))
    if bands == 1:
        work(0, length)
        return
    edges = [length * i // bands for i in range(bands + 1)]
    if threads not in _pools:
        _pools[threads] = ThreadPoolExecutor(threads, thread_name_prefix="nakawari-kernel")
    for _ in _pools[threads].map(work, edges[:-1], edges[1:]):
        pass
