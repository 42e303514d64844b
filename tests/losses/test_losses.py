"""Losses: zero for the truth, larger for worse, independent of batch and autocast, with right gradients."""

import numpy as np
import pytest
import torch
from scipy.ndimage import distance_transform_edt

from nakawari.errors import InputError
from nakawari.losses.flow import absolute_error
from nakawari.losses.image import census, charbonnier, l1, laplacian, line_weighted_l1
from nakawari.losses.lines import line_map, line_nearness, truncated_distance
from nakawari.metrics import lines as metric_lines

IMAGE_LOSSES = [l1, charbonnier, laplacian, census, line_weighted_l1]


def drawing(batch: int = 2, size: int = 40) -> torch.Tensor:
    """Flat grounds with dark strokes."""
    image = torch.full((batch, 3, size, size), 0.8)
    image[:, :, :, size // 2 :] = torch.tensor((0.9, 0.6, 0.5)).view(1, 3, 1, 1)
    for i in range(batch):
        image[i, :, 8 + i, 4:-4] = 0.1
        image[i, :, 6:-6, 12 + 2 * i] = 0.15
    return image


@pytest.mark.parametrize("loss", IMAGE_LOSSES)
def test_the_truth_is_best_and_worse_costs_more(loss) -> None:
    truth = drawing()
    noise = torch.randn(truth.shape, generator=torch.Generator().manual_seed(0))
    values = [float(loss(truth + s * noise, truth)) for s in (0.0, 0.02, 0.1)]
    assert values[0] <= 1.001e-3  # charbonnier's epsilon
    assert values[0] < values[1] < values[2]


@pytest.mark.parametrize("loss", IMAGE_LOSSES)
def test_gradients_are_right(loss) -> None:
    truth = drawing(1, 20).double()
    made = (
        truth + 0.1 * torch.rand(truth.shape, generator=torch.Generator().manual_seed(1))
    ).requires_grad_()
    direction = torch.randn(truth.shape, generator=torch.Generator().manual_seed(2)).double()
    slope = torch.autograd.grad(loss(made, truth), made)[0].mul(direction).sum()
    step = 2e-4 * direction
    numeric = (loss(made.detach() + step, truth) - loss(made.detach() - step, truth)) / 4e-4
    assert torch.allclose(slope.float(), numeric.float(), rtol=0.1, atol=1e-4)


@pytest.mark.parametrize("loss", IMAGE_LOSSES)
def test_it_is_float32_under_autocast(loss) -> None:
    truth = drawing()
    made = truth.roll(1, -1)
    with torch.autocast("cpu", torch.bfloat16):
        value = loss(made, truth)
    assert value.dtype == torch.float32
    assert torch.allclose(value, loss(made, truth), rtol=1e-5)


@pytest.mark.parametrize("loss", [l1, charbonnier, laplacian, census])
def test_a_batch_is_the_mean_of_its_samples(loss) -> None:
    truth = drawing(4)
    made = truth.roll((1, 2), (-1, -2))
    each = torch.stack([loss(made[i : i + 1], truth[i : i + 1]) for i in range(4)])
    assert torch.allclose(loss(made, truth), each.mean(), rtol=1e-5)


@pytest.mark.parametrize("size", [5, 9, 33, 64])
def test_laplacian_takes_any_size(size: int) -> None:
    truth = torch.rand(1, 3, size, size + 2, generator=torch.Generator().manual_seed(3))
    assert float(laplacian(truth, truth)) == 0
    assert float(laplacian(1 - truth, truth)) > 0


def test_laplacian_counts_what_is_wide_and_what_is_fine() -> None:
    truth = torch.zeros(1, 3, 64, 64)
    wide = truth + 0.1
    fine = truth + 0.1 * (torch.arange(64) % 2 * 2 - 1)
    assert float(laplacian(wide, truth)) == pytest.approx(1.6, rel=1e-3)  # only the last level sees it, 2^4
    assert 0.1 < float(laplacian(fine, truth)) < 0.3  # the first one, and borders


def test_census_does_not_see_brightness_but_structure() -> None:
    truth = torch.rand(1, 3, 24, 24, generator=torch.Generator().manual_seed(4)) * 0.5
    assert float(census(truth + 0.25, truth)) < 1e-4
    assert float(census(truth.roll(1, -1), truth)) > 0.2
    with pytest.raises(InputError, match="3 pixels"):
        census(truth[..., :3], truth[..., :3])


def test_lines_are_those_of_the_metric() -> None:
    image = drawing(2, 48)
    found = line_map(image)[:, 0].numpy()
    for i in range(2):
        wanted = metric_lines.line_map(image[i].permute(1, 2, 0).double().numpy())
        assert wanted.any()
        assert np.array_equal(found[i], wanted)


def test_distance_is_exact_within_reach() -> None:
    mask = torch.rand(3, 1, 37, 41, generator=torch.Generator().manual_seed(5)) < 0.01
    distance = truncated_distance(mask, 6)
    for i in range(3):
        wanted = np.minimum(distance_transform_edt(~mask[i, 0].numpy()), 6)
        assert np.allclose(distance[i, 0].numpy(), wanted, atol=1e-5)


def test_nearness_falls_away_from_lines() -> None:
    image = torch.full((1, 3, 40, 40), 0.9)
    image[..., 20, :] = 0.0
    near = line_nearness(image, decay_px=3.0, reach_px=8)[0, 0, :, 20]
    assert near[20] == 1
    assert near[5] == 0
    assert bool((near[20:32].diff() <= 0).all())


def test_a_fault_on_a_line_counts_more_than_beside_it() -> None:
    truth = torch.full((1, 3, 40, 40), 0.9)
    truth[..., 20, :] = 0.0
    on, off = truth.clone(), truth.clone()
    on[..., 20, 10:20] += 0.3
    off[..., 4, 10:20] -= 0.3
    assert float(l1(on, truth)) == pytest.approx(float(l1(off, truth)))
    assert float(line_weighted_l1(on, truth)) > 3 * float(line_weighted_l1(off, truth))


def test_flow_error_is_a_distance_in_pixels_where_it_is_known() -> None:
    truth = torch.zeros(1, 2, 8, 8)
    flow = truth.clone()
    flow[:, 0], flow[:, 1] = 3.0, -4.0
    assert float(absolute_error(flow, truth)) == pytest.approx(3.5)
    flow[..., 4:] = 100
    known = torch.zeros(1, 1, 8, 8, dtype=torch.bool)
    known[..., :4] = True
    assert float(absolute_error(flow, truth, known)) == pytest.approx(3.5 / 2)  # as RAFT: over all pixels
    assert float(absolute_error(flow, truth, torch.zeros_like(known))) == 0
