"""Line maps, distances and filling from the nearest pixel."""

from __future__ import annotations

import numpy as np

from nakawari.ops.lines import distance_to, fill_from_nearest, line_map


def test_a_line_is_found_and_flat_paper_is_not():
    grey = np.full((40, 40), 230, np.uint8)
    grey[:, 20] = 30
    found = line_map(grey)
    assert found[:, 20].all()
    assert not found[:, :12].any()
    assert not found[:, 29:].any()


def test_distance_grows_by_pixels():
    mask = np.zeros((5, 30), bool)
    mask[:, 3] = True
    assert np.abs(distance_to(mask)[2] - np.abs(np.arange(30) - 3)).max() < 1.5
    assert (distance_to(np.zeros((4, 6), bool)) == 10).all()


def test_holes_take_the_nearest_value():
    picture = np.zeros((6, 20, 2), np.float32)
    picture[:, 10:] = 5
    hole = np.zeros((6, 20), bool)
    hole[:, 7:13] = True
    broken = picture.copy()
    broken[hole] = np.nan
    assert np.array_equal(fill_from_nearest(broken, hole), picture)
    assert fill_from_nearest(picture, np.ones((6, 20), bool)) is picture
    assert fill_from_nearest(picture, ~np.ones((6, 20), bool)) is picture
