"""Captions over a pan: found, taken off, and laid back whole."""

import cv2
import numpy as np
import pytest
import torch

from nakawari.models import load
from nakawari.models.overlays import _exact, find_overlay, pinned
from nakawari.tensors import to_tensor


def scenery(seed=4):
    random = np.random.default_rng(seed)
    small = random.integers(40, 216, (45, 90, 3), np.uint8)
    return cv2.resize(small, (720, 360), interpolation=cv2.INTER_CUBIC)


def letters(picture, text="A still caption, line"):
    cv2.putText(picture, text, (40, 300), cv2.FONT_HERSHEY_SIMPLEX, 0.9, (255, 255, 255), 2, cv2.LINE_AA)
    return picture


def panned(by):
    wide = scenery()
    return [letters(wide[:, start : start + 480].copy()) for start in (120, 120 + by)], wide


@pytest.mark.parametrize("by", [4, 10, 24, 60])
def test_a_caption_over_a_pan_stays_whole_and_single(by):
    keys, wide = panned(by)
    made = load("classic", device="cpu")(*keys).astype(int)
    middle = 120 + by // 2
    truth = letters(wide[:, middle : middle + 480].copy()).astype(int)
    caption = cv2.dilate((letters(np.zeros_like(keys[0])) > 0).max(2).astype(np.uint8), np.ones((3, 3))) > 0
    white = (keys[0] == 255).all(2) & (keys[1] == 255).all(2)
    assert white.sum() > 400
    assert (made[white] == 255).all()
    band = np.zeros_like(white)
    band[270:312, 70:410] = True
    beside = band & ~caption
    assert np.abs(made - truth)[beside].mean() < 4  # no second letters
    bright = (made > 240).all(2) & beside
    assert bright.sum() < 0.01 * white.sum()


def test_a_caption_over_a_plain_wall_that_pans_is_found():
    wide = np.full((360, 720, 3), 150, np.uint8)
    for column in range(6):
        for top in (90, 240):
            corners = (60 + 110 * column, top), (110 + 110 * column, top + 90)
            cv2.rectangle(wide, *corners, (60, 90, 40 + 30 * column), -1)
    keys = [letters(wide[:, start : start + 480].copy()) for start in (100, 150)]
    assert (keys[0] == keys[1]).all(2).mean() > 0.5
    found = find_overlay(*keys)
    ink = letters(np.zeros_like(keys[0])).max(2) == 255
    assert found is not None
    over = ink & (wide[:, 100:580] != 150).any(2) & (wide[:, 150:630] != 150).any(2)
    assert found.mask[over].mean() > 0.9


def test_what_pans_as_a_whole_has_no_layer():
    wide = scenery()
    keys = [wide[:, start : start + 480].copy() for start in (120, 144)]
    assert find_overlay(*keys) is None


def test_what_moves_over_still_ground_has_no_layer():
    ground = np.full((200, 300, 3), 220, np.uint8)
    keys = []
    for x in (60, 90):
        picture = ground.copy()
        cv2.circle(picture, (x, 90), 30, (200, 40, 60), -1)
        keys.append(picture)
    assert find_overlay(*keys) is None


def figures(x, y, seed=4):
    """Large plain shapes with dark stripes before scenery, as of clothes and limbs."""
    picture = scenery(seed)[:, 100 + x : 580 + x].copy()
    random = np.random.default_rng(1)
    for column in range(8):
        place = (30 + 40 * column - x, 120 + int(random.integers(-30, 30)) - y)
        cv2.ellipse(picture, place, (34, 80), 20, 0, 360, (20, 20, 30), -1, cv2.LINE_AA)
        cv2.ellipse(picture, place, (26, 70), 20, 0, 360, (245, 240, 235), -1, cv2.LINE_AA)
        for row in range(-60, 60, 14):
            start = (place[0] - 10, place[1] + row)
            cv2.line(picture, start, (place[0] + 12, place[1] + row + 4), (20, 20, 30), 2, cv2.LINE_AA)
    return picture


def test_plain_shapes_that_come_to_lie_on_others_are_no_layer():
    keys = figures(0, 0), figures(14, 2)
    still = (np.abs(keys[0].astype(int) - keys[1]) <= 6).all(2)
    assert still.mean() > 0.1  # much is the same in both, by chance
    assert find_overlay(*keys) is None


def test_a_caption_over_such_shapes_is_one():
    keys = letters(figures(0, 0)), letters(figures(14, 2))
    found = find_overlay(*keys)
    ink = letters(np.zeros_like(keys[0])).max(2) == 255
    assert found is not None
    assert found.mask[ink].mean() > 0.9
    assert found.mask[:240].mean() < 0.01


def test_a_batch_is_its_pictures_one_by_one():
    pairs = [panned(10)[0], panned(24)[0]]
    model = load("classic", device="cpu")
    together = model(*(torch.cat([to_tensor(pair[n]) for pair in pairs]) for n in (0, 1)))
    alone = torch.cat([model(to_tensor(pair[0]), to_tensor(pair[1])) for pair in pairs])
    assert torch.equal(together, alone)


def test_what_lies_beside_still_edges_is_pinned():
    keys = [scenery()[:60, :80].copy(), scenery()[:60, :80].copy()]
    keys[1][:, 40:] = scenery(seed=1)[:60, 40:80]
    keys[0][20:30, 10:20] = keys[1][20:30, 10:20] = 255
    found = pinned(*keys)
    assert found[20:30, 10:20].any()
    assert not found[:, 41:].any()
    moved = []
    for x in (50, 58):
        picture = np.full((120, 220, 3), 220, np.uint8)
        cv2.circle(picture, (x, 60), 12, (20, 20, 30), -1)
        moved.append(picture)
    assert not pinned(*moved).any()


def test_odd_rows_that_move_alone_do_not_change_the_shift():
    grey = cv2.cvtColor(scenery()[:, :480], cv2.COLOR_RGB2GRAY)
    still = np.ones(grey.shape, np.bool_)
    still[1::2] = False  # as combing has it
    assert _exact(grey, grey, (12, 4), still) == (12, 4)
