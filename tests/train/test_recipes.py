"""Every recipe is whole, begins with what it says, and learns: at toy size, on one batch."""

import json
import sys
from dataclasses import replace
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
import torch
from torch import Tensor

from nakawari import checkpoints
from nakawari.cli.verbs import run as main
from nakawari.errors import InputError
from nakawari.models.rife.net import IFNet
from nakawari.train.config import read_config
from nakawari.train.interpolation import Interpolation
from nakawari.train.optimizer import freeze, make_optimizer

CONFIGS = Path(__file__).parents[2] / "configs"
RECIPES = sorted(path.stem for path in CONFIGS.glob("*.toml"))
OURS = ("fast",)
MINIS = sorted(path.stem for path in (CONFIGS / "mini").glob("*.toml"))
CPU = torch.device("cpu")


def mini(name: str) -> Interpolation:
    config = read_config(CONFIGS / "mini" / f"{name}.toml", ["compute.device=cpu", "data.crops=1"])
    return Interpolation(config, CPU)


def test_every_recipe_has_a_twin() -> None:
    assert set(RECIPES) - set(OURS) == set(MINIS)


@pytest.mark.parametrize("name", [name for name in RECIPES if name not in OURS])
def test_recipes_are_whole(name: str) -> None:
    """Data, losses and network fit each other, and what is named to be frozen is there."""
    file = CONFIGS / f"{name}.toml"
    if "required" in file.read_text() or "wants" in file.read_text():
        with pytest.raises(InputError, match="init=PATH"):
            read_config(file)
    config = read_config(file, ["init=random"])
    if "style" in config.losses:
        config = replace(config, losses={**config.losses, "style": {"features": "stand-in"}})
    task = Interpolation(config, CPU)
    with torch.device("meta"):
        net = task.build()
    freeze(net, config.optim.parts)
    twin = mini(name)
    assert twin.config.model == config.model
    assert twin.config.optim.parts == config.optim.parts
    assert set(twin.config.losses) == set(task.config.losses)


def first_and_last(name: str, most: int = 120) -> tuple[float, float]:
    """The loss on one batch before training on it, and after; ends when it is well below half."""
    flow_alone = name.startswith("film-flow")
    task = mini(name)
    torch.manual_seed(0)
    net = task.build().train()
    freeze(net, task.config.optim.parts)
    optimizer = make_optimizer(net, replace(task.config.optim, lr=2e-2 if flow_alone else 4e-3))
    batch = task.data().batch([3])
    first = last = 0.0
    for number in range(most):
        optimizer.zero_grad()
        loss = task.step(net, batch, number)["loss"]
        loss.backward()
        optimizer.step()
        last = loss.item()
        first = first or last
        if last < 0.45 * first:
            break
    return first, last


@pytest.mark.parametrize("name", MINIS)
def test_minis_overfit_one_batch(name: str) -> None:
    first, last = first_and_last(name)
    assert last < 0.5 * first


def test_photo_like_scenes_are_scored_before_and_after(tmp_path: Path) -> None:
    """What training on drawings costs elsewhere, of every recipe that tunes FILM."""
    for name in RECIPES:
        if name.startswith("film-") and "vimeo" not in name:
            config = read_config(CONFIGS / f"{name}.toml", ["init=random"])
            assert config.data["photo"] > 0, name
            assert config.stop.score == "loss", name  # decibels are what VGG and Gram give up
            assert config.data["sources"][0]["validation"] > 0, name  # early stopping does not see the test
    small = ["steps=2", "batch.size=1", "data.held_out=1", "data.photo=2", "compute.device=cpu", "-q"]
    assert main(["train", str(CONFIGS / "mini" / "film-all-l1.toml"), f"out={tmp_path}/run", *small]) == 0
    rows = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert all(0 < r["loss"] < 1 for r in rows if r["kind"] == "evaluate")
    assert [(r["step"], r["split"]) for r in rows if r["kind"] == "evaluate"] == [
        (step, split) for step in (0, 2) for split in ("held-out", "photo-like")
    ]


def test_frozen_parts_stay_and_the_rest_learns() -> None:
    task = mini("film-flow-l1")
    torch.manual_seed(0)
    net = task.build().train()
    freeze(net, task.config.optim.parts)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    optimizer = make_optimizer(net, task.config.optim)
    task.step(net, task.data().batch([0, 1]), 0)["loss"].backward()
    optimizer.step()
    moved = {
        name.split(".")[0] for name, value in net.state_dict().items() if not torch.equal(value, before[name])
    }
    assert moved == {"estimators"}


def test_a_mini_runs_from_the_command_line(tmp_path: Path) -> None:
    """And its weights say what they are, draw, and are a starting state."""
    import nakawari as nk

    small = ["steps=2", "batch.size=1", "data.held_out=1", "compute.device=cpu", "-q"]
    told = ["train", str(CONFIGS / "mini" / "film-all-style.toml")]
    assert main([*told, f"out={tmp_path}/one", *small]) == 0
    header = checkpoints.read_header(tmp_path / "one" / "weights.safetensors")
    assert header.model == "film-style"
    assert header.notes["stand-in features"] == ["style"]
    model = nk.load(tmp_path / "one" / "weights.safetensors")
    assert model(*(torch.rand(1, 3, 40, 50) for _ in range(2)), t=0.5).shape == (1, 3, 40, 50)
    assert main([*told, f"out={tmp_path}/two", f"init={tmp_path}/one/weights.safetensors", *small]) == 0
    assert main([*told, f"out={tmp_path}/three", "losses.style.features=absent.pth", *small]) == 1
    assert not (tmp_path / "three").exists()


