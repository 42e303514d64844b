"""What files are written: a row for each container, a row for each encoder that we know well.

Any other video encoder of ffmpeg can be asked for by name; then its own defaults hold, and what it says
about its options and pixel formats is what is checked.
"""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from nakawari.errors import InputError
from nakawari.video.colour import RGB_TO_VIDEO, TAGS, layout, planar, resolve
from nakawari.video.frames import Colour, Info
from nakawari.video.hdr import Mastering, parameters

log = logging.getLogger(__name__)


_KINDS = {
    **dict.fromkeys(("codec", "preset", "pix_fmt", "tune"), "text"),
    **dict.fromkeys(("sound", "subtitles", "stretch"), "True or False"),
    "crf": "a number",
    "extra": "a dict of texts",
}


@dataclass(frozen=True, slots=True)
class EncodeOptions:
    """How to encode, in ffmpeg's words; None: the default of the container or encoder.

    Attributes:
        codec: an encoder, such as `libx264` (`-c:v`).
        crf: constant quality; smaller is better.
        preset: speed against size.
        pix_fmt: pixel format; the source's own where the encoder takes it.
        tune: such as `animation`.
        extra: further options of the encoder.
        sound, subtitles: whether to pass them through.
        stretch: where time is slowed down, stretch the sound without changing its pitch; it is left out else.
    """

    codec: str | None = None
    crf: float | None = None
    preset: str | None = None
    pix_fmt: str | None = None
    tune: str | None = None
    extra: dict[str, str] = field(default_factory=dict)
    sound: bool = True
    subtitles: bool = True
    stretch: bool = False

    @staticmethod
    def of(words: dict[str, Any]) -> EncodeOptions:
        """Options from words, each checked for its name and kind.

        Raises:
            InputError: there is no such option (says the nearest), or its value is of another kind.
        """
        kinds: dict[str, Any] = {
            **dict.fromkeys(("codec", "preset", "pix_fmt", "tune"), (str, type(None))),
            **dict.fromkeys(("sound", "subtitles", "stretch"), bool),
            "crf": (int, float, type(None)),
            "extra": dict,
        }
        for name, value in words.items():
            if name not in kinds:
                near = get_close_matches(name, kinds, n=1, cutoff=0.4)
                hint = f"Did you mean {near[0]}?" if near else f"Options: {', '.join(kinds)}."
                raise InputError(f"there is no option {name!r} of encoding. {hint}")
            if not isinstance(value, kinds[name]) or (name == "crf" and isinstance(value, bool)):
                raise InputError(f"{name} is {value!r}, a {type(value).__name__}; wanted {_KINDS[name]}.")
        return EncodeOptions(**words)


@dataclass(frozen=True, slots=True)
class Muxer:
    """A container: ffmpeg's muxer, the encoder it gets by default, and its options."""

    name: str
    codec: str
    options: dict[str, str] = field(default_factory=dict)
    attachments: bool = False
    sound: str = "aac"
    """The encoder that sound gets where it has to be encoded."""
    exact_time: bool = False
    """Whether the video track may count in any unit (else in milliseconds, to which times are rounded)."""


_FAST_START = {"movflags": "+faststart"}
MUXERS = {
    ".mp4": Muxer("mp4", "libx264", _FAST_START, exact_time=True),
    ".m4v": Muxer("mp4", "libx264", _FAST_START, exact_time=True),
    ".mov": Muxer("mov", "libx264", _FAST_START, exact_time=True),
    ".mkv": Muxer("matroska", "libx264", attachments=True),
    ".webm": Muxer("webm", "libvpx-vp9", sound="libopus"),
}

_X26_PRESETS = (
    *("ultrafast", "superfast", "veryfast", "faster", "fast"),
    *("medium", "slow", "slower", "veryslow", "placebo"),
)


@dataclass(frozen=True, slots=True)
class Encoder:
    """What we know of an encoder.

    `even`: it wants even sizes where chroma is halved. `quiet`: an environment variable that keeps it from
    talking on stderr. `quality`: the option that `--crf` is for it.
    """

    options: dict[str, str] = field(default_factory=dict)
    crf: tuple[float, float] | None = None
    presets: tuple[str, ...] = ()
    tunes: tuple[str, ...] = ()
    even: bool = False
    quiet: tuple[str, str] | None = None
    quality: str = "crf"


