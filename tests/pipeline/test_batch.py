"""A folder of clips: each for itself, and a summary in the end."""

import json
from pathlib import Path

import av
import pytest

from nakawari.cli import main
from tests.video.media import pictures, write_video


def test_a_folder_of_clips(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A silent clip, a broken one and one of another kind do not change what becomes of the others."""
    folder = tmp_path / "clips"
    folder.mkdir()
    write_video(folder / "clip2.mp4", pictures(6, 32, 32), sound="aac")
    write_video(folder / "clip10.mkv", pictures(6, 32, 32), sound="aac")
    write_video(folder / "clip1.mp4", pictures(6, 32, 32))
    write_video(folder / "old.avi", pictures(6, 32, 32), codec="mpeg4", sound="libmp3lame")
    (folder / "clip3.mkv").write_text("this is no film")
    (folder / "notes.txt").write_text("not a clip")
    words = ["smooth", str(folder), "-o", str(tmp_path / "out"), "--factor", "2", "-m", "blend", "-q"]
    assert main([*words, "--report", str(tmp_path / "r.json")]) == 1
    heard = capsys.readouterr().err.splitlines()
    assert len(heard) == 2
    assert "[3/5] clip3.mkv: " in heard[0]
    assert heard[1] == "4 of 5 clips are done, 1 failed."
    names = ["clip1.mp4", "clip10.mkv", "clip2.mp4", "old.mkv"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == names
    for name in names:
        with av.open(str(tmp_path / "out" / name)) as container:
            assert len(container.streams.audio) == (name != "clip1.mp4")
            assert len(list(container.decode(video=0))) == 12
    rows = json.loads((tmp_path / "r.json").read_text())
    assert rows["failed"] == 1
    assert [Path(row["input"]).name for row in rows["clips"]] == [
        "clip1.mp4", "clip2.mp4", "clip3.mkv", "clip10.mkv", "old.avi"
    ]  # fmt: skip


def test_names_and_folders_of_a_batch(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "clips"
    folder.mkdir()
    write_video(folder / "a.mkv", pictures(4, 32, 32))
    words = ["smooth", str(folder), "-m", "blend", "-q"]
    assert main([*words, "--fps", "60"]) == 0
    assert (tmp_path / "clips_60fps" / "a.mkv").is_file()
    assert main([*words, "-o", str(folder)]) == 1
    assert "the input itself" in capsys.readouterr().err
    assert main([*words, "--plan", "x.json"]) == 1
    assert "belongs to one clip" in capsys.readouterr().err
    write_video(folder / "a.avi", pictures(4, 32, 32), codec="mpeg4")
    assert main([*words, "-o", str(tmp_path / "b")]) == 1
    assert "both become a.mkv" in capsys.readouterr().err
    assert not (tmp_path / "b").exists()
