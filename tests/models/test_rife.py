"""RIFE: its files are known, its numbers are the reference's, its shortcuts are exact."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from nakawari.errors import InputError, ModelError
from nakawari.models import CATALOG, load
from nakawari.models.boxes import Box
from nakawari.models.rife.look import look, resize
from nakawari.models.rife.model import build
from nakawari.models.rife.net import IFNet, Residual
from nakawari.models.rife.official import NUMBERED, key_table, recognise
from nakawari.models.rife.versions import VERSIONS, RifeConfig
from nakawari.ops.warp import backward_warp
from nakawari.tensors import pad_to_multiple
from tests.models.seeded import picture, seeded
from tests.models.toys import toy_file

GOLDEN = Path(__file__).parent / "golden" / "rife.safetensors"
"""Outputs of the reference implementations; see README.md beside it."""
DISTINCT = list({(VERSIONS[name], name in NUMBERED): name for name in reversed(VERSIONS)}.values())


def twin(name):
    """The row of DISTINCT that computes the same from the same file."""
    same = VERSIONS[name], name in NUMBERED
    return next(other for other in DISTINCT if (VERSIONS[other], other in NUMBERED) == same)


def official(name, golden=None):
    """A file of the release with seeded parameters; the tails of `golden` make flow and mask lively."""
    tensors = seeded({theirs: shape for theirs, (_, shape) in key_table(name).items()})
    for key, tensor in (golden or {}).items():
        if key.startswith(f"{name}/tail/"):
            inner = key.removeprefix(f"{name}/tail/")
            tensors[inner] = (
                tensor if inner.endswith("bias") else tensors[inner] * tensor[None, :, None, None]
            )
    return tensors


def shapes_only(name):
    return {theirs: torch.empty(shape, device="meta") for theirs, (_, shape) in key_table(name).items()}


def test_the_catalogue_and_the_table_of_versions_name_the_same():
    assert [row.name for row in CATALOG if row.family == "rife"] == list(VERSIONS)


@pytest.mark.parametrize("name", VERSIONS)
def test_a_file_is_known_by_its_shapes(name):
    tensors = shapes_only(name)
    found = recognise(tensors, name)
    assert found is not None
    assert (found.model, found.ignored) == (name, ())
    assert RifeConfig.from_dict(found.config) == VERSIONS[name]
    with pytest.raises(ModelError, match=r"this is rife"):
        recognise(tensors, "rife-4.5" if name != "rife-4.5" else "rife-4.6")


def test_releases_that_compute_the_same_need_no_name_and_say_what_they_may_be():
    found = recognise(shapes_only("rife-4.26"), None)
    assert found is not None
    assert VERSIONS[found.model] == VERSIONS["rife-4.26"]
    assert "4.25 or 4.26" in found.source


def test_the_name_is_asked_for_where_releases_of_one_shape_differ():
    with pytest.raises(ModelError, match=r"this is rife or 2r, .*name the one it is"):
        recognise(shapes_only("rife"), None)
    for name in ("rife", "rife-2r"):
        assert recognise(shapes_only("rife"), name).config == VERSIONS[name].to_dict()


@pytest.mark.parametrize("prefix", ["", "module."])
def test_a_teacher_is_listed_and_left_out(tmp_path, prefix):
    tensors = official("rife-4.25-lite") | {
        "block_tea.conv0.0.0.weight": torch.ones(3),
        "caltime.0.bias": torch.ones(1),
    }
    path = tmp_path / "flownet.pkl"
    torch.save({prefix + key: value for key, value in tensors.items()}, path)
    from nakawari.models.official import open_weights

    assert open_weights(path).ignored == ("block_tea.conv0.0.0.weight", "caltime.0.bias")
    model = load(str(path), device="cpu")
    assert model.name == "rife-4.25-lite"
    said = "left out, as drawing needs it not: block_tea (1 key), caltime (1 key)."
    assert model.notes() == [f"{path}: {said}"]
    assert load("rife-4.25-lite", path, device="cpu").name == "rife-4.25-lite"
    with pytest.raises(ModelError, match=r"flownet\.pkl: this is rife-4\.25-lite; wanted rife-4\.6"):
        load("rife-4.6", path)


def test_missing_and_left_over_keys_are_said():
    tensors = shapes_only("rife-4.6")
    del tensors["block2.convblock.3.beta"]
    tensors["block3.convblock.9.beta"] = torch.empty(1)
    with pytest.raises(
        ModelError, match=r"rife-4\.6: block2\.convblock\.3\.beta is missing, .*9\.beta is left over"
    ):
        recognise(tensors, None)


@pytest.mark.parametrize(
    ("key", "what"),
    [
        ("block3.res5.fc2.weight", r"flownet\.pkl of RIFE v1"),
        ("block0.conv1.weight", r"flownet\.pkl of RIFE v2"),
        ("down3.conv2.0.weight", r"unet\.pkl of RIFE v2"),
        ("conv4.conv2.0.weight", r"contextnet\.pkl of RIFE v2"),
    ],
)
def test_files_of_the_first_releases_are_named_and_refused(key, what):
    with pytest.raises(ModelError, match=what):
        recognise({key: torch.empty(1), "conv4.conv2.0.weight": torch.empty(1)}, None)


@pytest.mark.parametrize("name", DISTINCT)
def test_pictures_are_those_of_the_reference(name):
    golden = load_file(GOLDEN)
    weights = recognise(official(name, golden), name)
    model = build(name, weights, torch.device("cpu"), torch.float32)
    frame0, frame1 = picture(72, 100, 1), picture(72, 100, 2)
    for key in [key for key in golden if key.startswith(f"{name}/at/")]:
        _, _, t, flow_scale, ensemble = key.split("/")
        model.adjust(flow_scale=float(flow_scale), ensemble=ensemble == "True")
        made = model(frame0, frame1, float(t))[0, :, 5::8, 4::10]
        assert (made - golden[key].float() / 65535).abs().max() < 1e-4, key


def test_goldens_are_there_and_lively():
    golden = load_file(GOLDEN)
    assert {key.split("/")[0] for key in golden} == set(DISTINCT)
    flow, mask = golden["rife-4.25/flow"], golden["rife-4.25/mask"]
    assert 5 < flow.median() < 50
    assert mask.min() > 0.1
    assert mask.max() < 0.9


@pytest.mark.parametrize("scale", [4, 8, 16])
def test_a_look_is_a_warp_and_then_shrinking(scale):
    source, flow = picture(64, 96, 1), (picture(64, 96, 2)[:, :2] - 0.5) * 80
    wanted = resize(backward_warp(source, flow), 1 / scale)
    assert (look(source, flow, scale, Box(0, 0, 64 // scale, 96 // scale)) - wanted).abs().max() < 1e-5


@pytest.mark.parametrize(("large", "small"), [(32, 16), (8, 4), (4, 2), (2, 1), (4, 1)])
def test_enlarging_then_shrinking_is_enlarging_less(large, small):
    said = torch.randn(1, 5, 3, 4, generator=torch.Generator().manual_seed(0))
    wanted = resize(resize(said, large), 1 / small)
    assert (resize(said, large / small) - wanted).abs().max() < 1e-5


@pytest.mark.parametrize("groups", [1, 2])
def test_a_folded_residual_computes_the_same(groups):
    layer = Residual(8, groups)
    layer.load_state_dict(seeded({key: tuple(x.shape) for key, x in layer.state_dict().items()}))
    x = torch.randn(1, 8, 9, 11, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        wanted = layer(x)
        layer.fold()
        assert (layer(x) - wanted).abs().max() < 1e-5


def test_a_network_that_grows_begins_again_at_double_scale():
    config = replace(VERSIONS["rife-4.0"], widths=(8, 8, 8, 8))
    net = IFNet(config)
    shapes = {key: tuple(x.shape) for key, x in net.state_dict().items()}
    net.load_state_dict(seeded(shapes))
    keys = picture(96, 160, 1), picture(96, 160, 2)
    with torch.no_grad():
        for block in net.blocks:
            block.tail.weight *= 0.02
        calm = net.motion(keys, 0.5)
        net.blocks[1].tail.bias[:4] = 8.0
        far = net.motion(keys, 0.5)
        wide = tuple(pad_to_multiple(key, 64)[0] for key in keys)
        wanted = net.motion(wide, 0.5, (16.0, 8.0, 4.0, 2.0))
    assert calm.flow.abs().max() < 32
    assert (far.flow - wanted.flow[:, :, :96, :160]).abs().max() < 1e-5


@pytest.mark.parametrize("name", ["rife", "rife-m"])
def test_tta_is_the_mean_of_the_picture_and_of_the_turned_one(name, tmp_path):
    model = load(name, toy_file(name, tmp_path), device="cpu")
    frames = picture(64, 96, 1), picture(64, 96, 2)
    turned = [frame.flip((2, 3)) for frame in frames]
    wanted = (model(*frames, 0.25) + model(*turned, 0.25).flip((2, 3))) / 2
    model.adjust(tta=True)
    made = model(*frames, 0.25)
    assert (made - wanted).abs().max() < 1e-5
    assert (model(*turned, 0.25).flip((2, 3)) - made).abs().max() < 1e-5


@pytest.mark.parametrize(("name", "t"), [("rife", 0.5), ("rife-m", 0.3)])
def test_tta_is_that_of_the_reference(name, t):
    golden = load_file(GOLDEN)
    model = build(name, recognise(official(name, golden), name), torch.device("cpu"), torch.float32)
    model.adjust(tta=True)
    made = model(picture(72, 100, 1), picture(72, 100, 2), t)[0, :, 5::8, 4::10]
    assert (made - golden[f"{name}/tta/{t}"].float() / 65535).abs().max() < 1e-4


def test_tta_is_refused_outside_of_the_paper(tmp_path):
    model = load("rife-4.25", toy_file("rife-4.25", tmp_path), device="cpu")
    with pytest.raises(InputError, match="has no tta: only the paper's"):
        model.adjust(tta=True)


def test_ensemble_and_flow_scale_are_refused_where_there_are_none(tmp_path):
    path = tmp_path / "x.pkl"
    torch.save(official("rife-4.25-lite"), path)
    with pytest.raises(InputError, match=r"rife-4\.25-lite has no ensemble"):
        load(str(path), device="cpu", ensemble=True)
    with pytest.raises(InputError, match=r"flow_scale is 3; wanted one of"):
        load(str(path), device="cpu", flow_scale=3)
    with pytest.raises(InputError, match=r"classic has no option 'flow_scale'"):
        load("classic", device="cpu", flow_scale=0.5)
