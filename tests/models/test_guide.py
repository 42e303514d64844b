"""A rough breakdown bends paths: as far as it says, and no farther than it can tell."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from nakawari.data.cels import cel_pair
from nakawari.data.roughs import rough
from nakawari.errors import InputError
from nakawari.metrics.lines import chamfer
from nakawari.models import load
from nakawari.models.cel.hints import Hints

RED, BLUE, INK = (220, 60, 40), (50, 90, 210), (10, 10, 10)


@pytest.fixture(scope="module")
def model():
    return load("cel", device="cpu")


def discs(red, blue=None):
    """Discs on paper."""
    picture = np.full((120, 200, 3), 255, np.uint8)
    for place, paint in ((red, RED), (blue, BLUE)):
        if place is not None:
            cv2.circle(picture, place, 18, paint, -1)
            cv2.circle(picture, place, 18, INK, 2)
    return picture


def middle(picture, paint):
    y, x = np.argwhere((picture == paint).all(2)).mean(0)
    return np.array((x, y))


@pytest.mark.parametrize("up", [9, -14])
@pytest.mark.parametrize("when", [0.5, 0.3])
def test_what_a_rough_shows_off_the_chord_is_passed_there_on_a_parabola(model, up, when):
    key0, key1 = discs((50, 60)), discs((90, 60))
    guide = rough(discs((round(50 + 40 * when), 60 - up)), wobble_px=0.5, missing=0)
    pair = model.prepare(key0, key1, hints=Hints(guide=guide, guide_t=when))
    for t in (when, 0.2, 0.7):
        share = t * (1 - t) / (when * (1 - when))
        off = middle(model.at(pair, t), RED) - (50 + 40 * t, 60 - up * share)
        assert np.abs(off).max() < 1 if t == when else np.abs(off).max() < 1.5
    assert (model.at(pair, 1e-4) == key0).all(2).mean() > 0.99


def test_a_rough_on_the_chord_changes_nothing(model):
    pair = cel_pair(21, 1, (180, 320), farthest_px=16)
    straight = model(pair.key0, pair.key1, 0.5)
    made = model.at(model.prepare(pair.key0, pair.key1, hints=Hints(guide=rough(straight, 3))), 0.5)
    assert (made != straight).any(2).mean() < 0.002


def test_a_rough_of_the_drawing_between_brings_lines_nearer_to_it_at_every_time(model):
    times = (0.3, 0.5, 0.8)
    pair = cel_pair(21, 2, (180, 320), kind="lines", farthest_px=20, arc=0.6, times=times)
    hints = Hints(guide=rough(pair.between[0.5], 2, missing=0.3))
    with_it, without = (model.prepare(pair.key0, pair.key1, hints=one) for one in (hints, None))
    for t in times:
        far, before = (chamfer(model.at(made, t), pair.between[t]) for made in (with_it, without))
        assert far < 0.7 * before


def test_each_part_goes_its_own_way(model):
    key0, key1 = discs((50, 60), (140, 60)), discs((80, 60), (160, 60))
    made = model.at(
        model.prepare(key0, key1, hints=Hints(guide=rough(discs((65, 50), (150, 60)), missing=0))), 0.5
    )
    assert np.abs(middle(made, RED) - (65, 50)).max() < 1
    assert np.abs(middle(made, BLUE) - (150, 60)).max() < 1


@pytest.mark.parametrize("palette", ["lock", "keep"])
def test_what_is_the_same_in_both_keys_goes_whole_where_the_rough_has_it(palette):
    key0, key1 = discs((50, 60), (140, 60)), discs((50, 60), (160, 60))
    guide = rough(discs((50, 46), (150, 60)), wobble_px=0.3, missing=0)
    model = load("cel", device="cpu", palette=palette)
    made = model.at(model.prepare(key0, key1, hints=Hints(guide=guide)), 0.5)
    red = (np.abs(made.astype(int) - RED).max(2) < 40).sum()
    assert np.abs(middle(made, RED) - (50, 46)).max() < 1
    assert abs(red / (key0 == RED).all(2).sum() - 1) < 0.1
    assert (made[70:79, 40:60] == 255).all()  # nothing is left where it was


def totem(x, y):
    """Three painted boxes upon each other."""
    picture = np.full((120, 200, 3), 255, np.uint8)
    for n, paint in enumerate((RED, BLUE, (60, 170, 90))):
        box = (x - 14, y + 18 * n - 27), (x + 14, y + 18 * n - 9)
        cv2.rectangle(picture, *box, paint, -1)
        cv2.rectangle(picture, *box, INK, 2)
    return picture


@pytest.mark.parametrize("t", [0.4, 0.6])
def test_what_a_figure_leaves_is_not_filled_by_a_part_of_it(model, t):
    guide = rough(totem(68, 46), wobble_px=0.3, missing=0)
    pair = model.prepare(totem(60, 60), totem(64, 60), hints=Hints(guide=guide, guide_t=t))
    made = model.at(pair, t)
    here = (totem(68, 46) != 255).any(2).astype(np.uint8)
    beyond = cv2.dilate(here, np.ones((5, 5), np.uint8)) == 0
    assert (made[beyond] == 255).all()
    assert (made != 255).any(2).sum() > 0.95 * here.sum()


def test_a_rough_and_an_arc_agree_about_the_place(model):
    import torch

    guide = rough(discs((70, 48)), wobble_px=0.3, missing=0)
    pair = model.prepare(discs((50, 60)), discs((90, 60)), hints=Hints(guide=guide))
    turn = torch.full((1, 1, 120, 200), -0.8)
    model.bend(pair, turn, turn)
    assert np.abs(middle(model.at(pair, 0.5), RED) - (70, 48)).max() < 1


def test_a_rough_on_nothing_is_as_one_on_paper(model):
    guide = rough(discs((70, 48)), missing=0)
    alpha = 255 - guide.min(2, keepdims=True)
    clear = np.concatenate([np.zeros_like(guide), alpha], 2)
    made = [
        model.at(model.prepare(discs((50, 60)), discs((90, 60)), hints=Hints(guide=one)), 0.5)
        for one in (guide, clear)
    ]
    assert np.abs(middle(made[0], RED) - middle(made[1], RED)).max() < 0.5


def scribble():
    rng = np.random.default_rng(0)
    sheet = np.full((120, 200, 3), 255, np.uint8)
    for ends in rng.integers(0, (200, 120), (25, 2, 2)).tolist():
        cv2.line(sheet, *ends, (90, 90, 90), 2, cv2.LINE_AA)
    return sheet


@pytest.mark.parametrize(
    ("guide", "message"),
    [
        (np.full((120, 200, 3), 255, np.uint8), "no lines"),
        (np.zeros((120, 200, 4), np.uint8), "no lines"),
        (np.random.default_rng(0).integers(0, 256, (120, 200, 3), np.uint8), "dark in"),
        (scribble(), "of the guide's lines"),
        (np.full((60, 200, 3), 255, np.uint8), "200x60"),
    ],
)
def test_what_is_no_rough_of_these_keys_is_refused(model, guide, message):
    with pytest.raises(InputError, match=message):
        model.prepare(discs((50, 60)), discs((90, 60)), hints=Hints(guide=guide))


def test_equal_keys_follow_nothing(model):
    with pytest.raises(InputError, match="equal"):
        model.prepare(discs((50, 60)), discs((50, 60)), hints=Hints(guide=rough(discs((50, 40)))))
