"""The whole clip, as the project has it, into a file or a folder: `smooth` with its own plan and models."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nakawari.studio.hints import told
from nakawari.timeline.plan import Plan

if TYPE_CHECKING:
    from nakawari.models.base import Interpolator
    from nakawari.pipeline.render import Progress


def render(
    model: Callable[[str], Interpolator],
    progress: Progress,
    *,
    source: str,
    input_rate: str | None,
    plan: str,
    default: str,
    models: Mapping[int, str],
    hints: Mapping[int, Any],
    output: str,
    encode: Mapping[str, Any],
    overwrite: bool,
) -> dict[str, Any]:
    """Carry out a plan.

    Args:
        model: gives models by name.
        progress: is told the stage "render".
        source: the clip; `input_rate`: of images, "n/d".
        plan: JSON of the plan.
        default: the model that draws pairs of which `models` (by target frame) says nothing.
        hints: by target frame, what the model is told of a pair.
        output: where to; nothing stands there unless all of it was written.
        encode: as `smooth` takes it.
        overwrite: replace what stands there.

    Raises:
        NakawariError: as `smooth` does.
    """
    from nakawari.pipeline.render import render as carry_out
    from nakawari.video.encoders import EncodeOptions
    from nakawari.video.open import open_reader, open_writer
    from nakawari.video.threads import BackgroundWriter, prefetch

    todo = Plan.from_json(plan)
    reader = open_reader(source, None if input_rate is None else Fraction(input_rate))
    writer = BackgroundWriter(
        open_writer(
            output, reader.info, todo.rate, EncodeOptions.of(dict(encode)),
            source=Path(source), overwrite=overwrite,
        )
    )  # fmt: skip

    def cast(_source: int, target: int) -> tuple[Interpolator, dict[str, Any]]:
        name = models.get(target, default)
        return model(name), told(hints.get(target, ()), name)

    whole = False
    try:
        with closing(prefetch(reader)) as frames:
            work = carry_out(todo, frames, writer, model(default), progress, cast=cast)
        writer.finish()
        whole = True
    finally:
        if not whole:
            writer.abort()
    return {"output": output, "drawn": work.drawn, "copied": work.copied, "pairs": work.pairs}
