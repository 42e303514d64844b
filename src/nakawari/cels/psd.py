"""PSD: a file of layers as drawings.

Where a file has groups at the top, as drawing programs write cuts, each group is a layer of the cut and what
stands in it, from the bottom to the top, are its drawings; a drawing that is a group itself (lines over
colours) is laid together. Without groups each layer of the file is a drawing of one layer. Drawings whose
names are all numbers come in the order of their numbers.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from nakawari.errors import MediaError
from nakawari.optional import need
from nakawari.video.frames import Array
from nakawari.video.reader import MOST_PIXELS


def read_psd(path: Path) -> Array:
    """All of a file laid together, H×W×4 (H×W×3 where nothing can be seen through), uint8 or uint16.

    Raises:
        MediaError: it is broken, too large, or not RGB or grey.
    """
    psd = _open(path)
    return _picture(psd, psd)


def psd_drawings(path: Path) -> dict[str, list[tuple[str, Array]]]:
    """The drawings of a file on its canvas: layer of the cut → (name, H×W×4) from the first to the last.

    A file without groups at the top has one layer of the cut, called "".

    Raises:
        MediaError: it is broken, too large, not RGB or grey, or has no drawings.
    """
    psd = _open(path)
    shown = [layer for layer in psd if layer.visible]
    groups = [layer for layer in shown if layer.is_group()]
    found: dict[str, list[tuple[str, Array]]] = {}
    for name, layers in [(g.name, list(g)) for g in groups] if groups else [("", shown)]:
        place = _fit(name)
        if place in found:
            raise MediaError(f"{path} has two groups called {name}; rename one.")
        drawings = [(_fit(layer.name), layer) for layer in layers if layer.width and layer.height]
        if all(stem.isdigit() for stem, _ in drawings):
            drawings.sort(key=lambda drawing: int(drawing[0]))
        stems = [stem for stem, _ in drawings]
        for stem in stems:
            if stems.count(stem) > 1:
                raise MediaError(f"{path} has two drawings called {stem} in {name or 'it'}; rename one.")
        if drawings:
            found[place] = [(stem, _picture(layer, psd)) for stem, layer in drawings]
    if not found:
        raise MediaError(f"{path} has no layers with drawings.")
    return found


def _fit(name: str) -> str:
    """A layer's name as the name of a file."""
    return re.sub(r'[/\\:*?"<>|\x00-\x1f]|^\.+', "_", name).strip() or "_"


def _open(path: Path) -> Any:
    psd_tools = need("psd_tools", extra="cel")
    try:
        psd = psd_tools.PSDImage.open(path)
    except (ValueError, AssertionError, OSError, KeyError, TypeError, EOFError, ArithmeticError) as error:
        said = " ".join(str(error).split())[:200] or type(error).__name__
        raise MediaError(f"{path} is no PSD that can be read ({said}).") from error
    if not 1 <= psd.width * psd.height <= MOST_PIXELS:
        raise MediaError(f"{path} is {psd.width}x{psd.height}; wanted at most {MOST_PIXELS} pixels.")
    if psd.color_mode.name not in ("RGB", "GRAYSCALE") or psd.depth not in (8, 16):
        raise MediaError(
            f"{path} is {psd.color_mode.name} of {psd.depth} bits; wanted RGB or grey of 8 or 16 bits."
        )
    return psd


def _picture(layer: Any, psd: Any) -> Array:
    """A layer, a group or the whole on the canvas."""
    compose = need("psd_tools.composite", extra="cel").composite
    try:
        colour, _, alpha = compose(layer, color=0.0, alpha=0.0, viewport=psd.viewbox, force=True)
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, NotImplementedError) as error:
        raise MediaError(f"the layer {layer.name} of a PSD cannot be laid together ({error}).") from error
    if colour.shape[2] == 1:
        colour = np.repeat(colour, 3, 2)
    kind: np.dtype[Any] = np.dtype(np.uint16 if psd.depth == 16 else np.uint8)
    opaque = bool((alpha >= 1).all())
    planes = colour if opaque else np.concatenate([np.where(alpha > 0, colour, 0), alpha], 2)
    made: Array = np.rint(np.clip(planes, 0, 1) * (2**psd.depth - 1)).astype(kind)
    return made
