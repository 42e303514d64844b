"""Reading video files with PyAV: decoded frames as they are, at exact times.

Time. A frame's pts is what the file says, in its own time base, with two repairs. Matroska counts in
milliseconds and cannot hold the times of 24000/1001 frames a second, and what was remuxed from it carries
times so rounded; where a file is of one rate and that explains a time to within a millisecond (or a tick,
if that is more), the exact time on the grid of the rate is given, so that frames land where they were meant.
A frame without pts follows the one before it by one nominal interval. A frame that does not come after the
one before it is dropped with a warning (players never show it); one that goes back by more than a second is
a file pasted together, and refused.
"""

from __future__ import annotations

import logging
import struct
from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

from nakawari.errors import MediaError
from nakawari.video.colour import TAGS, layout, resolve, rows
from nakawari.video.deinterlace import deinterlaced
from nakawari.video.frames import Colour, Frame, Info
from nakawari.video.hdr import mastering

log = logging.getLogger(__name__)

_POINTING = frozenset(
    ("hls", "dash", "concat", "concatf", "sdp", "rtsp", "rtp", "sap", "lavfi", "imf", "image2",
     "image2pipe", "webm_dash_manifest", "tty", "applehttp", "mpjpeg", "vapoursynth", "avisynth")
)  # fmt: skip
"""Formats of ffmpeg that are no pictures but name other files, commands or addresses; and text as video."""

MOST_PIXELS = 2**27
"""Pictures are not decoded beyond this (16384x8192): a small file can claim any size."""

_BACKWARDS_S = Fraction(1)
_ROUNDING_S = Fraction(1, 1000)
_PREROLL_S = Fraction(2)
"""How long before a time that is looked for decoding begins, so that open groups of pictures are whole."""
_MISSING_S = Fraction(1, 4)
"""A stream that ends this much (and two frames) before it says is cut off."""


class VideoReader:
    """A video file; a `Reader`. Each iteration opens the file anew and closes it at its end."""

    replayable = True

    def __init__(self, path: str | Path, deinterlace: bool = False) -> None:
        """Open the file, decode its first frame, and note what it is.

        Args:
            path: of the file.
            deinterlace: woven frames are taken apart instead of refused.

        Raises:
            MediaError: the file is missing, not a video, or its first frame does not decode.
        """
        self.path, self._deinterlace = Path(path), deinterlace
        with open_container(self.path) as container:
            stream = _video_stream(container, self.path)
            first = next(self._decoded(container, stream), None)
            if first is None:
                raise MediaError(f"{self.path} has a video stream but no frame that decodes.")
            _check_progressive(first, 0, self.path)
            self._opaque = stream.codec_context.name == "gif" and _is_opaque(first)
            self._begins = None if first.pts is None else Fraction(first.pts) * Fraction(first.time_base)
            self.info = _info(self.path, container, stream, self._native(first))
            self._steady = _steady(stream, self.info.duration or Fraction(0))

    def _native(self, decoded: Any) -> Any:
        """The frame as it counts here: a GIF, whose decoder always gives alpha, has it only if it shows."""
        return decoded.reformat(format="bgr0") if self._opaque else decoded

    def _decoded(self, container: Any, stream: Any) -> Iterator[Any]:
        decoded = _decoded(container, stream, self.path)
        return deinterlaced(decoded) if self._deinterlace else decoded

    def __iter__(self) -> Iterator[Frame]:
        """Every frame in order of presentation; see the module for what happens to broken times.

        Raises:
            MediaError: the file is broken, cut off, or changes size midway.
        """
        return self._frames(None)

    def since(self, start: Fraction) -> Iterator[Frame]:
        """Every frame that begins at `start` seconds or later, and perhaps some before; numbered from 0.

        Raises:
            MediaError: as for all frames.
        """
        return self._frames(start)

    def _frames(self, start: Fraction | None) -> Iterator[Frame]:
        info = self.info
        with open_container(self.path) as container:
            stream = _video_stream(container, self.path)
            clock = _Clock(info, self._steady, self.path)
            sought = start is not None and self._begins is not None and _sought(container, stream, start)
            if sought:
                clock.go_on(self._begins)
            pending: Frame | None = None
            index = 0
            for decoded in self._decoded(container, stream):
                native = self._native(decoded)
                _check_progressive(decoded, index, self.path)
                _check_size(native, info, index, self.path)
                pts = clock.time(native)
                if pts is None:
                    continue
                if sought and index == 0 and start is not None and pts > start:  # it went too far
                    yield from self._frames(None)
                    return
                if pending is not None:
                    pending.duration = pts - pending.pts
                    yield pending
                duration = clock.duration(native)
                pending = Frame(index, pts, duration, native, _frame_colour(native, info))
                index += 1
            if pending is None:
                raise MediaError(f"{self.path} has a video stream but no frame that decodes.")
            _check_whole(container, stream, pending, self.path)
            yield pending


