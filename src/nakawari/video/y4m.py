"""YUV4MPEG2 (y4m): raw pictures with a line of header, which is how tools pipe video to each other.

The name `-` is stdin or stdout. The format holds one rate and no times: frame n is at n / rate, and a
picture that is written elsewhere is refused. It says neither matrix nor chroma siting in a way that tools
agree on, so these follow the conventions of `colour`; the range is said by the tag `XCOLORRANGE`.
"""

from __future__ import annotations

import contextlib
import logging
import re
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import IO, Any

import numpy as np

from nakawari.errors import InputError, MediaError, OutputError
from nakawari.video.colour import TAGS, layout, resolve, rows
from nakawari.video.encoders import EncodeOptions
from nakawari.video.encoding import Encoding, output_colour
from nakawari.video.frames import Array, Frame, Info
from nakawari.video.natives import Natives
from nakawari.video.part import PartFile, check_other

log = logging.getLogger(__name__)

PIPE = "-"
SUFFIX = ".y4m"
_MAGIC = b"YUV4MPEG2"
_LONGEST_LINE = 4096
_MARGIN, _MOST_PIXELS = 128, 2**28
"""With that margin on either side, a frame of ffmpeg has fewer pixels; more is a broken header."""
_UNKNOWN_RATE = Fraction(25)
_DEPTHS = (9, 10, 12, 14, 16)
_FORMATS = {
    **dict.fromkeys(("420", "420jpeg", "420mpeg2", "420paldv"), "yuv420p"),
    "422": "yuv422p",
    "444": "yuv444p",
    "444alpha": "yuva444p",
    "mono": "gray",
    **{f"{kind}p{depth}": f"yuv{kind}p{depth}le" for kind in ("420", "422", "444") for depth in _DEPTHS},
    **{f"mono{depth}": f"gray{depth}le" for depth in _DEPTHS},
}
"""Pixel formats by the tag C."""
_TAGS = {pix_fmt: tag for tag, pix_fmt in _FORMATS.items()} | {"yuv420p": "420mpeg2"}
_INTERLACED = {"t": "top field first", "b": "bottom field first", "m": "mixed"}


def is_y4m(path: str | Path) -> bool:
    """Whether `path` is `-` or a name that ends in .y4m."""
    return str(path) == PIPE or Path(path).suffix.lower() == SUFFIX


