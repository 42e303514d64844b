"""How samples stand for colour: one way from native frames to RGB and back, for all formats.

Matrix and range are read once a file. What the file does not say is resolved by the convention that
players follow: BT.709 where the picture is HD (1280 wide or 720 high, and more), SMPTE 170M (BT.601) below;
limited range, but full for `yuvj` formats and grey. Transfer and primaries are only carried along: RGB here
is the file's own, not converted to other primaries. Chroma of limited range lies on even columns (as MPEG-2
and H.264 default), of full range between them (as JPEG).
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from nakawari.errors import MediaError
from nakawari.video.frames import Array, Colour

log = logging.getLogger(__name__)

TAGS = ("colorspace", "color_range", "color_primaries", "color_trc")
"""The tags of a stream, by PyAV's names; values are ffmpeg's AVCOL numbers (2, or 0 of range: unsaid)."""

_MATRICES = {
    0: "rgb",
    1: "bt709",
    4: "fcc",
    5: "bt470bg",
    6: "smpte170m",
    7: "smpte240m",
    8: "ycgco",
    9: "bt2020nc",
    10: "bt2020nc",
}
_WEIGHTS = {  # of red and blue in luma
    "bt709": (0.2126, 0.0722),
    "fcc": (0.30, 0.11),
    "bt470bg": (0.299, 0.114),
    "smpte170m": (0.299, 0.114),
    "smpte240m": (0.212, 0.087),
    "bt2020nc": (0.2627, 0.0593),
}
RGB_TO_VIDEO = Colour(
    "bt709", False, (("colorspace", 1), ("color_range", 1), ("color_primaries", 1), ("color_trc", 1))
)
"""What pictures in RGB become when a video codec wants Y'CbCr."""


def resolve(tags: dict[str, int], pix_fmt: str, width: int, height: int) -> Colour:
    """The colour of a stream from its tags, and by convention where they say nothing."""
    said = tuple((name, tags[name]) for name in TAGS if tags[name] != (0 if name == "color_range" else 2))
    form = layout(pix_fmt)
    if form.rgb:
        return Colour("rgb", True, said)
    number = tags["colorspace"]
    matrix = _MATRICES.get(number, "")
    if matrix in ("", "rgb"):
        matrix = "bt709" if width >= 1280 or height >= 720 else "smpte170m"
    if number == 10 or number not in {*_MATRICES, 2}:
        log.warning("colour matrix %d is not known here; it is read as %s.", number, matrix)
    if tags["color_range"] in (1, 2):
        full = tags["color_range"] == 2
    else:
        full = pix_fmt.startswith("yuvj") or form.kind == "gray"
    return Colour(matrix, full, said)


_SEMI_PLANAR = re.compile(r"nv(\d\d)(?:le)?|p[024]1[026]le")


@dataclass(frozen=True, slots=True)
class Layout:
    """What matters of a pixel format: its kind, bits of a component, and how chroma is halved."""

    kind: Literal["yuv", "gbr", "gray", "packed", "other"]
    bits: int
    alpha: bool
    halved_x: bool
    halved_y: bool
    rgb: bool

    @property
    def dtype(self) -> type[np.uint8 | np.uint16]:
        """The type of RGB that holds it."""
        return np.uint8 if self.bits <= 8 else np.uint16


@lru_cache(maxsize=256)
def layout(pix_fmt: str) -> Layout:
    """Describe a pixel format by ffmpeg's name.

    Raises:
        MediaError: there is none of that name, or its samples are floating point.
    """
    import av

    try:
        form = av.VideoFormat(pix_fmt, 64, 64)
    except ValueError as error:
        raise MediaError(f"there is no pixel format {pix_fmt!r}; see 'ffmpeg -pix_fmts'.") from error
    parts = form.components
    if not parts:
        raise MediaError(f"pixel format {pix_fmt} is a card's own memory; wanted one of samples.")
    bits = max(part.bits for part in parts)
    rgb = form.is_rgb or form.has_palette
    if bits > 16:
        raise MediaError(f"pixel format {pix_fmt} has {bits}-bit samples; wanted at most 16.")
    alpha = form.has_palette or any(part.is_alpha for part in parts)
    planes = [part.plane for part in parts]
    plain = not form.is_big_endian and not form.is_bit_stream
    chroma = parts[1] if len(parts) >= 3 and not rgb else parts[0]
    ratio_x, ratio_y = 64 // chroma.width, 64 // chroma.height
    kind: Literal["yuv", "gbr", "gray", "packed", "other"] = "other"
    if rgb:
        kind = "gbr" if plain and len(set(planes)) >= 3 else "packed"
    elif plain and planes[:3] == [0, 1, 2] and max(ratio_x, ratio_y) <= 2:
        kind = "yuv"
    elif plain and len(parts) == 1:
        kind = "gray"
    return Layout(kind, bits, alpha, ratio_x == 2, ratio_y == 2, rgb)


