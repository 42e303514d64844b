"""Shards give back what was put in, go on where they stopped, and never mix."""

from __future__ import annotations

import pytest
import torch

from nakawari.data.cartoon import CartoonStream
from nakawari.data.sample import FLOWS
from nakawari.data.shards import Shards, ShardStream, read_header, shard_path, write_shards
from nakawari.errors import InputError

HEADER = {"generator": "cartoon", "version": "1", "seed": "3"}


@pytest.fixture(scope="module")
def stream():
    return CartoonStream(3, (32, 40))


@pytest.fixture
def folder(tmp_path, stream):
    list(write_shards(tmp_path / "set", stream, HEADER, 7, start=10, per_shard=3))
    return tmp_path / "set"


def test_samples_come_back(folder, stream):
    shards = Shards(folder)
    assert len(shards) == 7
    for index in range(7):
        truth = stream[10 + index].tensors()
        found = shards[index].tensors()
        assert set(found) == set(truth)
        for name, tensor in truth.items():
            if name in FLOWS:
                assert torch.equal(found[name], tensor.half().float()), name
            else:
                assert torch.equal(found[name], tensor), name
    with pytest.raises(IndexError):
        shards[7]


def test_headers_say_what_made_them(folder):
    header = read_header(shard_path(folder, 2))
    assert header["generator"] == "cartoon"
    assert (header["first"], header["count"]) == ("16", "1")


def test_an_interrupted_run_goes_on(folder, stream):
    kept = shard_path(folder, 0).stat().st_mtime_ns
    truth = Shards(folder)[4]
    shard_path(folder, 1).unlink()
    assert len(list(write_shards(folder, stream, HEADER, 7, start=10, per_shard=3))) == 3
    assert shard_path(folder, 0).stat().st_mtime_ns == kept
    assert torch.equal(Shards(folder)[4].flow01, truth.flow01)
    assert not list(folder.glob("*.part"))


def test_shards_of_something_else_are_refused(folder, stream):
    with pytest.raises(InputError, match="has seed='3'; wanted '4'"):
        list(write_shards(folder, stream, {**HEADER, "seed": "4"}, 7, start=10, per_shard=3))


def test_a_folder_without_shards_and_a_broken_shard_are_refused(tmp_path):
    with pytest.raises(InputError, match="no shards"):
        Shards(tmp_path)
    (tmp_path / "000000.safetensors").write_bytes(b"nonsense")
    with pytest.raises(InputError, match="is not a shard"):
        Shards(tmp_path)


def test_each_pass_of_a_stream_sees_every_sample_once(folder):
    stream = ShardStream(folder, seed=1)
    truth = sorted(shard.frame0.sum().item() for shard in map(Shards(folder).__getitem__, range(7)))
    orders = [[stream[i].frame0.sum().item() for i in range(turn * 7, turn * 7 + 7)] for turn in range(2)]
    assert [sorted(order) for order in orders] == [truth, truth]
    assert orders[0] != orders[1]
