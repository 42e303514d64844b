"""Weight files: whole or absent, and plain about what does not fit."""

import os
import pickle
from pathlib import Path

import pytest
import torch
from torch import nn

from nakawari import checkpoints
from nakawari.checkpoints import Header
from nakawari.errors import ModelError, OutputError

HEADER = Header("fast", {"width": 8, "radii": [1, 2]}, "scenes", 1000, "MIT", {"dB": 25.5, "名": "中割り"})


def net() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8)).to(memory_format=torch.channels_last)


def test_what_is_saved_comes_back(tmp_path: Path) -> None:
    path, one = tmp_path / "w.safetensors", net()
    checkpoints.save(path, one.state_dict(), HEADER)
    assert checkpoints.read_header(path) == HEADER
    tensors, header = checkpoints.load(path)
    assert header == HEADER
    other = net()
    with torch.no_grad():
        other[0].weight.zero_()
    checkpoints.load_strictly(other, tensors, "w")
    assert all(
        torch.equal(a, b) for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    )
    assert other[0].weight.is_contiguous(memory_format=torch.channels_last)


def test_half_precision_halves_the_file_and_keeps_counters(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    checkpoints.save(path, net().state_dict(), HEADER, torch.float16)
    stored, _ = checkpoints.load(path)
    assert stored["0.weight"].dtype == torch.float16
    assert stored["1.num_batches_tracked"].dtype == torch.int64
    assert checkpoints.load(path, torch.float32)[0]["0.weight"].dtype == torch.float32


def test_shared_and_strided_tensors_are_packed_alone() -> None:
    flat = torch.arange(12.0)
    tensors = {"a": flat[:4], "b": flat[2:8].view(2, 3).t(), "c": flat}
    back = checkpoints.unpack(checkpoints.pack(tensors))
    assert all(torch.equal(back[name], tensors[name]) for name in tensors)


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    checkpoints.write_atomic(path, b"old")

    def refuse(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(OutputError, match="No space left"):
        checkpoints.write_atomic(path, b"new")
    assert path.read_bytes() == b"old"


@pytest.mark.parametrize("keep", [0, 7, 100, -1])
def test_a_file_cut_short_is_refused(tmp_path: Path, keep: int) -> None:
    path = tmp_path / "w.safetensors"
    checkpoints.save(path, net().state_dict(), HEADER)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ModelError, match="not a whole safetensors file"):
        checkpoints.load(path)


def test_foreign_headers_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    path.write_bytes(checkpoints.pack({"a": torch.ones(1)}))
    with pytest.raises(ModelError, match="no header of nakawari"):
        checkpoints.read_header(path)
    good = HEADER.to_metadata()
    for key, value, says in [
        ("steps", "many", "not JSON"),
        ("config", "3", "wanted dict"),
        ("steps", "true", "int"),
    ]:
        with pytest.raises(ModelError, match=says):
            Header.from_metadata(good | {key: value}, "w")
    with pytest.raises(ModelError, match="has no 'data'"):
        Header.from_metadata({k: v for k, v in good.items() if k != "data"}, "w")
    with pytest.raises(ModelError, match="there is no weight file"):
        checkpoints.read_header(tmp_path / "none.safetensors")


def test_every_key_that_does_not_fit_is_named() -> None:
    one = net()
    tensors = dict(one.state_dict())
    tensors["2.weight"] = tensors.pop("1.weight")
    tensors["0.bias"] = torch.zeros(9)
    before = one[1].bias.clone()
    tensors["1.bias"] = torch.ones(8)
    with pytest.raises(ModelError) as caught:
        checkpoints.load_strictly(one, tensors, "w.pt")
    for words in ("missing: 1.weight", "left over: 2.weight", "0.bias [9], wanted [8]"):
        assert words in str(caught.value)
    assert torch.equal(one[1].bias, before)


class Trap:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("echo sprung > trap",)


def test_pt_files_run_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"a": torch.ones(2)}, "good.pt")
    assert torch.equal(checkpoints.load_pt("good.pt")["a"], torch.ones(2))
    torch.save({"a": Trap()}, "bad.pt")
    Path("bare.pkl").write_bytes(pickle.dumps(Trap(), protocol=4))
    for name in ("bad.pt", "bare.pkl"):
        with pytest.raises(ModelError, match="more than tensors") as caught:
            checkpoints.load_pt(name)
        assert len(str(caught.value)) < 160
        assert "weights_only" not in str(caught.value)
    assert not Path("trap").exists()
    torch.save([torch.ones(1)], "list.pt")
    with pytest.raises(ModelError, match="wanted a dictionary"):
        checkpoints.load_pt("list.pt")
    Path("text.pt").write_text("hello")
    with pytest.raises(ModelError, match=r"text\.pt"):
        checkpoints.load_pt("text.pt")
