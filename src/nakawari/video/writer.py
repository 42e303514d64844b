"""Writing video files with PyAV: pictures at exact times, native samples kept, sound passed through.

Time. The encoder counts in `tick`s (one output frame, unless told otherwise) from the first picture. MP4 and
MOV get a track and a movie clock in which every tick, the first time and every sample of sound are whole
numbers, so nothing is rounded, and a late start is kept by an edit list. Matroska and WebM count in
milliseconds: every time is rounded to the nearest one, never summed up.

Nothing is made on disk but `name.part` until the first picture, but everything is checked before: encoder,
options, container and its streams are opened once into memory.
"""

from __future__ import annotations

import contextlib
import io
import logging
import math
from fractions import Fraction
from pathlib import Path
from typing import Any

from nakawari.errors import InputError, OutputError
from nakawari.video.colour import layout, replaned
from nakawari.video.encoders import EncodeOptions, muxer_of
from nakawari.video.encoding import Encoding, decide
from nakawari.video.frames import SAME_TIME, Array, Frame, Info, Retime
from nakawari.video.natives import Natives
from nakawari.video.part import PartFile, check_other
from nakawari.video.passthrough import Passthrough
from nakawari.video.reader import local, reason

log = logging.getLogger(__name__)

_LARGEST_CLOCK = 2**31 - 1


