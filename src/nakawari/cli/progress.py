"""Progress on the terminal, or as a line of JSON for each step."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nakawari.pipeline.render import Progress

STAGES = {
    "analyse": "looking",
    "render": "drawing",
    "evaluate": "measuring",
    "mine": "mining",
    "download": "loading",
}
EVERY_S = 0.2
"""JSON lines come no oftener than this, but for the last of a stage."""


@contextmanager
def shown(style: str) -> Iterator[Progress]:
    """Show progress while inside.

    Args:
        style: "bar" draws bars on standard error, "json" prints lines there, "none" is silent.
    """
    if style == "bar":
        with _bars() as progress:
            yield progress
    elif style == "json":
        yield _json_lines()
    else:
        from nakawari.pipeline.render import silent

        yield silent


@contextmanager
def _bars() -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    bars = Bars(
        TextColumn("{task.description:<9}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[fps]:>6.1f} fps"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
    tasks: dict[str, tuple[TaskID, float]] = {}

    def progress(stage: str, done: int, total: int | None) -> None:
        if not tasks:
            bars.start()  # not before there is something to show: a failure before that is one line
        if (
            stage in tasks and done == 0
        ):  # the next clip of a folder; what is known of the last one is not kept
            bars.remove_task(tasks.pop(stage)[0])
        if stage not in tasks:
            for before in bars.tasks:  # a length that nobody knew is known once the next stage begins
                if before.total is None:
                    bars.update(before.id, total=before.completed)
            tasks[stage] = (bars.add_task(STAGES.get(stage, stage), total=total, fps=0.0), monotonic())
        task, begin = tasks[stage]
        bars.update(task, completed=done, total=total, fps=done / max(1e-3, monotonic() - begin))

    try:
        yield progress
    finally:
        if tasks:
            bars.stop()


def _json_lines() -> Progress:
    begun: dict[str, float] = {}
    last = 0.0

    def progress(stage: str, done: int, total: int | None) -> None:
        nonlocal last
        now = monotonic()
        if done == 0:  # of this clip, not of the one before it in a folder
            begun[stage] = now
        begin = begun.setdefault(stage, now)
        if done not in (0, total) and now - last < EVERY_S:
            return
        last = now
        fps = done / max(1e-3, now - begin)
        eta = None if total is None or done == 0 else round((total - done) / fps, 2)
        line = {"stage": stage, "done": done, "total": total, "fps": round(fps, 2), "eta_s": eta}
        print(json.dumps(line), file=sys.stderr, flush=True)

    return progress
