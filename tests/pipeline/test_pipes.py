"""The pipes of the guide, through the shell, with the real ffmpeg where it is installed."""

import re
import shutil
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest

import nakawari as nk
from nakawari.video.open import open_reader
from tests.video.media import hear, pictures, write_video

GUIDE = Path(__file__).parents[2] / "docs" / "guide.md"


def piped() -> list[str]:
    """Every command of the guide in which ffmpeg and nakawari share a pipe."""
    text = GUIDE.read_text().replace("\\\n", " ")
    return [
        line for line in re.findall(r"^.*\|.*$", text, re.M) if "ffmpeg" in line and "nakawari smooth" in line
    ]


def test_the_guide_shows_pipes_both_ways() -> None:
    assert any(line.startswith("ffmpeg") for line in piped())
    assert any(line.startswith("nakawari") for line in piped())


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")
@pytest.mark.parametrize("command", piped())
def test_pipes_of_the_guide_run(tmp_path: Path, command: str) -> None:
    source = write_video(tmp_path / "in.mkv", pictures(12, 64, 48), Fraction(24000, 1001), sound="flac")
    names = set(re.findall(r"\w+\.mkv", command))
    assert "episode.mkv" in names
    source.rename(tmp_path / "episode.mkv")
    (result,) = names - {"episode.mkv"}
    words = command.replace("nakawari ", f"{sys.executable} -m nakawari ")
    subprocess.run(words, shell=True, cwd=tmp_path, check=True, capture_output=True)
    reader = open_reader(tmp_path / result)
    assert reader.info.rate == 60
    assert len(list(reader)) == round(12 / Fraction(24000, 1001) * 60)
    if reader.info.audio:
        assert hear(tmp_path / result)[1].shape[1] >= 23000
    straight = nk.plan(tmp_path / "episode.mkv", fps=60)
    assert len(straight.slots) == len(list(reader))
