"""VGG, Gram and LPIPS: each statement against its formula written out; files wanted by name."""

from itertools import pairwise
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from nakawari.errors import InputError, ModelError
from nakawari.losses import perceptual
from nakawari.losses.perceptual import LAYERS, WEIGHTS, Perceptual, StyleWeights, gram_matrix, load_lpips
from tests.losses.test_losses import drawing
from tests.nn.seeded_vgg import seeded_vgg

SIDE = 16


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("vgg") / "vgg19-dcbb9e9d.pth"
    torch.save(seeded_vgg(), path)
    return path


def features(
    image: torch.Tensor, tensors: dict[str, torch.Tensor], layers: list[object]
) -> list[torch.Tensor]:
    """Walk torchvision's `features`: numbers are convolutions (with ReLU), words pools; all outputs kept."""
    mean = torch.tensor((0.485, 0.456, 0.406)).view(3, 1, 1)
    x, found = (image - mean) / torch.tensor((0.229, 0.224, 0.225)).view(3, 1, 1), []
    for layer in layers:
        if layer == "max":
            x = F.max_pool2d(x, 2)
        elif layer == "average":
            x = F.avg_pool2d(x, 2)
        else:
            x = F.relu(
                F.conv2d(x, tensors[f"features.{layer}.weight"], tensors[f"features.{layer}.bias"], padding=1)
            )
            found.append(x)
    return found


def real(pool: str) -> tuple[list[object], tuple[int, ...]]:
    """The whole network up to relu5_2, and the places of the five layers among its convolutions."""
    return [0, 2, pool, 5, 7, pool, 10, 12, 14, 16, pool, 19, 21, 23, 25, pool, 28, 30], (1, 3, 5, 9, 13)


def test_film_is_its_formula(file: Path) -> None:
    made, truth = drawing(1, SIDE) * 0.9, drawing(1, SIDE)
    walk, places = real("average")
    one, other = ([features(x, seeded_vgg(), walk)[i] * 0.226 for i in places] for x in (made, truth))
    vgg, gram = Perceptual("film", str(file))(made, truth)
    wanted = sum(w * (a - b).abs().mean() for w, a, b in zip(WEIGHTS, one, other, strict=True))
    assert float(vgg) == pytest.approx(float(wanted), rel=1e-3)
    grams = [
        [torch.einsum("bchw,bdhw->bcd", f, f) / (f.shape[2] * f.shape[3]) for f in x] for x in (one, other)
    ]
    wanted = sum(w * (a - b).square().mean() for w, a, b in zip(WEIGHTS, *grams, strict=True))
    assert float(gram) == pytest.approx(float(wanted), rel=1e-3)


def test_the_thesis_is_its_formula(file: Path) -> None:
    made, truth = drawing(1, SIDE) * 0.9, drawing(1, SIDE)
    walk, places = real("max")
    one, other = ([features(x, seeded_vgg(), walk)[i] for i in places] for x in (made, truth))
    vgg, gram = Perceptual("thesis", str(file))(made, truth)
    wanted = sum(w * (a - b).abs().mean() for w, a, b in zip(WEIGHTS, one, other, strict=True)) / 5
    assert float(vgg) == pytest.approx(float(wanted), rel=1e-3)
    pairs = zip(WEIGHTS, one, other, strict=True)
    wanted = sum(w * (gram_matrix(a) - gram_matrix(b)).square().mean().sqrt() for w, a, b in pairs) / 5
    assert float(gram) == pytest.approx(float(wanted), rel=1e-3)
    assert sum(w * 5 for w in WEIGHTS) / 5 == pytest.approx(
        0.3846 + 0.2083 + 0.2703 + 0.1786 + 6.6667, abs=1e-3
    )


