"""Keys in, keys and in-betweens out: what an animator relies on."""

from __future__ import annotations

import json
import shutil
import zlib
from itertools import pairwise

import cv2
import numpy as np
import pytest

import nakawari as nk
from nakawari.cli import main
from nakawari.errors import InputError, MediaError, OutputError, UsageError
from nakawari.pipeline.planning import plan_cut

from .cels import SIZE, drawing, keys, load, names, place, save


def test_keys_stay_byte_for_byte_and_drawings_stand_where_the_chart_says(tmp_path):
    given = keys(tmp_path / "keys", 16, 24, 48)
    report = nk.inbetween(given, tmp_path / "out", chart="1/4 1/2 3/4; 1/8")
    assert names(tmp_path / "out") == [f"A{n:04d}.png" for n in (1, 2, 3, 4, 5, 7, 9)]
    for key in given:
        assert (tmp_path / "out" / key.name).read_bytes() == key.read_bytes()
    for name, column in (("A0002", 18), ("A0003", 20), ("A0004", 22), ("A0007", 27)):
        assert abs(place(load(tmp_path / f"out/{name}.png")) - column) < 0.7, name
    assert [d.reason for d in report.drawings] == ["key", *["between"] * 3, "key", "between", "key"]
    assert str(report.drawings[1].t) == "1/4"


def test_the_same_keys_give_the_same_bytes(tmp_path):
    given = keys(tmp_path / "keys", 16, 30)
    for out in ("one", "two"):
        nk.inbetween(given, tmp_path / out, count=3, ease="in-out")
    assert [(tmp_path / "one" / n).read_bytes() for n in names(tmp_path / "one")] == [
        (tmp_path / "two" / n).read_bytes() for n in names(tmp_path / "two")
    ]


def test_loop_leads_back_to_the_first(tmp_path):
    given = keys(tmp_path / "keys", 16, 24)
    nk.inbetween(given, tmp_path / "out", loop=True)
    assert names(tmp_path / "out") == [f"A{n:04d}.png" for n in (1, 3, 5, 7)]
    assert abs(place(load(tmp_path / "out/A0007.png")) - 20) < 0.7


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("alpha", [False, True])
def test_in_betweens_are_of_the_keys_kind(tmp_path, suffix, dtype, alpha):
    given = keys(tmp_path / "keys", 16, 24, suffix=suffix, dtype=dtype, alpha=alpha)
    nk.inbetween(given, tmp_path / "out")
    made = load(tmp_path / f"out/A0003{suffix}")
    assert made.dtype == dtype
    assert made.shape == (*SIZE, 4 if alpha else 3)
    assert abs(place(made) - 20) < 0.7


def test_hard_alpha_stays_hard_and_has_no_dark_fringe(tmp_path):
    given = keys(tmp_path / "keys", 16, 23, alpha=True)
    nk.inbetween(given, tmp_path / "out", chart="thirds")
    for name in names(tmp_path / "out"):
        made = load(tmp_path / "out" / name)
        assert set(np.unique(made[..., 3])) <= {0, 255}
        assert not made[made[..., 3] == 0].any()
        rim = made[made[..., 3] > 0][:, :3]
        assert rim.min() >= 20  # the darkest colour of the keys is 26


def test_grey_stays_grey_and_profiles_go_along(tmp_path):
    given = keys(tmp_path / "keys", 16, 24)
    chunk = b"pHYs" + (5906).to_bytes(4, "big") * 2 + b"\x01"
    part = (9).to_bytes(4, "big") + chunk + zlib.crc32(chunk).to_bytes(4, "big")
    for key in given:
        cv2.imwrite(str(key), load(key)[..., 2])
        data = key.read_bytes()
        key.write_bytes(data[:33] + part + data[33:])
    nk.inbetween(given, tmp_path / "out")
    made = tmp_path / "out/A0003.png"
    assert load(made).ndim == 2
    assert part in made.read_bytes()


def test_kinds_that_differ_meet_in_the_richer_one(tmp_path):
    save(tmp_path / "A1.png", drawing(16, np.uint8, alpha=False))
    save(tmp_path / "A3.png", drawing(24, np.uint16, alpha=True))
    nk.inbetween([tmp_path / "A1.png", tmp_path / "A3.png"], tmp_path / "out")
    made = load(tmp_path / "out/A2.png")
    assert made.dtype == np.uint16
    assert made.shape[2] == 4


