"""Files of drawings: what a cel is, read and written without loss, in the kind that its neighbours have.

Samples are those of the file: sRGB-encoded, straight alpha, 8 or 16 bits; linear light in floating point
comes and goes through a curve (`video/exr.py`), and a PSD is laid together (`psd.py`). What a PNG says beside
its samples, and a new drawing next to it should say as well (resolution, colour profile), goes along.
"""

from __future__ import annotations

import glob
import struct
import zlib
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from nakawari.errors import MediaError, OutputError
from nakawari.optional import need
from nakawari.video.exr import Exr, display_light, exr_bytes, read_exr
from nakawari.video.frames import Array
from nakawari.video.images import PRINTF, encode_image, natural, read_image, regex_of

SUFFIXES = (".png", ".tif", ".tiff", ".tga", ".exr", ".psd", ".webp", ".bmp", ".jpg", ".jpeg")
_PNG = b"\x89PNG\r\n\x1a\n"
_CARRIED = (b"sRGB", b"gAMA", b"cHRM", b"iCCP", b"pHYs")
"""Parts of a PNG that say how its samples are meant and how large they are on paper."""


@dataclass(frozen=True, slots=True)
class Cel:
    """A drawing.

    Attributes:
        path: its file.
        image: H×W×3 or H×W×4, uint8 or uint16; float32 of an EXR, through its curve.
        grey: the file holds one channel of brightness (all colour channels of `image` are equal).
        extras: parts of a PNG that a drawing beside this one carries too.
        exr: what an EXR says.
    """

    path: Path
    image: Array
    grey: bool = False
    extras: tuple[bytes, ...] = field(default=(), repr=False)
    exr: Exr | None = field(default=None, repr=False)

    @property
    def bits(self) -> int:
        """Of one sample."""
        return 8 * self.image.dtype.itemsize

    @property
    def alpha(self) -> bool:
        """Whether it has an alpha channel."""
        return bool(self.image.shape[2] == 4)

    def display(self) -> Array:
        """The picture as a screen shows it, uint8 or uint16; light above 1 is white."""
        return self.image if self.exr is None else display_light(self.image)


def is_cel(path: Path) -> bool:
    """Whether a file of that name is a drawing that can be read."""
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".")


def find_cels(place: str | Path) -> list[Path]:
    """The drawings of a folder or a pattern such as `keys/*.png` or `keys/A%04d.png`, in natural order.

    Raises:
        MediaError: there are none.
    """
    path = Path(place)
    if path.is_dir():
        found = [p for p in path.iterdir() if is_cel(p) and p.is_file()]
    elif path.is_file():
        found = [path]
    elif PRINTF.search(path.name) and path.parent.is_dir():
        shape = regex_of(path.name)
        found = [p for p in path.parent.iterdir() if shape.fullmatch(p.name) and is_cel(p) and p.is_file()]
    elif glob.has_magic(path.name) and path.parent.is_dir():
        found = [p for p in path.parent.glob(path.name) if is_cel(p) and p.is_file()]
    elif glob.has_magic(path.name):
        found = []
    else:
        raise MediaError(f"{place} does not exist.")
    if not found:
        raise MediaError(f"{place} holds no drawings; wanted {', '.join(s[1:] for s in SUFFIXES)}.")
    return sorted(found, key=lambda p: natural(p.name))


def read_cel(path: Path) -> Cel:
    """Read a drawing.

    Raises:
        MediaError: it is missing, broken, or of a kind that is not read here.
    """
    if not path.is_file():
        raise MediaError(f"{path} does not exist.")
    if path.suffix.lower() not in SUFFIXES:
        raise MediaError(
            f"{path} is no drawing that is read here; wanted {', '.join(s[1:] for s in SUFFIXES)}."
        )
    if path.suffix.lower() == ".exr":
        exr = read_exr(path)
        return Cel(path, exr.image, exr.grey, exr=exr)
    if path.suffix.lower() == ".psd":
        from nakawari.cels.psd import read_psd

        return Cel(path, read_psd(path))
    image = read_image(path)
    return Cel(path, image, grey=_is_grey(path, image), extras=_extras(path))


def _is_grey(path: Path, image: Array) -> bool:
    """Whether the file holds brightness only."""
    pillow = need("PIL.Image")
    try:
        with pillow.open(path) as opened:
            grey = opened.mode in ("1", "L", "LA", "I;16", "I;16B", "I")
    except (OSError, ValueError, SyntaxError):
        return False
    return bool(grey and (image[..., :1] == image[..., 1:3]).all())


def _extras(path: Path) -> tuple[bytes, ...]:
    """The parts of a PNG in `_CARRIED`, whole; none of other files."""
    if path.suffix.lower() != ".png":
        return ()
    data = path.read_bytes()
    found, at = [], len(_PNG)
    while at + 12 <= len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        if kind == b"IDAT":
            break
        part = data[at : at + 12 + length]
        if kind in _CARRIED and struct.unpack(">I", part[-4:])[0] == zlib.crc32(part[4:-4]):
            found.append(part)
        at += 12 + length
    return tuple(found)


def alike(first: Cel, second: Cel) -> tuple[Cel, Cel]:
    """Both with the channels and depth of the richer one.

    Raises:
        MediaError: they differ in size.
    """
    if first.image.shape[:2] != second.image.shape[:2]:
        raise MediaError(
            f"{second.path} is {_size(second)} but {first.path.name} is {_size(first)}; "
            "wanted drawings on one canvas."
        )
    if (first.exr is None) != (second.exr is None):
        raise MediaError(
            f"{first.path} and {second.path} are linear light and display colour; wanted one kind."
        )
    alpha, bits = first.alpha or second.alpha, max(first.bits, second.bits)
    return _as(first, alpha, bits), _as(second, alpha, bits)


def _as(cel: Cel, alpha: bool, bits: int) -> Cel:
    image = cel.image
    if bits > cel.bits:
        image = image.astype(np.uint16) * np.uint16(257)
    if alpha and not cel.alpha:
        most = 1 if cel.exr else np.iinfo(image.dtype).max
        opaque = np.full((*image.shape[:2], 1), most, image.dtype)
        image = np.concatenate([image, opaque], 2)
    return cel if image is cel.image else replace(cel, image=image)


def _size(cel: Cel) -> str:
    return f"{cel.image.shape[1]}x{cel.image.shape[0]}"


def encode_cel(image: Array, suffix: str, first: Cel, second: Cel) -> bytes:
    """A drawing between two others as the bytes of a file.

    Args:
        image: H×W×3 or H×W×4.
        suffix: of the file's name.
        first, second: its neighbours, whose kind it takes: grey where both are grey, their profile in PNG.
    """
    if suffix == ".exr":
        if first.exr is None or second.exr is None:
            raise OutputError("display colour is not written as linear light; give keys that are .exr.")
        return exr_bytes(image, replace(first.exr, grey=first.grey and second.grey))
    plain = image
    if first.grey and second.grey and image.shape[2] == 3:
        plain = np.ascontiguousarray(image[..., :1])
    data = encode_image(plain, suffix)
    if data[:8] == _PNG and first.extras:
        header = len(_PNG) + 25  # IHDR is always first, and always as long
        kept = b"".join(part for part in first.extras if part in second.extras or part[4:8] == b"pHYs")
        data = data[:header] + kept + data[header:]
    return data
