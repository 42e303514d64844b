"""Which of several motions of a region or a line explains the other key best.

Outlines of hard pixels know a motion across themselves well and along themselves badly. What is drawn at
their rims says more: the motion is right whose pixels are like those of the other key. Others that are asked:
dense search, where it brings a region to its partner too; larger regions beside it; and no bend. Lines ask
as well, for what is across them.
"""

# ruff: noqa: ANN001, ANN201
from __future__ import annotations

import numpy as np

from nakawari.models.cel.closest import LARGEST_SCALE, LARGEST_TURN, STIFF_PX
from nakawari.models.cel.drawing import Drawing
from nakawari.models.cel.matching import Flow, Partners
from nakawari.models.cel.motions import Floats, Motions, Places, bent
from nakawari.ops.compiled import compile_kernel
from nakawari.ops.regions import contacts

STEPS = 5
"""Of weighing down pixels whose flow is another."""
SOME = 400
"""Pixels of a region that are asked, about."""
UNLIKE = 60.0
"""Difference of a channel (0-255) that counts as one that is any larger."""
PROFILE = 4
"""Places to either side across a line that are compared."""
MOSTLY = 0.5
"""Share of a region that dense search has to bring to its partner."""
ALONE = 1.1
"""A region goes with a larger one that it touches unless that leaves this many times as much unexplained."""


class Witness:
    """What the pixels of two keys say about motions of the matched regions of the first."""

    def __init__(self, one: Drawing, other: Drawing, partners: Partners) -> None:
        self.one, self.other, self.partners = one, other, partners
        labels, ground = one.labels.reshape(-1), one.ground
        some = np.flatnonzero(~ground[labels])
        some = some[np.argsort(labels[some], kind="stable")]
        self.pixels: list[Places] = np.split(some, np.searchsorted(labels[some], np.arange(1, len(ground))))

    def left(
        self, i: int, motions: Motions, log: Floats, shift: Floats, bends: Floats | None = None
    ) -> float:
        """What a similarity leaves unexplained of region i; `bends`: with its bend as well."""
        return float(
            unexplained(
                self.pixels[i], self.one.rgb, self.other.rgb, log, shift, motions.grid, motions.first,
                motions.bend if bends is None else bends, -1 if bends is None else i,
            )
        )  # fmt: skip

    def ask(self, flow: Flow, motions: Motions, fit: Floats) -> None:
        """Take the similarity that dense search tells where it explains more; not where `fit` is 0: still."""
        for i in np.flatnonzero((self.partners >= 0) & (fit > 0)).tolist():
            log, shift, share = lay_by_flow(self.pixels[i], flow, self.other.labels, self.partners[i])
            told = self.left(i, motions, log, shift) if share >= MOSTLY else np.inf
            if told < self.left(i, motions, motions.linear[i], motions.shift[i]):
                motions.linear[i], motions.shift[i] = log, shift

    def join(self, motions: Motions, fit: Floats) -> None:
        """Let regions go with a larger one that they touch, the largest first."""
        area = self.one.regions.area
        moves = (self.partners >= 0) & (fit > 0)
        pairs, _ = contacts(self.one.labels, len(area))
        first = np.searchsorted(pairs[:, 0], np.arange(len(area) + 1))
        for i in np.argsort(-area, kind="stable").tolist():
            near = pairs[first[i] : first[i + 1], 1]
            near = near[moves[near] & (area[near] > area[i])]
            if not moves[i] or not len(near):
                continue
            own, *left = (
                self.left(i, motions, motions.linear[m], motions.shift[m]) for m in (i, *near.tolist())
            )
            if min(left) <= ALONE * own:
                best = near[int(np.argmin(left))]
                motions.linear[i], motions.shift[i] = motions.linear[best], motions.shift[best]

    def straighten(self, motions: Motions) -> None:
        """Take back bends that explain less."""
        bends = motions.bends(1.0)
        for i in range(len(self.pixels)):
            a = int(motions.first[i])
            b = a + int(motions.grid[i, 3] * motions.grid[i, 4])
            own = motions.linear[i], motions.shift[i]
            if motions.bend[a:b].any() and self.left(i, motions, *own) <= self.left(i, motions, *own, bends):
                motions.bend[a:b] = 0


