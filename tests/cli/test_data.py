"""`nakawari data`: shards that say what made them, sheets, and refusals in one line."""

from __future__ import annotations

import cv2
import pytest

from nakawari.cli.verbs import run
from nakawari.data.atd12k import find_triplets
from nakawari.data.shards import Shards


def test_cartoon_writes_shards_and_goes_on(tmp_path, capsys):
    words = [
        "data",
        "cartoon",
        "-o",
        str(tmp_path / "set"),
        "--count",
        "3",
        "--per-shard",
        "2",
        "--size",
        "48x32",
    ]
    words += ["--workers", "0", "--keep", "flow01", "labels0"]
    assert run(words) == 0
    shards = Shards(tmp_path / "set")
    assert len(shards) == 3
    assert shards[2].frame0.shape == (3, 32, 48)
    assert set(shards[0].tensors()) == {"frame0", "framet", "frame1", "t", "flow01", "labels0"}
    assert shards.headers[0]["generator"] == "cartoon"
    assert run(words) == 0
    assert run([*words, "--seed", "9"]) == 1
    assert "Name another folder" in capsys.readouterr().err


def test_a_sheet_shows_what_it_makes(tmp_path):
    sheet = tmp_path / "sheet.png"
    assert (
        run(["data", "cartoon", "--sheet", str(sheet), "--count", "3", "--size", "32", "--crop", "24"]) == 0
    )
    assert cv2.imread(str(sheet)).shape == (2 * 24, 6 * 24, 3)


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["cartoon"], "give -o DIR"),
        (["cartoon", "-o", "x", "--keep", "flow"], "is not known"),
        (["cartoon", "--sheet", "/nowhere/sheet.png", "--count", "1", "--size", "16"], "cannot write"),
        (["lottie", "--archive", "/nowhere/lottie.zip", "-o", "x"], "cannot be read"),
    ],
)
def test_wrong_requests_end_in_one_line(words, complaint, capsys):
    assert run(["data", *words]) == 1
    message = capsys.readouterr().err
    assert complaint in message
    assert len(message.strip().splitlines()) == 1


def test_sizes_are_checked_while_they_are_parsed(capsys):
    assert run(["data", "cartoon", "--size", "big"]) == 2
    assert "is not a size" in capsys.readouterr().err


def test_a_fake_set_is_whole_until_a_file_is_taken_away(tmp_path, capsys):
    from nakawari.cli.data_sets import KINDS
    from nakawari.data.sets import SETS

    assert tuple(SETS) == KINDS
    folder = str(tmp_path / "set")
    assert run(["data", "fake", "chairs", "-o", folder, "--count", "3", "--size", "32"]) == 0
    assert run(["data", "check", "chairs", folder]) == 0
    assert "3 items of chairs, 0 of them broken" in capsys.readouterr().out
    (tmp_path / "set" / "data" / "00002_img1.ppm").unlink()
    assert run(["data", "check", "chairs", folder]) == 1
    said = capsys.readouterr()
    assert "00002_img1.ppm is missing" in said.err
    assert "1 of them broken" in said.out


def test_a_part_of_atd12k_is_faked_to_measure_with(tmp_path, capsys):
    folder = str(tmp_path / "set")
    words = ["data", "fake", "atd12k", "-o", folder, "--part", "test", "--count", "3", "--size", "64x48"]
    assert run(words) == 0
    assert "their numbers are not its numbers" in capsys.readouterr().err
    assert [len(find_triplets(folder, "test")), (tmp_path / "set/train_10k").exists()] == [3, False]
    assert run(["data", "fake", "chairs", "-o", folder, "--part", "test"]) == 1
    assert "only atd12k has a part" in capsys.readouterr().err
