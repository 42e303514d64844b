"""The search: exact on what pans, at any size, and around what everything does."""

import cv2
import numpy as np
import pytest

from nakawari.ops.search import global_shift, search_both


def texture(height, width, seed=0):
    random = np.random.default_rng(seed)
    small = random.integers(0, 256, (height // 8, width // 8, 3), np.uint8)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)


def test_global_shift_is_of_everything_or_of_nothing():
    wide = cv2.cvtColor(texture(160, 400), cv2.COLOR_RGB2GRAY)
    assert global_shift(wide[:, 60:300], wide[:, 12:252]) == pytest.approx((48, 0), abs=1)
    over_painting = [wide[:, :240].copy(), wide[:, :240].copy()]
    over_painting[0][60:90, 40:70] = 255
    over_painting[1][60:90, 80:110] = 255
    assert global_shift(*over_painting) == (0, 0)


@pytest.mark.parametrize("by", [3, 48, 90])
def test_a_pan_is_found_both_ways_however_fast(by):
    wide = texture(160, 400, seed=2)
    flow01, flow10 = search_both(wide[:, by : by + 240].copy(), wide[:, :240].copy())
    for flow, wanted in ((flow01, by), (flow10, -by)):
        inner = flow[:, 40:120, 100:140]
        assert float((inner[0] - wanted).abs().median()) < 0.3
        assert float(inner[1].abs().median()) < 0.3


@pytest.mark.parametrize("size", [(1, 1), (5, 90), (47, 31)], ids=str)
def test_any_size_will_do(size):
    frame = np.zeros((*size, 3), np.uint8)
    for flow in search_both(frame, frame):
        assert tuple(flow.shape) == (2, *size)
        assert float(flow.abs().max()) < 1e-3
