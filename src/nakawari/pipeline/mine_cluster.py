"""Films on the nodes of a Ray cluster that runs already: a task for each film.

Nodes see the films and the folder of the set under the same names as here (a shared file system), and have
nakawari. A film has its journal in that folder, so a film whose node is lost is gone on with elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from nakawari.data.mined.files import JOURNALS, Rules, film_key
from nakawari.errors import BackendError, NakawariError
from nakawari.optional import need
from nakawari.pipeline.mine import Mined, mine_film
from nakawari.pipeline.render import Progress

RETRIES = 3
"""How often a film whose node is lost is given to another."""


def mine_on_cluster(
    films: Sequence[str], folder: str, rules: Rules, address: str, threads: int, progress: Progress
) -> Iterator[tuple[str, Mined | NakawariError]]:
    """Mine films wherever the cluster has cores.

    Args:
        films: video files, folders or patterns of images, as all nodes see them.
        folder: of the set, as all nodes see it.
        rules: what is kept.
        address: "auto", HOST:PORT or ray://HOST:PORT; "local" begins one for this run, on this machine.
        threads: cores a film.
        progress: is told the stage "mine", in films.

    Yields:
        each film with how it ended, as soon as it has.

    Raises:
        MissingExtraError: ray is not installed.
        BackendError: there is no such cluster.
    """
    ray: Any = need("ray", "ray")
    try:
        ray.init(address=address, log_to_driver=False, logging_level="ERROR")
    except (ConnectionError, RuntimeError, ValueError, TimeoutError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise BackendError(f"there is no Ray cluster at {address}: {reason}") from error
    places = {str(Path(film).resolve()): film for film in films}
    try:
        task = ray.remote(num_cpus=threads, max_retries=RETRIES)(_mine)
        goal = str(Path(folder).resolve())
        waiting = {task.remote(place, goal, rules, threads): place for place in places}
        progress("mine", 0, len(films))
        while waiting:
            ready, _ = ray.wait(list(waiting), num_returns=1)
            place = waiting.pop(ready[0])
            yield places[place], _outcome(ray, ready[0], place, folder)
            progress("mine", len(films) - len(waiting), len(films))
    finally:
        ray.shutdown()


def _mine(film: str, folder: str, rules: Rules, threads: int) -> Mined | NakawariError:
    """What a node does; errors that we raise on purpose come back as they are."""
    try:
        return mine_film(film, folder, rules, threads)
    except NakawariError as error:
        return error


def _outcome(ray: Any, ready: Any, film: str, folder: str) -> Mined | NakawariError:
    try:
        ended: Mined | NakawariError = ray.get(ready)
    except ray.exceptions.RayError as error:
        last = (str(error).strip().splitlines() or [type(error).__name__])[-1]
        return BackendError(f"the cluster failed on it: {last}")
    if isinstance(ended, Mined):
        with suppress(NakawariError):
            if not (Path(folder) / JOURNALS / f"{film_key(film)}.jsonl").is_file():
                return BackendError(
                    f"its node does not write into {folder}; wanted a folder that all nodes share."
                )
    return ended
