"""Sequences of images as moving pictures: a folder, a pattern (`frames/%05d.png`, `*.png`) or one image.

Images of a folder or glob come in natural order (2 before 10), those of a printf pattern in the order of
their numbers, gaps allowed. A folder is written as `%06d.png`; numbers start at 1. Images hold no time:
frame n of a sequence that is read is at n / rate, and of one that is written the times are not kept.
"""

from __future__ import annotations

import glob
import logging
import re
import struct
import warnings
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np

from nakawari.errors import InputError, MediaError, OutputError
from nakawari.optional import need
from nakawari.video.frames import Array, Colour, Frame, Info
from nakawari.video.journal import Journal, Piece
from nakawari.video.part import PartFolder
from nakawari.video.reader import MOST_PIXELS

log = logging.getLogger(__name__)

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp")
_FLOAT = (".exr", ".hdr")
"""Formats of linear light in floating point, which nothing here holds: refused by name."""
_DEEP = (".png", ".tif", ".tiff")
"""Formats that hold 16 bits."""
_ALPHA = (".png", ".webp", ".tif", ".tiff")
_COLOUR = Colour("rgb", True)
_PIX_FMTS = {(3, 1): "rgb24", (4, 1): "rgba", (3, 2): "rgb48le", (4, 2): "rgba64le"}
_PRINTF = re.compile(r"%(0\d+)?d")
_ANY_IMAGE = re.compile(r"(?!\.).*\.(" + "|".join(s[1:] for s in SUFFIXES) + ")", re.IGNORECASE)
DEFAULT_NAME = "%06d.png"


def is_images(path: str | Path) -> bool:
    """Whether `path` names images: a folder, a pattern, or a file with an image's suffix."""
    text = str(path)
    if Path(text).is_dir() or text.endswith(("/", "\\")):
        return True
    name = Path(text).name
    known = Path(name).suffix.lower() in (*SUFFIXES, *_FLOAT)
    return known or (not Path(text).is_file() and (bool(_PRINTF.search(name)) or glob.has_magic(name)))


