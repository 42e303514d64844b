"""`smooth`: a clip in, the same clip with more frames out."""

from __future__ import annotations

import json
import logging
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, Literal

from nakawari.errors import InputError, NakawariError, OutputError
from nakawari.models import DEFAULT, find, is_file, load
from nakawari.models.unsure import Unsure, check_unsure
from nakawari.pipeline.analyse import analyse, lay_out, survey
from nakawari.pipeline.casting import casting, check_choices
from nakawari.pipeline.given import Given
from nakawari.pipeline.notes import gathered
from nakawari.pipeline.options import check_options
from nakawari.pipeline.render import Progress, render, silent
from nakawari.pipeline.report import Report, described
from nakawari.pipeline.timing import Clip, Cuts, Number, Timing
from nakawari.timeline.explain import summary
from nakawari.timeline.plan import Plan

log = logging.getLogger(__name__)

if TYPE_CHECKING:
    from nakawari.models.base import Interpolator
    from nakawari.video.encoders import EncodeOptions
    from nakawari.video.journal import Journal


def smooth(
    source: str | Path,
    output: str | Path | None = None,
    *,
    fps: Number | None = None,
    factor: Number | None = None,
    slowmo: Number | None = None,
    start: Number | None = None,
    end: Number | None = None,
    loop: bool = False,
    model: str | None = None,
    weights: str | Path | None = None,
    device: str = "auto",
    precision: str = "auto",
    options: dict[str, Any] | None = None,
    holds: Literal["keep", "smooth"] | None = None,
    hold_max: Number | None = None,
    cuts: Cuts | None = None,
    cut_fill: Literal["copy", "nearest"] | None = None,
    plan: Plan | str | Path | None = None,
    input_rate: Number | None = None,
    deinterlace: bool = False,
    encode: dict[str, Any] | None = None,
    overwrite: bool = False,
    resume: bool = False,
    ray: str | None = None,
    debug_dir: str | Path | None = None,
    unsure: Unsure = "draw",
    progress: Progress = silent,
) -> Report:
    """Raise the frame rate of a clip: draw the frames between its drawings, and keep its clock.

    Args:
        source: a video file, or a folder or pattern (`frames/%05d.png`) of images.
        output: where to; its ending says the container, a folder or pattern takes images. None: beside
            the input, named after it.
        fps, factor, slowmo, start, end, loop, holds, hold_max, cuts, cut_fill, input_rate, deinterlace: as
            `plan` takes them.
        model, weights, device, precision: as `load` takes them; model None: the plan's, else the default.
        options: what else `load` takes: tile, memory, and what the model lets one choose.
        plan: carry out this plan (or the JSON file of one) instead of making one. It has to be one of this
            clip; what else is given about time may only be what it was made with.
        encode: the fields of `video.encoders.EncodeOptions`, in ffmpeg's words: codec, crf, preset, pix_fmt.
        overwrite: replace what stands under `output`.
        resume: keep finished pieces beside the output until it is whole, and go on from those of a run with
            the same arguments that was cut off.
        debug_dir: pictures of what the model saw in each pair go there; None: none are made.
        ray: address of a Ray cluster (`host:port`, or "auto") whose nodes render; finished pieces are kept as
            `resume` does.
        unsure: what is done where motion cannot be followed, between drawings and (`classic`, `fast`, `best`)
            in parts of them: "draw" nevertheless, "hold" the earlier one, or show the "nearest".
        progress: is told the stages "analyse" and "render".

    Returns:
        the Report; nothing stands under `output` unless all of it was written.

    Raises:
        InputError: a value or the input cannot be used, or the plan is of another clip.
        OutputError: the output cannot be written.
        ModelError: no such model, or weights that do not fit.
    """
    from nakawari.video.encoders import EncodeOptions

    asked: dict[str, Any] = {
        "fps": fps, "factor": factor, "slowmo": slowmo, "start": start, "end": end, "loop": loop or None,
        "holds": holds, "hold_max": hold_max, "cuts": cuts, "cut_fill": cut_fill, "input_rate": input_rate,
        "deinterlace": deinterlace or None,
    }  # fmt: skip
    asked = {name: value for name, value in asked.items() if value is not None}
    check_options(options or {})
    check_unsure(unsure)
    encoding = EncodeOptions.of(encode or {})
    given = None if plan is None else Given.of(plan, asked)
    model = model or (None if given is None else given.plan.model) or DEFAULT
    if not is_file(model):
        find(model)
    if given is not None:
        check_choices(given.plan, model)
    timing = Timing.of(**asked) if given is None else given.timing
    if output is None and str(source) == "-":
        raise InputError("the input comes from a pipe, so the output has no name of its own. Give one (-o).")
    with gathered() as notes:
        clip = timing.open(source)
        info = clip.reader.info
        log.info("%s: %s", source, described(info))
        rate = timing.rate(info.rate) if given is None else given.rate(info.rate)
        target = _target(source, output, rate, timing)
        job = Job(str(source), target, rate, timing, clip, encoding, overwrite, notes, unsure)
        loading = (model, weights, device, precision, options or {})
        if ray is not None:
            return _on_cluster(ray, job, given, loading, progress, debug_dir)
        journal = job.journal(given, loading) if resume else None
        return job.run(given, journal, loading, progress, debug_dir)


