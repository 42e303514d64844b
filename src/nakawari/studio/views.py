"""Projects as the page wants them: what the ribbon draws, and all about one pair."""

from __future__ import annotations

import hashlib
import json
from fractions import Fraction
from functools import lru_cache
from typing import Any

from nakawari.studio.project import Project, Same, seconds
from nakawari.studio.store import Open
from nakawari.timeline.cadence import hold_limit
from nakawari.timeline.plan import Shot

NEAR_S = 1e-6


def whole(entry: Open) -> dict[str, Any]:
    """All that the ribbon needs; drawings are [first, last, flash, held], shots [first, last, cadence]."""
    project = entry.project
    source, settings = project.source, project.settings
    rate = project.rate()
    return {
        "id": project.id,
        "name": project.name,
        "revision": entry.revision,
        "undo": len(entry.past),
        "redo": len(entry.future),
        "source": {
            "path": source.path,
            "width": source.width,
            "height": source.height,
            "rate": _rate(source.rate),
            "alpha": source.alpha,
            "bits": source.bits,
            "aspect": float(source.sample_aspect),
            "audio": source.audio,
        },
        "settings": {
            "fps": None if settings.fps is None else _rate(settings.fps),
            "factor": None if settings.factor is None else _rate(settings.factor),
            "holds": settings.holds,
            "hold_max": None if settings.hold_max is None else _rate(settings.hold_max),
            "model": settings.model,
            "rate": _rate(rate),
            "rate_number": float(rate),
        },
        "frames": len(project.reading.times),
        "start": float(project.reading.times[0]),
        "seconds": float(
            project.reading.times[-1] + project.reading.durations[-1] - project.reading.times[0]
        ),
        "shots": [_shot(project, shot) for shot in project.reading.shots],
        "drawings": _drawings(project),
        "charts": sorted(project.charts),
        "models": {str(k): v for k, v in project.models.items()},
        "hints": {str(k): len(v) for k, v in project.hints.items()},
    }


def _shot(project: Project, shot: Shot) -> list[int]:
    return [shot.first, shot.last, shot.cadence]


def _drawings(project: Project) -> list[list[Any]]:
    """[first, last, flash, held: 0 moves, 1 holds, said: -1 by rule, 0 or 1 by a person] of each drawing."""
    r, settings = project.reading, project.settings
    long = _long(Same(r.times), Same(r.durations), Same(r.shots), Same(r.drawings), settings.hold_max)
    rows = []
    for drawing, by_rule in zip(r.drawings, long, strict=True):
        said = project.held.get(drawing.first)
        held = by_rule and settings.holds == "keep" if said is None else said
        rows.append(
            [drawing.first, drawing.last, int(drawing.flash), int(held), -1 if said is None else int(said)]
        )
    return rows


@lru_cache(maxsize=8)
def _long(
    times: Same, durations: Same, shots: Same, drawings: Same, hold_max: Fraction | None
) -> tuple[bool, ...]:
    """Of each drawing, whether it is shown so long that it is a hold."""
    exact, plain, frames = times.value, seconds(times), len(times.value)
    found, rest = [], iter(drawings.value)
    for shot in shots.value:
        limit = _limit(durations, shot) if hold_max is None else hold_max
        longest = float(limit)
        for drawing in rest:
            shown = plain[min(drawing.last + 1, frames - 1)] - plain[drawing.first]
            long = shown > longest
            if drawing.last + 1 == frames or abs(shown - longest) < NEAR_S:  # plain numbers do not decide
                end = exact[drawing.last] + durations.value[drawing.last]
                long = end - exact[drawing.first] > limit
            found.append(long)
            if drawing.last == shot.last:
                break
    return tuple(found)


@lru_cache(maxsize=4096)
def _limit(durations: Same, shot: Shot) -> Fraction:
    return hold_limit(durations.value, shot)


def pair(project: Project, target: int) -> dict[str, Any]:
    """All about the way to the drawing that begins at frame `target`.

    Raises:
        PlanError: no drawing begins there.
    """
    source = project.source_of(target)
    begins = project.reading.times
    values: dict[str, Any] = {
        "target": target,
        "source": source,
        "model": project.model_of(target),
        "own_model": project.models.get(target),
        "chart": [[_rate(u), _rate(t)] for u, t in project.charts.get(target, ())],
        "hints": list(project.hints.get(target, ())),
        "guide": None if target not in project.guides else project.guides[target].to_json(),
        "ticks": [],
    }
    if source is None:
        return values
    slots = project.pair_slots(target)
    straight = project.pair_slots(target, bent=False)
    values["source"] = slots[0].source if slots else source
    values["ticks"] = [
        {"pts": _rate(slot.pts), "u": _rate(plain.t), "t": _rate(slot.t), "at": float(slot.t or 0)}
        for slot, plain in zip(slots, straight, strict=True)
    ]
    values["begin"] = float(begins[source])
    values["end"] = float(begins[target])
    values["key"] = digest(ask(project, target, values["source"]))
    return values


def ask(project: Project, target: int, source: int, model: str | None = None) -> dict[str, Any]:
    """What decides how a pair is drawn."""
    asked = {
        "source": source,
        "target": target,
        "model": model or project.model_of(target),
        "hints": list(project.hints.get(target, ())),
    }
    guide = project.guides.get(target)
    return asked if guide is None else asked | {"guide": guide.to_json()}


def digest(asked: dict[str, Any]) -> str:
    """A name for what decides how a pair is drawn: other wishes, other pictures."""
    return hashlib.blake2b(json.dumps(asked, sort_keys=True).encode(), digest_size=10).hexdigest()


def timing(project: Project, shot: int) -> list[dict[str, Any]]:
    """What is played of a shot: for each output frame the moment, what is shown, and how that is called."""
    keys: dict[tuple[int, int], str] = {}
    rows = []
    for slot in project.slots(shot):
        key = None
        if slot.target is not None:
            pair = (slot.source, slot.target)
            key = keys.get(pair) or digest(ask(project, slot.target, slot.source))
            keys[pair] = key
        rows.append(
            {
                "pts": float(slot.pts),
                "source": slot.source,
                "target": slot.target,
                "t": None if slot.t is None else _rate(slot.t),
                "key": key,
                "reason": str(slot.reason),
            }
        )
    return rows


def _rate(value: Any) -> str:
    return f"{value.numerator}/{value.denominator}"