def test_layers_have_folders_and_charts_of_their_own(tmp_path):
    keys(tmp_path / "a", 16, 24)
    keys(tmp_path / "b", 30, 40)
    layers = {"A": tmp_path / "a", "B": tmp_path / "b"}
    nk.inbetween(layers=layers, output=tmp_path / "out", chart={"A": "thirds", "": "halves"})
    assert names(tmp_path / "out") == [
        *(f"A/A{n:04d}.png" for n in (1, 2, 3, 5)),
        *(f"B/A{n:04d}.png" for n in (1, 3, 5)),
    ]
    with pytest.raises(InputError, match="layer 'C'"):
        plan_cut(layers=layers, chart={"C": "halves"})


def test_a_layer_that_ends_early_stands_still_and_a_loop_goes_round(tmp_path):
    keys(tmp_path / "a", 16, 24, 32)
    keys(tmp_path / "b", 30, 40)
    layers = {"A": tmp_path / "a", "B": tmp_path / "b"}
    long, short = plan_cut(layers=layers, exposure=2)
    assert (long.duration, short.duration) == (10, 10)
    assert [(one.frame, one.drawing) for one in short.shown] == [(0, 0), (2, 1), (4, 2)]
    long, short = plan_cut(layers=layers, exposure=2, loop=True)
    assert (long.duration, short.duration) == (12, 12)
    assert [(one.frame, one.drawing) for one in short.shown] == [(2 * k, k % 4) for k in range(6)]


def test_layers_over_one_another_are_what_their_sheet_says(tmp_path):
    keys(tmp_path / "a", 16, 24, 32)
    save(tmp_path / "b/B1.png", drawing(30, alpha=True))
    save(tmp_path / "b/B3.png", drawing(40, alpha=True))
    layers = {"A": tmp_path / "a", "B": tmp_path / "b"}
    nk.inbetween(layers=layers, output=tmp_path / "out", composite=True, sheet="cut.csv")
    nk.inbetween(tmp_path / "out/cut.csv", tmp_path / "again", layers=layers, composite=True)
    frames = sorted((tmp_path / "out/composite").iterdir())
    assert len(frames) == 5
    for frame in frames:
        assert frame.read_bytes() == (tmp_path / "again/composite" / frame.name).read_bytes()


def test_keys_by_a_numbered_pattern(tmp_path):
    given = keys(tmp_path / "keys", 16, 24)
    save(tmp_path / "keys/other.png", drawing(10))
    assert plan_cut(tmp_path / "keys/A%04d.png")[0].keys == tuple(given)


def test_nothing_is_written_over_and_nothing_is_left_half_written(tmp_path):
    given = keys(tmp_path / "keys", 16, 24)
    out = tmp_path / "out"
    nk.inbetween(given, out)
    before = {name: (out / name).read_bytes() for name in names(out)}
    with pytest.raises(OutputError, match="already"):
        nk.inbetween(given, out)
    (out / "notes.txt").write_text("mine")
    nk.inbetween(given, out, overwrite=True)
    assert {name: (out / name).read_bytes() for name in names(out) if name != "notes.txt"} == before
    broken = tmp_path / "keys/A0009.png"
    broken.write_bytes(given[0].read_bytes()[:200])
    with pytest.raises(MediaError, match="A0009"):
        nk.inbetween([*given, broken], tmp_path / "other")
    assert not (tmp_path / "other").exists()
    assert not (tmp_path / "other.part").exists()


def test_into_the_keys_own_folder_keys_are_left_alone(tmp_path):
    given = keys(tmp_path / "keys", 16, 24)
    stamps = [key.stat().st_mtime_ns for key in given]
    nk.inbetween(given, tmp_path / "keys")
    assert [key.stat().st_mtime_ns for key in given] == stamps
    assert names(tmp_path / "keys") == ["A0001.png", "A0003.png", "A0005.png"]
    layers = {"A": given, "keys": keys(tmp_path / "A", 16, 24, 30, step=2)}
    with pytest.raises(OutputError, match="is a key"):
        nk.inbetween(layers=layers, output=tmp_path, overwrite=True)


def test_a_killed_run_is_cleared_and_a_strange_folder_is_not(tmp_path):
    given = keys(tmp_path / "keys", 16, 24)
    (tmp_path / "out.part").mkdir()
    (tmp_path / "out.part/mine.png").write_bytes(b"x")
    with pytest.raises(OutputError, match="in the way"):
        nk.inbetween(given, tmp_path / "out")
    (tmp_path / "out.part/.nakawari").touch()
    nk.inbetween(given, tmp_path / "out")
    assert names(tmp_path / "out") == ["A0001.png", "A0003.png", "A0005.png"]