@dataclass(frozen=True, slots=True)
class Job:
    """A render, of which all has been checked that can be before the clip is looked at."""

    source: str
    output: Path
    rate: Fraction
    timing: Timing
    clip: Clip
    options: EncodeOptions
    overwrite: bool
    notes: list[str]
    unsure: Unsure

    def journal(self, given: Given | None, model: tuple[Any, ...]) -> Journal:
        """The folder of finished pieces of this very render."""
        from nakawari.pipeline.resume import settings
        from nakawari.video.journal import Journal
        from nakawari.video.open import check_resumable

        check_resumable(self.source, self.output)
        names = ("model", "weights", "device", "precision", "options")
        words = dict(zip(names, map(str, model), strict=True)) | {"unsure": self.unsure}
        plan = None if given is None else given.plan
        return Journal(self.output, settings(Path(self.source), self.timing, plan, self.options, words))

    def run(
        self,
        given: Given | None,
        journal: Journal | None,
        model: tuple[Any, ...],
        progress: Progress,
        debug_dir: str | Path | None,
    ) -> Report:
        """Look at the clip, lay the plan and carry it out."""
        from nakawari.pipeline.pictures import watching
        from nakawari.pipeline.resume import keep_plan, kept_plan
        from nakawari.video.threads import BackgroundWriter, prefetch

        begin = perf_counter()
        inner = self.writer(journal)
        writer = BackgroundWriter(inner)
        whole = False
        try:
            loading = _Loading(*model)
            if "memory" in model[-1]:  # what it is too little for is said before the clip is looked at
                loading.reserve(*self.room(inner))
            todo = kept_plan(journal) if journal else None
            size = self.clip.reader.info.height, self.clip.reader.info.width
            todo = todo or self._plan(given, loading.watching(progress, size))
            artist = loading.model()
            cast = casting(todo, artist, loading.another)
            watch = None if debug_dir is None else watching(artist, debug_dir)
            log.info("%s", summary(todo))
            for note in artist.notes():
                log.warning("%s", note)
            done = 0
            if journal is not None:
                keep_plan(journal, todo)
                inner.begin(todo.slots[0].pts)
                done = inner.done
                if done:
                    log.warning("went on after %d frames that stood already.", done)
            analysed = perf_counter()
            with closing(prefetch(self.clip.reader)) as frames:
                work = render(todo, frames, writer, artist, progress, done, watch, cast, unsure=self.unsure)
            writer.finish()
            whole = True
        finally:
            if not whole:
                writer.abort()
        report = Report(
            input=self.source,
            output=str(self.output),
            model=artist.name,
            device=str(artist.device),
            plan=todo,
            work=work,
            analyse_s=analysed - begin,
            render_s=perf_counter() - analysed,
            notes=self.notes,
        )
        log.info("%s", report.stages())
        return report

    def room(self, writer: Any) -> tuple[tuple[int, int], int]:
        """Height and width of the pictures, and what a render takes beside drawing them, in bytes."""
        from nakawari.pipeline.beside import beside_drawing

        info = self.clip.reader.info
        most = None
        if info.duration is not None:
            most = ceil(info.duration * self.timing.slowmo * self.rate) + 1
        return (info.height, info.width), beside_drawing(info, writer, most)

    def _plan(self, given: Given | None, progress: Progress) -> Plan:
        if given is not None:
            return given.fitting(survey(self.clip.reader, progress))
        seen = analyse(self.clip.reader, cuts=self.timing.cuts, progress=progress)
        return lay_out(seen, self.rate, self.timing)

    def writer(self, journal: Journal | None) -> Any:
        """What takes the pictures; of finished pieces where there is a journal."""
        from nakawari.video.open import open_writer

        info, timing = self.clip.reader.info, self.timing
        if timing.slowmo != 1 and info.audio and self.options.sound and not self.options.stretch:
            log.warning("the sound is left out, as time is slowed down; --stretch-sound stretches it.")
        try:
            return open_writer(
                self.output,
                info,
                self.rate,
                self.options,
                source=Path(self.source),
                overwrite=self.overwrite,
                span=self.clip.span,
                retime=self.clip.retime,
                journal=journal,
            )
        except NakawariError:
            if journal is not None:
                journal.release() if not journal.fresh else journal.remove()
            raise


