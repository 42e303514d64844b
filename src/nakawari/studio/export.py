"""The whole clip, as the project has it, into a file or a folder: `smooth` with its own plan and models."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
    output: str,
    encode: Mapping[str, Any],
    overwrite: bool,
) -> dict[str, Any]:
    """Carry out a plan.

    Args:
        model: gives models by name.
        progress: is told the stage "render".
        source: the clip; `input_rate`: of images, "n/d".
        plan: JSON of the plan, in which the choices for single pairs are.
        default: the model that draws all other pairs.
        output: where to; nothing stands there unless all of it was written.
        encode: as `smooth` takes it.
        overwrite: replace what stands there.

    Raises:
        NakawariError: as `smooth` does.
    """
    from nakawari.pipeline.casting import casting
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

    whole = False
    try:
        artist = model(default)
        cast = casting(todo, artist, model)
        with closing(prefetch(reader)) as frames:
            work = carry_out(todo, frames, writer, artist, progress, cast=cast)
        writer.finish()
        whole = True
    finally:
        if not whole:
            writer.abort()
    return {"output": output, "drawn": work.drawn, "copied": work.copied, "pairs": work.pairs}
