"""Guides on disk: the coarse flow of a pair, for training, in a hundredth of the room.

A guide is made of colour pieces, and within a piece flow changes slowly. So a file holds, for either
direction, which piece each pixel belongs to (a lossless picture) and the mean flow of each piece in each
cell of a grid; reading lays flow out between the middles of the cells, never across the rim of a piece. The
grid is the finest with which the file stays within LARGEST_BYTES. A crop is what the full size has there.

The published layout, two arrays of doubles (`guide_flo13.npy`, `guide_flo31.npy`: 16.6 MB for a pair), is
read and written too.
"""

# ruff: noqa: ANN001, ANN202
from __future__ import annotations

import io
import json
import lzma
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from nakawari.checkpoints import write_atomic
from nakawari.errors import InputError, ShapeError
from nakawari.ops.compiled import compile_kernel

FILE = "guide.safetensors"
PUBLISHED = ("guide_flo13.npy", "guide_flo31.npy")
FORMAT = "nakawari-guide/1"
LARGEST_BYTES = 100_000
CELLS_PX = (2, 3, 4, 6, 8, 12, 16, 32, 64, 128)
"""Sides of a cell, from which the finest that fits is taken."""
STEPS = 8
"""Flow is kept in eighths of a pixel."""

Floats = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int32]
Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class StoredGuide:
    """The coarse flow of a pair.

    Attributes:
        flow01, flow10: [2, H, W] float32, pixels; zero where there is none.
        facts: how it was made, in words; empty for the published layout, which does not say.
    """

    flow01: Floats
    flow10: Floats
    facts: dict[str, str]


def write_guide(
    path: Path,
    flows: tuple[Floats, Floats],
    pieces: tuple[Labels, Labels],
    facts: Mapping[str, str],
) -> int:
    """Write a guide file, atomically.

    Args:
        path: `*.safetensors`.
        flows: flow01 and flow10, [2, H, W], pixels.
        pieces: for each the piece of every pixel, [H, W]; 0 where there is no flow, which is not kept then.
        facts: how it was made.

    Returns:
        its size in bytes, at most LARGEST_BYTES unless the pieces alone need more.

    Raises:
        ShapeError: the shapes do not fit each other.
        OutputError: it cannot be written there.
    """
    from safetensors.numpy import save

    for flow, labels in zip(flows, pieces, strict=True):
        if flow.shape != (2, *labels.shape):
            raise ShapeError(f"flow is {list(flow.shape)}, its pieces {list(labels.shape)}; wanted one size.")
    numbered = [_numbered(labels) for labels in pieces]
    maps = [_pack_map(labels) for labels in numbered]
    for cell in CELLS_PX:
        tensors = {}
        for way, flow, labels, packed in zip(("01", "10"), flows, numbered, maps, strict=True):
            tensors[f"pieces{way}"] = packed
            tensors[f"flow{way}"] = _pack_values(_cell_means(flow, labels, cell), labels, cell)
        # One entry, for safetensors does not keep several in order: equal guides are equal bytes.
        header = json.dumps({"format": FORMAT, "cell": str(cell), **facts})
        content: bytes = save(tensors, {"guide": header})
        if len(content) <= LARGEST_BYTES:
            break
    write_atomic(path, content)
    return len(content)


def read_guide(path: Path, crop: tuple[slice, slice] | None = None) -> StoredGuide:
    """Read a guide file, or what of it lies in a crop (rows, columns).

    Raises:
        InputError: the file is absent, broken, or no guide.
    """
    facts = read_facts(path)
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        tensors = load(path.read_bytes())
        cell = int(facts["cell"])
        flows = []
        for way in ("01", "10"):
            labels = _unpack_map(tensors[f"pieces{way}"])
            flows.append(_lay_out(labels, tensors[f"flow{way}"], cell, crop))
    except (SafetensorError, OSError, KeyError, ValueError, lzma.LZMAError, cv2.error) as error:
        raise InputError(f"{path} is not a whole guide: {error}. Make it anew.") from error
    return StoredGuide(flows[0], flows[1], facts)


