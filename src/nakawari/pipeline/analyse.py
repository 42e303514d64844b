"""Video → plan: one decoding pass that measures, and the decisions about time that follow from it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

from nakawari.errors import MediaError
from nakawari.pipeline.render import Progress, silent
from nakawari.pipeline.timing import Cuts, Number, Timing, read_text
from nakawari.timeline.plan import Drawing, Original, Plan, Shot
from nakawari.video.frames import Info, Reader
from nakawari.video.planes import Planes

LONGEST_S = 900
"""A frame that is shown for longer (seconds) is a broken clock, to be filled with a day of copies."""


LOOKED_AT = 64
"""So many samples across the shorter side of a picture tell it from others."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of a clip once all of it has been decoded."""

    info: Info
    times: tuple[Fraction, ...]
    durations: tuple[Fraction, ...]
    pictures: str
    """Digest of what the frames show."""

    @property
    def original(self) -> Original:
        """What tells this clip from others."""
        return Original(len(self.times), self.times[0], self.times[-1], self.pictures)


@dataclass(frozen=True, slots=True)
class Analysis(Seen):
    """What is known of a clip once it has been looked at: also its shots and drawings."""

    shots: tuple[Shot, ...]
    drawings: tuple[Drawing, ...]


def analyse(
    source: str | Path | Reader,
    *,
    cuts: Cuts = "auto",
    input_rate: Fraction | None = None,
    progress: Progress = silent,
) -> Analysis:
    """Look at every frame once and find shots and drawings.

    Args:
        source: a video file, a folder or pattern of images, or an open reader.
        cuts: "auto" finds them, "off" takes the clip as one shot, a file name is a cuts file (a frame
            number or time a line), a list holds the first frames of shots.
        input_rate: frames a second of an image sequence.
        progress: is told the stage "analyse".

    Raises:
        MediaError: the clip cannot be read.
        PlanError: the cuts file cannot be understood.
    """
    from nakawari.timeline.detect import decide
    from nakawari.timeline.measure import Measurer
    from nakawari.timeline.measurements import Measurements
    from nakawari.video.open import open_reader

    reader = open_reader(source, input_rate) if isinstance(source, (str, Path)) else source
    measurer = Measurer()
    measurements = Measurements()
    seen = survey(reader, progress, lambda planes: measurements.append(measurer.add(*planes)))
    firsts = read_cuts(cuts, seen.times)
    shots, drawings = decide(measurements, seen.times, seen.durations, cuts=firsts)
    return Analysis(seen.info, seen.times, seen.durations, seen.pictures, tuple(shots), tuple(drawings))