def rows(plane: Any, bits: int) -> Array:
    """A plane as [rows, elements of a row with its padding], a view."""
    flat = np.frombuffer(plane, np.uint8 if bits <= 8 else np.uint16)
    view = flat.reshape(plane.height, -1)
    return view[::-1].copy() if plane.line_size < 0 else view


def to_rgb(native: Any, colour: Colour) -> Array:
    """A decoded `av.VideoFrame` as H×W×3 (or ×4 with alpha), uint8, or uint16 for more than 8 bits."""
    form = layout(native.format.name)
    if form.kind == "packed":
        return _packed_to_rgb(native, form)
    if form.kind == "other":
        return to_rgb(_replane(native, _kin(native.format.name), colour), colour)
    height, width = native.height, native.width
    top = 255 if form.dtype is np.uint8 else 65535
    if form.kind == "gbr":
        green, blue, red, *rest = (rows(p, form.bits)[:, :width] for p in native.planes)
        table = _stretch(form.bits)
        parts = (red, green, blue, *rest)
        return np.stack([p if table is None else table[p] for p in parts], 2)
    if form.kind == "gray":
        black, span, _, _ = _range(form.bits, colour.full_range)
        levels = (np.arange(1 << form.bits) - black) * (top / span)
        table = np.clip(np.rint(levels), 0, top).astype(form.dtype)
        return np.repeat(table[rows(native.planes[0], form.bits)[:, :width]][:, :, None], 3, 2)
    from nakawari.video.conversion import yuv_to_rgb

    out: Array = np.empty((height, width, 4 if form.alpha else 3), form.dtype)
    luma, cb, cr = (rows(p, form.bits) for p in native.planes[:3])
    matrix, scale = _decoding(form.bits, colour.matrix, colour.full_range, top)
    sampling = (form.halved_y, form.halved_x, not colour.full_range)
    size = (native.planes[1].height, native.planes[1].width)
    yuv_to_rgb(
        luma.ravel(), luma.shape[1], cb.ravel(), cr.ravel(), cb.shape[1], *size, sampling, scale, matrix, out
    )
    if form.alpha:
        table = _stretch(form.bits)
        alpha = rows(native.planes[3], form.bits)[:, :width]
        out[:, :, 3] = alpha if table is None else table[alpha]
    return out


def from_rgb(rgb: Array, pix_fmt: str, colour: Colour) -> Any:
    """An `av.VideoFrame` of `pix_fmt` from H×W×3 or ×4, uint8 or uint16; alpha is dropped if need be."""
    import av

    form = layout(pix_fmt)
    if form.kind == "packed":
        return _rgb_to_packed(rgb, pix_fmt)
    if form.kind == "other":
        return _replane(from_rgb(rgb, _kin(pix_fmt), colour), pix_fmt, colour)
    height, width = rgb.shape[:2]
    frame = av.VideoFrame(width, height, pix_fmt)
    planes = [rows(p, form.bits) for p in frame.planes]
    top = 255 if rgb.dtype == np.uint8 else 65535
    if form.kind == "gbr":
        for plane, channel in zip(planes, (1, 2, 0), strict=False):
            plane[:, :width] = _rescale(rgb[:, :, channel], top, form.bits)
    else:
        _fill_yuv(frame, planes, form, np.ascontiguousarray(rgb), colour)
    if form.alpha:
        opaque = (1 << form.bits) - 1
        planes[3][:, :width] = _rescale(rgb[:, :, 3], top, form.bits) if rgb.shape[2] == 4 else opaque
    return frame


