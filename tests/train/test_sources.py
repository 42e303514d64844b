"""Published sets as sources of training: mixed, held out, and refused where a table makes no sense."""

from pathlib import Path
from typing import Any

import pytest
import torch

from nakawari.data.augment import Recipe
from nakawari.data.sets import FLOW_SETS, SETS
from nakawari.data.sets.fake import write_fake
from nakawari.errors import InputError
from nakawari.train.config import Config, from_table
from nakawari.train.loop import train
from nakawari.train.mixture import Mixture, MixtureConfig
from nakawari.train.sources import SourceConfig

CROP = (32, 32)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("sets")
    for kind in SETS:
        list(write_fake(kind, place / kind, 3, (48, 64), seed=1))
    return place


def mixture(*sources: SourceConfig, held_out: bool = False, **changes: Any) -> Mixture:
    settings: dict[str, Any] = {
        "augment": Recipe(crop=CROP),
        "known": ("flow01", "flow10", "visible01", "valid01", "valid10"),
        **changes,
    }
    config = MixtureConfig(sources=sources, **settings).check()
    return Mixture(config, seed=5, augmented=not held_out, held_out=held_out)


def test_all_sets_mix_into_one_batch(root: Path) -> None:
    sources = [SourceConfig(kind=kind, folder=str(root / kind)) for kind in SETS]  # type: ignore[arg-type]
    stream = mixture(*sources, SourceConfig(canvas=(48, 48)))
    batch = stream.batch(range(24))
    assert batch["frame0"].shape == (24, 3, *CROP)
    alone = stream.batch([17])
    for name, tensor in batch.items():
        assert torch.equal(alone[name][0], tensor[17]), name
    known = batch["valid01"].flatten(1).any(1) | batch["valid10"].flatten(1).any(1)
    assert 3 < known.sum() < 24  # triplets know no flow, flow sets and scenes do
    assert torch.equal(batch["flow01"].flatten(1).any(1), batch["valid01"].flatten(1).any(1))


@pytest.mark.parametrize("kind", FLOW_SETS)
def test_time_reversal_keeps_flow_with_what_is_known_of_it(root: Path, kind: str) -> None:
    source = SourceConfig(kind=kind, folder=str(root / kind))  # type: ignore[arg-type]
    recipe = Recipe(crop=CROP, reverse=0.5, flip=0, turn=0, channels=0, colour=0)
    batch = mixture(source, augment=recipe).batch(range(12))
    backwards = batch["t"] == 0
    assert 0 < backwards.sum() < 12
    if kind != "things":  # they know one direction
        assert not batch["valid01"][backwards].any()
        assert batch["valid10"][backwards].flatten(1).any(1).all()
    assert torch.equal(batch["framet"][backwards], batch["frame0"][backwards])
    assert torch.equal(batch["framet"][~backwards], batch["frame1"][~backwards])


def test_what_is_held_out_is_never_trained_on(root: Path) -> None:
    for kind in ("vimeo90k-triplet", "qvi960"):
        source = SourceConfig(kind=kind, folder=str(root / kind), t=0.5)  # type: ignore[arg-type]
        still = Recipe(crop=(48, 64), reverse=0, flip=0, turn=0, channels=0, colour=0)
        seen = mixture(source, augment=still).batch(range(12))["frame0"]
        kept = mixture(source, held_out=True).batch([0])["frame0"][0]
        assert not any(torch.equal(frame, kept) for frame in seen)


def test_a_network_learns_from_a_set(root: Path, tmp_path: Path) -> None:
    """The whole way: TOML's table, loop, held-out scores."""
    table = {
        "model": "tests.train.blur",
        "steps": 2,
        "data": {
            "sources": [{"kind": "vimeo90k-triplet", "folder": str(root / "vimeo90k-triplet")}],
            "augment": {"crop": list(CROP)},
            "held_out": 1,
        },
        "batch": {"size": 2},
        "compute": {"device": "cpu", "threads": 1},
        "every": {"log_steps": 1, "evaluate_steps": 2, "sheet_steps": 2},
        "folder": str(tmp_path / "run"),
    }
    train(from_table(Config, table).check())
    assert (tmp_path / "run" / "metrics.jsonl").read_text().count("held-out")


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"kind": "atd12k"}, "want a folder"),
        ({"kind": "lottie"}, "want an archive"),
        ({"kind": "atd12k", "folder": "x", "t": 0.25}, "t 0.5 alone"),
        ({"kind": "chairs", "folder": "x", "resize": (64, 64)}, "not resized"),
        ({"kind": "qvi960", "folder": "x", "guides": "y"}, "no guides"),
        ({"kind": "qvi960", "folder": "x", "split": "all"}, "held_out to 0"),
        ({"kind": "qvi960", "folder": "x", "t": 1.5}, "0 < t < 1"),
    ],
)
def test_tables_that_make_no_sense_are_refused(table: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        MixtureConfig(sources=(SourceConfig(**table),), augment=Recipe(crop=CROP)).check()


def test_what_is_kept_back_of_the_training_part_is_not_the_test(root: Path) -> None:
    """Three items, of which the published list holds one out: one to train on, one to judge by."""
    folder = str(root / "vimeo90k-triplet")
    plain, back = (SourceConfig("vimeo90k-triplet", folder, validation=v) for v in (0.0, 0.4))
    seen = {
        (source.validation, held): {
            int(source.items(5, held, guided=False)(i).frame0.sum()) for i in range(6)
        }
        for source in (plain, back)
        for held in (False, True)
    }
    test, train_part = seen[0.0, True], seen[0.0, False]
    assert len(test) == 1
    assert seen[0.4, True] < train_part
    assert not seen[0.4, True] & (seen[0.4, False] | test)


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ({"kind": "cartoon", "validation": 0.1}, "no validation"),
        ({"kind": "atd12k", "folder": "x", "validation": 1.0}, "0 <= validation < 1"),
        ({"kind": "atd12k", "folder": "x", "validation": 0.1, "split": "all"}, "no validation"),
    ],
)
def test_validation_that_makes_no_sense_is_refused(table: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        MixtureConfig((SourceConfig(**table),), held_out=0).check()


def test_free_turns_want_samples_of_frames_alone() -> None:
    with pytest.raises(InputError, match=r"rotate wants data\.known"):
        MixtureConfig(augment=Recipe(crop=CROP, rotate=45.0)).check()