def read_facts(path: Path) -> dict[str, str]:
    """How a guide was made; its flow is not read.

    Raises:
        InputError: the file is absent, broken, or no guide.
    """
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise InputError(f"there is no guide {path}.")
    try:
        with safe_open(str(path), framework="np") as file:
            facts: dict[str, str] = json.loads((file.metadata() or {}).get("guide", "{}"))
    except (SafetensorError, OSError, ValueError) as error:
        raise InputError(f"{path} is not a whole guide: {error}. Make it anew.") from error
    if facts.get("format") != FORMAT:
        raise InputError(
            f"{path} is no guide of nakawari (format {facts.get('format')!r}; wanted {FORMAT!r})."
        )
    return facts


def write_published(folder: Path, flows: tuple[Floats, Floats]) -> int:
    """Write the published layout into a folder that exists; returns its size in bytes.

    Raises:
        OutputError: it cannot be written there.
    """
    size = 0
    for name, flow in zip(PUBLISHED, flows, strict=True):
        content = io.BytesIO()
        np.save(content, np.asarray(flow, np.float64))
        write_atomic(folder / name, content.getvalue())
        size += content.tell()
    return size


def read_published(folder: Path, crop: tuple[slice, slice] | None = None) -> StoredGuide:
    """Read the published layout, or what of it lies in a crop; only the crop is read from the disk.

    Raises:
        InputError: a file is absent or broken, or the two do not fit each other.
    """
    flows = []
    for name in PUBLISHED:
        path = folder / name
        try:
            flow = np.load(path, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise InputError(f"{path} cannot be read as an array: {error}.") from error
        if flow.ndim != 3 or flow.shape[0] != 2 or not np.issubdtype(flow.dtype, np.floating):
            raise InputError(f"{path} is {flow.dtype} {list(flow.shape)}; wanted floating point [2, H, W].")
        flows.append(np.array(flow if crop is None else flow[:, crop[0], crop[1]], np.float32))
    if flows[0].shape != flows[1].shape:
        shapes = [list(flow.shape) for flow in flows]
        raise InputError(f"{folder / PUBLISHED[1]} is {shapes[1]}; wanted {shapes[0]} as {PUBLISHED[0]} is.")
    return StoredGuide(flows[0], flows[1], {})


def find_guide(folder: Path, crop: tuple[slice, slice] | None = None) -> StoredGuide | None:
    """The guide in a pair's folder, ours before the published layout; None where there is neither.

    Raises:
        InputError: it is broken.
    """
    if (folder / FILE).is_file():
        return read_guide(folder / FILE, crop)
    if all((folder / name).is_file() for name in PUBLISHED):
        return read_published(folder, crop)
    return None


def _numbered(labels: Labels) -> Labels:
    """The same pieces without gaps in their numbers: 0 stays, the rest from 1."""
    present = np.unique(np.append(labels, 0))
    return np.searchsorted(present, labels).astype(np.int32)


def _pack_map(labels: Labels) -> Bytes:
    """A lossless picture: the number's low byte is blue, its high byte green."""
    if labels.max() > 0xFFFF:
        raise ShapeError(f"there are {labels.max()} pieces; wanted at most {0xFFFF}.")
    picture = np.stack([labels & 255, labels >> 8, np.zeros_like(labels)], 2).astype(np.uint8)
    _, packed = cv2.imencode(".webp", picture, [cv2.IMWRITE_WEBP_QUALITY, 101])
    return np.asarray(packed, np.uint8).reshape(-1)


def _unpack_map(packed: Bytes) -> Labels:
    picture = cv2.imdecode(packed, cv2.IMREAD_COLOR)
    if picture is None:
        raise ValueError("the picture of its pieces cannot be decoded")
    return picture[..., 0].astype(np.int32) | (picture[..., 1].astype(np.int32) << 8)


def _keys(labels: Labels, cell: int) -> npt.NDArray[np.int64]:
    """[H, W]: cell and piece as one number; a cell's pieces stand together."""
    rows, columns = (np.arange(side) // cell for side in labels.shape)
    across = -(-labels.shape[1] // cell)
    cells = rows[:, None] * across + columns[None]
    return np.asarray(cells * (int(labels.max()) + 1) + labels)


def _cell_means(flow: Floats, labels: Labels, cell: int) -> npt.NDArray[np.int64]:
    """[2, N]: mean flow in steps for every pair of a cell and a piece in it, in order of their keys."""
    inside = labels > 0
    _, place = np.unique(_keys(labels, cell)[inside], return_inverse=True)
    area = np.bincount(place)
    means = [np.bincount(place, weights=component[inside]) / area for component in flow]
    return np.rint(np.stack(means) * STEPS).astype(np.int64)


def _pack_values(values: npt.NDArray[np.int64], labels: Labels, cell: int) -> Bytes:
    """Each value less the piece's value before it, small numbers for small changes either way."""
    order = _by_piece(labels, cell)
    changes = np.diff(values[:, order], axis=1, prepend=0)
    folded = np.where(changes >= 0, 2 * changes, -2 * changes - 1).astype("<u4")
    planes = folded.reshape(-1).view(np.uint8).reshape(-1, 4).T
    return np.frombuffer(lzma.compress(planes.tobytes(), preset=9), np.uint8)


def _by_piece(labels: Labels, cell: int) -> npt.NDArray[np.int64]:
    """The order of keys in which each piece's cells follow one another."""
    keys = np.unique(_keys(labels, cell)[labels > 0])
    kinds = int(labels.max()) + 1
    return np.asarray(np.lexsort((keys // kinds, keys % kinds)))


def _lay_out(labels: Labels, packed: Bytes, cell: int, crop: tuple[slice, slice] | None) -> Floats:
    height, width = labels.shape
    keys = np.unique(_keys(labels, cell)[labels > 0])
    planes = np.frombuffer(lzma.decompress(packed.tobytes()), np.uint8).reshape(4, -1)
    folded = np.ascontiguousarray(planes.T).view("<u4").reshape(2, -1).astype(np.int64)
    if folded.shape[1] != len(keys):
        raise ValueError(f"{folded.shape[1]} values for {len(keys)} cells")
    values = np.empty((2, len(keys)), np.float32)
    values[:, _by_piece(labels, cell)] = np.cumsum(np.where(folded & 1, -(folded + 1) // 2, folded // 2), 1)
    kinds = int(labels.max()) + 1
    cells = -(-height // cell) * -(-width // cell)
    first = np.searchsorted(keys // kinds, np.arange(cells + 1))
    rows, columns = (
        s.indices(side) for s, side in zip(crop or (slice(None),) * 2, (height, width), strict=True)
    )
    flow = np.zeros((2, max(0, rows[1] - rows[0]), max(0, columns[1] - columns[0])), np.float32)
    _between(labels, cell, first, keys % kinds, values / np.float32(STEPS), rows[0], columns[0], flow)
    return flow


@compile_kernel("void(i4[:, ::1], i8, i8[::1], i8[::1], f4[:, ::1], i8, i8, f4[:, :, ::1])")
def _between(labels, cell, first, piece, values, top, left, flow):  # type: ignore[no-untyped-def]
    """Bilinear between the middles of cells, of those only that hold the pixel's piece."""
    across = (labels.shape[1] + cell - 1) // cell
    down = (labels.shape[0] + cell - 1) // cell
    one, half = np.float32(1), np.float32(0.5)
    for y in range(flow.shape[1]):
        at_y = (np.float32(top + y) + half) / np.float32(cell) - half
        row = np.int64(np.floor(at_y))
        for x in range(flow.shape[2]):
            wanted = labels[top + y, left + x]
            if wanted == 0:
                continue
            at_x = (np.float32(left + x) + half) / np.float32(cell) - half
            column = np.int64(np.floor(at_x))
            u, v, total = np.float32(0), np.float32(0), np.float32(0)
            for k in range(4):
                r, c = row + k // 2, column + k % 2
                if not (0 <= r < down and 0 <= c < across):
                    continue
                share_y = at_y - np.float32(row) if k // 2 else one - at_y + np.float32(row)
                share_x = at_x - np.float32(column) if k % 2 else one - at_x + np.float32(column)
                for i in range(first[r * across + c], first[r * across + c + 1]):
                    if piece[i] == wanted:
                        share = share_y * share_x
                        u += share * values[0, i]
                        v += share * values[1, i]
                        total += share
            flow[0, y, x], flow[1, y, x] = u / total, v / total
