"""Sequences of images as moving pictures: a folder, a pattern (`frames/%05d.png`, `*.png`) or one image.

Images of a folder or glob come in natural order (2 before 10), those of a printf pattern in the order of
their numbers, gaps allowed and said. Images hold no time: frame n of a sequence is at n / rate. They are
written by `image_writer`.
"""

from __future__ import annotations

import glob
import logging
import re
import struct
import warnings
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import pairwise
from math import ceil
from pathlib import Path

import numpy as np

from nakawari.errors import MediaError, OutputError
from nakawari.optional import need
from nakawari.video import exr, straight
from nakawari.video.frames import Array, Colour, Frame, Info
from nakawari.video.reader import MOST_PIXELS

log = logging.getLogger(__name__)

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".tga")
FLOAT = (exr.SUFFIX, ".hdr")
"""Formats of linear light in floating point: the first is read where asked for, else refused by name."""
_COLOUR = Colour("rgb", True)
_PIX_FMTS = {
    (3, 1): "rgb24",
    (4, 1): "rgba",
    (3, 2): "rgb48le",
    (4, 2): "rgba64le",
    (3, 4): "gbrpf32le",
    (4, 4): "gbrapf32le",
}
PRINTF = re.compile(r"%(0\d+)?d")
ANY_IMAGE = re.compile(r"(?!\.).*\.(" + "|".join(s[1:] for s in SUFFIXES) + ")", re.IGNORECASE)


def is_images(path: str | Path) -> bool:
    """Whether `path` names images: a folder, a pattern, or a file with an image's suffix."""
    text = str(path)
    if Path(text).is_dir() or text.endswith(("/", "\\")):
        return True
    name = Path(text).name
    known = Path(name).suffix.lower() in (*SUFFIXES, *FLOAT)
    return known or (not Path(text).is_file() and (bool(PRINTF.search(name)) or glob.has_magic(name)))


def find(path: str | Path) -> list[Path]:
    """The images that a folder, pattern, glob or single name stands for, in order.

    Raises:
        MediaError: there are none.
    """
    place = Path(path)
    if place.is_dir():
        files = [p for p in place.iterdir() if p.is_file() and not p.name.startswith(".")]
        found = [p for p in files if ANY_IMAGE.fullmatch(p.name)]
        found = found or [p for p in files if p.suffix.lower() == exr.SUFFIX]
        found.sort(key=lambda p: natural(p.name))
    elif place.is_file():
        found = [place]
    elif PRINTF.search(place.name):
        found = _numbered(place)
    elif glob.has_magic(place.name):
        folder = place.parent
        found = (
            [p for p in folder.glob(place.name) if p.suffix.lower() in (*SUFFIXES, *FLOAT)]
            if folder.is_dir()
            else []
        )
        found.sort(key=lambda p: natural(p.name))
    else:
        raise MediaError(f"{path} does not exist.")
    if not found:
        for other in sorted(place.iterdir()) if place.is_dir() else ():
            _refuse_float(other)
        raise MediaError(f"{path} holds no images; wanted {', '.join(s[1:] for s in SUFFIXES)}.")
    return found


def natural(name: str) -> tuple[tuple[int, int | str], ...]:
    """A key that sorts 2 before 10."""
    parts = re.split(r"(\d+)", name.lower())
    return tuple((0, int(part)) if part.isdigit() else (1, part) for part in parts if part)


def _numbered(pattern: Path) -> list[Path]:
    regex = regex_of(pattern.name)
    if not pattern.parent.is_dir():
        raise MediaError(f"{pattern.parent} does not exist.")
    numbers = {}
    for place in pattern.parent.iterdir():
        match = regex.fullmatch(place.name)
        if match:
            numbers[int(match[1])] = place
    return [numbers[number] for number in sorted(numbers)]


def regex_of(name: str) -> re.Pattern[str]:
    """The names that a printf pattern writes; group 1 is the number."""
    slot = PRINTF.search(name)
    assert slot is not None
    digits = rf"(\d{{{int(slot[1])},}})" if slot[1] else r"(\d+)"
    return re.compile(re.escape(name[: slot.start()]) + digits + re.escape(name[slot.end() :]))


def number_jumps(names: Sequence[str]) -> list[tuple[str, str]]:
    """Neighbours whose numbers lie further apart than the others', where names differ in one number only."""
    parts = [re.split(r"(\d+)", name) for name in names]
    differ = {
        place
        for before, after in pairwise(parts)
        for place, (a, b) in enumerate(zip(before, after, strict=False))
        if a != b
    }
    if len(differ) != 1 or len({len(part) for part in parts}) > 1:
        return []
    place = differ.pop()
    if place % 2 == 0:  # what lies between numbers
        return []
    steps = [int(b[place]) - int(a[place]) for a, b in pairwise(parts)]
    usual = min(steps)
    return [pair for pair, step in zip(pairwise(names), steps, strict=True) if step > usual]


