"""Local correlation: the compiled twin gives the reference's values and gradients."""

import pytest
import torch

from nakawari.errors import InputError, ShapeError
from nakawari.ops.correlation import local_correlation, reference


@pytest.mark.parametrize("radius", [0, 1, 3])
@pytest.mark.parametrize("size", [(1, 4, 9, 13), (2, 3, 33, 47), (1, 1, 1, 1), (1, 5, 2, 30)], ids=str)
def test_values_and_gradients_are_those_of_the_reference(size, radius):
    maps = [torch.randn(size, generator=torch.Generator().manual_seed(n)) for n in range(2)]
    ours = [x.clone().requires_grad_() for x in maps]
    theirs = [x.clone().requires_grad_() for x in maps]
    got, wanted = local_correlation(*ours, radius), reference.local_correlation(*theirs, radius)
    pull = torch.randn(got.shape, generator=torch.Generator().manual_seed(3))
    got.backward(pull)
    wanted.backward(pull)
    torch.testing.assert_close(got, wanted, atol=1e-5, rtol=1e-5)
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a.grad, b.grad, atol=1e-5, rtol=1e-5)


def test_a_shifted_map_agrees_best_at_its_shift():
    features = torch.nn.functional.normalize(torch.randn(1, 16, 20, 20), dim=1)
    moved = torch.roll(features, (1, -2), (2, 3))
    best = local_correlation(features, moved, 3)[:, :, 5:15, 5:15].argmax(1)
    assert (best == (1 + 3) * 7 + (-2 + 3)).all()


def test_other_types_run_the_reference():
    maps = [torch.randn(1, 3, 6, 7, dtype=torch.float64) for _ in range(2)]
    torch.testing.assert_close(local_correlation(*maps, 1), reference.local_correlation(*maps, 1))


def test_what_does_not_fit_is_refused():
    with pytest.raises(ShapeError, match="features1 is"):
        local_correlation(torch.zeros(1, 2, 3, 4), torch.zeros(1, 2, 3, 5), 1)
    with pytest.raises(InputError, match="radius"):
        local_correlation(torch.zeros(1, 2, 3, 4), torch.zeros(1, 2, 3, 4), -1)
