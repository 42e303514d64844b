"""The interpolation task: samples from their numbers, flows that follow the pictures, scores that agree."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from nakawari import checkpoints
from nakawari.data.augment import Recipe
from nakawari.data.cartoon import draw
from nakawari.data.sample import Sample
from nakawari.data.shards import write_shards
from nakawari.errors import InputError, MediaError
from nakawari.metrics import image as image_metrics
from nakawari.train.config import Config
from nakawari.train.interpolation import Interpolation
from nakawari.train.loop import train
from nakawari.train.mixture import Mixture, MixtureConfig, SourceConfig
from nakawari.train.scores import score, ssim
from nakawari.train.tables import from_table, to_toml
from tests.data.lottie_archive import write_archive
from tests.train.blur import search

SMALL = {"sources": [{"canvas": [48, 48]}], "augment": {"crop": [32, 32]}, "held_out": 2}


def config(**table: Any) -> Config:
    return from_table(
        Config,
        {
            "model": "tests.train.blur",
            "data": SMALL,
            "batch": {"size": 2},
            "compute": {"device": "cpu", "threads": 1},
            "every": {"log_steps": 1, "evaluate_steps": 2, "sheet_steps": 2},
            **table,
        },
    ).check()


def mixture(**changes: Any) -> Mixture:
    settings = {
        "sources": (SourceConfig(canvas=(48, 48)), SourceConfig(canvas=(40, 56), weight=3.0, t=0.5)),
        "augment": Recipe(crop=(32, 32)),
        "known": ("flow01", "visible01"),
        **changes,
    }
    return Mixture(MixtureConfig(**settings).check(), seed=5, search=search)


def test_a_sample_is_a_function_of_its_number() -> None:
    alone = mixture().batch([7])
    among = mixture().batch(range(4, 9))
    assert alone.keys() == among.keys()
    assert {
        "frame0",
        "framet",
        "frame1",
        "t",
        "flow01",
        "visible01",
        "search01",
        "search10",
        "has_flow",
    } == alone.keys()
    for name, value in alone.items():
        assert torch.equal(value[0], among[name][3]), name
    assert among["frame0"].shape == (5, 3, 32, 32)
    assert not torch.equal(among["frame0"][0], among["frame0"][1])


def test_crops_of_one_canvas_show_different_parts_of_one_scene() -> None:
    plain = Recipe(crop=(32, 32), flip=0, turn=0, reverse=0, channels=0, colour=0, moving=0)
    several = mixture(crops=3, augment=plain)
    canvas = mixture().sample(0)
    times = several.batch(range(6))["t"]
    assert len(set(times.tolist())) == len(set(times[::3].tolist()))
    pictures = several.batch(range(3))["frame0"]
    assert not torch.equal(pictures[0], pictures[1])
    among = several.batch([4, 5])["frame0"]  # whatever the batch begins with
    assert torch.equal(among[0], several.batch([4])["frame0"][0])
    assert canvas[0].frame0.shape == (3, 32, 32)
    with pytest.raises(InputError, match=r"data\.crops is 0"):
        mixture(crops=0)


def test_sources_are_mixed_by_weight() -> None:
    halves = [float(mixture().sample(i)[0].t) == 0.5 for i in range(30)]
    assert 0.5 < np.mean(halves) < 0.9


def test_the_search_is_cut_and_turned_like_the_truth() -> None:
    """Searching the truth itself, so to speak: both flows must come out alike."""
    plain = mixture(known=("flow01", "flow10"))

    class Known(Mixture):
        def batch(self, indices: Any) -> dict[str, torch.Tensor]:
            whole = Mixture(self.config, self.seed, None, augmented=False)
            for index in indices:
                sample = whole.sample(index)[0]
                assert sample.flow01 is not None
                assert sample.flow10 is not None
                self.search = lambda *_, s=sample: {"search": (s.flow01, s.flow10)}
                made = super().batch([index])
                assert torch.equal(made["search01"], made["flow01"])
                assert torch.equal(made["search10"], made["flow10"])
            return made

    Known(plain.config, plain.seed).batch(range(8))


def test_shards_are_mixed_in_and_what_they_lack_is_zero(tmp_path: Path) -> None:
    class Flowless:
        def __getitem__(self, index: int) -> Sample:
            return draw(9, index, (40, 40)).only("visible01")

    list(write_shards(tmp_path, Flowless(), {"generator": "test"}, 4))
    sources = (SourceConfig("shards", str(tmp_path), 1.0), SourceConfig(canvas=(48, 48)))
    batch = mixture(sources=sources).batch(range(12))
    known = batch["has_flow"]
    assert known.any()
    assert not known.all()
    assert not batch["flow01"][~known].any()
    assert batch["flow01"][known].any()
    assert batch["visible01"].dtype == torch.bool


def test_animations_are_a_source_whose_motion_is_not_known(tmp_path: Path) -> None:
    pytest.importorskip("rlottie_python", reason="the extra `lottie` is not installed")
    archive = write_archive(tmp_path)
    sources = (SourceConfig(kind="lottie", archive=str(archive), canvas=(48, 48)),)
    data = mixture(sources=sources)
    batch = data.batch([0, 1])
    assert not batch["has_flow"].any()
    assert batch["search01"].shape == (2, 2, 32, 32)
    again = mixture(sources=sources).batch([1])
    assert torch.equal(batch["frame0"][1], again["frame0"][0])


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({"augment": {"crop": [64, 64]}, "sources": [{"canvas": [48, 48]}]}, "larger than a canvas"),
        ({"known": ["flow02"]}, "data.known names flow02"),
        ({"sources": [{"kind": "shards"}], "augment": {"crop": [8, 8]}}, "want a folder"),
        ({"sources": [{"kind": "lottie"}]}, "want an archive"),
        ({"sources": []}, "one source at least"),
        ({"sources": [{"weight": 0}]}, "weights above 0"),
        ({"sources": [{"canvas": [48]}]}, r"data\.sources\[0\]\.canvas has 1 values; wanted 2"),
        ({"sources": [{"canvass": [48, 48]}]}, r"Did you mean data\.sources\[0\]\.canvas\?"),
    ],
)
def test_mistakes_in_the_data_are_named(data: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        Interpolation(config(data=data), torch.device("cpu"))


@pytest.mark.parametrize(
    "table", [{"losses": {"l2": 1.0}}, {"model_config": {"widht": 3}}, {"model": "fastt"}]
)
def test_mistakes_in_the_model_are_named(table: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="there is no"):
        Interpolation(config(**table), torch.device("cpu"))


def test_it_trains_on_scenes_and_scores_what_is_fixed(tmp_path: Path) -> None:
    for name in ("one", "two"):
        folder = tmp_path / "clips" / name
        folder.mkdir(parents=True)
        for number in (1, 2, 3):
            cv2.imwrite(str(folder / f"frame{number}.png"), np.full((30, 44, 3), 40 * number, np.uint8))
    data = {**SMALL, "triplets": [str(tmp_path / "clips")]}
    train(config(steps=2, folder=str(tmp_path / "run"), data=data))
    rows = (tmp_path / "run" / "metrics.jsonl").read_text()
    assert rows.count('"split": "held-out"') == rows.count('"split": "clips"') == 2
    assert cv2.imread(str(tmp_path / "run" / "sheets" / "000000002.png")).shape == (2 * 48, 4 * 48, 3)
    header = checkpoints.read_header(tmp_path / "run" / "weights.safetensors")
    assert (header.model, header.config, header.data) == ("tests.train.blur", {"width": 8}, "cartoon")


FAST = {
    "model": "fast",
    "steps": 3,
    "batch": {"size": 2, "micro": 1},
    "data": {
        "sources": [{"canvas": [80, 80]}],
        "augment": {"crop": [64, 64]},
        "known": ["flow01", "flow10"],
        "held_out": 1,
    },
    "model_config": {"widths": [8, 8, 8], "hidden": 8, "detail": 8, "corrections": 4, "finer": 2},
}


def test_the_shipped_network_resumes_exactly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from nakawari.train.clock import Clock

    train(config(**FAST, folder=str(tmp_path / "whole")))
    monkeypatch.setattr(Clock, "over", lambda _: True)
    train(config(**FAST, folder=str(tmp_path / "broken")))
    monkeypatch.undo()
    train(config(**FAST, folder=str(tmp_path / "broken")))
    one, two = (
        checkpoints.unpack((tmp_path / name / "checkpoints" / "000000003" / "state.000").read_bytes())
        for name in ("whole", "broken")
    )
    assert [name for name in one if not torch.equal(one[name], two[name])] == []


BARE = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"av", "rich", "skimage", "scipy", "rlottie_python", "matplotlib"}:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Absent())
from nakawari.cli.verbs import run as main
sys.exit(main(["train", *sys.argv[1:], "--quiet"]))
"""


