"""Line maps, distances and filling from the nearest pixel."""

from __future__ import annotations

import numpy as np

from nakawari.ops.lines import distance_to, line_map, nearest_outside


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


def test_holes_have_a_nearest_pixel_outside():
    hole = np.zeros((6, 20), bool)
    hole[:, 7:13] = True
    holes, nearest = nearest_outside(hole)
    assert np.array_equal(holes, np.flatnonzero(hole))
    assert np.array_equal(nearest // 20, holes // 20)
    assert np.array_equal(nearest % 20, np.where(holes % 20 < 10, 6, 13))
    for none in (np.ones((6, 20), bool), np.zeros((6, 20), bool)):
        assert all(len(places) == 0 for places in nearest_outside(none))
