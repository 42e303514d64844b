"""Hints: what a file says is what the model is told; what is wrong in it is one line."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
from PIL import Image

from nakawari import load
from nakawari.errors import InputError
from nakawari.models.cel.hints import Hints, parse_hints, read_hints

FULL = {
    "points": [[[1, 2], [3, 4]]],
    "regions": [[[5, 6], [7, 8]]],
    "strokes": [[[[0, 0], [1, 1]], [[2, 2], [3, 3]]]],
    "appears": [[9, 9]],
    "disappears": [[8, 8]],
    "apart": [[[1, 1], [2, 2]]],
}


def test_a_file_comes_back_as_it_was_written(tmp_path):
    path = tmp_path / "hints.json"
    path.write_text(json.dumps(FULL))
    hints = read_hints(path)
    assert hints.points == (((1, 2), (3, 4)),)
    assert hints.strokes == ((((0, 0), (1, 1)), ((2, 2), (3, 3))),)
    assert parse_hints(hints.as_json()) == hints


def test_turning_twice_is_the_same():
    hints = parse_hints(FULL)
    assert hints.reversed().appears == hints.disappears
    assert hints.reversed().reversed() == hints


def test_a_run_of_keys_finds_its_pair(tmp_path):
    path = tmp_path / "hints.json"
    path.write_text(json.dumps({"pairs": [{"keys": ["A1", "A2"], **FULL}]}))
    assert read_hints(path, ("cels/A1.png", "cels/A2.png")) == parse_hints(FULL)
    assert read_hints(path, ("A2", "A1")) == parse_hints(FULL).reversed()
    assert read_hints(path, ("A2", "A3")) == Hints()


def test_a_guide_is_read_beside_the_file(tmp_path):
    Image.fromarray(np.zeros((4, 5, 3), np.uint8)).save(tmp_path / "rough.png")
    path = tmp_path / "hints.json"
    for when in (0.25, "1/4"):
        path.write_text(json.dumps({"guide": "rough.png", "guide_t": when}))
        hints = read_hints(path)
        assert hints.guide is not None
        assert hints.guide.shape == (4, 5, 3)
        assert hints.guide_t == 0.25
    with pytest.raises(InputError, match="5x4"):
        hints.check(8, 8)


@pytest.mark.parametrize("kind", ["palette", "grey", "deep", "alpha"])
def test_a_guide_may_be_of_any_kind_of_picture(tmp_path, kind):
    lines = np.full((4, 5), 255, np.uint8)
    lines[1] = 20
    made = {
        "palette": Image.fromarray(lines).convert("P"),
        "grey": Image.fromarray(lines),
        "deep": Image.fromarray(lines.astype(np.uint16) * 257),
        "alpha": Image.fromarray(np.stack([lines, 255 - lines], 2), "LA"),
    }[kind]
    made.save(tmp_path / "rough.png")
    guide = parse_hints({"guide": "rough.png"}, tmp_path).guide
    assert guide is not None
    assert guide.dtype == np.uint8
    assert guide.shape == (4, 5, 4 if kind == "alpha" else 3)
    assert guide[1, 0, 0] == 20


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not JSON"),
        ("[]", "no JSON object"),
        ('{"point": []}', "no field 'point'"),
        ('{"points": [[1, 2]]}', "no place"),
        ('{"points": [[[1, 2], [3, "a"]]]}', "cannot be read"),
        ('{"strokes": [[[[1, 2]], [[1, 2], [3, 4]]]]}', "two places or more"),
        ('{"guide": "absent.png"}', "absent.png"),
        ('{"guide": "absent.png"}', r"^the guide [^ ]* cannot be read as a picture\.$"),
        ('{"points": 3}', "points is 3; wanted a list"),
        ('{"points": null}', "points is None; wanted a list"),
        ('{"points": [[[true, 2], [3, 4]]]}', "two numbers"),
        ('{"points": [[["1", 2], [3, 4]]]}', "two numbers"),
        ('{"strokes": [[1, 2]]}', "two places or more"),
        ('{"guide_t": "1/0"}', "cannot be read: guide_t is '1/0'; wanted a share"),
        ("[" * 100_000, "not JSON"),
        ('{"pairs": [], "points": []}', "points beside pairs"),
        ('{"pairs": [{"keys": ["A", "B"]}, {"keys": ["B", "A"]}]}', "twice"),
        ('{"guide_t": "half"}', "cannot be read"),
        ('{"guide_t": 0.5}', "guide_t 0.5 and no guide"),
        ('{"points": [], "guide_t": "1/3"}', "guide_t 1/3 and no guide"),
        ('{"pairs": [{"points": []}]}', "keys"),
    ],
)
def test_what_is_wrong_is_said(tmp_path, text, message):
    path = tmp_path / "hints.json"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        read_hints(path)


def test_a_point_that_is_told_two_goals_is_refused():
    here, there, elsewhere = (1.0, 2.0), (3.0, 4.0), (5.0, 6.5)
    twice = Hints(points=((here, there), (here, elsewhere)))
    with pytest.raises(InputError, match=r"\(1, 2\) of the first key is \(3, 4\) .* it is \(5, 6.5\)"):
        twice.check(50, 100)
    with pytest.raises(InputError, match=r"\(1, 2\) of the second key is \(3, 4\) of the first"):
        twice.reversed().check(50, 100)
    Hints(points=((here, there), (here, there), (elsewhere, here))).check(50, 100)


def test_a_time_of_no_guide_is_refused():
    with pytest.raises(InputError, match=r"guide_t 0.25 and no guide"):
        Hints(guide_t=0.25).check(50, 100)


def test_places_outside_the_keys_are_refused():
    with pytest.raises(InputError, match="wanted a place in the 100x50 keys"):
        Hints(points=(((1, 2), (100, 3)),)).check(50, 100)
    Hints(points=(((1, 2), (99, 49)),)).check(50, 100)


def row(*places, kind):
    picture = np.full((60, 200, 3), 255, np.uint8)
    for x in places:
        cv2.circle(picture, (x, 30), 14, (210, 40, 40), -1, kind)
        cv2.circle(picture, (x, 30), 14, (10, 10, 20), 1, kind)
    return picture


@pytest.mark.parametrize("kind", [cv2.LINE_8, cv2.LINE_AA])
@pytest.mark.parametrize("hint", ["regions", "points"])
@pytest.mark.parametrize("t", [0.25, 0.5, 0.75])
def test_what_is_told_to_go_on_goes_though_one_like_it_comes_where_it_was(kind, hint, t):
    """One hint is enough: what comes to lie there does not stay either, and behind it is paper."""
    model = load("cel", device="cpu")
    hints = Hints(**{hint: (((100, 30), (160, 30)),)})
    pair = model.prepare(row(40, 100, kind=kind), row(100, 160, kind=kind), hints=hints)
    step = round(60 * t)
    right = row(40 + step, 100 + step, kind=kind)
    faint = 0 if kind == cv2.LINE_8 else 32  # of smoothed edges a trace stays on the paper
    assert np.abs(model.at(pair, t).astype(int) - right).max() <= faint
