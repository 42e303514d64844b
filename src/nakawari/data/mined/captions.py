"""Whether a line of text lies over a picture: subtitles, credits, karaoke.

Letters are strokes of even width, much lighter or darker than what is around them, side by side in a row that
is long and low. A row of such strokes is looked for; nothing is read. Drawn detail can look alike, so what is
found by this is only left out of a set, never painted over.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

STROKE = 7
"""Strokes are narrower than this, pixels of a picture that is 640 wide."""
CONTRAST = 70
"""Levels by which a stroke differs from what is around it on both sides."""
LOW, HIGH = 0.015, 0.09
"""Height of a row, of the picture's height; that of letters without ascenders is half of their type size."""
LEAST_LETTERS = 6
"""Shorter rows are left alone: a drawn pattern has as many strokes."""
LEAST_ASPECT = 4.0
FULL = (0.12, 0.6)
"""Share of a row that its strokes cover."""
EVEN = 0.35
"""Letters of a row differ in height by less than this (deviation over mean)."""


def has_caption(grey: Array) -> bool:
    """Whether `grey`, [h, w] uint8 and about 640 wide, has a row of letters."""
    return bool(caption_rows(grey))


def caption_rows(grey: Array) -> list[tuple[int, int, int, int]]:
    """Boxes (x, y, width, height) of rows that look like text."""
    around = cv2.getStructuringElement(cv2.MORPH_RECT, (STROKE, STROKE))
    found = []
    for way in (cv2.MORPH_TOPHAT, cv2.MORPH_BLACKHAT):
        strokes = (cv2.morphologyEx(grey, way, around) > CONTRAST).astype(np.uint8)
        found += [box for box in _rows(strokes, grey.shape[0]) if _is_text(strokes, box, grey.shape[0])]
    return found


def _rows(strokes: Array, height: int) -> list[tuple[int, int, int, int]]:
    """Boxes around strokes that stand side by side."""
    gap = max(3, round(0.035 * height))
    joined = cv2.morphologyEx(strokes, cv2.MORPH_CLOSE, np.ones((1, gap), np.uint8))
    joined = cv2.morphologyEx(joined, cv2.MORPH_OPEN, np.ones((2, gap), np.uint8))
    joined = cv2.morphologyEx(joined, cv2.MORPH_CLOSE, np.ones((gap // 2 | 1, gap), np.uint8))
    _, _, stats, _ = cv2.connectedComponentsWithStats(joined)
    return [tuple(int(v) for v in row[:4]) for row in stats[1:]]  # type: ignore[misc]


def _is_text(strokes: Array, box: tuple[int, int, int, int], height: int) -> bool:
    x, y, w, h = box
    if not LOW * height <= h <= HIGH * height or w < LEAST_ASPECT * h:
        return False
    inside = strokes[y : y + h, x : x + w]
    if not FULL[0] < inside.mean() < FULL[1]:
        return False
    _, _, stats, _ = cv2.connectedComponentsWithStats(inside)
    letters = stats[1:][stats[1:, cv2.CC_STAT_HEIGHT] >= 0.35 * h]
    if len(letters) < LEAST_LETTERS:
        return False
    tall, wide = letters[:, cv2.CC_STAT_HEIGHT], letters[:, cv2.CC_STAT_WIDTH]
    if float(tall.std() / tall.mean()) > EVEN or float(np.median(wide)) > 2.5 * h:
        return False
    places = np.sort(letters[:, cv2.CC_STAT_LEFT] + wide / 2)
    return bool(np.median(np.diff(places)) < 1.6 * h)
