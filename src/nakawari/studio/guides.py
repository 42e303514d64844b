"""A rough breakdown of a pair (docs/cel.md): a picture that is kept with the project, and its time.

Pictures lie in the project's folder under the digest of their bytes and are never changed, so that undo finds
them again; those that nothing names any more go when the project is read anew.
"""

from __future__ import annotations

import hashlib
import re
import struct
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from nakawari.errors import InputError, MediaError, NakawariError, OutputError
from nakawari.replacing import replace_file

FOLDER = "guides"
MOST_BYTES = 32 << 20
"""Bytes of a picture that is handed in."""
MOST_KEPT = 128 << 20
"""Bytes of all roughs of a project: they travel in its file."""
_PICTURE = re.compile(r"[0-9a-f]{32}")
_PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True, slots=True)
class Guide:
    """The rough of a pair: a picture of its project, and its time in (0, 1)."""

    picture: str
    t: Fraction

    def to_json(self) -> dict[str, str]:
        """As the page and a project file have it."""
        return {"picture": self.picture, "t": f"{self.t.numerator}/{self.t.denominator}"}

    def as_fields(self) -> dict[str, str]:
        """As a file of hints has it that lies among the pictures."""
        return {"guide": file_of(self.picture), "guide_t": f"{self.t.numerator}/{self.t.denominator}"}


def read_guide(values: Any) -> Guide:
    """A guide as the page or a project file has it.

    Raises:
        InputError: it names no picture, or no time between the keys.
    """
    if not isinstance(values, dict) or not _PICTURE.fullmatch(str(values.get("picture"))):
        raise InputError("a rough names no picture of the project.")
    try:
        t = Fraction(str(values.get("t")))
    except (ValueError, ZeroDivisionError) as error:
        raise InputError(f"a rough is of t = {values.get('t')!r}; wanted a fraction such as 1/2.") from error
    if not 0 < t < 1 or t.denominator > 10**6:
        raise InputError(f"a rough is of t = {t}; wanted between 0 and 1.")
    return Guide(str(values["picture"]), t)


def file_of(picture: str) -> str:
    """The name of a picture's file.

    Raises:
        InputError: that is no picture's name.
    """
    if not _PICTURE.fullmatch(picture):
        raise InputError("there is no such picture.")
    return f"{picture}.png"


def digest(data: bytes) -> str:
    """The name of a picture with these bytes."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def take_in(upload: Path, folder: Path, size: tuple[int, int]) -> str:
    """Decode a picture that was handed in, and keep it as one of the project's; for worker processes.

    Args:
        upload: its file, of any kind that `inbetween` reads; named by a token, a space, and its own name.
        folder: where the pictures of the project lie.
        size: (width, height) of the keys.

    Returns:
        the picture's name.

    Raises:
        InputError: it cannot be read, or is of another size.
    """
    import cv2

    from nakawari.cels.files import read_cel
    from nakawari.video.frames import eight_bits

    name = upload.name.partition(" ")[2]
    try:
        rgb = eight_bits(read_cel(upload).display())
    except MediaError as error:
        raise InputError(str(error).replace(str(upload), name)) from error
    height, width = rgb.shape[:2]
    if (width, height) != size:
        raise InputError(
            f"{name} is {width}x{height}; wanted {size[0]}x{size[1]} as the keys are: scale it first."
        )
    code = cv2.COLOR_RGBA2BGRA if rgb.shape[2] == 4 else cv2.COLOR_RGB2BGR
    made, data = cv2.imencode(".png", cv2.cvtColor(rgb, code))
    if not made:
        raise OutputError(f"{name} cannot be kept.")
    return keep(data.tobytes(), folder)


def keep(data: bytes, folder: Path) -> str:
    """Write a picture, whole or not at all; its name.

    Raises:
        OutputError: it cannot be written.
    """
    name = digest(data)
    path = folder / file_of(name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            replace_file(path, data)
    except OSError as error:
        raise OutputError(f"the rough cannot be kept ({error.strerror}).") from error
    return name


def check_kept(names: set[str], folder: Path) -> None:
    """See whether the pictures that a project names are there, and few enough to travel.

    Raises:
        InputError: one is missing, or they are too large together.
    """
    try:
        total = sum((folder / file_of(name)).stat().st_size for name in names)
    except FileNotFoundError as error:
        raise InputError("a rough names a picture that the project does not have.") from error
    if total > MOST_KEPT:
        raise InputError(
            f"the roughs of this project take {total >> 20} MiB; wanted at most {MOST_KEPT >> 20}. "
            "Save them as line art on white, or remove some."
        )


def check_carried(name: str, data: bytes, size: tuple[int, int]) -> None:
    """See whether a picture that came in a project file is what it says, without decoding it.

    Raises:
        InputError: it is not.
    """
    whole = data[:8] == _PNG and len(data) > 33 and digest(data) == name
    if not whole or struct.unpack(">II", data[16:24]) != size:
        raise InputError("the project file has a rough that is broken, or of another size than its clip.")


def sweep(folder: Path, names: set[str]) -> None:
    """Remove what no project names: pictures that were replaced, uploads that were cut off."""
    kept = {file_of(name) for name in names}
    try:
        for path in folder.iterdir():
            if path.name not in kept:
                path.unlink()
    except FileNotFoundError:
        return  # it never had any
    except OSError as error:
        raise NakawariError(f"{folder} cannot be tidied up ({error.strerror}).") from error
