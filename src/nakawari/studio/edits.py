"""One edit, as the page sends it: a name and its words → a new project."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

from nakawari.errors import InputError, PlanError
from nakawari.models import find
from nakawari.studio.guides import read_guide
from nakawari.studio.hints import read_hints
from nakawari.studio.project import Project, pruned, read_chart, with_key
from nakawari.timeline.edit import restore, set_cadence, set_cut, set_drawing

Words = dict[str, Any]


def apply(project: Project, edit: Any) -> Project:
    """The project after one edit, such as `{"edit": "cut", "frame": 24, "there": true}`.

    Raises:
        InputError: there is no such edit, its words are wrong, or it would change nothing.
    """
    if not isinstance(edit, dict) or edit.get("edit") not in EDITS:
        raise InputError(f"there is no such edit; wanted one of {', '.join(EDITS)}.")
    try:
        changed = EDITS[edit["edit"]](project, edit)
    except PlanError:
        raise
    except (KeyError, TypeError, ValueError, ZeroDivisionError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"the edit {edit['edit']} has a word missing or wrong ({error}).") from error
    changed.rate()  # a rate below the clip's is refused here, not in the midst of a render
    return pruned(changed)


def _cut(project: Project, words: Words) -> Project:
    reading = set_cut(project.reading, _frame(words["frame"]), _yes(words["there"]))
    return replace(project, reading=reading)


def _drawing(project: Project, words: Words) -> Project:
    reading = set_drawing(project.reading, _frame(words["frame"]), _yes(words["there"]))
    return replace(project, reading=reading)


def _cadence(project: Project, words: Words) -> Project:
    number = _frame(words["shot"])
    if not 0 <= number < len(project.reading.shots):
        raise PlanError(f"there is no shot {number}.")
    if words["cadence"] is None:
        return replace(project, reading=restore(project.reading, number, project.found))
    return replace(project, reading=set_cadence(project.reading, number, _frame(words["cadence"])))


def _hold(project: Project, words: Words) -> Project:
    frame = _begins(project, words["frame"])
    held = None if words["held"] is None else _yes(words["held"])
    return replace(project, held=with_key(project.held, frame, held))


def _chart(project: Project, words: Words) -> Project:
    frame = _begins(project, words["frame"])
    chart = None if words["chart"] is None else read_chart(words["chart"])
    return replace(project, charts=with_key(project.charts, frame, chart))


def _model(project: Project, words: Words) -> Project:
    name = None if words["model"] is None else find(str(words["model"])).name
    if words.get("frame") is None:
        if name is None:
            raise InputError("no model was named.")
        return replace(project, settings=replace(project.settings, model=name))
    frame = _begins(project, words["frame"])
    return replace(project, models=with_key(project.models, frame, name))


def _hints(project: Project, words: Words) -> Project:
    frame = _begins(project, words["frame"])
    hints = None if words["hints"] is None else read_hints(words["hints"], project.source) or None
    return replace(project, hints=with_key(project.hints, frame, hints))


def _guide(project: Project, words: Words) -> Project:
    frame = _begins(project, words["frame"])
    guide = None if words["guide"] is None else read_guide(words["guide"])
    return replace(project, guides=with_key(project.guides, frame, guide))


def _settings(project: Project, words: Words) -> Project:
    changes: dict[str, Any] = {}
    for word in ("fps", "factor", "hold_max"):
        if word in words:
            changes[word] = None if words[word] in (None, "") else Fraction(str(words[word]))
    if "holds" in words:
        if words["holds"] not in ("keep", "smooth"):
            raise InputError(f"holds is {words['holds']!r}; wanted keep or smooth.")
        changes["holds"] = words["holds"]
    if changes.get("hold_max") is not None and changes["hold_max"] <= 0:
        raise InputError("hold_max is not above 0.")
    return replace(project, settings=replace(project.settings, **changes))


EDITS: dict[str, Callable[[Project, Words], Project]] = {
    "cut": _cut,
    "drawing": _drawing,
    "cadence": _cadence,
    "hold": _hold,
    "chart": _chart,
    "model": _model,
    "hints": _hints,
    "guide": _guide,
    "settings": _settings,
}


def _begins(project: Project, value: Any) -> int:
    """A frame at which a drawing begins."""
    frame = _frame(value)
    if not 0 <= frame < len(project.reading.times):
        raise PlanError(f"there is no frame {frame}.")
    if project.reading.drawings[project.reading.drawing_of(frame)].first != frame:
        raise PlanError(f"no drawing begins at frame {frame}.")
    return frame


def _frame(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise InputError(f"{value!r} is not a whole number.")
    return value


def _yes(value: Any) -> bool:
    if not isinstance(value, bool):
        raise InputError(f"{value!r} is not true or false.")
    return value
