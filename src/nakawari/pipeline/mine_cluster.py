"""Films on the nodes of a Ray cluster: a shard of work is a film.

Nodes see the films and the folder of the set under the same names as here (a shared file system), and have
nakawari. A film has its journal in that folder, so a film whose node is lost is gone on with elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from nakawari.data.mined.files import JOURNALS, Rules, film_key
from nakawari.errors import BackendError, NakawariError
from nakawari.pipeline.cluster import Cluster
from nakawari.pipeline.mine import Mined, mine_film
from nakawari.pipeline.render import Progress


@dataclass(frozen=True, slots=True)
class Task:
    """All that a node has to know to mine a film; paths as all nodes see them."""

    film: str
    folder: str
    rules: Rules
    threads: int


def mine_on_cluster(
    films: Sequence[str], folder: str, rules: Rules, address: str, threads: int, progress: Progress
) -> Iterator[tuple[str, Mined | NakawariError]]:
    """Mine films wherever the cluster has cores.

    Args:
        films: video files, folders or patterns of images, as all nodes see them.
        folder: of the set, as all nodes see it.
        rules: what is kept.
        address: as `Cluster` takes it.
        threads: cores a film.
        progress: is told the stage "mine", in films.

    Yields:
        each film with how it ended, as soon as it has.

    Raises:
        MissingExtraError: ray is not installed.
        BackendError: there is no such cluster, or no node has so many cores.
    """
    goal = str(Path(folder).resolve())
    tasks = [Task(str(Path(film).resolve()), goal, rules, threads) for film in films]
    with Cluster(address) as cluster:
        progress("mine", 0, len(films))
        for done, (number, end) in enumerate(cluster.outcomes(_mine, tasks, cpus=threads), start=1):
            yield films[number], _found(end, tasks[number])
            progress("mine", done, len(films))


def _mine(task: Task) -> Mined:
    return mine_film(task.film, task.folder, task.rules, task.threads)


def _found(end: Mined | NakawariError, task: Task) -> Mined | NakawariError:
    """How a film ended, as is seen from here."""
    journal = Path(task.folder) / JOURNALS / f"{film_key(task.film)}.jsonl"
    if isinstance(end, Mined) and not journal.is_file():
        return BackendError(
            f"its node does not write into {task.folder}; wanted a folder that all nodes share."
        )
    return end
