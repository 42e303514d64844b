"""What becomes of large blocks of memory that are freed: glibc can be told, other C libraries are left alone.

A network asks for blocks of many megabytes and frees them at once, layer by layer. Left to itself, glibc
gives most of them back to the system, which then clears every page of the next one: a fifth to a third of the
processor time of RIFE, FILM and AnimeInterp.
"""

from __future__ import annotations

import contextlib
from types import SimpleNamespace

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3
"""Of glibc's malloc.h."""
_NEVER = 2**31 - 1
_PAD = 64 * 2**20
_MAPPED = 4 * 2**20


_process = SimpleNamespace(ours=False)


def claim() -> None:
    """Say that the process is our own, and may take the memory that is free: see `keep_freed`."""
    _process.ours = True


def keep_freed() -> None:
    """In a process that was claimed, keep what is freed for what is asked for next.

    Blocks of other sizes leave gaps, so that up to a third more is taken (RIFE a fifth).
    """
    if not _process.ours:
        return
    _tell((_MMAP_THRESHOLD, _NEVER), (_TRIM_THRESHOLD, _NEVER), (_TOP_PAD, _PAD))


def map_blocks() -> None:
    """Map every block of 4 MiB or more for itself, and unmap it when it is freed.

    For what has to fit: nothing is taken that is not in use, where FILM's windows leave half as much again in
    gaps, left to themselves. Takes a quarter more processor time.
    """
    _tell((_MMAP_THRESHOLD, _MAPPED))


def _tell(*settings: tuple[int, int]) -> None:
    import ctypes

    with contextlib.suppress(AttributeError, OSError, TypeError):  # another system's library
        for name, value in settings:
            ctypes.CDLL(None).mallopt(name, value)
