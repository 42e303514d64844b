"""From a path to the weights of a row."""

from __future__ import annotations

import pytest
import torch

from nakawari import checkpoints
from nakawari.errors import ModelError
from nakawari.models.official import flatten, open_weights


@pytest.mark.parametrize("wrapper", [None, "state_dict", "model_state_dict", "model"])
@pytest.mark.parametrize("prefix", ["", "module."])
def test_wrappers_and_data_parallel_names_are_taken_off(wrapper, prefix):
    tensors = {f"{prefix}conv.weight": torch.ones(2)}
    content = tensors if wrapper is None else {wrapper: tensors, "epoch": 3}
    assert list(flatten(content, "x.pth")) == ["conv.weight"]


def test_a_file_without_tensors_is_refused():
    with pytest.raises(ModelError, match=r"x\.pth holds no tensors"):
        flatten({"epoch": 3}, "x.pth")


def test_an_unknown_file_is_refused(tmp_path):
    torch.save({"who.knows": torch.ones(1)}, tmp_path / "x.pth")
    with pytest.raises(ModelError, match="no model that nakawari knows"):
        open_weights(tmp_path / "x.pth")


def test_our_own_file_says_what_it_is_and_a_wrong_name_is_refused(tmp_path):
    path = tmp_path / "x.safetensors"
    checkpoints.save(path, {"a": torch.ones(1)}, checkpoints.Header("fast", {"width": 3}))
    found = open_weights(path)
    assert (found.model, found.config, list(found.tensors)) == ("fast", {"width": 3}, ["a"])
    with pytest.raises(ModelError, match="holds weights of fast; wanted blend"):
        open_weights(path, "blend")