def test_it_trains_on_a_bare_machine(tmp_path: Path) -> None:
    """With torch, numpy, opencv, safetensors and numba, and nothing else."""
    told = tmp_path / "fast.toml"
    told.write_text(to_toml(config(**FAST)))
    command = [sys.executable, "-c", BARE, str(told), f"folder={tmp_path}/run", "steps=1"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert checkpoints.read_header(tmp_path / "run" / "weights.safetensors").model == "fast"


def test_missing_triplets_are_named(tmp_path: Path) -> None:
    def task() -> Interpolation:
        return Interpolation(config(data={**SMALL, "triplets": [str(tmp_path)]}), torch.device("cpu"))

    with pytest.raises(InputError, match="has no folders of triplets"):
        task().evaluate(task().build(), tmp_path.name)
    (tmp_path / "one").mkdir()
    with pytest.raises(MediaError, match=r"no .*one/frame1\.png"):
        task().evaluate(task().build(), tmp_path.name)


def test_scores_are_those_of_evaluation() -> None:
    chance = torch.Generator().manual_seed(0)
    truth = torch.rand(1, 3, 40, 52, generator=chance).mul(255).round().div(255)
    made = (truth + 0.1 * torch.randn(truth.shape, generator=chance)).clamp(0, 1).mul(255).round().div(255)
    arrays = [x[0].permute(1, 2, 0).double().numpy() for x in (made, truth)]
    assert float(ssim(made, truth)) == pytest.approx(image_metrics.ssim(*arrays), abs=1e-6)
    assert score(made, truth)["psnr"] == pytest.approx(image_metrics.psnr(*arrays), abs=1e-4)
    assert score(truth, truth)["ssim"] == pytest.approx(1)
