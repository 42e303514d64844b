"""A render that is cut off goes on, and its result does not tell."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nakawari as nk
from nakawari.errors import InputError, MediaError, OutputError
from nakawari.models import official
from nakawari.video import segments
from tests.pipeline.test_smooth import drawing, write_images
from tests.video.media import hear, pictures, write_video


class CutOff(Exception):
    pass


def cut_off_after(count: int) -> Callable[[str, int, int | None], None]:
    def progress(stage: str, done: int, total: int | None) -> None:
        if stage == "render" and done >= count:
            raise CutOff

    return progress


@pytest.fixture(autouse=True)
def _short_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segments, "LENGTH", 10)


KINDS: list[tuple[str, dict[str, Any]]] = [
    ("out.mkv", {"codec": "ffv1"}),
    ("out.mp4", {"codec": "libx264", "preset": "fast"}),
    ("out.mov", {"codec": "libx264", "preset": "ultrafast"}),
]


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("film")
    return write_video(folder / "in.mkv", pictures(23, 48, 32), sound="aac", subtitles=True)


@pytest.mark.parametrize(("name", "encode"), KINDS, ids=[kind[0] for kind in KINDS])
def test_the_file_is_that_of_a_run_that_was_not_cut_off(
    tmp_path: Path, film: Path, name: str, encode: dict[str, Any]
) -> None:
    words = {"factor": 2, "model": "blend", "encode": encode, "resume": True}
    whole, broken = tmp_path / "whole" / name, tmp_path / "broken" / name
    for place in (whole, broken):
        place.parent.mkdir()
    nk.smooth(film, whole, **words)
    for count in (3, 14, 17, 27, 46):
        with pytest.raises(CutOff):
            nk.smooth(film, broken, **words, progress=cut_off_after(count))
        assert not broken.exists()
    report = nk.smooth(film, broken, **words)
    assert report.notes == ["went on after 40 frames that stood already."]
    assert report.work.drawn + report.work.copied == 6
    assert broken.read_bytes() == whole.read_bytes()
    assert [path.name for path in broken.parent.iterdir()] == [name]
    if encode["codec"] == "ffv1":
        nk.smooth(film, tmp_path / "plain.mkv", **{**words, "resume": False})
        assert (tmp_path / "plain.mkv").read_bytes() == whole.read_bytes()
    assert hear(broken)[1].shape[1] >= hear(film)[1].shape[1]


def test_images_that_stand_are_kept(tmp_path: Path) -> None:
    source = write_images(tmp_path / "in", [drawing(n) for n in range(6)])
    words = {"factor": 2, "model": "classic", "resume": True}
    nk.smooth(source, tmp_path / "whole", **words)
    with pytest.raises(CutOff):
        nk.smooth(source, tmp_path / "out", **words, progress=cut_off_after(8))
    stood = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "out.part").iterdir()}
    assert len(stood) >= 3
    report = nk.smooth(source, tmp_path / "out", **words)
    assert f"after {len(stood)} frames" in report.notes[0]
    for path in (tmp_path / "whole").iterdir():
        again = tmp_path / "out" / path.name
        assert again.read_bytes() == path.read_bytes()
        assert stood.get(path.name, again.stat().st_mtime_ns) == again.stat().st_mtime_ns
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "out", "whole"]


def test_a_killed_run_goes_on(tmp_path: Path) -> None:
    """SIGKILL, twice; the benchmark `resume.py` does it fifty times."""
    source = write_video(tmp_path / "in.mkv", pictures(100, 160, 96), sound="flac")
    command = [sys.executable, "-m", "nakawari", "smooth", str(source), "-o", str(tmp_path / "out.mkv"),
               "-x", "4", "-m", "blend", "-c:v", "ffv1", "--resume", "-q"]  # fmt: skip
    folder = tmp_path / "out.mkv.resume"
    for wanted in (1, 2):
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
            deadline = time.monotonic() + 60
            while len(list(folder.glob("*.packets"))) < wanted and time.monotonic() < deadline:
                time.sleep(0.002)
            process.kill()
        assert len(list(folder.glob("*.packets"))) >= wanted
    subprocess.run(command, check=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.mkv", "out.mkv"]
    nk.smooth(source, tmp_path / "whole.mkv", factor=4, model="blend", encode={"codec": "ffv1"})
    assert (tmp_path / "out.mkv").read_bytes() == (tmp_path / "whole.mkv").read_bytes()


def test_another_render_is_not_taken_for_this_one(tmp_path: Path, film: Path) -> None:
    out = tmp_path / "out.mkv"
    with pytest.raises(CutOff):
        nk.smooth(film, out, factor=2, model="blend", resume=True, progress=cut_off_after(15))
    for change in ({"factor": 3}, {"model": "classic"}, {"encode": {"crf": 20}}, {"cuts": "off"}):
        words = {"factor": 2, "model": "blend", **change}
        with pytest.raises(OutputError, match=r"holds another render: \w+ was"):
            nk.smooth(film, out, **words, resume=True)
    piece = tmp_path / "out.mkv.resume" / "000000.packets"
    piece.write_bytes(piece.read_bytes()[:-9] + b"x" + piece.read_bytes()[-8:])
    with pytest.raises(OutputError, match=r"000000\.packets is broken"):
        nk.smooth(film, out, factor=2, model="blend", resume=True)
    shutil.rmtree(piece.parent)
    nk.smooth(film, out, factor=2, model="blend", resume=True)


def test_other_weights_under_the_same_name_are_another_render(
    tmp_path: Path, film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out.mkv"
    with pytest.raises(CutOff):
        nk.smooth(film, out, factor=2, model="fast", resume=True, progress=cut_off_after(15))
    other = tmp_path / "newer.safetensors"
    other.write_bytes(official.shipped("fast").read_bytes() + b" ")
    monkeypatch.setattr(official, "shipped", lambda name: other)
    with pytest.raises(OutputError, match="holds another render: shipped was"):
        nk.smooth(film, out, factor=2, model="fast", resume=True)


def test_one_run_at_a_time(tmp_path: Path, film: Path) -> None:
    out = tmp_path / "out.mkv"

    def second(stage: str, done: int, total: int | None) -> None:
        if stage == "render" and done == 1:
            for resume in (True, False):
                with pytest.raises(OutputError, match="another run"):
                    nk.smooth(film, out, factor=2, model="blend", resume=resume)

    def third(stage: str, done: int, total: int | None) -> None:
        if stage == "render" and done == 1:
            with pytest.raises(OutputError, match="another run"):
                nk.smooth(film, tmp_path / "images", factor=2, model="blend")

    nk.smooth(film, out, factor=2, model="blend", resume=True, progress=second)
    nk.smooth(film, tmp_path / "images", factor=2, model="blend", progress=third)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["images", "out.mkv"]


def test_what_cannot_go_on_is_refused(tmp_path: Path, film: Path) -> None:
    for name in ("out.gif", "out.y4m", "-"):
        with pytest.raises(InputError, match="cannot go on"):
            nk.smooth(film, tmp_path / name if name != "-" else "-", model="blend", resume=True)
    out = tmp_path / "out.mkv"
    out.write_bytes(b"precious")
    with pytest.raises(OutputError, match="exists already"):
        nk.smooth(film, out, model="blend", resume=True)
    assert [path.name for path in tmp_path.iterdir()] == ["out.mkv"]


def test_an_input_that_vanishes_is_one_line_and_nothing_is_lost(tmp_path: Path, film: Path) -> None:
    source = tmp_path / "in.mkv"
    shutil.copy2(film, source)

    def vanish(stage: str, done: int, total: int | None) -> None:
        if stage == "analyse" and (total is None or done >= 20):
            source.unlink(missing_ok=True)

    for resume in (False, True):
        shutil.copy2(film, source)
        with pytest.raises(MediaError, match="does not exist"):
            nk.smooth(source, tmp_path / "out.mkv", model="blend", progress=vanish, resume=resume)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["out.mkv.resume"] * resume
    shutil.copy2(film, source)
    nk.smooth(source, tmp_path / "out.mkv", model="blend", resume=True)
    assert Fraction(50) == nk.plan(tmp_path / "out.mkv", factor=1).rate


@pytest.mark.parametrize("name", ["out.mkv", "images"])
def test_a_full_disk_is_one_line_and_finished_pieces_stay(tmp_path: Path, film: Path, name: str) -> None:
    """A limit on the size of files stands for the disk: the first piece fits, the second does not."""
    from tests.video.media import write_video as write

    noise = [np.random.default_rng(0).integers(0, 255, (96, 128, 3), np.uint8) if n > 20 else picture
             for n, picture in enumerate(pictures(40, 128, 96))]  # fmt: skip
    source = write(tmp_path / "in.mkv", noise, codec="ffv1")
    code = (
        "import resource, sys; from nakawari.video import segments; segments.LENGTH = 10\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv.pop(1)),) * 2)\n"
        "from nakawari.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    words = ["smooth", str(source), "-o", str(tmp_path / name), "-m", "blend", "--resume", "-q", "-x", "2"]
    words += ["-c:v", "ffv1"] if name == "out.mkv" else []
    limit = 150_000 if name == "out.mkv" else 20_000
    command = [sys.executable, "-c", code]
    told = subprocess.run([*command, str(limit), *words], check=False, capture_output=True, text=True)
    assert told.returncode == 1
    (line,) = told.stderr.splitlines()
    assert "cannot be written" in line
    assert not (tmp_path / name).exists()
    subprocess.run([*command, str(10**9), *words], check=True)
    report = nk.plan(tmp_path / name, factor=1)
    assert len(report.slots) == 80
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["in.mkv", name])


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="nothing is closed to root")
def test_a_closed_folder_is_one_line(tmp_path: Path, film: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0o555)
    with pytest.raises(OutputError, match="cannot be written to"):
        nk.smooth(film, tmp_path / "closed" / "out.mkv", model="blend", resume=True)
