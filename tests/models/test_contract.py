"""What every model promises, asked of every CATALOG row.

Rows whose weights users have are asked at toy width and with random parameters: all of them draw, each
network that differs from the others keeps every promise, and where things move to is asked only of rows that
can know.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
import torch

from nakawari.errors import InputError, ShapeError
from nakawari.models import CATALOG, load
from tests.models.toys import TOYS, network, toy_file

ROWS = [row.name for row in CATALOG]
KNOWING = [row.name for row in CATALOG if row.weights != "file"]
NETWORKS = [
    *KNOWING,
    *{network(row): row.name for row in reversed(CATALOG) if row.weights == "file"}.values(),
]
SIZES = [(1, 1), (1, 9), (9, 1), (2, 3), (17, 31), (50, 67)]


def opened(name, folder):
    weights = None if name in KNOWING else toy_file(name, folder)
    return load(name, weights, device="cpu", precision="fp32")


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Toys are too small to share out."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.parametrize("name", ROWS)
def test_every_row_opens_and_draws(name, tmp_path):
    frame0, frame1 = square(20), square(26)
    made = opened(name, tmp_path)(frame0, frame1)
    assert made.shape == frame0.shape
    assert made.dtype == np.uint8


@pytest.fixture(scope="module", params=NETWORKS)
def model(request, tmp_path_factory):
    return opened(request.param, tmp_path_factory.mktemp("toys"))


@pytest.fixture(scope="module", params=KNOWING)
def knowing(request, tmp_path_factory):
    return opened(request.param, tmp_path_factory.mktemp("toys"))


def test_every_family_has_a_toy():
    assert {row.family for row in CATALOG if row.weights == "file"} <= set(TOYS)


def square(x, size=(64, 96), side=18, kind=np.uint8):
    """A dark outlined square on light paper, its left edge at `x`."""
    picture = np.full((*size, 3), 230, np.uint8)
    picture[20 : 20 + side, x : x + side] = (40, 40, 60)
    picture[22 : 18 + side, x + 2 : x + side - 2] = (200, 60, 60)
    return as_kind(picture, kind)


def as_kind(picture, kind):
    if kind is torch.Tensor:
        return torch.from_numpy(picture.transpose(2, 0, 1).copy())[None].float() / 255
    if kind == np.uint16:
        return picture.astype(np.uint16) * 257
    return picture if kind == np.uint8 else (picture / 255).astype(kind)


def same(one, other):
    return bool((one == other).all())


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_any_size_comes_back_as_it_went_in(model, size):
    random = np.random.default_rng(0)
    frame0, frame1 = (random.integers(0, 256, (*size, 3), np.uint8) for _ in range(2))
    made = model(frame0, frame1)
    assert made.shape == frame0.shape
    assert made.dtype == np.uint8


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32, np.float64, torch.Tensor], ids=str)
def test_kinds_come_back_and_show_the_same(model, kind):
    frame0, frame1 = square(20, kind=kind), as_kind(255 - square(26), kind)  # no pixel stays
    made = model(frame0, frame1)
    assert type(made) is type(frame0)
    assert made.dtype == frame0.dtype
    assert tuple(made.shape) == tuple(frame0.shape)
    wanted = as_kind(model(square(20), 255 - square(26)), np.float64)
    shown = made[0].permute(1, 2, 0).numpy() if kind is torch.Tensor else made
    scale = 65535 if kind == np.uint16 else 255 if kind == np.uint8 else 1
    assert np.abs(shown.astype(np.float64) / scale - wanted).max() < 2 / 255


def test_alpha_moves_with_its_colour(knowing):
    frames = []
    for x in (20, 26):
        picture = np.zeros((64, 96, 4), np.uint8)
        picture[20:38, x : x + 18] = (200, 60, 60, 255)
        frames.append(picture)
    made = knowing(*frames)
    assert made.shape == (64, 96, 4)
    assert not made[:15].any()
    inside = made[24:34, 28:36]
    assert (inside[..., 3] > 250).all()
    assert np.abs(inside[..., :3].astype(int) - (200, 60, 60)).max() <= 2


def test_a_batch_is_its_pictures_one_by_one(model):
    frames = [square(20, kind=torch.Tensor), 0.9 - 0.8 * square(26, kind=torch.Tensor)]  # no pixel stays
    frame0, frame1 = (torch.cat([frame, 1 - frame]) for frame in frames)  # both change in the same box
    made = model(frame0, frame1)
    for i in range(2):
        assert (made[i : i + 1] - model(frame0[i : i + 1], frame1[i : i + 1])).abs().max() < 1e-4


def test_identical_frames_stay(model):
    frame = square(20)
    assert same(model(frame, frame.copy(), t=0.3), frame)


@pytest.mark.parametrize("t", [0, 1, 0.0, 1.0, Fraction(1)])
def test_the_ends_are_the_keys(model, t):
    frame0, frame1 = square(20), square(26)
    assert same(model(frame0, frame1, t=t), frame1 if t else frame0)


def test_a_list_of_times_is_each_of_them(model):
    frame0, frame1 = square(20), square(26)
    times = [0, 0.25, Fraction(1, 2), 0.75, 1]
    several = model(frame0, frame1, t=times)
    assert isinstance(several, list)
    assert all(same(made, model(frame0, frame1, t=t)) for made, t in zip(several, times, strict=True))


def test_encode_prepare_at_is_the_call(model):
    frame0, frame1 = square(20), square(26)
    pair = model.prepare(model.encode(frame0), model.encode(frame1))
    assert same(model.at(pair, 0.5), model(frame0, frame1, t=0.5))
    assert same(model.at(pair, 0.25), model(frame0, frame1, t=0.25))
    assert same(model.at(pair, 0.5), model(frame0, frame1, t=0.5))


def test_an_encoded_frame_serves_the_next_pair(model):
    frames = [square(20), square(26), square(32)]
    middle = model.encode(frames[1])
    model.prepare(frames[0], middle)
    assert same(model.at(model.prepare(middle, frames[2]), 0.5), model(frames[1], frames[2], t=0.5))


def test_a_square_moves_steadily(knowing):
    def centre(picture):
        dark = 230.0 - picture[..., 1]
        return float((dark * np.arange(dark.shape[1])).sum() / dark.sum())

    places = [centre(made) for made in knowing(square(20), square(30), t=[0, 0.2, 0.4, 0.6, 0.8, 1])]
    assert all(later > earlier for earlier, later in pairwise(places))


def test_a_still_caption_stays_bit_equal(knowing):
    random = np.random.default_rng(1)
    frame0, frame1 = square(20), square(34)
    caption = random.integers(0, 2, (8, 60, 3), np.uint8) * 255
    for frame in (frame0, frame1):
        frame[50:58, 10:70] = caption
    for made in knowing(frame0, frame1, t=[0.25, 0.5, 0.75]):
        assert same(made[50:58, 10:70], caption)


def test_it_is_deterministic(model):
    assert same(model(square(20), square(31), t=0.4), model(square(20), square(31), t=0.4))


def test_the_keys_are_not_written_to(model):
    frame0, frame1 = square(20), square(26)
    model(frame0, frame1)
    assert same(frame0, square(20))
    assert same(frame1, square(26))


def test_wrong_pairs_and_times_are_refused(model):
    with pytest.raises(ShapeError, match="wanted one size and type"):
        model(square(20), square(20)[:-1])
    with pytest.raises(ShapeError, match="two kinds"):
        model(square(20), square(20, kind=torch.Tensor))
    with pytest.raises(InputError, match=r"t is 1\.5"):
        model(square(20), square(26), t=1.5)
    with pytest.raises(InputError, match=r"t is \[0\.5\]; wanted one number"):
        model.at(model.prepare(square(20), square(26)), [0.5])


def test_a_time_may_be_any_real_number(model):
    frame0, frame1 = square(20), square(26)
    for t in (np.float32(0.5), np.float64(0.5), Fraction(1, 2)):
        assert same(model(frame0, frame1, t=t), model(frame0, frame1, t=0.5))
    assert same(model(frame0, frame1, t=np.int64(1)), frame1)


@pytest.mark.parametrize("kind", [np.float32, torch.Tensor], ids=str)
@pytest.mark.parametrize(
    "wrong", [lambda x: x * 255, lambda x: x * 2 - 1, lambda x: x / 0], ids=["0..255", "-1..1", "inf"]
)
def test_floats_that_are_no_colours_are_refused(wrong, kind):
    model = load("blend")
    with np.errstate(divide="ignore", invalid="ignore"):
        broken = wrong(square(20, kind=kind))
    with pytest.raises(InputError, match=r"frame holds values from .* wanted floats in \[0, 1\]"):
        model(broken, broken)
    overshot = square(20, kind=kind) * 1.1  # resampling does that
    assert same(model(overshot, overshot), overshot)


@pytest.mark.parametrize("kind", [np.float32, torch.Tensor], ids=str)
def test_a_pixel_that_is_no_number_is_refused(kind):
    broken = square(20, kind=kind)
    broken[0, 0, 0] = float("nan")
    with pytest.raises(InputError, match="nan"):
        load("blend")(broken, square(26, kind=kind))
