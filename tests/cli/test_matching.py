"""AnimeInterp from the command line: with matching and without, what is said, and what is drawn of it."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from nakawari.cli import main
from tests.models.toys import toy_file
from tests.nn.seeded_vgg import seeded_vgg


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clip")
    for number in range(3):
        frame = np.full((64, 96, 3), 230, np.uint8)
        cv2.circle(frame, (30 + 8 * number, 32), 12, (40, 90, 200), -1)
        cv2.circle(frame, (30 + 8 * number, 32), 12, (0, 0, 0), 2)
        cv2.imwrite(str(folder / f"{number}.png"), frame)
    return folder


@pytest.fixture
def words(clip: Path, tmp_path: Path) -> list[str]:
    weights = str(toy_file("animeinterp", tmp_path))
    return ["smooth", str(clip), "-o", str(tmp_path / "out"), "-m", "animeinterp", "--weights", weights,
            "--cuts", "off", "-y", "-q"]  # fmt: skip


def drawn(folder: Path) -> np.ndarray:
    return np.stack([cv2.imread(str(path)) for path in sorted((folder / "out").iterdir())])


def test_with_pieces_without_and_what_is_said(words: list[str], tmp_path: Path) -> None:
    report, seen = tmp_path / "report.json", tmp_path / "seen"
    pictures = {}
    for name, more, said in (
        ("pieces", ["--no-vgg", "--contours", "anime"], "told apart by their paint"),
        ("bare", ["--no-guide"], "without coarse flow"),
    ):
        assert main([*words, "--report", str(report), "--debug-dir", str(seen / name), *more]) == 0
        assert any(said in note for note in json.loads(report.read_text())["notes"])
        pictures[name] = drawn(tmp_path)
    assert len(pictures["pieces"]) == 6
    assert not np.array_equal(pictures["pieces"], pictures["bare"])
    names = {path.name for path in (seen / "pieces").iterdir()}
    assert {"000000-000001-matches.png", "000001-000002-segments.png", "000001-000002-flow01.png"} <= names
    assert len(names) == 2 * 7
    assert len(list((seen / "bare").iterdir())) == 2 * 2  # the refined flow alone


def test_vgg_is_named_where_it_ran(words: list[str], tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    torch.save(seeded_vgg(), tmp_path / "vgg19.pth")
    assert main([*words, "--report", str(report), "--vgg", str(tmp_path / "vgg19.pth")]) == 0
    assert any("told apart by VGG-19" in note for note in json.loads(report.read_text())["notes"])


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        (["--vgg", "/no/such/vgg19.pth"], "no weight file /no/such/vgg19.pth"),
        (["-m", "classic", "--no-guide"], "classic"),
    ],
)
def test_wrong_requests_end_in_one_line_and_write_nothing(
    words: list[str], more: list[str], complaint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if "classic" in more:
        at = words.index("--weights")
        words = words[:at] + words[at + 2 :]
    assert main([*words, *more]) == 1
    message = capsys.readouterr().err
    assert complaint in message
    assert len(message.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_a_model_that_sees_nothing_has_nothing_to_show(
    clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["smooth", str(clip), "-o", str(tmp_path / "out"), "-q", "-m", "blend", "--debug-dir", "seen"]
    assert main(words) == 1
    assert "blend has no pictures" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
