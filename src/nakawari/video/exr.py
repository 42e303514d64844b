"""OpenEXR: linear light in floating point, colour premultiplied by alpha, as a picture that models can take.

Models take values in [0, 1] that are evenly spaced to the eye, and straight alpha. So colour is divided by
alpha and goes through a curve, and all the way back when a drawing is written:

    0 to 1           3/4 of the sRGB curve
    1 to 65536       3/4 + log2(value) / 64

It is continuous and rises strictly, so every value from 0 to 65536 (half floats end at 65504) comes back.
Negative values, which no light has, become 0.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from nakawari.errors import MediaError, OutputError
from nakawari.optional import need
from nakawari.video.reader import MOST_PIXELS

Floats = npt.NDArray[np.float32]

log = logging.getLogger(__name__)

SUFFIX = ".exr"
KNEE, STOPS = 0.75, 64.0
LARGEST = 65536.0
_KEPT = (
    *("compression", "pixelAspectRatio", "framesPerSecond"),
    *("chromaticities", "whiteLuminance", "adoptedNeutral"),
)
"""What a header says that a drawing beside it says too."""


@dataclass(frozen=True, slots=True)
class Exr:
    """A picture, and what its file says of it.

    Attributes:
        image: H×W×3 or H×W×4 in [0, 1], through the curve, straight alpha.
        half: samples have 16 bits, not 32.
        grey: one channel of brightness.
        header: what a drawing beside this one says too.
    """

    image: Floats
    half: bool
    grey: bool
    header: dict[str, Any]


def encode_light(light: Floats) -> Floats:
    """Linear light from 0 to 65536 → [0, 1]."""
    low = np.clip(light, 0, 1)
    srgb = np.where(low <= 0.0031308, 12.92 * low, 1.055 * low ** (1 / 2.4) - 0.055)
    high = np.log2(np.maximum(light, 1)) / STOPS
    return np.asarray(KNEE * srgb + high, np.float32)


def decode_light(coded: Floats) -> Floats:
    """What `encode_light` made, back."""
    low = np.clip(coded, 0, KNEE) / KNEE
    linear = np.where(low <= 0.04045, low / 12.92, ((low + 0.055) / 1.055) ** 2.4)
    high = np.exp2(np.maximum(coded - KNEE, 0) * STOPS)
    return np.asarray(np.where(coded > KNEE, high, linear), np.float32)


def read_exr(path: Path) -> Exr:
    """Read the first part of a file, on its display window.

    Raises:
        MediaError: it is broken, deep, too large, or holds what the curve cannot.
        MissingExtraError: OpenEXR is not installed.
    """
    openexr = need("OpenEXR", extra="cel")
    header = _header(path)
    top, canvas = _window(header, path)
    try:
        with _quiet(), openexr.File(str(path), separate_channels=True) as file:
            channels = {name: np.asarray(channel.pixels) for name, channel in file.channels().items()}
    except (RuntimeError, ValueError, TypeError, OSError, KeyError) as error:
        raise _unreadable(path, error) from error
    grey = "Y" in channels and "R" not in channels
    names = ["Y"] if grey else ["R", "G", "B"]
    if not all(name in channels for name in names):
        raise MediaError(f"{path} has channels {', '.join(sorted(channels))}; wanted R, G, B (and A), or Y.")
    beside = sorted(set(channels) - {*names, "A"})
    if beside:
        log.warning("%s: channels %s are not drawn.", path, ", ".join(beside))
    planes = [channels[name] for name in names] * (3 if grey else 1)
    alpha = channels.get("A")
    half = planes[0].dtype == np.float16
    placed = [
        _placed(plane, top, canvas, path) for plane in ([*planes] if alpha is None else [*planes, alpha])
    ]
    light = np.stack(placed[:3], 2)
    straight = light if alpha is None else _straight(light, placed[3], path)
    if not np.isfinite(straight).all() or straight.max(initial=0) > LARGEST:
        raise MediaError(f"{path} holds values that are not finite or above {LARGEST:.0f}; mend them first.")
    image = encode_light(straight)
    if alpha is not None:
        image = np.concatenate([image, np.clip(placed[3], 0, 1)[..., None]], 2)
    return Exr(image, half, grey, {name: header[name] for name in _KEPT if name in header})


def exr_size(path: Path) -> tuple[int, int]:
    """Width and height of the display window that a file claims.

    Raises:
        MediaError: it is broken or too large.
        MissingExtraError: OpenEXR is not installed.
    """
    height, width = _window(_header(path), path)[1]
    return width, height


def _header(path: Path) -> dict[str, Any]:
    openexr = need("OpenEXR", extra="cel")
    try:
        with _quiet(), openexr.File(str(path), header_only=True) as file:
            header = dict(file.header())
    except (RuntimeError, ValueError, TypeError, OSError, KeyError) as error:
        raise _unreadable(path, error) from error
    if not {"displayWindow", "dataWindow"} <= header.keys():
        raise _unreadable(path, "it says no size")
    return header


def _unreadable(path: Path, why: object) -> MediaError:
    return MediaError(f"{path} is no OpenEXR picture that can be read ({why}).")


_ALONE = Lock()
"""Outputs belong to the whole process: two threads that hush them at once would leave them so."""


@contextmanager
def _quiet() -> Iterator[None]:
    """While inside, nothing is printed: the library tells of broken files on both outputs, we in one line."""
    with _ALONE, open(os.devnull, "w") as nowhere, redirect_stdout(nowhere):
        kept = [(stream, os.dup(stream)) for stream in (1, 2)]
        try:
            for stream, _ in kept:
                os.dup2(nowhere.fileno(), stream)
            yield
        finally:
            for stream, copy in kept:
                os.dup2(copy, stream)
                os.close(copy)


def _window(header: dict[str, Any], path: Path) -> tuple[tuple[int, int], tuple[int, int]]:
    """Where the data begin on the display window, (row, column), and its size."""
    (left, top), (right, bottom) = (tuple(map(int, corner)) for corner in header["displayWindow"])
    (x, y), (far, low) = (tuple(map(int, corner)) for corner in header["dataWindow"])
    height, width = bottom - top + 1, right - left + 1
    for rows, columns in ((height, width), (low - y + 1, far - x + 1)):
        if min(rows, columns) < 1 or rows * columns > MOST_PIXELS:
            raise MediaError(f"{path} is {columns}x{rows}; wanted 1 to {MOST_PIXELS} pixels.")
    return (y - top, x - left), (height, width)


def _placed(plane: npt.NDArray[Any], top: tuple[int, int], canvas: tuple[int, int], path: Path) -> Floats:
    """A channel of the data window on the display window, 0 around it."""
    if plane.ndim != 2:
        raise MediaError(f"{path} has deep or multi-sampled pixels; wanted a flat picture.")
    out = np.zeros(canvas, np.float32)
    rows, columns = (
        (max(0, at), min(side, at + length))
        for at, side, length in zip(top, canvas, plane.shape, strict=True)
    )
    if rows[0] < rows[1] and columns[0] < columns[1]:
        part = plane[rows[0] - top[0] : rows[1] - top[0], columns[0] - top[1] : columns[1] - top[1]]
        out[rows[0] : rows[1], columns[0] : columns[1]] = part
    return out


def _straight(light: Floats, alpha: Floats, path: Path) -> Floats:
    bare = (alpha <= 0) & (np.abs(light).max(2) > 1e-4)
    if bare.any():
        raise MediaError(
            f"{path} has light where its alpha is 0 ({int(bare.sum())} pixels), which has no straight "
            "colour; give such glows a layer without alpha."
        )
    return np.divide(light, alpha[..., None], out=np.zeros_like(light), where=alpha[..., None] > 0)


def display_light(coded: Floats) -> npt.NDArray[np.uint16]:
    """A picture as `read_exr` gives it as sRGB; light above 1 is white."""
    picture = np.array(coded)
    picture[..., :3] = np.clip(picture[..., :3] / KNEE, 0, 1)
    return np.rint(picture * 65535).astype(np.uint16)


def exr_bytes(image: Floats, like: Exr) -> bytes:
    """A picture as `read_exr` gives it as the bytes of a file, in the kind that `like` has.

    Raises:
        OutputError: it cannot be written.
    """
    openexr = need("OpenEXR", extra="cel")
    light = decode_light(np.asarray(image[..., :3], np.float32))
    planes = [light[..., 0]] if like.grey else [light[..., n] for n in range(3)]
    names = ["Y"] if like.grey else ["R", "G", "B"]
    if image.shape[2] == 4:
        alpha = np.asarray(image[..., 3], np.float32)
        planes = [*(plane * alpha for plane in planes), alpha]
        names.append("A")
    kind = np.float16 if like.half else np.float32
    channels = {
        name: np.ascontiguousarray(plane.astype(kind)) for name, plane in zip(names, planes, strict=True)
    }
    try:
        with TemporaryDirectory(prefix="nakawari-") as folder:
            place = Path(folder, "made.exr")
            with openexr.File({"type": openexr.scanlineimage, **like.header}, channels) as file:
                file.write(str(place))
            return place.read_bytes()
    except (RuntimeError, ValueError, TypeError, OSError) as error:
        raise OutputError(f"a picture cannot be written as .exr ({error}).") from error