def test_patterns_name_in_betweens_or_all(tmp_path):
    given = keys(tmp_path / "keys", 16, 24, 30)
    cut = plan_cut(given, chart="thirds; halves", names="{key}_{index:02d}of{next}")
    assert [d.name for d in cut[0].drawings] == [
        *("A0001.png", "A0001_01ofA0005.png", "A0001_02ofA0005.png"),
        *("A0005.png", "A0005_01ofA0009.png", "A0009.png"),
    ]
    cut = plan_cut(given, names="{prefix}{drawing:03d}")
    assert [d.name for d in cut[0].drawings] == [f"A{n:03d}.png" for n in range(1, 6)]
    with pytest.raises(InputError, match="two drawings"):
        plan_cut(given, chart="thirds", names="same")


def test_a_shell_s_order_becomes_the_natural_one_and_another_is_kept(tmp_path):
    for n in (2, 10, 1):
        save(tmp_path / f"A{n}.png", drawing(n))
    shell = sorted(tmp_path.glob("*.png"))
    assert [p.stem for p in plan_cut(shell)[0].keys] == ["A1", "A2", "A10"]
    meant = [tmp_path / f"A{n}.png" for n in (10, 1, 2)]
    assert list(plan_cut(meant)[0].keys) == meant


@pytest.mark.parametrize(
    ("words", "error", "status"),
    [
        ([], "no keys are given", 2),
        (["A0001.png"], "only one key", 2),
        (["A0001.png", "A0005.png", "--chart", "thirds", "--ease", "in"], "write the ease into it", 2),
        (["A0001.png", "A0005.png", "--count", "3", "--strength", "2"], "of no ease", 2),
        (["A0001.png", "none.png"], "does not exist", 1),
        (["A0001.png", "A0005.png", "--layers", "A=."], "wanted one of them", 2),
        (["A0001.png", "A0007.png"], "A0007.png does not exist", 1),
        (["A0001.png", "small.png"], "on one canvas", 1),
        (["A0001.png", "A0005.png", "-m", "clasic"], "Did you mean classic", 1),
        (["A0001.png", "A0005.png", "./A0001.png"], "A0001.png is given twice", 2),
        (["A0001.png", "A0005.png", "--hold", "A0009=3"], "no key 'A0009' to hold", 2),
        (["A0001.png", "A0005.png", "--chart", "halves; thirds"], "there are 2 charts", 2),
        (["A0001.png", "A0005.png", "--sheet", "x.txt", "--dry-run"], "no name of a timesheet", 2),
    ],
)
def test_wrong_words_end_in_one_line(tmp_path, monkeypatch, capsys, words, error, status):
    keys(tmp_path, 16, 24)
    save(tmp_path / "small.png", drawing(10)[:20])
    monkeypatch.chdir(tmp_path)
    before = names(tmp_path)
    assert main(["inbetween", *words, "-o", "out", "-q"]) == status
    said = capsys.readouterr().err
    assert error in said
    assert said.count("\n") == 1
    assert names(tmp_path) == before


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["--chart", "2/1"], "above 0 and below 1"),
        (["--chart", "A: sixes"], "'sixes' in the chart"),
        (["--chart", "halves", "--chart", "thirds"], "given two charts"),
        (["--chart", "halves", "--count", "2"], "not allowed with"),
        (["--count", "1000"], "wanted 0 to 999"),
        (["--count", "2.5"], "not a whole number"),
        (["--ease", "inout", "--count", "2"], "invalid choice"),
        (["--strength", "nan"], "wanted 0 to 10"),
        (["--hold", "A0001"], "wanted KEY=FRAMES"),
        (["--layers", "A"], "wanted NAME=FOLDER"),
        (["--names", "{what}"], "{what}"),
    ],
)
def test_wrong_values_of_flags_are_wrong_usage(tmp_path, monkeypatch, capsys, words, error):
    monkeypatch.chdir(tmp_path)
    assert main(["inbetween", "none.png", *words, "-o", "out"]) == 2
    said = capsys.readouterr().err
    assert error in said
    assert said.count("\n") == 1
    assert names(tmp_path) == []


def test_a_missing_key_is_found_before_anything_begins(tmp_path, capsys):
    given = [*keys(tmp_path, 16, 24), tmp_path / "A0009.png"]
    assert main(["inbetween", *map(str, given), "-o", str(tmp_path / "out")]) == 1
    said = capsys.readouterr().err
    assert said == f"nakawari: {given[-1]} does not exist.\n"