def _fill_yuv(frame: Any, planes: list[Array], form: Layout, rgb: Array, colour: Colour) -> None:
    from nakawari.video.conversion import rgb_to_yuv

    top = 255 if rgb.dtype == np.uint8 else 65535
    if form.kind == "gray":
        cb = cr = np.empty_like(planes[0])
        size = (frame.height, frame.width)
    else:
        cb, cr = planes[1:3]
        size = (frame.planes[1].height, frame.planes[1].width)
    matrix, scale = _encoding(form.bits, colour.matrix, colour.full_range, top)
    sampling = (form.halved_y, form.halved_x, not colour.full_range)
    luma = planes[0]
    coarse = form.kind == "yuv" and form.bits == 8 and top == 255 and not colour.full_range
    errors = np.empty((0, 0), np.float32)
    if coarse:
        decoding = _decoding(8, colour.matrix, False, 255)[0]
        errors = decoding / decoding[0, 0]
        errors[:, 0] *= 1.5 / decoding[0, 0]
    rgb_to_yuv(
        rgb, luma.ravel(), luma.shape[1], cb.ravel(), cr.ravel(), cb.shape[1], *size, sampling, scale, matrix,
        errors,
    )  # fmt: skip


def _range(bits: int, full: bool) -> tuple[float, float, float, float]:
    """Black, luma span, chroma middle, chroma span."""
    if full:
        top = float((1 << bits) - 1)
        return 0.0, top, float(1 << (bits - 1)), top
    unit = float(1 << (bits - 8))
    return 16 * unit, 219 * unit, 128 * unit, 224 * unit