class Y4mReader:
    """A y4m file or stdin as a moving picture; a `Reader`. Stdin is replayable only through a `Spool`."""

    def __init__(self, path: str | Path) -> None:
        """Read the header.

        Raises:
            MediaError: it is missing, not y4m, interlaced, or of a kind that is not known here.
        """
        self.name = "stdin" if str(path) == PIPE else str(path)
        self.path = path
        self.replayable = str(path) != PIPE
        self._pipe: IO[bytes] | None = None
        if self.replayable:
            with self._opened() as file:
                self.info = self._header(file)
        else:
            self._pipe = sys.stdin.buffer
            self.info = self._header(self._pipe)

    def _opened(self) -> IO[bytes]:
        try:
            return Path(self.path).open("rb")
        except OSError as error:
            raise MediaError(f"{self.name} cannot be read ({error.strerror}).") from error

    def _header(self, file: IO[bytes]) -> Info:
        line = self._line(file)
        magic, *words = line.split(b" ")
        if magic != _MAGIC:
            what = "is empty" if not line else "is not y4m"
            raise MediaError(f"{self.name} {what}; wanted a stream that starts with YUV4MPEG2.")
        said = {chr(word[0]): word[1:].decode("latin-1") for word in words if word and word[:1] != b"X"}
        own = dict(word[1:].decode("latin-1").partition("=")[::2] for word in words if word[:1] == b"X")
        order = said.get("I", "p")
        if order in _INTERLACED:
            raise MediaError(
                f"{self.name} is interlaced ({_INTERLACED[order]}). Deinterlace it first, such as with bwdif."
            )
        pix_fmt = _FORMATS.get(said.get("C", "420"))
        if pix_fmt is None:
            raise MediaError(
                f"{self.name} is y4m of kind C{said['C'][:20]}; wanted one of {', '.join(_FORMATS)}."
            )
        width, height = self._size(said)
        rate = _ratio(said.get("F", ""))
        if rate is None:
            log.warning("%s does not say its rate; it is read as %s a second.", self.name, _UNKNOWN_RATE)
        tags = {
            **dict.fromkeys(TAGS, 2),
            "color_range": {"LIMITED": 1, "FULL": 2}.get(own.get("COLORRANGE", ""), 0),
        }
        form = layout(pix_fmt)
        rate = rate or _UNKNOWN_RATE
        return Info(
            path=str(self.path),
            width=width,
            height=height,
            rate=rate,
            time_base=1 / rate,
            pix_fmt=pix_fmt,
            bits=form.bits,
            colour=resolve(tags, pix_fmt, width, height),
            alpha=form.alpha,
            sample_aspect=_ratio(said.get("A", "")) or Fraction(1),
        )  # fmt: skip

    def _size(self, said: dict[str, str]) -> tuple[int, int]:
        texts = said.get("W", ""), said.get("H", "")
        if all(re.fullmatch(r"\d{1,6}", text) for text in texts):
            width, height = int(texts[0]), int(texts[1])
            if min(width, height) > 0 and (width + _MARGIN) * (height + _MARGIN) < _MOST_PIXELS:
                return width, height
        raise MediaError(
            f"{self.name} says a size of {texts[0][:20]}x{texts[1][:20]}; wanted that of a picture."
        )

    def _line(self, file: IO[bytes]) -> bytes:
        line = file.readline(_LONGEST_LINE)
        if line and not line.endswith(b"\n"):
            raise MediaError(f"{self.name} is not y4m, or is cut off in a header.")
        return line[:-1]

    def __iter__(self) -> Iterator[Frame]:
        """Every frame in order.

        Raises:
            MediaError: the stream is broken or cut off, or it is a pipe that has been read already.
        """
        if self.replayable:
            with self._opened() as file:
                self._line(file)
                yield from self._frames(file)
            return
        pipe, self._pipe = self._pipe, None
        if pipe is None:
            raise MediaError(f"{self.name} can be read only once.")
        yield from self._frames(pipe)

    def _frames(self, file: IO[bytes]) -> Iterator[Frame]:
        info, step, index = self.info, 1 / self.info.rate, 0
        while line := self._line(file):
            if line.split(b" ")[0] != b"FRAME":
                raise MediaError(f"{self.name} is broken after frame {index} (no FRAME follows).")
            native = blank(info)
            for view in views(native):
                for row in view:
                    if file.readinto(row.data.cast("B")) != row.nbytes:  # type: ignore[attr-defined]
                        raise MediaError(f"{self.name} is cut off in frame {index}.")
            yield Frame(index, index * step, step, native, info.colour)
            index += 1
        if index == 0:
            raise MediaError(f"{self.name} has a header but no frame.")


