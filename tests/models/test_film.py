"""FILM: its files are read as data, its numbers are the port's, its strips and short cuts are exact."""

from __future__ import annotations

import pickle
import zipfile
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import nn

from nakawari.errors import ModelError
from nakawari.models import load
from nakawari.models.film import net as film
from nakawari.models.film.model import build
from nakawari.models.film.net import Fuse, in_parts
from nakawari.models.film.official import key_table, recognise
from tests.models.seeded import picture, seeded
from tests.models.toys import toy_file

GOLDEN = Path(__file__).parent / "golden" / "film.safetensors"
"""Outputs of the PyTorch port; see README.md beside it."""


def shapes_only():
    return {theirs: torch.empty(shape, device="meta") for theirs, (_, shape) in key_table().items()}


def official(golden):
    """A state dictionary with seeded parameters; the tails of `golden` make flow lively."""
    tensors = seeded({theirs: shape for theirs, (_, shape) in key_table().items()})
    for key in [key for key in golden if key.startswith("tail/")]:
        inner = key.removeprefix("tail/")
        tensors[inner] = golden[key] if inner.endswith("bias") else tensors[inner] * golden[key]
    return tensors


def test_pictures_are_those_of_the_port():
    golden = load_file(GOLDEN)
    weights = recognise(official(golden), "film-l1")
    model = build("film-l1", weights, torch.device("cpu"), torch.float32)
    pair = model.prepare(picture(72, 100, 1), picture(72, 100, 2))
    for t in (0.5, 0.3):
        made = model.at(pair, t)[0, :, 5::8, 4::10]
        assert (made - golden[f"at/{t}"].float() / 65535).abs().max() < 1e-4
    assert 5 < golden["flow"][1] < 50


@pytest.mark.parametrize("name", ["film-l1", "film-vgg", "film-style"])
def test_a_file_is_known_and_a_wrong_name_is_refused(name):
    assert recognise(shapes_only(), name).model == name
    with pytest.raises(ModelError, match=r"this is FILM .*; wanted rife-4\.25"):
        recognise(shapes_only(), "rife-4.25")


def test_missing_and_left_over_keys_are_said():
    tensors = shapes_only()
    del tensors["fuse.output_conv.bias"]
    tensors["fuse.more"] = torch.empty(1)
    with pytest.raises(ModelError, match=r"fuse\.output_conv\.bias is missing, fuse\.more is left over"):
        recognise(tensors, None)


class Inner(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.convs = nn.ModuleList([nn.Conv2d(2, 3, 2), nn.Sequential(nn.Conv2d(3, 1, 1))])
        self.register_buffer("count", torch.arange(3))
        self.scale = 0.5

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for conv in self.convs:
            x = conv(x)
        return x * self.scale


@pytest.mark.parametrize("half", [False, True])
def test_a_torchscript_archive_is_its_state_dict(tmp_path, half):
    from nakawari.checkpoints import load_pt

    module = Inner().half() if half else Inner()
    torch.jit.script(module).save(str(tmp_path / "x.pt"))
    found, wanted = load_pt(tmp_path / "x.pt"), module.state_dict()
    assert set(found) == set(wanted)
    assert all(
        torch.equal(found[key], wanted[key]) and found[key].dtype == wanted[key].dtype for key in wanted
    )


class Harm:
    def __reduce__(self):
        return Path.touch, (Path("harm"),)


def archive(path, description):
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("x/data.pkl", description)
        file.writestr("x/constants.pkl", b"")
        file.writestr("x/code/__torch__.py", "raise SystemExit")


def test_an_archive_that_wants_something_run_is_refused(tmp_path, monkeypatch):
    from nakawari.checkpoints import load_pt

    monkeypatch.chdir(tmp_path)
    archive(tmp_path / "x.pt", pickle.dumps(Harm()))
    with pytest.raises(ModelError, match=r"x\.pt cannot be read as a TorchScript archive: it holds "):
        load_pt(tmp_path / "x.pt")
    assert not (tmp_path / "harm").exists()


def test_an_archive_that_is_cut_short_is_refused(tmp_path):
    from nakawari.checkpoints import load_pt

    torch.jit.script(Inner()).save(str(tmp_path / "x.pt"))
    with zipfile.ZipFile(tmp_path / "x.pt") as whole, zipfile.ZipFile(tmp_path / "y.pt", "w") as short:
        for name in whole.namelist():
            content = whole.read(name)
            short.writestr(name, content[:4] if "/data/" in name else content)
    with pytest.raises(ModelError, match=r"y\.pt"):
        load_pt(tmp_path / "y.pt")


@pytest.mark.parametrize("size", [(1, 1), (5, 4)])
def test_enlarging_is_repeating_and_convolving(size):
    fuse = Fuse(3, 2, 4)
    coarse = torch.randn(2, 3, *size, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        repeated = F.pad(F.interpolate(coarse, scale_factor=2, mode="nearest"), (0, 1, 0, 1))
        wanted = F.conv2d(repeated, fuse.enlarge.weight, fuse.enlarge.bias)
        assert (fuse.enlarged(coarse) - wanted).abs().max() < 1e-5


def test_strips_are_the_whole(monkeypatch, tmp_path):
    model = load("film-l1", toy_file("film-l1", tmp_path), device="cpu")
    frame0, frame1 = picture(96, 64, 1), picture(96, 64, 2)
    whole = model(frame0, frame1, 0.4)
    monkeypatch.setattr(film, "STRIP_BYTES", 1)
    assert (model(frame0, frame1, 0.4) - whole).abs().max() < 1e-5


def test_strips_ask_for_no_rows_outside():
    asked = []

    def draw(box):
        asked.append(box)
        return box.crop(torch.arange(30.0)[None, None, :, None])

    made = in_parts(draw, torch.Size([1, 7, 30, 1]), 10**8, 2, None)
    assert torch.equal(made.flatten(), torch.arange(30.0))
    assert min(box.top for box in asked) == 0
    assert max(box.bottom for box in asked) == 30
    assert len(asked) > 2


def test_recursion_reaches_t_by_halving(tmp_path):
    model = load("film-style", toy_file("film-style", tmp_path), device="cpu", recursive=True)
    frame0, frame1 = picture(48, 64, 1), picture(48, 64, 2)
    middle = model(frame0, frame1, 0.5)
    assert (model(frame0, frame1, 0.25) - model(frame0, middle, 0.5)).abs().max() < 1e-6
    pair = model.prepare(frame0, frame1)
    assert torch.equal(model.at(pair, 0.75), model.at(pair, 0.75))
    assert (model.at(pair, 0.75) - model(middle, frame1, 0.5)).abs().max() < 1e-6