class _Clock:
    """Turns the times that the decoder gives into exact ones."""

    def __init__(self, info: Info, steady: bool, path: Path) -> None:
        self.path = path
        self.interval = 1 / info.rate
        self.tick = info.time_base
        self.steady = steady
        self.start: Fraction | None = None
        self.previous: Fraction | None = None
        self.warned = False

    def go_on(self, begins: Fraction | None) -> None:
        """Take the next frame for one in the midst of a file that begins at `begins`."""
        assert begins is not None
        self.start = begins
        self.previous = begins - _BACKWARDS_S / 2

    def time(self, native: Any) -> Fraction | None:
        """The frame's time, or None where it has to be dropped."""
        if native.pts is not None:
            pts = self._exact(Fraction(native.pts) * Fraction(native.time_base))
        else:
            pts = Fraction(0) if self.previous is None else self.previous + self.interval
            if not self.warned:
                log.warning(
                    "%s: frames without a time are laid at %s a second.", self.path, 1 / self.interval
                )
                self.warned = True
        if self.previous is not None and pts <= self.previous:
            if pts < self.previous - _BACKWARDS_S:
                raise MediaError(
                    f"{self.path}: time goes back from {float(self.previous):.3f} s to {float(pts):.3f} s. "
                    "Remux the file first, or split it there."
                )
            log.warning("%s: dropped a frame at %.3f s that does not come after the one before it.",
                        self.path, float(pts))  # fmt: skip
            return None
        if self.start is None:
            self.start = pts
        self.previous = pts
        return pts

    def duration(self, native: Any) -> Fraction:
        """How long the frame lasts by itself: what its packet says, or one interval."""
        said = Fraction(native.duration or 0) * Fraction(native.time_base or 0)
        return self.interval if said <= 0 or abs(said - self.interval) <= self.tick else said

    def _exact(self, pts: Fraction) -> Fraction:
        """`pts` without its rounding; never so that two times meet."""
        if not self.steady or self.start is None or self.previous is None:
            return pts
        exact = self.start + round((pts - self.start) / self.interval) * self.interval
        return exact if abs(exact - pts) < max(self.tick, _ROUNDING_S) and exact > self.previous else pts


def open_container(path: Path) -> Any:
    """Open a file for reading.

    Raises:
        MediaError: it is missing, empty or not one that ffmpeg knows.
    """
    import av

    if not path.exists():
        raise MediaError(f"{path} does not exist.")
    if path.is_file() and path.stat().st_size == 0:
        raise MediaError(f"{path} is empty.")
    try:
        return av.open(local(path), metadata_errors="replace", container_options=_whitelist())
    except (av.FFmpegError, OSError) as error:
        raise MediaError(f"{path} is not a video that can be read ({reason(error)}).") from error


def local(path: Path) -> str:
    """A path as ffmpeg takes for that file, whatever its name is (`concat:a|b`, `http:`, `-`)."""
    return f"file:{path}"


@lru_cache(maxsize=1)
def _whitelist() -> dict[str, str]:
    """Options that keep a file from making ffmpeg open others: no protocol but files, no playlist."""
    import av

    return {
        "protocol_whitelist": "file",
        "format_whitelist": ",".join(sorted(av.formats_available - _POINTING)),
    }


def reason(error: BaseException) -> str:
    """What ffmpeg or the system says went wrong, without numbers and file names."""
    text = getattr(error, "strerror", None) or str(error)
    return str(text).strip().rstrip(".")


def _video_stream(container: Any, path: Path) -> Any:
    """The first stream of moving pictures (a cover picture is not one)."""
    from av.stream import Disposition

    for stream in container.streams.video:
        if not stream.disposition & Disposition.attached_pic:
            if stream.codec_context is None:
                raise MediaError(f"{path}: there is no decoder here for its video.")
            stream.thread_type = "AUTO"
            stream.codec_context.options = {"max_pixels": str(MOST_PIXELS)}
            return stream
    what = "only sound" if container.streams.audio else "no video"
    raise MediaError(f"{path} holds {what}; wanted a video.")


def _sought(container: Any, stream: Any, start: Fraction) -> bool:
    """Go to a keyframe before `start`; False where the file has to be read from its beginning."""
    import av

    early = start - _PREROLL_S
    if early <= 0:
        return False
    try:
        container.seek(int(early / Fraction(stream.time_base)), stream=stream)
    except av.FFmpegError:
        return False
    return True


def _decoded(container: Any, stream: Any, path: Path) -> Iterator[Any]:
    import av

    count = 0
    try:
        for native in container.decode(stream):
            yield native
            count += 1
    except (av.FFmpegError, IndexError) as error:  # IndexError: broken bytes that look like a new stream
        raise MediaError(f"{path} is broken after frame {count} ({reason(error)}).") from error


