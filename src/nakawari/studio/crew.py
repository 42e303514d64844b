"""Worker processes, and the jobs that wait for them.

There are three lanes, each with a process of its own: frames that somebody looks at, and pairs that are drawn
for them, where the newest wish comes first; and long work on whole clips, in order. A job that kills its
process fails; the next one gets a new process. The server itself never decodes or draws anything.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from multiprocessing import get_context
from time import monotonic
from typing import TYPE_CHECKING, Any, Literal

from nakawari.errors import InputError

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnProcess
    from multiprocessing.synchronize import Event

State = Literal["waiting", "running", "done", "failed", "cancelled"]
GRACE_S = 3.0
"""A job that was cancelled gets so long to leave, then its process is ended."""
ENDED = 200
"""Jobs that are over are remembered up to here."""


@dataclass(slots=True)
class Job:
    """Something that a worker process shall do."""

    id: int
    name: str
    """Method of `work.Worker`."""
    words: dict[str, Any] = field(repr=False)
    key: str
    """Two jobs of one key are the same wish."""
    about: dict[str, Any]
    """What the page wants to know of it, such as the project; `title` is shown to people."""
    then: Callable[[Any], Any] | None = field(default=None, repr=False)
    """Called in the lane's thread with the result; what it returns becomes the result."""
    state: State = "waiting"
    stage: str = ""
    done: int = 0
    total: int | None = None
    started: float = 0.0
    stage_started: float = 0.0
    seconds: float = 0.0
    result: Any = None
    error: str = ""
    unwanted: bool = False

    def to_dict(self) -> dict[str, Any]:
        """What the page is told."""
        values: dict[str, Any] = {
            "id": self.id, "name": self.name, "state": self.state, "stage": self.stage,
            "done": self.done, "total": self.total, "error": self.error, **self.about,
        }  # fmt: skip
        if self.state == "running":
            values["seconds"] = round(monotonic() - self.started, 1)
            spent = monotonic() - self.stage_started
            if self.total and self.done:
                values["eta_s"] = round(spent / self.done * (self.total - self.done), 1)
        else:
            values["seconds"] = round(self.seconds, 1)
        if isinstance(self.result, dict) and self.state == "done":
            values["result"] = self.result
        return values


class Crew:
    """All lanes, and all jobs by id."""

    def __init__(self, tell: Callable[[dict[str, Any]], None]) -> None:
        """`tell` is told every change, from the lanes' threads."""
        self._tell = tell
        self._ids = count(1)
        self._lock = threading.Lock()
        self._jobs: dict[int, Job] = {}
        self._lanes = {
            "frame": _Lane("frame", newest_first=True, tell=self._changed),
            "draw": _Lane("draw", newest_first=True, tell=self._changed),
            "whole": _Lane("whole", newest_first=False, tell=self._changed),
        }

    def ask(
        self,
        lane: Literal["frame", "draw", "whole"],
        name: str,
        words: dict[str, Any],
        *,
        key: str,
        about: dict[str, Any],
        then: Callable[[Any], Any] | None = None,
        idle: bool = False,
    ) -> Job:
        """Let a job be done; the one that waits or runs already, where the key is the same.

        `idle`: it is done when nothing else waits.
        """
        with self._lock:
            for job in self._jobs.values():
                if job.key == key and job.state in ("waiting", "running") and not job.unwanted:
                    if not idle:
                        self._lanes[lane].hurry(job)
                    return job
            job = Job(next(self._ids), name, words, key, about, then)
            self._jobs[job.id] = job
            over = [i for i, j in self._jobs.items() if j.state not in ("waiting", "running")]
            for old in over[:-ENDED]:
                del self._jobs[old]
        self._lanes[lane].add(job, idle)
        self._changed({"job": job.to_dict()})
        return job

    def cancel(self, number: int) -> Job:
        """Let a job be left.

        Raises:
            InputError: there is no such job.
        """
        job = self.get(number)
        job.unwanted = True
        for lane in self._lanes.values():
            lane.drop(job)
        return job

    def drop_others(self, project: str, name: str, keep: str) -> None:
        """Drop waiting jobs of one name for which nobody looks any more."""
        for job in list(self._jobs.values()):
            waits = job.state == "waiting" and job.name == name
            if waits and job.about.get("project") == project and job.key != keep:
                self.cancel(job.id)

    def get(self, number: int) -> Job:
        """A job by id; raises InputError where there is none."""
        if number not in self._jobs:
            raise InputError(f"there is no job {number}.")
        return self._jobs[number]

    def all(self) -> list[Job]:
        """All jobs that are remembered, oldest first."""
        return list(self._jobs.values())

    def close(self) -> None:
        """End all processes; what they were writing is removed."""
        for lane in self._lanes.values():
            lane.close()
        for lane in self._lanes.values():
            lane.join()

    def _changed(self, event: dict[str, Any]) -> None:
        self._tell(event)


