"""What an animator looks for in an in-between: lines of one weight, closed regions, no colour of its own.

A truth is not needed: a frame is compared with the keys around it. `examine` gives all of it as numbers and
as flags; `wrong_paint` is for those who have the truth.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from nakawari.errors import ShapeError
from nakawari.metrics.doubt import LARGE
from nakawari.ops.colours import pack, unpack
from nakawari.ops.regions import label_regions
from nakawari.ops.strokes import (
    CONTRAST,
    COVERED,
    spotted_coverage,
    trace,
    widest_line,
    without_spots,
)
from nakawari.tensors import Array, to_bytes

Bytes = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]

SMALLEST_REGION_PX = 12
WIDTHS = np.arange(0.0, 12.01, 0.5)
"""Edges of the bins of stroke width, pixels."""
DEPTHS = np.arange(0, 257, 4)
"""Edges of the bins of how dark strokes are, 0-255."""
BRIDGED_PX = 10.0
"""Two free ends this near, facing each other, are a gap."""
BIT_PX = 4
"""A piece of line of at most so many pixels is a bit."""
DOUBLE, APART = 12, 36
"""Grey levels: this near to the mix of both keys and this far from either is a ghost."""
GHOSTLY, DISCOLOURED = 0.1, 0.002
"""Shares from which a frame is a `ghost` and has a `new colour`."""
FEW, GAPS_VARY, BITS_VARY, REGIONS_LOST, LINES_LOST = 2.0, 2.0, 0.75, 0.1, 0.15
"""By so much do drawings by hand differ from their neighbours: a few more gaps, or as multiple of the root of
their number; a few more bits and such a share of theirs; fewer regions, less length of lines, as shares."""
MAIN_SHARE = 2e-4
"""Of the picture: colours that cover more are paint, others are mixes of paints."""
TOUCH_PX, TOLERANCE = 3, 6
"""How near two paints touch, and how far from a mix of two that do (0-255, any channel) is a new colour."""
MOST_PAINTS = 256


@dataclass(frozen=True, slots=True)
class CelCheck:
    """An in-between beside its keys.

    Attributes:
        stroke_width_px: distance of its histogram of stroke widths from that of the keys, pixels.
        regions, key_regions: closed regions; of the keys, the fewer.
        gaps, key_gaps: breaks in lines; of the keys, the more.
        bits, key_bits: pieces of line of at most BIT_PX pixels; of the keys, the more.
        strokes_px, key_strokes_px: length of all strokes, pixels; of the keys, the less.
        new_colours: share of what differs from the nearer key in colours that neither key has, nor a mix of
            two that touch in one, beyond what either key has of such colours beside the other.
        ghosts: share of what changes between the keys that is a transparent mix of both.
    """

    stroke_width_px: float
    regions: int
    key_regions: int
    gaps: int
    key_gaps: int
    bits: int
    key_bits: int
    strokes_px: float
    key_strokes_px: float
    new_colours: float
    ghosts: float

    def flags(self, confidence: float | None = None) -> list[str]:
        """Of `ghost`, `gap`, `new colour` and `low confidence`, those that hold.

        Args:
            confidence: of the pair, in [0, 1], where the model tells it.
        """
        found = {
            "ghost": self.ghosts > GHOSTLY,
            "gap": self.broken,
            "new colour": self.new_colours > DISCOLOURED,
            "low confidence": confidence is not None and 1 - confidence > LARGE,
        }
        return [name for name, holds in found.items() if holds]

    @property
    def broken(self) -> bool:
        """Whether gaps or bits are more, closed regions fewer or lines shorter than in drawings by hand."""
        gaps = self.gaps - self.key_gaps > max(FEW, GAPS_VARY * self.key_gaps**0.5)
        bits = self.bits - self.key_bits > FEW + BITS_VARY * self.key_bits
        regions = self.key_regions - self.regions > max(1.0, REGIONS_LOST * self.key_regions)
        return gaps or bits or regions or self.strokes_px < (1 - LINES_LOST) * self.key_strokes_px


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines of a frame.

    Attributes:
        widths, depths: histograms of how wide strokes are, and of how much darker than what is beside them,
            in bins of WIDTHS and DEPTHS; each adds up to 1, or 0 without lines.
        gaps, bits, regions, strokes_px: as in `CelCheck`.
    """

    widths: npt.NDArray[np.float64]
    depths: npt.NDArray[np.float64]
    gaps: int
    bits: int
    regions: int
    strokes_px: float


