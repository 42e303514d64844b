"""A plan in pieces that can be rendered apart: shards begin at cuts, so that no pair is prepared twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from nakawari.timeline.plan import Plan

LEAST, MOST = 120, 480
"""Output frames of a shard: a cut after so many ends it, and a longer shot is divided."""


@dataclass(frozen=True, slots=True)
class Shard:
    """Slots `first`..`end` (excluded) of a plan.

    Attributes:
        begins: number of the input frame from which on it needs frames.
        time: when that frame is shown.
    """

    first: int
    end: int
    begins: int
    time: Fraction


def cut(plan: Plan, times: Sequence[Fraction], least: int = LEAST, most: int = MOST) -> list[Shard]:
    """Cut a plan into shards.

    Args:
        plan: with at least one slot.
        times: when each input frame is shown.
        least, most: output frames of a shard; the last one may have less.
    """
    firsts = {shot.first for shot in plan.shots}
    shards: list[Shard] = []
    first = 0
    for number in range(1, len(plan.slots) + 1):
        length = number - first
        last = number == len(plan.slots)
        shot = not last and _shot(plan, number, firsts) != _shot(plan, number - 1, firsts)
        if last or length >= most or (shot and length >= least):
            begins = min(slot.source for slot in plan.slots[first:number])
            shards.append(Shard(first, number, begins, times[begins]))
            first = number
    return shards


def _shot(plan: Plan, slot: int, firsts: set[int]) -> int:
    source = plan.slots[slot].source
    return max((first for first in firsts if first <= source), default=0)