class VideoWriter:
    """A video file being written; a `Writer`.

    Args:
        path: where; its suffix chooses the container.
        info: the picture that is written (size, colour, pixel format of its source).
        rate: nominal frames a second.
        options: how to encode.
        source: file whose sound, subtitles, chapters and metadata are copied; None: none.
        overwrite: whether a file that stands there may be replaced.
        tick: all times are whole multiples of it after the first one; None: 1 / rate.
        span: only sound within (start, end) seconds of the source is copied.
        retime: how the source's clock becomes the output's, for what is copied.

    Raises:
        InputError: an option is not one that the encoder takes.
        OutputError: the file may not or cannot be written, or the container cannot hold a stream.
    """

    def __init__(
        self,
        path: str | Path,
        info: Info,
        rate: Fraction,
        options: EncodeOptions,
        source: str | Path | None = None,
        *,
        overwrite: bool = False,
        tick: Fraction | None = None,
        span: tuple[Fraction | None, Fraction | None] = (None, None),
        retime: Retime = SAME_TIME,
    ) -> None:
        self.path = Path(path)
        self.info = info
        self.rate = rate
        self.options = options
        self.source = source
        self.span = span
        self.retime = retime
        self.tick = _checked_tick(rate, tick)
        self.muxer = muxer_of(self.path)
        self.encoding: Encoding = decide(self.muxer, info, options)
        log.info("%s: %s", self.path, self.encoding)
        check_other(self.path, info.path)
        check_other(self.path, source)
        self._output: Any = None
        self._stream: Any = None
        self._passthrough: Passthrough | None = None
        self._first: Fraction | None = None
        self._last = -1
        self._unit = Fraction(1)
        self._natives = Natives(info, self.encoding.pix_fmt, self.encoding.colour)
        self._probe()
        if info.alpha and not layout(self.encoding.pix_fmt).alpha:
            log.warning("%s: alpha is dropped; -c:v ffv1 in .mkv keeps it.", self.path)
        self._part = PartFile(self.path, overwrite)

    # -- the door ------------------------------------------------------------------------------

    def copy(self, frame: Frame, pts: Fraction) -> None:
        """Write the decoded frame untouched, shown from `pts`.

        Raises:
            OutputError: it cannot be written, or `pts` does not come after the last one on the clock.
        """
        self._encode(self._natives.of(frame), pts)

    def draw(self, rgb: Array, pts: Fraction, keys: tuple[Frame, Frame]) -> None:
        """Write a made picture; where it equals a key, with the key's native samples.

        Raises:
            ShapeError: the picture is not of the size and type of the keys.
            OutputError: as for `copy`.
        """
        self._encode(self._natives.made(rgb, keys), pts)

    def finish(self) -> None:
        """Write what is pending, pass the rest of the sound through, and give the file its name.

        Raises:
            OutputError: there was no picture, or the file cannot be written.
        """
        if self._output is None:
            raise OutputError(f"{self.path}: there was no frame to write.")
        with self._errors():
            self._mux(self._stream.encode(None))
            self._end()

    def abort(self) -> None:
        """Remove everything that was written. Safe to call at any time, also after `finish`."""
        import av

        with contextlib.suppress(av.FFmpegError, OSError):
            self._close()
        self._part.discard()

    # -- pictures ------------------------------------------------------------------------------

    def _encode(self, native: Any, pts: Fraction) -> None:
        with self._errors():
            if self._output is None:
                self._start(pts)
            self._mux(self._stream.encode(self._place(native, pts)))

    def _place(self, native: Any, pts: Fraction) -> Any:
        """A picture as the encoder wants it, on the encoder's clock."""
        assert self._first is not None
        count = (pts - self._first) / self.tick
        if count.denominator != 1 or count <= self._last:
            raise OutputError(
                f"{self.path}: a picture at {pts} s is not a later multiple of {self.tick} s "
                f"after {self._first} s; give the writer a finer tick."
            )
        self._last = int(count)
        if self.encoding.packed is not None:
            native = replaned(native, self.encoding.packed, self.encoding.colour)
        native.pts = self._last
        native.time_base = self.tick
        native.duration = max(1, round(1 / self.rate / self.tick))
        native.pict_type = 0  # the source's I, P and B are not an order to the encoder
        return native

    def _mux(self, packets: list[Any]) -> None:
        """Write packets of the picture, and before each the sound that comes before it."""
        assert self._first is not None
        for packet in packets:
            shown = self._first + packet.pts * self.tick
            decoded = self._first + packet.dts * self.tick
            packet.pts, packet.dts = round(shown / self._unit), round(decoded / self._unit)
            packet.duration = round((packet.duration or 1) * self.tick / self._unit)
            packet.time_base = self._unit
            packet.stream = self._stream
            if self._passthrough is not None:
                self._passthrough.pump(self._output, decoded)
            self._output.mux(packet)

    # -- containers ----------------------------------------------------------------------------

    def _probe(self) -> None:
        """Open everything once into memory, so that what cannot work fails before the work."""
        import av

        with self._errors():
            try:
                self._write_header(self.source)
            except av.FFmpegError:
                if self.source is None:
                    raise
                self._write_header(None)  # raises where it is not the source's streams that do not fit
                with Passthrough(self.source, self.options) as passthrough:
                    codecs = passthrough.codecs()
                raise OutputError(
                    f"{self.muxer.name} cannot hold the sound or subtitles of {self.source} ({codecs}). "
                    "Write .mkv, or leave them out (-an, -sn)."
                ) from None

    def _write_header(self, source: str | Path | None) -> None:
        output, _, passthrough = self._open(io.BytesIO(), Fraction(0), source)
        try:
            output.start_encoding()
            output.close()
        finally:
            if passthrough is not None:
                passthrough.close()

    def _start(self, first: Fraction) -> None:
        self._first = first
        self._output, self._stream, self._passthrough = self._open(local(self._part.part), first, self.source)
        self._output.start_encoding()
        self._unit = Fraction(self._stream.time_base)
        if self.muxer.exact_time and (
            (self.tick / self._unit).denominator,
            (first / self._unit).denominator,
        ) != (1, 1):
            log.warning("%s: times are rounded to %s s.", self.path, self._unit)

    def _open(
        self, file: Any, first: Fraction, source: str | Path | None
    ) -> tuple[Any, Any, Passthrough | None]:
        import av

        passthrough = None if source is None else Passthrough(source, self.options, *self.span, self.retime)
        clock = math.lcm(self.tick.denominator, first.denominator)
        if clock > _LARGEST_CLOCK:
            clock = self.tick.denominator * max(1, 10_000_000 // self.tick.denominator)
        rates = [] if passthrough is None else passthrough.all_rates()
        # without "bitexact", muxers draw numbers for tracks at random: no two runs would give the same file
        options = {"fflags": "+bitexact", **self.muxer.options, **self._clocks(clock, rates)}
        if not isinstance(file, str):
            options.pop("movflags", None)
        output = av.open(file, "w", format=self.muxer.name, container_options=options)
        stream = self._add_stream(output, Fraction(1, clock))
        if passthrough is not None:
            passthrough.add_to(output, self.muxer)
        return output, stream, passthrough

    def _clocks(self, clock: int, rates: list[int]) -> dict[str, str]:
        """Options that make the container count in units in which nothing has to be rounded."""
        if not self.muxer.exact_time:
            return {"avoid_negative_ts": "disabled"}
        movie = math.lcm(clock, *rates)
        if movie > _LARGEST_CLOCK:
            movie = clock * (_LARGEST_CLOCK // clock)
        return {"video_track_timescale": str(clock), "movie_timescale": str(movie)}

    def _add_stream(self, output: Any, unit: Fraction) -> Any:
        import av

        encoding, info = self.encoding, self.info
        try:
            stream = output.add_stream(encoding.codec, rate=self.rate)
        except ValueError as error:
            raise OutputError(
                f"{self.muxer.name} cannot hold what {encoding.codec} makes. "
                f"Write .mkv, or take {self.muxer.codec}."
            ) from error
        context = stream.codec_context
        context.width, context.height = info.width, info.height
        context.pix_fmt = encoding.packed or encoding.pix_fmt
        context.time_base = self.tick
        context.framerate = self.rate
        context.options = dict(encoding.options)
        context.sample_aspect_ratio = info.sample_aspect
        for name, value in encoding.colour.tags:
            setattr(context, name, value)
        if layout(encoding.pix_fmt).rgb:
            context.colorspace = 0
        try:
            context.open()
        except av.FFmpegError as error:
            given = ", ".join(f"{key}={value}" for key, value in encoding.options.items())
            raise InputError(
                f"{encoding.codec} refuses {context.pix_fmt} {info.width}x{info.height} with {given} "
                f"({reason(error)})."
            ) from error
        if context.options:
            raise InputError(f"{encoding.codec} has no use for the option '{next(iter(context.options))}'.")
        if info.display_matrix is not None:
            stream.set_display_matrix(info.display_matrix)
        stream.time_base = unit
        return stream

    def _end(self) -> None:
        """Pass the rest of the sound through, and give the file its name."""
        if self._passthrough is not None:
            self._passthrough.pump(self._output, None)
        self._close()
        self._part.commit()

    def _close(self) -> None:
        output, passthrough = self._output, self._passthrough
        self._output = self._passthrough = None
        try:
            if output is not None:
                output.close()
        finally:
            self._natives.clear()
            if passthrough is not None:
                passthrough.close()

    @contextlib.contextmanager
    def _errors(self) -> Any:
        import av

        try:
            yield
        except (av.FFmpegError, OSError) as error:
            raise OutputError(f"{self.path} cannot be written ({reason(error)}).") from error


def _checked_tick(rate: Fraction, tick: Fraction | None) -> Fraction:
    """The unit of all times, 1 / rate unless told otherwise; InputError where files cannot count in it."""
    if rate <= 0 or (tick is not None and tick <= 0):
        raise InputError(f"the rate is {rate} and the tick {tick}; wanted more than 0.")
    unit = tick or 1 / rate
    if max(*rate.as_integer_ratio(), *unit.as_integer_ratio()) > _LARGEST_CLOCK:
        raise InputError(f"the rate {rate} is too fine for a file; take a simpler one, such as 60000/1001.")
    return unit
