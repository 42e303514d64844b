"""How `fast` learns: from what is wrong in the picture that it mixes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from nakawari.data.augment import Recipe
from nakawari.models.fast.net import LOST, SLOTS, FastConfig
from nakawari.train import fast
from nakawari.train.mixture import Mixture, MixtureConfig, to_device_float
from nakawari.train.sources import SourceConfig


@pytest.fixture(scope="module")
def batch() -> dict[str, torch.Tensor]:
    sources = (SourceConfig(canvas=(96, 96)),)
    config = MixtureConfig(sources, augment=Recipe(crop=(48, 48), moving=1.0), known=()).check()
    search = fast.searcher(fast.Losses())
    return Mixture(config, 3, search, prepare=fast.prepare).batch(range(3))


def test_a_batch_holds_all_slots_and_what_is_absent_is_said(batch: dict[str, torch.Tensor]) -> None:
    assert batch["views"].shape == (3, SLOTS, 6, 48, 48)
    assert batch["truth"].shape == (3, 3, 48, 48)
    assert batch["present"][:, : SLOTS - 1].all()
    absent = ~batch["present"]
    assert not batch["views"][absent].any()


def test_it_learns_to_weigh_better_than_the_rule(batch: dict[str, torch.Tensor]) -> None:
    ready = to_device_float(batch, channels_last=False)
    ready["unsure"], ready["cost"] = torch.ones_like(ready["unsure"]), ready["cost"] + 2 * LOST
    torch.manual_seed(0)
    net = fast.build(FastConfig(look=8, widths=(12, 12, 12, 12)))
    optimizer = torch.optim.AdamW(net.parameters(), 5e-3)
    rule = float(fast.losses(net, ready, 0, fast.Losses())["wrong"])
    for step in range(60):
        terms = fast.losses(net, ready, step, fast.Losses())
        optimizer.zero_grad()
        terms["loss"].backward()
        optimizer.step()
    assert float(terms["wrong"]) < 0.95 * rule


def test_a_picture_is_mixed_as_it_is_drawn() -> None:
    chance = np.random.default_rng(0)
    views = chance.integers(0, 256, (1, 2, 6, 9, 11)).astype(np.uint8)
    weights = torch.rand(1, 2, 2, 9, 11)
    wanted = sum(
        weights[0, k, key].numpy() * views[0, k, 3 * key : 3 * key + 3] / 255
        for k in range(2)
        for key in range(2)
    )
    found = fast.mixed(weights, torch.from_numpy(views))
    np.testing.assert_allclose(found[0].numpy(), wanted, rtol=1e-5)


def test_what_is_no_better_is_left_to_the_rule() -> None:
    """Where all candidates show the same, nothing but the weight of straying moves the network: home."""
    chance = torch.Generator().manual_seed(1)
    net = fast.build(FastConfig(look=6, widths=(8, 8, 8, 8)))
    torch.nn.init.normal_(net.head.weight, std=0.1)
    shown = torch.randint(0, 256, (1, 1, 3, 32, 32), generator=chance, dtype=torch.uint8)
    batch = {
        "views": shown.repeat(1, 5, 2, 1, 1),
        "inside": torch.ones(1, 5, 2, 32, 32, dtype=torch.bool),
        "cost": torch.rand(1, 5, 32, 32, generator=chance) * 100 + 2 * LOST,
        "length": torch.rand(1, 5, 32, 32, generator=chance),
        "unsure": torch.ones(1, 1, 32, 32),
        "evidence": torch.zeros(1, 3, 32, 32, dtype=torch.uint8),
        "weights": torch.ones(1, 2, 32, 32),
        "truth": shown[:, 0],
        "t": torch.tensor([0.5]),
    }
    optimizer = torch.optim.SGD(net.parameters(), 1.0)
    strays = []
    for step in range(5):
        terms = fast.losses(net, batch, step, fast.Losses(stray=0.1))
        optimizer.zero_grad()
        terms["loss"].backward()
        optimizer.step()
        strays.append(float(terms["stray"]))
    assert strays[-1] < strays[0]
