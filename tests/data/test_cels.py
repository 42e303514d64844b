"""Procedural cels: hard colours, and a truth that holds."""

from __future__ import annotations

import numpy as np
import pytest

from nakawari.data.cels import cel_pair


@pytest.fixture(scope="module")
def flat():
    return cel_pair(3, 0, (90, 160), times=(0.25, 0.5))


def colours(frame):
    return {tuple(c) for c in np.unique(frame.reshape(-1, 3), axis=0).tolist()}


def test_frames_are_their_paints(flat):
    for frame, paint in ((flat.key0, flat.paint0), (flat.key1, flat.paint1)):
        assert (frame == flat.palette[paint]).all()
    assert set(flat.between) == {0.25, 0.5}
    assert colours(flat.between[0.5]) <= {tuple(c) for c in flat.palette.tolist()}
    assert 4 < len(colours(flat.key0)) < 64


def test_paints_are_where_the_flow_says(flat):
    y, x = np.nonzero(flat.paint0)
    to = np.rint(np.stack((x, y), 1) + flat.flow01[y, x]).astype(int)
    inside = (to >= 0).all(1) & (to < (160, 90)).all(1)
    there = flat.paint1[to[inside, 1], to[inside, 0]]
    assert (there == flat.paint0[y, x][inside]).mean() > 0.85
    assert np.hypot(*flat.flow01.transpose(2, 0, 1)).max() < 1.5 * 12


def test_smooth_cels_are_mixes_and_lines_are_few_colours():
    assert len(colours(cel_pair(3, 0, (90, 160), kind="smooth").key0)) > 64
    assert len(colours(cel_pair(3, 1, (90, 160), kind="lines").key0)) <= 8


def test_the_same_numbers_give_the_same_pair(flat):
    again = cel_pair(3, 0, (90, 160), times=(0.25, 0.5))
    assert (again.key1 == flat.key1).all()
    assert flat.moving(0.5).any()
