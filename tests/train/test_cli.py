"""`nakawari train`: the same command begins and goes on, mistakes are one line."""

from pathlib import Path

import pytest

from nakawari.cli.verbs import run as main

TOML = (
    'task = "tests.train.toy:Toy"\nmodel = "toy"\nsteps = 3\n[batch]\nsize = 2\n[compute]\ndevice = "cpu"\n'
)


@pytest.fixture
def told(tmp_path: Path) -> list[str]:
    (tmp_path / "toy.toml").write_text(TOML)
    return ["train", str(tmp_path / "toy.toml"), f"folder={tmp_path}/run"]


def test_it_trains_and_says_so(told: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*told, "steps=2"]) == 0
    assert "step 2, done" in capsys.readouterr().err
    assert (tmp_path / "run" / "weights.safetensors").exists()
    assert main([*told, "steps=2", "--quiet"]) == 0
    assert capsys.readouterr().err == ""


def test_it_prints_what_it_would_do(told: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*told, "optim.lr=1e-4", "--minutes", "9.5", "--print-config"]) == 0
    printed = capsys.readouterr().out
    assert "lr = 0.0001" in printed
    assert "minutes = 9.5" in printed


def test_flags_may_stand_between_overrides(told: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*told, "--print-config", "optim.lr=1e-4", "-q", "steps=7"]) == 0
    printed = capsys.readouterr().out
    assert "lr = 0.0001" in printed
    assert "steps = 7" in printed
    assert main([*told, "-q", "--stepz", "steps=7"]) == 2
    assert "unknown flag --stepz" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("override", "says"),
    [("optim.lrate=1", "Did you mean optim.lr"), ("task=interpolatoin", "Did you mean interpolation")],
)
def test_mistakes_are_one_line(
    told: list[str], override: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*told, override]) == 1
    error = capsys.readouterr().err
    assert says in error
    assert error.count("\n") == 1
