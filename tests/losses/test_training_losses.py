"""RIFE's own losses and the distances of lines, against plainer ways to say them."""

import cv2
import numpy as np
import pytest
import torch
from scipy.ndimage import distance_transform_edt

from nakawari.losses.lines import (
    chamfer_distance,
    line_map,
    nedt,
    nedt_distance,
    soft_distance,
    soft_line_map,
)
from nakawari.losses.rife import distillation, laplacian_bands
from tests.losses.test_losses import drawing


def test_laplacian_bands_are_those_of_a_pyramid() -> None:
    chance = np.random.default_rng(0)
    made, truth = (chance.random((64, 48, 3), np.float32) for _ in range(2))
    total, one, other = 0.0, made, truth
    for _ in range(4):  # OpenCV's pyramid is the same one, mirrored at the edge; at 64×48 there are no more
        bands = []
        for name, image in (("one", one), ("other", other)):
            low = cv2.pyrDown(image, borderType=cv2.BORDER_REFLECT_101)
            wide = np.zeros_like(image)
            wide[::2, ::2] = low
            taps = np.array([1, 4, 6, 4, 1], np.float32) / 16
            wide = 4 * cv2.sepFilter2D(wide, -1, taps, taps, borderType=cv2.BORDER_REFLECT_101)
            bands.append(image - wide)
            if name == "one":
                one = low
            else:
                other = low
        total += float(np.abs(bands[0] - bands[1]).mean())
    tensors = [torch.from_numpy(x.transpose(2, 0, 1))[None] for x in (made, truth)]
    assert float(laplacian_bands(*tensors, levels=4)) == pytest.approx(total, rel=1e-4)


def test_the_lowest_frequencies_are_free() -> None:
    truth = drawing(1, 64)
    assert float(laplacian_bands(truth + 0.1, truth)) < 1e-2
    assert float(laplacian_bands(truth.roll(1, -1), truth)) > 1e-2
    assert float(laplacian_bands(truth[..., :5, :5], truth[..., :5, :5])) == 0


def test_the_teacher_is_followed_where_it_did_better() -> None:
    truth = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    good, bad = truth.clone(), truth + 0.2
    flow = torch.zeros(1, 4, 8, 8, requires_grad=True)
    own = torch.zeros(1, 4, 8, 8)
    own[:, 0] = 4.0
    own.requires_grad_()
    student = torch.where(torch.arange(8) < 4, bad, good)  # only its left half is worse than the teacher
    loss = distillation([own], [student], flow, good, truth)
    assert loss.item() == pytest.approx(0.5 * 2.0, rel=1e-4)  # root of the mean of 16, 0, 0, 0, on half
    loss.backward()
    assert flow.grad is None
    assert float(own.grad[..., 4:].abs().sum()) == 0 < float(own.grad[..., :4].abs().sum())
    assert distillation([own], [good], flow, bad, truth).item() == 0


def test_soft_lines_are_the_lines() -> None:
    image = drawing(2, 48)
    assert torch.equal(soft_line_map(image) > 0.5, line_map(image))


def test_soft_distance_of_hard_lines_is_the_distance() -> None:
    mask = torch.rand(2, 1, 30, 34, generator=torch.Generator().manual_seed(1)) < 0.02
    found = soft_distance(mask.float(), 7)
    for i in range(2):
        wanted = np.minimum(distance_transform_edt(~mask[i, 0].numpy()), 7)
        assert np.allclose(found[i, 0].numpy(), wanted, atol=2e-3)
    normalised = nedt(mask.float(), 7)
    assert np.allclose(normalised.numpy(), 1 - np.exp(-36 * found.numpy() / 34), atol=1e-4)


@pytest.mark.parametrize("loss", [chamfer_distance, nedt_distance])
def test_lines_that_are_farther_cost_more(loss) -> None:
    truth = drawing(1, 48)
    moved = [float(loss(truth.roll(s, -2), truth)) for s in (0, 2, 5)]
    assert moved[0] < 0.5 * moved[1]
    assert moved[1] < moved[2]
    assert float(loss(torch.full_like(truth, 0.8), truth)) > moved[1]


@pytest.mark.parametrize("loss", [chamfer_distance, nedt_distance])
def test_a_torn_line_is_mended(loss) -> None:
    truth = torch.full((1, 3, 40, 40), 0.9)
    truth[..., 20, :] = 0.1
    made = truth.clone()
    made[..., 20, 15:25] = 0.86
    made.requires_grad_()
    optimizer = torch.optim.Adam([made], lr=5e-3)
    start = loss(made, truth).item()
    for _ in range(40):
        optimizer.zero_grad()
        loss(made, truth).backward()
        optimizer.step()
    assert loss(made, truth).item() < 0.8 * start
    assert float(made.detach()[..., 20, 15:25].min()) < 0.83


@pytest.mark.parametrize("loss", [chamfer_distance, nedt_distance])
def test_a_picture_without_lines_is_no_fault(loss) -> None:
    empty = torch.full((1, 3, 24, 24), 0.5)
    value = loss(empty.clone().requires_grad_(), empty)
    assert bool(value.isfinite())
    value.backward()
