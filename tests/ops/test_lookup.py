"""Looking up agreement: volume or on demand, compiled or plain, the numbers are the same."""

from __future__ import annotations

import pytest
import torch

from nakawari.ops.correlation import (
    all_pairs,
    look_nearby,
    look_up,
    look_up_on_demand,
    pyramid,
    reference,
    transposed,
)


def maps(size0=(9, 12), size1=(9, 12), seed=0, batch=2):
    generator = torch.Generator().manual_seed(seed)
    features0 = torch.randn(batch, 16, *size0, generator=generator)
    features1 = torch.randn(batch, 16, *size1, generator=generator)
    places = torch.rand(batch, 2, *size0, generator=generator) * 24 - 6
    places[0, :, 0, 0] = float("nan")
    places[0, 0, 0, 1] = 1e9
    places[0, :, 1, 1] = torch.tensor([3.0, 2.0])
    return features0, features1, places


def test_a_volume_holds_the_scalar_products():
    features0, features1, _ = maps()
    volume = all_pairs(features0, features1)
    wanted = (features0[1, :, 2, 3] * features1[1, :, 4, 5]).sum() / 4
    assert volume[1, 2 * 12 + 3, 4, 5].item() == pytest.approx(wanted.item(), abs=1e-5)


def test_the_other_direction_is_the_transpose():
    features0, features1, _ = maps((9, 12), (10, 11))
    back = transposed(all_pairs(features0, features1), (9, 12))
    torch.testing.assert_close(back, all_pairs(features1, features0))


def test_each_channel_is_one_place_and_dx_counts_slower():
    features0, features1, places = maps()
    found = look_up(pyramid(all_pairs(features0, features1), 2), places, 2)
    assert found.shape == (2, 2 * 25, 9, 12)
    volume = all_pairs(features0, features1)[0, 12 + 1]  # pixel (1, 1) looks at (3, 2)
    for dx in (-2, 0, 1):
        for dy in (-1, 0, 2):
            channel = (dx + 2) * 5 + dy + 2
            assert found[0, channel, 1, 1].item() == pytest.approx(volume[2 + dy, 3 + dx].item(), abs=1e-5)
    assert not found[0, :, 0, 0].any()  # a place that is no number
    assert not found[0, :, 0, 1].any()  # a place far outside


@pytest.mark.parametrize("size1", [(9, 12), (16, 17), (8, 8)], ids=str)
def test_compiled_and_plain_agree(size1):
    features0, features1, places = maps((9, 12), size1)
    places = places.nan_to_num(-50)
    volumes = pyramid(all_pairs(features0, features1), 3)
    wanted = reference.look_up([v.double() for v in volumes], places.double(), 4).float()
    scales = pyramid(features1, 3)
    for found in (
        look_up(volumes, places, 4),
        look_up_on_demand(features0, scales, places, 4),
        reference.look_up(volumes, places, 4),
        reference.look_up_on_demand(features0, scales, places, 4),
    ):
        torch.testing.assert_close(found, wanted, atol=2e-5, rtol=1e-5)


def test_gradients_flow_through_the_plain_one():
    features0, features1, places = (tensor.double() for tensor in maps((3, 4), (4, 4), batch=1))
    places = places.nan_to_num(1.3).clamp(-2, 5) + 0.01
    features0.requires_grad_()
    features1.requires_grad_()

    def found(a, b):
        return look_up(pyramid(all_pairs(a, b), 2), places, 1)

    assert torch.autograd.gradcheck(found, (features0, features1))


def test_on_demand_works_in_chunks(monkeypatch):
    features0, features1, places = maps()
    whole = reference.look_up_on_demand(features0, pyramid(features1, 2), places.nan_to_num(0), 2)
    monkeypatch.setattr(reference, "CHUNK", 7)
    parts = reference.look_up_on_demand(features0, pyramid(features1, 2), places.nan_to_num(0), 2)
    torch.testing.assert_close(whole, parts)


def test_nearby_places_are_compared_in_rows():
    features0, features1, _ = maps()
    found = look_nearby(features0, features1, 2)
    assert found.shape == (2, 25, 9, 12)
    wanted = (features0[1, :, 4, 5] * features1[1, :, 4 - 1, 5 + 2]).mean()  # dy -1, dx 2
    assert found[1, (-1 + 2) * 5 + 2 + 2, 4, 5].item() == pytest.approx(wanted.item(), abs=1e-5)
    assert not found[:, 0, :2].any()  # outside


@pytest.mark.parametrize("radius", [0, 1, 3])
def test_nearby_compiled_and_plain_agree(radius):
    features0, features1, _ = maps()
    wanted = reference.look_nearby(features0.double(), features1.double(), radius).float()
    torch.testing.assert_close(look_nearby(features0, features1, radius), wanted)


def test_nearby_is_differentiable():
    features0, features1, _ = maps()
    features1.requires_grad_()
    look_nearby(features0, features1, 1).square().sum().backward()
    assert features1.grad is not None
    assert features1.grad.any()


@pytest.mark.parametrize("ask", ["all pairs", "on demand"])
def test_agreement_is_float32_where_the_network_is_bfloat16(ask):
    features0, features1, places = maps()

    def agreement():
        if ask == "all pairs":
            return reference.look_up(pyramid(all_pairs(features0, features1), 2), places, 2)
        return reference.look_up_on_demand(features0, pyramid(features1, 2), places, 2)

    with torch.autocast("cpu", torch.bfloat16):
        found = agreement()
    torch.testing.assert_close(found, agreement(), equal_nan=True)