ENCODERS = {
    "libx264": Encoder(
        {"crf": "16", "preset": "medium"},
        (0, 51),
        _X26_PRESETS,
        ("film", "animation", "grain", "stillimage", "psnr", "ssim", "fastdecode", "zerolatency"),
        even=True,
    ),
    "libx265": Encoder(
        {"crf": "18", "preset": "medium", "x265-params": "log-level=error"},
        (0, 51),
        _X26_PRESETS,
        ("psnr", "ssim", "grain", "zerolatency", "fastdecode", "animation"),
        even=True,
    ),
    "libsvtav1": Encoder(
        {"crf": "22", "preset": "6"},
        (1, 63),
        tuple(str(n) for n in range(14)),
        even=True,
        quiet=("SVT_LOG", "1"),
    ),
    "libvpx-vp9": Encoder(
        {"crf": "22", "b": "0", "deadline": "good", "cpu-used": "3", "row-mt": "1"}, (0, 63)
    ),
    "ffv1": Encoder({"level": "3", "g": "1"}),
    "libx264rgb": Encoder({"crf": "16", "preset": "medium"}, (0, 51), _X26_PRESETS),
    **{
        f"{codec}_nvenc": Encoder(
            {"rc": "vbr", "cq": "19", "b": "0", "preset": "p5"}, (0, 51), even=True, quality="cq"
        )
        for codec in ("h264", "hevc", "av1")
    },
    **{
        f"{codec}_qsv": Encoder(
            {"global_quality": "19", "preset": "medium"}, (1, 51), even=True, quality="global_quality"
        )
        for codec in ("h264", "hevc", "av1", "vp9")
    },
    **{
        f"{codec}_amf": Encoder(
            {"rc": "qvbr", "qvbr_quality_level": "19"}, (1, 51), even=True, quality="qvbr_quality_level"
        )
        for codec in ("h264", "hevc", "av1")
    },
}
"""Those of graphics cards (`nvenc`, `qsv`, `amf`) are there wherever PyAV has them, and refuse in one line
where there is no such card."""


_OTHER_QUALITY = {"b", "qp", "global_quality"}
"""Options that say the quality otherwise; our default crf gives way to them."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """What was decided: encoder, its options, pixel format and colour of the output."""

    codec: str
    options: dict[str, str]
    pix_fmt: str
    """What pictures are kept in: planes."""
    colour: Colour
    packed: str | None = None
    """What the encoder wants them rearranged to (NV12, P010), if anything."""


def muxer_of(path: Path) -> Muxer:
    """The container that a file's name asks for.

    Raises:
        InputError: we write none of that name.
    """
    row = MUXERS.get(path.suffix.lower())
    if row is None:
        raise InputError(
            f"{path}: no container is known by '{path.suffix}'; wanted one of {', '.join(MUXERS)}, "
            "or a folder or pattern of images."
        )
    return row


def decide(muxer: Muxer, info: Info, options: EncodeOptions) -> Encoding:
    """Choose encoder, options and pixel format for a picture like `info`, and check them.

    Raises:
        InputError: an option is not one that the encoder takes; says which it takes.
    """
    name = options.codec or muxer.codec
    codec = _codec(name)
    known = ENCODERS.get(codec.name, Encoder())
    if known.quiet is not None:
        os.environ.setdefault(*known.quiet)
    values = dict(known.options)
    names = {option.name for option in _supported(codec)}
    for key in ("crf", "preset", "tune"):
        value = getattr(options, key)
        if value is not None:
            _check_value(codec.name, known, names, key, value)
            values[known.quality if key == "crf" else key] = f"{value:g}" if key == "crf" else str(value)
    if options.crf is None and not _OTHER_QUALITY.isdisjoint(options.extra):
        values.pop(known.quality, None)
    for key, value in options.extra.items():
        if key not in names:
            raise InputError(
                f"{codec.name} has no option '{key}'; 'ffmpeg -h encoder={codec.name}' lists them."
            )
        values[key] = value
    pix_fmt = _pix_fmt(codec, known, info, options.pix_fmt)
    if info.mastering is not None:
        _keep_mastering(codec.name, info.mastering, values)
    planes = planar(pix_fmt)
    packed = None if planes == pix_fmt else pix_fmt
    return Encoding(codec.name, values, planes, output_colour(info, planes), packed)


def _keep_mastering(codec: str, said: Mastering, values: dict[str, str]) -> None:
    told = parameters(codec, said)
    if told is None:
        log.warning(
            "%s does not hold what the film was mastered on; libx264, libx265 and libsvtav1 do.", codec
        )
        return
    option, value = told
    values[option] = ":".join(part for part in (values.get(option), value) if part)


def _codec(name: str) -> Any:
    import av

    try:
        codec = av.Codec(name, "w")
    except ValueError as error:
        raise InputError(f"there is no encoder '{name}' here; try {', '.join(ENCODERS)}.") from error
    if codec.type != "video":
        raise InputError(
            f"'{name}' encodes {codec.type}; wanted a video encoder, such as {', '.join(ENCODERS)}."
        )
    return codec


def _supported(codec: Any) -> list[Any]:
    import av

    known = av.CodecContext.create(codec, "w").supported_options
    return [*known.generic, *known.private]


def _check_value(codec: str, known: Encoder, names: set[str], key: str, value: Any) -> None:
    if (known.quality if key == "crf" else key) not in names:
        raise InputError(f"{codec} has no {key}; leave it out.")
    if key == "crf":
        low, high = known.crf or (0, 63)
        if not low <= value <= high:
            raise InputError(f"crf is {value:g}; {codec} takes {low:g} to {high:g}.")
        return
    choices = known.presets if key == "preset" else known.tunes
    if choices and str(value) not in choices:
        raise InputError(f"{key} is '{value}'; {codec} takes {', '.join(choices)}.")


def _pix_fmt(codec: Any, known: Encoder, info: Info, asked: str | None) -> str:
    """The source's own pixel format where the encoder takes it, else the nearest that loses least."""
    taken = [form.name for form in codec.video_formats or ()]
    usable = [name for name in taken if _convertible(name)]
    odd_x, odd_y = info.width % 2 == 1, info.height % 2 == 1

    def fits(name: str) -> bool:
        form = layout(name)
        return not (known.even and ((odd_x and form.halved_x) or (odd_y and form.halved_y)))

    if asked is not None:
        layout(asked)
        if taken and asked not in taken:
            raise InputError(f"{codec.name} has no pixel format '{asked}'; it takes {', '.join(taken)}.")
        if not fits(asked):
            raise InputError(
                f"{asked} halves an odd size ({info.width}x{info.height}), which {codec.name} cannot; "
                "try --pix-fmt yuv444p."
            )
        return asked
    usable = [name for name in usable if fits(name)] if taken else [info.pix_fmt]
    chosen = _nearest(codec, usable, info)
    if chosen is None:
        raise InputError(
            f"{codec.name} has no pixel format for {info.width}x{info.height} {info.pix_fmt}; "
            "try another encoder, such as libx264."
        )
    return chosen


def _convertible(name: str) -> bool:
    """Whether we fill a pixel format ourselves, or its planar kin."""
    try:
        return layout(name).kind != "other" or planar(name) != name
    except InputError:
        return False


def _nearest(codec: Any, usable: list[str], info: Info) -> str | None:
    from av.codec.codec import find_best_pix_fmt_of_list

    plain = info.pix_fmt.replace("yuvj", "yuv")
    for name in (info.pix_fmt, plain):
        for known in usable:
            if name in (known, planar(known)):
                return known
    form = layout(info.pix_fmt)
    if form.rgb and codec.lossless and not codec.lossy:
        usable = [name for name in usable if layout(name).rgb] or usable
    elif form.rgb or form.kind == "gray":
        for name in ("yuv420p", "yuv444p"):
            deep = f"{name}10le"
            if info.bits > 8 and deep in usable:
                return deep
            if name in usable:
                return name
    else:
        usable = [name for name in usable if not layout(name).rgb] or usable
    best = find_best_pix_fmt_of_list(usable, plain, info.alpha)[0] if usable else None
    return None if best is None else str(best.name)


def output_colour(info: Info, pix_fmt: str) -> Colour:
    """The colour of the output: the source's, its range said where the pixel format does not imply it."""
    form = layout(pix_fmt)
    source = info.colour
    if form.rgb:
        kept = tuple((name, value) for name, value in source.tags if name in ("color_primaries", "color_trc"))
        return Colour("rgb", True, kept)
    if source.matrix == "rgb":
        return RGB_TO_VIDEO
    tags = {**dict.fromkeys(TAGS, 2), "color_range": 0, **dict(source.tags)}
    if resolve(tags, pix_fmt, info.width, info.height).full_range == source.full_range:
        return source
    said = {**dict(source.tags), "color_range": 2 if source.full_range else 1}
    return Colour(source.matrix, source.full_range, tuple(said.items()))