def test_what_cannot_be_drawn_is_found_before_anything_is(tmp_path, capsys):
    given = keys(tmp_path / "keys", 16, 24, 30)
    (tmp_path / "h.json").write_text('{"pairs": [{"keys": ["A0005", "A0009"], "points": [[[1, 2], [3]]]}]}')
    (tmp_path / "far.json").write_text('{"points": [[[1, 2], [3, 400]]]}')
    stages = []
    small, broken = drawing(30)[:20], given[2].read_bytes()[:60]
    for spoil, told, words in (
        (lambda: None, {"model": "cel", "hints": tmp_path / "h.json"}, "is no place"),
        (lambda: None, {"model": "cel", "hints": tmp_path / "far.json"}, "wanted a place in the 64x40 keys"),
        (lambda: None, {"model": "classic", "hints": tmp_path / "h.json"}, "classic takes no hints"),
        (lambda: save(given[2], small), {}, "wanted drawings on one canvas"),
        (lambda: given[2].write_bytes(broken), {}, "A0009.png is not an image"),
    ):
        spoil()
        with pytest.raises((InputError, MediaError), match=words):
            nk.inbetween(given, tmp_path / "out", **told, progress=lambda *stage: stages.append(stage))
    assert stages == []
    assert not (tmp_path / "out").exists()


def test_hints_of_keys_that_there_are_not_are_told(tmp_path):
    given = keys(tmp_path / "keys", 16, 24)
    pairs = [{"keys": ["A0005", "A0001.png"], "points": [[[24, 20], [16, 20]]]}, {"keys": ["A0001", "A0007"]}]
    (tmp_path / "h.json").write_text(json.dumps({"pairs": pairs}))
    report = nk.inbetween(given, tmp_path / "out", model="cel", hints=tmp_path / "h.json")
    assert report.notes == ["the hints for A0001 and A0007 are of no pair here, and are not used."]


def test_command_line_reports_and_rehearses(tmp_path, monkeypatch, capsys):
    keys(tmp_path / "keys", 16, 24)
    monkeypatch.chdir(tmp_path)
    words = ["inbetween", "keys", "-o", "out", "--count", "2", "--ease", "out"]
    assert main([*words, "--dry-run"]) == 0
    assert (
        "A0002.png  from frame 2: 5/9 (0.556) of the way from A0001.png to A0005.png"
        in capsys.readouterr().out
    )
    assert not (tmp_path / "out").exists()
    assert main([*words, "-q", "--report", "r.json"]) == 0
    said = json.loads((tmp_path / "r.json").read_text())
    assert said["count"] == {"key": 2, "between": 2, "hold": 0, "nearest": 0}
    assert [row["t"] for row in said["drawings"]] == [None, "5/9", "8/9", None]


def test_a_report_may_lie_beside_the_drawings_and_never_on_what_is_read(tmp_path, monkeypatch, capsys):
    given = keys(tmp_path / "keys", 16, 24)
    (tmp_path / "h.json").write_text("{}")
    monkeypatch.chdir(tmp_path)
    words = ["inbetween", "keys", "-o", "out", "-q", "--hints", "h.json"]
    key = given[0].read_bytes()
    for report in ("keys/A0001.png", "h.json", "./keys/../h.json", "cut.csv"):
        assert main([*words, "--report", report]) == 1
        assert "written over" in capsys.readouterr().err
        assert (given[0].read_bytes(), (tmp_path / "h.json").read_text()) == (key, "{}")
        assert not (tmp_path / "out").exists()
    assert main([*words, "--report", "out/report.json"]) == 0
    assert json.loads((tmp_path / "out/report.json").read_text())["model"] == "cel"


def test_charts_that_do_not_fit_are_refused_before_anything_is_done(tmp_path):
    given = keys(tmp_path / "keys", 16, 24, 30)
    with pytest.raises(UsageError, match="make 2 pairs"):
        nk.inbetween(given, tmp_path / "out", chart="halves; halves; halves")


def swing(degrees: float) -> np.ndarray:
    """A club that hangs from a pivot."""
    big = np.full((480, 640, 3), 255, np.uint8)
    angle = np.radians(degrees)
    end = (int(320 + 300 * np.sin(angle)), int(60 + 300 * np.cos(angle)))
    cv2.line(big, (320, 60), end, (40, 40, 40), 24, cv2.LINE_AA)
    cv2.circle(big, end, 44, (40, 40, 40), -1, cv2.LINE_AA)
    cv2.circle(big, end, 34, (60, 60, 220), -1, cv2.LINE_AA)
    cv2.circle(big, (end[0] + 12, end[1] - 10), 9, (250, 250, 250), -1, cv2.LINE_AA)
    return cv2.resize(big, (160, 120), interpolation=cv2.INTER_AREA)


