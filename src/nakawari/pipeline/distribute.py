"""`smooth` on a Ray cluster: shards of the plan are rendered on its nodes, and joined here.

What comes back of a shard are the pieces that `--resume` would have kept of it, laid into the same folder; so
a run that is cut off goes on, and where every picture is coded by itself (ffv1) the file is that of one
machine, to the byte.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import accumulate, chain, islice, pairwise
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from nakawari.errors import BackendError, InputError
from nakawari.models import find, is_file, load
from nakawari.models.unsure import Unsure
from nakawari.pipeline.analyse import Seen, analyse, lay_out, survey
from nakawari.pipeline.beside import beside_drawing
from nakawari.pipeline.casting import casting
from nakawari.pipeline.cluster import Cluster, SharedFile
from nakawari.pipeline.notes import gathered
from nakawari.pipeline.render import Progress, render
from nakawari.pipeline.report import Report, Work, versions
from nakawari.pipeline.resume import keep_plan, kept_plan
from nakawari.pipeline.shards import Shard, cut
from nakawari.timeline.plan import Plan, Slot

if TYPE_CHECKING:
    from nakawari.models.base import Interpolator
    from nakawari.pipeline.given import Given
    from nakawari.pipeline.smooth import Job
    from nakawari.pipeline.timing import Clip, Timing
    from nakawari.video.encoders import EncodeOptions
    from nakawari.video.frames import Frame
    from nakawari.video.journal import Journal

log = logging.getLogger(__name__)

CPUS = 4
"""A shard takes so many processors, or as many as the smallest node has."""
WITHOUT_GPU = ("classic", "fast", "cel", "blend")
"""Families that draw on processors, whatever there is; `fast` does for most of its time."""


@dataclass(frozen=True, slots=True)
class Model:
    """What `load` takes, with the weights as a file that nodes can get."""

    name: str
    weights: SharedFile | None
    device: str
    precision: str
    options: tuple[tuple[str, Any], ...]

    def load(self) -> Interpolator:
        """The model, on this machine."""
        weights = None if self.weights is None else self.weights.local()
        name = self.name or str(weights)
        words = dict(self.options)
        return load(name, weights if self.name else None, self.device, self.precision, **words)

    def another(self, name: str) -> Interpolator:
        """A model that the plan names for single pairs, on this machine."""
        return load(name, None, self.device, self.precision)


@dataclass(frozen=True, slots=True)
class Task:
    """All that a node has to know to render a shard.

    Attributes:
        source: the clip; a folder or pattern of images by its path.
        plan: with the slots of the shard alone.
        start: when the first picture of all is shown.
        name: of the output, whose ending says the container.
        versions: of what decides the result, where the run began.
    """

    source: SharedFile | str
    timing: Timing
    rate: Fraction
    encode: EncodeOptions
    model: Model
    shard: Shard
    plan: Plan
    start: Fraction
    name: str
    versions: dict[str, str]
    unsure: Unsure


@dataclass(frozen=True, slots=True)
class Rendered:
    """What comes back: the pieces as the journal keeps them, and what a report wants to know."""

    pieces: list[bytes]
    work: Work
    model: str
    device: str
    notes: list[str]


_loaded: dict[str, Interpolator] = {}


def render_shard(task: Task) -> Rendered:
    """Render a shard on this machine.

    Raises:
        BackendError: this machine has other versions of what decides the result.
        NakawariError: as `smooth` does.
    """
    from nakawari.video.journal import Journal
    from nakawari.video.open import open_writer
    from nakawari.video.segments import piece_name

    _check_versions(task.versions)
    key = repr(task.model)
    fresh = key not in _loaded
    if fresh:
        _loaded.clear()
        _loaded[key] = task.model.load()
    artist = _loaded[key]
    source = task.source if isinstance(task.source, str) else task.source.local()
    with gathered() as notes, tempfile.TemporaryDirectory(prefix="nakawari-") as folder:
        clip = task.timing.open(source)
        output = Path(folder) / task.name
        journal = Journal(output, {})
        info = clip.reader.info
        writer: Any = open_writer(output, info, task.rate, task.encode, journal=journal)
        try:
            if fresh:
                artist.reserve((info.height, info.width), beside_drawing(info, writer, None))
            writer.begin(task.start)
            with closing(_frames(clip, task.shard)) as frames:
                cast = casting(task.plan, artist, task.model.another)
                begins, unsure = task.shard.begins, task.unsure
                work = render(task.plan, frames, writer, artist, cast=cast, begins=begins, unsure=unsure)
            writer.seal()
            pieces = [journal.read(piece_name(number)) or b"" for number in range(writer.pieces)]
        finally:
            writer.abort()
    return Rendered(pieces, work, artist.name, str(artist.device), notes + artist.notes())


def _check_versions(wanted: dict[str, str]) -> None:
    here = versions()
    for name, version in wanted.items():
        if here.get(name) != version:
            raise BackendError(
                f"a node of the cluster has {name} {here.get(name)}, where {version} began; "
                "results would differ. Give all nodes the same versions."
            )


def _frames(clip: Clip, shard: Shard) -> Generator[Frame]:
    """The frames of a clip from the shard's first one on; found by seeking where that leads to it exactly."""
    from nakawari.video.reader import VideoReader

    reader = clip.reader
    if isinstance(reader, VideoReader) and shard.begins:
        frames = reader.since(shard.time)
        first = next((frame for frame in frames if frame.pts >= shard.time), None)
        if first is not None and first.pts == shard.time:
            yield from chain([first], frames)
            return
    yield from islice(iter(reader), shard.begins, None)


