"""cel: every pixel is a pixel of a key, lines stay lines, hints are met."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from nakawari.data.cels import cel_pair
from nakawari.errors import InputError
from nakawari.metrics.cels import examine, ink_distance, lines_of, snapped, wrong_paint
from nakawari.models import load
from nakawari.models.cel import plan
from nakawari.models.cel.drawing import take_apart
from nakawari.models.cel.explain import flow
from nakawari.models.cel.hints import Hints
from nakawari.models.cel.matching import along
from nakawari.models.cel.mix import TOUCH_PX
from nakawari.models.cel.passing import by_chance
from nakawari.models.cel.register import register


@pytest.fixture(scope="module")
def model():
    return load("cel", device="cpu")


@pytest.fixture(scope="module")
def pair():
    return cel_pair(5, 4, (135, 240), farthest_px=6)


def colours(*frames):
    return {
        tuple(c) for frame in frames for c in np.unique(frame.reshape(-1, frame.shape[2]), axis=0).tolist()
    }


def disc(x, kind=cv2.LINE_8, radius=18):
    picture = np.full((80, 140, 3), 255, np.uint8)
    cv2.circle(picture, (x, 40), radius, (220, 60, 40), -1, kind)
    cv2.circle(picture, (x, 40), radius, (10, 10, 10), 1, kind)
    return picture


@pytest.mark.parametrize("t", [0.2, 0.5, 0.8])
def test_no_colour_is_new(model, pair, t):
    assert colours(model(pair.key0, pair.key1, t)) <= colours(pair.key0, pair.key1)


def touching_colours(key, reach):
    """[P, 2, 3]: the colours of all pixels of a key that are within `reach` of each other."""
    height, width = key.shape[:2]
    found = []
    for y in range(reach + 1):
        for x in range(-reach, reach + 1):
            one = key[: height - y, max(0, -x) : width - max(0, x)]
            other = key[y:, max(0, x) : width - max(0, -x)]
            found.append(np.unique(np.concatenate([one, other], 2).reshape(-1, 6), axis=0))
    return np.unique(np.concatenate(found), axis=0).reshape(-1, 2, 3).astype(np.float32)


def test_smoothed_drawings_get_only_mixes_of_two_colours_that_touch_in_a_key():
    keys = cel_pair(5, 4, (72, 128), kind="smooth", farthest_px=9)
    made = load("cel", device="cpu", palette="keep")(keys.key0, keys.key1, 0.4)
    ends = np.concatenate([touching_colours(key, TOUCH_PX) for key in (keys.key0, keys.key1)])
    new = np.array(sorted(colours(made) - colours(keys.key0, keys.key1)), np.float32)
    assert len(new) > 20  # smoothed edges at other places are other mixes
    low, way = ends[:, 0], ends[:, 1] - ends[:, 0]
    length = np.maximum((way**2).sum(1), 1e-6)
    for colour in np.random.default_rng(0).permutation(new)[:300]:
        share = (((colour - low) * way).sum(1) / length).clip(0, 1)
        assert np.abs(low + share[:, None] * way - colour).max(1).min() <= 1


@pytest.mark.parametrize("kind", ["flat", "smooth"])
def test_lines_keep_their_pixels_where_next_to_nothing_moves(model, kind):
    keys = cel_pair(5, 4, (135, 240), kind=kind, farthest_px=6)
    made = model(keys.key0, keys.key1, 1e-3)
    assert (np.abs(made.astype(int) - keys.key0).max(2) > 40).mean() < 0.01


def boxes(dx, dy):
    """Boxes of lines on paper, each over the next one's corner."""
    picture = np.full((120, 200, 3), 255, np.uint8)
    for x, y in ((20, 20), (70, 40), (120, 25)):
        cv2.rectangle(picture, (x + dx, y + dy), (x + dx + 40, y + dy + 50), (255, 255, 255), -1)
        cv2.rectangle(picture, (x + dx, y + dy), (x + dx + 40, y + dy + 50), (20, 20, 20), 2)
    return picture


