"""What `cel` found out about a pair, for display and for the one who corrects it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nakawari.models.cel.plan import Plan
from nakawari.models.explanation import Explanation

Floats = npt.NDArray[np.float32]
Shares = npt.NDArray[np.float64]

LOOSE_PX = 2.0
"""Mean distance of an outline from its partner's at which half of the confidence is gone."""
SURE = 0.5
"""Confidence from which a region counts as surely matched."""


@dataclass(slots=True, kw_only=True)
class CelExplanation(Explanation):
    """What `cel` tells besides: nothing here is None.

    Attributes:
        confidence01, confidence10: [K0], [K1] in [0, 1].
        lines0, lines1: polylines [N, 2] (x, y) of the strokes.
        confidence: in [0, 1], the share of what changes that belongs to surely matched regions.
    """

    confidence01: Shares
    confidence10: Shares
    lines0: list[Floats]
    lines1: list[Floats]
    confidence: float


def explain(plan: Plan) -> CelExplanation:
    """Tell about a pair."""
    one, other = plan.keys
    sure0, sure1 = _sureness(plan)
    return CelExplanation(
        flow(plan, False),
        flow(plan, True),
        one.labels,
        other.labels,
        plan.matches.partners01,
        plan.matches.partners10,
        confidence01=sure0,
        confidence10=sure1,
        lines0=one.strokes.polylines(),
        lines1=other.strokes.polylines(),
        confidence=confidence(plan),
    )


def _sureness(plan: Plan) -> tuple[Shares, Shares]:
    """[K0], [K1]: how surely regions are matched: how alone the match is, and how well outlines fit."""
    partners01, partners10 = plan.matches.partners01, plan.matches.partners10
    fit = np.where(np.isfinite(plan.found.fit), plan.found.fit, 0.0)
    sure0 = (0.5 + 0.5 * plan.matches.sure) * 0.5 ** (fit / LOOSE_PX) * (partners01 >= 0)
    return sure0, np.where(partners10 >= 0, sure0[np.maximum(partners10, 0)], 0.0)


def flow(plan: Plan, second: bool) -> Floats:
    """How far the pixels of a key go until the other one."""
    labels = plan.keys[int(second)].labels
    motion = (plan.found.motion1 if second else plan.found.motion0)[labels.reshape(-1)]
    y, x = np.divmod(np.arange(labels.size), labels.shape[1])
    place = np.stack([x, y], 1).astype(np.float64)
    motions = plan.found.motions
    there = motions.origin(motion, place, 1.0) if second else motions.at(motion, place, 1.0)
    return np.asarray((there - place).reshape(*labels.shape, 2), np.float32)


def confidence(plan: Plan) -> float:
    """Of the pixels that differ between the keys, the share whose regions are surely matched in both."""
    one, other = plan.keys
    sure0, sure1 = _sureness(plan)
    changed = (one.rgb != other.rgb).any(2)
    if not changed.any():
        return 1.0
    known = (sure0[one.labels[changed]] >= SURE) & (sure1[other.labels[changed]] >= SURE)
    return float(known.mean())