def find(path: str | Path) -> list[Path]:
    """The images that a folder, pattern, glob or single name stands for, in order.

    Raises:
        MediaError: there are none.
    """
    place = Path(path)
    if place.is_dir():
        found = [p for p in place.iterdir() if _ANY_IMAGE.fullmatch(p.name) and p.is_file()]
        found.sort(key=lambda p: natural(p.name))
    elif place.is_file():
        found = [place]
    elif _PRINTF.search(place.name):
        found = _numbered(place)
    elif glob.has_magic(place.name):
        folder = place.parent
        found = (
            [p for p in folder.glob(place.name) if p.suffix.lower() in (*SUFFIXES, *_FLOAT)]
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
    regex = _regex(pattern.name)
    if not pattern.parent.is_dir():
        raise MediaError(f"{pattern.parent} does not exist.")
    numbers = {}
    for place in pattern.parent.iterdir():
        match = regex.fullmatch(place.name)
        if match:
            numbers[int(match[1])] = place
    return [numbers[number] for number in sorted(numbers)]


def _regex(name: str) -> re.Pattern[str]:
    """The names that a printf pattern writes; group 1 is the number."""
    slot = _PRINTF.search(name)
    assert slot is not None
    digits = rf"(\d{{{int(slot[1])},}})" if slot[1] else r"(\d+)"
    return re.compile(re.escape(name[: slot.start()]) + digits + re.escape(name[slot.end() :]))


def read_image(path: Path) -> Array:
    """An image as H×W×3 or H×W×4 RGB(A), uint8 or uint16; grey becomes RGB.

    Raises:
        MediaError: it is missing, does not decode, or holds floating point.
    """
    import cv2

    _refuse_float(path)
    _check_size(path)
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


def _check_size(path: Path) -> None:
    """Raise MediaError where an image says a size that only a broken or hostile one has."""
    pillow = need("PIL.Image")
    words = f"{path} says that it has %s pixels; wanted at most {MOST_PIXELS}. Scale it down first."
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with pillow.open(path, formats=("PNG", "JPEG", "TIFF", "WEBP", "BMP")) as image:
                pixels = image.width * image.height
    except pillow.DecompressionBombError as error:
        raise MediaError(words % "far too many") from error
    except (OSError, ValueError, SyntaxError, TypeError, struct.error):
        return  # what it is, the decoder says
    if pixels > MOST_PIXELS:
        raise MediaError(words % pixels)


def _refuse_float(path: Path) -> None:
    if path.suffix.lower() in _FLOAT:
        raise MediaError(
            f"{path} holds linear light in floating point, wanted at most 16 bits in 0 to 1. "
            "Convert it with a display curve to 16-bit png or tiff first."
        )


class ImageReader:
    """Images as a moving picture of `rate` frames a second; a `Reader`."""

    replayable = True

    def __init__(self, path: str | Path, rate: Fraction = Fraction(24)) -> None:
        """Find the images and read the first.

        Raises:
            MediaError: there are none, or the first does not decode.
        """
        self.paths = find(path)
        first = read_image(self.paths[0])
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

    def __iter__(self) -> Iterator[Frame]:
        """Every image at its time.

        Raises:
            MediaError: an image does not decode or is not like the first.
        """
        step = 1 / self.info.rate
        for index, path in enumerate(self.paths):
            yield Frame(index, index * step, step, self._alike(path, read_image(path)), _COLOUR)

    def _alike(self, path: Path, image: Array) -> Array:
        """The image with the channels of the first, where that loses nothing."""
        info = self.info
        largest = np.iinfo(image.dtype).max
        if info.alpha and image.shape[2] == 3:
            image = np.dstack([image, np.full(image.shape[:2], largest, image.dtype)])
        elif not info.alpha and image.shape[2] == 4 and (image[:, :, 3] == largest).all():
            image = np.ascontiguousarray(image[:, :, :3])
        wanted = (info.height, info.width, 4 if info.alpha else 3)
        if image.shape != wanted or 8 * image.dtype.itemsize != info.bits:
            raise MediaError(
                f"{path} is {_words(image.shape, 8 * image.dtype.itemsize)} but {self.paths[0].name} is "
                f"{_words(wanted, info.bits)}; wanted images of one size and kind."
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
        kind = _words(image.shape, 8 * image.dtype.itemsize)
        raise OutputError(f"an image of {kind} cannot be written as {suffix}.")
    return bytes(data.data)


def _check_sources(images: list[Path], folder: Path, names: re.Pattern[str] | None) -> None:
    """Raise OutputError where images that are read could be written over (`names` None: any)."""
    if images[0].parent.resolve() != folder.resolve():
        return
    if names is None or any(names.fullmatch(image.name) for image in images):
        raise OutputError(f"{folder} is the input itself. Choose another folder or pattern for the output.")


def _words(shape: tuple[int, ...], bits: int) -> str:
    return f"{shape[1]}x{shape[0]} {'RGBA' if shape[2] == 4 else 'RGB'} of {bits} bits"


class ImageWriter:
    """A folder or pattern of images being written; a `Writer`. Lossless but for JPEG.

    With a journal, images that a killed render left are kept: `done` of them stand already.
    """

    def __init__(
        self,
        path: str | Path,
        info: Info,
        source: str | Path | None,
        overwrite: bool,
        journal: Journal | None = None,
    ) -> None:
        """Check that the images may be written, and claim the folder.

        Raises:
            InputError: the name's format or pattern is not one that we write.
            OutputError: images stand there already, or the folder cannot be written to.
        """
        place = Path(path)
        numbers = len(_PRINTF.findall(place.name))
        single = numbers == 0 and not place.is_dir() and place.suffix.lower() in (*SUFFIXES, *_FLOAT)
        if numbers > 1 or single:
            raise InputError(f"{path}: wanted a folder, or one number in the pattern, such as %05d.")
        folder, name = (place.parent, place.name) if numbers else (place, DEFAULT_NAME)
        self.suffix = Path(name).suffix.lower()
        if self.suffix not in SUFFIXES:
            raise InputError(f"{path}: wanted a name with an image's suffix: {', '.join(SUFFIXES)}.")
        if source is not None and is_images(source):
            _check_sources(find(source), folder, _regex(name) if numbers else None)
        self.path = place
        self.name = name
        self.count = 0
        self._depth_warned = False
        ours = _regex(name)
        self._journal = journal
        keep = journal is not None and not journal.fresh
        self._part = PartFolder(folder, ours if name == place.name else _ANY_IMAGE, ours, overwrite, keep)
        self.size = (info.height, info.width)
        while (self._part.part / (name % (self.count + 1))).exists():
            self.count += 1
        self.done = self.count

    def copy(self, frame: Frame, pts: Fraction) -> None:
        """Write the decoded frame as it is; `pts` gives only the order."""
        self._write(frame.rgb())

    def draw(self, rgb: Array, pts: Fraction, keys: tuple[Frame, Frame]) -> None:
        """Write a made picture; there is nothing here that a key knows better."""
        self._write(rgb)

    def _write(self, rgb: Array) -> None:
        data = encode_image(self._fitting(rgb), self.suffix)
        target = self._part.part / (self.name % (self.count + 1))
        try:
            self._keep(data, target)
        except OSError as error:
            raise OutputError(f"{target} cannot be written ({error.strerror or error}).") from error
        self.count += 1

    def _keep(self, data: bytes, target: Path) -> None:
        """Write an image; with a journal, so that what has its name is whole and on disk."""
        if self._journal is None:
            target.write_bytes(data)
            return
        piece = Piece(self._journal.folder, "image")
        try:
            piece.file.write(data)
            piece.commit(target)
        finally:
            piece.discard()

    def _fitting(self, rgb: Array) -> Array:
        """What the format can hold of a picture; says once what it cannot."""
        lost = []
        if rgb.dtype == np.uint16 and self.suffix not in _DEEP:
            rgb = ((rgb.astype(np.uint32) + 128) // 257).astype(np.uint8)
            lost.append("16 bits")
        if rgb.shape[2] == 4 and self.suffix not in _ALPHA:
            rgb = np.ascontiguousarray(rgb[:, :, :3])
            lost.append("alpha")
        if lost and not self._depth_warned:
            log.warning("%s images do not hold %s; use png.", self.suffix, " and ".join(lost))
            self._depth_warned = True
        return rgb

    def finish(self) -> None:
        """Give the folder its name.

        Raises:
            OutputError: no image was written, or it cannot get its name.
        """
        if self.count == 0:
            raise OutputError(f"{self.path}: there was no frame to write.")
        self._part.commit()
        if self._journal is not None:
            self._journal.remove()

    def begin(self, first: Fraction) -> None:
        """Images hold no time."""

    def abort(self) -> None:
        """Remove everything that was written, but what a journal keeps. Safe to call at any time."""
        if self._journal is None:
            self._part.discard()
        else:
            self._part.let_go()
            self._journal.release()
