"""Line distance: what is a line, and how far a shifted one is."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.ndimage import distance_transform_edt

from nakawari.errors import ShapeError
from nakawari.metrics.lines import chamfer, chamfer_of_maps, line_map

MAPS = arrays(np.bool_, (9, 13), elements=st.booleans())


def drawing(*columns: int, width: int = 60, height: int = 45, ink: int = 20) -> np.ndarray:
    """White paper with dark upright lines two pixels wide."""
    frame = np.full((height, width, 3), 235, np.uint8)
    for column in columns:
        frame[:, column : column + 2] = ink
    return frame


def test_a_dark_line_on_light_ground_is_found_where_it_is() -> None:
    lines = line_map(drawing(20, 40) / 255)
    assert lines[:, [20, 21, 40, 41]].all()
    assert not lines[:, :17].any()
    assert not lines[:, 25:37].any()


def test_flat_colour_and_bright_lines_are_no_lines() -> None:
    assert not line_map(np.full((20, 20, 3), 0.7)).any()
    bright = 1 - drawing(20) / 255
    assert not line_map(bright)[:, 20:22].any()


@settings(max_examples=50, deadline=None)
@given(MAPS, MAPS)
def test_definition_symmetry_and_range(one: np.ndarray, other: np.ndarray) -> None:
    diagonal = np.hypot(*one.shape)
    edt = [distance_transform_edt(~m) if m.any() else np.full(m.shape, diagonal) for m in (one, other)]
    expected = ((one * edt[1]).mean() + (other * edt[0]).mean()) / (2 * diagonal)
    value = chamfer_of_maps(one, other)
    assert value == pytest.approx(expected, rel=1e-6, abs=1e-12)
    assert value == pytest.approx(chamfer_of_maps(other, one), rel=1e-12)
    assert 0 <= value <= 1
    assert (value == 0) == bool((one == other).all())


@pytest.mark.parametrize("shift", [1, 3, 8])
def test_a_shifted_line_is_its_shift_away(shift: int) -> None:
    one = np.zeros((30, 40), bool)
    one[:, 10] = True
    other = np.roll(one, shift, axis=1)
    # 30 of 1200 pixels are line, each `shift` from the other; the diagonal is 50
    assert chamfer_of_maps(one, other) == pytest.approx(shift / 50 / 40)


def test_nothing_against_a_line_is_the_diagonal() -> None:
    one = np.zeros((30, 40), bool)
    other = one.copy()
    other[:, 10] = True
    assert chamfer_of_maps(one, other) == pytest.approx(0.5 / 40)
    assert chamfer_of_maps(one, one) == 0


def test_a_ghost_and_a_lost_line_are_worse_than_a_near_one() -> None:
    truth = drawing(30)
    near, ghost, lost = drawing(31), drawing(22, 38), drawing()
    assert chamfer(truth, truth) == 0
    assert 0 < chamfer(near, truth) < chamfer(ghost, truth) < chamfer(lost, truth)


def test_type_does_not_matter() -> None:
    one, other = drawing(20), drawing(24)
    value = chamfer(one, other)
    assert chamfer(one.astype(np.uint16) * 257, other.astype(np.uint16) * 257) == pytest.approx(value)
    assert chamfer(one / 255.0, other / 255.0) == pytest.approx(value)


def test_wrong_shapes_are_refused() -> None:
    with pytest.raises(ShapeError, match="wanted one size"):
        chamfer(drawing(20), drawing(20, width=61))
    with pytest.raises(ShapeError, match=r"wanted one \[H, W\]"):
        chamfer_of_maps(np.zeros((3, 4), bool), np.zeros((4, 3), bool))
