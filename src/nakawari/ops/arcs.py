"""Motion along arcs: the way a pixel takes between two keys, told by where it was before and goes after.

Limbs turn, so what moves between two keys moves on an arc; on the chord a turning arm gets shorter. Two keys
cannot tell, three can: through the places of a pixel in three keys there is one circle. Seen from the place
in the outer key, the way between the other two subtends half of the angle by which the pixel turns on it
(the inscribed angle), so the turn is a pure function of two flows, and needs no pivot:

    came from -a, goes on by b      turn = 2 arg((a + b) / a)      as complex numbers
    goes by b, and after that by c  turn = 2 arg(c / (b + c))

At t the pixel is at b (e^(i turn t) - 1) / (e^(i turn) - 1): constant angular speed, the chord when turn is
0, and the same for both keys, so what they push meets. What turns about one pivot has one angle everywhere,
so angles are smooth where flows are not, and are smoothed.

Speed is not taken from other keys: how far along the way a drawing stands is for the chart to say.

Source: the inscribed angle theorem; Whited et al. 2010 ("BetweenIT") for arcs at constant angular speed, and
Xu et al. 2019, "Quadratic Video Interpolation", for neighbouring flows that tell a curve.
Differs: a circle instead of a parabola, which would turn by the half of what limbs do and change the timing.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from nakawari.ops.warp import pixel_grid, sample
from nakawari.tensors import check_flow

LEAST_PX = 0.75
"""What moves by less tells no angle."""
UNEVEN = 4.0
"""One of two ways this many times as long as the other tells nothing."""
SHARP, REVERSED = math.radians(45), math.radians(70)
"""A change of direction up to which it is an arc, and from which it is a new motion, such as a bounce."""
BIN, MOST_BINS = math.radians(6), 16
"""Angles are counted in so many bins to either side."""
SMOOTHING = 0.03
"""Of the counts: sigma as a share of the picture's larger side."""
WIDER = ((1, 1.0), (2, 0.7), (4, 0.5))
"""Further counts are taken in so many times the sigma, and have so much say."""
DISTINCT, ALONG_EDGES = 1e-3, 0.1
"""Lesser eigenvalue of the structure tensor, least and as a share of the larger, that half tells a place."""
FAINT = 0.2
"""What tells a place by less tells nothing."""
ENOUGH_PX = 480
"""Of large pictures every second, third, ... pixel is asked, so that so many remain along the larger side."""
COARSE = 4
"""Angles are counted on a grid that is so many times coarser."""
LITTLE = 1e-5
"""Evidence (1 is that all pixels around are certain) below which motion is straight."""
SPLIT, UNITED = 0.35, 0.6
"""Share of the evidence for one angle up to which motion is straight, and from which it is an arc."""


def agreement(flow: Tensor, back: Tensor, step: int = 1) -> Tensor:
    """Where going along `flow`, then along `back`, ends near the start: 1 there, 0 elsewhere.

    Near is a pixel, or a tenth of the way.

    Args:
        flow, back: [B, 2, H, W], pixels.
        step: only every so many pixels are asked.

    Returns:
        [B, 1, H / step, W / step], rounded up.
    """
    own = flow[..., ::step, ::step]
    off = (own + sample(back, pixel_grid(flow)[..., ::step, ::step] + own)).norm(dim=1, keepdim=True)
    near: Tensor = off < (0.1 * own.norm(dim=1, keepdim=True)).clamp_min(1)
    return near.to(flow.dtype)


def distinctness(image: Tensor) -> Tensor:
    """How well the place of each pixel can be told from its surroundings, [B, 1, H, W], 0 to 1.

    0 in flat colour and along a straight edge, where flow is a guess (the aperture problem).

    Args:
        image: [B, C, H, W] in [0, 1].

    Source: Shi & Tomasi 1994: the lesser eigenvalue of the structure tensor.
    """
    padded = F.pad(image, (1, 1, 1, 1), mode="replicate")
    x = 0.5 * (padded[..., 1:-1, 2:] - padded[..., 1:-1, :-2])
    y = 0.5 * (padded[..., 2:, 1:-1] - padded[..., :-2, 1:-1])
    products = torch.stack([(x * x).sum(1), (x * y).sum(1), (y * y).sum(1)], 1)
    xx, xy, yy = _blurred(products, 3.0).unbind(1)
    spread = ((xx - yy) ** 2 + 4 * xy * xy).sqrt()
    lesser, larger = 0.5 * (xx + yy - spread), 0.5 * (xx + yy + spread)
    told: Tensor = lesser / (lesser + ALONG_EDGES * larger + DISTINCT)
    return ((told - FAINT) / (1 - FAINT)).clamp_min(0)[:, None]


