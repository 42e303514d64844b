"""Evaluation end to end on a few small frames: rows, samples, and what is refused."""

import json
import math
import shutil
from pathlib import Path
from statistics import mean, median

import numpy as np
import pytest
import torch

from nakawari.errors import InputError, ModelError, ShapeError
from nakawari.evaluation.run import METRICS, evaluate, measure
from nakawari.metrics.image import PSNR_CAP_DB, ie, psnr, ssim, ssim_paper
from nakawari.metrics.lines import chamfer
from nakawari.models import CATALOG
from tests.evaluation.scenes import NAMES, draw, write
from tests.models.toys import toy_file
from tests.nn.test_lpips import made_up

KEYS = {"model", "data", "split", "n", *METRICS, "seconds_per_frame"}


def test_rows_are_the_means_of_samples_that_the_metrics_give(triplets: Path, averages: Path) -> None:
    found = measure(["blend", f"predictions:{averages}"], f"triplets:{triplets}")
    assert [row["model"] for row in found.rows] == ["blend", "mean"]
    assert [(s["model"], s["name"]) for s in found.samples] == [
        (model, name) for name in NAMES for model in ("blend", "mean")
    ]
    first = found.samples[1]
    made = np.rint((draw(0).astype(float) + draw(2)) / 2).astype(np.uint8)
    for metric in (psnr, ssim, ssim_paper, ie, chamfer):
        assert first[metric.__name__] == pytest.approx(metric(made, draw(1)))
    for row in found.rows:
        mine = [sample for sample in found.samples if sample["model"] == row["model"]]
        assert row.keys() == KEYS | {"interval"}
        assert all(sample.keys() == KEYS | {"name"} and sample["n"] == 1 for sample in mine)
        assert (row["n"], row["split"], row["data"]) == (3, "whole", f"triplets:{triplets}")
        for metric in METRICS[:-1]:
            values = [sample[metric] for sample in mine]
            low, high = row["interval"][metric]
            assert row[metric] == pytest.approx(mean(values))
            ends = np.array([min(values), low, row[metric], high, max(values)])
            assert (np.diff(ends) >= -1e-9 * abs(ends[0])).all()
    blend, folder = found.rows
    assert blend["seconds_per_frame"] == median(s["seconds_per_frame"] for s in found.samples[::2]) > 0
    assert folder["seconds_per_frame"] is None
    assert blend["psnr"] == pytest.approx(folder["psnr"], abs=0.05)


def test_the_truth_itself_scores_best_and_stays_finite(triplets: Path, truths: Path) -> None:
    found = measure(f"predictions:{truths}", f"triplets:{triplets}")
    (row,) = found.rows
    assert [row[m] for m in METRICS] == [PSNR_CAP_DB, 1, 1, 0, 0, None]
    read = json.loads(found.to_json(), parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))
    assert set(read) == {"rows", "samples", "meta"}
    assert read["rows"] == [row]
    assert read["meta"]["data"] == f"triplets:{triplets}"


def test_rife_and_film_stand_in_one_table_with_ours(triplets: Path, tmp_path: Path) -> None:
    given = ["rife", "rife-hd3", "rife-4.6", "rife-4.25", "film-style"]  # animeinterp has tests of its own
    weights = {name: toy_file(name, tmp_path) for name in given}
    names = [row.name for row in CATALOG if row.weights != "file"] + given
    found = measure(names, f"triplets:{triplets}", weights=weights, device="cpu", limit=1)
    assert [row["model"] for row in found.rows] == names
    assert all(math.isfinite(row[metric]) for row in found.rows for metric in METRICS[:-1])


def test_same_numbers_each_time(triplets: Path) -> None:
    def numbers() -> list[dict]:
        return [{k: v for k, v in r.items() if k != "seconds_per_frame"} for r in evaluate("blend", spec)]

    spec = f"triplets:{triplets}"
    assert numbers() == numbers()


def test_limit_progress_and_watch(triplets: Path) -> None:
    steps, seen = [], []
    shutil.rmtree(triplets / NAMES[2])  # and is not missed
    rows = evaluate(
        ["blend"],
        f"triplets:{triplets}",
        limit=1,
        progress=lambda stage, done, total: steps.append((stage, done, total)),
        watch=lambda triplet, made, samples: seen.append((triplet.name, *made, samples["blend"]["name"])),
    )
    assert rows[0]["n"] == 1
    assert rows[0]["interval"]["psnr"] == pytest.approx([rows[0]["psnr"]] * 2)
    assert steps == [("evaluate", 0, 1), ("evaluate", 1, 1)]
    assert seen == [(NAMES[0], "blend", NAMES[0])]


def test_lpips_only_with_weights(triplets: Path, truths: Path, tmp_path: Path) -> None:
    _, state, heads = made_up("alex")
    files = tmp_path / "alexnet.pth", tmp_path / "heads.pth"
    torch.save(state, files[0])
    torch.save(heads, files[1])
    rows = evaluate(["blend", f"predictions:{truths}"], f"triplets:{triplets}", lpips_weights=files)
    assert rows[0]["lpips"] > 0
    assert rows[1]["lpips"] == 0
    assert math.isfinite(rows[0]["interval"]["lpips"][0])
    with pytest.raises(ModelError, match="do not exist"):
        evaluate("blend", f"triplets:{triplets}", lpips_weights=(files[0], tmp_path / "none"))


def test_predictions_that_are_missing_or_of_another_size(triplets: Path, averages: Path) -> None:
    systems, data = ["blend", f"predictions:{averages}"], f"triplets:{triplets}"
    write(averages / "clip_10.png", draw(0)[:, :-2])
    with pytest.raises(InputError, match=r"clip_10\.png is 62x48 uint8; wanted the size 64x48"):
        evaluate(systems, data)
    (averages / "clip_10.png").unlink()
    (averages / "deep.png").unlink()
    with pytest.raises(InputError, match=r"lacks 2 of 3 frames: clip_10\.png, deep\.png\.$"):
        evaluate(systems, data)
    assert evaluate(systems, data, limit=1)[1]["n"] == 1
    with pytest.raises(InputError, match="no such folder"):
        evaluate(f"predictions:{averages}x", data)


def test_many_missing_predictions_are_counted(tmp_path: Path, triplets: Path) -> None:
    for number in range(9):
        shutil.copytree(triplets / NAMES[0], triplets / f"more_{number}")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"lacks 12 of 12 frames: (\w+\.png, ){4}\w+\.png and 7 more\.$"):
        evaluate(f"predictions:{tmp_path / 'empty'}", f"triplets:{triplets}")


@pytest.mark.parametrize(
    ("models", "options", "hint"),
    [
        ([], {}, "nothing to evaluate"),
        (["blend", "blend"], {}, "two systems are called 'blend'"),
        (["blend"], {"weights": {"fast": "x"}}, "weights are given for 'fast'"),
        (["blnd"], {}, "Did you mean blend?"),
    ],
)
def test_wrong_systems(triplets: Path, models: list[str], options: dict, hint: str) -> None:
    with pytest.raises((InputError, ModelError)) as caught:
        evaluate(models, f"triplets:{triplets}", **options)
    assert hint in str(caught.value)


def test_small_frames_are_named(tmp_path: Path) -> None:
    for frame in (1, 2, 3):
        write(tmp_path / "set" / "tiny" / f"frame{frame}.png", draw(frame)[:9])
    with pytest.raises(InputError, match=r"^tiny: the frames are 64x9; wanted at least 11x11"):
        evaluate("blend", f"triplets:{tmp_path / 'set'}")
    assert issubclass(ShapeError, InputError)
