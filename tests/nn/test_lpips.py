"""LPIPS: against the published definition written out with plain layers, on made-up weights."""

import pytest
import torch
from torch import nn

from nakawari.errors import ModelError, ShapeError
from nakawari.nn.lpips import BACKBONES, Lpips, backbone_of


def alexnet() -> nn.Sequential:
    """The layers of torchvision's `alexnet().features`, in its order, so that indices are its indices."""
    return nn.Sequential(
        nn.Conv2d(3, 64, 11, 4, 2), nn.ReLU(), nn.MaxPool2d(3, 2),
        nn.Conv2d(64, 192, 5, 1, 2), nn.ReLU(), nn.MaxPool2d(3, 2),
        nn.Conv2d(192, 384, 3, 1, 1), nn.ReLU(),
        nn.Conv2d(384, 256, 3, 1, 1), nn.ReLU(),
        nn.Conv2d(256, 256, 3, 1, 1), nn.ReLU(), nn.MaxPool2d(3, 2),
    )  # fmt: skip


def vgg16() -> nn.Sequential:
    """The same of torchvision's `vgg16().features`."""
    layers: list[nn.Module] = []
    before = 3
    for item in (64, 64, "M", 128, 128, "M", 256, 256, 256, "M", 512, 512, 512, "M", 512, 512, 512, "M"):
        if isinstance(item, int):
            layers += [nn.Conv2d(before, item, 3, padding=1), nn.ReLU()]
            before = item
        else:
            layers.append(nn.MaxPool2d(2, 2))
    return nn.Sequential(*layers)


LAYERS = {"alex": (alexnet, (1, 4, 7, 9, 11)), "vgg": (vgg16, (3, 8, 15, 22, 29))}


def made_up(name: str) -> tuple[nn.Sequential, dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """Features with their torchvision-named state, and heads."""
    torch.manual_seed(0)
    features = LAYERS[name][0]()
    state = {f"features.{key}": value for key, value in features.state_dict().items()}
    state["classifier.1.weight"] = torch.zeros(2, 2)
    widths = [layer.out_channels for layer in BACKBONES[name] if layer.tap]
    heads = {f"lin{n}.model.1.weight": torch.rand(1, width, 1, 1) for n, width in enumerate(widths)}
    return features, state, heads


@pytest.mark.parametrize("name", ["alex", "vgg"])
def test_published_definition(name: str) -> None:
    features, state, heads = made_up(name)
    images = torch.rand(2, 2, 3, 33, 40)

    def taps(image: torch.Tensor) -> list[torch.Tensor]:
        x = (image * 2 - 1 - torch.tensor([-0.030, -0.088, -0.188])[:, None, None]) / torch.tensor(
            [0.458, 0.448, 0.450]
        )[:, None, None]
        found = []
        for index, layer in enumerate(features[: LAYERS[name][1][-1] + 1]):
            x = layer(x)
            if index in LAYERS[name][1]:
                found.append(nn.functional.normalize(x, dim=1))
        return found

    expected = torch.zeros(2)
    with torch.no_grad():
        for number, (one, other) in enumerate(zip(taps(images[0]), taps(images[1]), strict=True)):
            head = heads[f"lin{number}.model.1.weight"]
            expected += nn.functional.conv2d((one - other) ** 2, head).mean((1, 2, 3))
    assert backbone_of(heads) == name
    measured = Lpips(name).load(state, heads)(*images)
    assert (expected > 0).all()
    torch.testing.assert_close(measured, expected)


def test_equal_pictures_and_gradients() -> None:
    _, state, heads = made_up("alex")
    network = Lpips().load(state, heads)
    image = torch.rand(1, 3, 31, 31, requires_grad=True)
    assert network(image, image).item() == 0
    black = torch.zeros(1, 3, 31, 31, requires_grad=True)  # features may be all zero there
    network(image, black).sum().backward()
    assert image.grad is not None
    assert black.grad is not None
    assert image.grad.isfinite().all()
    assert image.grad.any()
    assert black.grad.isfinite().all()
    assert not any(weight.requires_grad for weight in network.parameters())


def test_weights_that_do_not_fit_are_refused() -> None:
    _, state, heads = made_up("alex")
    with pytest.raises(ModelError, match=r"lacks 'features\.10\.bias'"):
        Lpips().load({k: v for k, v in state.items() if k != "features.10.bias"}, heads)
    with pytest.raises(ModelError, match=r"features\.0\.weight is \[64\]"):
        Lpips().load(state | {"features.0.weight": torch.zeros(64)}, heads)
    with pytest.raises(ModelError, match="hold 'lin5"):
        Lpips().load(state, heads | {"lin5.model.1.weight": torch.zeros(1)})
    with pytest.raises(ModelError, match="no backbone"):
        backbone_of({"lin1.model.1.weight": torch.zeros(1, 7, 1, 1)})
    with pytest.raises(ShapeError, match="wanted"):
        Lpips()(torch.zeros(3, 40, 40), torch.zeros(3, 40, 40))
