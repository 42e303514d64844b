"""Bands of rows on all cores, for all who ask at once."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from nakawari.ops.compiled import in_bands


@pytest.fixture(autouse=True)
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("length", [1, 16, 33, 100])
def test_bands_cover_every_row_once(length):
    rows = [0] * length

    def work(start, stop):
        for row in range(start, stop):
            rows[row] += 1

    in_bands(work, length)
    assert rows == [1] * length


def test_an_error_in_any_band_is_raised():
    for broken in (0, 50):

        def work(start, stop, broken=broken):
            if start == broken:
                raise ValueError("broken")

        with pytest.raises(ValueError, match="broken"):
            in_bands(work, 100)


def test_whoever_calls_works_as_well():
    """As many as ask at once are at work at once, however few threads the bands have."""
    meet = threading.Barrier(3)

    def asks(_):
        caller = threading.current_thread()

        def work(start, stop):
            if threading.current_thread() is caller:
                meet.wait(60)

        in_bands(work, 100)

    with ThreadPoolExecutor(3, initializer=torch.set_num_threads, initargs=(2,)) as pool:
        list(pool.map(asks, range(3)))
