"""Augmented samples are as true as the drawn ones: flows still lead to the same pixels."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from nakawari.data import augment as augmentation
from nakawari.data.augment import Recipe, augment
from nakawari.data.cartoon import draw
from nakawari.data.sample import FRAMES
from nakawari.errors import InputError


@pytest.fixture(scope="module")
def sample():
    return draw(8, 21, (64, 64))


def misses(sample, name):
    """Share of visible pixels whose label differs from that at the end of their flow."""
    source, target = name
    flow = getattr(sample, f"flow{name}")
    height, width = flow.shape[-2:]
    x = (torch.arange(width) + flow[0]).round().long()
    y = (torch.arange(height)[:, None] + flow[1]).round().long()
    seen = getattr(sample, f"visible{name}")
    there = getattr(sample, f"labels{target}")[y[seen], x[seen]]
    return (there != getattr(sample, f"labels{source}")[seen]).float().mean()


CHANGES = {
    "crop": lambda s: augmentation.crop(s, 9, 13, (40, 32)),
    "mirror": lambda s: augmentation.flip(s, 0),
    "turn over": lambda s: augmentation.flip(s, 1),
    "transpose": augmentation.transpose,
    "reverse": augmentation.reverse,
}


@pytest.mark.parametrize("change", CHANGES)
def test_flows_lead_to_the_same_part(sample, change):
    changed = CHANGES[change](sample)
    for name in ("01", "10", "0t", "1t", "t0", "t1"):
        assert misses(changed, name) == 0, name


@pytest.mark.parametrize("change", ["mirror", "turn over", "transpose", "reverse"])
def test_twice_is_as_before(sample, change):
    again = CHANGES[change](CHANGES[change](sample))
    for name, tensor in sample.tensors().items():
        assert torch.allclose(getattr(again, name).float(), tensor.float()), name


def test_reversal_swaps_ends_and_t(sample):
    turned = augmentation.reverse(sample)
    assert torch.equal(turned.frame0, sample.frame1)
    assert torch.equal(turned.flow0t, sample.flow1t)
    assert float(turned.t) == pytest.approx(1 - float(sample.t))


def test_originals_are_left_alone(sample):
    before = sample.flow01.clone(), sample.frame0.clone()
    augment(
        sample, Recipe(crop=(32, 32), flip=1.0, turn=1.0, reverse=1.0, channels=1.0), np.random.default_rng(0)
    )
    assert torch.equal(sample.flow01, before[0])
    assert torch.equal(sample.frame0, before[1])


def test_colours_change_alike_and_alpha_does_not():
    layers = draw(8, 22, (48, 48), alpha=True)
    changed = augmentation.jitter_colour(layers, 0.8, 0.1, 0.5, 1.3)
    for name in FRAMES:
        assert torch.equal(getattr(changed, name)[3], getattr(layers, name)[3])
    permuted = augmentation.permute_channels(layers, (2, 0, 1))
    assert torch.equal(permuted.frame1[0], layers.frame1[2])
    assert torch.equal(permuted.frame1[3], layers.frame1[3])


def test_nothing_to_do_changes_nothing(sample):
    recipe = Recipe(None, flip=0, turn=0, reverse=0, channels=0, colour=0)
    same = augment(sample, recipe, np.random.default_rng(1))
    for name, tensor in sample.tensors().items():
        assert torch.equal(getattr(same, name), tensor), name


def test_a_crop_has_its_size_and_must_fit(sample):
    made = augment(sample, Recipe(crop=(24, 24)), np.random.default_rng(2))
    assert made.frame0.shape == (3, 24, 24)
    assert made.flow01.shape == (2, 24, 24)
    with pytest.raises(InputError, match="is not inside"):
        augment(sample, Recipe(crop=(65, 24)), np.random.default_rng(2))
    with pytest.raises(InputError, match="wants a square"):
        augment(sample, Recipe(crop=(24, 32), turn=1.0), np.random.default_rng(2))


@pytest.mark.parametrize(("tall", "wide"), [(2.0, 2.0), (1.5, 1.0), (0.75, 1.25)])
def test_enlarged_flow_leads_to_the_same_part(sample, tall, wide):
    made = augmentation.enlarge(sample, tall, wide)
    assert made.frame0.shape == (3, round(64 * tall), round(64 * wide))
    assert made.frame0.dtype == torch.uint8
    assert torch.equal(made.t, sample.t)
    for name in ("01", "10", "t0"):
        assert misses(made, name) < 0.06, name  # along edges, where flow is mixed
    ratio = [float(made.flow01[axis].abs().mean() / sample.flow01[axis].abs().mean()) for axis in (0, 1)]
    assert ratio == pytest.approx([wide, tall], rel=0.02)


def test_a_pixel_mixed_of_unknown_ones_is_not_known(sample):
    known = torch.ones(64, 64, dtype=torch.bool)
    known[:, 32:] = False
    sample = augmentation.Sample(**{**sample.tensors(), "valid01": known})
    made = augmentation.enlarge(sample, 2.0, 2.0)
    assert bool(made.valid01[:, :63].all())
    assert not bool(made.valid01[:, 63:].any())


def test_a_scaled_sample_always_holds_its_crop(sample):
    recipe = Recipe(scale=(-3.0, 0.5), stretch=0.2, crop=(60, 62), moving=0, turn=0)
    sizes = [augment(sample, recipe, np.random.default_rng(i)).frame0.shape for i in range(8)]
    assert set(sizes) == {(3, 60, 62)}


def test_a_free_turn_is_a_turn_of_all_frames(sample):
    bare = sample.only()
    quarter = augmentation.rotate(bare, 90.0)
    for name in FRAMES:
        away = getattr(quarter, name).int() - getattr(bare, name).rot90(1, (-2, -1)).int()
        assert int(away.abs().max()) <= 1, name
    tilted = augmentation.rotate(bare, 45.0)
    assert not bool(tilted.frame0[:, :4, :4].any())  # black comes in at a corner
    with pytest.raises(InputError, match="flow01 are not turned freely"):
        augmentation.rotate(sample, 10.0)


def test_half_of_the_samples_are_turned(sample):
    bare = sample.only()
    recipe = Recipe(rotate=45.0, flip=0, turn=0, reverse=0, channels=0, colour=0)
    made = [augment(bare, recipe, np.random.default_rng(i)) for i in range(40)]
    assert 10 < sum(not torch.equal(each.frame0, bare.frame0) for each in made) < 30


def test_turning_over_has_a_chance_of_its_own(sample):
    recipe = Recipe(flip=1.0, over=0.0, turn=0, reverse=0, channels=0, colour=0)
    made = augment(sample, recipe, np.random.default_rng(0))
    assert torch.equal(made.frame0, sample.frame0.flip(-1))
    both = augment(
        sample, Recipe(flip=1.0, turn=0, reverse=0, channels=0, colour=0), np.random.default_rng(0)
    )
    assert torch.equal(both.frame0, sample.frame0.flip((-1, -2)))


def test_erased_boxes_cover_frame_one_alone():
    plain = draw(8, 23, (120, 140))
    recipe = Recipe(flip=0, turn=0, reverse=0, channels=0, colour=0, erase=1.0)
    made = augment(plain, recipe, np.random.default_rng(2))
    away = (made.frame1 != plain.frame1).any(0)
    assert 0.02 < float(away.float().mean()) < 0.95
    assert len(made.frame1[:, away].unique(dim=1).T) == 1
    assert torch.equal(made.frame0, plain.frame0)
    assert torch.equal(made.flow01, plain.flow01)
    assert not bool((made.valid10 & away).any())
    assert float(made.valid10.float().mean()) > 0.05
