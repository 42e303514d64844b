"""`fast` is `classic` with a network that weighs: nothing before it is trained, never colours of its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from nakawari import checkpoints
from nakawari.errors import ModelError
from nakawari.models import load
from nakawari.models.fast import Fast, packing
from nakawari.models.fast.net import LOST, SLOTS, FastConfig, FastNet, Seen

TINY = FastConfig(look=6, widths=(8, 8, 8, 8))


def keys(height: int = 90, width: int = 130, by: int = 6) -> list[np.ndarray]:
    random = np.random.default_rng(5)
    wide = np.kron(random.integers(0, 256, (height // 6 + 2, width // 6 + 4, 3)), np.ones((6, 6, 1)))
    wide = wide.astype(np.uint8)
    return [np.ascontiguousarray(wide[:height, start : start + width]) for start in (by, 0)]


def model(seed: int | None = None) -> Fast:
    torch.manual_seed(seed or 0)
    net = FastNet(TINY)
    if seed is not None:
        torch.nn.init.normal_(net.head.weight, std=0.5)
    return Fast("fast", net)


def test_untrained_it_is_classic() -> None:
    classic = load("classic", device="cpu")
    for t in (0.3, 0.5):
        off = model()(*keys(), t=t).astype(int) - classic(*keys(), t=t)
        assert np.abs(off).max() <= 1  # where a colour lies between two numbers


@pytest.mark.parametrize(("lean", "share"), [(0, 0.25), (-5, 0), (5, 1)])
def test_it_shows_both_keys_or_leans_to_one(lean: float, share: float) -> None:
    made = model()
    with torch.no_grad():
        made.net.head.bias.zero_()
        made.net.head.bias[4:] = lean
    blue, red = np.zeros((64, 64, 3), np.uint8), np.zeros((64, 64, 3), np.uint8)
    blue[..., 2], red[..., 0] = 200, 200
    picture = made(blue, red, t=0.25)
    assert np.abs(picture.astype(float) - [200 * share, 0, 200 * (1 - share)]).max() <= 1


def test_windows_show_what_the_whole_shows() -> None:
    pair = keys(900, 900, 12)
    pair[1] = pair[1] // 2  # nothing is certain
    whole, parts = model(3), model(3)
    parts.adjust(tile=384)
    one, other = whole(*pair).astype(float), parts(*pair).astype(float)
    assert parts.side == 384
    assert 10 * np.log10(255**2 / max(1e-6, ((one - other) ** 2).mean())) > 50
    assert (one != load("classic", device="cpu")(*pair)).any()  # the network had something to say


def seen(count: int, seed: int = 0) -> Seen:
    chance = torch.Generator().manual_seed(seed)
    size = (32, 48)
    return Seen(
        torch.randint(0, 256, (2, count, 6, *size), generator=chance, dtype=torch.uint8),
        torch.ones(2, count, 2, *size, dtype=torch.bool),
        torch.rand(2, count, *size, generator=chance) * 500,
        torch.rand(2, count, *size, generator=chance),
        torch.randint(0, 256, (2, 3, *size), generator=chance, dtype=torch.uint8),
        torch.rand(2, 2, *size, generator=chance),
        torch.ones(2, 1, *size),
        torch.tensor([0.3, 0.6]),
    )


def test_weights_are_shares() -> None:
    with torch.no_grad():
        weights, _ = model(6).net(seen(4))
    assert weights.shape == (2, 4, 2, 32, 48)
    assert (weights >= 0).all()
    torch.testing.assert_close(weights.sum((1, 2)), torch.ones(2, 32, 48))


def test_where_the_rule_is_certain_it_stays() -> None:
    """Whatever the network says."""
    net, found = model(6).net, seen(4, 2)
    found.cost[:, 1] = -1
    found.unsure[:] = 0
    with torch.no_grad():
        net.head.weight.mul_(50)
        weights, _ = net(found)
    assert (weights[:, 1].sum(1) == 1).all()
    assert not weights[:, [0, 2, 3]].any()


def test_the_network_is_heard_only_where_the_rule_is_lost() -> None:
    loud, silent, found = model(6).net, model().net, seen(4, 2)
    found.cost += 2 * LOST
    found.cost[:, 2, :16] = LOST - 1
    with torch.no_grad():
        weights, rule = loud(found)[0], silent(found)[0]
    torch.testing.assert_close(weights[..., :16, :], rule[..., :16, :])
    assert (weights[..., 16:, :] - rule[..., 16:, :]).abs().max() > 0.05


def test_packing_is_its_reference() -> None:
    found = seen(3)
    shown = found.views, found.evidence, found.cost, found.length, found.inside
    torch.testing.assert_close(packing.pack(*shown), packing.reference(*shown))


def test_candidates_that_are_absent_change_nothing() -> None:
    net = model(4).net
    few = seen(SLOTS - 1)
    more = seen(SLOTS, 1)
    for name in ("views", "inside", "cost", "length"):
        getattr(more, name)[:, :-1] = getattr(few, name)
    more.cost[:, -1] = 0
    more.evidence, more.weights, more.t = few.evidence, few.weights, few.t
    more.present = (torch.arange(SLOTS) < SLOTS - 1).expand(2, -1)
    with torch.no_grad():
        weights, others = net(more)[0], net(few)[0]
    assert not weights[:, -1].any()
    assert torch.allclose(weights[:, :-1], others, atol=1e-5)


@pytest.mark.parametrize(("config", "tensor"), [({"width2": 16}, "a"), ({"look": 6}, "strictness")])
def test_weights_of_earlier_networks_are_refused_by_name(tmp_path: Path, config: dict, tensor: str) -> None:
    file = tmp_path / "old.safetensors"
    checkpoints.save(file, {tensor: torch.ones(1)}, checkpoints.Header("fast", config))
    with pytest.raises(ModelError, match="an earlier `fast`"):
        load("fast", file, device="cpu")


def test_weights_that_somebody_trained_are_drawn_with(tmp_path: Path) -> None:
    trained, file = model(7), tmp_path / "mine.safetensors"
    header = checkpoints.Header("fast", {"look": 6, "widths": [8, 8, 8, 8]})
    checkpoints.save(file, trained.net.state_dict(), header)
    assert (load("fast", file, device="cpu")(*keys()) == trained(*keys())).all()
