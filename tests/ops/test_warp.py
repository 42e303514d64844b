"""Backward warping and flow arithmetic."""

from __future__ import annotations

import pytest
import torch

from nakawari.errors import ShapeError
from nakawari.ops.splat import splat
from nakawari.ops.warp import backward_warp, flow_at, pixel_grid, resize_flow


def test_warping_undoes_a_whole_pixel_shift():
    image = torch.rand(2, 3, 12, 17)
    flow = torch.zeros(2, 2, 12, 17)
    flow[:, 0], flow[:, 1] = 3, 2
    back = backward_warp(torch.roll(image, (2, 3), (2, 3)), flow)
    torch.testing.assert_close(back[..., :10, :14], image[..., :10, :14], atol=1e-5, rtol=0)


def test_outside_is_the_nearest_edge_pixel():
    image = torch.rand(1, 1, 5, 5)
    far = torch.full((1, 2, 5, 5), 100.0)
    torch.testing.assert_close(backward_warp(image, far), image[..., -1:, -1:].expand_as(image))


@pytest.mark.parametrize("size", [(1, 1), (1, 6), (6, 1)])
def test_one_pixel_sides_are_taken(size):
    image = torch.rand(1, 3, *size)
    torch.testing.assert_close(backward_warp(image, torch.zeros(1, 2, *size)), image)


def test_warping_is_the_transpose_of_summing_splats():
    generator = torch.Generator().manual_seed(0)
    a, b = torch.rand(1, 1, 9, 9, generator=generator), torch.rand(1, 1, 9, 9, generator=generator)
    inside = pixel_grid(a)
    flow = (inside + torch.randn(1, 2, 9, 9, generator=generator)).clamp(0, 8) - inside
    left = (splat(a, flow, mode="sum") * b).sum()
    right = (a * backward_warp(b, flow)).sum()
    torch.testing.assert_close(left, right, atol=1e-4, rtol=1e-4)


def test_resized_flow_points_to_the_same_place():
    flow = torch.ones(1, 2, 6, 8)
    wide = resize_flow(flow, (12, 24))
    assert wide.shape == (1, 2, 12, 24)
    assert wide[0, 0].unique().tolist() == pytest.approx([3.0])
    assert wide[0, 1].unique().tolist() == pytest.approx([2.0])
    assert resize_flow(flow, (6, 8)) is flow


def test_flow_at_t_is_a_share_of_the_way():
    assert torch.equal(flow_at(torch.full((1, 2, 2, 2), 8.0), 0.25), torch.full((1, 2, 2, 2), 2.0))


def test_wrong_shapes_are_refused():
    with pytest.raises(ShapeError):
        backward_warp(torch.rand(1, 3, 4, 4), torch.rand(1, 2, 4, 5))
