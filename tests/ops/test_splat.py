"""Every backend of splatting gives the reference's values and gradients."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from nakawari.errors import InputError, ShapeError
from nakawari.ops.compiled import in_bands
from nakawari.ops.splat import cpu, divide, reference, splat, splat_sums
from nakawari.optional import available

SIZES = [(1, 3, 7, 9), (2, 5, 33, 47), (1, 1, 1, 1), (1, 2, 1, 19), (1, 2, 19, 1), (1, 4, 40, 1030)]
TOLERANCE = {"atol": 2e-5, "rtol": 2e-5}


def some(size, seed=0):
    batch, _, height, width = size
    generator = torch.Generator().manual_seed(seed)
    source = torch.randn(size, generator=generator)
    flow = 4 * torch.randn(batch, 2, height, width, generator=generator)
    flow[0, 0, 0, 0] = float("nan")
    flow[0, 1, -1, -1] = float("inf")
    weight = torch.rand(batch, 1, height, width, generator=generator)
    return source, flow, weight


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_values_and_gradients_are_those_of_the_reference(size):
    ours = [tensor.clone().requires_grad_() for tensor in some(size)]
    theirs = [tensor.clone().requires_grad_() for tensor in some(size)]
    got, wanted = splat_sums(*ours), reference.splat_sums(*theirs)
    pull = [torch.randn(tensor.shape, generator=torch.Generator().manual_seed(1)) for tensor in got]
    torch.autograd.backward(got, pull)
    torch.autograd.backward(wanted, pull)
    for a, b in zip([*got, *(x.grad for x in ours)], [*wanted, *(x.grad for x in theirs)], strict=True):
        torch.testing.assert_close(a, b, **TOLERANCE)


def lone_pixel(sums, column, move):
    """What a pixel of 1 leaves left and right of where it lands, and its gradients."""
    source, flow = torch.zeros(1, 1, 1, column + 9), torch.zeros(1, 2, 1, column + 9)
    source[..., column], flow[0, 0, 0, column] = 1, move
    source.requires_grad_()
    flow.requires_grad_()
    landed = sums(source, flow, torch.ones_like(source))[0].flatten()
    landed.dot(torch.arange(len(landed)).remainder(7).float()).backward()
    at = column + int(torch.tensor(move).floor())
    found = landed[at], landed[at + 1], source.grad[0, 0, 0, column], flow.grad[0, 0, 0, column]
    return [number.item() for number in found]


@pytest.mark.parametrize("sums", [splat_sums, reference.splat_sums], ids=["fast", "reference"])
@pytest.mark.parametrize("move", [3.7001, -2.0000001, -1e-9, 1e-9, 0.99999994])
def test_shares_do_not_depend_on_the_place(sums, move):
    found = lone_pixel(sums, 10, move)
    assert found == lone_pixel(sums, 8011, move)  # where float32 tells places 0.0005 pixels apart
    exact = torch.tensor(move).double()
    assert found[:2] == [share.float() for share in (exact.floor() + 1 - exact, exact - exact.floor())]


@pytest.mark.parametrize("size", SIZES[:2], ids=str)
def test_the_written_backward_is_the_autograd_of_the_reference(size):
    inputs = [tensor.double().requires_grad_() for tensor in some(size)]
    outputs = reference.splat_sums(*inputs)
    pull = [torch.randn_like(tensor) for tensor in outputs]
    wanted = torch.autograd.grad(outputs, inputs, pull)
    got = reference.splat_sums_backward(*pull, *(tensor.detach() for tensor in inputs))
    for a, b in zip(got, wanted, strict=True):
        torch.testing.assert_close(a, b)


def test_threads_do_not_change_a_bit():
    inputs = some((1, 3, 90, 61))
    before = torch.get_num_threads()
    try:
        results = []
        for threads in (1, 2, 5):
            torch.set_num_threads(threads)
            results.append(
                (*cpu.splat_sums(*inputs), *cpu.splat_sums_backward(*inputs[:1], inputs[2], *inputs))
            )
    finally:
        torch.set_num_threads(before)
    for other in results[1:]:
        assert all(torch.equal(a, b) for a, b in zip(results[0], other, strict=True))


def test_a_whole_pixel_flow_moves_the_picture():
    source = torch.rand(1, 3, 20, 30)
    flow = torch.zeros(1, 2, 20, 30)
    flow[:, 0], flow[:, 1] = 4, -3
    moved = splat(source, flow)
    assert torch.equal(moved[..., :17, 4:], source[..., 3:, :26])
    assert not moved[..., 17:, :].any()
    assert not moved[..., :4].any()


@pytest.mark.parametrize("offset", [-1e4, 0.0, 1e4])
def test_the_more_important_wins_at_any_level(offset):
    source = torch.tensor([1.0, 0.0]).view(1, 1, 1, 2)
    flow = torch.zeros(1, 2, 1, 2)
    flow[..., 0, 0, 0] = 1  # both land on the right pixel
    weight = torch.tensor([30.0, 0.0]).view(1, 1, 1, 2) + offset
    assert splat(source, flow, weight)[0, 0, 0].tolist() == pytest.approx([0.0, 1.0], abs=1e-6)
    assert splat(source, flow, -weight)[0, 0, 0].tolist() == pytest.approx([0.0, 0.0], abs=1e-6)
    assert splat(source, flow)[0, 0, 0].tolist() == pytest.approx([0.0, 0.5])


def test_modes_agree_where_they_should():
    source, flow, weight = some((1, 3, 24, 31))
    torch.testing.assert_close(
        splat(source, flow, weight.log(), "softmax"), splat(source, flow, weight, "linear")
    )
    torch.testing.assert_close(splat(source, flow), splat(source, flow, torch.full_like(weight, 7.0)))
    torch.testing.assert_close(splat(source, flow, mode="sum"), splat_sums(source, flow)[0])


def test_softmax_gradients_reach_all_inputs():
    inputs = [tensor[:, :, 1:-1, 1:-1].double().requires_grad_() for tensor in some((1, 2, 7, 8))]
    assert torch.autograd.gradcheck(lambda s, f, w: splat(s, f * 0.3, w), inputs, atol=1e-4)


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float64])
def test_number_types_are_kept(kind):
    source, flow, weight = (tensor.to(kind) for tensor in some((1, 3, 9, 9)))
    assert splat(source, flow, weight).dtype == kind


def test_wrong_arguments_are_refused():
    source, flow, weight = some((1, 3, 6, 6))
    with pytest.raises(ShapeError, match="Add a batch axis"):
        splat(source, flow[0])
    with pytest.raises(ShapeError, match="wanted the batch and size"):
        splat(source, flow[..., 1:])
    with pytest.raises(ShapeError, match="weight is"):
        splat(source, flow, weight[..., 1:])
    with pytest.raises(InputError, match="mode is 'max'"):
        splat(source, flow, weight, "max")
    with pytest.raises(InputError, match="softmax and linear need one"):
        splat(source, flow, None, "softmax")
    with pytest.raises(InputError, match="average and sum none"):
        splat(source, flow, weight, "sum")


def test_bands_cover_every_row_once():
    seen = []
    in_bands(lambda top, bottom: seen.extend(range(top, bottom)), 101, smallest=10)
    assert sorted(seen) == list(range(101))


def test_compiled_code_is_kept_in_the_users_cache(tmp_path):
    if os.environ.get("NUMBA_CACHE_DIR"):
        pytest.skip("NUMBA_CACHE_DIR is set and wins over the user's cache")
    code = (
        "from nakawari.machine_code import cache_folder; print(cache_folder())\n"
        "from nakawari.video import conversion; from nakawari.data.cartoon import compose, cpu\n"
        "for kernel in conversion._chroma_row, compose.compose, cpu._spread: print(kernel.stats.cache_path)"
    )
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    found = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    folder, *kernels = map(Path, found.stdout.splitlines())
    assert folder == tmp_path / "nakawari" / "numba"
    assert len(kernels) == 3
    assert all(folder in kernel.parents for kernel in kernels)  # the package may be read-only
    assert any((Path(cpu._forward.stats.cache_path)).glob("cpu._forward*.nbi"))


TWIN = """
import torch
from nakawari.ops.splat import cuda, reference
from tests.ops.test_splat import SIZES, TOLERANCE, some
far = torch.zeros(1, 1, 1, 9000), torch.full((1, 2, 1, 9000), 0.7001), torch.ones(1, 1, 1, 9000)
far[0][..., 8000], far[1][:, 1] = 1, 0
for inputs in [*(some(size) for size in SIZES[:5]), far]:
    got, wanted = cuda.splat_sums(*inputs), reference.splat_sums(*inputs)
    pull = [torch.randn_like(tensor) for tensor in wanted]
    got += cuda.splat_sums_backward(*pull, *inputs)
    wanted += reference.splat_sums_backward(*pull, *inputs)
    for a, b in zip(got, wanted, strict=True):
        torch.testing.assert_close(a, b, **TOLERANCE)
"""


@pytest.mark.skipif(not available("triton"), reason="triton is not installed")
def test_the_gpu_twin_agrees_when_interpreted():
    root = Path(__file__).parents[2]
    environment = {
        **os.environ,
        "TRITON_INTERPRET": "1",
        "PYTHONPATH": f"{root}:{os.environ.get('PYTHONPATH', '')}",
    }
    done = subprocess.run(
        [sys.executable, "-c", TWIN], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_gradients_stay_finite_where_hardly_anything_lands():
    source = torch.rand(1, 3, 8, 8, requires_grad=True)
    flow = torch.zeros(1, 2, 8, 8, requires_grad=True)
    weight = torch.zeros(1, 1, 8, 8)
    weight[0, 0, 3, 3] = 1e-28
    weight.requires_grad_()
    sums, mass = splat_sums(source, flow, weight)
    made = divide(sums, mass)
    assert torch.allclose(made[0, :, 3, 3], source[0, :, 3, 3])
    made.sum().backward()
    for tensor in (source, flow, weight):
        assert tensor.grad.isfinite().all()
