"""Several films at once: a process for each, as many as there are cores for; or tasks of a cluster.

What a film gives does not depend on the films beside it nor on where it is mined, so neither does the set.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from queue import Empty
from time import monotonic
from typing import Any

from nakawari.data.mined.files import Rules, film_key
from nakawari.errors import InputError, NakawariError
from nakawari.pipeline.mine import Mined, mine_film
from nakawari.pipeline.mine_cluster import mine_on_cluster
from nakawari.pipeline.render import Progress, silent

TELL_S = 0.2
"""A film says how far it is no oftener than this."""


@dataclass(frozen=True, slots=True)
class Finished:
    """How a film of several ended."""

    source: str
    mined: Mined | None = None
    error: NakawariError | None = None


def mine(
    sources: Sequence[str | Path],
    folder: str | Path,
    rules: Rules | None = None,
    *,
    workers: int | None = None,
    ray: str | None = None,
    progress: Progress = silent,
) -> Iterator[Finished]:
    """Mine films into one set; what goes wrong with one does not touch the others.

    Args:
        sources: video files, folders or patterns of images.
        folder: gets the set; see `data.mined.files`.
        rules: what is kept.
        workers: cores; None: all of them (on a cluster, those for each film; None: one).
        ray: the address of a Ray cluster that does it; None: this machine does.
        progress: is told the stage "mine", in frames of all films together (on a cluster, in films).

    Yields:
        how each film ended, as soon as it has.

    Raises:
        InputError: there are no films, one cannot be read, or two are the same.
        BackendError: there is no such cluster.
    """
    named: dict[str, str] = {}
    for source in map(str, sources):
        other = named.setdefault(film_key(source), source)
        if other is not source:
            raise InputError(f"{source} is the same film as {other}; name it once.")
    if not named:
        raise InputError("there is no film to mine.")
    if ray is not None:
        films, rules = list(named.values()), rules or Rules()
        for film, end in mine_on_cluster(films, str(folder), rules, ray, workers or 1, progress):
            if isinstance(end, Mined):
                yield Finished(film, replace(end, source=film))
            else:
                yield Finished(film, error=end)
        return
    cores = workers or os.cpu_count() or 1
    task = (str(folder), rules or Rules())
    if len(named) == 1:
        yield _finished(next(iter(named.values())), *task, cores, progress)
        return
    yield from _in_processes(list(named.values()), task, cores, progress)


def _in_processes(
    films: list[str], task: tuple[str, Rules], cores: int, progress: Progress
) -> Iterator[Finished]:
    context = get_context("spawn")
    stop, told = context.Event(), context.Queue()
    count = min(cores, len(films))
    pool = ProcessPoolExecutor(count, context, initializer=_begin, initargs=(stop, told))
    seen: dict[str, tuple[int, int | None]] = {}
    try:
        waiting: set[Future[Finished]] = {
            pool.submit(_in_process, film, *task, max(1, cores // count)) for film in films
        }
        while waiting:
            over, waiting = wait(waiting, TELL_S, FIRST_COMPLETED)
            for future in over:
                yield future.result()
            _hear(told, seen)
            totals = [total for _, total in seen.values()]
            known = len(totals) == len(films) and None not in totals
            every = sum(total or 0 for total in totals) if known else None
            progress("mine", sum(done for done, _ in seen.values()), every)
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)


def _hear(told: Any, seen: dict[str, tuple[int, int | None]]) -> None:
    while True:
        try:
            film, done, total = told.get_nowait()
        except Empty:
            return
        seen[film] = (done, total)


class _Stopped(BaseException):
    """The parent process was interrupted. Not an Exception, so that nothing mistakes it for an error."""


_parent: tuple[Any, Any]
"""The event that says stop, and the queue that takes how far films are, in each process."""


def _begin(stop: Any, told: Any) -> None:
    global _parent  # noqa: PLW0603 - a process of a pool has no other place for it
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent says when to stop
    _parent = (stop, told)


def _in_process(film: str, folder: str, rules: Rules, threads: int) -> Finished:
    stop, told = _parent
    last = 0.0

    def progress(stage: str, done: int, total: int | None) -> None:
        nonlocal last
        if stop.is_set():
            raise _Stopped
        if done in (0, total) or monotonic() - last > TELL_S:
            last = monotonic()
            told.put((film, done, total))

    return _finished(film, folder, rules, threads, progress)


def _finished(film: str, folder: str, rules: Rules, threads: int, progress: Progress) -> Finished:
    try:
        return Finished(film, mine_film(film, folder, rules, threads, progress))
    except NakawariError as error:
        return Finished(film, error=error)
