"""Cel checks: a truth passes, what animators reject is flagged."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from nakawari.errors import ShapeError
from nakawari.metrics.cels import examine, ghosts, ink_distance, lines_of, new_colours, snapped, wrong_paint


def disc(x, radius=20, line=2, ink=(10, 10, 10), kind=cv2.LINE_8):
    picture = np.full((80, 120, 3), 255, np.uint8)
    cv2.circle(picture, (x, 40), radius, (220, 60, 40), -1, kind)
    cv2.circle(picture, (x, 40), radius, ink, line, kind)
    return picture


def test_the_drawing_in_between_has_no_flags():
    check = examine(disc(50), disc(40), disc(60), 0.5)
    assert check.flags(1.0) == []
    assert check.new_colours == 0
    assert check.stroke_width_px < 0.2


def test_a_cross_fade_is_a_ghost():
    mix = ((disc(40).astype(int) + disc(60)) // 2).astype(np.uint8)
    assert "ghost" in examine(mix, disc(40), disc(60), 0.5).flags()
    assert ghosts(mix, disc(40), disc(60), 0.5) > 0.9


def test_a_broken_outline_is_a_gap():
    broken = disc(50)
    for x, y in ((50, 20), (70, 40), (50, 60)):
        broken[y - 2 : y + 3, x - 2 : x + 3] = (220, 60, 40)
    assert "gap" in examine(broken, disc(40), disc(60), 0.5).flags()


def test_bits_of_line_are_gaps_if_the_keys_have_none():
    dusty, dotted = disc(50), disc(40)
    for n in range(4):
        dusty[4, 10 + 9 * n : 12 + 9 * n] = (10, 10, 10)
        dotted[4, 10 + 9 * n : 12 + 9 * n] = (10, 10, 10)
    check = examine(dusty, disc(40), disc(60), 0.5)
    assert (check.bits, check.key_bits) == (4, 0)
    assert check.flags() == ["gap"]
    assert examine(dusty, dotted, disc(60), 0.5).flags() == []


def test_corners_of_dark_paint_are_no_bits():
    picture = disc(50)
    cv2.fillPoly(picture, [np.array([(80, 10), (110, 20), (83, 30), (112, 60), (78, 70)])], (10, 10, 10))
    assert lines_of(picture).bits == 0
    picture[5, 20:22] = (10, 10, 10)
    assert lines_of(picture).bits == 1


def test_a_colour_of_nobody_is_new():
    made = disc(50)
    made[35:45, 45:55] = (20, 200, 90)
    check = examine(made, disc(40), disc(60), 0.5)
    assert check.new_colours > 0.02
    assert "new colour" in check.flags()


def test_mixes_of_touching_paints_are_not_new():
    made, key0, key1 = (disc(x, kind=cv2.LINE_AA) for x in (50, 40, 60))
    assert new_colours(made, key0, key1, 0.5) == 0


def textured(x, seed):
    """A disc painted anew each time, with colours of its own, as by brush."""
    picture = disc(x).astype(int)
    picture += np.random.default_rng(seed).integers(-30, 31, picture.shape)
    return picture.clip(0, 255).astype(np.uint8)


def test_colours_that_every_drawing_has_of_its_own_are_not_new():
    made, key0, key1 = (textured(x, seed) for seed, x in enumerate((50, 40, 60)))
    assert "new colour" not in examine(made, key0, key1, 0.5).flags()
    made[35:45, 45:55] = (20, 200, 90)
    assert "new colour" in examine(made, key0, key1, 0.5).flags()


def test_lines_that_fade_away_are_missed():
    def strand(x, end):
        picture = np.full((80, 120, 3), 255, np.uint8)
        cv2.polylines(picture, [np.array([(x, 5), (x + 10, 40), (x, end)], np.int32)], False, (10, 10, 10), 2)
        return picture

    assert examine(strand(50, 75), strand(40, 75), strand(60, 75), 0.5).flags() == []
    assert "gap" in examine(strand(50, 50), strand(40, 75), strand(60, 75), 0.5).flags()


def test_wider_lines_are_farther():
    same, wider = (
        examine(disc(50, line=w), disc(40, line=1), disc(60, line=1), 0.5).stroke_width_px for w in (1, 2)
    )
    assert same < 0.2
    assert wider > 1


def test_paler_lines_are_farther():
    dark, pale = (lines_of(disc(50, ink=(grey,) * 3)) for grey in (10, 90))
    assert ink_distance(dark, dark) == 0
    assert 70 < ink_distance(pale, dark) < 90
    assert ink_distance(dark, pale) == ink_distance(pale, dark)


def test_regions_and_widths_are_counted():
    found = lines_of(disc(50, line=1))
    assert found.regions == 2
    assert found.gaps == 0
    assert found.widths[1:4].sum() > 0.9


def test_low_confidence_is_told():
    check = examine(disc(50), disc(40), disc(60), 0.5)
    assert check.flags(0.1) == ["low confidence"]
    assert check.flags(None) == []


def test_wrong_paint_counts_pixels_whose_nearest_colour_differs():
    truth, made = disc(50), disc(50)
    palette = np.unique(truth.reshape(-1, 3), axis=0)
    where = np.zeros(truth.shape[:2], np.bool_)
    where[30:50, 40:60] = True
    made[30:50, 40:50] = (245, 250, 240)
    assert wrong_paint(made, truth, where, palette) == 0.5
    assert (snapped(made, palette)[35, 42] == 255).all()


def test_alpha_and_depths_are_taken():
    frames = [np.dstack([disc(x), np.full((80, 120), 255, np.uint8)]) for x in (50, 40, 60)]
    assert examine(*frames, 0.5).flags() == []
    assert examine(*(frame.astype(np.uint16) * 257 for frame in frames), 0.5).flags() == []


def test_frames_of_two_sizes_are_refused():
    with pytest.raises(ShapeError, match="key1"):
        examine(disc(50), disc(40), disc(60)[:-1], 0.5)


@pytest.mark.parametrize("size", [(1, 1), (2, 9), (9, 1)])
def test_any_size_is_looked_at(size):
    frame = np.zeros((*size, 3), np.uint8)
    assert examine(frame, frame, frame, 0.5).flags() == []
