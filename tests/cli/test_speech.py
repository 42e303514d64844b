"""What is said on the way: only JSON where JSON was asked for, more with -v, nothing but errors with -q."""

import json
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import pytest

from nakawari.cli import main
from nakawari.cli.progress import shown
from tests.pipeline.test_smooth import drawing, on_twos, write_images, write_video


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_video(tmp_path / "in.mkv", on_twos(8), Fraction(24))


def smooth(source: Path, *flags: str) -> int:
    return main(["smooth", str(source), "-m", "blend", *flags])


def lines(capsys) -> list[dict]:
    heard = capsys.readouterr()
    assert heard.out == ""
    return [json.loads(line) for line in heard.err.splitlines()]


def test_everything_is_json_where_that_was_asked_for(clip: Path, capsys) -> None:
    assert smooth(clip, "-o", str(clip.with_name("out.mkv")), "--json-progress") == 0
    said = lines(capsys)
    assert {"analyse", "render"} == {line["stage"] for line in said if "stage" in line}
    assert said[-1]["result"]["frames"]["out"] == 16
    assert [line for line in said if "note" in line or "error" in line] == []


def test_notes_are_json_too(tmp_path: Path, capsys) -> None:
    deep = write_images(tmp_path / "in", [drawing(n).astype("uint16") * 257 for n in range(2)])
    assert smooth(deep, "-o", str(tmp_path / "out" / "%05d.jpg"), "--json_progress") == 0
    said = lines(capsys)
    notes = [line["note"] for line in said if "note" in line]
    assert len(notes) == 1
    assert "do not hold 16 bits" in notes[0]
    assert said[-1]["result"]["notes"] == notes


@pytest.mark.parametrize(
    ("words", "status", "hint"),
    [
        (["smooth", "none.mkv", "--json-progress"], 1, "none.mkv"),
        (["smooth", "none.mkv", "--json-progress", "--fps", "0"], 2, "not above 0"),
        (["smooth", "none.mkv", "--json-progress", "--fsp", "0"], 2, "Did you mean --fps?"),
        (["inbetween", "none.png", "-o", "x", "--json-progress"], 1, "none.png"),
    ],
)
def test_errors_are_json_too(words, status, hint, capsys) -> None:
    assert main(words) == status
    (said,) = lines(capsys)
    assert said["status"] == status
    assert hint in said["error"]


def test_a_batch_says_which_clip_it_is_about(tmp_path: Path, capsys) -> None:
    folder = tmp_path / "clips"
    folder.mkdir()
    write_video(folder / "a.mkv", on_twos(4), Fraction(24))
    (folder / "b.mkv").write_text("no film")
    assert smooth(folder, "-o", str(tmp_path / "out"), "--json-progress") == 1
    said = lines(capsys)
    first, second = (line for line in said if "clip" in line)
    assert (first["clip"], first["result"]["frames"]["out"]) == (str(folder / "a.mkv"), 8)
    assert second["clip"] == str(folder / "b.mkv")
    assert "b.mkv" in second["error"]
    assert said[-1] == {"clips": 2, "failed": 1}


def test_verbose_says_what_is_found_and_how_it_is_made(clip: Path, capsys) -> None:
    assert smooth(clip, "-o", str(clip.with_name("out.mkv"))) == 0
    usual = capsys.readouterr().err
    assert smooth(clip, "-o", str(clip.with_name("out.mkv")), "-y", "-v") == 0
    said = capsys.readouterr().err
    for words in (
        "96x72", "24 a second", "libx264", "crf 16", "blend on cpu, fp32", "1 shot", "4 drawings",
        "on twos", "looking", "drawing", "writing",
    ):  # fmt: skip
        assert words in said
        assert words not in usual or words in ("drawing", "looking", "4 drawings", "1 shot")


def test_quiet_says_nothing_but_errors(tmp_path: Path, capsys) -> None:
    deep = write_images(tmp_path / "in", [drawing(n).astype("uint16") * 257 for n in range(2)])
    report = tmp_path / "report.json"
    assert smooth(deep, "-o", str(tmp_path / "out" / "%05d.jpg"), "-q", "--report", str(report)) == 0
    heard = capsys.readouterr()
    assert heard.out + heard.err == ""
    assert len(json.loads(report.read_text())["notes"]) == 1


def test_notes_come_once_and_are_called_notes(tmp_path: Path) -> None:
    deep = write_images(tmp_path / "in", [drawing(n).astype("uint16") * 257 for n in range(2)])
    words = [sys.executable, "-m", "nakawari", "smooth", str(deep), "-m", "blend"]
    done = subprocess.run(
        [*words, "-o", str(tmp_path / "out" / "%05d.jpg")], capture_output=True, text=True, check=True
    )
    assert done.stderr.count("do not hold 16 bits") == 1
    assert "note: .jpg images do not hold 16 bits" in done.stderr


def test_progress_of_a_clip_is_not_measured_by_the_one_before(capsys):
    with shown("bar") as progress:
        for done in (0, 12):
            progress("analyse", done, None)
        progress("render", 24, 24)
        assert capsys.readouterr().out == ""
        for done in (0, 5):
            progress("analyse", done, None)
        progress("render", 0, 10)
    said = capsys.readouterr().err.split()
    assert "5/5" in said
    assert "0/10" in said
    with shown("json") as progress:
        progress("render", 0, 9)
        time.sleep(0.2)
        progress("render", 9, 9)
        progress("render", 0, 9)
        progress("render", 9, 9)
    rows = [json.loads(row) for row in capsys.readouterr().err.splitlines()]
    assert rows[1]["fps"] < 50 < rows[3]["fps"]
