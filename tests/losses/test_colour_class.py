"""Colour classification: what the document means, what its code does, and the three wishes."""

import pytest
import torch
import torch.nn.functional as F

from nakawari.losses.colour_class import classes_of, wishes
from nakawari.losses.image import charbonnier

RED, CREAM, INK = (0.8, 0.2, 0.15), (0.95, 0.9, 0.8), (0.1, 0.1, 0.15)


def paint(edge: int, size: int = 32) -> torch.Tensor:
    """Red on the left of `edge`, cream on the right, an ink line on top."""
    image = torch.empty(1, 3, size, size)
    image[..., :edge] = torch.tensor(RED).view(3, 1, 1)
    image[..., edge:] = torch.tensor(CREAM).view(3, 1, 1)
    image[..., :3, :] = torch.tensor(INK).view(3, 1, 1)
    return image


def blurred(image: torch.Tensor) -> torch.Tensor:
    return F.avg_pool2d(F.pad(image, (3, 3, 0, 0), mode="replicate"), (1, 7), stride=1)


def released(made: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """What the code of the document computes (SPEC 5.4): tenths of the channels, channels as classes."""
    return F.cross_entropy(
        torch.div(made, 0.1, rounding_mode="floor"), torch.div(truth, 0.1, rounding_mode="floor")
    )


def test_classes_are_the_colours_of_the_keys() -> None:
    found = classes_of(paint(10), paint(20), count=3).colours[0]
    for colour in (RED, CREAM, INK):
        assert float((found - torch.tensor(colour)).norm(dim=1).min()) < 1e-3
    assert torch.equal(found, classes_of(paint(10), paint(20), count=3).colours[0])


def test_the_released_code_trains_nothing_with_it() -> None:
    truth = paint(16)
    made = blurred(truth).requires_grad_()
    alone = torch.autograd.grad(charbonnier(made, truth), made)[0]
    both = torch.autograd.grad(30 * released(made, truth) + charbonnier(made, truth), made)[0]
    assert torch.equal(both, alone)
    assert float(released(truth, truth)) > 1  # nor is the truth what it asks for


def test_ours_pulls_a_blurred_edge_to_one_of_its_two_colours() -> None:
    truth = paint(16)
    classes = classes_of(paint(12), paint(20), count=3)
    made = blurred(truth).requires_grad_()
    edge = (..., slice(3, None), slice(13, 19))
    before = (made.detach() - truth)[edge].abs().mean()
    optimizer = torch.optim.Adam([made], lr=0.02)
    for _ in range(40):
        optimizer.zero_grad()
        classes.loss(made, truth).backward()
        optimizer.step()
    after = made.detach()
    # it moves every pixel towards its colour, and lets go when no doubt is left: the rest is L_RIFE's
    own = (classes.shares(truth) > 0.5).float()
    decided = [(classes.shares(x) * own).sum(1)[edge].min() for x in (blurred(truth), after)]
    assert float(decided[0]) < 0.85
    assert float(decided[1]) > 0.97
    assert float((after - truth)[edge].abs().mean()) < 0.6 * float(before)


def test_the_truth_costs_nothing_and_gradients_are_right() -> None:
    truth = paint(16)
    classes = classes_of(paint(12), paint(20), count=4)
    assert float(classes.loss(truth, truth)) == pytest.approx(0, abs=1e-6)
    made = blurred(truth).requires_grad_()
    slope = torch.autograd.grad(classes.loss(made, truth), made)[0]
    way = slope / slope.norm()
    step = 1e-2 * way
    numeric = (classes.loss(made.detach() + step, truth) - classes.loss(made.detach() - step, truth)) / 2e-2
    assert float(numeric) == pytest.approx(float(slope.norm()), rel=0.03)


def test_an_undecided_edge_is_answered_with_a_colour_between() -> None:
    """What it cannot do: the module says so."""
    classes = classes_of(paint(12), paint(20), count=3)
    shares = torch.linspace(0, 1, 21)
    costs = []
    for share in shares:
        made = torch.lerp(paint(0), paint(32), share)
        costs.append(float(classes.loss(made, paint(0)) + classes.loss(made, paint(32))))
    assert float(shares[costs.index(min(costs))]) == pytest.approx(0.5, abs=0.06)


def test_rare_colours_count_more_where_that_is_asked_for() -> None:
    plain, rare = (classes_of(paint(30), paint(30), 3, rarity=r) for r in (0.0, 0.9))
    truth = paint(30)
    faults = {}
    for name, region in (
        ("cream", (..., slice(3, None), slice(30, 32))),
        ("red", (..., slice(10, 12), slice(0, 29))),
    ):
        made = truth.clone()
        made[region] = torch.tensor(INK).view(3, 1, 1)
        faults[name] = float(rare.loss(made, truth)) / float(plain.loss(made, truth))
    assert faults["cream"] > 1.5 > 1 > faults["red"]
    mean = (rare.shares(truth).mean((2, 3)) * rare.weights).sum()
    assert float(mean) == pytest.approx(1, abs=0.02)


def test_the_three_wishes_tell_good_from_bad() -> None:
    first, last, truth = paint(12), paint(20), paint(16)
    classes = classes_of(first, last, count=3)
    flow = torch.zeros(1, 2, 32, 32)
    flow[:, 0] = -4  # what is at x in the middle was at x - 4
    seen = torch.ones(1, 32, 32, dtype=torch.bool)
    seen[..., :4] = False
    good = wishes(classes, truth, first, last, flow, seen)
    assert float(good["distribution"]) < 0.02
    assert float(good["motion"]) > 0.99
    noisy = (truth + 0.4 * torch.randn(truth.shape, generator=torch.Generator().manual_seed(1))).clamp(0, 1)
    shifted = paint(24)
    assert float(wishes(classes, noisy, first, last)["clustered"]) < float(good["clustered"]) - 0.1
    assert float(wishes(classes, shifted, first, last)["distribution"]) > 0.1
    assert float(wishes(classes, first, first, last, flow, seen)["motion"]) < float(good["motion"]) - 0.05
    assert "motion" not in wishes(classes, truth, first, last)


def test_samples_of_a_batch_do_not_mix() -> None:
    other = 1 - paint(16)
    pair = classes_of(torch.cat([paint(12), 1 - paint(12)]), torch.cat([paint(20), 1 - paint(20)]), 3)
    both = pair.loss(blurred(torch.cat([paint(16), other])), torch.cat([paint(16), other]))
    each = [
        classes_of(f(paint(12)), f(paint(20)), 3).loss(blurred(t), t)
        for f, t in ((lambda x: x, paint(16)), (lambda x: 1 - x, other))
    ]
    assert float(both) == pytest.approx(float(sum(each)) / 2, rel=1e-3)


def test_a_colour_beyond_all_classes_is_driven_back() -> None:
    """Which class is nearest does not say how near: there is a class for what is of none."""
    key = torch.zeros(1, 3, 8, 8)
    key[:, 2, :, :4], key[:, 1, :, 4:] = 0.6, 0.4
    classes = classes_of(key, key, count=2)
    beyond = key.clone()
    beyond[:, 2, :, :4] = 0.95
    beyond.requires_grad_()
    loss = classes.loss(beyond, key)
    loss.backward()
    assert float(loss.detach()) > 0.3
    assert beyond.grad is not None
    assert (beyond.grad[:, 2, :, :4] > 0).all()