@pytest.mark.parametrize("model", ["classic", "fast", "best"])
def test_what_swings_swings_on_an_arc(tmp_path, model):
    angles = (-18, -6, 6, 18)
    given = [save(tmp_path / f"keys/A{2 * k + 1}.png", swing(angle)) for k, angle in enumerate(angles)]
    errors = {}
    for arcs in (False, True):
        out = tmp_path / str(arcs)
        report = nk.inbetween(given, out, arcs=arcs, model=model)
        assert any("arcs" in note for note in report.notes) == arcs
        truth = [swing((a + b) / 2).astype(float) for a, b in pairwise(angles)]
        made = [cv2.cvtColor(load(out / f"A{n}.png"), cv2.COLOR_BGR2RGB) for n in (2, 4, 6)]
        errors[arcs] = np.mean([((one - other) ** 2).mean() for one, other in zip(made, truth, strict=True)])
    assert errors[True] < 0.95 * errors[False]


def test_there_and_back_tells_no_arc(tmp_path):
    given = keys(tmp_path / "keys", 16, 24, 30)
    back, on = (plan_cut(some, count=1, loop=True)[0] for some in (given[:2], given))
    assert [back.beside(n) for n in (0, 1)] == [(None, None)] * 2
    assert [on.beside(n) for n in (0, 1, 2)] == [(2, 1), (0, 2), (1, 0)]
    assert nk.inbetween(given[:2], tmp_path / "out", loop=True).notes == []


def test_two_keys_and_models_without_arcs_move_along_chords(tmp_path):
    given = keys(tmp_path / "keys", 16, 24, 30)
    assert nk.inbetween(given[:2], tmp_path / "two").notes == []
    report = nk.inbetween(given, tmp_path / "blend", model="blend")
    assert report.notes == ["blend draws no arcs, so everything moves along chords."]


@pytest.mark.parametrize("unsure", ["draw", "hold", "nearest"])
def test_what_nothing_explains_is_flagged_and_falls_back_as_told(tmp_path, unsure):
    rng = np.random.default_rng(0)
    given = []
    for k in range(2):
        noise = cv2.resize(
            rng.integers(0, 256, (8, 12, 3), np.uint8), SIZE[::-1], interpolation=cv2.INTER_NEAREST
        )
        given.append(save(tmp_path / f"A{k * 3}.png", noise))
    report = nk.inbetween(given, tmp_path / "out", chart="thirds", unsure=unsure)
    made = report.drawings[1:3]
    assert all(d.flags[0] == "low confidence" and d.measures["doubt"] > 0.5 for d in made)
    assert {d.reason for d in made} == {"between" if unsure == "draw" else unsure}
    stand_ins = {"hold": [0, 0], "nearest": [0, 1]}.get(unsure)
    if stand_ins:
        for d, key in zip(made, stand_ins, strict=True):
            assert (tmp_path / "out" / d.file).read_bytes() == given[key].read_bytes()


def test_plain_motion_is_not_doubted(tmp_path):
    report = nk.inbetween(keys(tmp_path, 16, 20), tmp_path / "out")
    assert report.drawings[1].measures["doubt"] < 0.1
    assert not list(report.flagged())


def test_a_cross_fade_is_a_ghost(tmp_path):
    report = nk.inbetween(keys(tmp_path, 16, 40), tmp_path / "out", model="blend")
    made = report.drawings[1]
    assert "ghost" in made.flags
    assert made.measures["ghosts"] > 0.5
    assert set(made.to_dict()["measures"]) >= {"doubt", "gaps", "new_colours", "stroke_width_px", "regions"}


def test_what_disappears_is_doubted(tmp_path):
    given = keys(tmp_path, 16, 16)
    image = drawing(16)
    image[:] = 255
    save(given[1], image)
    report = nk.inbetween(given, tmp_path / "out")
    assert report.drawings[1].flags[0] == "low confidence"


def test_hints_and_palettes_are_for_models_that_take_them(tmp_path, capsys):
    given = keys(tmp_path, 16, 20)
    (tmp_path / "h.json").write_text("{}")
    for words in (["--hints", str(tmp_path / "h.json")], ["--palette", "lock"]):
        command = ["inbetween", *map(str, given), "-o", str(tmp_path / "out"), "-q", *words]
        assert main([*command, "-m", "classic"]) == 1
        said = capsys.readouterr().err
        assert "classic" in said
        assert said.count("\n") == 1
        assert not (tmp_path / "out").exists()
        assert main([*command, "--report", str(tmp_path / "r.json")]) == 0  # `cel`, when nobody is named
        assert json.loads((tmp_path / "r.json").read_text())["model"] == "cel"
        shutil.rmtree(tmp_path / "out")