@pytest.mark.parametrize("step", [(12, 8), (7, -5), (-12, 3)])
@pytest.mark.parametrize("palette", ["lock", "keep"])
def test_where_lines_of_both_keys_cross_no_bits_stay(step, palette):
    key0, key1 = boxes(0, 12), boxes(step[0], 12 + step[1])
    made = load("cel", device="cpu", palette=palette)(key0, key1)
    found, *keys = (lines_of(frame) for frame in (made, key0, key1))
    assert found.bits == 0
    assert found.strokes_px == pytest.approx(keys[0].strokes_px, rel=0.02)


def test_what_is_the_same_by_chance_is_told_from_what_stays():
    key0, key1 = boxes(0, 12), boxes(9, 16)
    for key in (key0, key1):
        key[100:104, 10:14] = 90  # a dot that stays
    same = (key0 == key1).all(2)
    chance = by_chance(key0, key1)
    assert not (chance & ~same).any()
    crossings = same & (key0 < 60).all(2)
    assert crossings.sum() > 20
    assert (chance | ~crossings).all()
    assert not chance[95:110, 5:20].any()
    assert not by_chance(key0, key0).any()


def test_moving_lines_do_not_fall_into_bits(model):
    keys = cel_pair(11, 1, kind="lines", farthest_px=24)
    found, *own = (lines_of(frame).bits for frame in (model(keys.key0, keys.key1), keys.key0, keys.key1))
    assert found <= max(own) + 4


@pytest.mark.parametrize("kind", ["flat", "lines"])
def test_beside_a_key_it_is_the_key(kind):
    keys = cel_pair(5, 4, (135, 240), kind=kind, farthest_px=6)
    whole = plan.understand(take_apart(keys.key0), take_apart(keys.key1), True)
    pixels = np.concatenate([keys.key0.reshape(-1, 3), keys.key1.reshape(-1, 3)])
    for t, key in ((1e-7, keys.key0), (1 - 1e-7, keys.key1)):
        assert (pixels[whole.mixture(t).first] != key).any(2).mean() < 1e-4


@pytest.mark.parametrize("index", [1, 2])
def test_nearly_all_paint_goes_where_it_really_goes(index):
    keys = cel_pair(5, index, (135, 240), farthest_px=6)
    one = take_apart(keys.key0)
    found = flow(plan.understand(one, take_apart(keys.key1), True), False)
    paint = ~one.line & ~one.ground[one.labels]
    assert np.quantile(np.hypot(*(found - keys.flow01)[paint].T), 0.95) < 1.7


def test_fewer_pixels_are_wrong_than_by_snapping(model, pair):
    truth, where = pair.between[0.5], pair.moving(0.5)
    ours = wrong_paint(model(pair.key0, pair.key1), truth, where, pair.palette)
    crude = snapped(load("classic", device="cpu")(pair.key0, pair.key1), pair.palette)
    assert ours < 0.8 * wrong_paint(crude, truth, where, pair.palette)


def test_a_disc_goes_whole(model):
    made = model(disc(40), disc(64))
    assert (made != disc(52)).any(2).mean() < 0.01
    assert examine(made, disc(40), disc(64), 0.5).flags() == []


def test_sixteen_bits_and_alpha_stay_as_they_are(model):
    keys = []
    for x in (40, 50):
        alpha = (disc(x)[..., :1] < 255) * np.uint8(255)
        keys.append(np.concatenate([disc(x) * (alpha > 0), alpha], 2).astype(np.uint16) * 257 - 0)
    made = model(*keys)
    assert made.dtype == np.uint16
    assert colours(made) <= colours(*keys)
    assert set(np.unique(made[..., 3]).tolist()) == {0, 65535}