def test_the_code_of_the_thesis_skips_layers_and_does_not_divide(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert perceptual.CODE_SIDE == 224
    monkeypatch.setattr(perceptual, "CODE_SIDE", 64)
    made, truth = drawing(1, SIDE) * 0.9, drawing(1, SIDE)
    walk: list[object] = [0, 2, "max", 5, 7, "max", 10, 12, "max", 19, 21, "max", 28, 30]
    large = [F.interpolate(x, (64, 64), mode="bilinear") for x in (made, truth)]
    one, other = ([features(x, seeded_vgg(), walk)[i] for i in (1, 3, 5, 7, 9)] for x in large)
    vgg, gram = Perceptual("thesis-code", str(file))(made, truth)
    pairs = list(zip(WEIGHTS, one, other, strict=True))
    assert float(vgg) == pytest.approx(float(sum(w * (a - b).abs().mean() for w, a, b in pairs)), rel=1e-3)
    sums = sum(
        w * (torch.einsum("bchw,bdhw->bcd", a, a) - torch.einsum("bchw,bdhw->bcd", b, b)).square().mean()
        for w, a, b in pairs
    )
    assert float(gram) == pytest.approx(float(sums), rel=1e-3)
    assert float(gram) > 1e4 * float(Perceptual("film", str(file))(made, truth)[1])
    deviation = torch.tensor((0.229, 0.224, 0.225)).view(3, 1, 1)
    units = ((large[0] - large[1]) / deviation).abs().mean()
    assert float(Perceptual("thesis-code", str(file)).l1(made, truth)) == pytest.approx(
        float(units), rel=1e-4
    )
    for plain in ("film", "thesis"):
        assert float(Perceptual(plain, str(file)).l1(made, truth)) == float((made - truth).abs().mean())


@pytest.mark.parametrize("statement", ["film", "thesis"])
def test_a_stand_in_is_a_loss_too(statement: str) -> None:
    loss = Perceptual(statement, "stand-in")
    truth = drawing(2, 24)
    noise = torch.randn(truth.shape, generator=torch.Generator().manual_seed(0))
    values = [[float(x) for x in loss(truth + s * noise, truth)] for s in (0, 0.03, 0.1)]
    assert values[0] == pytest.approx([0, 0], abs=1e-4)
    for before, after in pairwise(values):
        assert before[0] < after[0]
        assert before[1] < after[1]
    made = (truth + 0.05 * noise).requires_grad_()
    sum(loss(made, truth)).backward()
    assert float(made.grad.abs().sum()) > 0
    assert loss.net.features["0"].weight.grad is None
    again = Perceptual(statement, "stand-in")(truth + 0.1 * noise, truth)
    assert [float(x) for x in again] == values[2]


def test_building_a_stand_in_draws_no_chance() -> None:
    torch.manual_seed(3)
    wanted = torch.rand(2)
    torch.manual_seed(3)
    Perceptual("film", "stand-in")
    load_lpips("stand-in", "")
    assert torch.equal(torch.rand(2), wanted)


def test_weights_are_asked_for_by_name(tmp_path: Path, file: Path) -> None:
    with pytest.raises(ModelError, match=r"vgg19-dcbb9e9d\.pth.*stand-in"):
        Perceptual("film", "")
    with pytest.raises(ModelError, match="absent"):
        Perceptual("film", str(tmp_path / "absent.pth"))
    with pytest.raises(ModelError, match=r"alexnet-owt-7be5be79\.pth"):
        load_lpips("", "")
    with pytest.raises(ModelError, match="alexnet"):
        load_lpips(str(file), "")
    with pytest.raises(InputError, match="16 pixels"):
        Perceptual("film", "stand-in")(torch.zeros(1, 3, 8, 40), torch.zeros(1, 3, 8, 40))


def test_lpips_is_a_loss() -> None:
    net = load_lpips("stand-in", "")
    truth = drawing(1, 40)
    assert float(net(truth, truth)) == 0
    assert float(net(truth * 0.9, truth)) > 0


def test_the_schedule_of_the_style_loss() -> None:
    assert StyleWeights.at(9, 10) == StyleWeights(1, 1, 0)
    assert StyleWeights.at(10, 10) == StyleWeights.at(0, 0) == StyleWeights(1, 0.25, 40)
    assert len(LAYERS) == len(WEIGHTS) == 5