def lines_of(frame: Array) -> Lines:
    """Stroke widths, gaps and closed regions of an H×W×3 or H×W×4 frame."""
    rgb = to_bytes(frame)
    spotted, depth = spotted_coverage(rgb)
    bits = _bits(rgb, spotted > COVERED)
    coverage = without_spots(spotted, widest_line(len(rgb)))
    strokes = trace(coverage)
    widths, _ = np.histogram(np.clip(2 * strokes.radius, 0, WIDTHS[-1]), WIDTHS)
    at = np.rint(strokes.place).astype(np.int64)
    darkest = cv2.dilate(depth, np.ones((3, 3), np.uint8))[
        at[:, 1].clip(0, len(rgb) - 1), at[:, 0].clip(0, rgb.shape[1] - 1)
    ]
    depths, _ = np.histogram(darkest, DEPTHS)
    free = rgb.copy()
    line = coverage > COVERED
    free[line] = 0
    labels, count = label_regions(free)
    area = np.bincount(labels.reshape(-1), minlength=count)
    lined = np.zeros(count, np.bool_)
    lined[labels[line]] = True
    regions = int(((area >= SMALLEST_REGION_PX) & ~lined).sum())
    length = np.hypot(*np.diff(strokes.place, axis=0).T)
    length[strokes.start[1:-1] - 1] = 0  # from the end of one stroke to the next one's begin
    return Lines(
        widths / max(1, widths.sum()),
        depths / max(1, depths.sum()),
        _gaps(strokes.place, strokes.start, strokes.node),
        bits,
        regions,
        float(length.sum()),
    )


def _bits(rgb: Bytes, line: Mask) -> int:
    """Pieces of at most BIT_PX pixels that stand alone: what touches dark paint is a corner of it."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(line.astype(np.uint8), connectivity=8)
    small = stats[:, cv2.CC_STAT_AREA] <= BIT_PX
    small[0] = False
    y, x = np.nonzero(small[labels])
    piece = labels[y, x].astype(np.int64)
    grey = rgb[..., :3].min(2)
    around = cv2.erode(np.where(line, np.uint8(255), grey), np.ones((3, 3), np.uint8))
    own, beside = np.full((2, count), 255, np.int64)
    np.minimum.at(own, piece, grey[y, x])
    np.minimum.at(beside, piece, around[y, x])
    return int((small & (beside - own >= CONTRAST)).sum())


def _gaps(place: npt.NDArray[np.float32], start: npt.NDArray[np.int64], node: npt.NDArray[np.int64]) -> int:
    """Pairs of free ends that point at each other across a few pixels."""
    ends, ways, owner = [], [], []
    for s, (a, b) in enumerate(pairwise(start)):
        if b - a < 4:
            continue
        for side, (tip, inner) in enumerate(((a, a + 3), (b - 1, b - 4))):
            if node[s, side] < 0:
                way = place[tip] - place[inner]
                ends.append(place[tip])
                ways.append(way / max(1e-6, float(np.hypot(*way))))
                owner.append(s)
    if len(ends) < 2:
        return 0
    at, way, own = np.array(ends), np.array(ways), np.array(owner)
    from scipy.spatial import cKDTree

    gaps = 0
    for i, j in cKDTree(at).query_pairs(BRIDGED_PX):
        step = at[j] - at[i]
        length = max(1e-6, float(np.hypot(*step)))
        facing = min(float(way[i] @ step), -float(way[j] @ step)) / length
        gaps += bool(own[i] != own[j] and facing > 0.7)
    return gaps


def stroke_width_distance(made: Lines, key: Lines) -> float:
    """How far widths of lines are from each other, pixels: earth mover's distance of the histograms.

    Without lines on one side only it is the mean width of the other's.
    """
    return _moved(made.widths, key.widths, WIDTHS)


def ink_distance(made: Lines, key: Lines) -> float:
    """How far lines are from being as dark as others, 0-255; else as `stroke_width_distance`."""
    return _moved(made.depths, key.depths, DEPTHS)


def _moved(one: npt.NDArray[np.float64], other: npt.NDArray[np.float64], edges: npt.NDArray[Any]) -> float:
    """Earth mover's distance of two histograms; the mean of one if the other is empty."""
    step = edges[1] - edges[0]
    if not one.any() or not other.any():
        return float(((edges[:-1] + step / 2) * (one + other)).sum())
    return float(np.abs(np.cumsum(one - other)).sum() * step)


