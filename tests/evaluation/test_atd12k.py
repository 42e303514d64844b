"""`atd12k:DIR`: measured as published, by split; coarse flow of the data; published numbers beside ours."""

import json
from pathlib import Path

import numpy as np
import pytest
from skimage import metrics as skimage

from nakawari.cli import main
from nakawari.data.atd12k import ANNOTATIONS, find_triplets
from nakawari.data.atd12k_write import write_set
from nakawari.errors import InputError
from nakawari.evaluation.data import Triplet, open_data
from nakawari.evaluation.published import PUBLISHED, SPLITS, markdown_published
from nakawari.evaluation.run import measure
from nakawari.evaluation.splits import rows_of
from nakawari.evaluation.systems import Manner, ModelSystem, open_systems
from tests.models.toys import toy_file


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("atd12k")
    list(write_set(place, "test", 3))
    return place


@pytest.fixture(scope="module")
def found(folder: Path):
    return measure(["blend"], f"atd12k:{folder}")


def test_each_split_has_its_row(found, folder: Path) -> None:
    rows = {row["split"]: row for row in found.rows}
    assert list(rows)[:5] == ["whole", "roi", "easy", "medium", "hard"]
    assert all(name.startswith("tag:") for name in list(rows)[5:])
    assert [rows[name]["n"] for name in ("whole", "roi", "easy", "medium", "hard")] == [3, 3, 1, 1, 1]
    notes = [triplet.read_annotation() for triplet in find_triplets(folder, "test")]
    for tag in {tag for note in notes for tag in note.tags}:
        assert rows[f"tag:{tag}"]["n"] == sum(tag in note.tags for note in notes)
    levels = [rows[name]["psnr"] for name in ("easy", "medium", "hard")]
    assert np.mean(levels) == pytest.approx(rows["whole"]["psnr"])


