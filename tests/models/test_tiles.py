"""Windows: every model draws in them what it draws whole, and they are as large as memory lets them be."""

from __future__ import annotations

import mmap

import pytest
import torch
import torch.nn.functional as F

from nakawari.errors import BackendError, InputError
from nakawari.models import CATALOG, load
from nakawari.models.base import Drawn, Interpolator
from nakawari.models.costs import COSTS, Cost
from nakawari.models.tiles import LEAST, in_windows, parse_memory, parse_tile, resident_bytes, side_for
from tests.models.seeded import picture
from tests.models.test_contract import NETWORKS, opened

DRAWING = [name for name in NETWORKS if name != "animeinterp-gma"]  # that one paints as animeinterp does


class Blur(Interpolator):
    """Looks 20 px around, and can run out of memory."""

    multiple = 16
    windowed = True
    cost = Cost(1000, 100)
    most = 10**9

    def _prepare(self, image0, image1, features0, features1):
        return None

    def _at(self, state, t, image0, image1):
        mixed = image0.lerp(image1, t)

        def draw(box):
            part = box.crop(mixed)
            if part.numel() > self.most:
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB.")
            padded = F.pad(part, (20, 20, 20, 20))
            return F.avg_pool2d(F.avg_pool2d(padded, (41, 1), 1), (1, 41), 1)

        return Drawn(in_windows(draw, mixed.shape, self.side, 20, self.multiple))


@pytest.mark.parametrize("name", DRAWING)
@pytest.mark.parametrize("size", [(72, 560), (560, 72)])
def test_windows_are_the_whole_for_every_network(name, size, tmp_path):
    frames = picture(*size, 1), picture(*size, 2)
    model = opened(name, tmp_path)
    whole = model(*frames, 0.3)
    model.adjust(tile=LEAST)
    pair = model.prepare(*frames)
    assert pair.tile == (LEAST if model.windowed else None)
    error = (model.at(pair, 0.3) - whole).square().mean()
    assert error < 1e-6  # more than 60 dB


@pytest.mark.parametrize("size", [(64, 64), (400, 1008), (416, 96), (800, 801)])
@pytest.mark.parametrize(("side", "around", "aligned"), [(256, 20, 16), (300, 128, 64), (256, 0, 1)])
def test_windows_cover_everything_once_and_nothing_outside(size, side, around, aligned):
    asked = []

    def draw(box):
        asked.append(box)
        assert (box.top % aligned, box.left % aligned) == (0, 0)
        assert box.top >= 0
        assert box.bottom <= size[0]
        assert box.right <= size[1]
        return torch.ones(1, 1, box.bottom - box.top, box.right - box.left)

    assert torch.equal(in_windows(draw, size, side, around, aligned), torch.ones(1, 1, *size))
    assert max(box.bottom - box.top for box in asked) <= max(side, aligned + 2 * around)


@pytest.mark.parametrize("shape", [(1, 3), (2, 4)])
def test_alpha_and_batches_are_drawn_in_windows(shape):
    frames = [picture(300, 600, seed).repeat(shape[0], 2, 1, 1)[:, : shape[1]] for seed in (1, 2)]
    model = Blur("blur")
    whole = model(*frames, 0.3)
    model.adjust(tile=1)
    assert model.prepare(*frames).tile == LEAST
    assert (model(*frames, 0.3) - whole).abs().max() < 1e-5


def test_auto_goes_by_memory_and_off_is_whole(monkeypatch):
    monkeypatch.setattr("nakawari.models.tiles.resident_bytes", lambda: 100 * 2**20)
    frames = [picture(608, 912, seed) for seed in (1, 2)]
    model = Blur("blur")
    model.adjust(memory="530M")
    assert model.prepare(*frames).tile == 576
    model.adjust(memory="2G")
    assert model.prepare(*frames).tile is None
    model.adjust(memory=500, tile="off")
    assert model.prepare(*frames).tile is None
    model.adjust(memory="159M", tile="auto")
    with pytest.raises(InputError, match=r"drawing may take 6 MiB; 912x608 takes 194 MiB in the smallest"):
        model.prepare(*frames)


