"""Line maps, distances and filling from the nearest pixel."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from nakawari.ops.lines import (
    STYLES,
    ContourStyle,
    contour_map,
    contour_style,
    contrast,
    distance_to,
    line_map,
    nearest_outside,
)


def test_a_line_is_found_and_flat_paper_is_not():
    grey = np.full((40, 40), 230, np.uint8)
    grey[:, 20] = 30
    found = line_map(grey)
    assert found[:, 20].all()
    assert not found[:, :12].any()
    assert not found[:, 29:].any()


def test_contrast_is_the_difference_to_the_next_pixels():
    picture = np.random.default_rng(0).random((7, 9), np.float32)
    wanted = np.abs(np.diff(picture, axis=0, append=picture[-1:]))
    wanted += np.abs(np.diff(picture, axis=1, append=picture[:, -1:]))
    assert contrast(picture) == pytest.approx(wanted, abs=1e-6)


def test_distance_grows_by_pixels():
    mask = np.zeros((5, 30), bool)
    mask[:, 3] = True
    assert np.abs(distance_to(mask)[2] - np.abs(np.arange(30) - 3)).max() < 1.5
    assert (distance_to(np.zeros((4, 6), bool)) == 10).all()


def test_holes_have_a_nearest_pixel_outside():
    hole = np.zeros((6, 20), bool)
    hole[:, 7:13] = True
    holes, nearest = nearest_outside(hole)
    assert np.array_equal(holes, np.flatnonzero(hole))
    assert np.array_equal(nearest // 20, holes // 20)
    assert np.array_equal(nearest % 20, np.where(holes % 20 < 10, 6, 13))
    for none in (np.ones((6, 20), bool), np.zeros((6, 20), bool)):
        assert all(len(places) == 0 for places in nearest_outside(none))


@pytest.mark.parametrize("seed", range(3))
def test_contours_spread_from_strong_responses_to_weak_ones(seed):
    filters = pytest.importorskip("skimage.filters")
    picture = np.random.default_rng(seed).integers(0, 256, (31, 47, 3), np.uint8)
    picture = cv2.GaussianBlur(picture, (0, 0), 2)
    style = ContourStyle(30, 120, 5, 10, 10)
    smooth = cv2.bilateralFilter(picture, 5, 10, 10)
    response = cv2.Laplacian(smooth, cv2.CV_32F, ksize=5)
    response *= np.float32(255) / response.max()
    kept = filters.apply_hysteresis_threshold(response, 30, 120)
    line = contour_map(picture, style)
    assert line.any()
    assert (line == kept.any(2)).all()


def test_contours_are_the_dark_lines():
    picture = np.full((60, 80, 3), 240, np.uint8)
    cv2.line(picture, (10, 30), (70, 30), (20, 20, 20), 2)
    line = contour_map(picture, contour_style(picture, "anime"))
    assert line[29:32, 15:65].any(0).all()
    assert not line[:24].any()
    assert not line[38:].any()


def test_a_picture_of_one_colour_has_no_contours():
    for style in ("anime", "cartoon", "auto"):
        picture = np.full((20, 30, 3), 77, np.uint8)
        assert not contour_map(picture, contour_style(picture, style)).any()


def test_auto_is_anime_on_flat_paint_and_smooths_grain():
    picture = np.full((120, 160, 3), 200, np.uint8)
    picture[40:80, 50:110] = (40, 90, 160)
    assert contour_style(picture, "auto") == STYLES["anime"]
    noise = np.random.default_rng(0).normal(0, 9, picture.shape)
    grainy = np.clip(picture + noise, 0, 255).astype(np.uint8)
    auto = contour_style(grainy, "auto")
    assert auto.diameter == STYLES["cartoon"].diameter
    # Fewer specks than with either style of a fixed threshold, and the edge is still there.
    away = np.ones(picture.shape[:2], np.bool_)
    away[35:85, 45:115] = False
    specks = [
        int(contour_map(grainy, contour_style(grainy, s))[away].sum()) for s in ("auto", "cartoon", "anime")
    ]
    assert specks[0] <= specks[1] < specks[2]
    assert contour_map(grainy, auto)[38:42, 55:105].any(0).mean() > 0.9


def test_the_nearest_outside_is_nearest_wherever_the_holes_lie():
    rng = np.random.default_rng(4)
    for top, left in ((0, 0), (9, 14), (22, 31)):
        hole = np.zeros((40, 50), np.bool_)
        hole[top : top + 18, left : left + 19] = rng.random((18, 19)) < 0.8
        holes, nearest = nearest_outside(hole)
        assert (holes == np.flatnonzero(hole)).all()
        assert not hole.reshape(-1)[nearest].any()
        known = np.argwhere(~hole)
        for own, found in zip(np.argwhere(hole), np.stack(np.divmod(nearest, 50), 1), strict=True):
            least = np.hypot(*(known - own).T).min()
            assert np.hypot(*(found - own)) <= 1.1 * least + 1e-6
