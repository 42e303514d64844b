"""What classic can do that a cross-fade cannot."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from nakawari.errors import InputError
from nakawari.models import load
from nakawari.models.classic import motion
from nakawari.models.classic.sprites import erase, find_sprites
from nakawari.models.classic.synthesis import closed
from nakawari.ops.following import returns


@pytest.fixture(scope="module")
def model():
    return load("classic", device="cpu")


def disc(x, y=60, size=(120, 220), radius=12, paper=220):
    picture = np.full((*size, 3), paper, np.uint8)
    cv2.circle(picture, (x, y), radius, (200, 50, 40), -1, cv2.LINE_AA)
    cv2.circle(picture, (x, y), radius, (20, 20, 30), 2, cv2.LINE_AA)
    return picture


def texture(height, width, seed=0):
    random = np.random.default_rng(seed)
    coarse = random.integers(40, 216, (height // 8, width // 8, 3), np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


def error(made, truth):
    return float(np.abs(made.astype(int) - truth).mean())


@pytest.mark.parametrize("t", [0.25, 0.5, 0.75])
def test_a_disc_that_jumps_three_diameters_is_whole(model, t):
    far = 72
    made = model(disc(50), disc(50 + far), t=t)
    truth = disc(50 + round(far * t))
    assert np.abs(made.astype(int) - truth).max() <= 40
    assert error(made, truth) < 0.2


def test_a_disc_jumps_over_a_painting_that_does_not_move(model):
    painting = texture(120, 224)
    keys = []
    for x in (50, 122):
        frame = painting.copy()
        cv2.circle(frame, (x, 60), 12, (250, 10, 10), -1)
        keys.append(frame)
    made = model(*keys)
    truth = painting.copy()
    cv2.circle(truth, (86, 60), 12, (250, 10, 10), -1)
    assert (np.abs(made.astype(int) - truth).max(2) > 40).mean() < 0.01
    far = np.ones(made.shape[:2], bool)
    far[40:80, 30:145] = False
    assert (made[far] == painting[far]).all()


def test_a_pan_of_a_fifth_of_the_width_is_followed(model):
    wide = texture(160, 400)
    made = model(wide[:, 60:300], wide[:, 12:252])
    truth = wide[:, 36:276]
    assert error(made[10:-10, 40:-40], truth[10:-10, 40:-40]) < 2


@pytest.mark.parametrize("name", ["classic", "fast"])
def test_what_does_not_share_a_pan_is_followed_too(name):
    wide, figure = texture(240, 640), texture(96, 96, seed=3)
    pictures = []
    for start, light in ((100, 0), (130, 4), (160, 8)):  # lit, so that it is no layer that stays
        picture = wide[:, start : start + 360].copy()
        picture[72:168, 130:226] = figure + light
        pictures.append(picture)
    network = load(name, device="cpu")
    pair = network.prepare(pictures[0], pictures[2])
    assert pair.still.layer is None
    assert pair.state[0].shifts[-1] == (-60, 0)
    within = np.s_[76:164, 134:222]
    searched = pair.state[0].fields[-2][0]
    assert np.median(np.abs(searched.flow[within])) < 0.2
    assert error(network.at(pair, 0.5)[within], pictures[1][within]) < 18  # 36 around the pan alone


@pytest.mark.parametrize("unsure", ["draw", "hold", "nearest"])
@pytest.mark.parametrize("name", ["classic", "fast"])
@pytest.mark.parametrize("t", [0.25, 0.5])
def test_what_a_pan_brings_into_the_picture_is_as_the_key_that_has_it_shows_it(name, t, unsure):
    wide = texture(240, 640)
    keys = [wide[:, start : start + 360].copy() for start in (100, 160)]
    start = 100 + round(60 * t)
    network = load(name, device="cpu", unsure=unsure)
    made, truth = network(*keys, t=t), wide[:, start : start + 360]
    for band in (np.s_[:, :40], np.s_[:, -50:]):
        assert error(made[band], truth[band]) < 6  # 14 to 34 with both keys asked


def test_a_small_motion_is_better_than_both_keys(model):
    made, truth = model(disc(50), disc(58)), disc(54)
    assert error(made, truth) < 0.3 * min(error(disc(50), truth), error(disc(58), truth))


@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255)], ids=["black", "white"])
def test_a_caption_over_a_pan_stays(model, colour):
    wide = texture(200, 400)
    keys = [wide[:, 20:340].copy(), wide[:, 32:352].copy()]
    letters = np.zeros((200, 320), np.uint8)
    for picture, ink in ((keys[0], colour), (keys[1], colour), (letters, 255)):
        cv2.putText(picture, "NAKA", (120, 180), cv2.FONT_HERSHEY_SIMPLEX, 1.0, ink, 6)
    still = (keys[0] == keys[1]).all(2) & (letters > 0)
    made = model(*keys)
    assert still.sum() > 300
    assert (made[still] == keys[0][still]).mean() > 0.99


def test_large_pictures_are_matched_at_half_size_and_drawn_at_full(model, monkeypatch):
    keys = disc(50, size=(121, 221)), disc(122, size=(121, 221))
    monkeypatch.setattr(motion, "LARGE", 1000)
    made = model(*keys)
    assert made.shape == keys[0].shape
    assert error(made, disc(86, size=(121, 221))) < 0.5


def test_flow_that_comes_back_is_told_from_flow_that_does_not():
    there = np.zeros((20, 30, 2), np.float32)
    there[..., 0] = 5
    assert returns(there, -there)[:, :25].all()
    assert not returns(there, there).any()


def test_sprites_are_taken_only_without_doubt():
    def lost(one, other):
        return motion.largest(cv2.absdiff(one, other))

    keys = disc(50), disc(122)
    found = find_sprites(*keys, lost(*keys), lost(*keys))
    assert found
    assert all(sprite.move == pytest.approx((72, 0), abs=0.1) for sprite in found)
    assert (erase(keys[0], keys[1], found, first=True) == 220).all()
    twins = np.maximum(disc(50), 0), np.minimum(disc(122), disc(180))
    assert find_sprites(*twins, lost(*twins), lost(*twins)) == []
    near = disc(50), disc(60)
    assert find_sprites(*near, lost(*near), lost(*near)) == []


def test_a_window_that_is_covered_while_another_is_uncovered_does_not_jump():
    keys = []
    for x in (50, 122):
        wall = np.full((120, 220, 3), 180, np.uint8)
        for window in (50, 122):
            wall[52:68, window - 8 : window + 8] = (40, 60, 120)
        cv2.ellipse(wall, (x, 60), (30, 50), 0, 0, 360, (200, 50, 40), -1, cv2.LINE_AA)
        keys.append(wall)
    found = find_sprites(*keys, *[motion.largest(cv2.absdiff(*keys))] * 2)
    assert [
        sprite
        for sprite in found
        if (sprite.mask0[60, 122] or sprite.mask0[60, 50]) and sprite.mask0.sum() < 1000
    ] == []


def noise(seed):
    """A patch that cannot be followed: blocks of four pixels, none like any in another seed."""
    blocks = np.random.default_rng(seed).integers(0, 256, (30, 55, 3)).astype(np.uint8)
    return cv2.resize(blocks, (220, 120), interpolation=cv2.INTER_NEAREST)


def test_what_cannot_be_followed_has_no_hard_tears(model):
    """It lies between what the candidates show; cut together from them it is as rough as the keys."""
    tears = [float(np.abs(np.diff(picture.astype(int), axis=1)).mean()) for picture in (noise(0), noise(1))]
    made = model(noise(0), noise(1))
    assert float(np.abs(np.diff(made.astype(int), axis=1)).mean()) < 0.85 * min(tears)


def test_what_passes_has_no_small_gaps():
    cover = np.zeros((60, 60), bool)
    cover[10:50, 10:50] = True
    wanted = cover.copy()
    cover[20:23, 20:24] = False  # a speck
    cover[30:42, 30:42] = wanted[30:42, 30:42] = False  # a gap
    assert (closed(cover) == wanted).all()


def test_specks_that_are_equal_by_chance_are_not_kept_amid_what_changes(model):
    keys = noise(0) // 4 + 90, noise(1) // 4 + 90  # not so different that all is given up
    for key in keys:
        key[60:64, 100:104] = (150, 90, 150)  # equal in both
        key[:20] = 128  # and so is this, which is large
    made = model(*keys).astype(int)
    assert np.abs(made[60:64, 100:104] - (150, 90, 150)).max() > 15
    assert (made[:16] == 128).all()


def torn(seed: int) -> np.ndarray:
    """A flat picture whose right half is another drawing for each seed."""
    picture = np.full((120, 240, 3), 128, np.uint8)
    coarse = np.random.default_rng(seed).integers(0, 256, (15, 15, 3)).astype(np.uint8)
    picture[:, 120:] = cv2.resize(coarse, (120, 120), interpolation=cv2.INTER_CUBIC)
    return picture


@pytest.mark.parametrize(
    ("unsure", "t", "second"),
    [("draw", 0.5, 0.5), ("draw", 0.25, 0.25), ("hold", 0.75, 0), ("nearest", 0.25, 0), ("nearest", 0.75, 1)],
)
@pytest.mark.parametrize("name", ["classic", "fast"])
def test_where_motion_is_lost_the_keys_stand(name: str, unsure: str, t: float, second: float) -> None:
    made = load(name, device="cpu", unsure=unsure)
    key0, key1 = torn(1), torn(2)
    off = made(key0, key1, t=t).astype(float) - ((1 - second) * key0 + second * key1)
    assert np.abs(off[20:-20, 150:-20]).mean() < 8
    assert np.abs(off[:, :80]).max() <= 1


def test_what_moves_in_other_light_is_not_lost() -> None:
    """It costs as much as what is lost, but no motion costs far more."""
    wide = cv2.resize(
        np.random.default_rng(5).integers(30, 190, (20, 44, 3)).astype(np.uint8),
        (264, 120),
        interpolation=cv2.INTER_CUBIC,
    )
    key0, key1 = wide[:, 16:256], wide[:, 8:248] + np.uint8(30)
    truth = wide[:, 12:252].astype(float) + 15
    made = load("classic", device="cpu")(np.ascontiguousarray(key0), np.ascontiguousarray(key1))
    inner = (slice(20, -20), slice(20, -20))
    faded = np.abs((key0.astype(float) + key1) / 2 - truth)[inner].mean()
    assert np.abs(made - truth)[inner].mean() < 0.3 * faded


def test_an_unknown_way_to_be_unsure_is_refused() -> None:
    with pytest.raises(InputError, match="wanted draw, hold, nearest"):
        load("classic", device="cpu", unsure="blend")


@pytest.mark.parametrize("by", [0, 12])
def test_a_ground_that_brightens_does_not_wait(by: int) -> None:
    """Still or panned: it differs by light alone, and one key must not stand there."""
    wide = cv2.resize(
        np.random.default_rng(6).integers(60, 180, (20, 44, 3)).astype(np.uint8),
        (264, 120),
        interpolation=cv2.INTER_CUBIC,
    )
    key0, key1 = (np.ascontiguousarray(wide[:, left : left + 240]) for left in (by, 0))
    key1 = key1 + np.uint8(20)
    made = load("classic", device="cpu", unsure="nearest")
    light = [float(made(key0, key1, t=t)[30:-30, 40:-40].mean()) for t in (0.25, 0.75)]
    assert light[1] - light[0] == pytest.approx(10, abs=3)


def test_a_part_that_stands_does_so_at_all_times() -> None:
    made = load("classic", device="cpu", unsure="hold")
    pictures = made(torn(1), torn(2), t=[0.2, 0.5, 0.8])
    inner = (slice(20, -20), slice(150, -20))
    for picture in pictures:
        assert np.abs(picture[inner].astype(int) - pictures[0][inner]).mean() < 3


def test_what_was_chosen_is_forgotten_when_it_is_asked_for_otherwise() -> None:
    made = load("classic", device="cpu")
    pair = made.prepare(torn(1), torn(2))
    before = made.at(pair, 0.75)
    made.adjust(unsure="hold")
    assert (made.at(pair, 0.75) != before).any()