def examine(
    made: Array, key0: Array, key1: Array, t: float, lines: tuple[Lines, Lines] | None = None
) -> CelCheck:
    """See what is wrong with an in-between.

    Args:
        made, key0, key1: H×W×3 or H×W×4 frames of one size and type.
        t: of `made`.
        lines: `lines_of` both keys, where several frames of one pair are looked at.

    Raises:
        ShapeError: they differ in size or type.
    """
    for name, frame in (("key0", key0), ("key1", key1)):
        if frame.shape != made.shape or frame.dtype != made.dtype:
            raise ShapeError(
                f"{name} is {list(frame.shape)} {frame.dtype}; wanted {list(made.shape)} {made.dtype}."
            )
    own = lines_of(made)
    key_lines = (lines_of(key0), lines_of(key1)) if lines is None else lines
    return CelCheck(
        stroke_width_px=min(stroke_width_distance(own, one) for one in key_lines),
        regions=own.regions,
        key_regions=min(one.regions for one in key_lines),
        gaps=own.gaps,
        key_gaps=max(one.gaps for one in key_lines),
        bits=own.bits,
        key_bits=max(one.bits for one in key_lines),
        strokes_px=own.strokes_px,
        key_strokes_px=min(one.strokes_px for one in key_lines),
        new_colours=new_colours(made, key0, key1, t),
        ghosts=ghosts(made, key0, key1, t),
    )


def ghosts(made: Array, key0: Array, key1: Array, t: float) -> float:
    """Of the pixels at which the keys differ much, the share that shows both at once."""
    one, first, second = (to_bytes(frame).astype(np.int16) for frame in (made, key0, key1))
    differ = np.abs(first - second).max(2) > 2 * APART
    if not differ.any():
        return 0.0
    mix = (1 - t) * first + t * second
    near = np.abs(one - mix).max(2) < DOUBLE
    far = np.minimum(np.abs(one - first).max(2), np.abs(one - second).max(2)) > APART
    return float((near & far & differ).sum() / differ.sum())


def new_colours(made: Array, key0: Array, key1: Array, t: float) -> float:
    """Of the pixels that differ from the nearer key, the share in a colour that no key accounts for.

    A key accounts for colours near its own, and for the mixes of two paints that touch in it. Paints are
    colours that cover a share of the key; in pictures without flat paint every mix of neighbours is one too.
    Where keys themselves have colours that the other does not account for (dithering, textures, three paints
    that meet in a pixel), as large a share of such is left out here: no drawing by hand would have less.
    """
    one, keys = to_bytes(made), [to_bytes(key0), to_bytes(key1)]
    strange = _strange(one, keys[0 if t < 0.5 else 1], keys)
    if not strange:
        return 0.0
    usual = min(_strange(keys[i], keys[1 - i], keys[1 - i : 2 - i]) for i in (0, 1))
    return max(0.0, strange - usual)


