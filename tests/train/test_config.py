"""Configurations: whole, typed, and helpful when mistaken."""

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nakawari.errors import InputError
from nakawari.train.config import Config, differences, read_config
from nakawari.train.tables import from_table, to_table, to_toml


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "small.toml"
    path.write_text('model = "fast"\nsteps = 10\n[optim]\nlr = 1e-3\n[data]\nsize = 64\nmix = [1, 2.5]\n')
    return path


def test_file_and_overrides(file: Path) -> None:
    config = read_config(file, ["optim.lr=2e-4", "compute.device=cpu", "data.size=32"])
    assert (config.optim.lr, config.compute.device, config.data["size"]) == (2e-4, "cpu", 32)
    assert config.folder == "runs/small"
    assert config.optim.warmup_steps == Config().optim.warmup_steps


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("optim.lrr=1", r"no key optim\.lrr\. Did you mean optim\.lr\?"),
        ("stepz=3", r"no key stepz\. Did you mean steps\?"),
        ("qqqq=3", r"no key qqqq\. Keys: task, model"),
        ("optim.lr=fast", "optim.lr is 'fast'; wanted a number"),
        ("steps=1.5", "steps is 1.5; wanted a whole number"),
        ("steps=true", "steps is True; wanted a whole number"),
        ("compute.precision=fp64", "wanted 'fp32' or 'bf16'"),
        ("compute.channels_last=1", "wanted true or false"),
        ("optim=3", "optim is 3; wanted a table"),
        ("steps.x=3", "steps in 'steps.x=3' is a value"),
        ("steps", "not an override"),
        ("steps=0", "steps is 0; wanted at least 1"),
        ("optim.ema_decay=1.0", "ema_decay"),
        ("optim.lr=inf", "lr is inf; wanted more than 0 and finite"),
        ("optim.lr=nan", "lr is nan"),
        ("optim.weight_decay=-1", "weight_decay is -1.0; wanted at least 0"),
        ("optim.beta2=1.0", "beta2"),
        ("optim.epsilon=0", "epsilon"),
        ("every.log_steps=-1", "every.log_steps is -1; wanted at least 0"),
        ("every.checkpoint_minutes=-0.5", "every.checkpoint_minutes"),
        ("compute.threads=-2", "compute.threads"),
    ],
)
def test_mistakes_are_named(file: Path, override: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        read_config(file, [override])


def test_a_missing_or_broken_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.toml cannot be read"):
        read_config(tmp_path / "none.toml")
    (tmp_path / "broken.toml").write_text("steps = = 3")
    with pytest.raises(InputError, match="is not TOML"):
        read_config(tmp_path / "broken.toml")


texts = st.text(st.characters(exclude_categories=("Cs", "Cc")))


@given(
    st.floats(1e-9, 1),
    st.integers(1, 10**9),
    texts,
    st.dictionaries(texts.filter(bool), st.lists(st.floats())),
)
def test_text_comes_back(lr: float, steps: int, licence: str, data: dict[str, list[float]]) -> None:
    config = from_table(Config, {"steps": steps, "licence": licence, "data": data, "optim": {"lr": lr}})
    back = from_table(Config, tomllib.loads(to_toml(config)))
    assert repr(back) == repr(config)  # nan is not equal to itself


@dataclass(frozen=True)
class Crop:
    size: tuple[int, int] = (64, 64)
    shares: tuple[float, ...] = ()
    kind: Literal["a", "b"] = "a"
    weights: dict[str, float] = field(default_factory=dict)
    limit: int | None = None


def test_nested_types_are_checked() -> None:
    crop = from_table(Crop, {"size": [32, 48], "shares": [1, 2], "weights": {"l1": 1}, "limit": 3})
    assert crop == Crop((32, 48), (1.0, 2.0), "a", {"l1": 1.0}, 3)
    assert from_table(Crop, to_table(crop)) == crop
    for table in (
        {"size": [1]},
        {"size": 3},
        {"shares": ["x"]},
        {"kind": "c"},
        {"weights": {"l1": "x"}},
        {"limit": "x"},
    ):
        with pytest.raises(InputError, match=f"data.{next(iter(table))}"):
            from_table(Crop, table, "data")


def test_what_decides_the_learning_is_compared(file: Path) -> None:
    old = read_config(file)
    assert not differences(old, read_config(file, ["compute.device=cuda", "batch.micro=2", "time.minutes=3"]))
    assert differences(old, read_config(file, ["optim.lr=1.0", "data.size=3"])) == [
        "optim.lr = 0.001, not 1.0",
        "data.size = 64, not 3",
    ]
