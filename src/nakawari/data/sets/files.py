"""Files of published sets: pictures, lists of names and flow, each named when it is missing or broken."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from nakawari.checkpoints import write_atomic
from nakawari.errors import MediaError, OutputError, ShapeError

Floats = npt.NDArray[np.float32]

_FLO_TAG = 202021.25
"""First number of a .flo file; read as text it is PIEH."""
_UNKNOWN = 1e9
"""Flow beyond this says that nobody knows it (Middlebury's convention for .flo)."""


def read_picture(path: Path, resize: tuple[int, int] | None = None) -> Tensor:
    """A picture as [3, H, W] uint8 RGB, of the size `resize` (height, width) where that is given.

    Raises:
        MediaError: it is missing, or no picture.
    """
    picture: npt.NDArray[Any] = _decode(path, cv2.IMREAD_COLOR)
    if resize is not None and picture.shape[:2] != resize:
        way = cv2.INTER_AREA if resize[0] < picture.shape[0] else cv2.INTER_CUBIC
        picture = cv2.resize(picture, resize[::-1], interpolation=way)
    return torch.from_numpy(np.ascontiguousarray(picture[..., ::-1].transpose(2, 0, 1)))


def read_mask(path: Path) -> Tensor:
    """A map of black and white as [H, W] bool.

    Raises:
        MediaError: it is missing, or no picture.
    """
    return torch.from_numpy(_decode(path, cv2.IMREAD_GRAYSCALE) > 127)


def _decode(path: Path, how: int) -> npt.NDArray[np.uint8]:
    picture = cv2.imdecode(np.frombuffer(_content(path), np.uint8), how) if path.is_file() else None
    if picture is None:
        raise MediaError(
            f"{path} is no picture." if path.is_file() else f"{path} is missing; is the set whole?"
        )
    return picture.astype(np.uint8, copy=False)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes() or b"\0"
    except OSError as error:
        raise MediaError(f"{path} cannot be read: {error.strerror or error}; is the set whole?") from error


def same_size(paths: Sequence[Path], tensors: Sequence[Tensor]) -> None:
    """Raise ShapeError unless all are as large as the first; `paths` are their files."""
    for path, tensor in zip(paths, tensors, strict=True):
        if tensor.shape[-2:] != tensors[0].shape[-2:]:
            (height, width), (tall, wide) = tensor.shape[-2:], tensors[0].shape[-2:]
            raise ShapeError(f"{path} is {width}x{height}; wanted {wide}x{tall} as {paths[0].name} is.")


def read_list(path: Path) -> list[str]:
    """The lines of a text file, blank ones left out.

    Raises:
        MediaError: it is missing, or has none.
    """
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise MediaError(f"{path} cannot be read ({reason}); it is part of the set.") from error
    lines = [line for line in lines if line]
    if not lines:
        raise MediaError(f"{path} is empty; it is part of the set.")
    return lines


def folders(path: Path, wanted: str) -> list[Path]:
    """The folders in a folder by name.

    Raises:
        MediaError: there are none; `wanted` says what should be there.
    """
    if not path.is_dir():
        raise MediaError(f"there is no folder {path}; wanted {wanted}.")
    found = sorted(p for p in path.iterdir() if p.is_dir() and not p.name.startswith("."))
    if not found:
        raise MediaError(f"{path} holds no folders; wanted {wanted}.")
    return found


def neighbours(folder: Path, prefix: str, digits: int, pairs: Sequence[int] = ()) -> list[tuple[Path, Path]]:
    """Each numbered frame PREFIX0001.png of a sequence and the next one, from the first number to the last.

    A number that is missing between them is not left out, for its neighbours are no neighbours: it is named
    when it is read.

    Args:
        folder: of the sequence.
        prefix: of the names, "frame_".
        digits: of the numbers.
        pairs: numbers that are known to have a next one (those that have flow).

    Raises:
        MediaError: the sequence has fewer than two frames.
    """
    named = re.compile(rf"{re.escape(prefix)}(\d{{{digits}}})\.png")
    found = [int(match[1]) for path in folder.glob("*.png") if (match := named.fullmatch(path.name))]
    numbers = [*found, *pairs, *(number + 1 for number in pairs)]
    if not found or min(numbers) == max(numbers):
        name = f"{prefix}{1:0{digits}}.png"
        raise MediaError(f"{folder} has {len(found)} frames; wanted two and more, such as {name}.")
    paths = [folder / f"{prefix}{n:0{digits}}.png" for n in range(min(numbers), max(numbers) + 1)]
    return list(pairwise(paths))


def read_flow(path: Path) -> tuple[Tensor, Tensor]:
    """Flow of a .flo or .pfm file as [2, H, W] float32 (x right, y down), and where it is known, [H, W] bool.

    Where it is not known it is 0.

    Raises:
        MediaError: it is missing or broken.
    """
    if not path.is_file():
        raise MediaError(f"{path} is missing; is the set whole?")
    flow = _from_pfm(path) if path.suffix == ".pfm" else _from_flo(path)
    known = np.all(np.isfinite(flow) & (np.abs(flow) < _UNKNOWN), axis=2)
    flow = np.where(np.expand_dims(known, 2), flow, np.float32(0))
    return torch.from_numpy(np.ascontiguousarray(flow.transpose(2, 0, 1))), torch.from_numpy(known)


def _from_flo(path: Path) -> Floats:
    content = _content(path)
    if len(content) < 12 or np.frombuffer(content, "<f4", 1)[0] != np.float32(_FLO_TAG):
        raise MediaError(f"{path} is no .flo file (it does not begin with PIEH).")
    width, height = (int(number) for number in np.frombuffer(content, "<i4", 2, 4))
    return _shaped(path, content[12:], "<f4", (height, width, 2))


def _from_pfm(path: Path) -> Floats:
    content = _content(path)
    head = re.match(rb"(P[Ff])\s+(\d+)\s+(\d+)\s+([-+.\deE]+)\s", content)
    if head is None or head[1] != b"PF":
        raise MediaError(f"{path} is no .pfm file of three channels (it does not begin with PF and sizes).")
    width, height, scale = int(head[2]), int(head[3]), float(head[4])
    rows = _shaped(path, content[head.end() :], "<f4" if scale < 0 else ">f4", (height, width, 3))
    return rows[::-1, :, :2]  # PFM goes upwards; the third channel holds nothing


def _shaped(path: Path, body: bytes, kind: str, shape: tuple[int, int, int]) -> Floats:
    wanted = int(np.prod(shape, dtype=object)) * 4
    if min(shape) < 1 or len(body) < wanted:
        raise MediaError(
            f"{path} holds {len(body)} bytes of flow; wanted {wanted} for {shape[1]}x{shape[0]}. "
            "It was cut off; get it again."
        )
    return np.frombuffer(body, kind, wanted // 4).reshape(shape).astype(np.float32)


def write_flo(path: Path, flow: Tensor) -> None:
    """Write [2, H, W] as .flo."""
    rows = flow.permute(1, 2, 0).float().contiguous().numpy()
    head = np.float32(_FLO_TAG).tobytes() + np.array(rows.shape[1::-1], "<i4").tobytes()
    write_atomic(path, head + rows.astype("<f4").tobytes())


def write_pfm(path: Path, flow: Tensor) -> None:
    """Write [2, H, W] as .pfm, the third channel 0."""
    rows = flow.permute(1, 2, 0).float().contiguous().numpy()[::-1]
    rows = np.concatenate((rows, np.zeros_like(rows[..., :1])), 2)
    write_atomic(path, f"PF\n{rows.shape[1]} {rows.shape[0]}\n-1\n".encode() + rows.astype("<f4").tobytes())


def write_picture(path: Path, picture: Any) -> None:
    """Write [3, H, W] or [H, W] uint8 (or bool, as black and white); its name says the format.

    Raises:
        OutputError: it cannot be written.
    """
    pixels = picture.mul(255).byte() if picture.dtype == torch.bool else picture
    array = pixels.numpy() if pixels.ndim == 2 else pixels[:3].permute(1, 2, 0).flip(-1).contiguous().numpy()
    quality = [cv2.IMWRITE_JPEG_QUALITY, 95] if path.suffix == ".jpg" else []
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{path.parent} cannot be made: {error.strerror or error}.") from error
    _, packed = cv2.imencode(path.suffix, array, quality)
    write_atomic(path, packed.tobytes())
