"""Work in shards on an existing Ray cluster: a shard that is lost with its worker or node is done again.

A shard is a picklable value, and the work a function of this package that takes it and gives a picklable
result; nothing else is shared. Files are found under their path on each node, or else shipped through Ray's
object store.
"""

from __future__ import annotations

import hashlib
import logging
import os
import socket
import tempfile
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from nakawari.errors import BackendError, MediaError, NakawariError
from nakawari.optional import need

log = logging.getLogger(__name__)

T = TypeVar("T")
R = TypeVar("R")

TRIES = 3
"""So often a shard is done again when its worker or node is lost."""
ANSWERS_S = 10.0
"""So long a cluster is waited for."""
CHUNK = 64 * 2**20
"""Bytes of a shipped file that are one object."""


@dataclass(frozen=True, slots=True)
class SharedFile:
    """A file that work needs: by its path where that is the same file, or from the object store.

    Attributes:
        path: absolute, on the machine that began.
        state: length, and digest of the beginning and the end.
        parts: of the file in the object store; empty: every node sees the path.
    """

    path: str
    state: tuple[int, str]
    parts: tuple[Any, ...] = ()

    @staticmethod
    def of(path: str | Path) -> SharedFile:
        """The file at a path."""
        place = Path(path).resolve()
        return SharedFile(str(place), _state(place))

    def is_here(self) -> bool:
        """Whether this machine sees the file under its path."""
        place = Path(self.path)
        return place.is_file() and _state(place) == self.state

    def local(self) -> Path:
        """The file on this machine; what was shipped is kept for the next shard.

        Raises:
            MediaError: it is not here, and was not shipped.
        """
        if self.is_here():
            return Path(self.path)
        if not self.parts:
            raise MediaError(f"{self.path} is not the same file on this node.")
        folder = Path(tempfile.gettempdir()) / f"nakawari-{os.getuid()}" / self.state[1]
        place = folder / Path(self.path).name
        if not place.is_file():
            ray = need("ray", extra="ray")
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=folder, delete=False) as file:
                for part in self.parts:
                    file.write(ray.get(part))
            Path(file.name).replace(place)
        return place


def _state(path: Path) -> tuple[int, str]:
    length = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(2**20)
        file.seek(max(0, length - 2**20))
        return length, hashlib.sha256(head + file.read()).hexdigest()[:16]


