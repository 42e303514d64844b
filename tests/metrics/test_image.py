"""Image metrics: known values, symmetry, order, and agreement with their definitions."""

import numpy as np
import pytest
from scipy.ndimage import convolve1d
from skimage.metrics import peak_signal_noise_ratio

from nakawari.errors import ShapeError
from nakawari.metrics.image import PSNR_CAP_DB, ie, psnr, ssim, ssim_paper

ALL = (psnr, ssim, ssim_paper, ie)
EQUAL = {psnr: PSNR_CAP_DB, ssim: 1.0, ssim_paper: 1.0, ie: 0.0}


def picture(seed: int, shape: tuple[int, ...] = (24, 31, 3)) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


@pytest.mark.parametrize("metric", ALL)
def test_equal_frames_score_best(metric) -> None:
    for frame in (picture(0), picture(0).astype(np.uint16) * 257, picture(0) / 255.0, np.zeros((11, 11, 3))):
        assert metric(frame, frame) == pytest.approx(EQUAL[metric], abs=1e-12)


@pytest.mark.parametrize("metric", ALL)
def test_symmetric(metric) -> None:
    assert metric(picture(1), picture(2)) == pytest.approx(metric(picture(2), picture(1)), rel=1e-12)


@pytest.mark.parametrize("metric", ALL)
def test_one_scale_for_all_types(metric) -> None:
    one, other = picture(3), picture(4)
    value = metric(one, other)
    assert metric(one.astype(np.uint16) * 257, other.astype(np.uint16) * 257) == pytest.approx(value)
    assert metric(one / 255.0, other / 255.0) == pytest.approx(value)
    assert metric((one / 255).astype(np.float32), (other / 255).astype(np.float32)) == pytest.approx(
        value, rel=1e-4
    )


@pytest.mark.parametrize("metric", ALL)
def test_more_noise_is_never_better(metric) -> None:
    truth = np.full((32, 32, 3), 0.5)
    noise = np.random.default_rng(5).uniform(-0.4, 0.4, truth.shape)
    values = [metric(truth + amount * noise, truth) for amount in (0.0, 0.1, 0.3, 1.0)]
    assert values == sorted(values, reverse=metric is not ie)
    assert len(set(values)) == 4


def test_psnr_by_hand() -> None:
    truth = np.zeros((8, 8, 3))
    assert psnr(truth + 0.1, truth) == pytest.approx(20.0)
    assert psnr(truth + 1.0, truth) == pytest.approx(0.0)
    half = truth.copy()
    half[:4, :, 0] = 1.0  # a sixth of all samples is wrong by the whole range
    assert psnr(half, truth) == pytest.approx(10 * np.log10(6))


def test_psnr_is_scikit_images_and_never_above_the_cap() -> None:
    one, other = picture(6), picture(7)
    assert psnr(one, other) == pytest.approx(peak_signal_noise_ratio(other, one))
    nearly = np.full((8, 8, 3), 0.5)
    assert psnr(nearly + 1e-9, nearly) == PSNR_CAP_DB


def test_ie_by_hand() -> None:
    truth = np.zeros((4, 6, 3), np.uint8)
    made = truth.copy()
    made[0, 0] = (3, 4, 12)  # length 13
    assert ie(made, truth) == pytest.approx(13 / 24)
    made[:] = (0, 7, 0)
    assert ie(made, truth) == pytest.approx(7)


def _ssim_by_definition(x: np.ndarray, y: np.ndarray, kernel: np.ndarray, data_range: float, sample: float):
    def mean(image: np.ndarray) -> np.ndarray:
        return convolve1d(convolve1d(image, kernel, axis=0), kernel, axis=1)

    mx, my = mean(x), mean(y)
    vx, vy, vxy = (sample * (mean(a * b) - p * q) for a, b, p, q in
                   ((x, x, mx, mx), (y, y, my, my), (x, y, mx, my)))  # fmt: skip
    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    index = (2 * mx * my + c1) * (2 * vxy + c2) / ((mx**2 + my**2 + c1) * (vx + vy + c2))
    inside = kernel.size // 2
    return index[inside:-inside, inside:-inside].mean()


def test_ssim_is_the_published_formula() -> None:
    one, other = picture(8) / 255.0, picture(9) / 255.0
    other = 0.7 * one + 0.3 * other
    offsets = np.arange(-5, 6)
    gaussian = np.exp(-(offsets**2) / (2 * 1.5**2))
    gaussian /= gaussian.sum()
    expected = np.mean(
        [_ssim_by_definition(one[..., c], other[..., c], gaussian, 1.0, 1.0) for c in range(3)]
    )
    assert ssim(one, other) == pytest.approx(expected, rel=1e-9)
    box = np.full(7, 1 / 7)
    expected = np.mean([_ssim_by_definition(one[..., c], other[..., c], box, 2.0, 49 / 48) for c in range(3)])
    assert ssim_paper(one, other) == pytest.approx(expected, rel=1e-9)


def test_ssim_paper_is_the_kinder_one() -> None:
    truth = np.random.default_rng(10).uniform(0.4, 0.6, (40, 40, 3))
    made = truth + np.random.default_rng(11).normal(0, 0.03, truth.shape)
    assert ssim_paper(made, truth) > ssim(made, truth)


@pytest.mark.parametrize("metric", ALL)
def test_frames_that_do_not_match_are_refused(metric) -> None:
    frame = picture(12)
    for made in (frame[:-1], frame / 255.0, np.concatenate([frame, frame[..., :1]], 2), frame[..., 0]):
        with pytest.raises(ShapeError, match="wanted"):
            metric(made, frame)


@pytest.mark.parametrize(("metric", "side"), [(ssim, 11), (ssim_paper, 7)])
def test_a_window_needs_room(metric, side: int) -> None:
    assert metric(picture(0, (side, side, 3)), picture(0, (side, side, 3))) == 1
    small = picture(0, (side - 1, 40, 3))
    with pytest.raises(ShapeError, match=f"wanted at least {side}x{side}"):
        metric(small, small)
