"""What a mined set consists of on disk.

    DIR/train_10k/NAME/frame1.png, frame2.png, frame3.png        (or test_2k_original, as the published test)
    DIR/test_2k_annotations/NAME/NAME.json                       of either part
    DIR/mined/FILM.jsonl                                         what was looked at, a line for each

NAME is FILM_NUMBER_sN: the film's name and a fingerprint of its content, the number of the middle frame, and
how many drawings lie from one of the three to the next, as in ATD-12K.

A journal begins with how it was mined and from what. Then comes a line for each triplet that was judged,
kept or not and why, in order; and last a line that says that the film is done. A triplet is on disk before
its line is, so what a run that was cut off has left is what its journal says, and the next run goes on there.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
import numpy.typing as npt

from nakawari.checkpoints import write_atomic
from nakawari.data.atd12k import ANNOTATIONS
from nakawari.data.mined.motion import Estimate
from nakawari.errors import InputError, OutputError

Array = npt.NDArray[Any]

PARTS = {"train": "train_10k", "test": "test_2k_original"}
JOURNALS = "mined"
DROPPED = "dropped"
"""Where a review puts what it does not keep: DIR/dropped/train_10k/NAME."""
FORMAT = "nakawari-mined/1"
_FINGERPRINT_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Rules:
    """What is kept, and how it is written. Two runs into one folder have the same.

    Attributes:
        rules: "atd12k": likeness, black frames and captions; "rrld": coverage, pans, linearity and black
            frames; "both".
        gaps: how many drawings lie between two of a triplet.
        alike, unlike: of no two drawings is the likeness above, or below, these ("atd12k").
        captions: whether triplets with lines of text are kept.
        per_shot: at most so many triplets of a shot; 0: all.
        size: (H, W) to which frames are brought; None: as they are.
        form: "png" or "jpg".
        part: "train" or "test", the folder that gets them.
    """

    rules: Literal["both", "atd12k", "rrld"] = "both"
    gaps: tuple[int, ...] = (0, 1, 2)
    alike: float = 0.95
    unlike: float = 0.75
    captions: bool = False
    per_shot: int = 0
    size: tuple[int, int] | None = None
    form: Literal["png", "jpg"] = "png"
    part: Literal["train", "test"] = "train"

    def said(self) -> dict[str, Any]:
        """As JSON has it."""
        return json.loads(json.dumps(asdict(self)))  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True)
class Verdict:
    """One line of a journal.

    Attributes:
        frames: numbers of the three frames in the film.
        gap: drawings between two of them.
        shot: number of the first frame of their shot.
        why: why it was left out ("alike", "unlike", "black", "caption", "still", "pan", "crowded", "uneven",
            "enough"); None: it is kept.
        name: of its folder where it is kept.
    """

    frames: tuple[int, int, int]
    gap: int
    shot: int
    why: str | None
    name: str | None = None


def film_key(source: str | Path) -> str:
    """A film's name and six letters that are its content's, fit for a folder's name.

    Raises:
        InputError: it cannot be read.
    """
    path = Path(source)
    digest = hashlib.sha256()
    try:
        if path.is_dir():
            for each in sorted(path.iterdir()):
                digest.update(f"{each.name} {each.stat().st_size}\n".encode())
        else:
            digest.update(str(path.stat().st_size).encode())
            with path.open("rb") as file:
                digest.update(file.read(_FINGERPRINT_BYTES))
    except OSError as error:
        raise InputError(f"{source} cannot be read: {error.strerror or error}.") from error
    words = re.sub(r"[^A-Za-z0-9]+", "-", path.stem).strip("-")[:60] or "film"
    return f"{words}-{digest.hexdigest()[:6]}"


@dataclass(slots=True)
class Journal:
    """The journal of one film, open for going on.

    Attributes:
        path: DIR/mined/FILM.jsonl.
        judged: what was judged before, by frames.
        done: whether the film was looked at to its end.
    """

    path: Path
    judged: dict[tuple[int, int, int], Verdict] = field(default_factory=dict)
    done: bool = False

    @classmethod
    def opened(cls, folder: Path, key: str, source: str, rules: Rules) -> Journal:
        """Begin a journal, or read what is there.

        Raises:
            InputError: it is of other rules, or broken.
            OutputError: it cannot be written.
        """
        journal = cls(folder / JOURNALS / f"{key}.jsonl")
        head = {"format": FORMAT, "source": Path(source).name, **rules.said()}
        if not journal.path.exists():
            _make(journal.path.parent)
            write_atomic(journal.path, json.dumps(head).encode() + b"\n")
            return journal
        lines = read_journal(journal.path)
        found = next(lines)
        for name, value in rules.said().items():
            if found.get(name) != value:
                raise InputError(
                    f"{journal.path} was mined with {name} {found.get(name)!r}; wanted {value!r}. "
                    "Name another folder (-o)."
                )
        for line in lines:
            if line.get("done"):
                journal.done = True
                continue
            verdict = Verdict(tuple(line["frames"]), line["gap"], line["shot"], line["why"], line.get("name"))
            journal.judged[verdict.frames] = verdict
        _cut_half_line(journal.path)
        return journal

    def add(self, verdict: Verdict) -> None:
        """Write a line."""
        self.judged[verdict.frames] = verdict
        self._append({k: v for k, v in asdict(verdict).items() if k != "name" or v is not None})

    def finish(self) -> None:
        """Say that the film is done."""
        self.done = True
        self._append({"done": True})

    def _append(self, line: dict[str, Any]) -> None:
        try:
            with self.path.open("ab") as file:
                file.write(json.dumps(line).encode() + b"\n")
        except OSError as error:
            raise OutputError(f"{self.path} cannot be written: {error.strerror or error}.") from error


def read_journal(path: Path) -> Iterator[dict[str, Any]]:
    """The lines of a journal, its head first; a last line that was cut off is left out.

    Raises:
        InputError: it is no journal.
    """
    try:
        lines = path.read_bytes().split(b"\n")[:-1]
        rows = [json.loads(line) for line in lines]
    except (OSError, ValueError) as error:
        raise InputError(f"{path} is no journal of mining: {error}.") from error
    if not rows or not isinstance(rows[0], dict) or rows[0].get("format") != FORMAT:
        raise InputError(f"{path} is no journal of mining; name another folder.")
    yield from rows


def _cut_half_line(path: Path) -> None:
    content = path.read_bytes()
    if not content.endswith(b"\n"):
        write_atomic(path, content[: content.rfind(b"\n") + 1])


def write_triplet(
    folder: Path, name: str, frames: tuple[Array, Array, Array], note: dict[str, Any], rules: Rules
) -> None:
    """Write three frames, H×W×3 (or ×4) RGB, and what is noted; the folder appears whole.

    Raises:
        OutputError: it cannot be written.
    """
    place = folder / PARTS[rules.part] / name
    part = place.with_name(f".{name}.part")
    quality = [cv2.IMWRITE_JPEG_QUALITY, 95] if rules.form == "jpg" else [cv2.IMWRITE_PNG_COMPRESSION, 3]
    try:
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        for number, frame in enumerate(frames, 1):
            _, packed = cv2.imencode(f".{rules.form}", np.ascontiguousarray(frame[..., 2::-1]), quality)
            (part / f"frame{number}.{rules.form}").write_bytes(packed.tobytes())
        if place.exists():
            shutil.rmtree(place)
        os.replace(part, place)
    except OSError as error:
        raise OutputError(f"{place} cannot be written: {error.strerror or error}.") from error
    write_note(folder, name, note)


def write_note(folder: Path, name: str, note: dict[str, Any]) -> None:
    """Write an annotation."""
    place = folder / ANNOTATIONS / name
    _make(place)
    write_atomic(place / f"{name}.json", json.dumps(note, indent=1).encode() + b"\n")


def annotation(
    found: Estimate, size: tuple[int, int], frames: tuple[int, int, int], source: str
) -> dict[str, Any]:
    """An annotation in ATD-12K's words, marked as estimated.

    Args:
        found: the estimate, its box in pixels of the drawing.
        size: (H, W) of the drawing.
        frames: numbers of the frames in the film.
        source: the film's name.
    """
    x, y, width, height = found.roi
    return {
        "level": found.level,
        "image_size": [size[1], size[0]],
        "motion_RoI": {"x": x, "y": y, "width": min(width, size[1] - x), "height": min(height, size[0] - y)},
        "general_motion_type": found.motion,
        "behavior": [],
        "estimated": ["level", "motion_RoI", "general_motion_type"],
        "mean_motion_px_at_960": found.speed_px,
        "covered": found.covered,
        "source": {"film": source, "frames": list(frames)},
    }


def _make(place: Path) -> None:
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{place} cannot be made: {error.strerror or error}.") from error