class Y4mWriter:
    """A y4m file or stdout being written; a `Writer`. What has gone to stdout cannot be taken back.

    Args:
        path: `-` or a file.
        info: the picture that is written.
        rate: frames a second; each picture comes 1 / rate after the one before it.
        options: only `pix_fmt` means something here; the source's own or its nearest where None.
        overwrite: whether a file that stands there may be replaced.

    Raises:
        InputError: an option has no meaning here, or y4m does not hold the pixel format.
        OutputError: the file may not or cannot be written.
    """

    def __init__(
        self, path: str | Path, info: Info, rate: Fraction, options: EncodeOptions, *, overwrite: bool = False
    ) -> None:
        if rate <= 0:
            raise InputError(f"the rate is {rate}; wanted more than 0.")
        options.refuse(("codec", "crf", "preset", "tune", "extra"), "y4m is raw and has")
        self.name = "stdout" if str(path) == PIPE else str(path)
        self.info, self.rate = info, rate
        pix_fmt = _pix_fmt(info, options.pix_fmt)
        self.encoding = Encoding("rawvideo", {}, pix_fmt, output_colour(info, pix_fmt))
        self._natives = Natives(info, pix_fmt, self.encoding.colour)
        self._next: Fraction | None = None
        self._part: PartFile | None = None
        self._file: IO[bytes] = sys.stdout.buffer
        if info.alpha and not layout(pix_fmt).alpha:
            log.warning("%s: alpha is dropped; --pix-fmt yuva444p keeps it.", self.name)
        if str(path) != PIPE:
            check_other(Path(path), info.path)
            self._part = PartFile(Path(path), overwrite)
            self._file = self._part.part.open("wb")

    def copy(self, frame: Frame, pts: Fraction) -> None:
        """Write the decoded frame untouched.

        Raises:
            OutputError: it cannot be written, or `pts` is not 1 / rate after the one before it.
        """
        self._write(self._natives.of(frame), pts)

    def draw(self, rgb: Array, pts: Fraction, keys: tuple[Frame, Frame]) -> None:
        """Write a made picture; where it equals a key, with the key's native samples.

        Raises:
            ShapeError: the picture is not of the size and type of the keys.
            OutputError: as for `copy`.
        """
        self._write(self._natives.made(rgb, keys), pts)

    def finish(self) -> None:
        """Hand over what is pending, and give the file its name.

        Raises:
            OutputError: there was no picture, or the file cannot be written.
        """
        if self._next is None:
            raise OutputError(f"{self.name}: there was no frame to write.")
        with self._errors():
            self._file.flush()
        if self._part is not None:
            self._file.close()
            self._part.commit()

    def abort(self) -> None:
        """Remove what was written to a file. Safe to call at any time, also after `finish`."""
        if self._part is not None:
            with contextlib.suppress(OSError):
                self._file.close()
            self._part.discard()

    def _write(self, native: Any, pts: Fraction) -> None:
        if self._next is not None and pts != self._next:
            raise OutputError(
                f"{self.name}: a picture at {pts} s; y4m holds only one rate and wants it at {self._next} s. "
                "Write .mkv, or give a rate (--fps)."
            )
        with self._errors():
            if self._next is None:
                self._file.write(self._header())
            self._file.write(b"FRAME\n")
            for view in views(native):
                self._file.write(np.ascontiguousarray(view).data)
        self._next = pts + 1 / self.rate

    def _header(self) -> bytes:
        info, encoding = self.info, self.encoding
        aspect, span = info.sample_aspect, "FULL" if encoding.colour.full_range else "LIMITED"
        tag = _TAGS[encoding.pix_fmt]
        if encoding.pix_fmt == "yuv420p" and encoding.colour.full_range:
            tag = "420jpeg"
        return (
            f"YUV4MPEG2 W{info.width} H{info.height} F{self.rate.numerator}:{self.rate.denominator} Ip "
            f"A{aspect.numerator}:{aspect.denominator} C{tag} XCOLORRANGE={span}\n"
        ).encode()

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise OutputError(f"{self.name} cannot be written ({error.strerror}).") from error


def blank(info: Info) -> Any:
    """A native frame like those of `info`, to be filled through `views`."""
    import av

    return av.VideoFrame(info.width, info.height, info.pix_fmt)


def views(native: Any) -> list[Array]:
    """The planes of a planar frame without the padding of their rows, [rows, samples] each."""
    bits = layout(native.format.name).bits
    return [rows(plane, bits)[:, : plane.width] for plane in native.planes]


def _ratio(text: str) -> Fraction | None:
    """`n:d` as a number more than 0; None where it is not one."""
    match = re.fullmatch(r"(\d{1,9}):(\d{1,9})", text)
    if match is None or not int(match[1]) or not int(match[2]):
        return None
    return Fraction(int(match[1]), int(match[2]))


def _pix_fmt(info: Info, asked: str | None) -> str:
    """The source's own pixel format where y4m holds it, else the nearest that loses least."""
    if asked is not None:
        if asked not in _TAGS:
            raise InputError(f"y4m has no pixel format '{asked}'; it takes {', '.join(_TAGS)}.")
        return asked
    own = info.pix_fmt.replace("yuvj", "yuv")
    if own in _TAGS:
        return own
    form = layout(own)
    depth = next(depth for depth in (8, *_DEPTHS) if depth >= form.bits)
    kind = "444" if form.rgb or not form.halved_x else "420" if form.halved_y else "422"
    return f"yuv{kind}p" if depth == 8 else f"yuv{kind}p{depth}le"
