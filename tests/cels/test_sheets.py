"""Timesheets: what is read is what was written, and nonsense ends in one line."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nakawari.cels.sheet import Cell, Sheet, Track, read_sheet, sheet_text
from nakawari.cels.xdts import HEADER
from nakawari.errors import InputError, MediaError, PlanError


@st.composite
def sheets(draw) -> Sheet:
    duration = draw(st.integers(1, 30))
    tracks = []
    for name in draw(
        st.lists(st.sampled_from(["A", "B", "BOOK", "セル"]), min_size=1, max_size=3, unique=True)
    ):
        frames = draw(st.lists(st.integers(0, duration - 1), unique=True).map(sorted))
        values = st.sampled_from([("1", False), ("12", False), ("3a", False), (None, False), (None, True)])
        tracks.append(Track(name, tuple(Cell(frame, *draw(values)) for frame in frames)))
    return Sheet(duration, tuple(tracks))


@given(sheets(), st.sampled_from([".xdts", ".csv"]))
def test_sheets_come_back(tmp_path_factory, sheet, suffix):
    place = tmp_path_factory.mktemp("sheet") / f"cut{suffix}"
    place.write_text(sheet_text(sheet, place), encoding="utf-8")
    assert read_sheet(place) == sheet
    assert sheet_text(read_sheet(place), place) == place.read_text(encoding="utf-8")


def xdts(**changes) -> dict:
    frames = [
        ("0", "1"),
        ("2", "SYMBOL_TICK_1"),
        ("4", "SYMBOL_HYPHEN"),
        ("5", "2"),
        ("12", "SYMBOL_NULL_CELL"),
    ]
    table = {
        "name": "sheet1",
        "duration": 12,
        "timeTableHeaders": [{"fieldId": 0, "names": ["A"]}, {"fieldId": 3, "names": ["S1"]}],
        "fields": [
            {
                "fieldId": 0,
                "tracks": [
                    {
                        "trackNo": 0,
                        "frames": [{"frame": int(f), "data": [{"id": 0, "values": [v]}]} for f, v in frames],
                    }
                ],
            },
            {"fieldId": 3, "tracks": [{"trackNo": 0, "frames": []}]},
        ],
    }
    return {"version": 5, "header": {"cut": "12", "scene": "3"}, "timeTables": [table | changes]}


def test_xdts_as_programs_write_it(tmp_path):
    place = tmp_path / "c.xdts"
    place.write_text(HEADER + "\r\n" + json.dumps(xdts()))
    sheet = read_sheet(place)
    assert (sheet.cut, sheet.scene, sheet.name, sheet.duration) == ("12", "3", "sheet1", 12)
    assert sheet.tracks == (Track("A", (Cell(0, "1"), Cell(2, None, True), Cell(5, "2"))),)
    again = json.loads(sheet_text(sheet, place).split("\n", 1)[1])
    assert again["timeTables"][0]["fields"][1] == xdts()["timeTables"][0]["fields"][1]  # dialogue stays


def test_csv_of_two_headings_in_shift_jis(tmp_path):
    place = tmp_path / "c.csv"
    text = (
        '"Frame","原画","","台詞","動画",""\n"","A","B","","A","B"\n'
        '"1","1","1","","1","1"\n"2","","","","○",""\n'
    )
    place.write_bytes(text.encode("cp932"))
    sheet = read_sheet(place)
    assert [track.name for track in sheet.tracks] == ["A", "B"]
    assert sheet.tracks[0].cells == (Cell(0, "1"), Cell(1, None, True))
    keys_only = text.replace('"1","1","1","","1","1"', '"1","7","1","","",""').replace('"○"', '""')
    place.write_bytes(keys_only.encode("cp932"))
    assert read_sheet(place).tracks[0].cells == (Cell(0, "7"),)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "hello",
        HEADER,
        HEADER + "\n{}",
        HEADER + "\n[]",
        HEADER + "\n" + "[" * 100_000,
        HEADER + "\n" + json.dumps(xdts(duration=0)),
        HEADER + "\n" + json.dumps(xdts(duration=10**9)),
        HEADER + "\n" + json.dumps(xdts(duration="12")),
        HEADER + "\n" + json.dumps(xdts(timeTableHeaders=[])),
        HEADER + "\n" + json.dumps(xdts(fields=None)),
    ],
)
def test_what_is_no_xdts_is_refused(tmp_path, body):
    place = tmp_path / "c.xdts"
    place.write_text(body)
    with pytest.raises(PlanError):
        read_sheet(place)


@pytest.mark.parametrize("body", ["", "a,b\n1,2", "Frame,A", "Frame,A\n2,1", "Frame,A\nx,1", "Frame\n1"])
def test_what_is_no_csv_sheet_is_refused(tmp_path, body):
    place = tmp_path / "c.csv"
    place.write_text(body)
    with pytest.raises(PlanError):
        read_sheet(place)


def test_other_files_are_refused(tmp_path):
    with pytest.raises(MediaError):
        read_sheet(tmp_path / "none.csv")
    (tmp_path / "b.csv").write_bytes(b"\x81\xff\xfe\x00")
    with pytest.raises(PlanError, match="UTF-8"):
        read_sheet(tmp_path / "b.csv")
    with pytest.raises(InputError, match=r"\.xdts or \.csv"):
        sheet_text(Sheet(1, ()), "a.txt")