def run_on(
    cluster: Cluster,
    job: Job,
    given: Given | None,
    journal: Journal,
    model: tuple[Any, ...],
    progress: Progress,
) -> Report:
    """Look at the clip here, have its shards rendered on the cluster, and join them.

    Args:
        cluster: that is connected.
        job, given, journal: what is rendered, by which plan, and where finished pieces are kept.
        model: what `load` takes.
        progress: is told the stages "analyse" and "render".

    Raises:
        BackendError: the cluster loses a shard again and again.
        NakawariError: as `smooth` does.
    """
    from nakawari.video.segments import SegmentWriter

    begin = perf_counter()
    writer = job.writer(journal)
    whole = False
    try:
        if not isinstance(writer, SegmentWriter):
            raise InputError(f"{job.output} cannot be rendered on a cluster; wanted a video file.")
        plan, times = _planned(job, given, journal, progress)
        writer.begin(plan.slots[0].pts)
        analysed = perf_counter()
        found = _render_all(cluster, job, journal, plan, cut(plan, times), model, progress)
        writer.count()
        writer.finish()
        whole = True
    finally:
        if not whole:
            writer.abort()
    return Report(
        input=job.source,
        output=str(job.output),
        model=", ".join(sorted(found.models)) or str(model[0]),
        device=", ".join(sorted(found.devices)) or cluster.address,
        plan=plan,
        work=found.work,
        analyse_s=analysed - begin,
        render_s=perf_counter() - analysed,
        notes=job.notes,
    )


def _render_all(
    cluster: Cluster,
    job: Job,
    journal: Journal,
    plan: Plan,
    shards: list[Shard],
    model: tuple[Any, ...],
    progress: Progress,
) -> _Found:
    """Have all shards rendered of which pieces are missing, and lay what comes back into the journal."""
    from nakawari.video.segments import LENGTH, piece_name

    lengths = [shard.end - shard.first for shard in shards]
    firsts = [0, *accumulate(-(-length // LENGTH) for length in lengths)]
    todo = [
        number
        for number, (first, last) in enumerate(pairwise(firsts))
        if not all((journal.folder / piece_name(piece)).exists() for piece in range(first, last))
    ]
    stood = sum(lengths) - sum(lengths[number] for number in todo)
    if stood:
        log.warning("went on after %d frames that stood already.", stood)
    log.warning("%d shards on %s.", len(todo), cluster.address)
    found = _Found()
    progress("render", stood, sum(lengths))
    gpus = _gpus(cluster, model)
    tasks = _tasks(cluster, job, plan, [shards[number] for number in todo], model, gpus)
    done = stood
    for place, rendered in cluster.run(render_shard, tasks, cpus=min(CPUS, cluster.smallest()), gpus=gpus):
        number = todo[place]
        for piece, data in enumerate(rendered.pieces, start=firsts[number]):
            journal.write(piece_name(piece), data)
        found.add(rendered)
        done += lengths[number]
        progress("render", done, sum(lengths))
    return found


@dataclass(slots=True)
class _Found:
    """What the shards that are done add up to."""

    work: Work = field(default_factory=Work)
    models: set[str] = field(default_factory=set)
    devices: set[str] = field(default_factory=set)

    def add(self, rendered: Rendered) -> None:
        self.work.add(rendered.work)
        self.models.add(rendered.model)
        self.devices.add(rendered.device)
        for note in rendered.notes:
            log.warning("%s", note)


def _planned(
    job: Job, given: Given | None, journal: Journal, progress: Progress
) -> tuple[Plan, tuple[Fraction, ...]]:
    """The plan, and when each input frame is shown."""
    plan, reader = kept_plan(journal), job.clip.reader
    seen: Seen
    if plan is not None:
        seen = survey(reader, progress)
    elif given is not None:
        seen = survey(reader, progress)
        plan = given.fitting(seen)
    else:
        looked = analyse(reader, cuts=job.timing.cuts, progress=progress)
        seen, plan = looked, lay_out(looked, job.rate, job.timing)
    keep_plan(journal, plan)
    return plan, seen.times


def _gpus(cluster: Cluster, model: tuple[Any, ...]) -> int:
    """GPUs that a shard takes."""
    name, _, device, *_ = model
    draws = is_file(name) or find(name).family not in WITHOUT_GPU
    if device.startswith("cuda"):
        return 1
    return int(draws and device == "auto" and cluster.gpus())


def _tasks(
    cluster: Cluster, job: Job, plan: Plan, shards: list[Shard], model: tuple[Any, ...], gpus: int
) -> list[Task]:
    name, weights, device, precision, options = model
    if is_file(name):
        name, weights = "", name
    elif weights is None and find(name).weights == "file":
        from nakawari.models.sources import weights_of

        weights = weights_of(find(name).name)
    file = None if weights is None else cluster.share(weights)
    if device == "auto":
        device = "cuda" if gpus else "cpu"
    made = Model(name, file, device, precision, tuple(sorted(options.items())))
    place = Path(job.source)
    source = cluster.share(place) if place.is_file() else str(place.absolute())
    bare = replace(plan, shots=(), drawings=(), clip=None, options=None)
    return [
        Task(
            source,
            job.timing,
            job.rate,
            job.options,
            made,
            shard,
            _part(bare, plan.slots[shard.first : shard.end]),
            plan.slots[0].pts,
            job.output.name,
            versions(),
            job.unsure,
        )
        for shard in shards
    ]


def _part(plan: Plan, slots: tuple[Slot, ...]) -> Plan:
    """Some slots of a plan, with what is chosen for their pairs."""
    targets = {slot.target for slot in slots}
    return replace(plan, slots=slots, pairs=tuple(c for c in plan.pairs if c.target in targets))
