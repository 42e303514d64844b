"""Vector animation: the split by repository, a pure function of the index, a crash costs one file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from nakawari.data.heldout import HELD_OUT_REPOSITORIES
from nakawari.data.lottie import LottieStream, read_index
from nakawari.data.lottie_renderer import Renderer
from nakawari.errors import BackendError, MediaError
from tests.data.lottie_archive import write_archive

pytest.importorskip("rlottie_python", reason="the extra `lottie` is not installed")


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    return write_archive(tmp_path_factory.mktemp("lottie"))


def test_repositories_are_split_whole(archive):
    training, measuring = read_index(archive, held_out=False), read_index(archive, held_out=True)
    assert [each.repository for each in training] == ["somebody/art"]
    assert [each.repository for each in measuring] == [HELD_OUT_REPOSITORIES[0]]


def test_frames_are_drawn_at_their_time(archive):
    renderer = Renderer(archive)
    try:
        frames = renderer.frames("a/1.json", [0, 15], 100)
        assert frames is not None
        assert frames[0, 50, 22].tolist() == [255, 0, 0, 255]
        assert frames[1, 50, 22].tolist() == [0, 0, 0, 0]
        assert frames[1, 50, 50].tolist() == [255, 0, 0, 255]
    finally:
        renderer.close()


def test_a_renderer_that_dies_is_started_again(archive):
    renderer = Renderer(archive)
    try:
        assert renderer.frames("a/1.json", [0], 16) is not None
        renderer.process.kill()
        renderer.process.wait()
        assert renderer.frames("a/1.json", [0], 16) is None
        assert renderer.frames("a/1.json", [0], 16) is not None
    finally:
        renderer.close()


def test_a_renderer_that_never_works_is_an_error(archive):
    renderer = Renderer(archive)
    for number in range(4):
        assert renderer.frames(f"missing/{number}.json", [0], 16) is None
    with pytest.raises(BackendError, match="in a row"):
        renderer.frames("missing/5.json", [0], 16)


def test_samples_are_functions_of_their_index(archive):
    stream = LottieStream(archive, 5, (48, 64))
    first, again = stream[3], stream[3]
    assert first.frame0.shape == (3, 48, 64)
    assert 0 < float(first.t) < 1
    assert all(torch.equal(getattr(again, name), tensor) for name, tensor in first.tensors().items())


def test_a_missing_archive_is_refused(tmp_path):
    with pytest.raises(MediaError, match="cannot be read"):
        LottieStream(tmp_path / "lottie.zip", 0)


@pytest.mark.data
@pytest.mark.skipif(not os.environ.get("NAKAWARI_DATA"), reason="NAKAWARI_DATA is not set")
def test_development_animations_split_into_both_sides():
    archive = Path(os.environ["NAKAWARI_DATA"]) / "lottie.zip"
    training, measuring = read_index(archive, held_out=False), read_index(archive, held_out=True)
    assert len(training) > 500
    assert len(measuring) > 50
    assert not {each.repository for each in training} & {each.repository for each in measuring}