def _strange(picture: Bytes, beside: Bytes, keys: list[Bytes]) -> float:
    """Of the pixels in which `picture` is not as `beside`, the share in a colour that no key accounts for."""
    from scipy.spatial import cKDTree

    changed = (picture != beside).any(2)
    total = int(changed.sum())
    if not total:
        return 0.0
    colours, counts = np.unique(pack(picture[changed]), return_counts=True)
    known = np.unique(np.concatenate([pack(key.reshape(-1, 3)) for key in keys]))
    new = ~np.isin(colours, known)
    left, counts = unpack(colours[new]), counts[new]
    if not len(left):
        return 0.0
    near, _ = cKDTree(unpack(known)).query(left, p=np.inf, distance_upper_bound=TOLERANCE + 0.5)
    far = near > TOLERANCE
    ends = np.concatenate([_touching(key) for key in keys])
    for start in range(0, len(ends), 64):
        low, high = (ends[start : start + 64, i].astype(np.float32) for i in (0, 1))
        way = high - low
        length = np.maximum((way**2).sum(1), 1e-6)
        some = np.flatnonzero(far)
        share = np.clip(((left[some, None] - low) * way).sum(2) / length, 0, 1)
        off = np.abs(left[some, None] - low - share[..., None] * way).max(2).min(1, initial=np.inf)
        far[some[off <= TOLERANCE]] = False
    return float(counts[far].sum() / total)


def wrong_paint(made: Array, truth: Array, where: Mask, palette: Bytes) -> float:
    """Share of the pixels `where` whose nearest colour of the palette is another than the truth's.

    Args:
        made, truth: H×W×3 frames of one size.
        where: [H, W], the pixels that count.
        palette: [P, 3], 0-255.
    """
    if not where.any():
        return 0.0
    one, other = (_nearest(to_bytes(frame)[where], palette) for frame in (made, truth))
    return float((one != other).mean())


def snapped(frame: Array, palette: Bytes) -> Bytes:
    """Every pixel of an H×W×3 frame replaced by the nearest colour of the palette [P, 3]: the crude way."""
    rgb = to_bytes(frame)
    distinct = np.unique(palette, axis=0)
    return np.asarray(distinct[_nearest(rgb.reshape(-1, 3), distinct)].reshape(rgb.shape), np.uint8)


def _nearest(colours: Bytes, palette: Bytes) -> npt.NDArray[np.int64]:
    """The number of the nearest distinct colour of the palette."""
    distinct = np.unique(palette, axis=0).astype(np.int32)
    kinds, back = np.unique(pack(colours), return_inverse=True)
    found = np.empty(len(kinds), np.int64)
    for start in range(0, len(kinds), 4096):
        some = unpack(kinds[start : start + 4096]).astype(np.int32)
        found[start : start + 4096] = ((some[:, None] - distinct[None]) ** 2).sum(2).argmin(1)
    return found[back]


def _touching(key: Bytes) -> npt.NDArray[np.uint8]:
    """[E, 2, 3]: pairs of paints that are within TOUCH_PX of each other."""
    packed = pack(key.reshape(-1, 3)).reshape(key.shape[:2])
    kinds, counts = np.unique(packed, return_counts=True)
    main = kinds[counts >= max(4, MAIN_SHARE * packed.size)]
    if len(main) > MOST_PAINTS:
        main = np.sort(kinds[np.argsort(-counts, kind="stable")[:MOST_PAINTS]])
    number = np.searchsorted(main, packed).clip(0, max(0, len(main) - 1))
    paint = np.where(main[number] == packed, number, -1) if len(main) else np.full(packed.shape, -1)
    found = [np.zeros(0, np.int64)]
    height, width = paint.shape
    for dy in range(TOUCH_PX + 1):
        for dx in range(-TOUCH_PX, TOUCH_PX + 1):
            if (dy == 0 and dx <= 0) or dy >= height or abs(dx) >= width:
                continue
            a = paint[: height - dy, max(0, -dx) : width - max(0, dx)]
            b = paint[dy:, max(0, dx) : width - max(0, -dx)]
            both = (a >= 0) & (b >= 0) & (a != b)
            low, high = np.minimum(a[both], b[both]), np.maximum(a[both], b[both])
            found.append(np.unique(low.astype(np.int64) * len(main) + high))
    pairs = np.unique(np.concatenate(found))
    if not len(pairs):
        return np.zeros((0, 2, 3), np.uint8)
    return np.stack([unpack(main[pairs // len(main)]), unpack(main[pairs % len(main)])], 1)
