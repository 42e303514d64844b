"""The two doors: a path becomes a reader or a writer.

Further kinds of files (animated images, raw streams) are further rows of `MUXERS`, or further classes here.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from nakawari.errors import InputError
from nakawari.video.encoders import EncodeOptions
from nakawari.video.frames import Info, Reader, Writer
from nakawari.video.images import ImageReader, ImageWriter, is_images
from nakawari.video.reader import VideoReader
from nakawari.video.writer import VideoWriter

DEFAULT_RATE = Fraction(24)


def open_reader(path: str | Path, rate: Fraction | None = None) -> Reader:
    """Open a video file, a folder or pattern of images, or one image.

    Args:
        path: what to read.
        rate: frames a second of images, which do not say; 24 where None. A video file says its own.

    Raises:
        MediaError: it is missing, broken or unsupported.
        InputError: the rate is not more than 0, or a rate was given for a video file.
    """
    if rate is not None and rate <= 0:
        raise InputError(f"the rate of the images is {rate}; wanted more than 0.")
    if is_images(path):
        return ImageReader(path, DEFAULT_RATE if rate is None else rate)
    if rate is not None:
        raise InputError(f"{path} has its own clock; a rate is only for images.")
    return VideoReader(path)


def open_writer(
    path: str | Path,
    info: Info,
    rate: Fraction,
    options: EncodeOptions | None = None,
    source: str | Path | None = None,
    *,
    overwrite: bool = False,
    tick: Fraction | None = None,
    span: tuple[Fraction | None, Fraction | None] = (None, None),
) -> Writer:
    """Open a video file, or a folder or pattern of images, to be written; everything is checked here.

    Args:
        path: a file named .mp4, .m4v, .mov, .mkv or .webm; a folder (images are numbered from 1 as
            `%06d.png`); or a pattern such as `out/%05d.png`.
        info: what the pictures are like: the reader's.
        rate: nominal frames a second.
        options: how to encode; only for video files.
        source: file whose sound, subtitles, fonts, chapters and metadata are copied; None: none.
        overwrite: whether what stands there may be replaced.
        tick: the pictures' times are whole multiples of it after the first one; None: 1 / rate.
        span: only sound within (start, end) seconds is copied; None: from the start, to the end.

    Raises:
        InputError: an option or name is not one that can be used.
        OutputError: the output may not or cannot be written, or cannot hold what it shall.
    """
    if is_images(path) or not Path(path).suffix:
        return ImageWriter(path, info, info.path, overwrite)
    copied = None if source is None or is_images(source) else source
    return VideoWriter(
        path, info, rate, options or EncodeOptions(), copied, overwrite=overwrite, tick=tick, span=span
    )