def arc_angles(
    flow01: Tensor,
    flow10: Tensor,
    before: tuple[Tensor, Tensor] | None = None,
    after: tuple[Tensor, Tensor] | None = None,
    trust: tuple[Tensor, Tensor] | None = None,
) -> tuple[Tensor, Tensor]:
    """By how much each pixel turns on its way between two keys.

    Args:
        flow01, flow10: [B, 2, H, W], pixels, between the keys.
        before: flow from key 0 to the key before it, and that key's flow to key 0; None: there is none.
        after: flow from key 1 to the key after it, and that key's flow to key 1; None: there is none.
        trust: [B, 1, H, W], from 0, how much flow is to be believed at each pixel of both keys, as
            `distinctness` gives it; None: equally everywhere.

    Returns:
        two [B, 1, H, W], radians, positive from x to y (clockwise on the screen): of pixels of key 0, and of
        pixels of key 1, both on the way from key 0 to key 1. 0 where nothing tells.

    Raises:
        ShapeError: a shape does not fit.
    """
    check_flow(flow01)
    check_flow(flow10, like=flow01)
    height, width = flow01.shape[-2:]
    step = max(1, round(max(height, width) / ENOUGH_PX))

    def few(plane: Tensor) -> Tensor:
        return plane[..., ::step, ::step]

    sure0, sure1 = agreement(flow01, flow10, step), agreement(flow10, flow01, step)
    trust0, trust1 = (torch.ones_like(sure0), torch.ones_like(sure1)) if trust is None else map(few, trust)
    told = []
    if before is not None:
        turn, weight = _turn(-few(before[0]), few(flow01), last=False)
        told.append((turn, weight * sure0 * trust0 * agreement(*before, step), 0))
    if after is not None:
        turn, weight = _turn(-few(flow10), few(after[0]), last=True)
        told.append((turn, weight * sure1 * trust1 * agreement(*after, step), 1))
    if not told:
        none = torch.zeros_like(flow01[:, :1])
        return none, none
    angles = []
    for side, flow, sure in ((0, flow01, sure0), (1, flow10, sure1)):
        votes = []
        for turn, weight, place in told:
            if place == side:
                votes.append((turn, weight))
            else:
                there = (few(pixel_grid(flow)) + few(flow)) / step
                pulled = sample(torch.cat([turn, weight], 1), there)
                votes.append((pulled[:, :1], pulled[:, 1:] * sure))
        angles.append(_agreed(votes, (height, width)))
    return angles[0], angles[1]


def _turn(first: Tensor, second: Tensor, last: bool) -> tuple[Tensor, Tensor]:
    """The turn on the second of two ways that follow each other (`last`: on the first), and its weight."""
    whole = first + second
    own, other = (first, second) if last else (second, first)
    turn = 2 * (_angle(whole, second) if last else _angle(first, whole))
    long0, long1 = (way.norm(dim=1, keepdim=True) for way in (own, other))
    shorter, longer = torch.minimum(long0, long1), torch.maximum(long0, long1)
    even = ((shorter * UNEVEN / longer.clamp_min(1e-6) - 1) / (UNEVEN / 2 - 1)).clamp(0, 1)
    bend = _angle(first, second).abs()
    arc = ((REVERSED - bend) / (REVERSED - SHARP)).clamp(0, 1)
    moves = ((shorter - LEAST_PX) / LEAST_PX).clamp(0, 1)
    return turn, even * arc * moves


def _angle(one: Tensor, other: Tensor) -> Tensor:
    """The angle from one vector field to another, [B, 1, H, W], radians in [-π, π]."""
    cross = one[:, :1] * other[:, 1:] - one[:, 1:] * other[:, :1]
    return torch.atan2(cross, (one * other).sum(1, keepdim=True))


