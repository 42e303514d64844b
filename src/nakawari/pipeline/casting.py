"""Who draws which pair: what a plan says of single pairs, against the models that there are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nakawari.errors import InputError
from nakawari.models import find, is_file
from nakawari.timeline.plan import Choice, Plan

if TYPE_CHECKING:
    from nakawari.models.base import Interpolator
    from nakawari.pipeline.artist import Cast


def check_choices(plan: Plan, model: str) -> None:
    """See whether the pairs of a plan can be drawn as it says, before anything is loaded.

    Args:
        plan: read and whole.
        model: the name, or the weight file, of who draws pairs for which no model is chosen.

    Raises:
        ModelError: it names a model that there is not.
        InputError: hints are not made as they should be, or given to a model that takes none.
    """
    for choice in plan.pairs:
        name = find(choice.model).name if choice.model is not None else model
        if choice.hints and (is_file(name) or not find(name).hints):
            raise InputError(
                f"the plan has hints for the way to frame {choice.target}, and {name} takes none. "
                'Choose a model that does, such as cel, or set "hints" to {} there.'
            )
        try:
            told(choice)
        except InputError as error:
            raise InputError(f"the plan's pair that leads to frame {choice.target}: {error}") from error


def casting(plan: Plan, artist: Interpolator, load: Callable[[str], Interpolator]) -> Cast | None:
    """Who draws each pair of a plan, and what else they are told; None: `artist` draws all.

    Args:
        plan: checked by `check_choices`.
        artist: who draws what nobody chose a model for.
        load: gives the model of a name; asked at once, so that one that is not there is told of at once.
    """
    if not plan.pairs:
        return None
    models = {name: load(name) for name in {c.model for c in plan.pairs if c.model is not None}}
    choices = {choice.target: choice for choice in plan.pairs}

    def cast(_source: int, target: int) -> tuple[Interpolator, dict[str, Any]]:
        choice = choices.get(target)
        if choice is None:
            return artist, {}
        # guides are decoded one at a time: a whole clip of them takes more room than its frames
        return artist if choice.model is None else models[choice.model], told(choice)

    return cast


def with_guides(plan: Plan, folder: Path) -> Plan:
    """The plan with its guides themselves in place of their names, so that it means the same from everywhere.

    Args:
        plan: as its file says.
        folder: where that file lies.

    Raises:
        InputError: there is no such picture.
    """
    from nakawari.models.cel.hints import carried

    if not any("guide" in choice.hints for choice in plan.pairs):
        return plan
    pairs = []
    for choice in plan.pairs:
        try:
            pairs.append(replace(choice, hints=carried(choice.hints, folder)))
        except InputError as error:
            raise InputError(f"the plan's pair that leads to frame {choice.target}: {error}") from error
    return replace(plan, pairs=tuple(pairs))


def told(choice: Choice) -> dict[str, Any]:
    """What the `prepare` of a model is told besides the keys."""
    if not choice.hints:
        return {}
    from nakawari.models.cel.hints import parse_hints

    return {"hints": parse_hints(choice.hints)}
