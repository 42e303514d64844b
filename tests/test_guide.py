"""The guide's commands do what it says, run as they stand on small media that are called so."""

from __future__ import annotations

import re
import shlex
import shutil
from itertools import pairwise
from pathlib import Path

import pytest

from nakawari.cels.sheet import Cell, Sheet, Track, sheet_text
from nakawari.cli import main
from nakawari.optional import available
from tests.cels.test_files import write_psd
from tests.pipeline.cels import drawing, keys, save
from tests.video.media import pictures, write_video

GUIDE = Path(__file__).parents[1] / "docs/guide.md"
BLOCKS = re.findall(r"^```([a-z]*)\n(.*?)^```", GUIDE.read_text(), re.M | re.S)
LINES = [
    line for kind, text in BLOCKS if not kind for line in text.splitlines() if line.startswith("nakawari ")
]
RUN = ("smooth", "plan", "inbetween", "evaluate")
HERE = (
    *("episode.mkv", "scene.mp4", "film.mkv", "clip.mkv", "season/", "frames/", "frames/%05d.png"),
    *("cuts.txt", "plan.json", "DIR", "THEIRS"),
    *(
        "A0001.png",
        "A0007.png",
        "keys/",
        "keys/*.png",
        "walk/",
        "cels/A",
        "cels/B",
        "cut012.psd",
        "cut012.xdts",
    ),
)
"""What `media` has, or a command of the guide makes; commands about other files are only looked at elsewhere
(`test_docs.py`), as are those that go through other programs."""
WRITES = ("-o", "--json", "--html", "--report", "--sheet", "--vote", ">")


def inputs(command: str) -> list[str]:
    """The files and folders that a command reads."""
    words = shlex.split(command)
    found = []
    for before, word in pairwise(words):
        bare = re.sub(r"^(triplets|predictions|video|atd12k|[A-Z]+)[:=]", "", word)
        file = bare != word or "/" in word or re.search(r"\.[a-z][a-z0-9]+$", word)
        if file and before not in (*WRITES, "--chart", "--fps", "--names"):
            found.append(bare)
    return found


COMMANDS = [
    line
    for line in LINES
    if line.split()[1] in RUN and "|" not in line and all(name in HERE for name in inputs(line))
]
TIMES = {"12:04": "0:00.08", "12:31.5": "0:00.24"}
"""The clips here are shorter than an episode."""


@pytest.fixture(scope="module")
def media(tmp_path_factory) -> Path:
    """A folder with all that the commands name."""
    folder = tmp_path_factory.mktemp("guide")
    write_video(folder / "episode.mkv", pictures(8, 64, 48), sound="libopus")
    write_video(folder / "scene.mp4", pictures(5, 64, 48), sound="aac")
    for copy in ("film.mkv", "clip.mkv", "season/one.mkv"):
        (folder / copy).parent.mkdir(exist_ok=True)
        shutil.copy(folder / "episode.mkv", folder / copy)
    for number, column in enumerate((16, 20, 24), 1):
        save(folder / f"frames/{number:05d}.png", drawing(column))
        save(folder / f"DIR/one/frame{number}.png", drawing(column))
    save(folder / "THEIRS/one.png", drawing(19))
    keys(folder, 16, 20, step=6)  # A0001, A0007
    keys(folder / "keys", 16, 20, 24, 28)
    keys(folder / "walk", 16, 20, 24, step=3)
    keys(folder / "cels/A", 16, 24)  # 1, 5
    keys(folder / "cels/B", 30, 34, step=1, alpha=True)  # 1, 2
    tracks = (
        Track("A", (Cell(0, "1"), Cell(2, None, True), Cell(4, "5"))),
        Track("B", (Cell(0, "1"), Cell(3, None, True), Cell(5, "2"))),
    )
    (folder / "cut012.xdts").write_text(sheet_text(Sheet(8, tracks), "cut012.xdts"))
    if available("psd_tools"):
        layers = {"1": drawing(16, alpha=True), "2": drawing(20, alpha=True)}
        write_psd(folder / "cut012.psd", {"A": layers, "B": layers})
    return folder


@pytest.fixture
def cut(media, tmp_path, monkeypatch) -> Path:
    """A copy of it to work in."""
    shutil.copytree(media, tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


def test_there_are_commands_for_each_job() -> None:
    verbs = [line.split()[1] for line in COMMANDS]
    assert {verb: verbs.count(verb) >= 3 for verb in RUN} == dict.fromkeys(RUN, True)


@pytest.mark.parametrize("command", COMMANDS)
def test_the_guide_s_commands_run(cut, command, capsys):
    if ".psd" in command and not available("psd_tools"):
        pytest.skip("the extra cel is not installed (psd-tools)")
    for made, words in (("cuts.txt", "--cuts-only"), ("plan.json", "--fps 60 --json")):
        if made in command and ">" not in command:
            assert main(["plan", "episode.mkv", *words.split(), "-q"]) == 0
            Path(made).write_text(capsys.readouterr().out)
    command = command.split(" > ")[0]
    words = []
    for word in shlex.split(command)[1:]:
        words += sorted(map(str, Path().glob(word))) if "*" in word else [TIMES.get(word, word)]
    named = ("-o", "--json", "--html", "--report")
    outputs = [] if words[0] == "plan" else [b for a, b in pairwise(words) if a in named]
    for output in outputs:  # another command of the guide reads a file of that name
        if Path(output).is_file():
            Path(output).unlink()
    before = {p for p in Path().rglob("*") if p.is_file()}
    assert main(words if words[0] == "evaluate" else [*words, "-q"]) == 0, capsys.readouterr().err
    said = capsys.readouterr().out
    if words[0] == "plan" or "--dry-run" in words:
        assert said.strip() or "--cuts-only" in words  # a clip of one shot has no cuts
        return
    made = {p for p in Path().rglob("*") if p.is_file()} - before
    for output in outputs:
        assert any(str(p).startswith(str(Path(output))) for p in made), output
    assert made or words[0] == "evaluate"
    assert not [p for p in made if ".part" in str(p)]
    if "--sheet" in words or "cut012.xdts" in words:
        assert any(p.suffix in (".csv", ".xdts") for p in made)
    assert Path("out/composite").exists() == ("--composite" in words)
