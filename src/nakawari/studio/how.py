"""How a pair was made, as pictures to lay over its keys: regions in matching colours, flow, occlusion."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from nakawari.errors import ModelError

if TYPE_CHECKING:
    from nakawari.models.base import Interpolator, Pair
    from nakawari.models.explanation import Explanation
    from nakawari.video.frames import Array

STILL_PX = 0.25
"""Motion below this is not coloured."""
ARROW_EVERY = 28
"""Arrows across the shorter side of the picture, at most."""
ALONE = (230, 60, 40, 190)
"""Of a region that has no partner."""


def found_out(model: Interpolator, pair: Pair) -> Any:
    """What a model tells of a pair, as an `Explanation`; None: it tells nothing, or nothing moves."""
    from nakawari.models.arcs import Curved
    from nakawari.models.explanation import Explanation, planes_last

    if pair.box is None:
        return None
    explain = getattr(model, "explain", None)  # tells of regions as well as of motion
    if explain is not None:
        return explain(pair)
    flows = model.flows(pair) if isinstance(model, Curved) else None
    if flows is None:
        return None
    return Explanation(planes_last(flows[0][0], pair.size), planes_last(flows[1][0], pair.size))


def pictures(found: Explanation | None, kind: str, model: str) -> tuple[Array, Array]:
    """RGBA pictures of the keys' size, for the first key and for the second.

    Args:
        found: what the model told.
        kind: "regions", "flow" or "occlusion".
        model: its name, for what is said when it does not tell.

    Raises:
        ModelError: the model does not tell that.
    """
    if found is None:
        raise ModelError(f"{model} does not tell how it moves things, or nothing moves here.")
    return KINDS[kind](found, model)


def _regions(found: Any, model: str) -> tuple[Array, Array]:
    """Partners have one colour; what has none is red."""
    if found.labels0 is None or found.labels1 is None:
        raise ModelError(f"{model} matches pixels, not regions; cel and animeinterp match regions.")
    colours0 = np.empty((len(found.partners01) + 1, 4), np.uint8)
    colours1 = np.empty((len(found.partners10) + 1, 4), np.uint8)
    colours0[:], colours1[:] = ALONE, ALONE
    for number, partner in enumerate(found.partners01):
        if partner >= 0:
            colours0[number] = colours1[partner] = _colour(number)
    colours0[-1] = colours1[-1] = 0  # label -1: no region
    return _outlined(colours0[found.labels0], found.labels0), _outlined(
        colours1[found.labels1], found.labels1
    )


def _colour(number: int) -> tuple[int, int, int, int]:
    """Colours of which neighbours in number are far apart."""
    import colorsys

    hue = 0.11 + number * 0.618034 % 1 * 0.84  # no red, which means alone
    r, g, b = colorsys.hsv_to_rgb(hue % 1, 0.55 + 0.35 * (number % 3) / 2, 1.0 - 0.25 * (number % 2))
    return round(255 * r), round(255 * g), round(255 * b), 190


def _outlined(picture: Array, labels: Array) -> Array:
    """The picture with a thin dark line between regions."""
    edge = np.zeros(labels.shape, bool)
    edge[:, 1:] |= labels[:, 1:] != labels[:, :-1]
    edge[1:] |= labels[1:] != labels[:-1]
    picture[edge] = (20, 20, 24, 230)
    return picture


def _flow(found: Any, model: str) -> tuple[Array, Array]:
    """The hue says where to, the strength how far, for both keys alike; arrows say it again."""
    lengths = [np.hypot(flow[..., 0], flow[..., 1]) for flow in (found.flow01, found.flow10)]
    moving = np.concatenate([length[length > STILL_PX] for length in lengths])
    most = float(np.percentile(moving, 98)) if moving.size else 1.0
    return _wheel(found.flow01, lengths[0], most), _wheel(found.flow10, lengths[1], most)


def _wheel(flow: Array, length: Array, most: float) -> Array:
    import cv2

    hue = (np.degrees(np.arctan2(flow[..., 1], flow[..., 0])) / 2) % 180
    strength = np.clip(length / max(most, 1e-3), 0, 1)
    hsv = np.dstack([hue, 90 + 165 * strength, np.full_like(hue, 255)]).astype(np.uint8)
    picture = np.dstack([cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB), np.zeros(length.shape, np.uint8)])
    picture[..., 3] = np.where(length > STILL_PX, 110 + 110 * strength, 0).astype(np.uint8)
    height, width = length.shape
    step = max(12, min(height, width) // ARROW_EVERY)
    for y in range(step // 2, height, step):
        for x in range(step // 2, width, step):
            if length[y, x] > max(1.0, STILL_PX):
                end = (int(x + flow[y, x, 0]), int(y + flow[y, x, 1]))
                cv2.arrowedLine(picture, (x, y), end, (10, 10, 14, 255), 1, cv2.LINE_AA, 0, 0.3)
    return np.asarray(picture)


def _occlusion(found: Any, model: str) -> tuple[Array, Array]:
    """Red where motion does not lead back: what is hidden in the other key, or was not found there."""
    return _lost(found.flow01, found.flow10), _lost(found.flow10, found.flow01)


def _lost(flow: Array, back: Array) -> Array:
    import cv2

    height, width = flow.shape[:2]
    x = flow[..., 0] + np.arange(width, dtype=np.float32)
    y = flow[..., 1] + np.arange(height, dtype=np.float32)[:, None]
    returned = cv2.remap(back, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    loop = np.hypot(*np.moveaxis(flow + returned, 2, 0))
    length = np.hypot(flow[..., 0], flow[..., 1])
    outside = (x < -0.5) | (y < -0.5) | (x > width - 0.5) | (y > height - 0.5)
    lost = (loop > np.maximum(1.0, 0.1 * length)) | outside
    picture = np.zeros((height, width, 4), np.uint8)
    picture[lost] = (235, 50, 40, 200)
    return picture


KINDS: dict[str, Callable[[Any, str], tuple[Array, Array]]] = {
    "regions": _regions,
    "flow": _flow,
    "occlusion": _occlusion,
}
