"""How `fast` learns: from the error of every choice."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from nakawari.data.augment import Recipe
from nakawari.models.fast.net import CERTAIN, SLOTS, FastConfig, Seen
from nakawari.train import fast
from nakawari.train.mixture import Mixture, MixtureConfig, to_device_float
from nakawari.train.sources import SourceConfig


@pytest.fixture(scope="module")
def batch() -> dict[str, torch.Tensor]:
    sources = (SourceConfig(canvas=(96, 96)),)
    config = MixtureConfig(sources, augment=Recipe(crop=(48, 48), moving=1.0), known=()).check()
    search = fast.searcher(fast.Losses())
    return Mixture(config, 3, search, prepare=fast.prepare).batch(range(3))


def test_an_error_is_that_of_colours_and_of_their_differences() -> None:
    chance = np.random.default_rng(0)
    views = chance.integers(0, 256, (2, 6, 9, 11)).astype(np.uint8)
    truth = chance.integers(0, 256, (3, 9, 11)).astype(np.uint8)
    found, lines = fast.worth_of(views, truth, 0.25)
    first, second = (part.astype(float) for part in (views[1, :3], views[1, 3:]))
    for choice, picture in enumerate((0.75 * first + 0.25 * second, first, second)):
        off = picture - truth
        wanted = np.abs(off).sum(0)
        wanted[:, :-1] += np.abs(np.diff(off, axis=2)).sum(0)
        wanted[:-1] += np.abs(np.diff(off, axis=1)).sum(0)
        middle = wanted[3:6, 4:7].mean() / 765
        assert found[1, choice, 4, 5] == pytest.approx(middle, rel=1e-4)
    assert lines[1, 1] == pytest.approx(fast.lines_of(views[1, :3]), abs=1e-6)


def test_a_batch_holds_all_slots_and_what_is_absent_is_said(batch: dict[str, torch.Tensor]) -> None:
    assert batch["views"].shape == (3, SLOTS, 6, 48, 48)
    assert batch["errors"].shape == (3, SLOTS, 3, 48, 48)
    assert batch["present"][:, : SLOTS - 1].all()
    absent = ~batch["present"]
    assert not batch["views"][absent].any()


def test_it_learns_to_choose_better_than_the_rule(batch: dict[str, torch.Tensor]) -> None:
    ready = to_device_float(batch, channels_last=False)
    ready["cost"], ready["strange"] = ready["cost"] + CERTAIN, torch.zeros_like(ready["strange"])
    torch.manual_seed(0)
    net = fast.build(FastConfig(look=8, widths=(12, 12, 12, 12)))
    optimizer = torch.optim.AdamW(net.parameters(), 5e-3)
    rule = float(fast.losses(net, ready, 0, fast.Losses())["chosen"])
    for step in range(60):
        terms = fast.losses(net, ready, step, fast.Losses())
        optimizer.zero_grad()
        terms["loss"].backward()
        optimizer.step()
    assert float(terms["chosen"]) < 0.95 * rule


def level(chance: torch.Generator) -> dict[str, torch.Tensor]:
    """A prepared batch whose choices are all equally wrong."""
    return {
        "views": torch.randint(0, 256, (1, 5, 6, 32, 32), generator=chance, dtype=torch.uint8),
        "inside": torch.ones(1, 5, 2, 32, 32, dtype=torch.bool),
        "cost": torch.rand(1, 5, 32, 32, generator=chance) * 100 + 50,
        "length": torch.rand(1, 5, 32, 32, generator=chance),
        "strange": torch.zeros(1, 5, 32, 32),
        "evidence": torch.zeros(1, 3, 32, 32, dtype=torch.uint8),
        "weights": torch.ones(1, 2, 32, 32),
        "t": torch.tensor([0.5]),
        "errors": torch.full((1, 5, 3, 32, 32), 0.1),
        "lines": torch.zeros(1, 5, 3, 32, 32),
        "line": torch.zeros(1, 32, 32),
    }


def test_leaving_out_is_no_way_out() -> None:
    """Two choices are wrong by the same; one shows as many lines as the truth has, elsewhere."""
    generator = torch.Generator().manual_seed(1)
    batch = level(generator) | {"line": torch.full((1, 32, 32), 0.2)}
    batch["lines"][:, 1] = 0.2
    net = fast.build(FastConfig(look=6, widths=(8, 8, 8, 8)))
    score, _, _ = net(Seen.of(batch))
    score.retain_grad()
    odds = score.softmax(1)
    fast.lines_missing(odds[:, :, None].expand(-1, -1, 3, -1, -1) / 3, batch).sum().backward()
    assert score.grad is not None
    assert (score.grad[:, 1] < 0).all()


def test_what_is_no_better_is_left_to_the_rule() -> None:
    """Where all choices are equally wrong, nothing but the weight of straying moves the network: home."""
    net = fast.build(FastConfig(look=6, widths=(8, 8, 8, 8)))
    torch.nn.init.normal_(net.head.weight, std=0.1)
    batch = level(torch.Generator().manual_seed(1))
    optimizer = torch.optim.SGD(net.parameters(), 1.0)
    strays = []
    for step in range(5):
        terms = fast.losses(net, batch, step, fast.Losses(stray=0.1))
        optimizer.zero_grad()
        terms["loss"].backward()
        optimizer.step()
        strays.append(float(terms["stray"]))
    assert strays[-1] < strays[0]
