"""The guide's commands for animators do what it says, run as they stand on drawings that are called so."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from nakawari.cels.sheet import Cell, Sheet, Track, sheet_text
from nakawari.cli import main
from nakawari.optional import available
from tests.cels.test_files import write_psd
from tests.pipeline.cels import drawing, keys

GUIDE = Path(__file__).parents[1] / "docs/guide.md"
BLOCKS = re.findall(r"^```\n(.*?)^```", GUIDE.read_text(), re.M | re.S)
COMMANDS = [line for block in BLOCKS for line in block.splitlines() if line.startswith("nakawari inbetween")]


@pytest.fixture
def cut(tmp_path, monkeypatch):
    """A folder with all that the commands name."""
    keys(tmp_path, 16, 20, step=6)  # A0001, A0007
    keys(tmp_path / "keys", 16, 20, 24, 28)
    keys(tmp_path / "walk", 16, 20, 24, step=3)
    keys(tmp_path / "cels/A", 16, 24)  # 1, 5
    keys(tmp_path / "cels/B", 30, 34, step=1, alpha=True)  # 1, 2
    tracks = (
        Track("A", (Cell(0, "1"), Cell(2, None, True), Cell(4, "5"))),
        Track("B", (Cell(0, "1"), Cell(3, None, True), Cell(5, "2"))),
    )
    (tmp_path / "cut012.xdts").write_text(sheet_text(Sheet(8, tracks), "cut012.xdts"))
    if available("psd_tools"):
        layers = {"1": drawing(16, alpha=True), "2": drawing(20, alpha=True)}
        write_psd(tmp_path / "cut012.psd", {"A": layers, "B": layers})
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_there_are_commands() -> None:
    assert len(COMMANDS) >= 7


@pytest.mark.parametrize("command", COMMANDS)
def test_the_guide_s_commands_run(cut, command, capsys):
    if ".psd" in command and not available("psd_tools"):
        pytest.skip("the extra cel is not installed (psd-tools)")
    words = []
    for word in shlex.split(command)[1:]:
        words += sorted(map(str, Path().glob(word))) if "*" in word else [word]
    assert main([*words, "-q"]) == 0, capsys.readouterr().err
    if "--dry-run" in words:
        assert "of the way" in capsys.readouterr().out
        assert not Path("out").exists()
        return
    made = {p.name for p in Path("out").rglob("*") if p.is_file()}
    assert made
    assert ("composite" in {p.name for p in Path("out").iterdir()}) == ("--composite" in words)
    for word in words:
        if word.endswith((".xdts", ".csv", ".json")):
            assert Path(word).name in made or Path(word).exists()
