"""Light that changes: found, taken out while motion is judged, and put back."""

import cv2
import numpy as np
import pytest
import torch

from nakawari.models import load
from nakawari.models.light import Light, change_of_light
from nakawari.tensors import to_tensor

GAIN, OFFSET = np.array([0.6, 0.8, 1.1]), np.array([30.0, 6.0, -4.0])


def scenery(seed=0):
    random = np.random.default_rng(seed)
    coarse = random.integers(40, 200, (30, 60, 3), np.uint8)
    return cv2.resize(coarse, (480, 240), interpolation=cv2.INTER_CUBIC)


def lit(picture, share):
    changed = picture * (1 + share * (GAIN - 1)) + share * OFFSET
    return changed.round().clip(0, 255).astype(np.uint8)


def figure(x, share):
    """A disc with a face before scenery that stays, in changing light."""
    picture = scenery()
    cv2.circle(picture, (x, 120), 40, (240, 200, 180), -1, cv2.LINE_AA)
    for dx in (-14, 14):
        cv2.circle(picture, (x + dx, 110), 6, (20, 20, 30), -1, cv2.LINE_AA)
    cv2.circle(picture, (x, 120), 40, (20, 20, 30), 2, cv2.LINE_AA)
    return lit(picture, share)


def on_paper(x, colour):
    picture = np.full((240, 480, 3), colour, np.uint8)
    cv2.circle(picture, (x, 120), 60, (240, 200, 180), -1, cv2.LINE_AA)
    cv2.circle(picture, (x, 120), 60, (20, 20, 30), 2, cv2.LINE_AA)
    return picture


def test_the_change_is_found_while_things_move():
    gain, offset = change_of_light(figure(150, 0), figure(190, 1))
    assert np.abs(np.array(gain) - GAIN).max() < 0.03
    assert np.abs(np.array(offset) - OFFSET).max() < 4


def test_the_change_is_found_while_the_picture_pans():
    wide = cv2.resize(scenery(), (960, 240))
    gain, offset = change_of_light(wide[:, 100:500], lit(wide[:, 160:560], 1))
    assert np.abs(np.array(gain) - GAIN).max() < 0.03
    assert np.abs(np.array(offset) - OFFSET).max() < 4


@pytest.mark.parametrize(
    "keys",
    [
        (figure(150, 0), figure(190, 0)),  # only motion
        (scenery(), scenery(seed=1)),  # another picture
        (scenery(), np.full_like(scenery(), 90)),
        (np.zeros_like(scenery()), np.full_like(scenery(), 255)),
        (scenery(), lit(lit(scenery(), 1), 0) // 8),  # hardly anything is seen any more
        (figure(400, 0), np.where(np.arange(480)[:, None] < 340, figure(430, 1), figure(430, 0))),
        (on_paper(150, (250, 240, 230)), on_paper(170, (220, 240, 250))),
    ],
    ids=["motion", "cut", "plain", "black to white", "dark", "lamp", "paper"],
)
def test_where_there_is_none_none_is_found(keys):
    assert change_of_light(*keys) is None


@pytest.mark.parametrize("back", [False, True], ids=["weaker", "stronger"])
@pytest.mark.parametrize("name", ["classic", "fast"])
def test_what_moves_while_light_changes_is_whole(name, back, monkeypatch):
    shares = (1, 0.75, 0) if back else (0, 0.25, 1)
    keys_and_truth = [figure(x, share) for x, share in zip((150, 155, 170), shares, strict=True)]
    model = load(name, device="cpu")

    def error():
        made = model(keys_and_truth[0], keys_and_truth[2], t=0.25).astype(int)
        return np.abs(made - keys_and_truth[1])[70:170, 100:260].mean()

    evened = error()
    monkeypatch.setattr(type(model), "evens_light", False)
    assert evened < 4
    assert error() > 2 * evened


def test_each_pair_of_a_batch_has_its_own_light():
    firsts = torch.cat([to_tensor(figure(150, 0)), to_tensor(figure(150, 0)), to_tensor(figure(150, 1))])
    seconds = torch.cat([to_tensor(figure(190, 1)), to_tensor(figure(190, 0)), to_tensor(figure(190, 0))])
    light = Light.of(firsts, seconds)
    even0, even1 = light.evened(firsts, seconds)
    assert torch.equal(even0[:2], firsts[:2])
    assert torch.equal(even1[1:], seconds[1:])
    for t, even, shown in ((0.0, even0, firsts), (1.0, even1, seconds)):
        assert (light.relit(even, t) - shown).abs().max() < 1e-5
    model = load("classic", device="cpu")
    together = model(firsts, seconds)
    alone = [model(one[None], other[None]) for one, other in zip(firsts, seconds, strict=True)]
    assert torch.equal(together, torch.cat(alone))


def test_a_pair_whose_light_stays_is_as_if_it_were_alone():
    bright = [to_tensor(figure(x, 0)) * 1.2 for x in (150, 190)]
    other = [to_tensor(figure(x, share)) for x, share in ((150, 0), (190, 1))]
    model = load("classic", device="cpu")
    together = model(*(torch.cat([one, two]) for one, two in zip(bright, other, strict=True)))
    assert together[0].max() > 1
    assert torch.equal(together[:1], model(*bright))


def test_pictures_with_alpha_keep_their_light():
    alpha = np.full((240, 480, 1), 255, np.uint8)
    keys = [np.concatenate([figure(*of), alpha], 2) for of in ((150, 0), (190, 1))]
    pair = load("classic", device="cpu").prepare(*keys)
    assert pair.light is None