@dataclass(slots=True)
class Cluster:
    """A connection to a Ray cluster; a context manager.

    Args:
        address: `host:port`, `ray://host:port`, "auto" for the one on this machine, or "local" for one that
            begins and ends with this connection.

    Raises:
        BackendError: nothing answers there. MissingExtraError: ray is not installed.
    """

    address: str
    _ray: Any = field(default=None, init=False)
    _own: bool = field(default=False, init=False)

    def __enter__(self) -> Cluster:
        self._ray = need("ray", extra="ray")
        if not self._ray.is_initialized():
            _check_answers(self.address)
            try:
                self._ray.init(
                    address=self.address,
                    log_to_driver=False,
                    logging_level=logging.ERROR,
                    namespace="nakawari",
                )
            except (ConnectionError, RuntimeError, ValueError) as error:
                said = " ".join(str(error).split())[:200]
                raise BackendError(f"no Ray cluster answers at {self.address} ({said}).") from error
            self._own = True
            _hush(self._ray)
        return self

    def __exit__(self, *_: object) -> None:
        if self._own:
            self._ray.shutdown()

    def gpus(self) -> bool:
        """Whether any node has a GPU."""
        return bool(self._ray.cluster_resources().get("GPU", 0))

    def smallest(self) -> float:
        """Processors of the node that has the fewest."""
        counts = [node["Resources"].get("CPU", 0) for node in self._ray.nodes() if node["Alive"]]
        return min((count for count in counts if count > 0), default=1)

    def share(self, path: str | Path) -> SharedFile:
        """A file for all nodes: its path where all see it, or its bytes in the object store."""
        ray, found = self._ray, SharedFile.of(path)
        strategy = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy
        asked = [
            ray.remote(num_cpus=0, scheduling_strategy=strategy(node["NodeID"], soft=True))(_sees).remote(
                found
            )
            for node in ray.nodes()
            if node["Alive"]
        ]
        if all(self._outcome(each) is True for each in asked):
            return found
        parts = []
        with Path(path).open("rb") as file:
            while data := file.read(CHUNK):
                parts.append(ray.put(data))
        return SharedFile(found.path, found.state, tuple(parts))

    def run(
        self, work: Callable[[T], R], shards: Sequence[T], *, cpus: float = 1, gpus: float = 0
    ) -> Iterator[tuple[int, R]]:
        """Do the work of all shards, as many at once as there is room for; all of it, or none.

        Args, yields: as for `outcomes`.

        Raises:
            BackendError: a shard was lost again and again, or no node has such room.
            NakawariError: what the work raised.
        """
        with closing(self.outcomes(work, shards, cpus=cpus, gpus=gpus)) as ends:
            for number, outcome in ends:
                if isinstance(outcome, NakawariError):
                    raise outcome
                yield number, outcome

    def outcomes(
        self, work: Callable[[T], R], shards: Sequence[T], *, cpus: float = 1, gpus: float = 0
    ) -> Generator[tuple[int, R | NakawariError]]:
        """Do the work of all shards; one that fails does not touch the others.

        Args:
            work: a function of a module that all nodes can import.
            shards: what it is given.
            cpus, gpus: that one shard takes.

        Yields:
            the number of a shard and its result, or the error that it ended in, as they are done.

        Raises:
            BackendError: no node has such room.
        """
        ray = self._ray
        if not any(
            node["Alive"]
            and node["Resources"].get("CPU", 0) >= cpus
            and node["Resources"].get("GPU", 0) >= gpus
            for node in ray.nodes()
        ):
            raise BackendError(f"no node of {self.address} has {cpus:g} CPUs and {gpus:g} GPUs.")
        task = ray.remote(num_cpus=cpus, num_gpus=gpus, max_retries=TRIES)(work)
        pending = {task.remote(shard): number for number, shard in enumerate(shards)}
        try:
            while pending:
                (done,), _ = ray.wait(list(pending), num_returns=1)
                number = pending.pop(done)
                yield number, self._outcome(done)
                del done  # lets the object store forget it
        finally:
            for each in pending:
                ray.cancel(each, force=True)

    def _outcome(self, reference: Any) -> Any:
        """What a task gave, or the error that it ended in."""
        exceptions = self._ray.exceptions
        try:
            return self._ray.get(reference)
        except exceptions.RayTaskError as error:
            if isinstance(error.cause, NakawariError):
                return error.cause
            said, why = "a shard failed", error
        except exceptions.RayError as error:
            said, why = f"a shard was lost {TRIES + 1} times", error
        last = (str(why).strip().splitlines() or [type(why).__name__])[-1]
        failed = BackendError(f"{said} on {self.address} ({last[:200]}).")
        failed.__cause__ = why
        return failed


def _hush(ray: Any) -> None:
    """Have what Ray tells of nodes that are lost, pages of it, in our log instead of on standard output."""
    worker = ray._private.worker
    if hasattr(worker, "print_to_stdstream"):
        worker.print_to_stdstream = _logged


def _logged(data: dict[str, Any], *_: Any, **__: Any) -> None:
    log.info("%s", " ".join(" ".join(data.get("lines", ())).split())[:200])


def _check_answers(address: str) -> None:
    """Raise BackendError where nothing listens: Ray itself would try for ten minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host:
        if address in ("auto", "local"):
            return
        raise BackendError(f"{address} is no address of a Ray cluster; wanted host:port, or auto.")
    try:
        socket.create_connection((host, int(port)), ANSWERS_S).close()
    except (OSError, ValueError) as error:
        raise BackendError(f"no Ray cluster answers at {address} ({error}).") from error


def _sees(file: SharedFile) -> bool:
    return file.is_here()