def test_numbers_are_those_of_the_published_script(found, folder: Path) -> None:
    """Floats in [0, 1], the mean of both keys as what is drawn; boxes in pixels of the original, floored."""
    for triplet in find_triplets(folder, "test"):
        one, truth, other = (frame.astype(np.float64) / 255 for frame in triplet.read_frames())
        made = (one + other) / 2
        values = json.loads(triplet.annotation.read_text())
        box = values["motion_RoI"]
        across, down = values["image_size"][0] / 960, values["image_size"][1] / 540
        x, y, w, h = (
            int(box[k] // s) for k, s in (("x", across), ("y", down), ("width", across), ("height", down))
        )
        parts = {"whole": np.s_[:, :], "roi": np.s_[y : y + h, x : x + w]}
        for split, part in parts.items():
            (sample,) = (s for s in found.samples if (s["name"], s["split"]) == (triplet.name, split))
            psnr = skimage.peak_signal_noise_ratio(truth[part], made[part], data_range=1)
            ssim = skimage.structural_similarity(made[part], truth[part], channel_axis=2, data_range=2)
            error = np.sqrt((((made[part] - truth[part]) * 255) ** 2).sum(2)).mean()
            assert sample["psnr"] == pytest.approx(psnr, abs=1e-4)
            assert sample["ssim_paper"] == pytest.approx(ssim, abs=1e-6)
            assert sample["ie"] == pytest.approx(error, abs=1e-4)


def test_published_numbers_stand_beside_ours_with_their_source(found) -> None:
    text = markdown_published(found.rows)
    ours = next(line for line in text.splitlines() if line.startswith("| blend"))
    whole = next(row for row in found.rows if row["split"] == "whole")
    assert f"{whole['psnr']:.2f} / {whole['ssim_paper']:.3f}" in ours
    for cell in ("29.68 / 0.958", "26.27 / 0.910", "31.864 / 0.971", "29.632 / 0.939", "0.0523"):
        assert cell in text
    assert "3 triplets, not of its 2000" in text
    assert found.meta["published"][0]["source"] == "Li et al. 2021, Table 1"
    assert all(len(one.psnr) == len(one.ssim) in (1, len(SPLITS)) for one in PUBLISHED)
    whole = [row | {"n": 2000} for row in found.rows if row["split"] == "whole"]
    assert "do not compare" not in markdown_published(whole)


def test_a_box_that_is_too_small_is_left_out_and_named(folder: Path, tmp_path: Path) -> None:
    for name in ("test_2k_540p", ANNOTATIONS):
        first = sorted((folder / name).iterdir())[0]
        (tmp_path / name).mkdir()
        (tmp_path / name / first.name).symlink_to(first)
    name = next((tmp_path / ANNOTATIONS).iterdir()).name
    (tmp_path / ANNOTATIONS / name).unlink()
    (tmp_path / ANNOTATIONS / name).mkdir()
    note = tmp_path / ANNOTATIONS / name / f"{name}.json"
    values = json.loads((folder / ANNOTATIONS / name / note.name).read_text())
    values["motion_RoI"] |= {"width": 18}
    note.write_text(json.dumps(values))
    found = measure("blend", f"atd12k:{tmp_path}")
    assert found.meta["roi_too_small"] == [name]
    assert "roi" not in {row["split"] for row in found.rows}
    note.unlink()
    with pytest.raises(InputError, match=rf"lacks 1 annotations, {ANNOTATIONS}/{name}/{name}\.json"):
        open_data(f"atd12k:{tmp_path}")
    with pytest.raises(InputError, match="no triplets"):
        rows_of([], "blend")


def small_triplet(coarse: bool) -> Triplet:
    random = np.random.default_rng(0)
    frames = random.random((3, 64, 64, 3), np.float32)
    flow = np.full((2, 64, 64), 5, np.float32)
    return Triplet("one", *frames, None, (flow, -flow) if coarse else None)


def test_coarse_flow_of_the_data_is_used_unless_told_otherwise(tmp_path: Path) -> None:
    weights = {"animeinterp": toy_file("animeinterp", tmp_path)}
    drawn = {}
    for name, how in {
        "given": Manner(),
        "own": Manner(own_guide=True),
        "none": Manner({"guide": False}),
        "shown": Manner(own_guide=True, debug_dir=tmp_path / "seen"),
    }.items():
        (system,) = open_systems(["animeinterp"], weights, "cpu", "fp32", how)
        drawn[name], _ = system.draw(small_triplet(coarse=True))
        said = system.notes()
        wanted = {"given": "came with the data, for 1", "none": "without coarse flow"}
        assert [wanted.get(name, "told apart by") in line for line in said] == [True]
    assert not np.array_equal(drawn["given"], drawn["own"])
    assert not np.array_equal(drawn["given"], drawn["none"])
    np.testing.assert_array_equal(drawn["own"], drawn["shown"])
    kinds = {path.stem.removeprefix("one-") for path in (tmp_path / "seen" / "animeinterp").iterdir()}
    assert kinds == {"frames", "segments", "matches", "flow01", "flow10", "refined01", "refined10"}
    (system,) = open_systems(["animeinterp"], weights, "cpu", "fp32", Manner())
    system.draw(small_triplet(coarse=False))
    assert "told apart by" in system.notes()[0]
    assert system.notes()[0].startswith(f"{system.name}: ")
    system.name = "runs/mine/weights.safetensors"  # as a weight file is called
    assert system.notes()[0].startswith("runs/mine/weights.safetensors: segment-guided")


def test_what_a_network_draws_is_measured_as_it_is(tmp_path: Path) -> None:
    """Pixels equal in both keys are not given back where the protocol is the authors'."""
    system = ModelSystem("animeinterp", toy_file("animeinterp", tmp_path), "cpu", "fp32")
    frames = np.random.default_rng(0).random((3, 64, 64, 3), np.float32)
    frames[2, :, :32] = frames[0, :, :32]
    made = {}
    for published in (True, False):
        system.adjust(Manner({"guide": False}, as_published=published))
        made[published], _ = system.draw(Triplet("one", *frames))
    kept = (made[False] == frames[0]).all(2).sum()
    assert kept > (made[True] == frames[0]).all(2).sum()


def test_on_the_command_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["evaluate", "-q", "-m", "blend", "--data", f"atd12k:{folder}", "--limit", "1"]
    assert main(words) == 0
    said = capsys.readouterr().out
    assert "| blend | whole" in said
    assert "thesis, Table 5.3" in said
    for wrong, complaint in (
        (["--iterations", "2"], "no model here has an option 'iterations'"),
        (["--debug-dir", "x"], "no model here has pictures"),
    ):
        assert main([*words, *wrong]) == 1
        assert complaint in capsys.readouterr().err