def test_what_is_reserved_is_left_to_others_and_what_is_left_is_kept(monkeypatch):
    monkeypatch.setattr("nakawari.models.tiles.resident_bytes", lambda: 100 * 2**20)
    frames = [picture(608, 912, seed) for seed in (1, 2)]
    model = Blur("blur")
    model.reserve((608, 912), 2**40)  # nothing is limited
    model.adjust(memory="530M")
    with pytest.raises(
        InputError, match=r"530 MiB; blur takes 594 MiB at least for 912x608: 100 MiB for itself"
    ):
        model.reserve((600, 900), 300 * 2**20)
    model.reserve((600, 900), 100 * 2**20)
    first = model.prepare(*frames).tile
    assert LEAST <= first < 576  # which it is without others
    monkeypatch.setattr("nakawari.models.tiles.resident_bytes", lambda: 500 * 2**20)
    assert model.prepare(*(frame[..., :800] for frame in frames)).tile >= first
    model.adjust(tile="off")
    with pytest.raises(InputError, match="at least"):
        model.reserve((600, 900), 0)


def test_the_side_is_chosen_once_so_that_no_later_pair_is_refused(monkeypatch):
    monkeypatch.setattr("nakawari.models.tiles.resident_bytes", lambda: 100 * 2**20)
    model = Blur("blur")
    model.adjust(memory="450M")
    frames = [picture(608, 912, seed) for seed in (1, 2)]
    before = model.prepare(*frames).tile
    monkeypatch.setattr("nakawari.models.tiles.resident_bytes", lambda: 390 * 2**20)
    assert model.prepare(*frames).tile == before is not None


def test_a_window_is_as_large_as_memory_lets_it_be():
    cost, size = Cost(2600, 260), (2160, 3840)
    side = side_for(4 * 2**30, cost, size)
    held = 260 * 2160 * 3840
    assert side % 64 == 0
    assert held + side**2 * 2600 <= 4 * 2**30 < held + (side + 64) ** 2 * 2600


def test_a_full_gpu_gets_smaller_windows_from_then_on_and_it_is_said():
    frames = [picture(600, 900, seed) for seed in (1, 2)]
    model = Blur("blur")
    whole = model(*frames, 0.3)
    model.most = 3 * 480**2
    pair = model.prepare(*frames)
    assert pair.tile is None
    assert (model.at(pair, 0.3) - whole).abs().max() < 1e-5
    assert pair.tile == 448
    assert model.notes() == ["the memory of cpu was too small; drawn in tiles of 448 px."]
    assert model.prepare(*frames).tile == 448


def test_a_gpu_that_is_too_small_for_the_smallest_windows_is_an_error():
    model = Blur("blur")
    model.most = 10
    with pytest.raises(BackendError, match=r"memory of cpu is too small for pictures of 912x608 \(CUDA out"):
        model(picture(600, 900, 1), picture(600, 900, 2))


def test_memory_may_run_out_while_a_pair_is_prepared():
    class Greedy(Blur):
        def _prepare(self, image0, image1, features0, features1):
            if self.side is None:
                raise torch.OutOfMemoryError("out of memory")

    model = Greedy("greedy")
    assert model.prepare(picture(600, 900, 1), picture(600, 900, 2)).tile == 448


def test_what_a_process_holds_is_known():
    before, size = resident_bytes(), 2**26
    with mmap.mmap(-1, size) as fresh:  # what an allocator gives may have been held before
        fresh.write(b"x" * size)
        assert resident_bytes() - before > 0.9 * size


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


def test_every_model_has_a_cost():
    assert {row.name for row in CATALOG} == set(COSTS)


def test_a_picture_that_is_drawn_whole_is_refused_before_the_system_ends_the_process(monkeypatch, caplog):
    monkeypatch.setattr("nakawari.models.tiles.free_bytes", lambda *_: 10 * 2**20)
    model = load("classic", device="cpu")
    model.foresee((4320, 7680))
    assert "to draw all of 7680x4320" in caplog.text
    frames = torch.rand(2, 1, 3, 512, 640)
    with pytest.raises(InputError, match="classic takes 75 MiB to draw 640x512, and 17 MiB are free"):
        model(frames[0], frames[1], 0.5)
    caplog.clear()
    monkeypatch.setattr("nakawari.models.tiles.free_bytes", lambda *_: 100 * 2**20)
    model.foresee((512, 640))
    assert not caplog.text
    model(frames[0], frames[1], 0.5)


def test_a_tile_for_whole_pictures_is_remarked_upon():
    model = load("classic", device="cpu", tile=256)
    assert "draws whole pictures" in model.remarks["tile"]
    assert "tile" not in load("classic", device="cpu", tile="auto").remarks