def read_image(path: Path) -> Array:
    """An image as H×W×3 or H×W×4 RGB(A), uint8 or uint16; grey becomes RGB.

    Raises:
        MediaError: it is missing, does not decode, or holds floating point.
    """
    import cv2

    _refuse_float(path)
    _header(path)
    if straight.reads(path):
        read = straight.read(path)
        if read is not None:
            return read
    try:
        data = np.fromfile(path, np.uint8)
    except OSError as error:
        raise MediaError(f"{path} cannot be read ({error.strerror}).") from error
    _check_parts(path, data)
    cv2.utils.logging.setLogLevel(
        cv2.utils.logging.LOG_LEVEL_SILENT
    )  # what is wrong is said by an error, not on stderr
    try:
        image = cv2.imdecode(data, cv2.IMREAD_UNCHANGED) if data.size else None
    except cv2.error as error:
        raise MediaError(f"{path} is not an image that can be read ({error.err}).") from error
    if image is None:
        raise MediaError(f"{path} is not an image that can be read.")
    if image.dtype not in (np.uint8, np.uint16):
        raise MediaError(f"{path} has {image.dtype} samples; wanted 8 or 16 bits.")
    if image.ndim == 2:
        image = image[:, :, None]
    codes = {1: cv2.COLOR_GRAY2RGB, 3: cv2.COLOR_BGR2RGB, 4: cv2.COLOR_BGRA2RGBA}
    if image.shape[2] not in codes:
        raise MediaError(f"{path} has {image.shape[2]} channels; wanted 1, 3 or 4.")
    rgb: Array = cv2.cvtColor(image, codes[image.shape[2]])
    if straight.reads(path) and image.shape[2] == 4:
        return np.asarray(straight.read(path, rgb))
    return rgb


def _check_parts(path: Path, data: Array) -> None:
    """Raise MediaError where a part of a PNG claims more than the file holds: decoders make room first."""
    if data[:8].tobytes() != b"\x89PNG\r\n\x1a\n":
        return
    at = 8
    while at + 8 <= data.size:
        length, kind = struct.unpack(">I4s", data[at : at + 8].tobytes())
        if at + 12 + length > data.size:
            raise MediaError(f"{path} is not an image that can be read (a part is longer than the file).")
        if kind == b"IEND":
            return
        at += 12 + length


def _header(path: Path) -> tuple[int, int, int | None] | None:
    """Width, height and bits (None where that is not said cheaply) that a file claims; None: who knows.

    Raises:
        MediaError: a size that only a broken or hostile file has.
    """
    pillow = need("PIL.Image")
    words = f"{path} says that it has %s pixels; wanted at most {MOST_PIXELS}. Scale it down first."
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with pillow.open(path, formats=_formats(path)) as image:
                width, height, kind = image.width, image.height, image.format
    except pillow.DecompressionBombError as error:
        raise MediaError(words % "far too many") from error
    except (OSError, ValueError, SyntaxError, TypeError, struct.error):
        return None  # what it is, the decoder says
    if width * height > MOST_PIXELS:
        raise MediaError(words % (width * height))
    if kind != "PNG":
        return width, height, 8 if kind in ("JPEG", "WEBP", "BMP", "TGA") else None
    with path.open("rb") as file:
        return width, height, 16 if file.read(25)[-1:] == b"\x10" else 8


def _formats(path: Path) -> tuple[str, ...]:
    """What an image may be: TGA, which has no mark of its own, only where the name says so."""
    return ("TGA",) if path.suffix.lower() == ".tga" else ("PNG", "JPEG", "TIFF", "WEBP", "BMP")


def _refuse_float(path: Path) -> None:
    if path.suffix.lower() in FLOAT:
        raise MediaError(
            f"{path} holds linear light in floating point, wanted at most 16 bits in 0 to 1. Convert it with "
            "a display curve to 16-bit png or tiff first; `smooth` and `inbetween` take .exr as it is."
        )


