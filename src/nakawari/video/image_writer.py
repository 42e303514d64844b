"""Writing sequences of images: a folder (`%06d.png`) or a pattern; numbers start at 1, times are not kept.

Linear light stays linear light: .exr in gives .exr out (`%06d.exr`) and nothing else.
"""

from __future__ import annotations

import logging
import re
from fractions import Fraction
from pathlib import Path

import numpy as np

from nakawari.errors import InputError, MediaError, OutputError
from nakawari.video import exr
from nakawari.video.encoders import EncodeOptions
from nakawari.video.frames import Array, Frame, Info, eight_bits
from nakawari.video.images import ANY_IMAGE, FLOAT, PRINTF, SUFFIXES, encode_image, find, is_images, regex_of
from nakawari.video.journal import Journal, Piece
from nakawari.video.part import PartFolder

log = logging.getLogger(__name__)

DEFAULT_NAME = "%06d.png"
DEFAULT_LIGHT = "%06d.exr"
_DEEP = (".png", ".tif", ".tiff")
"""Formats that hold 16 bits."""
_ALPHA = (".png", ".webp", ".tif", ".tiff", ".tga")


def _check_sources(images: list[Path], folder: Path, names: re.Pattern[str] | None) -> None:
    """Raise OutputError where images that are read could be written over (`names` None: any)."""
    if images[0].parent.resolve() != folder.resolve():
        return
    if names is None or any(names.fullmatch(image.name) for image in images):
        raise OutputError(f"{folder} is the input itself. Choose another folder or pattern for the output.")


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
        options: EncodeOptions | None = None,
    ) -> None:
        """Check that the images may be written, and claim the folder.

        Raises:
            InputError: the name's format or pattern is not one that we write.
            OutputError: images stand there already, or the folder cannot be written to.
        """
        if options is not None:
            given = options.given(("codec", "crf", "preset", "tune", "pix_fmt", "extra"))
            if given:
                log.warning("%s: images have no %s; left out.", path, " and no ".join(given))
        place = Path(path)
        numbers = len(PRINTF.findall(place.name))
        single = numbers == 0 and not place.is_dir() and place.suffix.lower() in (*SUFFIXES, *FLOAT)
        if numbers > 1 or single:
            raise InputError(f"{path}: wanted a folder, or one number in the pattern, such as %05d.")
        light = info.bits == 32
        usual = DEFAULT_LIGHT if light else DEFAULT_NAME
        folder, name = (place.parent, place.name) if numbers else (place, usual)
        self.suffix = Path(name).suffix.lower()
        if self.suffix not in ((exr.SUFFIX,) if light else SUFFIXES):
            kind = ".exr, as the input is linear light" if light else ", ".join(SUFFIXES)
            raise InputError(f"{path}: wanted a name with an image's suffix: {kind}.")
        if source is not None and is_images(source):
            _check_sources(find(source), folder, regex_of(name) if numbers else None)
        self.path = place
        self.name = name
        self.count = 0
        self._depth_warned = False
        self._said: tuple[Path, exr.Exr] | None = None
        ours = regex_of(name)
        self._journal = journal
        keep = journal is not None and not journal.fresh
        self._part = PartFolder(folder, ours if name == place.name else ANY_IMAGE, ours, overwrite, keep)
        self.size = (info.height, info.width)
        while (self._part.part / (name % (self.count + 1))).exists():
            self.count += 1
        self.done = self.count

    def copy(self, frame: Frame, pts: Fraction) -> None:
        """Write the decoded frame as it is, linear light as its very file; `pts` gives only the order."""
        if self.suffix == exr.SUFFIX and frame.file is not None:
            try:
                data = frame.file.read_bytes()
            except OSError as error:
                raise MediaError(f"{frame.file} cannot be read ({error.strerror or error}).") from error
            self._write(data)
        else:
            self._write(encode_image(self._fitting(frame.rgb()), self.suffix))

    def draw(self, rgb: Array, pts: Fraction, keys: tuple[Frame, Frame]) -> None:
        """Write a made picture; linear light in the kind that the file of the first key has."""
        if self.suffix == exr.SUFFIX and keys[0].file is not None:
            self._write(exr.exr_bytes(rgb, self._like(keys[0].file)))
        else:
            self._write(encode_image(self._fitting(rgb), self.suffix))

    def _like(self, file: Path) -> exr.Exr:
        """What the file of a key says of it, once for all drawings behind it."""
        if self._said is None or self._said[0] != file:
            self._said = file, exr.read_exr(file)
        return self._said[1]

    def _write(self, data: bytes) -> None:
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
            rgb = eight_bits(rgb)
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
