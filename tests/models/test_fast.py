"""The network of `fast`: it stays sane whatever its weights have become."""

from __future__ import annotations

import torch

from nakawari.models.fast.net import MOST_CELLS, FastNet
from nakawari.models.fast.parts import FastConfig, bounded, fill, match_all

TINY = FastConfig(
    width2=4, width4=6, width8=8, width16=8, choose=8, refine=8, carry=4, draw2=6, draw4=8, draw8=8
)


def test_small_features_stay_and_large_ones_are_bounded() -> None:
    features = torch.randn(1, 6, 5, 7, generator=torch.Generator().manual_seed(1))
    assert torch.allclose(bounded(features * 1e-3), features * 1e-3, rtol=1e-4)
    large = bounded(features * 1e6)
    assert float(large.square().mean(1).max()) <= 1.001
    assert torch.equal(large.sign(), features.sign())


def test_weights_that_have_grown_break_neither_motion_nor_gradient() -> None:
    torch.manual_seed(2)
    net = FastNet(TINY)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.mul_(30).add_(torch.randn_like(parameter))
    images = torch.rand(2, 3, 64, 64)
    features = net.encoder(images)
    halves = [tuple(level.chunk(2)[side] for level in features) for side in (0, 1)]
    motion = net.motion(images[:1], images[1:], *halves, torch.zeros(2, 2, 64, 64))
    assert float(motion.flow.detach().abs().max()) <= (64 + 2 * MOST_CELLS * 8 + MOST_CELLS * 4)
    made, _, _ = net.draw(motion, 0.5, images[:1], images[1:])
    assert made.isfinite().all()
    made.mean().backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in net.parameters())


def test_matching_finds_where_things_went_at_any_size() -> None:
    generator = torch.Generator().manual_seed(3)
    for height, width, rim in ((12, 20, 5), (80, 112, 14)):  # the second is matched at half size
        features = torch.randn(1, 8, height // 4, width // 4, generator=generator)
        features = torch.nn.functional.interpolate(features, size=(height, width), mode="bilinear")
        moved = features.roll((2, -4), (2, 3))
        flow, chance = match_all(features, moved, torch.tensor(60.0))
        inner = flow[:, :, rim:-rim, rim:-rim]
        there, back = inner[0].median(1).values.median(1).values, inner[1].median(1).values.median(1).values
        assert torch.allclose(there, torch.tensor([-4.0, 2.0]), atol=0.3), (height, there)
        assert torch.allclose(back, torch.tensor([4.0, -2.0]), atol=0.3)
        assert float(chance.min()) > 0
        assert float(chance.max()) <= 1 + 1e-5


def test_holes_are_filled_in_a_window_as_in_the_whole() -> None:
    random = torch.Generator().manual_seed(0)
    mass = (torch.rand(1, 1, 350, 70, generator=random) > 0.999).float()
    sums = torch.rand(1, 3, 350, 70, generator=random) * mass
    window = fill(sums[:, :, 128:], mass[:, :, 128:])
    assert (fill(sums, mass)[:, :, 256:] - window[:, :, 128:]).abs().max() < 1e-5
