"""The two doors: a path becomes a reader or a writer.

Further kinds of files (animated images, raw streams) are further rows of `MUXERS`, or further classes here.
"""

from __future__ import annotations

import logging
from fractions import Fraction
from pathlib import Path

from nakawari.errors import InputError, OutputError
from nakawari.video.animation import AnimationWriter, WebpReader, is_animated_webp, is_animation
from nakawari.video.apng import ApngReader
from nakawari.video.encoders import MUXERS, EncodeOptions
from nakawari.video.frames import SAME_TIME, Info, Reader, Retime, Writer
from nakawari.video.image_writer import ImageWriter
from nakawari.video.images import ImageReader, is_images
from nakawari.video.journal import Journal
from nakawari.video.reader import VideoReader
from nakawari.video.segments import SegmentWriter
from nakawari.video.spool import Spool
from nakawari.video.writer import VideoWriter
from nakawari.video.y4m import PIPE, Y4mReader, Y4mWriter, is_y4m

log = logging.getLogger(__name__)

DEFAULT_RATE = Fraction(24)


def open_reader(
    path: str | Path, rate: Fraction | None = None, deinterlace: bool = False, light: bool = False
) -> Reader:
    """Open a video file, a folder or pattern of images, or one image; always as a replayable reader.

    Args:
        path: what to read; `-` is y4m on stdin, whose frames are kept on disk (see `spool`).
        rate: frames a second of images, which do not say; 24 where None. A video file says its own.
        deinterlace: woven frames of a video file are taken apart instead of refused.
        light: images of linear light (.exr) are read instead of refused; see `exr`.

    Raises:
        MediaError: it is missing, broken or unsupported.
        InputError: the rate is not more than 0, or a rate was given for a video file; or it is no video file,
            and shall be deinterlaced.
    """
    if rate is not None and rate <= 0:
        raise InputError(f"the rate of the images is {rate}; wanted more than 0.")
    if deinterlace and (is_images(path) or is_animation(path) or is_y4m(path)):
        raise InputError(f"{path} cannot be deinterlaced here; --deinterlace is for video files.")
    if is_images(path) and not is_animated_webp(path):
        return ImageReader(path, DEFAULT_RATE if rate is None else rate, light)
    if rate is not None:
        raise InputError(f"{path} has its own clock; a rate is only for images.")
    if is_animated_webp(path):
        return WebpReader(path)
    if Path(path).suffix.lower() == ".apng":
        return ApngReader(path)
    if is_y4m(path):
        reader = Y4mReader(path)
        return reader if reader.replayable else Spool(reader)
    return VideoReader(path, deinterlace)


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
    retime: Retime = SAME_TIME,
    journal: Journal | None = None,
) -> Writer:
    """Open a video file, or a folder or pattern of images, to be written; everything is checked here.

    Args:
        path: a file named .mp4, .m4v, .mov, .mkv or .webm; a folder (images are numbered from 1 as
            `%06d.png`); a pattern such as
            `out/%05d.png`; an animated .gif, .apng or .webp;
            or .y4m, or `-` for y4m on stdout.
        info: what the pictures are like: the reader's.
        rate: nominal frames a second.
        options: how to encode; only for video files.
        source: file whose sound, subtitles, fonts, chapters and metadata are copied; None: none.
        overwrite: whether what stands there may be replaced.
        tick: the pictures' times are whole multiples of it after the first one; None: 1 / rate.
        span: only sound within (start, end) seconds of the source is copied; None: all.
        retime: how the source's clock becomes the output's, for what is copied.
        journal: where finished pieces are kept, so that a killed render can go on; see `check_resumable`.

    Raises:
        InputError: an option or name is not one that can be used.
        OutputError: the output may not or cannot be written, or cannot hold what it shall.
    """
    chosen = options or EncodeOptions()
    to_images = not is_animation(path) and not is_y4m(path) and (is_images(path) or not Path(path).suffix)
    if info.bits == 32 and not to_images:
        raise OutputError(
            f"{path} does not hold linear light in floating point; wanted a folder or a pattern such as "
            "out/%05d.exr."
        )
    if source is not None and (to_images or is_animation(path) or is_y4m(path)):
        _warn_of_silence(path, info, chosen)
    if is_animation(path):
        return AnimationWriter(path, info, rate, chosen, overwrite=overwrite, tick=tick)
    if is_y4m(path):
        return Y4mWriter(path, info, rate, chosen, overwrite=overwrite)
    if to_images:
        return ImageWriter(path, info, info.path, overwrite, journal, chosen)
    copied = None if source is None or is_images(source) or is_y4m(source) else source
    more = {"overwrite": overwrite, "tick": tick, "span": span, "retime": retime}
    if journal is not None:
        return SegmentWriter(path, info, rate, chosen, copied, journal=journal, **more)
    return VideoWriter(path, info, rate, chosen, copied, **more)  # type: ignore[arg-type]


def writes(path: str | Path) -> bool:
    """Whether a file of that name is of a kind that is written here."""
    return Path(path).suffix.lower() in MUXERS or is_animation(path) or is_y4m(path) or is_images(path)


def check_resumable(source: str | Path, output: str | Path) -> None:
    """Raise InputError unless a render of `source` into `output` can go on after it was cut off."""
    if str(source) == PIPE or is_y4m(output) or is_animation(output):
        raise InputError(
            f"a render of {source} into {output} cannot go on once it is cut off; "
            "give --resume with a video file or images."
        )


def _warn_of_silence(path: str | Path, info: Info, options: EncodeOptions) -> None:
    """Say what a format that holds nothing but pictures leaves out."""
    lost = [
        what
        for what, there in (
            ("sound", options.sound and info.audio),
            ("subtitles", options.subtitles and info.subtitles),
        )
        if there
    ]
    if lost:
        kind = f"{Path(path).suffix or 'y4m'} holds"
        if not is_animation(path) and not is_y4m(path):
            kind = "images hold"
        log.warning("%s: %s no %s; left out.", path, kind, " and no ".join(lost))
