"""What SGM saw, as the paper's figures show it: pieces, matches in matching colours, and flow."""

from __future__ import annotations

import cv2
import numpy as np

from nakawari.models.animeinterp.sgm import Matched
from nakawari.ops.regions import Bytes, Floats, Labels

WHITE = np.array([255, 255, 255], np.uint8)


def draw(guide: Matched) -> dict[str, Bytes]:
    """Pictures by name, [H, W, 3] RGB: `frames`, `segments` and `matches` (both frames side by side),
    `flow01` and `flow10`.

    In `matches` a piece and its partner have one colour; what has no mutual match is white, and a match that
    a gate kept from getting flow is pale. Hue is the direction of flow, saturation its length; both flows
    share one scale.
    """
    one, other = guide.frame0.pieces.labels, guide.frame1.pieces.labels
    colours0, colours1 = _colours(len(guide.partners01)), _colours(len(guide.partners10))
    matched = guide.partners01 >= 0
    shown0 = np.where(matched[:, None], colours1[guide.partners01], WHITE)
    shown1 = np.where((guide.partners10 >= 0)[:, None], colours1, WHITE)
    shown0, shown1 = (
        np.where(passed[:, None], shown, 255 - (255 - shown) // 5).astype(np.uint8)
        for shown, passed in ((shown0, guide.passed01), (shown1, guide.passed10))
    )
    longest = max(1.0, *(float(np.hypot(*flow).max()) for flow in (guide.flow01, guide.flow10)))
    return {
        "frames": np.hstack([guide.frame0.picture, guide.frame1.picture]),
        "segments": np.hstack([_outlined(colours0, one), _outlined(colours1, other)]),
        "matches": np.hstack([_outlined(shown0, one), _outlined(shown1, other)]),
        "flow01": flow_picture(guide.flow01, longest),
        "flow10": flow_picture(guide.flow10, longest),
    }


def flow_picture(flow: Floats, longest: float) -> Bytes:
    """[H, W, 3] RGB of [2, H, W]: white where nothing moves, full at `longest` pixels."""
    length, angle = cv2.cartToPolar(flow[0], flow[1], angleInDegrees=True)
    full = np.sqrt(np.minimum(np.asarray(length) / longest, 1))  # short ways would be lost in white
    hsv = np.stack([angle, full, np.ones_like(full)], 2).astype(np.float32)
    return np.asarray(np.rint(255 * cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)), np.uint8)


def _colours(count: int) -> Bytes:
    """A colour for each number, the same every time; neighbours in number differ."""
    return np.random.default_rng(7).integers(40, 246, (count, 3), np.uint8)


def _outlined(colours: Bytes, labels: Labels) -> Bytes:
    """Pieces in their colours, with thin dark rims so that white ones can be told apart."""
    picture = colours[labels]
    rim = np.zeros(labels.shape, np.bool_)
    rim[:, 1:] |= labels[:, 1:] != labels[:, :-1]
    rim[1:] |= labels[1:] != labels[:-1]
    picture[rim] = picture[rim] // 2
    return np.asarray(picture)
