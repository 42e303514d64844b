"""Rates by part, frozen parts, starting states, files that build on files, and stopping early."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from nakawari import checkpoints
from nakawari.cli.verbs import run as main
from nakawari.errors import InputError, ModelError
from nakawari.train.config import Config, Optim, Start, Stop, read_config
from nakawari.train.early import since_best
from nakawari.train.loop import train
from nakawari.train.optimizer import freeze, learning_rate, make_optimizer, rate_of
from nakawari.train.start import begin_with
from nakawari.train.tables import from_table, to_toml


def told(folder: Path, **table: Any) -> Config:
    plain = {
        "task": "tests.train.toy:Toy",
        "model": "toy",
        "steps": 4,
        "batch": {"size": 2},
        "compute": {"device": "cpu", "channels_last": False},
        "folder": str(folder),
    }
    return from_table(Config, plain | table).check()


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return checkpoints.load(folder / "weights.safetensors", torch.float32)[0]


def test_the_longest_beginning_decides() -> None:
    rates = {"refine": 0.0, "refine.encoder": 0.5, "ref": 9.0}
    assert rate_of("refine.flow_head.0.weight", rates) == 0
    assert rate_of("refine.encoder.stem.bias", rates) == 0.5
    assert rate_of("synthesis.tail", rates) == 1
    assert rate_of("refined.weight", rates) == 1  # a name is not a beginning of letters


def test_each_part_has_its_rate_and_frozen_ones_stay(tmp_path: Path) -> None:
    net = nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2), nn.Conv2d(2, 1, 1))
    freeze(net.train(), {"0": 0.0, "1": 0.0, "2": 0.1})
    optimizer = make_optimizer(net, Optim(parts={"0": 0.0, "1": 0.0, "2": 0.1}))
    assert {group["rate"] for group in optimizer.param_groups} == {0.1}
    assert not net[1].training
    assert net[2].training
    train(told(tmp_path / "all"))
    train(told(tmp_path / "part", optim={"parts": {"0": 0.0, "2": 0.0}}, keep={"weights": "float32"}))
    train(
        told(tmp_path / "none", steps=1, optim={"lr": 1e-30, "warmup_steps": 0}, keep={"weights": "float32"})
    )
    part, fresh = weights(tmp_path / "part"), weights(tmp_path / "none")
    assert torch.equal(part["0.weight"], fresh["0.weight"])
    assert torch.equal(part["2.weight"], fresh["2.weight"])
    assert not torch.equal(part["5.weight"], fresh["5.weight"])


@pytest.mark.parametrize(
    ("rates", "says"),
    [({"head": 0.0}, "names 'head'.*parts: 0, 2"), ({"": 0.0}, "names ''"), ({"0": -1.0}, "at least 0")],
)
def test_parts_that_are_not_there_are_named(tmp_path: Path, rates: dict[str, float], says: str) -> None:
    with pytest.raises(InputError, match=says):
        train(told(tmp_path, optim={"parts": rates}))


def test_everything_frozen_is_refused() -> None:
    with pytest.raises(InputError, match="freezes everything"):
        freeze(nn.Sequential(nn.Conv2d(1, 1, 1)), {"0": 0.0})


def test_the_rate_drops_at_the_steps_that_are_named() -> None:
    optim = Optim(lr=1e-4, schedule="steps", drops=(10, 20), drop=0.1, warmup_steps=0)
    rates = [learning_rate(optim, step, 30, 0) for step in (0, 9, 10, 19, 20, 29)]
    assert rates == pytest.approx([1e-4, 1e-4, 1e-5, 1e-5, 1e-6, 1e-6])


def test_one_cycle_goes_up_and_down_in_straight_lines() -> None:
    optim = Optim(lr=1e-4, schedule="linear", final_lr=0.0, warmup_steps=5)
    rates = [learning_rate(optim, step, 105, 0) for step in (0, 4, 5, 54, 104)]
    assert rates == pytest.approx([2e-5, 1e-4, 1e-4, 1e-4 * 50 / 99, 0])


def test_what_shrinks_is_said() -> None:
    net = nn.Sequential(nn.Conv2d(1, 2, 1), nn.PReLU())
    for decays, wanted in (("kernels", [0.0, 0.5]), ("all", [0.5])):
        groups = make_optimizer(net, Optim(weight_decay=0.5, decays=decays)).param_groups
        assert sorted(group["weight_decay"] for group in groups) == wanted


def test_weights_of_steps_on_the_way_are_kept(tmp_path: Path) -> None:
    train(told(tmp_path / "long", steps=4, keep={"at": [3], "weights": "float32"}))
    kept = tmp_path / "long" / "weights-000000003.safetensors"
    assert checkpoints.read_header(kept).steps == 3
    assert not torch.equal(weights(tmp_path / "long")["0.weight"], checkpoints.load(kept)[0]["0.weight"])
    with pytest.raises(InputError, match=r"keep\.at"):
        told(tmp_path, keep={"at": [0]})


def test_a_starting_state_is_required_and_said(tmp_path: Path) -> None:
    file = tmp_path / "recipe.toml"
    text = to_toml(told(tmp_path / "run"))
    file.write_text(
        text.replace('weights = ""', 'weights = "required"').replace('wants = ""', 'wants = "toy.pt"')
    )
    with pytest.raises(InputError, match=r"init=PATH \(toy\.pt\), or init=random"):
        read_config(file)
    config = read_config(file, ["init=random", f"out={tmp_path}/other"])
    assert (config.start.weights, config.folder) == ("random", f"{tmp_path}/other")
    assert main(["train", str(file), f"out={tmp_path}/other", "-q"]) == 1
    assert not (tmp_path / "other").exists()
    assert main(["train", str(file), f"out={tmp_path}/other", "init=random", "-q"]) == 0


def test_a_state_may_lack_or_hold_what_the_recipe_says(tmp_path: Path) -> None:
    net = nn.ModuleDict({"draw": nn.Linear(2, 2), "teacher": nn.Linear(2, 2)})
    file = str(tmp_path / "some.safetensors")
    state = {"draw.weight": torch.ones(2, 2), "draw.bias": torch.ones(2), "old.x": torch.ones(1)}
    checkpoints.save(file, state, checkpoints.Header("toy", steps=7))
    with pytest.raises(ModelError, match="missing: teacher"):
        begin_with(Start(file, drop=("old.",)), (net,), "toy")
    with pytest.raises(ModelError, match=r"missing: teacher.*The recipe wants: toy, mode=old\."):
        begin_with(Start(file, "toy, mode=old", drop=("old.",)), (net,), "toy")
    with pytest.raises(ModelError, match="left over: old"):
        begin_with(Start(file, fresh=("teacher.",)), (net,), "toy")
    before = net["teacher"].weight.clone()
    assert begin_with(Start(file, drop=("old.",), fresh=("teacher.",), go_on=True), (net,), "toy") == 7
    assert torch.equal(net["teacher"].weight, before)
    assert bool((net["draw"].weight == 1).all())
    assert begin_with(Start("random"), (net,), "toy") == 0


def test_a_state_that_does_not_fit_leaves_nothing_behind(tmp_path: Path) -> None:
    file = tmp_path / "other.safetensors"
    checkpoints.save(file, {"x": torch.ones(1)}, checkpoints.Header("toy"))
    with pytest.raises(ModelError, match="does not fit"):
        train(told(tmp_path / "run", start={"weights": str(file)}))
    assert not (tmp_path / "run").exists()
    assert train(told(tmp_path / "run", start={"weights": "random"})).reason == "done"


def test_missing_data_leave_nothing_behind_and_another_try_is_taken(tmp_path: Path) -> None:
    """Also where it is only seen later, as here by a wish for a split that is not there."""
    file = tmp_path / "recipe.toml"
    file.write_text(
        'model = "film-l1"\nlosses.l1 = 1.0\n[data]\nknown = []\n'
        '[[data.sources]]\nkind = "vimeo90k-triplet"\nfolder = "nowhere"\n'
    )
    with pytest.raises(InputError, match="no folder nowhere"):
        train(read_config(file, [f"out={tmp_path}/run", "compute.device=cpu"]))
    assert not (tmp_path / "run").exists()
    odd = {"stop": {"patience": 1, "split": "odd"}, "every": {"evaluate_steps": 1, "sheet_steps": 0}}
    with pytest.raises(InputError, match=r"stop\.split is 'odd'"):
        train(told(tmp_path / "late", **odd))
    assert (tmp_path / "late" / "config.toml").exists()
    assert train(told(tmp_path / "late")).reason == "done"
    with pytest.raises(InputError, match="was begun with"):
        train(told(tmp_path / "late", **odd))


def test_files_build_on_files(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "ground.toml").write_text("steps = 9\n[optim]\nlr = 1e-3\ndrops = [1, 2]\n[data]\nsize = 3\n")
    (tmp_path / "small.toml").write_text("[data]\nsize = 1\n")
    top = tmp_path / "deep" / "top.toml"
    top.write_text('base = ["../ground.toml", "../small.toml"]\n[optim]\ndrops = [5]\n')
    config = read_config(top, ["optim.lr=2e-3"])
    assert (config.steps, config.optim.lr, config.optim.drops, config.data) == (9, 2e-3, (5,), {"size": 1})
    (tmp_path / "ground.toml").write_text('base = "deep/top.toml"\n')
    with pytest.raises(InputError, match="builds on itself"):
        read_config(top)
    (tmp_path / "odd.toml").write_text("base = 3\n")
    with pytest.raises(InputError, match="wanted a file"):
        read_config(tmp_path / "odd.toml")


def test_since_best() -> None:
    scores = ((20, 5), (22, 4), (21, 6), (21, 3))
    rows = [{"kind": "evaluate", "split": "a", "psnr": p, "chamfer": c} for p, c in scores]
    rows.insert(0, {"kind": "train", "loss": 1})
    assert since_best(rows, Stop(1), ["a"]) == 2
    assert since_best(rows, Stop(1, score="chamfer"), ["a"]) == 0
    assert since_best([], Stop(1), ["a"]) is None
    assert (
        since_best([{"loss": 2 - c, **row} for c, row in enumerate(rows)], Stop(1, score="loss"), ["a"]) == 0
    )
    with pytest.raises(InputError, match="'ssim', which a does not have"):
        since_best(rows, Stop(1, score="ssim"), ["a"])
    with pytest.raises(InputError, match=r"stop\.split is 'b'"):
        since_best(rows, Stop(1, split="b"), ["a"])


def test_it_stops_early_and_keeps_the_best(tmp_path: Path) -> None:
    """The rate is so high that it gets worse at once."""
    told_so = {
        "steps": 60,
        "optim": {"lr": 3.0, "warmup_steps": 0, "ema_decay": 0.0},
        "every": {"evaluate_steps": 2, "sheet_steps": 0, "log_steps": 1},
        "stop": {"patience": 2},
    }
    outcome = train(told(tmp_path, **told_so))
    assert outcome.reason == "early"
    rows = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    scores = [row["psnr"] for row in rows if row["kind"] == "evaluate"]
    steps = [row["step"] for row in rows if row["kind"] == "evaluate"]
    assert len(scores) - 1 - scores.index(max(scores)) == 2
    assert outcome.step == steps[-1] + 1
    assert checkpoints.read_header(tmp_path / "best.safetensors").steps == steps[scores.index(max(scores))]
    assert train(told(tmp_path, **told_so)) == outcome  # and stays stopped
