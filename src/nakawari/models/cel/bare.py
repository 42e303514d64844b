"""What fills places that are hidden in both keys and come out between them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from nakawari.models.cel.matching import COLOUR
from nakawari.models.cel.motions import Floats, Places
from nakawari.ops.lines import nearest_outside

if TYPE_CHECKING:
    from nakawari.models.cel.plan import Plan

Labels = npt.NDArray[np.int32]
Shares = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

SEAM_PX = 3
"""A bare place that is no wider may be a seam between parts that went together."""
TOGETHER = 0.5
"""Of how far a part is led off its chord: others that differ by less went with it."""


def filling(plan: Plan, nearer: int, label: Labels, beneath: Labels, place: Shares) -> tuple[Places, Places]:
    """Pixels that no region shows, and for each the one that shows what fills it: the nearest.

    Where a rough led a part away, neither it nor what went with it fills the place that it left: what was
    behind does, the nearest of the rest; but in seams between them. So it is where in both keys is what
    hints send elsewhere.

    Args:
        plan: of the pair.
        nearer: the key whose regions are laid.
        label: [H, W], the regions of that key that show, below 0 none.
        beneath: [H, W], those of the other key where none of these shows.
        place: [H, W, 2], the place in its key that each pixel shows.
    """
    bare = (label < 0) & (beneath < 0)
    if plan.lifted is None:
        return _behind(plan, nearer, label, beneath, bare)
    specks, dust = _specks(plan, nearer, label, beneath, place)
    holes, nearest = nearest_outside(bare | dust)
    left = plan.keys[nearer].labels.reshape(-1)[holes]
    off, beyond = _off(plan, nearer), _off(plan, 1 - nearer)
    wide = _wide(bare)
    for region in np.unique(left[plan.lifted[nearer][left]]).tolist():
        least = TOGETHER * np.hypot(*off[region])
        with_it, with_it_too = (np.hypot(*(one - off[region]).T) < least for one in (off, beyond))
        own, other = nearest_outside(
            bare | specks | np.where(label < 0, with_it_too[beneath], with_it[label])
        )
        behind = np.full(bare.size, -1, np.int64)
        behind[own] = other
        here = np.flatnonzero((left == region) & (behind[holes] >= 0))
        rest, close = behind[holes[here]], nearest[here]
        near = _away(holes[here], rest, bare.shape[1]) <= _away(holes[here], close, bare.shape[1]) + SEAM_PX
        taken = near | wide.reshape(-1)[holes[here]]
        nearest[here[taken]] = rest[taken]
    return holes, nearest


def _behind(plan: Plan, nearer: int, label: Labels, beneath: Labels, bare: Mask) -> tuple[Places, Places]:
    """`filling` where no rough leads."""
    holes, nearest = nearest_outside(bare)
    left = plan.led[0][plan.keys[0].labels] & plan.led[1][plan.keys[1].labels] & _wide(bare)
    here = np.flatnonzero(left.reshape(-1)[holes])
    if len(here):
        led, led_too = plan.led[nearer], plan.led[1 - nearer]
        own, other = nearest_outside(bare | np.where(label < 0, led_too[beneath], led[label]))
        behind = np.full(bare.size, -1, np.int64)
        behind[own] = other
        here = here[behind[holes[here]] >= 0]
        nearest[here] = behind[holes[here]]
    return holes, nearest


def _wide(bare: Mask) -> Mask:
    """[H, W]: what is no seam."""
    kernel = np.ones((SEAM_PX, SEAM_PX), np.uint8)
    return np.asarray(cv2.morphologyEx(bare.astype(np.uint8), cv2.MORPH_OPEN, kernel) > 0)


def _specks(plan: Plan, nearer: int, label: Labels, beneath: Labels, place: Shares) -> tuple[Mask, Mask]:
    """[H, W] twice: pixels in another paint than their region, too few for one of their own; and dust.

    Dust are those of them that were on the rim of what was led away, and stayed.
    """
    height, width = label.shape
    at = np.floor(place + 0.5).astype(np.int64)
    y, x = at[..., 1].clip(0, height - 1), at[..., 0].clip(0, width - 1)
    key = np.where(label < 0, 1 - nearer, nearer)
    paint = plan.both.rgb[plan.both.paint[key, y, x]]
    own, other = (plan.keys[which].regions.colour for which in (nearer, 1 - nearer))
    usual = np.where((label < 0)[..., None], other[beneath], own[label])
    specks = np.abs(paint - usual).max(2) > COLOUR
    assert plan.lifted is not None
    led = plan.lifted[nearer]
    rim = cv2.dilate(led[plan.keys[nearer].labels].astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    return specks, specks & (label >= 0) & ~led[label] & rim[y, x]


def _off(plan: Plan, key: int) -> Floats:
    """[K, 2], pixels: how far regions of a key are led off their chords, mean over their knots."""
    motions = plan.found.motions
    knots = motions.grid[:, 3] * motions.grid[:, 4]
    mean = np.add.reduceat(motions.sag, motions.first) / knots[:, None]
    return np.asarray(mean[plan.found.motion1 if key else plan.found.motion0])


def _away(one: Places, other: Places, width: int) -> Floats:
    """[N], pixels: how far places of the flat picture are from others."""
    return np.asarray(np.hypot(one // width - other // width, one % width - other % width))
