"""Motion for `fast`: the matcher leads, and search is believed where it explains the keys better.

Search is exact on what is rigid, and elsewhere any nonsense that connects equal colours; the matcher knows
what belongs together, and is off by a fraction of a pixel. So search must lead back to where it came from,
and where it leaves much unexplained it must leave far less than the matcher.

A matcher that was taught exact flow also says where that goes which is covered in the other key. So two
things claim the same place there, and the one whose colour is seen is in front. That counts more wherever
both come to one place between the keys.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
import torch
from torch import Tensor

from nakawari.models.classic.candidates import Field, trusted
from nakawari.models.classic.motion import SAME, Bytes, Floats, Flows, Look, unexplained
from nakawari.models.fast.matching import LEAST, MULTIPLE, Matcher
from nakawari.ops.following import lookup
from nakawari.ops.search import carried, shifted
from nakawari.ops.splat import splat_sums
from nakawari.ops.warp import resize_flow

MUCH, SHARE = 16.0, 0.3
"""Where search leaves so many levels (0-255) unexplained, it must leave less than this share of what the
matcher does; elsewhere as little is enough."""
IN_FRONT = 4.0
"""So many times its weight is added to a pixel for each that it covers."""


@dataclass(frozen=True, slots=True)
class Effort:
    """What may be spent on matching.

    Attributes:
        pixels: of the largest picture that is matched as it is; larger ones are matched at this size.
        corrections: at 1/8 and at 1/4.
    """

    pixels: int
    corrections: tuple[int, int]


EFFORTS = {"fast": Effort(60_000, (3, 1)), "best": Effort(200_000, (6, 2))}
"""By the row of CATALOG. Drawings are matched as well at the smaller size; scenes and vectors are not."""


def match(
    matcher: Matcher,
    rgb0: Bytes,
    rgb1: Bytes,
    shift: tuple[int, int] = (0, 0),
    effort: Effort = EFFORTS["best"],
) -> Flows:
    """What the matcher finds around a global shift, (x, y) in pixels, of two [h, w, 3] pictures."""
    forth, back = _found(matcher, rgb0, shifted(rgb1, shift), effort)
    if shift == (0, 0):
        return forth, back
    by = np.array(shift, np.float32)
    return carried((forth + by, shifted(back, (-shift[0], -shift[1])) - by), shift)


def leading(look0: Look, look1: Look, searched: Flows, matched: Flows) -> Field:
    """The field that leads: what `lead` mixes, ordered by `in_front`."""
    return in_front(trusted(lead(look0, look1, searched, matched), look0, look1))


def lead(look0: Look, look1: Look, searched: Flows, matched: Flows) -> Flows:
    """What the matcher found, and where search explains the keys far better, what search found."""
    mixed = []
    for own, other, way in ((look0, look1, 0), (look1, look0, 1)):
        left = [unexplained(own.rgb, other.rgb, each[way], each[1 - way]) for each in (searched, matched)]
        enough = left[1] * np.where(left[0] < MUCH, np.float32(1), np.float32(SHARE)) + np.float32(SAME)
        better = left[0] < enough
        mixed.append(np.where(better[..., None], searched[way], matched[way]).astype(np.float32))
    return mixed[0], mixed[1]


def in_front(field: Field) -> Field:
    """The same motion, of which what covers other things weighs more.

    A pixel covers what comes to its place in the other key, and what comes to its own place from there,
    without being seen.
    """
    hidden = [_landed(1 - side.trust, side.flow) for side in field][::-1]
    sides = []
    for own, other, side in ((0, 1, field[0]), (1, 0, field[1])):
        covers = lookup(hidden[other], side.flow) + hidden[own]
        trust = side.trust * (1 + np.float32(IN_FRONT) * covers)
        sides.append(replace(side, trust=np.asarray(trust, np.float32)))
    return sides[0], sides[1]


def _landed(values: Floats, flow: Floats) -> Floats:
    """How much comes to each pixel of the other key, [h, w], 1 at most."""
    source = torch.from_numpy(np.ascontiguousarray(values))[None, None]
    way = torch.from_numpy(np.ascontiguousarray(flow.transpose(2, 0, 1)))[None]
    sums, _ = splat_sums(source, way, torch.ones_like(source))
    return np.asarray(np.minimum(sums[0, 0].numpy(), np.float32(1)))


@torch.inference_mode()
def _found(matcher: Matcher, rgb0: Bytes, rgb1: Bytes, effort: Effort) -> Flows:
    height, width = rgb0.shape[:2]
    share = min(1.0, (effort.pixels / (height * width)) ** 0.5)
    size = max(LEAST, round(share * height)), max(LEAST, round(share * width))
    small = [_small(rgb, size) for rgb in (rgb0, rgb1)]
    place = next(matcher.parameters())
    flows = matcher(*(x.to(place.device, place.dtype).div_(255) for x in small), effort.corrections)
    whole = [resize_flow(flow[..., : size[0], : size[1]].float(), (height, width)) for flow in flows]
    forth, back = (np.ascontiguousarray(flow[0].permute(1, 2, 0).cpu().numpy()) for flow in whole)
    return forth, back


def _small(rgb: Bytes, size: tuple[int, int]) -> Tensor:
    """[1, 3, H, W] of an [h, w, 3] picture at `size`, extended to sides that the matcher takes."""
    if size != rgb.shape[:2]:
        rgb = np.asarray(cv2.resize(rgb, size[::-1], interpolation=cv2.INTER_AREA), np.uint8)
    below, right = (-side % MULTIPLE for side in size)
    if below or right:
        rgb = np.asarray(cv2.copyMakeBorder(rgb, 0, below, 0, right, cv2.BORDER_REPLICATE), np.uint8)
    return torch.from_numpy(np.ascontiguousarray(rgb.transpose(2, 0, 1)))[None].float()