@lru_cache(maxsize=64)
def _encoding(
    bits: int, matrix: str, full: bool, top: int
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """The matrix from RGB in 0..`top` to samples without their offsets, and (black, middle, largest)."""
    black, span, middle, chroma_span = _range(bits, full)
    forward = _rgb_to_ycc(matrix) * np.array([[span], [chroma_span], [chroma_span]]) / top
    scale = np.array([black, middle, (1 << bits) - 1])
    return forward.astype(np.float32), scale.astype(np.float32)


@lru_cache(maxsize=64)
def _decoding(
    bits: int, matrix: str, full: bool, top: int
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """The matrix from samples without their offsets to RGB in 0..`top`, and (black, middle, `top`)."""
    black, span, middle, chroma_span = _range(bits, full)
    inverse = np.linalg.inv(_rgb_to_ycc(matrix)) * (top / np.array([span, chroma_span, chroma_span]))
    inverse[:, 0] = top / span  # grey is the same in R, G and B to the last bit
    return inverse.astype(np.float32), np.array([black, middle, top], np.float32)


def _rgb_to_ycc(matrix: str) -> npt.NDArray[np.float64]:
    if matrix == "ycgco":
        return np.array([[0.25, 0.5, 0.25], [-0.25, 0.5, -0.25], [0.5, 0.0, -0.5]])
    red, blue = _WEIGHTS[matrix]
    luma = np.array([red, 1 - red - blue, blue])
    cb = (np.array([0, 0, 1]) - luma) / (2 * (1 - blue))
    cr = (np.array([1, 0, 0]) - luma) / (2 * (1 - red))
    return np.stack([luma, cb, cr])


@lru_cache(maxsize=16)
def _stretch(bits: int) -> npt.NDArray[np.uint16] | None:
    """Full-range samples of 9..15 bits to 16, as a table; None where there is nothing to do."""
    if bits in (8, 16):
        return None
    largest = (1 << bits) - 1
    # decoders may leave junk above the top bit: a table for all of uint16 never reads out of bounds
    return np.rint(np.minimum(np.arange(65536), largest) * (65535 / largest)).astype(np.uint16)


def _rescale(samples: Array, top: int, bits: int) -> Array:
    largest = (1 << bits) - 1
    if top == largest:
        return samples
    return np.rint(samples * (largest / top)).astype(np.uint8 if bits <= 8 else np.uint16)


def _packed_to_rgb(native: Any, form: Layout) -> Array:
    name = (
        ("rgba" if form.alpha else "rgb24") if form.bits <= 8 else ("rgba64le" if form.alpha else "rgb48le")
    )
    packed = native if native.format.name == name else native.reformat(format=name, threads=1)
    channels = 4 if form.alpha else 3
    view = rows(packed.planes[0], form.bits)[:, : native.width * channels]
    return np.ascontiguousarray(view).reshape(native.height, native.width, channels)


def _rgb_to_packed(rgb: Array, pix_fmt: str) -> Any:
    import av

    channels = rgb.shape[2]
    kind = {(3, 1): "rgb24", (4, 1): "rgba", (3, 2): "rgb48le", (4, 2): "rgba64le"}[
        channels, rgb.dtype.itemsize
    ]
    frame = av.VideoFrame(rgb.shape[1], rgb.shape[0], kind)
    bits = 8 * rgb.dtype.itemsize
    rows(frame.planes[0], bits)[:, : rgb.shape[1] * channels] = rgb.reshape(rgb.shape[0], -1)
    return frame if kind == pix_fmt else frame.reformat(format=pix_fmt, threads=1)


def planar(pix_fmt: str) -> str:
    """The planar format of the same samples, for NV12 and its like; otherwise the format itself."""
    return _kin(pix_fmt) if _SEMI_PLANAR.fullmatch(pix_fmt) else pix_fmt


def replaned(frame: Any, pix_fmt: str, colour: Colour) -> Any:
    """The same samples of a planar frame as NV12 or its like."""
    return _replane(frame, pix_fmt, colour)


def _replane(frame: Any, pix_fmt: str, colour: Colour) -> Any:
    """The same samples from planes to an odd format or back: NV12 and its like here, others by swscale."""
    import av

    odd = frame.format.name if layout(frame.format.name).kind == "other" else pix_fmt
    semi = _SEMI_PLANAR.fullmatch(odd)
    if semi is None:
        return _swscale(frame, pix_fmt, colour)
    bits = layout(odd).bits
    made = av.VideoFrame(frame.width, frame.height, pix_fmt)
    shift = 0 if semi[1] else 16 - bits  # P010 and its like keep samples in the high bits
    to_planes = odd != pix_fmt
    for target, source in zip(_three(made, semi[1]), _three(frame, semi[1]), strict=True):
        target[:] = source >> shift if to_planes else source << shift
    return made


def _three(frame: Any, order: str | None) -> list[Array]:
    """Views of luma, Cb and Cr of a planar or semi-planar frame (NV21 and NV42 have Cr first)."""
    bits = layout(frame.format.name).bits
    views = [rows(plane, bits) for plane in frame.planes]
    width, halved = frame.planes[0].width, frame.planes[1].width
    if len(views) == 3:
        return [views[0][:, :width], views[1][:, :halved], views[2][:, :halved]]
    pair = [views[1][:, start : 2 * halved : 2] for start in (0, 1)]
    return [views[0][:, :width], *(reversed(pair) if order in ("21", "42") else pair)]


def _kin(pix_fmt: str) -> str:
    """The planar format that holds the samples of a semi-planar, packed or otherwise odd one."""
    form = layout(pix_fmt)
    depth = "" if form.bits <= 8 else f"{max(form.bits, 9) if form.bits != 11 else 12}le"
    halving = {(True, True): "420", (True, False): "422", (False, True): "440", (False, False): "444"}
    if form.alpha:
        return f"yuva444p{depth}"
    return f"yuv{halving[form.halved_x, form.halved_y]}p{depth}"


def _swscale(frame: Any, pix_fmt: str, colour: Colour) -> Any:
    """Rearrange samples, changing neither matrix nor range."""
    from av.video.reformatter import ColorRange, Interpolation

    span = ColorRange.JPEG if colour.full_range else ColorRange.MPEG
    flags = Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.BITEXACT
    return frame.reformat(
        format=pix_fmt, src_color_range=span, dst_color_range=span, interpolation=flags, threads=1
    )