class ImageReader:
    """Images as a moving picture of `rate` frames a second; a `Reader`."""

    replayable = True

    def __init__(self, path: str | Path, rate: Fraction = Fraction(24), light: bool = False) -> None:
        """Find the images, read the first, and look at the size of all.

        Args:
            path: where they are.
            rate: frames a second.
            light: .exr is read as well, through the curve of `exr`.

        Raises:
            MediaError: there are none, the first does not decode, or another is not like it.
        """
        self.paths = find(path)
        self._light = light
        first = self._read(self.paths[0])
        height, width, channels = first.shape
        self.info = Info(
            path=str(path),
            width=width,
            height=height,
            rate=rate,
            time_base=1 / rate,
            pix_fmt=_PIX_FMTS[channels, first.dtype.itemsize],
            bits=8 * first.dtype.itemsize,
            colour=_COLOUR,
            alpha=channels == 4,
            frames=len(self.paths),
            duration=len(self.paths) / rate,
        )
        self._check_headers()
        jumps = number_jumps([place.name for place in self.paths])
        if jumps:
            more = f", and at {len(jumps) - 1} other places" if len(jumps) > 2 else ""
            more = ", and at another place" if len(jumps) == 2 else more
            log.warning(
                "%s: the numbers jump from %s to %s%s; the images follow each other as if they did not.",
                path, *jumps[0], more,
            )  # fmt: skip

    def _read(self, path: Path) -> Array:
        if self._light and path.suffix.lower() == exr.SUFFIX:
            return exr.read_exr(path).image
        return read_image(path)

    def _check_headers(self) -> None:
        """Raise MediaError where an image says that it has another size or depth than the first."""
        info = self.info
        for path in self.paths[1:]:
            light = self._light and path.suffix.lower() == exr.SUFFIX
            found = (*exr.exr_size(path), 32) if light else _header(path)
            if found is None:
                continue
            width, height, bits = found
            if (width, height, bits or info.bits) != (info.width, info.height, info.bits):
                raise MediaError(
                    f"{path} is {width}x{height} of {bits or info.bits} bits but {self.paths[0].name} is "
                    f"{info.width}x{info.height} of {info.bits} bits; wanted images of one size and kind."
                )

    def __iter__(self) -> Iterator[Frame]:
        """Every image at its time.

        Raises:
            MediaError: an image does not decode or is not like the first.
        """
        return self.since(Fraction(0))

    def since(self, start: Fraction) -> Iterator[Frame]:
        """Every image that begins at `start` seconds or later.

        Raises:
            MediaError: an image does not decode or is not like the first.
        """
        step = 1 / self.info.rate
        for index in range(ceil(start / step), len(self.paths)):
            path = self.paths[index]
            yield Frame(index, index * step, step, self._alike(path, self._read(path)), _COLOUR, path)

    def _alike(self, path: Path, image: Array) -> Array:
        """The image with the channels of the first, where that loses nothing."""
        info = self.info
        largest = 1 if image.dtype == np.float32 else np.iinfo(image.dtype).max
        if info.alpha and image.shape[2] == 3:
            image = np.dstack([image, np.full(image.shape[:2], largest, image.dtype)])
        elif not info.alpha and image.shape[2] == 4 and (image[:, :, 3] == largest).all():
            image = np.ascontiguousarray(image[:, :, :3])
        wanted = (info.height, info.width, 4 if info.alpha else 3)
        if image.shape != wanted or 8 * image.dtype.itemsize != info.bits:
            raise MediaError(
                f"{path} is {described(image.shape, 8 * image.dtype.itemsize)} but {self.paths[0].name} is "
                f"{described(wanted, info.bits)}; wanted images of one size and kind."
            )
        return image


def encode_image(image: Array, suffix: str) -> bytes:
    """A picture as the bytes of a file; lossless but for JPEG.

    Args:
        image: H×W×1, H×W×3 or H×W×4, uint8 or uint16.
        suffix: of the file's name, one of `SUFFIXES`.

    Raises:
        OutputError: the format cannot hold it.
    """
    import cv2

    written = straight.encode(image, suffix)
    if written is not None:
        return written
    codes = {3: cv2.COLOR_RGB2BGR, 4: cv2.COLOR_RGBA2BGRA}
    code = codes.get(image.shape[2])
    params = {
        ".png": [cv2.IMWRITE_PNG_COMPRESSION, 3],
        ".jpg": [cv2.IMWRITE_JPEG_QUALITY, 95],
        ".jpeg": [cv2.IMWRITE_JPEG_QUALITY, 95],
        ".webp": [cv2.IMWRITE_WEBP_QUALITY, 101],  # above 100: lossless
    }.get(suffix, [])
    try:
        done, data = cv2.imencode(suffix, image if code is None else cv2.cvtColor(image, code), params)
    except cv2.error:
        done = False
    if not done:
        kind = described(image.shape, 8 * image.dtype.itemsize)
        raise OutputError(f"an image of {kind} cannot be written as {suffix}.")
    return bytes(data.data)


def described(shape: tuple[int, ...], bits: int) -> str:
    """A picture in words."""
    return f"{shape[1]}x{shape[0]} {'RGBA' if shape[2] == 4 else 'RGB'} of {bits} bits"
