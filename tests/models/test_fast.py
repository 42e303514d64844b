"""`fast` is `classic` with a network that chooses: nothing before it is trained, never colours of its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from nakawari import checkpoints
from nakawari.errors import ModelError
from nakawari.models import load
from nakawari.models.fast import Fast, packing
from nakawari.models.fast.net import BOTH, CERTAIN, ERASED, FIRST, SECOND, SLOTS, FastConfig, FastNet, Seen

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
        assert (model()(*keys(), t=t) == classic(*keys(), t=t)).all()


@pytest.mark.parametrize(("choice", "share"), [(BOTH, 0.25), (FIRST, 0), (SECOND, 1)])
def test_it_shows_both_keys_or_one(choice: int, share: float) -> None:
    made = model()
    with torch.no_grad():
        made.net.head.bias.zero_()
        made.net.head.bias[4 * (1 + choice) : 4 * (2 + choice)] = 5.0
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
        torch.zeros(2, count, *size),
        torch.tensor([0.3, 0.6]),
    )


def test_what_landed_is_not_erased() -> None:
    """Whatever the network says, a candidate that shows something else is not taken."""
    free, held = picked(strange=ERASED + 1)
    assert (free >= 2).any()
    assert (held <= 1).all()
    assert (held == 0).any()


def test_where_the_rule_is_certain_it_stays() -> None:
    _, held = picked(best=CERTAIN - 1)
    assert (held == 1).all()


def picked(strange: float = 0.0, best: float = CERTAIN) -> tuple[torch.Tensor, torch.Tensor]:
    """What a loud network takes, and what it takes where the rule's choice is 1, at `best`, and all from 2
    on are so strange."""
    net = model(6).net
    found = seen(4, 2)
    found.cost[:, [0, 2, 3]] += best
    found.cost[:, 1] = best
    found.strange[:, 2:] = strange
    with torch.no_grad():
        net.head.weight.mul_(50)
        return net.pick(seen(4, 2))[:, 0], net.pick(found)[:, 0]


def test_strangeness_is_how_far_the_mix_is_from_what_landed() -> None:
    chance = np.random.default_rng(1)
    views = chance.integers(0, 256, (2, 6, 20, 30)).astype(np.uint8)
    landed = chance.integers(0, 256, (3, 20, 30)).astype(np.uint8)
    mixed = 0.75 * views[1, :3] + 0.25 * views[1, 3:]
    wanted = np.abs(mixed - landed).sum(0)[8:13, 10:15].mean()
    assert packing.strangeness(views, landed, 0.25)[1, 10, 12] == pytest.approx(wanted, rel=1e-4)


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
        assert torch.allclose(net.pick(more), net.pick(few), atol=1e-5)


def test_weights_of_the_earlier_network_are_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "old.safetensors"
    checkpoints.save(file, {"a": torch.ones(1)}, checkpoints.Header("fast", {"width2": 16}))
    with pytest.raises(ModelError, match="an earlier `fast`"):
        load("fast", file, device="cpu")


def test_weights_that_somebody_trained_are_drawn_with(tmp_path: Path) -> None:
    trained, file = model(7), tmp_path / "mine.safetensors"
    header = checkpoints.Header("fast", {"look": 6, "widths": [8, 8, 8, 8]})
    checkpoints.save(file, trained.net.state_dict(), header)
    assert (load("fast", file, device="cpu")(*keys()) == trained(*keys())).all()
