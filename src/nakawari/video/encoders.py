"""What files are written: a row for each container, a row for each encoder that we know well.

Any other video encoder of ffmpeg can be asked for by name; `encoding` decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from nakawari.errors import InputError

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

    def refuse(self, names: Sequence[str], who: str) -> None:
        """Raise InputError where one of the options is given: `who` ("y4m has") no use for it."""
        for name in self.given(names):
            raise InputError(f"{who} no {name}; leave it out, or write .mkv.")

    def given(self, names: Sequence[str]) -> list[str]:
        """Those of the options that are given."""
        return [name for name in names if getattr(self, name) not in (None, {})]


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


PICTURES_ONLY = (".gif", ".apng", ".webp", ".y4m")
"""What is written beside the containers: formats that hold nothing but pictures."""

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
    talking on stderr. `quality`: the option that `--crf` is for it. `held`: as how many pictures it takes
    memory at most, by preset ("": any), measured (`benchmarks/memory.py --encoders`); 200 where nobody has.
    `tiny`: options instead where a side has less than `tiny_under` pixels.
    """

    options: dict[str, str] = field(default_factory=dict)
    crf: tuple[float, float] | None = None
    presets: tuple[str, ...] = ()
    tunes: tuple[str, ...] = ()
    even: bool = False
    quiet: tuple[str, str] | None = None
    quality: str = "crf"
    held: dict[str, int] = field(default_factory=lambda: {"": 200})
    tiny: dict[str, str] = field(default_factory=dict)
    tiny_under: int = 0


_BEGUN, _EACH = 10, 7
"""Pictures that an encoder holds at first, and more for each that it gets, until it holds most."""


def _held(*pictures: int) -> dict[str, int]:
    return dict(zip(_X26_PRESETS, pictures, strict=True))


_X264_HELD = _held(20, 35, 50, 75, 100, 125, 150, 190, 270, 430)
_X265_HELD = _held(90, 105, 140, 140, 150, 160, 200, 240, 270, 400)

_X264_TINY = {"threads": "1", "mbtree": "0"}
"""With more threads or a macroblock tree, x264 (core 165) codes pictures of 3 by 2 macroblocks not alike each
time, up to 3 in 100."""

ENCODERS = {
    "libx264": Encoder(
        {"crf": "16", "preset": "medium"},
        (0, 51),
        _X26_PRESETS,
        ("film", "animation", "grain", "stillimage", "psnr", "ssim", "fastdecode", "zerolatency"),
        even=True,
        held=_X264_HELD,
        tiny=_X264_TINY,
        tiny_under=64,
    ),
    "libx265": Encoder(
        {"crf": "18", "preset": "medium", "x265-params": "log-level=error"},
        (0, 51),
        _X26_PRESETS,
        ("psnr", "ssim", "grain", "zerolatency", "fastdecode", "animation"),
        even=True,
        held=_X265_HELD,
    ),
    "libsvtav1": Encoder(
        {"crf": "22", "preset": "6"},
        (1, 63),
        tuple(str(n) for n in range(14)),
        even=True,
        quiet=("SVT_LOG", "1"),
    ),
    "libvpx-vp9": Encoder(
        {"crf": "22", "b": "0", "deadline": "good", "cpu-used": "3", "row-mt": "1"},
        (0, 63),
        held={"": 105},
    ),
    "ffv1": Encoder(
        {"level": "3", "g": "1"},
        held={"": 25},
        tiny={"level": "1"},  # 3 cuts into slices
        tiny_under=4,
    ),
    "prores_ks": Encoder(held={"": 5}),
    "mpeg4": Encoder(held={"": 16}),
    "mjpeg": Encoder(held={"": 14}),
    "rawvideo": Encoder(held={"": 1}),
    "libx264rgb": Encoder(
        {"crf": "16", "preset": "medium"},
        (0, 51),
        _X26_PRESETS,
        held=_X264_HELD,
        tiny=_X264_TINY,
        tiny_under=64,
    ),
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


def pictures_held(codec: str, preset: str | None = None, count: int | None = None) -> int:
    """As how many pictures of its pixel format an encoder takes memory.

    Args:
        codec, preset: as it is asked for them.
        count: of pictures that it gets; None: many.
    """
    row = ENCODERS.get(codec, Encoder()).held
    most = row.get(preset or "", max(row.values()))
    return most if count is None else min(most, _BEGUN + _EACH * count)


def muxer_of(path: Path) -> Muxer:
    """The container that a file's name asks for.

    Raises:
        InputError: we write none of that name.
    """
    row = MUXERS.get(path.suffix.lower())
    if row is None:
        raise InputError(
            f"{path}: no container is known by '{path.suffix}'; wanted one of {', '.join(MUXERS)}, "
            f"{', '.join(PICTURES_ONLY)}, or a folder or pattern of images."
        )
    return row
