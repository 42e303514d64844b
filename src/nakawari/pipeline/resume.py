"""What decides the result of a render, so that a later run can tell whether it may go on with it."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nakawari.errors import OutputError, PlanError
from nakawari.pipeline.report import versions
from nakawari.timeline.plan import Plan
from nakawari.timeline.plan_json import pieces
from nakawari.video.journal import PLAN, Journal

if TYPE_CHECKING:
    from nakawari.pipeline.timing import Timing
    from nakawari.video.encoders import EncodeOptions


def settings(
    source: Path, timing: Timing, given: Plan | None, options: EncodeOptions, model: dict[str, str]
) -> dict[str, Any]:
    """All that decides the result, as JSON-ready values: the input as it is now, options and versions."""
    asked = {name: str(value) for name, value in _fields(timing).items()}
    if isinstance(timing.cuts, (str, Path)) and Path(timing.cuts).is_file():
        asked["cuts"] = _digest(Path(timing.cuts).read_bytes())
    return {
        "input": {"name": str(source.resolve()), **_state(source)},
        **asked,
        **model,
        "plan": None if given is None else _digest(*(piece.encode() for piece in pieces(given))),
        "encode": asdict(options),
        "shipped": _shipped(model),
        "versions": versions(),
    }


def _shipped(model: dict[str, str]) -> str | None:
    """The digest of the weights that come with nakawari and draw here; None where others do, or none."""
    from nakawari.models import find, is_file
    from nakawari.models.official import shipped

    if is_file(model["model"]) or model["weights"] != "None":
        return None
    row = find(model["model"])
    return None if row.weights != "shipped" else _digest(shipped(row.weights_of).read_bytes())


def _fields(timing: Timing) -> dict[str, Any]:
    """The fields of `timing`."""
    return {name: getattr(timing, name) for name in timing.__slots__}


def kept_plan(journal: Journal) -> Plan | None:
    """The plan that an earlier run made; None where it did not come so far.

    Raises:
        OutputError: it is broken.
    """
    text = journal.read(PLAN)
    if text is None:
        return None
    try:
        return Plan.from_json(text.decode())
    except (PlanError, UnicodeDecodeError) as error:
        raise OutputError(
            f"{journal.folder / PLAN} is broken. Remove {journal.folder} to begin anew."
        ) from error


def keep_plan(journal: Journal, plan: Plan) -> None:
    """Keep the plan for a later run."""
    journal.write(PLAN, (piece.encode() for piece in pieces(plan)))


def _state(source: Path) -> dict[str, Any]:
    """Sizes and times of change of the input's files."""
    from nakawari.video.images import find, is_images

    files = find(source) if is_images(source) else [source]
    stats = [(file.name, stat.st_size, stat.st_mtime_ns) for file in files for stat in [file.stat()]]
    if len(stats) == 1:
        return {"bytes": stats[0][1], "changed_ns": stats[0][2]}
    return {"files": len(stats), "state": _digest(repr(stats).encode())}


def _digest(*parts: bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()[:16]