def test_colour_wishes_are_measured_with_and_without_the_loss() -> None:
    """Of what is drawn, so that recipes of all β can be compared on real data; motion where it is known."""
    for name, known in (("rife-base", ()), ("rife-colour-3", ("flowt0", "visiblet0"))):
        assert read_config(CONFIGS / f"{name}.toml", ["init=random"]).losses["colour"]["measured"]
        told = ["compute.device=cpu", "data.held_out=2", f"data.known={list(known)}"]
        task = Interpolation(read_config(CONFIGS / "mini" / f"{name}.toml", told), CPU)
        torch.manual_seed(0)
        scores = task.evaluate(task.build().eval(), "held-out")
        assert {"distribution", "clustered"} <= set(scores)
        assert ("motion" in scores) == bool(known)
        assert all(0 <= scores[wish] <= 1 for wish in ("distribution", "clustered"))


def test_weights_without_matching_draw_without_it(tmp_path: Path) -> None:
    """So that one table holds what was trained with and without (the paper's "w/o SGM")."""
    import nakawari as nk

    frames = [torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(i)) for i in range(2)]
    for name, guide in (("animeinterp-without-sgm", None), ("animeinterp", True)):
        task = mini(name)
        header = task.header()
        file = tmp_path / f"{name}.safetensors"
        net = task.build()
        checkpoints.save(file, net.state_dict(), checkpoints.Header(header["model"], header["config"]))
        model = nk.load(file, device="cpu")
        assert model.options["guide"] is guide
        assert model(*frames, t=0.5).shape == frames[0].shape
        assert any("without coarse flow" in note for note in model.notes()) == (guide is None)
        model.adjust(guide=True)
        assert model.options["guide"] is True


def test_a_network_with_a_teacher_draws_without_asking(tmp_path: Path) -> None:
    import nakawari as nk

    task = mini("rife-base")
    net = task.build().eval()
    file = tmp_path / "rife.safetensors"
    header = task.header()
    checkpoints.save(file, net.state_dict(), checkpoints.Header(header["model"], header["config"]))
    frames = [torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(i)) for i in range(2)]
    made = nk.load(file, device="cpu")(*frames, t=0.5)
    batch = {"frame0": frames[0], "frame1": frames[1], "t": torch.full((1,), 0.5)}
    with torch.no_grad():
        wanted: Tensor = task.family.draw(net, batch)
    assert torch.allclose(made, wanted, atol=2e-3)
    with pytest.raises(InputError, match="½ only"):
        task.family.draw(net, {**batch, "t": torch.full((1,), 0.25)})


def test_the_teacher_has_the_shape_of_the_published_one() -> None:
    """636,665 parameters and 20 inputs, as counted of the paper's network."""
    config = read_config(CONFIGS / "rife-base.toml", ["init=random"])
    with torch.device("meta"):
        net = Interpolation(config, CPU).build()
    teacher = {name: value for name, value in net.named_parameters() if name.startswith("teacher.")}
    assert sum(value.numel() for value in teacher.values()) == 636_665
    assert next(iter(teacher.values())).shape[1] == 20
    assert sum(value.numel() for value in net.parameters()) == 10_708_215


def test_a_released_file_brings_its_teacher(tmp_path: Path) -> None:
    """Names and shapes of the authors' file, which does not say whether it is the 2R model."""
    from nakawari.models.official import open_weights
    from nakawari.models.rife.official import _theirs
    from nakawari.train.start import begin_with

    config = read_config(CONFIGS / "rife-base.toml", ["init=random"])
    net = Interpolation(config, CPU).build()
    assert isinstance(net, IFNet)
    file = tmp_path / "flownet.pkl"
    torch.save({f"module.{_theirs(k, net.config, False)}": v for k, v in net.state_dict().items()}, file)
    found = open_weights(file, "rife")
    assert found.model == "rife"
    assert not any(key.startswith("teacher") for key in found.tensors)
    assert any(key.startswith("block_tea.conv0.") for key in found.ignored)
    fresh = Interpolation(config, CPU).build()
    begin_with(replace(config.start, weights=str(file)), (fresh,), "rife")
    for name, value in net.state_dict().items():
        assert torch.equal(value, fresh.state_dict()[name]), name


def test_the_study_runs_every_recipe_that_is_an_experiment() -> None:
    spec = spec_from_file_location("study", CONFIGS.parent / "benchmarks" / "study.py")
    assert spec is not None
    assert spec.loader is not None
    study = module_from_spec(spec)
    sys.modules["study"] = study  # dataclasses look their module up
    spec.loader.exec_module(study)
    every = [each for table in study.experiments().values() for each in table]
    assert {each.recipe for each in every} <= set(MINIS)
    left = set(MINIS) - {each.recipe for each in every}
    assert all("vimeo" in name or "-rfr-" in name or name.endswith("-scenes") for name in left)
    seen: set[str] = set()
    for each in study.wanted([]):
        assert each.start in ("", *seen)
        seen.add(each.name)


def test_flow_is_learned_where_it_is_known() -> None:
    task = mini("animeinterp-rfr-scenes")
    torch.manual_seed(0)
    net = task.build()
    batch = task.data().batch([0])
    unknown = {**batch, "has_flow": torch.zeros_like(batch["has_flow"])}
    assert float(task.step(net, batch, 0)["flow"]) > 0 == float(task.step(net, unknown, 0)["flow"])
    nowhere = torch.zeros(1, 64, 64, dtype=torch.bool)
    masked = {**batch, "valid01": nowhere, "valid10": nowhere}
    assert float(task.step(net, masked, 0)["flow"]) == 0