@compile_kernel("Tuple((f8[::1], f8[::1], f8))(i8[:], f4[:, :, ::1], i4[:, ::1], i8)")
def lay_by_flow(pixels, flow, labels, partner):  # type: ignore[no-untyped-def]
    """The similarity that flow tells of pixels: log of a, b; and the share of them that meets `partner`."""
    height, width = labels.shape
    step = max(1, len(pixels) // SOME)
    count = (len(pixels) + step - 1) // step
    place, aim, far = np.empty((count, 2)), np.empty((count, 2)), np.empty(count)
    weight = np.ones(count)
    met = 0
    for n in range(count):
        y, x = pixels[n * step] // width, pixels[n * step] % width
        place[n, 0], place[n, 1] = x, y
        aim[n, 0], aim[n, 1] = x + flow[y, x, 0], y + flow[y, x, 1]
        u, v = int(np.floor(aim[n, 0] + 0.5)), int(np.floor(aim[n, 1] + 0.5))
        met += 0 <= u < width and 0 <= v < height and labels[v, u] == partner
    ax, ay, bx, by = 1.0, 0.0, 0.0, 0.0
    for _ in range(STEPS):
        total, px, py, qx, qy = 1e-9, 0.0, 0.0, 0.0, 0.0
        for n in range(count):
            total += weight[n]
            px, py = px + weight[n] * place[n, 0], py + weight[n] * place[n, 1]
            qx, qy = qx + weight[n] * aim[n, 0], qy + weight[n] * aim[n, 1]
        px, py, qx, qy = px / total, py / total, qx / total, qy / total
        size = total * STIFF_PX * STIFF_PX
        re, im = size, 0.0
        for n in range(count):
            ux, uy, vx, vy = place[n, 0] - px, place[n, 1] - py, aim[n, 0] - qx, aim[n, 1] - qy
            re += weight[n] * (ux * vx + uy * vy)
            im += weight[n] * (ux * vy - uy * vx)
            size += weight[n] * (ux * ux + uy * uy)
        scale = min(max(np.log(max(np.hypot(re, im) / size, 1e-6)), -LARGEST_SCALE), LARGEST_SCALE)
        turn = min(max(np.arctan2(im, re), -LARGEST_TURN), LARGEST_TURN)
        ax, ay = np.exp(scale) * np.cos(turn), np.exp(scale) * np.sin(turn)
        bx, by = qx - (ax * px - ay * py), qy - (ay * px + ax * py)
        for n in range(count):
            dx = ax * place[n, 0] - ay * place[n, 1] + bx - aim[n, 0]
            dy = ay * place[n, 0] + ax * place[n, 1] + by - aim[n, 1]
            far[n] = np.hypot(dx, dy)
        near = max(0.3, 2 * np.median(far))
        for n in range(count):
            weight[n] = 1 / (1 + (far[n] / near) ** 2)
    return np.array([np.log(np.hypot(ax, ay)), np.arctan2(ay, ax)]), np.array([bx, by]), met / count


@compile_kernel("f8(u1[:, :, ::1], f8, f8, i8)")
def looked_up(rgb, x, y, c):  # type: ignore[no-untyped-def]
    """A channel at a place, bilinear; outside it is as at the frame."""
    x, y = min(max(x, 0.0), rgb.shape[1] - 1.0), min(max(y, 0.0), rgb.shape[0] - 1.0)
    u, v = int(x), int(y)
    right, below = min(u + 1, rgb.shape[1] - 1), min(v + 1, rgb.shape[0] - 1)
    fx, fy = x - u, y - v
    upper = rgb[v, u, c] * (1 - fx) + rgb[v, right, c] * fx
    lower = rgb[below, u, c] * (1 - fx) + rgb[below, right, c] * fx
    return upper * (1 - fy) + lower * fy


@compile_kernel(
    "void(u1[:, :, ::1], u1[:, :, ::1], f8[:, ::1], f8[:, ::1], f8[:, ::1], f8[:, ::1], f8[::1], f8[::1])"
)
def across(own, other, place, landing, normal, normal_there, reach, out):  # type: ignore[no-untyped-def]
    """How unlike, [N] in [0, 1], a key across places is to the other key across where these land."""
    for n in range(len(place)):
        out[n] = 0.0
        for k in range(-PROFILE, PROFILE + 1):
            far = k / PROFILE * reach[n]
            px, py = place[n, 0] + far * normal[n, 0], place[n, 1] + far * normal[n, 1]
            qx, qy = landing[n, 0] + far * normal_there[n, 0], landing[n, 1] + far * normal_there[n, 1]
            most = 0.0
            for c in range(3):
                most = max(most, abs(looked_up(own, px, py, c) - looked_up(other, qx, qy, c)))
            out[n] += min(most, UNLIKE) / UNLIKE / (2 * PROFILE + 1)


@compile_kernel(
    "f8(i8[:], u1[:, :, ::1], u1[:, :, ::1], f8[::1], f8[::1], f8[:, ::1], i8[::1], f8[:, ::1], i8)"
)
def unexplained(pixels, own, other, log, shift, grid, first, bends, m):  # type: ignore[no-untyped-def]
    """How unlike the other key is at the end of a motion of some pixels, summed; `m` >= 0: with that bend."""
    height, width, _ = own.shape
    ax, ay = np.exp(log[0]) * np.cos(log[1]), np.exp(log[0]) * np.sin(log[1])
    total = 0.0
    for n in range(len(pixels)):
        y, x = pixels[n] // width, pixels[n] % width
        px, py = np.float64(x), np.float64(y)
        if m >= 0:
            rx, ry = bent(grid, first, bends, m, px, py, 0)
            px, py = px + rx, py + ry
        qx, qy = ax * px - ay * py + shift[0], ay * px + ax * py + shift[1]
        if not (0 <= qx <= width - 1 and 0 <= qy <= height - 1):
            continue
        most = 0.0
        for c in range(3):
            most = max(most, abs(looked_up(other, qx, qy, c) - own[y, x, c]))
        total += min(most, UNLIKE)
    return total
