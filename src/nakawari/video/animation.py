"""Animated images: GIF, APNG and WebP written with PyAV, and WebP read with Pillow.

GIF is read as any video is (`reader`), APNG likewise but for its times (`apng`); the decoder of animated
WebP is Pillow's, as ffmpeg's does not know it. Frames keep their own durations, which are exact.

Time. GIF counts in 1/100 s and WebP in 1/1000 s: every time is rounded to the nearest of these from the
first picture on, never summed up, so that nothing drifts: 24 pictures a second become delays of 4, 4, 5, 4 …
hundredths. APNG holds fractions, and nothing is rounded. The last picture stays for 1 / rate.

Colour. APNG and WebP are lossless. GIF gets a palette for each picture, made and used within one filter
graph, so memory does not grow with the length; what has more than 255 colours is dithered on a fixed grid,
which stands still where the picture does.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from nakawari.errors import InputError, MediaError, OutputError, ShapeError
from nakawari.optional import need
from nakawari.video.colour import from_rgb
from nakawari.video.encoders import EncodeOptions
from nakawari.video.frames import Array, Colour, Frame, Info, eight_bits
from nakawari.video.part import PartFile, check_other
from nakawari.video.reader import local, reason

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Form:
    """A kind of animated image: ffmpeg's muxer and encoder, with the options that make it loop for ever."""

    muxer: str
    codec: str
    pix_fmts: tuple[str, str, str, str]
    """For pictures in RGB and RGBA of 8 bits, and the same of 16."""
    unit: Fraction | None
    """What times are rounded to; None: nothing is."""
    loop: dict[str, str]
    options: dict[str, str]
    deep: bool = False
    """Whether it holds 16 bits."""


_FORMS = {
    ".gif": _Form("gif", "gif", ("pal8",) * 4, Fraction(1, 100), {"loop": "0"}, {}),
    ".apng": _Form(
        "apng",
        "apng",
        ("rgb24", "rgba", "rgb48be", "rgba64be"),
        None,
        {"plays": "0"},
        {"pred": "mixed"},
        True,
    ),
    ".webp": _Form(
        "webp", "libwebp_anim", ("bgra",) * 4, Fraction(1, 1000), {"loop": "0"}, {"lossless": "1"}
    ),
}
_SHORTEST_SHOWN = Fraction(1, 50)
"""Browsers show a GIF's picture that is shorter than this for a tenth of a second."""
_LARGEST_APNG = 65535
_COLOUR = Colour("rgb", True)


def is_animation(path: str | Path) -> bool:
    """Whether a name is one under which an animated image is written (no pattern of images)."""
    place = Path(path)
    return place.suffix.lower() in _FORMS and "%" not in place.name and not place.is_dir()


def is_animated_webp(path: str | Path) -> bool:
    """Whether `path` is a WebP file that says in its header that it moves."""
    place = Path(path)
    if place.suffix.lower() != ".webp" or not place.is_file():
        return False
    with contextlib.suppress(OSError), place.open("rb") as file:
        head = file.read(21)
        return len(head) == 21 and head[:4] == b"RIFF" and head[8:16] == b"WEBPVP8X" and bool(head[20] & 2)
    return False


class WebpReader:
    """An animated WebP as a moving picture, decoded one frame at a time; a `Reader`."""

    replayable = True

    def __init__(self, path: str | Path) -> None:
        """Read the header and the durations.

        Raises:
            MediaError: it does not decode.
        """
        self.path = Path(path)
        durations = [duration for _, duration in self._pictures()]
        total = sum(durations, Fraction(0))
        with self._opened() as image:
            alpha = image.mode == "RGBA"
            width, height = image.size
        self.info = Info(
            path=str(path),
            width=width,
            height=height,
            rate=len(durations) / total,
            time_base=Fraction(1, 1000),
            pix_fmt="rgba" if alpha else "rgb24",
            bits=8,
            colour=_COLOUR,
            alpha=alpha,
            frames=len(durations),
            duration=total,
        )

    @contextlib.contextmanager
    def _opened(self) -> Iterator[Any]:
        pillow = need("PIL.Image")
        try:
            with pillow.open(self.path, formats=("WEBP",)) as image:
                yield image
        except (OSError, EOFError, ValueError, SyntaxError, pillow.DecompressionBombError) as error:
            raise MediaError(f"{self.path} is not a WebP that can be read ({reason(error)}).") from error

    def _pictures(self) -> Iterator[tuple[Array, Fraction]]:
        with self._opened() as image:
            for number in range(image.n_frames):
                image.seek(number)
                image.load()
                yield np.asarray(image), max(Fraction(int(image.info["duration"]), 1000), Fraction(1, 1000))

    def __iter__(self) -> Iterator[Frame]:
        """Every frame at its time.

        Raises:
            MediaError: the file is broken.
        """
        pts = Fraction(0)
        for index, (rgb, duration) in enumerate(self._pictures()):
            yield Frame(index, pts, duration, rgb, _COLOUR)
            pts += duration