class _Lane:
    """One process, one thread that talks to it, and a list of jobs."""

    def __init__(self, name: str, newest_first: bool, tell: Callable[[dict[str, Any]], None]) -> None:
        self._newest_first = newest_first
        self._tell = tell
        self._waiting: list[Job] = []
        self._ready = threading.Condition()
        self._closed = False
        self._channel: Connection | None = None
        self._process: SpawnProcess | None = None
        self._cancel: Event | None = None
        self._thread = threading.Thread(target=self._run, name=f"nakawari-{name}", daemon=True)
        self._thread.start()

    def add(self, job: Job, idle: bool) -> None:
        with self._ready:
            self._waiting.insert(0 if idle and self._newest_first else len(self._waiting), job)
            self._ready.notify()

    def hurry(self, job: Job) -> None:
        """Take a job that waits as the newest wish."""
        with self._ready:
            if job in self._waiting and self._newest_first:
                self._waiting.remove(job)
                self._waiting.append(job)

    def drop(self, job: Job) -> None:
        with self._ready:
            if job not in self._waiting:
                return
            self._waiting.remove(job)
        job.state = "cancelled"
        self._tell({"job": job.to_dict()})

    def close(self) -> None:
        with self._ready:
            self._closed = True
            self._waiting.clear()
            self._ready.notify()

    def join(self) -> None:
        self._thread.join(3 * GRACE_S)

    def _run(self) -> None:
        while True:
            with self._ready:
                self._ready.wait_for(lambda: self._closed or self._waiting)
                if self._closed:
                    self._end_process()
                    return
                job = self._waiting.pop(-1 if self._newest_first else 0)
                job.state = "running"
            job.started = job.stage_started = monotonic()
            self._tell({"job": job.to_dict()})
            self._do(job)
            job.seconds = monotonic() - job.started
            job.words = {}
            self._tell({"job": job.to_dict()})

    def _do(self, job: Job) -> None:
        channel, cancel = self._ready_process()
        cancel.clear()
        told = 0.0
        leave_at: float | None = None
        try:
            channel.send((job.name, job.words))
            while job.state == "running":
                if (job.unwanted or self._closed) and leave_at is None:
                    cancel.set()
                    leave_at = monotonic() + GRACE_S
                if leave_at is not None and monotonic() > leave_at:
                    self._end_process()
                    job.state = "cancelled"
                    return
                if not channel.poll(0.05):
                    continue
                self._heed(job, channel.recv())
                if job.state == "running" and monotonic() - told > 0.1:
                    told = monotonic()
                    self._tell({"job": job.to_dict()})
        except (EOFError, BrokenPipeError, ConnectionResetError):
            job.state = "failed"
            job.error = f"the process that did it ended{self._how_it_ended()}; the studio goes on."
            self._end_process()

    def _heed(self, job: Job, message: tuple[Any, ...]) -> None:
        match message:
            case ("progress", stage, done, total):
                if stage != job.stage:
                    job.stage, job.stage_started = stage, monotonic()
                job.done, job.total = done, total
            case ("made", name):
                self._tell({"made": name, **job.about})
            case ("cancelled",):
                job.state = "cancelled"
            case ("failed", words):
                job.state, job.error = "failed", words
            case ("done", result):
                try:
                    job.result = result if job.then is None else job.then(result)
                    job.state = "done"
                except InputError as error:
                    job.state, job.error = "failed", str(error)

    def _ready_process(self) -> tuple[Connection, Event]:
        if self._process is None or not self._process.is_alive():
            from nakawari.studio.work import serve

            context = get_context("spawn")
            self._channel, theirs = context.Pipe()
            self._cancel = context.Event()
            self._process = context.Process(target=serve, args=(theirs, self._cancel), daemon=True)
            self._process.start()
            theirs.close()
        assert self._channel is not None
        assert self._cancel is not None
        return self._channel, self._cancel

    def _how_it_ended(self) -> str:
        assert self._process is not None
        self._process.join(1)
        code = self._process.exitcode
        if code == -9:
            return " (killed, perhaps because memory ran out)"
        return "" if code is None else f" (status {code})"

    def _end_process(self) -> None:
        if self._channel is not None:
            self._channel.close()
        if self._process is not None:
            self._process.join(0.5)  # a process with nothing to do leaves by itself
            self._process.terminate()
            self._process.join(GRACE_S)
            if self._process.is_alive():
                self._process.kill()
        self._process = self._channel = None
