"""The fast twin of `render` on a CPU: one compiled pass over the cels of a scene, without temporaries.

It lays cels from front to back and stops where nothing shows through any more; `render.lay` lays them from
back to front. Both must agree (a test compares them), up to rounding.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from nakawari.data.cartoon.pose import Pose
from nakawari.data.cartoon.scene import ADD, Floats, Scene
from nakawari.machine_code import kept

Arrays = tuple[Any, Any, Any, Any]

_compiled = kept(njit(cache=True, nogil=True, fastmath={"contract", "nsz", "reassoc"}, error_model="numpy"))

_LANE, _HALF, _EIGHT, _ONE = np.uint64(0xFFFF), np.uint64(128), np.uint64(8), np.uint64(256)


@_compiled
def _spread(word: Any) -> Any:
    """An RGBA word → lanes of 16 bits, R, B, G, A from the lowest, so that weighted sums have room."""
    wide = np.uint64(word)
    return (wide & np.uint64(0x00FF00FF)) | ((wide & np.uint64(0xFF00FF00)) << np.uint64(24))


@_compiled
def _clip(slope: float, start: float, size: int, first: int, last: int) -> tuple[int, int]:
    """The x between first and last where slope·x + start lies in (-1, size), give or take one."""
    if abs(slope) < 1e-9:
        return (first, last) if -1 < start < size else (0, 0)
    a, b = (-1 - start) / slope, (size - start) / slope
    low, high = min(a, b), max(a, b)
    if low > last or high < first:
        return 0, 0
    return max(first, math.floor(low)), min(last, math.ceil(high) + 1)


@_compiled
def _lay(  # noqa: C901, PLR0912, PLR0915 - a kernel
    pixels: Any,
    shapes: Any,
    inverse: Floats,
    bend: Floats,
    opacity: Floats,
    boxes: Any,
    canvas: Floats,
    slots: Any,
    points: Floats,
    paper: Floats,
) -> None:
    """Lay all slots over T items and over `paper`; canvas [T, 4, H, W] then holds colour and cover."""
    items, _, height, width = canvas.shape
    clear = np.ones((height, width), np.float32)
    for item in range(items):
        clear[:] = 1
        for slot in range(shapes.shape[0] - 1, -1, -1):
            share = opacity[item, slot]
            if share <= 0:
                continue
            start, h, w = shapes[slot, 0], shapes[slot, 1], shapes[slot, 2]
            bleeds, adds = shapes[slot, 3], shapes[slot, 4]
            length, px, py = inverse[item, slot, 6], inverse[item, slot, 7], inverse[item, slot, 8]
            ia, ib, ic = inverse[item, slot, 0], inverse[item, slot, 1], inverse[item, slot, 2]
            ja, jb, jc = inverse[item, slot, 3], inverse[item, slot, 4], inverse[item, slot, 5]
            b0, b1, b2 = bend[item, slot, 0], bend[item, slot, 1], bend[item, slot, 2]
            b3, b4, b5 = bend[item, slot, 3], bend[item, slot, 4], bend[item, slot, 5]
            bends = b0 != 0 or b1 != 0 or b2 != 0
            right, down = 1 if w > 1 else 0, w if h > 1 else 0
            factor = np.float32(share / (255 * 256))
            for y in range(max(0, boxes[item, slot, 1]), min(height, boxes[item, slot, 3])):
                first, last = max(0, boxes[item, slot, 0]), min(width, boxes[item, slot, 2])
                if not bends and b4 == 0 and not bleeds:
                    first, last = _clip(ia * length, (ib * y + ic) * length + px, w, first, last)
                    first, last = _clip(ja * length, (jb * y + jc) * length + py, h, first, last)
                for x in range(first, last):
                    left = clear[y, x]
                    if left < 0.002:
                        continue
                    u = ia * x + ib * y + ic
                    v = ja * x + jb * y + jc
                    v -= b4 * u * u
                    if bends and v > 0:
                        push = b0 + b1 * v
                        push *= v
                        if b2 != 0:
                            push += b2 * math.sin(b5 * v - b3)
                        u -= push * v
                    tx, ty = u * length + px, v * length + py
                    if not bleeds and (tx <= -1 or ty <= -1 or tx >= w or ty >= h):
                        continue
                    tx = min(max(tx, 0.0), w - 1.0)
                    ty = min(max(ty, 0.0), h - 1.0)
                    x0, y0 = min(int(tx), max(w - 2, 0)), min(int(ty), max(h - 2, 0))
                    fx, fy = np.uint64(256 * (tx - x0) + 0.5), np.uint64(256 * (ty - y0) + 0.5)
                    k = start + y0 * w + x0
                    w11 = (fx * fy + _HALF) >> _EIGHT
                    mixed = _spread(pixels[k]) * (_ONE + w11 - fx - fy)
                    mixed += _spread(pixels[k + right]) * (fx - w11)
                    mixed += _spread(pixels[k + down]) * (fy - w11)
                    mixed += _spread(pixels[k + down + right]) * w11
                    cover = mixed >> np.uint64(48)
                    if cover == 0:
                        continue
                    scale = left * factor
                    canvas[item, 0, y, x] += scale * (mixed & _LANE)
                    canvas[item, 1, y, x] += scale * ((mixed >> np.uint64(32)) & _LANE)
                    canvas[item, 2, y, x] += scale * ((mixed >> np.uint64(16)) & _LANE)
                    if adds:
                        continue
                    a = cover * factor
                    if a > 0.5 and slots[item, y, x] < 0:
                        slots[item, y, x] = slot
                        points[item, y, x, 0] = u
                        points[item, y, x, 1] = v
                    clear[y, x] = left * (1 - a)
        canvas[item, 3] = 1 - clear
        for c in range(3):
            if paper[c] > 0:
                canvas[item, c] += paper[c] * clear


@_compiled
def _trace(affine: Floats, bend: Floats, slots: Any, points: Floats, flows: Floats, visible: Any) -> None:
    """Flow of each item's pixels to the two other times, and whether they are seen there."""
    items, height, width = slots.shape
    for item in range(items):
        for side in range(2):
            other = side if side < item else side + 1
            last = -1
            a0 = a1 = a2 = a3 = a4 = a5 = b0 = b1 = b2 = b3 = b4 = b5 = 0.0
            bends = False
            for y in range(height):
                for x in range(width):
                    slot = slots[item, y, x]
                    gx, gy = float(x), float(y)
                    if slot >= 0:
                        if slot != last:
                            last = slot
                            a0, a1, a2 = affine[other, slot, 0]
                            a3, a4, a5 = affine[other, slot, 1]
                            b0, b1, b2, b3, b4, b5 = bend[other, slot]
                            bends = b0 != 0 or b1 != 0 or b2 != 0
                        u, v = float(points[item, y, x, 0]), float(points[item, y, x, 1])
                        if bends and v > 0:
                            push = (b0 + b1 * v) * v
                            if b2 != 0:
                                push += b2 * math.sin(b5 * v - b3)
                            u += push * v
                        v += b4 * u * u
                        gx = a0 * u + a1 * v + a2
                        gy = a3 * u + a4 * v + a5
                    flows[item, side, 0, y, x] = gx - x
                    flows[item, side, 1, y, x] = gy - y
                    seen = gx > -0.5 and gy > -0.5 and gx < width - 0.5 and gy < height - 0.5
                    visible[item, side, y, x] = seen and slots[other, int(gy + 0.5), int(gx + 0.5)] == slot


