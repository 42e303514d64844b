"""VGG-19's features: torchvision's keys, the layers' names and what they compute."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from nakawari.errors import InputError, ModelError, ShapeError
from nakawari.nn.vgg import FILE, Vgg19, cached, load_vgg19
from tests.nn.seeded_vgg import seeded_vgg

PLAIN = (64, 64, "M", 128, 128, "M", 256, 256, 256, 256, "M", 512, 512, 512, 512, "M", 512, 512, 512, 512)


def plainly(tensors, image):
    """Every ReLU's output by the place of its convolution, written down without any of our code."""
    x = (image - torch.tensor([0.485, 0.456, 0.406])[:, None, None]) / torch.tensor([0.229, 0.224, 0.225])[
        :, None, None
    ]
    index, found = 0, {}
    for step in PLAIN:
        if step == "M":
            x, index = F.max_pool2d(x, 2, 2), index + 1
            continue
        x = F.relu(
            F.conv2d(x, tensors[f"features.{index}.weight"], tensors[f"features.{index}.bias"], padding=1)
        )
        found[index] = x
        index += 2
    return found


@pytest.fixture(scope="module")
def tensors():
    return seeded_vgg(1)


@pytest.fixture(scope="module")
def file(tensors, tmp_path_factory):
    path = tmp_path_factory.mktemp("vgg") / FILE
    torch.save(tensors, path)
    return path


def test_taps_are_the_layers_of_their_names(tensors, file):
    image = torch.rand(2, 3, 37, 50, generator=torch.Generator().manual_seed(0))
    wanted = plainly(tensors, image)
    places = {"relu1_1": 0, "relu1_2": 2, "relu2_2": 7, "relu3_4": 16, "relu4_1": 19, "relu5_4": 34}
    found = dict(load_vgg19(file).taps(image, list(places)))
    assert list(found) == list(places)
    for name, place in places.items():
        torch.testing.assert_close(found[name], wanted[place], rtol=1e-4, atol=1e-5)


def test_it_goes_no_deeper_than_it_was_built_for(file):
    net = load_vgg19(file, last="relu2_1")
    assert len(net.features) == 3
    assert [name for name, _ in net.taps(torch.rand(1, 3, 8, 8), ["relu2_1", "relu1_1"])] == [
        "relu1_1",
        "relu2_1",
    ]
    with pytest.raises(InputError, match="ends at relu2_1"):
        list(net.taps(torch.rand(1, 3, 8, 8), ["relu3_1"]))


def test_gradients_reach_the_picture_and_not_the_weights(file):
    net = load_vgg19(file, last="relu1_2")
    image = torch.rand(1, 3, 9, 9, requires_grad=True)
    next(iter(net.taps(image, ["relu1_2"])))[1].sum().backward()
    assert image.grad is not None
    assert image.grad.abs().sum() > 0
    assert all(not weight.requires_grad for weight in net.parameters())


def test_faults_are_named(tensors, tmp_path):
    with pytest.raises(InputError, match="relu6_1"):
        Vgg19("relu6_1")
    with pytest.raises(ShapeError, match="image"):
        list(Vgg19("relu1_1").taps(torch.rand(3, 8, 8), ["relu1_1"]))
    broken = {key: value for key, value in tensors.items() if key != "features.2.bias"}
    torch.save(broken, tmp_path / "lacks.pth")
    with pytest.raises(ModelError, match=r"features\.2\.bias"):
        load_vgg19(tmp_path / "lacks.pth")
    torch.save(tensors | {"features.0.weight": torch.zeros(64, 3, 5, 5)}, tmp_path / "shape.pth")
    with pytest.raises(ModelError, match="of another shape"):
        load_vgg19(tmp_path / "shape.pth")
    with pytest.raises(ModelError, match="no weight file"):
        load_vgg19(tmp_path / "absent.pth")


def test_the_cache_is_where_torch_keeps_downloads(file, tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(torch.hub, "_hub_dir", None)
    assert cached() is None
    place = tmp_path / "hub" / "checkpoints" / FILE
    place.parent.mkdir(parents=True)
    place.symlink_to(file)
    assert cached() == place
