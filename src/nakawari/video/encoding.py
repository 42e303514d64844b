"""How a picture is encoded: encoder, options, pixel format and colour, decided and checked before the work.

What we know of an encoder is its row in `encoders`; of any other, its own defaults hold, and what it says
about its options and pixel formats is what is checked.
"""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from nakawari.errors import InputError
from nakawari.video.colour import RGB_TO_VIDEO, TAGS, layout, planar, resolve
from nakawari.video.encoders import ENCODERS, EncodeOptions, Encoder, Muxer
from nakawari.video.frames import Colour, Info
from nakawari.video.hdr import Mastering, parameters

log = logging.getLogger(__name__)

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

    def __str__(self) -> str:
        """In words: the encoder, its pixel format and its options."""
        options = ", ".join(f"{name} {value}" for name, value in self.options.items())
        return f"{self.codec}, {self.packed or self.pix_fmt}{', ' * bool(options)}{options}"


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
    values = known.options | (known.tiny if min(info.width, info.height) < known.tiny_under else {})
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
    colour = output_colour(info, planes)
    if codec.name == "libx264" and colour.tags == (("color_range", 1),):
        # x264 writes that it is limited only beside something else that is said of the picture
        _add_parameter(values, "x264-params", "videoformat=component")
    return Encoding(codec.name, values, planes, colour, packed)


def _add_parameter(values: dict[str, str], option: str, parameter: str) -> None:
    """Add a parameter to an option that takes several, after those that are there."""
    values[option] = ":".join(part for part in (values.get(option), parameter) if part)


def _keep_mastering(codec: str, said: Mastering, values: dict[str, str]) -> None:
    told = parameters(codec, said)
    if told is None:
        log.warning(
            "%s does not hold what the film was mastered on; libx264, libx265 and libsvtav1 do.", codec
        )
        return
    _add_parameter(values, *told)


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
        if taken and asked not in taken:
            near = get_close_matches(asked, taken, n=1, cutoff=0.8)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise InputError(
                f"{codec.name} has no pixel format '{asked}'.{hint} It takes {', '.join(taken)}."
            )
        layout(asked)
        if not fits(asked):
            raise InputError(
                f"{asked} halves an odd size ({info.width}x{info.height}), which {codec.name} cannot; "
                "try --pix-fmt yuv444p."
            )
        return asked
    kept = [name for name in usable if fits(name)] if taken else [info.pix_fmt]
    chosen = _nearest(codec, kept, info)
    if chosen is None:
        raise InputError(
            f"{codec.name} has no pixel format for {info.width}x{info.height} {info.pix_fmt}; "
            "try another encoder, such as libx264."
        )
    if info.pix_fmt in usable and info.pix_fmt not in kept:
        log.warning(
            "%s cannot halve the odd size %dx%d as %s does, so it is written as %s, which not every "
            "player shows; -c:v libvpx-vp9 keeps %s.",
            *(codec.name, info.width, info.height, info.pix_fmt, chosen, info.pix_fmt),
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