class AnimationWriter:
    """A GIF, APNG or animated WebP being written, looping for ever; a `Writer`.

    Args:
        path: where; its suffix chooses the kind.
        info: the picture that is written.
        rate: nominal frames a second; the last picture stays for 1 / rate.
        options: only `extra` means something here: options of ffmpeg's encoder.
        overwrite: whether a file that stands there may be replaced.
        tick: all times are whole multiples of it after the first one; None: 1 / rate.

    Raises:
        InputError: an option has no meaning here, or pictures come faster than the format counts.
        OutputError: the file may not or cannot be written.
    """

    def __init__(
        self,
        path: str | Path,
        info: Info,
        rate: Fraction,
        options: EncodeOptions,
        *,
        overwrite: bool = False,
        tick: Fraction | None = None,
    ) -> None:
        self.path, self.info, self.rate = Path(path), info, rate
        self.form = _FORMS[self.path.suffix.lower()]
        self.extra = options.extra
        name = self.form.muxer
        if rate <= 0 or (tick is not None and tick <= 0):
            raise InputError(f"the rate is {rate} and the tick {tick}; wanted more than 0.")
        options.refuse(("codec", "crf", "preset", "tune", "pix_fmt"), f"{name} has")
        self.unit = self.form.unit or tick or 1 / rate
        if self.unit > 1 / rate:
            raise InputError(
                f"{name} counts in {self.unit} s, too coarse for {rate} frames a second; "
                f"give a rate of at most {1 / self.unit}."
            )
        if self.form.unit is None and max(self.unit.as_integer_ratio()) > _LARGEST_APNG:
            raise InputError(f"{name} cannot count in {self.unit} s; take a simpler rate, such as 60.")
        if name == "gif" and 1 / rate < _SHORTEST_SHOWN:
            log.warning("%s: browsers slow a GIF of more than 50 frames a second down.", self.path)
        if info.bits > 8 and not self.form.deep:
            log.warning("%s: %s holds 8 bits; .apng keeps 16.", self.path, name)
        check_other(self.path, info.path)
        self._output: Any = None
        self._stream: Any = None
        self._palette: _Palette | None = None
        self._first = Fraction(0)
        self._last = -1
        self._part = PartFile(self.path, overwrite)

    def copy(self, frame: Frame, pts: Fraction) -> None:
        """Write the decoded frame, shown from `pts`.

        Raises:
            OutputError: it cannot be written, or `pts` does not come after the last one on the clock.
        """
        self._write(frame.rgb(), pts)

    def draw(self, rgb: Array, pts: Fraction, keys: tuple[Frame, Frame]) -> None:
        """Write a made picture; there is nothing here that a key knows better."""
        self._write(rgb, pts)

    def finish(self) -> None:
        """Write what is pending, and give the file its name.

        Raises:
            OutputError: there was no picture, or the file cannot be written.
        """
        if self._output is None:
            raise OutputError(f"{self.path}: there was no frame to write.")
        with self._errors():
            self._mux(self._stream.encode(None))
            self._close()
            if self.form.muxer == "webp":
                _end_webp(self._part.part, self._last + round(1 / self.rate / self.unit))
        self._part.commit()

    def abort(self) -> None:
        """Remove everything that was written. Safe to call at any time, also after `finish`."""
        import av

        with contextlib.suppress(av.FFmpegError, OSError):
            self._close()
        self._part.discard()

    def _write(self, rgb: Array, pts: Fraction) -> None:
        if rgb.shape[:2] != (self.info.height, self.info.width):
            raise ShapeError(
                f"the picture is {rgb.shape[1]}x{rgb.shape[0]}; wanted {self.info.width}x{self.info.height}."
            )
        if not self.form.deep:
            rgb = eight_bits(rgb)
        with self._errors():
            if self._output is None:
                self._start(rgb, pts)
            count = round((pts - self._first) / self.unit)
            if count <= self._last:
                raise OutputError(
                    f"{self.path}: a picture at {pts} s does not come after the last one; "
                    f"{self.form.muxer} counts in {self.unit} s."
                )
            self._last = count
            native = self._native(rgb)
            native.pts, native.time_base = count, self.unit
            native.duration = max(1, round(1 / self.rate / self.unit))
            self._mux(self._stream.encode(native))

    def _native(self, rgb: Array) -> Any:
        if self._palette is not None:
            return self._palette.used(rgb)
        return from_rgb(rgb, self._stream.codec_context.pix_fmt, _COLOUR)

    def _start(self, rgb: Array, first: Fraction) -> None:
        import av

        form, last = self.form, round(1 / self.rate / self.unit)
        final = {"gif": {"final_delay": str(last)}, "apng": {"final_delay": str(1 / self.rate)}}
        choices = {**form.loop, **final.get(form.muxer, {})}
        self._first = first
        self._output = av.open(local(self._part.part), "w", format=form.muxer, container_options=choices)
        self._stream = self._output.add_stream(form.codec, rate=self.rate)
        context = self._stream.codec_context
        context.width, context.height = self.info.width, self.info.height
        context.pix_fmt = form.pix_fmts[(rgb.shape[2] == 4) + 2 * (rgb.dtype == np.uint16)]
        context.time_base = self.unit
        context.options = {**form.options, **self.extra}
        self._stream.time_base = self.unit
        context.open()
        if context.options:
            raise InputError(f"{form.codec} has no use for the option '{next(iter(context.options))}'.")
        if form.codec == "gif":
            self._palette = _Palette(self.info.width, self.info.height)

    def _mux(self, packets: list[Any]) -> None:
        for packet in packets:
            packet.stream = self._stream
            self._output.mux(packet)

    def _close(self) -> None:
        output, self._output, self._palette = self._output, None, None
        if output is not None:
            output.close()

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        import av

        try:
            yield
        except (av.FFmpegError, OSError) as error:
            raise OutputError(f"{self.path} cannot be written ({reason(error)}).") from error


