"""Strokes: lines are found where they were drawn, as wide as they were drawn."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from nakawari.ops.strokes import inks, line_coverage, trace


def drawn(*polylines, width=2, size=(90, 120), ink=(0, 0, 0), paper=(255, 255, 255), kind=cv2.LINE_8):
    picture = np.full((*size, 3), paper, np.uint8)
    for points in polylines:
        cv2.polylines(picture, [np.array(points, np.int32)], False, ink, width, kind)
    return picture


@pytest.mark.parametrize("width", [1, 2])
@pytest.mark.parametrize("kind", [cv2.LINE_8, cv2.LINE_AA])
def test_a_line_is_one_branch_of_its_width(width, kind):
    picture = drawn([(10, 20), (100, 70)], width=width, kind=kind)
    strokes = trace(line_coverage(picture))
    assert len(strokes) == 1
    assert (strokes.node == -1).all()
    x, y = strokes.place.T
    off = np.abs((y - 20) * 90 - (x - 10) * 50) / np.hypot(90, 50)
    assert off[3:-3].max() < 0.6
    inked = (255.0 - picture[..., 0]).sum() / 255 / np.hypot(90, 50)
    assert abs(2 * np.median(strokes.radius) - inked) < 0.1 * inked


def test_a_cross_is_four_branches_that_meet():
    strokes = trace(line_coverage(drawn([(10, 40), (100, 40)], [(50, 5), (50, 80)], width=1)))
    assert len(strokes) == 4
    assert ((strokes.node >= 0).sum(1) == 1).all()
    ends = [strokes.place[a if strokes.node[s, 0] >= 0 else b - 1] for s, (a, b) in
            enumerate(zip(strokes.start[:-1], strokes.start[1:], strict=True))]  # fmt: skip
    assert np.ptp(ends, axis=0).max() < 1e-4
    assert np.abs(ends[0] - (50, 40)).max() < 1.5


def test_a_ring_is_closed():
    picture = drawn()
    cv2.circle(picture, (60, 45), 25, (0, 0, 0), 2)
    strokes = trace(line_coverage(picture))
    assert strokes.closed.tolist() == [True]
    assert np.abs(np.hypot(*(strokes.place - (60, 45)).T) - 25).max() < 1


@pytest.mark.parametrize("ink", [(220, 30, 30), (30, 60, 220), (20, 150, 40)])
def test_coloured_lines_are_lines(ink):
    assert len(trace(line_coverage(drawn([(10, 20), (100, 70)], ink=ink)))) == 1


def test_an_ink_may_be_lighter_than_clothes_but_shade_and_highlights_are_none():
    ink, cloth, skin = (60, 30, 20), (17, 17, 18), (240, 210, 190)
    shade, light = (180, 150, 140), (255, 255, 240)
    picture = np.full((120, 160, 3), 255, np.uint8)
    for x in (5, 45, 85, 125):
        cv2.rectangle(picture, (x, 30), (x + 28, 110), skin if x == 125 else cloth, -1)
        cv2.rectangle(picture, (x, 30), (x + 28, 110), ink, 2)
        cv2.line(picture, (x + 10, 32), (x + 14, 80), ink, 2)
    cv2.line(picture, (150, 34), (150, 107), shade, 2)
    cv2.line(picture, (52, 60), (52, 90), light, 2)
    found = inks(picture)
    assert [tuple(picture[mask][0]) for mask in found] == [ink]
    assert (found[0] == (picture == ink).all(2)).all()


def test_paint_and_its_edges_are_not_lines():
    picture = drawn()
    picture[20:60, 30:80] = (30, 30, 90)
    assert not (line_coverage(picture) > 0.5).any()
    assert len(trace(line_coverage(picture))) == 0


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (3, 2)])
def test_any_size(size):
    assert len(trace(line_coverage(np.zeros((*size, 3), np.uint8)))) == 0


def test_a_trace_line_that_others_cross_is_ink_and_a_strip_between_lines_is_none():
    picture = drawn([(10, 40), (110, 40)], ink=(30, 60, 200), width=2)
    black = drawn(*([(x, 10), (x, 80)] for x in range(10, 115, 11)), width=2)
    picture[(black == 0).all(2)] = 0
    assert len(inks(picture)) == 2
    framed = drawn([(10, 38), (110, 38)], [(10, 43), (110, 43)], width=2)
    framed[39:42, 10:110] = (190, 150, 140)
    assert len(inks(framed)) == 1
