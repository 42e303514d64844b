"""`models import`: a project's file in, one of ours out, that says where it came from; starting states."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
import torch

from nakawari import checkpoints
from nakawari.cli import main
from nakawari.errors import ModelError
from nakawari.models import load
from nakawari.models.official import open_weights
from tests.models.released import tensors
from tests.models.test_animeinterp import flow_file


def saved(path, content, wrapper=None):
    named = {f"module.{key}": value for key, value in content.items()}
    torch.save(named if wrapper is None else {wrapper: named}, path)
    return path


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """As the projects release them: AnimeInterp, RAFT's and GMA's flow."""
    folder = tmp_path_factory.mktemp("files")
    return {
        "animeinterp": saved(folder / "anime_interp_full.ckpt", tensors("animeinterp"), "model_state_dict"),
        "gma": saved(folder / "gma-sintel.pth", flow_file("gma")),
        "raft": saved(folder / "raft-sintel.pth", flow_file("raft")),
    }


def taken(capsys, *words):
    status = main(["models", "import", *map(str, words)])
    return status, capsys.readouterr()


def test_a_project_s_file_becomes_one_of_ours(files, tmp_path, capsys):
    out = tmp_path / "out.safetensors"
    status, heard = taken(capsys, files["animeinterp"], "-o", out, "--as", "animeinterp")
    assert status == 0
    assert "from AnimeInterp, https://github.com/lisiyao21/AnimeInterp" in heard.out
    assert "left out, because inference does not use them: flownet.attention2.conv1" in heard.out
    header = checkpoints.read_header(out)
    digest = hashlib.sha256(files["animeinterp"].read_bytes()).hexdigest()
    assert header.model == "animeinterp"
    assert header.licence == "MIT (README of the project)"
    assert header.notes["files"] == {"anime_interp_full.ckpt": f"sha256:{digest}"}
    theirs, ours = open_weights(files["animeinterp"]), open_weights(out)
    assert theirs.config == ours.config
    assert all(torch.equal(value, ours.tensors[key]) for key, value in theirs.tensors.items())
    assert taken(capsys, files["animeinterp"], "-o", out)[0] == 1  # it exists
    assert taken(capsys, files["animeinterp"], "-o", out, "-y")[0] == 0


def test_the_thesis_initialisation_is_one_command_and_draws(files, tmp_path, capsys):
    out = tmp_path / "start.safetensors"
    status, heard = taken(capsys, files["gma"], "--start", "--onto", files["animeinterp"], "-o", out)
    assert status == 0
    assert "untrained" not in heard.out
    header = checkpoints.read_header(out)
    assert (header.model, header.config["mode"]) == ("animeinterp-gma", "official")
    assert set(header.notes["files"]) == {"gma-sintel.pth", "anime_interp_full.ckpt"}
    assert "WTFPL" in header.licence
    assert "MIT" in header.licence
    model = load(out, device="cpu", guide=None, iterations=1)
    frame = np.zeros((64, 64, 3), np.uint8)
    assert model(frame, frame + 9).shape == frame.shape
    mine, base, flow = open_weights(out).tensors, tensors("animeinterp"), flow_file("gma")
    assert torch.equal(mine["refine.encoder.stem.weight"], flow["fnet.conv1.weight"])
    assert torch.equal(mine["synthesis.tail.conv2.weight"], base["synnet.residual_model_tail.3.weight"])


@pytest.mark.parametrize(("kind", "model"), [("raft", "animeinterp"), ("gma", "animeinterp-gma")])
def test_flow_alone_is_a_starting_state_that_says_so(files, tmp_path, capsys, kind, model):
    out = tmp_path / "start.safetensors"
    status, heard = taken(capsys, files[kind], "--start", "-o", out)
    assert status == 0
    for part in ("splatted features", "synthesis", "error attention"):
        assert f"untrained: {part}" in heard.out
    header = checkpoints.read_header(out)
    assert (header.model, header.config["mode"]) == (model, "paper")
    with pytest.raises(ModelError, match="starting state for training"):
        load(out, device="cpu")


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["gma", "-o", "x.safetensors"], "finds flow and draws nothing"),
        (["animeinterp", "-o", "x.safetensors", "--as", "animeinterp-gma"], "wanted animeinterp-gma"),
        (["animeinterp", "-o", "x.safetensors", "--start"], "needs the file of RAFT or GMA"),
        (["gma", "-o", "x.safetensors", "--onto", "animeinterp"], "go with --start"),
        (["gma", "-o", "x.safetensors", "--start", "--onto", "gma"], "finds flow and draws nothing"),
        (["animeinterp", "-o", "x.pth"], "ends in .safetensors"),
    ],
)
def test_what_does_not_fit_is_refused_and_leaves_nothing(
    files, tmp_path, capsys, words, complaint, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    status, heard = taken(capsys, *(files.get(word, word) for word in words))
    assert status == 1
    assert complaint in heard.err
    assert len(heard.err.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == []
