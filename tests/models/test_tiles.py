"""Tiles: they cover the picture once, fade into each other, and are as large as memory lets them be."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from nakawari.errors import InputError
from nakawari.models import CATALOG, load
from nakawari.models.base import Drawn, Interpolator
from nakawari.models.costs import BYTES_PER_PX
from nakawari.models.tiles import lay_out, parse_memory, parse_tile, side_for
from tests.models.seeded import picture


class Blur(Interpolator):
    """Looks 20 px around."""

    multiple = 16
    overlap_px = 96

    def _prepare(self, image0, image1, features0, features1):
        return None

    def _at(self, state, t, image0, image1):
        padded = F.pad(image0.lerp(image1, t), (20, 20, 20, 20), mode="replicate")
        return Drawn(F.avg_pool2d(F.avg_pool2d(padded, (41, 1), 1), (1, 41), 1))


@pytest.mark.parametrize("size", [(64, 64), (400, 1008), (416, 96), (800, 800)])
@pytest.mark.parametrize(("tile", "overlap"), [(384, 128), (256, 128)])
def test_tiles_cover_everything_within_the_picture(size, tile, overlap):
    total = torch.zeros(size)
    for (rows, columns), weight in lay_out(size, tile, overlap, 16):
        assert (rows.start % 16, columns.start % 16) == (0, 0)
        assert weight.shape == total[rows, columns].shape
        total[rows, columns] += weight
    assert total.min() > 0.2


@pytest.mark.parametrize("shape", [(1, 3), (2, 4)])
def test_tiles_are_the_whole_where_a_model_does_not_look_further(shape):
    frames = [picture(300, 400, seed).repeat(shape[0], 2, 1, 1)[:, : shape[1]] for seed in (1, 2)]
    model = Blur("blur")
    whole = model(*frames, 0.3)
    model.adjust(tile=208)
    pair = model.prepare(*frames)
    assert pair.tile == 208
    error = (model.at(pair, 0.3) - whole).square().mean()
    assert error < 1e-7  # more than 70 dB


def test_auto_goes_by_memory_and_off_is_whole():
    frames = [picture(600, 900, seed) for seed in (1, 2)]
    model = Blur("blur")
    model.bytes_per_px = 1000
    model.adjust(memory="400M")
    assert model.prepare(*frames).tile == 640
    model.adjust(memory="2G")
    assert model.prepare(*frames).tile is None
    model.adjust(memory=400, tile="off")
    assert model.prepare(*frames).tile is None
    model.adjust(memory="30M", tile="auto")
    with pytest.raises(InputError, match=r"memory is 30 MiB; the smallest tile, 192 px, takes"):
        model.prepare(*frames)


def test_a_tile_is_as_large_as_memory_lets_it_be():
    side = side_for(2**30, 2600, 256, 64)
    assert side % 64 == 0
    assert side**2 * 2600 <= 2**30 < (side + 64) ** 2 * 2600


@pytest.mark.parametrize("value", ["nothing", "0", "-3", "4.5"])
def test_what_is_no_tile_is_refused(value):
    with pytest.raises(InputError, match="wanted auto, off or a side"):
        parse_tile(value)


@pytest.mark.parametrize(
    ("text", "mib"), [("4G", 4096), ("800M", 800), ("512", 512), ("1.5GiB", 1536), (64, 64)]
)
def test_memory_is_read(text, mib):
    assert parse_memory(text) == mib * 2**20


@pytest.mark.parametrize("value", ["much", "0", "-1G", "4T"])
def test_what_is_no_memory_is_refused(value):
    with pytest.raises(InputError, match="wanted such as 4G"):
        parse_memory(value)


def test_every_network_with_weights_of_others_has_a_cost():
    assert {row.name for row in CATALOG if row.family in ("rife", "film")} == set(BYTES_PER_PX)


def test_any_model_is_drawn_in_tiles():
    frames = [(picture(400, 600, seed)[0].permute(1, 2, 0).numpy() * 255).astype("uint8") for seed in (1, 2)]
    whole, tiled = load("blend", device="cpu"), load("blend", device="cpu", tile=256)
    assert abs(whole(*frames).astype(int) - tiled(*frames)).max() <= 1
