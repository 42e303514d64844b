"""The demo: draw a clip, smooth it, and lay frames of both side by side with the truth."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from nakawari.errors import OutputError
from nakawari.models import DEFAULT
from nakawari.pipeline.demo_clip import RATE, SHOTS, picture, write_clip
from nakawari.pipeline.render import Progress, silent
from nakawari.pipeline.smooth import smooth
from nakawari.timeline.plan import Plan, Reason
from nakawari.video.part import check_free

Array = npt.NDArray[Any]

FPS = Fraction(48)
"""Twice the clip's rate: three made frames between two drawings of the walk, one between two of the pan."""


def demo(
    folder: Path, *, model: str = DEFAULT, overwrite: bool = False, progress: Progress = silent
) -> dict[str, Path]:
    """Write `before.mp4`, `after.mp4`, `plan.txt` and `sheet.png` into `folder` (made if need be).

    Args:
        overwrite: replace those of them that exist.

    Returns:
        what each file is → where it is.

    Raises:
        OutputError: the folder cannot be written, or one of the files exists and may not be replaced.
    """
    import cv2

    from nakawari.timeline.explain import explain

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"the folder {folder} cannot be made: {error.strerror}.") from error
    before, after, text, sheet = (
        folder / name for name in ("before.mp4", "after.mp4", "plan.txt", "sheet.png")
    )
    for path in (before, after, text, sheet):
        check_free(path, overwrite)
    write_clip(before)
    report = smooth(before, after, fps=FPS, model=model, overwrite=True, progress=progress)
    text.write_text(explain(report.plan).rstrip() + "\n", encoding="utf-8")
    if not cv2.imwrite(str(sheet), contact_sheet(after, report.plan)[..., ::-1]):
        raise OutputError(f"the contact sheet cannot be written to {sheet}.")
    return {"before": before, "after": after, "plan": text, "contact sheet": sheet}


def contact_sheet(after: Path, plan: Plan) -> Array:
    """Made frames and their truth: a row for each of six moments; key, made frame, truth, next key."""
    from nakawari.video.open import open_reader

    moments = _moments(plan)
    wanted = {slot for row in moments for slot in row}
    frames = {frame.index: frame.rgb() for frame in open_reader(after) if frame.index in wanted}
    rows = []
    for key0, made, key1 in moments:
        truth = picture(float(plan.slots[made].pts * RATE))
        cells = [_label(image, words) for image, words in (
            (frames[key0], "drawing"), (frames[made], "made between"),
            (truth, "truth"), (frames[key1], "next drawing"),
        )]  # fmt: skip
        rows.append(np.hstack(cells))
    return np.vstack(rows)


def _moments(plan: Plan) -> list[tuple[int, int, int]]:
    """Two pairs of each shot, as slots: a key, the made frame nearest the middle, the next key."""
    edges = [0, *np.cumsum(SHOTS).tolist()]
    moments = []
    for first, last in pairwise(edges):
        pairs: dict[tuple[int, int], list[int]] = {}
        for number, slot in enumerate(plan.slots):
            if slot.reason is Reason.BETWEEN and slot.target is not None and first <= slot.source < last:
                pairs.setdefault((slot.source, slot.target), []).append(number)
        runs = [numbers for _, numbers in sorted(pairs.items())]
        for share in (0.3, 0.7):
            if runs:
                run = runs[int(share * (len(runs) - 1))]
                moments.append((run[0] - 1, run[len(run) // 2], min(run[-1] + 1, len(plan.slots) - 1)))
    return moments


def _label(image: Array, words: str) -> Array:
    import cv2

    labelled: Array = cv2.resize(image, None, fx=0.75, fy=0.75, interpolation=cv2.INTER_AREA)
    (width, height), below = cv2.getTextSize(words, cv2.FONT_HERSHEY_SIMPLEX, 0.6, 1)
    cv2.rectangle(labelled, (6, 6), (18 + width, 18 + height + below), (20, 20, 20), cv2.FILLED)
    place = (12, 12 + height)
    cv2.putText(labelled, words, place, cv2.FONT_HERSHEY_SIMPLEX, 0.6, (255, 255, 255), 1, cv2.LINE_AA)
    return labelled
