"""A page on which people keep or drop triplets, and what becomes of a set once several have.

The page is static: it shows the frames where they lie, keeps answers in the browser and saves them as a file
for each reviewer. As for ATD-12K, what two keep is kept.
"""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import quote

from nakawari.data.atd12k import ANNOTATIONS, FRAMES, Triplet, find_triplets
from nakawari.data.mined.files import DROPPED, write_note
from nakawari.data.mined.motion import MOTIONS
from nakawari.errors import InputError, OutputError

FORMAT = "nakawari-review/1"
BEHAVIOURS = ("speaking", "walking", "eating", "sporting", "fetching", "others")
ENOUGH = 2
"""So many have to keep a triplet."""
LEVELS = ("easy", "medium", "hard")
_FOLDERS = tuple(name for names in FRAMES.values() for name in names)


@dataclass(frozen=True, slots=True)
class Merged:
    """How many triplets are kept, dropped, and open because fewer than two have answered."""

    kept: int
    dropped: int
    open: int


def triplets_of(folder: Path) -> list[Triplet]:
    """The triplets of a set, of whichever parts it has.

    Raises:
        InputError: there are none.
    """
    parts = [part for part, places in FRAMES.items() if any((folder / place).is_dir() for place in places)]
    if not parts:
        raise InputError(f"{folder} is no set of triplets; wanted {' or '.join(_FOLDERS)} in it.")
    return [triplet for part in parts for triplet in find_triplets(folder, part)]


def page(folder: str | Path, output: str | Path) -> str:
    """The page for a set, to be written to `output`: its pictures are named as seen from there.

    Raises:
        InputError: there are no triplets, or one has no annotation.
    """
    root, place = Path(folder), Path(output).resolve().parent
    rows = []
    for triplet in triplets_of(root):
        note = _note(root, triplet.name)
        box = note["motion_RoI"]
        rows.append(
            {
                "name": triplet.name,
                "frames": [quote(os.path.relpath(path.resolve(), place)) for path in triplet.frames],
                "size": note["image_size"],
                "level": note["level"],
                "roi": [box["x"], box["y"], box["width"], box["height"]],
                "motion": _words(note["general_motion_type"]),
                "behavior": _words(note["behavior"]),
                "facts": _facts(note),
            }
        )
    data = {
        "format": FORMAT,
        "set": root.resolve().name,
        "motions": MOTIONS,
        "behaviors": BEHAVIOURS,
        "triplets": rows,
    }
    template = Template(files("nakawari.data.mined").joinpath("review.html").read_text(encoding="utf-8"))
    inline = json.dumps(data).replace("<", "\\u003c")  # nothing in it can end the script element
    return template.substitute(title=escape(root.resolve().name), data=inline)


def _facts(note: dict[str, Any]) -> str:
    if "mean_motion_px_at_960" not in note:
        return ""
    moved, covered = note["mean_motion_px_at_960"], note["covered"]
    return f"estimated: {moved:.1f} px of mean motion at 960 wide, {100 * covered:.1f} % covered"


def merge(folder: str | Path, answers: Sequence[str | Path]) -> Merged:
    """Keep what two keep, with what they say of it; the rest goes to DIR/dropped, and may come back.

    Args:
        folder: the set.
        answers: files that the page saved, one a reviewer.

    Returns:
        what became of it.

    Raises:
        InputError: fewer than two files, one is broken or of another set, or two are of one reviewer.
        OutputError: something cannot be moved or written.
    """
    root = Path(folder)
    everyone = [_read(Path(path), root.resolve().name) for path in answers]
    names = [each["reviewer"] for each in everyone]
    if len(set(names)) < ENOUGH:
        raise InputError(
            f"answers of {', '.join(names) or 'nobody'}; wanted those of {ENOUGH} people or more."
        )
    if len(set(names)) < len(names):
        raise InputError(f"two files are of one reviewer ({', '.join(names)}); give one of each.")
    places = _places(root)
    unknown = sorted({name for each in everyone for name in each["answers"]} - set(places))
    if unknown:
        raise InputError(f"{root} has no triplet {unknown[0]}, which an answer names.")
    count: Counter[str] = Counter()
    for name, place in places.items():
        said = {
            each["reviewer"]: each["answers"][name]
            for each in everyone
            if each["answers"].get(name, {}).get("keep") is not None
        }
        keepers = {who: answer for who, answer in said.items() if answer["keep"]}
        if len(keepers) >= ENOUGH:
            count["kept"] += 1
            _move(place, root / place.parent.name / name)
            write_note(root, name, _agreed(_note(root, name), keepers))
        elif len(said) >= ENOUGH:
            count["dropped"] += 1
            _move(place, root / DROPPED / place.parent.name / name)
        else:
            count["open"] += 1
    return Merged(count["kept"], count["dropped"], count["open"])


def _places(root: Path) -> dict[str, Path]:
    """Folders of the triplets by name, the dropped ones among them."""
    found: dict[str, Path] = {}
    for part in _FOLDERS:
        for place in (root / part, root / DROPPED / part):
            if place.is_dir():
                found |= {p.name: p for p in sorted(place.iterdir()) if p.is_dir() and p.name[0] != "."}
    if not found:
        raise InputError(f"{root} is no set of triplets; wanted {' or '.join(_FOLDERS)} in it.")
    return found


def _move(place: Path, goal: Path) -> None:
    if place == goal:
        return
    try:
        goal.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(place, goal)
    except OSError as error:
        raise OutputError(f"{place} cannot be moved to {goal}: {error.strerror or error}.") from error


def _agreed(note: dict[str, Any], keepers: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """What its keepers say: the middle level (the harder of two), the mean box, tags of half of them."""
    said = list(keepers.values())
    levels = sorted(answer["level"] for answer in said)
    box = [round(sum(answer["roi"][side] for answer in said) / len(said)) for side in range(4)]

    def tags(kind: str) -> list[str]:
        counts = Counter(tag for answer in said for tag in answer[kind])
        return [tag for tag, number in counts.items() if 2 * number >= len(said)]

    return note | {
        "level": levels[len(levels) // 2],
        "motion_RoI": dict(zip(("x", "y", "width", "height"), box, strict=True)),
        "general_motion_type": tags("motion"),
        "behavior": tags("behavior"),
        "estimated": [],
        "reviewed_by": list(keepers),
    }


def _note(root: Path, name: str) -> dict[str, Any]:
    path = root / ANNOTATIONS / name / f"{name}.json"
    try:
        note: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} is not an annotation that can be read: {error}.") from error
    missing = {"level", "image_size", "motion_RoI", "general_motion_type", "behavior"} - set(note)
    if missing:
        raise InputError(f"{path} lacks {sorted(missing)[0]}.")
    return note


def _words(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _read(path: Path, name: str) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as answers: {error}.") from error
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise InputError(f"{path} holds no answers of a review (format {FORMAT}).")
    if found["set"] != name:
        raise InputError(f"{path} is of the set {found['set']!r}; this one is {name!r}.")
    for triplet, answer in found["answers"].items():
        roi = answer.get("roi")
        if (
            answer.get("keep") not in (True, False, None)
            or answer.get("level") not in range(len(LEVELS))
            or not (
                isinstance(roi, list) and len(roi) == 4 and all(isinstance(v, int) and v >= 0 for v in roi)
            )
            or not {*answer.get("motion", [None])} <= set(MOTIONS)
            or not {*answer.get("behavior", [None])} <= set(BEHAVIOURS)
        ):
            raise InputError(f"{path} has an answer to {triplet} that cannot be understood: {answer}.")
    return found