def _agreed(votes: list[tuple[Tensor, Tensor]], size: tuple[int, int]) -> Tensor:
    """The angle that most pixels around a pixel have, [B, 1, *size]; 0 where there is no such.

    Flow is wrong in places, and a wrong flow turns wildly; a mean would bend a limb where it is right. So
    angles are counted in bins, and the fullest counts, as far as it stands out.
    """
    extent = max(votes[0][0].shape[-2:])
    bins = []
    for number in range(-MOST_BINS, MOST_BINS + 1):
        share = torch.zeros_like(votes[0][0])
        for turn, weight in votes:
            share += weight * (1 - (turn / BIN - number).abs()).clamp_min(0)
        bins.append(F.avg_pool2d(share, COARSE, ceil_mode=True))
    cast = sum((F.avg_pool2d(weight, COARSE, ceil_mode=True) for _, weight in votes), torch.zeros(()))
    votes_cast, sigma = torch.cat([*bins, cast], 1), SMOOTHING * extent / COARSE
    counts = torch.zeros_like(votes_cast)
    for width, say in WIDER:  # where nobody is near, those who are further away are asked
        counts += say * _blurred(votes_cast, width * sigma)
    counts, cast = counts[:, :-1], counts[:, -1:]
    near = F.pad(counts, (0, 0, 0, 0, 1, 1))
    around = near[:, :-2] + near[:, 1:-1] + near[:, 2:]
    best = around.argmax(1, keepdim=True)
    share = around.gather(1, best) / (cast + LITTLE)
    below, above = near.gather(1, best), near.gather(1, best + 2)
    lean = (above - below) / around.gather(1, best).clamp_min(1e-9)
    angle = (best - MOST_BINS + lean) * BIN
    sure = ((share - SPLIT) / (UNITED - SPLIT)).clamp(0, 1)
    angle = _blurred(angle * sure, 0.5 * SMOOTHING * extent / COARSE)
    step = -(-max(size) // extent)
    whole = F.interpolate(angle, scale_factor=COARSE * step, mode="bilinear", align_corners=False)
    return whole[..., : size[0], : size[1]]


def _blurred(planes: Tensor, sigma: float) -> Tensor:
    """A Gaussian blur of each channel; nothing comes from outside."""
    reach = max(1, math.ceil(2.5 * sigma))
    offsets = torch.arange(-reach, reach + 1, dtype=planes.dtype, device=planes.device)
    kernel = torch.exp(-0.5 * (offsets / max(sigma, 0.3)) ** 2)
    kernel = (kernel / kernel.sum()).reshape(1, 1, 1, -1)
    flat = planes.reshape(-1, 1, *planes.shape[-2:])
    flat = F.conv2d(flat, kernel, padding=(0, reach))
    return F.conv2d(flat, kernel.transpose(2, 3), padding=(reach, 0)).reshape(planes.shape)


def along_arc(flow: Tensor, turn: Tensor, t: float | Tensor) -> Tensor:
    """How far pixels have come at `t` of the way on their arcs.

    Args:
        flow: [B, 2, H, W], pixels, the whole way as the chord.
        turn: [B, 1, H, W], radians, as `arc_angles` gives it for key 0; its negative for the way back.
        t: in [0, 1], or [B, 1, 1, 1].

    Returns:
        [B, 2, H, W]: 0 at t = 0, `flow` at t = 1, and t * flow where turn is 0.
    """
    half = 0.5 * turn.clamp(-0.9 * 2 * math.pi, 0.9 * 2 * math.pi)
    straight = half.abs() < 1e-4
    safe = torch.where(straight, torch.ones_like(half), half)
    # (e^(2iht) - 1) / (e^(2ih) - 1) = e^(ih(t-1)) sin(ht) / sin(h)
    size = torch.where(straight, torch.as_tensor(t) * torch.ones_like(half), (safe * t).sin() / safe.sin())
    way = half * (t - 1)
    real, imaginary = size * way.cos(), size * way.sin()
    x, y = flow[:, :1], flow[:, 1:]
    return torch.cat([real * x - imaginary * y, imaginary * x + real * y], 1)