def _end_webp(path: Path, end_ms: int) -> None:
    """Let the last picture stay until `end_ms`; ffmpeg's encoder gives it the mean of the others."""
    with path.open("r+b") as file:
        at, shown, before = 12, 0, 0
        last: int | None = None
        while len(head := file.read(8) if file.seek(at) == at else b"") == 8:
            if head[:4] == b"ANMF":
                last, before = at + 8 + 12, shown
                file.seek(last)
                shown += int.from_bytes(file.read(3), "little")
            size = int.from_bytes(head[4:], "little")
            at += 8 + size + size % 2
        if last is not None:
            file.seek(last)
            file.write((end_ms - before).to_bytes(3, "little"))


class _Palette:
    """Pictures in 255 colours of their own and transparency."""

    def __init__(self, width: int, height: int) -> None:
        import av

        self.graph = av.filter.Graph()
        source = self.graph.add_buffer(
            width=width,
            height=height,
            format=av.VideoFormat("rgba", width, height),
            time_base=Fraction(1, 100),
        )
        split = self.graph.add("split")
        make = self.graph.add("palettegen", "stats_mode=single")
        use = self.graph.add("paletteuse", "new=1:dither=bayer:bayer_scale=3")
        source.link_to(split)
        split.link_to(make, 0, 0)
        split.link_to(use, 1, 0)
        make.link_to(use, 0, 1)
        use.link_to(self.graph.add("buffersink"))
        self.graph.configure()
        self._count = 0

    def used(self, rgb: Array) -> Any:
        """The picture (8-bit RGB or RGBA) as a `pal8` frame."""
        native = from_rgb(rgb, "rgba", _COLOUR)
        native.pts, native.time_base = self._count, Fraction(1, 100)
        self._count += 1
        self.graph.push(native)
        return self.graph.pull()