def _pack(scene: Scene, where: Pose) -> tuple[Any, Any]:
    """All paintings in drawing order as one run of RGBA words, and [L, 5] where and what each is."""
    images = [np.ascontiguousarray(scene.cels[int(i)].image) for i in where.order]
    ends = np.cumsum([image.size // 4 for image in images])
    shapes = np.zeros((len(images), 5), np.int64)
    for row, image, end, index in zip(shapes, images, ends, where.order, strict=True):
        alpha = image[..., 3]
        bleeds = alpha[0].any() or alpha[-1].any() or alpha[:, 0].any() or alpha[:, -1].any()
        blend = scene.cels[int(index)].blend
        row[:] = end - image.size // 4, image.shape[0], image.shape[1], bleeds, blend == ADD
    return np.concatenate([image.view(np.uint32).reshape(-1) for image in images]), shapes


def draw(scene: Scene, where: Pose, alpha: bool) -> Arrays:
    """Draw a scene at the T = 3 times of its pose; with `alpha` over nothing, else over its paper.

    Returns:
        canvas [3, 4, H, W] float32, RGB and cover of the cels, slots [3, H, W] int16 (-1: none),
        flows [3, 2, 2, H, W] float32 to the two other times, visible [3, 2, H, W] bool.
    """
    height, width = scene.size
    pixels, shapes = _pack(scene, where)
    affine, bend = np.ascontiguousarray(where.affine), np.ascontiguousarray(where.bend)
    opacity, boxes = np.ascontiguousarray(where.opacity), np.ascontiguousarray(where.boxes)
    linear = np.linalg.inv(affine[..., :2])
    offset = -np.einsum("tlij,tlj->tli", linear, affine[..., 2])
    inverse = np.empty((*affine.shape[:2], 9))
    inverse[..., 0:2], inverse[..., 2] = linear[..., 0, :], offset[..., 0]
    inverse[..., 3:5], inverse[..., 5] = linear[..., 1, :], offset[..., 1]
    cels = [scene.cels[int(i)] for i in where.order]
    inverse[..., 6] = np.array([cel.length for cel in cels])
    inverse[..., 7:] = np.array([cel.pivot for cel in cels])
    canvas = np.zeros((3, 4, height, width), np.float32)
    slots = np.full((3, height, width), -1, np.int16)
    boxes[:, shapes[:, 3] > 0] = 0, 0, width, height
    paper = np.array((0, 0, 0) if alpha else scene.paper, np.float32) / np.float32(255)
    points = np.empty((3, height, width, 2), np.float64)
    _lay(pixels, shapes, inverse, bend, opacity, boxes, canvas, slots, points, paper)
    flows = np.empty((3, 2, 2, height, width), np.float32)
    visible = np.empty((3, 2, height, width), np.bool_)
    _trace(affine, bend, slots, points, flows, visible)
    return canvas, slots, flows, visible