def _info(path: Path, container: Any, stream: Any, first: Any) -> Info:
    pix_fmt = first.format.name
    form = layout(pix_fmt)
    context = stream.codec_context
    tags = {name: int(getattr(first, name) or getattr(context, name)) for name in TAGS}
    aspect = stream.sample_aspect_ratio or Fraction(1)
    duration = None
    if stream.duration is not None:
        duration = stream.duration * Fraction(stream.time_base)
    elif container.duration is not None:
        duration = Fraction(container.duration, 1_000_000)
    return Info(
        path=str(path),
        width=first.width,
        height=first.height,
        rate=nominal_rate(stream),
        time_base=Fraction(stream.time_base),
        pix_fmt=pix_fmt,
        bits=form.bits,
        colour=resolve(tags, pix_fmt, first.width, first.height),
        alpha=form.alpha,
        sample_aspect=Fraction(aspect),
        frames=stream.frames or None,
        duration=duration,
        audio=len(container.streams.audio),
        subtitles=len(container.streams.subtitles),
        display_matrix=_display_matrix(first),
        mastering=mastering(first),
    )


def nominal_rate(stream: Any) -> Fraction:
    """Frames a second by the file's word; 25 where it has none."""
    for said in (stream.guessed_rate, stream.average_rate, stream.base_rate):
        if said and 0 < said <= 1000:
            in_ticks = 1 / (Fraction(said) * Fraction(stream.time_base))
            return Fraction(said) if in_ticks.denominator == 1 else _standard(Fraction(said))
    return Fraction(25)


def _standard(rate: Fraction) -> Fraction:
    """The rate as n or n·1000/1001 exactly where the rate is that to 1 in 100 000."""
    for exact in (Fraction(round(rate)), Fraction(round(rate * 1001 / 1000) * 1000, 1001)):
        if exact and abs(exact - rate) <= rate / 100_000:
            return exact
    return rate


def _steady(stream: Any, seconds: Fraction) -> bool:
    """Whether the file is of one rate: its average is the nominal one, but for the rounding of its ends."""
    average = stream.average_rate
    if not average:
        return False
    off = abs(nominal_rate(stream) / Fraction(average) - 1)
    return off <= Fraction(1, 1000) and off * seconds <= 3 * _ROUNDING_S


def _is_opaque(native: Any) -> bool:
    return bool((rows(native.planes[0], 8)[:, 3 : 4 * native.width : 4] == 255).all())


def _display_matrix(native: Any) -> tuple[int, ...] | None:
    data = native.side_data.get("DISPLAYMATRIX")
    return None if data is None else struct.unpack("<9i", bytes(data)[:36])


def _check_progressive(decoded: Any, index: int, path: Path) -> None:
    """Raise MediaError where two moments are woven into one frame, which no drawing between could undo."""
    if decoded.interlaced_frame:
        raise MediaError(
            f"{path} is interlaced (frame {index}). Give --deinterlace or, where it was film, "
            "bring it back to its frames first, with fieldmatch and decimate."
        )


def _check_size(native: Any, info: Info, index: int, path: Path) -> None:
    if (native.width, native.height) != (info.width, info.height):
        raise MediaError(
            f"{path} changes size at frame {index}, from {info.width}x{info.height} to "
            f"{native.width}x{native.height}. Scale it to one size first."
        )


def _frame_colour(native: Any, info: Info) -> Colour:
    """The colour of the file, also where single frames are tagged otherwise; formats may change midway."""
    if native.format.name == info.pix_fmt:
        return info.colour
    return resolve({**dict.fromkeys(TAGS, 2), "color_range": 0, **dict(info.colour.tags)},
                   native.format.name, info.width, info.height)  # fmt: skip


def _check_whole(container: Any, stream: Any, last: Frame, path: Path) -> None:
    """Raise MediaError where the picture ends long before the file says it does.

    Only what is said of this one stream counts; formats that do not say it cannot be checked.
    """
    promised: Fraction | None = None
    if container.format.name.startswith("mov") and stream.duration is not None:
        promised = Fraction(stream.time_base) * (stream.duration + (stream.start_time or 0))
    elif "DURATION" in stream.metadata:
        promised = _clock_time(stream.metadata["DURATION"])
    end = last.pts + last.duration
    if promised is not None and promised - end > max(_MISSING_S, 2 * last.duration):
        raise MediaError(
            f"{path} is cut off: it says {float(promised):.2f} s and ends at {float(end):.2f} s."
        )


def _clock_time(text: str) -> Fraction | None:
    """Matroska's "HH:MM:SS.nnnnnnnnn" in seconds; None where it is not that."""
    parts = text.split(":")
    try:
        hours, minutes, seconds = (Fraction(part) for part in parts)
    except ValueError:
        return None
    return hours * 3600 + minutes * 60 + seconds