def _on_cluster(
    address: str,
    job: Job,
    given: Given | None,
    model: tuple[Any, ...],
    progress: Progress,
    debug_dir: str | Path | None,
) -> Report:
    from nakawari.pipeline.cluster import Cluster
    from nakawari.pipeline.distribute import run_on

    if debug_dir is not None:
        raise InputError("what is seen on a cluster is not drawn; leave out the folder for it, or --ray.")
    with Cluster(address) as cluster:
        return run_on(cluster, job, given, job.journal(given, model), model, progress)


class _Loading:
    """A model that is loaded in a thread, while the clip is looked at: importing torch takes a second."""

    def __init__(
        self, model: str, weights: str | Path | None, device: str, precision: str, options: dict[str, Any]
    ) -> None:
        self._words: dict[str, Any] = {"device": device, "precision": precision}
        self._words |= {word: value for word, value in options.items() if word in ("tile", "memory")}
        self._room: tuple[Any, ...] | None = None
        pool = ThreadPoolExecutor(1, thread_name_prefix="nakawari-load")
        self._future: Future[Interpolator] = pool.submit(load, model, weights, device, precision, **options)
        pool.shutdown(wait=False)

    def watching(self, progress: Progress, size: tuple[int, int]) -> Progress:
        """The same progress, which tells as soon as it is known what is wrong with the model.

        That is what loading it raised, or that pictures of `size` (H, W) are too large for it.
        """
        told = False

        def watch(stage: str, done: int, total: int | None) -> None:
            nonlocal told
            if self._future.done() and not told:
                told = True
                self._future.result().foresee(size)
            progress(stage, done, total)

        return watch

    def model(self) -> Interpolator:
        """The model, once it is there; raises what loading it raised."""
        return self._future.result()

    def reserve(self, *room: Any) -> None:
        """See `Interpolator.reserve`, for every model that draws."""
        self._room = room
        self.model().reserve(*room)

    def another(self, name: str) -> Interpolator:
        """A model that a plan names for single pairs."""
        made = load(name, **self._words)
        if self._room is not None:
            made.reserve(*self._room)
        return made


def _target(source: str | Path, output: str | Path | None, rate: Fraction, timing: Timing) -> Path:
    if output is not None:
        return Path(output)
    if timing.slowmo != 1:
        return default_output(Path(source), rate, timing.slowmo, True, "slow")
    return default_output(Path(source), rate, timing.factor, timing.fps is None)


def default_output(
    source: Path, rate: Fraction, factor: Fraction | None, by_factor: bool, letter: str = "x"
) -> Path:
    """`clip_60fps.mkv`, or `clip_x2.mkv` when a factor was asked for; a folder `frames_x2` for images.

    What cannot be written under the ending of the input becomes an .mkv.
    """
    from nakawari.video.images import is_images
    from nakawari.video.open import writes

    mark = f"{letter}{float(factor or 2):g}" if by_factor else f"{float(rate):.6g}fps"
    if source.is_dir():
        return source.with_name(f"{source.name}_{mark}")
    if is_images(source) and ("%" in source.name or "*" in source.name):
        return source.parent.with_name(f"{source.parent.name}_{mark}")
    suffix = source.suffix if writes(source) else ".mkv"
    return source.with_name(f"{source.stem}_{mark}{suffix}")


def write_report(report: Report, path: Path) -> None:
    """Write the report as JSON, whole or not at all."""
    write_json(report.to_dict(), path)


def write_json(values: dict[str, Any], path: Path) -> None:
    """Write values as JSON, whole or not at all."""
    part = path.with_name(path.name + ".part")
    try:
        part.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise OutputError(f"the report cannot be written to {path}: {error.strerror}.") from error


def check_report_path(path: Path) -> None:
    """Raise OutputError now, not after an hour of work, when the report could not be written."""
    if path.is_dir() or not path.parent.is_dir():
        raise OutputError(
            f"the report cannot be written to {path}: wanted a file name in a folder that exists."
        )