def test_smooth_edges_stay_smooth_and_lines_keep_their_ink(model):
    made = load("cel", device="cpu", palette="keep")(disc(40, cv2.LINE_AA), disc(50, cv2.LINE_AA))
    check = examine(made, disc(40, cv2.LINE_AA), disc(50, cv2.LINE_AA), 0.5)
    assert check.flags() == []
    assert len(colours(made)) > 6


def figure_of_lines(x, y, width):
    picture = np.full((120, 200, 3), 255, np.uint8)
    corners = np.array([(20 + x, 20 + y), (120 + x, 100 + y), (150 + x, 30 + y)])
    cv2.circle(picture, (60 + x, 60 + y), 30, (20, 20, 20), width, cv2.LINE_AA)
    cv2.polylines(picture, [corners], False, (20, 20, 20), width, cv2.LINE_AA)
    return picture


@pytest.mark.parametrize("width", [1, 2])
@pytest.mark.parametrize("step", [(5, 5), (9, 3)])
def test_thin_smoothed_lines_stay_as_dark_between_pixels(width, step):
    key0, key1 = figure_of_lines(0, 0, width), figure_of_lines(*step, width)
    made = load("cel", device="cpu", palette="keep")(key0, key1)
    assert ink_distance(lines_of(made), lines_of(key0)) < 12
    assert examine(made, key0, key1, 0.5).flags() == []


def test_smoothed_lines_leave_next_to_no_dust_on_the_paper():
    key0, truth, key1 = (cv2.GaussianBlur(figure_of_lines(x, x, 1), (0, 0), 0.5) for x in (0, 6, 12))
    made = load("cel", device="cpu", palette="keep")(key0, key1)
    paper = cv2.dilate((truth < 255).any(2).astype(np.uint8), np.ones((7, 7), np.uint8)) == 0
    assert (made[paper] < 252).any(1).sum() < 60


def few_colours(x, scale=4):
    """A head over shoulders, smoothed, of so few paints that there are few colours in all."""
    image = np.full((64 * scale, 96 * scale, 3), 255, np.uint8)
    at = (int(x * scale), 28 * scale)
    shoulders = (at[0] - 20 * scale, at[1] + 18 * scale), (at[0] + 20 * scale, 60 * scale)
    for paint, thick in (((60, 90, 200), -1), ((20, 20, 30), 3 * scale)):
        cv2.rectangle(image, *shoulders, paint, thick)
    for paint, thick in (((250, 220, 190), -1), ((20, 20, 30), 3 * scale)):
        cv2.circle(image, at, 18 * scale, paint, thick)
    return np.round(image.reshape(64, scale, 96, scale, 3).mean((1, 3))).astype(np.uint8)


