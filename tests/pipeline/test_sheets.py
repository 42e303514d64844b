"""Timesheets and layers through `inbetween`: what the sheet says is what stands there."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

import nakawari as nk
from nakawari.cels.composite import over
from nakawari.cels.sheet import Cell, Sheet, Track, read_sheet, sheet_text
from nakawari.cli import main
from nakawari.errors import InputError, MediaError, PlanError
from nakawari.pipeline.planning import plan_cut

from .cels import drawing, keys, load, names, place, save


def sheet(path: Path, duration: int, **tracks: str) -> Path:
    """Columns as words: `1 . ○ . 3` (a dot goes on)."""
    columns = []
    for name, words in tracks.items():
        cells = []
        for frame, word in enumerate(words.split()):
            if word != ".":
                cells.append(Cell(frame, None if word in "×○" else word, word == "○"))
        columns.append(Track(name, tuple(cells)))
    path.write_text(sheet_text(Sheet(duration, tuple(columns)), path), encoding="utf-8")
    return path


def cells(path: Path, track: int = 0) -> list[tuple[int, str | None]]:
    return [(cell.frame, cell.name) for cell in read_sheet(path).tracks[track].cells]


@pytest.mark.parametrize("suffix", [".xdts", ".csv"])
def test_a_sheet_says_what_is_drawn_and_gets_the_names(tmp_path, suffix):
    keys(tmp_path / "a", 16, 32)  # A0001, A0005
    keys(tmp_path / "b", 20, 24, step=1)  # A0001, A0002
    cut = sheet(
        tmp_path / f"cut{suffix}",
        12,
        A="1 . 2 . 3 . 4 . 5 . × .",
        B="1 . . ○ . ○ . 2 . . . .",
        C="1 " + ". " * 11,
    )
    layers = {"B": tmp_path / "b", "A": tmp_path / "a"}
    report = nk.inbetween(cut, tmp_path / "out", layers=layers, ease="in")
    assert names(tmp_path / "out") == [
        *(f"A/A{n:04d}.png" for n in range(1, 6)),
        *("B/A0001.png", "B/A0001_1.png", "B/A0001_2.png", "B/A0002.png"),
        f"cut{suffix}",
    ]
    assert abs(place(load(tmp_path / "out/A/A0003.png")) - 20) < 0.7  # a quarter of the way: eased
    out = tmp_path / f"out/cut{suffix}"
    assert cells(out) == [(0, "1"), (2, "2"), (4, "3"), (6, "4"), (8, "5"), (10, None)]
    assert cells(out, 1) == [(0, "1"), (3, "1_1"), (5, "1_2"), (7, "2")]
    assert cells(out, 2) == [(0, "1")]  # a layer that was not drawn stays as it was
    (note,) = (note for note in report.notes if "not given" in note)
    assert "layer C" in note
    again = plan_cut(out, layers=layers)  # what was written means the same drawings, under the same names
    assert sorted(layer.place(d) for layer in again for d in layer.drawings) == names(tmp_path / "out")[:-1]
    assert [d.layer for d in report.drawings if d.reason == "between"] == ["A"] * 3 + ["B"] * 2
    # the result is a cut in which nothing is left to draw
    with pytest.raises(PlanError, match="asks for no drawing"):
        plan_cut(out, layers={"A": tmp_path / "out/A", "B": tmp_path / "out/B"})


def test_drawings_that_come_again_are_drawn_once(tmp_path):
    keys(tmp_path / "a", 16, 24, step=2)
    cut = sheet(tmp_path / "c.csv", 10, A="1 2 3 . 2 1 2 3 2 1")
    nk.inbetween(cut, tmp_path / "out", layers={"A": tmp_path / "a"})
    assert names(tmp_path / "out") == ["A/A0001.png", "A/A0002.png", "A/A0003.png", "c.csv"]
    assert [name for _, name in cells(tmp_path / "out/c.csv")] == [
        "1",
        "2",
        "3",
        "2",
        "1",
        "2",
        "3",
        "2",
        "1",
    ]


def test_a_sheet_of_keys_takes_drawings_just_before_the_next(tmp_path):
    keys(tmp_path / "a", 16, 24)
    cut = sheet(tmp_path / "c.csv", 24, A="1 " + ". " * 11 + "5 " + ". " * 11)
    nk.inbetween(cut, tmp_path / "out", layers={"A": tmp_path / "a"}, count=3, exposure=2)
    assert cells(tmp_path / "out/c.csv") == [(0, "1"), (6, "2"), (8, "3"), (10, "4"), (12, "5")]
    with pytest.raises(PlanError, match="need 13"):
        plan_cut(cut, layers={"A": tmp_path / "a"}, count=3, exposure=4)


def test_exposures_holds_and_loops_are_written(tmp_path):
    given = keys(tmp_path / "a", 16, 24, 30)
    nk.inbetween(given, tmp_path / "out", exposure=2, holds={"A0005": 8}, loop=True, sheet="walk.xdts")
    assert cells(tmp_path / "out/walk.xdts") == [
        *((0, "1"), (2, "3"), (4, "5"), (12, "7"), (14, "9"), (16, "11"))
    ]
    assert read_sheet(tmp_path / "out/walk.xdts").duration == 18
    with pytest.raises(InputError, match="no key 'B1'"):
        plan_cut(given, holds={"B1": 2})


@pytest.mark.parametrize(
    ("column", "error"),
    [
        ("○ . 1 . 5", "no key is before"),
        ("1 . 5 . ○", "no key follows"),
        ("1 . ○ × 5", "before an empty cell"),
    ],
)
def test_drawings_that_stand_between_nothing_are_refused(tmp_path, column, error):
    keys(tmp_path / "a", 16, 24)
    with pytest.raises(PlanError, match=error):
        plan_cut(sheet(tmp_path / "c.csv", 5, A=column), layers={"A": tmp_path / "a"})


def test_charts_have_to_agree_with_the_sheet(tmp_path):
    keys(tmp_path / "a", 16, 24, 32)
    cut = sheet(tmp_path / "c.csv", 9, A="1 ○ ○ 5 . ○ . 9 .")
    layers = {"A": tmp_path / "a"}
    made = plan_cut(cut, layers=layers, chart={"A": "1/4 3/4; favour last"})[0]
    assert [str(d.t) for d in made.drawings if d.t] == ["1/4", "3/4", "2/3"]
    with pytest.raises(PlanError, match="asks for 2"):
        plan_cut(cut, layers=layers, chart="halves")
    with pytest.raises(InputError, match="say where"):
        plan_cut(cut)
    with pytest.raises(InputError, match="no layer B"):
        plan_cut(cut, layers={"B": tmp_path / "a"})


def test_layers_are_laid_over_one_another(tmp_path):
    save(tmp_path / "bg/1.png", np.full((40, 64, 3), (200, 220, 255), np.uint8))
    keys(tmp_path / "a", 16, 24, alpha=True)
    layers = {"BG": tmp_path / "bg", "A": tmp_path / "a"}
    nk.inbetween(layers=layers, output=tmp_path / "out", composite=True, exposure=2)
    frames = sorted((tmp_path / "out/composite").iterdir())
    assert [f.name for f in frames] == [f"{n:04d}.png" for n in range(1, 7)]
    assert frames[0].read_bytes() == frames[1].read_bytes()  # on twos
    middle = cv2.cvtColor(load(frames[2]), cv2.COLOR_BGR2RGB)
    cel = cv2.cvtColor(load(tmp_path / "out/A/A0003.png"), cv2.COLOR_BGRA2RGBA)
    inside = cel[..., 3] == 255
    assert (middle[inside] == cel[inside][:, :3]).all()
    assert (middle[~inside] == (200, 220, 255)).all()


def test_layers_that_cannot_go_together_are_refused_before_anything_is_drawn(tmp_path):
    save(tmp_path / "bg/1.png", np.zeros((20, 64, 3), np.uint8))
    keys(tmp_path / "a", 16, 24)
    layers = {"BG": tmp_path / "bg", "A": tmp_path / "a"}
    with pytest.raises(MediaError, match="one canvas"):
        nk.inbetween(layers=layers, output=tmp_path / "out", composite=True)
    with pytest.raises(InputError, match="only one key"):
        plan_cut(layers={"BG": tmp_path / "bg"})
    for bad in ("../x", "a/b", "", ".x", "a:b"):
        with pytest.raises(InputError, match="no name of a file"):
            plan_cut(layers={bad: tmp_path / "a"})
    with pytest.raises(InputError, match="composite"):
        nk.inbetween(layers={"composite": tmp_path / "a"}, output=tmp_path / "out", composite=True)


def test_columns_that_are_empty_or_called_alike_stay(tmp_path):
    keys(tmp_path / "a", 16, 24, step=2)
    tracks = (
        Track("A", (Cell(0, "1"), Cell(2, "2"), Cell(4, "3"))),
        Track("B", ()),
        Track("B", (Cell(1, "9"),)),
    )
    cut = tmp_path / "c.xdts"
    cut.write_text(sheet_text(Sheet(6, tracks), cut))
    nk.inbetween(cut, tmp_path / "out", layers={"A": tmp_path / "a"})
    assert read_sheet(tmp_path / "out/c.xdts").tracks == tracks
    with pytest.raises(InputError, match="2 layers called B"):
        plan_cut(cut, layers={"B": tmp_path / "a"})


def test_over_keeps_straight_alpha_and_depth():
    clear, red = np.zeros((2, 2, 4), np.uint8), np.zeros((2, 2, 4), np.uint16)
    red[:] = (65535, 0, 0, 32768)
    made = over([clear, red])
    assert made.dtype == np.uint16
    assert (made == red).all()
    assert over([np.full((2, 2, 3), 9, np.uint8), clear]).shape == (2, 2, 3)
    with pytest.raises(MediaError):
        over([clear, red[:1]])


def test_command_line_takes_a_sheet(tmp_path, monkeypatch, capsys):
    keys(tmp_path / "a", 16, 32)
    sheet(tmp_path / "cut.xdts", 6, A="1 . 3 . 5 .")
    monkeypatch.chdir(tmp_path)
    words = ["inbetween", "cut.xdts", "--layers", "A=a", "-o", "out"]
    assert main([*words, "--dry-run"]) == 0
    assert "A0003.png  from frame 3: 1/2" in capsys.readouterr().out
    assert main([*words, "-q", "--composite"]) == 0
    assert names(tmp_path / "out")[:3] == ["A/A0001.png", "A/A0003.png", "A/A0005.png"]
    assert len(list((tmp_path / "out/composite").iterdir())) == 6
    for bad in (["--sheet", "a/b.csv"], ["--sheet", "b.txt"], ["--hold", "A1=2"]):
        assert main([*words, *bad, "-q", "-y"]) == 2
        assert capsys.readouterr().err.count("\n") == 1


def test_drawing_of_a_disc_is_where_it_says():
    assert abs(place(drawing(20)) - 20) < 0.1