def survey(
    reader: Reader, progress: Progress = silent, look: Callable[[Planes], object] | None = None
) -> Seen:
    """Decode every frame once: how many there are, when each is shown, and a digest of what they show.

    Args:
        reader: the clip.
        progress: is told the stage "analyse".
        look: is shown the planes of every frame, in order.

    Raises:
        MediaError: the clip cannot be read.
    """
    from nakawari.video.planes import planes
    from nakawari.video.threads import prefetch

    digest = hashlib.blake2b(digest_size=16)
    times: list[Fraction] = []
    durations: list[Fraction] = []
    same: dict[Fraction, Fraction] = {}
    progress("analyse", 0, reader.info.frames)
    with closing(prefetch(reader)) as frames:
        for frame in frames:
            if frame.duration > LONGEST_S:
                raise MediaError(
                    f"{reader.info.path} shows frame {frame.index} for {float(frame.duration):.0f} s; "
                    f"wanted at most {LONGEST_S} s. Where that is no slip of its clock, split it there."
                )
            shown = planes(frame)
            step = max(1, min(shown[0].shape[:2]) // LOOKED_AT)
            digest.update(shown[0][::step, ::step].tobytes())
            if look is not None:
                look(shown)
            times.append(frame.pts)
            durations.append(
                same.setdefault(frame.duration, frame.duration)
            )  # few differ, and frames are many
            progress("analyse", len(times), reader.info.frames)
    if not times:
        raise MediaError(f"{reader.info.path} holds no picture.")
    return Seen(reader.info, tuple(times), tuple(durations), digest.hexdigest())


def plan(
    source: str | Path | Reader,
    *,
    fps: Number | None = None,
    factor: Number | None = None,
    slowmo: Number | None = None,
    start: Number | None = None,
    end: Number | None = None,
    loop: bool = False,
    holds: Literal["keep", "smooth"] | None = None,
    hold_max: Number | None = None,
    cuts: Cuts | None = None,
    cut_fill: Literal["copy", "nearest"] | None = None,
    input_rate: Number | None = None,
    deinterlace: bool = False,
    progress: Progress = silent,
) -> Plan:
    """Decide how every output frame is made, before any frame is made.

    Args:
        source: a video file, a folder or pattern of images, or an open reader.
        fps: output frames a second; exact when given as Fraction or as text such as "60000/1001".
        factor: instead of `fps`, output frames for each input frame, at least 1 (which draws only what
            repeats). Neither: 2, or `slowmo` where that is given.
        slowmo: how many times as long the output lasts.
        start, end: only what begins between these times, in seconds or as "1:02.5"; the output starts at 0.
        loop: the last drawing moves on to the first one.
        holds: "keep" (or None) lets a drawing that is shown longer than `hold_max` stay still until one
            cadence step before the next one; "smooth" spreads the motion over the whole duration.
        hold_max: seconds of the input; None takes the larger of 1/4 s and 1.5 cadence steps.
        cuts: as `analyse` takes them; None is "auto".
        cut_fill: "copy" (or None) shows the last drawing up to a cut, "nearest" from the middle between the
            last input frame before it and the first one after it the latter.
        input_rate: frames a second of an image sequence.
        deinterlace: woven frames of a video file are taken apart instead of refused.
        progress: is told the stage "analyse".

    Raises:
        InputError: a value is out of range, or the rate is below that of the input.
        MediaError: the clip cannot be read.
    """
    return plan_and_times(
        source, fps=fps, factor=factor, slowmo=slowmo, start=start, end=end, loop=loop, holds=holds,
        hold_max=hold_max, cuts=cuts, cut_fill=cut_fill, input_rate=input_rate, deinterlace=deinterlace,
        progress=progress,
    )[0]  # fmt: skip


def plan_and_times(
    source: str | Path | Reader, *, progress: Progress = silent, **asked: Any
) -> tuple[Plan, tuple[Fraction, ...]]:
    """The plan of a clip, as `plan` makes it, and the times of the input's frames."""
    timing = Timing.of(**asked)
    reader = timing.open(source).reader if isinstance(source, (str, Path)) else source
    rate = timing.rate(reader.info.rate)
    seen = analyse(reader, cuts=timing.cuts, progress=progress)
    return lay_out(seen, rate, timing), seen.times


def lay_out(seen: Analysis, rate: Fraction, timing: Timing) -> Plan:
    """The plan at `rate` of a clip that has been analysed."""
    from nakawari.timeline.retime import lay

    laid = lay(
        seen.times,
        seen.durations,
        seen.shots,
        seen.drawings,
        rate=rate,
        holds=timing.holds,
        hold_max=timing.hold_max,
        cut_fill=timing.cut_fill,
        slowmo=timing.slowmo,
        loop=timing.loop,
        input_name=seen.info.path,
    )
    firsts = [shot.first for shot in seen.shots[1:]]
    return replace(laid, clip=seen.original, options=timing.options(firsts))


def read_cuts(cuts: Cuts, times: Sequence[Fraction]) -> Literal["auto", "off"] | list[int]:
    """Cuts as words or as first frames of shots; a file's are looked up in the times of all frames.

    Raises:
        InputError: the file cannot be read. PlanError: it does not fit the clip.
    """
    from nakawari.timeline.cuts import parse_cuts

    if cuts == "auto":
        return "auto"
    if cuts == "off":
        return "off"
    if isinstance(cuts, (str, Path)):
        return parse_cuts(read_text(cuts, "cuts file", " (auto and off are words.)"), times)
    return list(cuts)
