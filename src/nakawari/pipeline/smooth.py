"""`smooth`: a clip in, the same clip with more frames out."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from fractions import Fraction
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, Literal

from nakawari.errors import InputError, OutputError
from nakawari.models import DEFAULT, find, load
from nakawari.pipeline.analyse import Cuts, analyse, exact, lay_out
from nakawari.pipeline.render import Progress, render, silent
from nakawari.pipeline.report import Report
from nakawari.timeline.plan import Plan

if TYPE_CHECKING:
    from nakawari.models.base import Interpolator

Number = Fraction | float | str


def smooth(
    source: str | Path,
    output: str | Path | None = None,
    *,
    fps: Number | None = None,
    factor: Number | None = None,
    model: str = DEFAULT,
    weights: str | Path | None = None,
    device: str = "auto",
    precision: str = "auto",
    holds: Literal["keep", "smooth"] = "keep",
    hold_max: Number | None = None,
    cuts: Cuts = "auto",
    plan: Plan | str | Path | None = None,
    input_rate: Number | None = None,
    encode: dict[str, Any] | None = None,
    overwrite: bool = False,
    progress: Progress = silent,
) -> Report:
    """Raise the frame rate of a clip: draw the frames between its drawings, and keep its clock.

    Args:
        source: a video file, or a folder or pattern (`frames/%05d.png`) of images.
        output: where to; its ending says the container, a folder or pattern takes images. None: beside
            the input, named after it.
        fps, factor, holds, hold_max, cuts, input_rate: as `plan` takes them.
        model, weights, device, precision: as `load` takes them.
        plan: carry out this plan (or the JSON file of one) instead of making one.
        encode: the fields of `video.encoders.EncodeOptions`, in ffmpeg's words: codec, crf, preset, pix_fmt.
        overwrite: replace what stands under `output`.
        progress: is told the stages "analyse" and "render".

    Returns:
        the Report; nothing stands under `output` unless all of it was written.

    Raises:
        InputError: a value or the input cannot be used. OutputError: the output cannot be written.
        ModelError: no such model, or weights that do not fit.
    """
    from nakawari.timeline.retime import target_rate
    from nakawari.video.encoders import EncodeOptions
    from nakawari.video.open import open_reader, open_writer
    from nakawari.video.threads import BackgroundWriter, prefetch

    find(model)
    options = EncodeOptions(**(encode or {}))
    given = _given_plan(plan, fps, factor)
    reader = open_reader(source, exact(input_rate))
    rate = given.rate if given else target_rate(reader.info.rate, fps=exact(fps), factor=exact(factor))
    target = (
        Path(output) if output is not None else default_output(Path(source), rate, exact(factor), fps is None)
    )
    writer = BackgroundWriter(
        open_writer(target, reader.info, rate, options, source=Path(source), overwrite=overwrite)
    )
    whole = False
    try:
        begin = perf_counter()
        loading = _Loading(model, weights, device, precision)
        if given is None:
            seen = analyse(reader, cuts=cuts, progress=loading.watching(progress))
            todo = lay_out(seen, rate, holds=holds, hold_max=exact(hold_max))
        else:
            todo = given
        artist = loading.model()
        analysed = perf_counter()
        with closing(prefetch(reader)) as frames:
            work = render(todo, frames, writer, artist, progress)
        writer.finish()
        whole = True
    finally:
        if not whole:
            writer.abort()
    return Report(
        input=str(source),
        output=str(target),
        model=artist.name,
        device=str(artist.device),
        plan=todo,
        work=work,
        analyse_s=analysed - begin,
        render_s=perf_counter() - analysed,
    )


class _Loading:
    """A model that is loaded in a thread, while the clip is looked at: importing torch takes a second."""

    def __init__(self, *what: Any) -> None:
        pool = ThreadPoolExecutor(1, thread_name_prefix="nakawari-load")
        self._future: Future[Interpolator] = pool.submit(load, *what)
        pool.shutdown(wait=False)

    def watching(self, progress: Progress) -> Progress:
        """The same progress, which raises the loader's error as soon as there is one."""

        def watch(stage: str, done: int, total: int | None) -> None:
            if self._future.done():
                self._future.result()
            progress(stage, done, total)

        return watch

    def model(self) -> Interpolator:
        """The model, once it is there; raises what loading it raised."""
        return self._future.result()


def default_output(source: Path, rate: Fraction, factor: Fraction | None, by_factor: bool) -> Path:
    """`clip_60fps.mkv`, or `clip_x2.mkv` when a factor was asked for; a folder `frames_x2` for images."""
    mark = f"x{float(factor or 2):g}" if by_factor else f"{float(rate):.6g}fps"
    if source.is_dir():
        return source.with_name(f"{source.name}_{mark}")
    if "%" in source.name or "*" in source.name:
        return source.parent.with_name(f"{source.parent.name}_{mark}")
    return source.with_name(f"{source.stem}_{mark}{source.suffix}")


def _given_plan(plan: Plan | str | Path | None, fps: Number | None, factor: Number | None) -> Plan | None:
    if plan is None or isinstance(plan, Plan):
        given = plan
    else:
        try:
            given = Plan.from_json(Path(plan).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"the plan {plan} cannot be read: {error}.") from error
    if given is not None and (fps is not None or factor is not None):
        raise InputError("a plan says its own rate; give a plan, or fps or factor, not both.")
    return given


def write_report(report: Report, path: Path) -> None:
    """Write the report as JSON, whole or not at all."""
    part = path.with_name(path.name + ".part")
    try:
        part.write_text(report.to_json(), encoding="utf-8")
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
