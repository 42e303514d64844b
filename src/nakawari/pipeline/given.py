"""A plan that somebody gives: read, and held against the clip and against what else was asked.

A plan knows what it was made of and how (`Plan.clip`, `Plan.options`). What was asked beside it may say the
same and nothing else, so nothing is ignored; what was not asked is as it was when the plan was made. Plans
that do not know (written by hand, or by an older version) are checked as far as they go.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from nakawari.errors import InputError, PlanError
from nakawari.pipeline.analyse import Seen, read_cuts
from nakawari.pipeline.casting import with_guides
from nakawari.pipeline.timing import Timing, exact, read_text
from nakawari.timeline.cuts import clock
from nakawari.timeline.plan import Original, Plan

OF_THE_CLIP = ("start", "end", "loop", "slowmo", "input_rate", "deinterlace")
"""What says of which frames and times a plan is; the rest decides what is made of them."""

OR_ELSE = "leave that out, or make a new plan with it."

RATES = ("fps", "factor")

FLAGS = {"input_rate": "framerate", "hold_max": "hold-max", "cut_fill": "cut-fill"}


def read_plan(plan: Plan | str | Path) -> Plan:
    """A plan, or the JSON file of one, in which pictures (guides) are named from where it lies.

    Raises:
        InputError: the file, or a picture that it names, cannot be read. PlanError: it is no plan, or not a
            whole one.
    """
    if isinstance(plan, Plan):
        return plan
    return with_guides(Plan.from_json(read_text(plan, "plan")), Path(plan).parent)


@dataclass(frozen=True, slots=True)
class Given:
    """A plan that was given, what was asked beside it, and the timing that it was made with."""

    plan: Plan
    asked: Mapping[str, Any]
    timing: Timing

    @staticmethod
    def of(plan: Plan | str | Path, asked: Mapping[str, Any]) -> Given:
        """Read a plan.

        Args:
            plan: it, or the JSON file of one.
            asked: what was asked beside it, as `Timing.of` takes it, and nothing that was not asked.

        Raises:
            InputError: the file cannot be read, or something that was asked contradicts the plan.
            PlanError: it is no plan, or not a whole one.
        """
        made = read_plan(plan)
        return Given(made, asked, _timing(made, asked))

    def rate(self, clip_rate: Fraction) -> Fraction:
        """The plan's rate; InputError where another was asked of a clip of `clip_rate`."""
        asked = {name: exact(self.asked[name]) for name in ("fps", "factor") if name in self.asked}
        rates = replace(self.timing, fps=asked.get("fps"), factor=asked.get("factor"))
        if asked and rates.rate(clip_rate) != self.plan.rate:
            said = " and ".join(_said(name, value) for name, value in asked.items())
            raise InputError(
                f"the plan has its own rate, {self.plan.rate} a second, which {said} contradicts; {OR_ELSE}"
            )
        return self.plan.rate

    def fitting(self, seen: Seen) -> Plan:
        """The plan, if it is one of the clip that has been seen, and of the cuts that were asked for.

        Raises:
            PlanError: says what differs.
        """
        plan = self.plan
        if plan.clip is not None:
            _check_original(plan.clip, seen)
        plan.check(len(seen.times), seen.times[0] * self.timing.slowmo)
        shown = len(seen.times) - self.timing.loop
        frames = plan.drawings[-1].last + 1 if plan.drawings else 0
        if frames != shown:
            raise PlanError(f"the plan's drawings and shots have {frames} frames; the input has {shown}.")
        cuts = read_cuts(self.asked.get("cuts", "auto"), seen.times)
        if not isinstance(cuts, str):
            _check_cuts({shot.first for shot in plan.shots[1:]}, set(cuts))
        return plan


def _timing(plan: Plan, asked: Mapping[str, Any]) -> Timing:
    """What the plan was made with; InputError where what was asked beside it contradicts that.

    Rates, and cuts that are no word, are held against the plan once the clip is known.
    """
    beside = Timing.of(**asked)
    if plan.options is None:
        wrong = [name for name in asked if name not in (*OF_THE_CLIP, *RATES)]
        if wrong:
            raise InputError(f"the plan has decided already what {_listed(wrong, beside)} would; {OR_ELSE}")
        return replace(beside, fps=plan.rate, factor=None)
    made = Timing.of_options(plan.options)
    later = (*RATES, *(() if beside.cuts in ("auto", "off") else ("cuts",)))
    wrong = [name for name in asked if name not in later and getattr(beside, name) != getattr(made, name)]
    if wrong:
        raise InputError(
            f"the plan was made with {_listed(wrong, made)}, not {_listed(wrong, beside)}; {OR_ELSE}"
        )
    return made


def _check_cuts(firsts: set[int], cuts: set[int]) -> None:
    wrong = sorted(firsts ^ cuts)
    if wrong:
        where, what = ("does not name", "is") if wrong[0] in firsts else ("names", "is not")
        raise PlanError(f"--cuts {where} frame {wrong[0]}, which {what} a cut of the plan; {OR_ELSE}")


def _check_original(was: Original, seen: Seen) -> None:
    """Raise PlanError where the clip is not that which the plan was made of."""
    now = seen.original
    differs = ""
    if now.frames != was.frames:
        differs = f"was made of {was.frames} frames, and this has {now.frames}"
    elif now.first != was.first:
        differs = f"is of a clip that begins at {clock(was.first)}, and this at {clock(now.first)}"
    elif now.last != was.last:
        differs = f"is of a clip that ends at {clock(was.last)}, and this at {clock(now.last)}"
    elif was.pictures is not None and now.pictures != was.pictures:
        differs = (
            'is of a clip that shows other pictures (where that is meant, set "pictures" to null in the plan)'
        )
    if differs:
        raise PlanError(f"the plan is not one of {seen.info.path}: it {differs}.")


def _listed(names: list[str], timing: Timing) -> str:
    return ", ".join(_said(name, getattr(timing, name)) for name in names)


def _said(name: str, value: Any) -> str:
    """An option as it is written on the command line."""
    flag = f"--{FLAGS.get(name, name)}"
    if isinstance(value, bool):
        return flag if value else f"no {flag}"
    return f"no {flag}" if value is None else f"{flag} {value}"
