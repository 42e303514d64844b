"""What a model saw, as image files (`--debug-dir`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nakawari.checkpoints import write_atomic
from nakawari.errors import InputError, OutputError

if TYPE_CHECKING:
    from nakawari.models.base import Interpolator, Pair

Watch = Callable[[str, "Pair"], None]
"""Is shown every pair that was prepared, under a name that fits a file."""


def write_pictures(pictures: Mapping[str, Any], folder: Path, name: str) -> None:
    """Write H×W×3 RGB pictures as FOLDER/NAME-KIND.png.

    Raises:
        OutputError: they cannot be written.
    """
    import cv2

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder} cannot be made: {error.strerror or error}.") from error
    for kind, picture in pictures.items():
        _, packed = cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
        write_atomic(folder / f"{name}-{kind}.png", packed.tobytes())


def watching(model: Interpolator, folder: str | Path) -> Watch:
    """A watcher that writes what `model` saw into `folder`.

    Raises:
        InputError: the model has nothing to show.
    """
    if not model.shows:
        raise InputError(f"{model.name} has no pictures of what it sees; leave --debug-dir out.")
    return lambda name, pair: write_pictures(model.pictures(pair), Path(folder), name)
