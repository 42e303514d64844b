"""`nakawari evaluate`: the table on standard output, files whole or not at all, wrong usage in one line."""

import json
from pathlib import Path

import numpy as np
import pytest

from nakawari.cli import main
from tests.evaluation.scenes import write_means, write_triplets


@pytest.fixture
def triplets(tmp_path: Path) -> Path:
    return write_triplets(tmp_path)


@pytest.fixture
def averages(tmp_path: Path) -> Path:
    return write_means(tmp_path)


def lines(text: str) -> list[str]:
    return text.strip().splitlines()


def test_table_json_and_sheet(
    triplets: Path,
    averages: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out, page = tmp_path / "out.json", tmp_path / "out.html"
    words = [
        "evaluate",
        "-q",
        "-m",
        "blend",
        "-m",
        f"predictions:{averages}",
        "--data",
        f"triplets:{triplets}",
    ]
    files = ["--json", str(out), "--html", str(page), "--worst", "1"]
    assert main([*words, *files, "--diff", "blend", "mean", "--diff-count", "2"]) == 0
    heard = capsys.readouterr()
    assert heard.err == ""
    table, differences = heard.out.split("\n\n")
    assert len(lines(table)) == 2 + 2
    assert len(lines(differences)) == 2 + 1 + 2
    rows = json.loads(out.read_text())["rows"]
    assert [row["model"] for row in rows] == ["blend", "mean"]
    assert all(np.isfinite(row["psnr"]) for row in rows)
    assert page.read_text().count("<section") == 1
    assert sorted(p.name for p in tmp_path.iterdir()) == ["mean", "out.html", "out.json", "triplets"]


def test_diff_brings_its_own_models(
    triplets: Path,
    averages: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = ["evaluate", "-q", "--data", f"triplets:{triplets}", "--limit", "2"]
    assert main([*words, "--diff", "blend", f"predictions:{averages}"]) == 0
    assert "| blend / mean (difference)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "status", "hint"),
    [
        (["-m", "blend"], 2, "--data"),
        (["--data", "x", "--weights", "fast"], 2, "not NAME=FILE"),
        (["--data", "x", "--limit", "0"], 2, "below 1"),
        (["--data", "folder:x"], 1, "names no data"),
        (["-m", "blnd", "--data", "triplets:{}"], 1, "Did you mean blend?"),
        (["-m", "blend", "--data", "triplets:{}", "--diff", "blend", "blend"], 1, "differs from itself"),
        (["-m", "blend", "--data", "triplets:{}", "--json", "/no/such/folder/x.json"], 1, "/no/such/folder"),
        (["-m", "blend", "--data", "triplets:{}", "--html", "{}"], 1, "is a folder"),
        (["-m", "blend", "--data", "triplets:{}/..", "--json", "{}/x.json"], 1, "lacks frame1"),
    ],
)
def test_failures_are_one_line_and_leave_nothing(
    triplets: Path,
    words: list[str],
    status: int,
    hint: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = sorted(triplets.iterdir())
    assert main(["evaluate", "-q", *(word.replace("{}", str(triplets)) for word in words)]) == status
    heard = capsys.readouterr()
    assert heard.out == ""
    assert hint in heard.err
    assert len(lines(heard.err)) == 1
    assert sorted(triplets.iterdir()) == before
