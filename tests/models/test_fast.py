"""`fast` and `best`: a matcher leads; where it knows nothing better, search stays."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from nakawari import checkpoints
from nakawari.data.cartoon import draw
from nakawari.data.heldout import HELD_OUT_SEED
from nakawari.errors import ModelError
from nakawari.models import load
from nakawari.models.classic.candidates import trusted
from nakawari.models.classic.motion import AROUND, Look
from nakawari.models.fast import Fast
from nakawari.models.fast.leading import EFFORTS, IN_FRONT, in_front, lead, match
from nakawari.models.fast.matching import Matcher, MatcherConfig
from nakawari.ops.landing import land
from nakawari.ops.search import search_both


def over_a_painting(x):
    """A figure with its centre at x, before scenery that stays."""
    random = np.random.default_rng(2)
    coarse = random.integers(60, 200, (16, 30, 3), np.uint8)
    picture = cv2.resize(coarse, (480, 256), interpolation=cv2.INTER_CUBIC)
    for y, size, colour in ((150, (45, 70), (90, 60, 160)), (90, (40, 40), (240, 200, 180))):
        cv2.ellipse(picture, (x, y), size, 0, 0, 360, colour, -1, cv2.LINE_AA)
        cv2.ellipse(picture, (x, y), size, 0, 0, 360, (20, 20, 30), 2, cv2.LINE_AA)
    for dx in (-14, 14):
        cv2.circle(picture, (x + dx, 85), 6, (20, 20, 30), -1, cv2.LINE_AA)
    return picture


@pytest.mark.parametrize("t", [0.3, 0.5])
def test_ground_that_is_uncovered_is_as_the_key_shows_it_that_sees_it(shipped, t):
    made = shipped(over_a_painting(170), over_a_painting(230), t=t).astype(int)
    x = 170 + round(60 * t)
    off = np.abs(made - over_a_painting(x)).max(2)
    for side in (np.s_[:, 120 : x - 47], np.s_[:, x + 47 : 280]):
        assert off[side].mean() < 7  # 19 with both keys mixed


TINY = MatcherConfig((8, 8, 8), hidden=8, detail=8, corrections=2, finer=1)


@pytest.fixture(scope="module")
def shipped() -> Fast:
    made = load("fast", device="cpu")
    assert isinstance(made, Fast)
    return made


def scene(at: tuple[int, int], size: tuple[int, int] = (180, 240)) -> np.ndarray:
    """A drawn head, outlined, on a painted ground."""
    coarse = np.random.default_rng(3).integers(90, 190, (9, 12, 3)).astype(np.uint8)
    ground = cv2.resize(coarse, size[::-1], interpolation=cv2.INTER_CUBIC)
    x, y = at
    for radius, colour in ((18, (20, 20, 30)), (16, (240, 210, 190))):
        cv2.circle(ground, (x, y), radius, colour, -1, cv2.LINE_AA)
    for side in (-1, 1):
        cv2.circle(ground, (x + 6 * side, y - 3), 3, (30, 30, 120), -1, cv2.LINE_AA)
    cv2.line(ground, (x - 5, y + 8), (x + 5, y + 8), (90, 20, 20), 2, cv2.LINE_AA)
    return ground


def at_figure(flow: np.ndarray, at: tuple[int, int]) -> np.ndarray:
    x, y = at
    return np.median(flow[y - 10 : y + 11, x - 10 : x + 11].reshape(-1, 2), 0)


def test_the_matcher_treats_both_directions_alike() -> None:
    torch.manual_seed(1)
    net = Matcher(TINY).eval()
    one, other = torch.rand(2, 1, 3, 64, 72)
    with torch.no_grad():
        forth, back = net(one, other)
        turned = net(other, one)
    assert forth.shape == back.shape == (1, 2, 64, 72)
    assert torch.allclose(forth, turned[1], atol=1e-5)
    assert torch.allclose(back, turned[0], atol=1e-5)


def test_it_finds_what_moves_by_more_than_its_size(shipped: Fast) -> None:
    start, end = (60, 90), (110, 76)
    forth, back = match(shipped.matcher, scene(start), scene(end))
    assert np.abs(at_figure(forth, start) - (50, -14)).max() < 3
    assert np.abs(at_figure(back, end) - (-50, 14)).max() < 3
    assert np.abs(forth[:30]).max() < 2  # the ground stays


@pytest.mark.parametrize("size", [(180, 240), (181, 243), (900, 1200)])
def test_flow_is_in_pixels_of_the_picture(shipped: Fast, size: tuple[int, int]) -> None:
    by = size[0] / 180
    small = [scene((60, 90)), scene((80, 90))]
    pair = [cv2.resize(one, size[::-1], interpolation=cv2.INTER_CUBIC) for one in small]
    forth, _ = match(shipped.matcher, *pair)
    assert forth.shape == (*size, 2)
    found = at_figure(forth, (round(60 * by), round(90 * by)))
    assert np.abs(found - (20 * by, 0)).max() < 1.0 * by


def test_a_global_shift_is_undone_and_added(shipped: Fast) -> None:
    wide = cv2.resize(
        np.random.default_rng(8).integers(0, 255, (20, 60, 3)).astype(np.uint8),
        (480, 160),
        interpolation=cv2.INTER_CUBIC,
    )
    pair = wide[:, 100:340], wide[:, :240]
    forth, back = match(shipped.matcher, *(np.ascontiguousarray(one) for one in pair), (100, 0))
    assert np.abs(np.median(forth[:, :130], (0, 1)) - (100, 0)).max() < 0.5
    assert np.abs(np.median(back[:, 110:], (0, 1)) - (-100, 0)).max() < 0.5


@pytest.mark.parametrize("size", [(20, 30), (1, 1), (64, 5)])
def test_pictures_may_be_tiny(shipped: Fast, size: tuple[int, int]) -> None:
    picture = np.full((*size, 3), 90, np.uint8)
    assert shipped(picture, picture).shape == picture.shape
    forth, back = match(shipped.matcher, picture, picture)
    assert forth.shape == back.shape == (*size, 2)


def look(picture: np.ndarray) -> Look:
    return Look(picture, picture[..., 0], picture[..., 0])


def test_search_is_believed_where_it_explains_the_keys() -> None:
    random = np.random.default_rng(2)
    key0 = random.integers(0, 256, (80, 120, 3)).astype(np.uint8)
    key1 = np.roll(key0, 5, 1)
    right = np.zeros((80, 120, 2), np.float32)
    right[..., 0] = 5
    wrong = np.zeros_like(right)
    looks = look(key0), look(key1)
    inner = slice(AROUND, -AROUND)
    found = lead(*looks, (right, -right), (wrong, wrong))
    assert (found[0][inner, inner] == (5, 0)).all()
    assert (found[1][inner, inner] == (-5, 0)).all()
    found = lead(*looks, (wrong, wrong), (right, -right))
    assert (found[0][inner, inner] == (5, 0)).all()


def test_search_that_leads_astray_is_not_believed() -> None:
    """On plain colour everything explains everything; what counts then is the way back."""
    plain = look(np.full((80, 120, 3), 200, np.uint8))
    matched = np.zeros((80, 120, 2), np.float32)
    astray = matched + np.float32(3)
    found = lead(plain, plain, (astray, astray), (matched, matched))
    assert (found[0] == 0).all()
    assert (found[1] == 0).all()


def test_what_is_seen_where_two_come_together_is_in_front() -> None:
    """A red box goes to the right over still blue; where it will be, blue is covered."""
    keys = [np.full((60, 90, 3), (20, 40, 200), np.uint8) for _ in range(2)]
    for key, left in zip(keys, (20, 50), strict=True):
        key[20:40, left : left + 20] = (220, 30, 30)
    flows = np.zeros((2, 60, 90, 2), np.float32)
    flows[0, 20:40, 20:40, 0], flows[1, 20:40, 50:70, 0] = 30, -30
    field = in_front(trusted((flows[0], flows[1]), *(look(key) for key in keys)))
    for side, left in zip(field, (20, 50), strict=True):
        box = side.trust[21:39, left + 1 : left + 19]
        assert box.min() > 1 + IN_FRONT / 2
        assert side.trust[:18].max() == 1
    landed = land(*field, 0.5, 1e-3)
    red = landed.colours[0, 22:38, 37:53]
    assert red.min() > 160
    plain = land(*trusted((flows[0], flows[1]), *(look(key) for key in keys)), 0.5, 1e-3)
    assert plain.colours[0, 22:38, 41:49].max() < 130  # as much blue as red


@pytest.mark.parametrize("name", ["fast", "best"])
def test_weights_that_somebody_trained_are_drawn_with(tmp_path: Path, name: str) -> None:
    torch.manual_seed(4)
    net = Matcher(TINY)
    file = tmp_path / "mine.safetensors"
    checkpoints.save(file, net.state_dict(), checkpoints.Header("fast", asdict(TINY)), torch.float32)
    pair = scene((60, 90)), scene((70, 90))
    assert (load(name, file, device="cpu")(*pair) == Fast(name, net)(*pair)).all()


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_fewer_digits_are_heard_and_hardly_change_the_flow(shipped: Fast, precision: str) -> None:
    kind = {"bf16": torch.bfloat16, "fp16": torch.float16}[precision]
    pair = scene((60, 90)), scene((110, 76))
    coarser = Fast("fast", deepcopy(shipped.matcher), precision=kind)
    assert next(coarser.matcher.parameters()).dtype == kind
    wanted, found = (match(model.matcher, *pair) for model in (shipped, coarser))
    apart = [np.linalg.norm(one - other, axis=2).mean() for one, other in zip(wanted, found, strict=True)]
    assert 0 < max(apart) < 0.1


def test_more_effort_is_nearer_to_the_true_flow(shipped: Fast) -> None:
    off = dict.fromkeys(EFFORTS, 0.0)
    for index in range(2, 6):
        sample = draw(HELD_OUT_SEED, index, (384, 512), t=0.5)
        frames = [x.permute(1, 2, 0).contiguous().numpy() for x in (sample.frame0, sample.frame1)]
        seen, truth = sample.visible01.numpy(), sample.flow01.permute(1, 2, 0).numpy()
        for name, effort in EFFORTS.items():
            found = match(shipped.matcher, *frames, effort=effort)[0]
            off[name] += float(np.linalg.norm(found - truth, axis=2)[seen].mean())
    assert off["best"] < off["fast"]


@pytest.mark.parametrize(
    "config",
    [{"matcher": {"depth": 3}}, {"other": {}}, {"weighing": {"width": 1}}, {"look": 6}, {"width2": 16}],
)
def test_weights_of_earlier_networks_are_refused(tmp_path: Path, config: dict[str, object]) -> None:
    file = tmp_path / "old.safetensors"
    checkpoints.save(file, {"a": torch.ones(1)}, checkpoints.Header("fast", config))
    with pytest.raises(ModelError, match="an earlier `fast`"):
        load("fast", file, device="cpu")


def test_it_follows_what_search_loses(shipped: Fast) -> None:
    """Scenes of a seed that nothing was trained on, where their exact flow is to be seen."""
    off = []
    for index in range(2, 6):
        sample = draw(HELD_OUT_SEED, index, (192, 256), t=0.5)
        frames = [x.permute(1, 2, 0).contiguous().numpy() for x in (sample.frame0, sample.frame1)]
        seen, truth = sample.visible01.numpy(), sample.flow01.permute(1, 2, 0).numpy()
        flows = match(shipped.matcher, *frames)[0], search_both(*frames)[0].permute(1, 2, 0).numpy()
        off.append([np.linalg.norm(flow - truth, axis=2)[seen].mean() for flow in flows])
    ours, searched = np.mean(off, 0)
    assert ours < 2.5
    assert ours < 0.4 * searched