@pytest.mark.parametrize("palette", ["auto", "lock"])
def test_smoothed_edges_of_few_colours_go_along_with_their_line(palette):
    key0, truth, key1 = (few_colours(x) for x in (38, 42, 46))
    assert len(colours(key0, key1)) < 96
    made = load("cel", device="cpu", palette=palette)(key0, key1)
    paper = cv2.erode((truth == 255).all(2).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    left_behind = paper & (made < 200).any(2)
    assert left_behind.sum() == 0
    if palette == "lock":
        assert colours(made) <= colours(key0, key1)


def test_it_tells_what_it_found(model):
    found = model.explain(model.prepare(disc(40), disc(50)))
    i = found.labels0[40, 40]
    assert found.partners01[i] == found.labels1[40, 50]
    assert found.confidence01[i] > 0.7
    assert found.confidence > 0.7
    assert 0.7**4 < model.confidence(model.prepare(disc(40), disc(50))) <= found.confidence
    assert np.abs(found.flow01[40, 40] - (10, 0)).max() < 0.5
    assert np.abs(found.flow10[40, 50] - (-10, 0)).max() < 0.5
    assert len(found.lines0) >= 1
    with pytest.raises(InputError, match="nothing is known"):
        model.explain(model.prepare(disc(40), disc(40)))


def test_points_are_met_to_half_a_pixel(model):
    hints = Hints(points=(((40, 40), (53, 43)), ((30, 36), (41, 37))))
    found = model.explain(model.prepare(disc(40), disc(50), hints=hints))
    for (x0, y0), (x1, y1) in hints.points:
        gone = found.flow01[y0, x0]
        assert np.hypot(x0 + gone[0] - x1, y0 + gone[1] - y1) < 0.5


def strand(x, bow):
    """A line down the paper, and how it goes, as a polyline."""
    at = tuple((float(x + bow * np.sin(np.pi * s)), float(20 + 60 * s)) for s in np.linspace(0, 1, 12))
    picture = np.full((100, 160, 3), 255, np.uint8)
    cv2.polylines(picture, [np.rint(at).astype(np.int32)], False, (10, 10, 10), 2)
    return picture, at


@pytest.mark.parametrize("bow", [18, -25])
def test_strokes_are_met_all_along_to_half_a_pixel(model, bow):
    (key0, stroke0), (key1, stroke1) = strand(60, 0), strand(75, bow)
    state = model.prepare(key0, key1, hints=Hints(strokes=((stroke0, stroke1),))).state[0]
    at, goal = (np.array(along(stroke, 8)) for stroke in (stroke0, stroke1))
    motion = state.plan.found.motion0[state.one.labels[tuple(np.rint(at).astype(int)[:, ::-1].T)]]
    there = state.plan.found.motions.at(motion, at, 1.0)
    assert np.hypot(*(there - goal).T).max() < 0.5


def two(x, y):
    picture = np.full((80, 140, 3), 255, np.uint8)
    for place in (x, y):
        cv2.rectangle(picture, (place, 30), (place + 14, 50), (40, 90, 200), -1)
    return picture


def test_matches_can_be_forced_and_forbidden(model):
    key0, key1 = two(20, 60), two(40, 80)

    def partner(hints=None):
        found = model.explain(model.prepare(key0, key1, hints=hints))
        j = found.partners01[found.labels0[40, 62]]
        return None if j < 0 else bool(j == found.labels1[40, 82])

    assert partner(Hints(regions=(((62, 40), (82, 40)),))) is True
    assert partner(Hints(regions=(((62, 40), (42, 40)),))) is False
    assert partner(Hints(apart=(((62, 40), (82, 40)), ((62, 40), (42, 40))))) is None
    assert partner(Hints(disappears=((62, 40),))) is None
    assert partner(Hints(appears=((82, 40),))) is not True
    both = (((62, 40), (82, 40)),)
    with pytest.raises(InputError, match="that they are not"):
        partner(Hints(regions=both, apart=both))
    with pytest.raises(InputError, match="that it disappears"):
        partner(Hints(regions=both, disappears=((62, 40),)))
    with pytest.raises(InputError, match="that it appears"):
        partner(Hints(regions=both, appears=((82, 40),)))


def panels(dx, *dots):
    """Four painted panels, and in them dots that are all alike."""
    picture = np.full((100, 200, 3), 255, np.uint8)
    for n, paint in enumerate(((200, 80, 60), (60, 180, 90), (70, 90, 200), (210, 200, 80))):
        x = 10 + 45 * n + dx
        picture[20:80, x : x + 40] = 0
        picture[22:78, x + 2 : x + 38] = paint
    for x, y in dots:
        picture[y : y + 6, x + dx : x + dx + 7] = (20, 160, 160)
    return picture


def test_a_dot_does_not_go_elsewhere_than_all_around_it(model):
    key0, key1 = panels(0, (39, 48)), panels(3, (60, 42), (60, 54))
    found = model.explain(model.prepare(key0, key1))
    assert found.partners01[found.labels0[51, 42]] == -1
    assert found.partners01[found.labels0[30, 30]] == found.labels1[30, 33]
    told = model.explain(model.prepare(key0, key1, hints=Hints(regions=(((42, 51), (66, 45)),))))
    assert told.partners01[told.labels0[51, 42]] == told.labels1[45, 66]


def test_paths_bend_along_arcs(model):
    key0, key1 = disc(40), disc(70)
    straight = model.at(model.prepare(key0, key1), 0.5)
    pair = model.prepare(key0, key1)
    turn = torch.full((1, 1, 80, 140), 0.8)
    model.bend(pair, turn, turn)
    made = model.at(pair, 0.5)
    y, x = np.argwhere((made == (220, 60, 40)).all(2)).mean(0)
    level = np.argwhere((straight == (220, 60, 40)).all(2)).mean(0)
    assert abs(x - 55) < 0.7
    assert abs(y - level[0] + 15 * np.tan(0.2)) < 0.7


def test_the_same_input_gives_the_same_bytes(model, pair):
    first = model(pair.key0, pair.key1, 0.3)
    assert (first == load("cel", device="cpu")(pair.key0, pair.key1, 0.3)).all()


def test_an_unknown_palette_is_refused():
    with pytest.raises(InputError, match="lock, keep"):
        load("cel", palette="snap")


def framed(x):
    """A figure before a still, banded background, in a still white frame."""
    y = np.arange(80)[:, None] + 0.35 * np.arange(140)
    picture = np.stack([60 + y // 4, 50 + y // 5, 90 + y // 6], 2).astype(np.uint8)
    picture[[20, 50], :] = (0, 30, 0)
    body = disc(x)
    figure = (body != 255).any(2)
    picture[figure] = body[figure]
    rim = np.ones((80, 140), bool)
    rim[6:-6, 6:-6] = False
    picture[rim] = 255
    return picture


def sheared(one, *rest):
    """As on hard pairs: a motion is found for what stays, too."""
    found = register(one, *rest)
    ground = [found.motion0[one.labels[y, 130]] for y in (3, 15, 35, 70)]
    found.motions.shift[ground] = (7, 2)
    return found


@pytest.mark.parametrize("palette", ["lock", "keep"])
@pytest.mark.parametrize("step", [8, 50])
def test_what_does_not_move_does_not_change_but_is_passed_over(palette, step, monkeypatch):
    monkeypatch.setattr(plan, "register", sheared)
    key0, key1 = framed(40), framed(40 + step)
    made = load("cel", device="cpu", palette=palette)(key0, key1, 0.4)
    truth = framed(40 + round(0.4 * step))
    middle = np.array([40, 40 + 0.4 * step])[:, None, None]
    away = np.hypot(*(np.indices((80, 140)) - middle))
    near_a_change = cv2.dilate((key0 != key1).any(2).astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    beyond = ~near_a_change & (away > 23)
    # a line that is cut by the disc may slide along itself; smoothed, its end is a little wider
    most = 0 if palette == "lock" else 0.002
    assert (made != key0).any(2)[beyond].mean() <= most
    assert (np.abs(made.astype(int) - truth).max(2) > 40)[away < 16].mean() < 0.03


def test_noise_lets_nothing_in_that_does_not_surely_pass(monkeypatch):
    monkeypatch.setattr(plan, "register", sheared)
    noise = np.random.default_rng(3).integers(-2, 3, (2, 80, 140, 1))
    clean = framed(40).astype(int), framed(48).astype(int)
    keys = [(clean[i] + noise[i]).clip(0, 255).astype(np.uint8) for i in (0, 1)]
    made = load("cel", device="cpu", palette="keep")(*keys, 0.4)
    still = cv2.dilate((clean[0] != clean[1]).any(2).astype(np.uint8), np.ones((9, 9), np.uint8)) == 0
    away = np.hypot(*(np.indices((80, 140)) - np.array([40, 43.2])[:, None, None])) > 23
    # a smoothed end of a line that is cut by the disc is a little wider
    assert (np.abs(made.astype(int) - keys[0]).max(2)[still & away] > 24).mean() <= 0.002
