"""Guides on disk: small, near to what went in, the same in every crop; the published layout as well."""

from __future__ import annotations

import numpy as np
import pytest

from nakawari.data import guides
from nakawari.errors import InputError, ShapeError

SIZE = (270, 480)


def pieces_and_flow(seed, size=SIZE, count=40):
    """Overlapping discs with smooth flow of their own; everything else stands still."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[: size[0], : size[1]]
    labels, flow = np.zeros(size, np.int32), np.zeros((2, *size), np.float32)
    for k in range(1, count + 1):
        centre, radius = random.uniform((0, 0), size), random.uniform(4, min(size) / 4)
        inside = np.hypot(y - centre[0], x - centre[1]) < radius
        labels[inside] = 3 * k  # numbers need not be without gaps
        slope = random.normal(0, 0.02, (2, 2))
        base = random.normal(0, 30, 2)
        for axis in (0, 1):
            bent = base[axis] + slope[axis, 0] * (y - centre[0]) + slope[axis, 1] * (x - centre[1])
            flow[axis][inside] = bent[inside]
    return labels, flow


@pytest.fixture(scope="module")
def pair():
    one, other = pieces_and_flow(0), pieces_and_flow(1)
    return (one[1], other[1]), (one[0], other[0])


def test_flow_comes_back_nearly_and_is_zero_where_it_was(pair, tmp_path):
    flows, pieces = pair
    size = guides.write_guide(tmp_path / guides.FILE, flows, pieces, {"preset": "official"})
    assert size == (tmp_path / guides.FILE).stat().st_size <= guides.LARGEST_BYTES
    found = guides.find_guide(tmp_path)
    assert found.facts["preset"] == "official"
    for flow, labels, read in zip(flows, pieces, (found.flow01, found.flow10), strict=True):
        assert read.dtype == np.float32
        assert (read[:, labels == 0] == 0).all()
        off = np.hypot(*(read - flow))[labels > 0]
        assert off.mean() < 0.1
        assert off.max() < 1


@pytest.mark.parametrize("crop", [(13, 200, 51, 431), (0, 1, 0, 1), (269, 270, 479, 480)])
def test_a_crop_is_what_the_whole_has_there(pair, tmp_path, crop):
    flows, pieces = pair
    guides.write_guide(tmp_path / guides.FILE, flows, pieces, {})
    guides.write_published(tmp_path, flows)
    window = slice(*crop[:2]), slice(*crop[2:])
    for read in (guides.read_guide, lambda path, crop=None: guides.read_published(path.parent, crop)):
        whole, part = read(tmp_path / guides.FILE), read(tmp_path / guides.FILE, window)
        assert (part.flow01 == whole.flow01[:, window[0], window[1]]).all()
        assert (part.flow10 == whole.flow10[:, window[0], window[1]]).all()


def test_a_coarser_grid_is_taken_where_the_file_would_be_too_large(monkeypatch, tmp_path):
    random = np.random.default_rng(0)
    labels = np.ones(SIZE, np.int32)
    rough = random.normal(0, 20, (2, *SIZE)).astype(np.float32)
    monkeypatch.setattr(guides, "LARGEST_BYTES", 20_000)
    size = guides.write_guide(tmp_path / "rough", (rough, rough), (labels, labels), {})
    assert size <= 20_000
    assert int(guides.read_facts(tmp_path / "rough")["cell"]) > 3
    smooth = np.zeros_like(rough)
    guides.write_guide(tmp_path / "smooth", (smooth, smooth), (labels, labels), {})
    assert guides.read_facts(tmp_path / "smooth")["cell"] == "2"


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (5, 3), (64, 64)], ids=str)
def test_any_size_and_no_flow_at_all(size, tmp_path):
    still, none = np.zeros((2, *size), np.float32), np.zeros(size, np.int32)
    moved, every = np.full((2, *size), -3.25, np.float32), np.ones(size, np.int32)
    guides.write_guide(tmp_path / "guide", (still, moved), (none, every), {})
    found = guides.read_guide(tmp_path / "guide")
    assert (found.flow01 == 0).all()
    assert (found.flow10 == -3.25).all()


def test_many_pieces_have_two_bytes(tmp_path):
    labels = np.arange(40 * 50, dtype=np.int32).reshape(40, 50)
    flow = np.stack([labels % 97, labels % 31]).astype(np.float32) * (labels > 0)
    guides.write_guide(tmp_path / "guide", (flow, flow), (labels, labels), {})
    assert (guides.read_guide(tmp_path / "guide").flow01 == flow).all()


def test_the_published_layout_is_two_arrays_of_doubles(pair, tmp_path):
    flows, _ = pair
    assert guides.find_guide(tmp_path) is None
    guides.write_published(tmp_path, flows)
    stored = np.load(tmp_path / "guide_flo13.npy")
    assert stored.dtype == np.float64
    assert stored.shape == (2, *SIZE)
    found = guides.find_guide(tmp_path)
    assert (found.flow01 == flows[0]).all()
    assert (found.flow10 == flows[1]).all()


def test_faults_are_one_clear_line(pair, tmp_path):
    flows, pieces = pair
    path = tmp_path / guides.FILE
    with pytest.raises(ShapeError, match="one size"):
        guides.write_guide(path, flows, (pieces[0][:5], pieces[1]), {})
    assert not path.exists()
    guides.write_guide(path, flows, pieces, {})
    whole = path.read_bytes()
    for broken in (whole[: len(whole) // 2], b"", b"P6 3 3 255"):
        path.write_bytes(broken)
        with pytest.raises(InputError, match="not a whole guide"):
            guides.read_guide(path)
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 255]))
    guides.write_published(tmp_path / ".", flows)
    (tmp_path / "guide_flo31.npy").write_bytes(b"\x93NUMPY")
    with pytest.raises(InputError, match=r"guide_flo31\.npy cannot be read"):
        guides.read_published(tmp_path)
    np.save(tmp_path / "guide_flo31.npy", np.zeros((2, 4, 4)))
    with pytest.raises(InputError, match="wanted"):
        guides.read_published(tmp_path)
    np.save(tmp_path / "guide_flo31.npy", np.zeros((4, 4, 2), np.int64))
    with pytest.raises(InputError, match=r"wanted floating point \[2, H, W\]"):
        guides.read_published(tmp_path)
