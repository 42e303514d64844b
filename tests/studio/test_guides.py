"""Roughs of pairs: handed in, vetted by a worker, kept with the project, and carried wherever it goes."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import nakawari as nk
from nakawari.errors import InputError
from nakawari.pipeline.given import read_plan
from nakawari.studio import project_file
from nakawari.studio.guides import keep
from nakawari.studio.project import Project
from nakawari.studio.store import Store
from tests.studio.conftest import Page, write_clip

TARGET = 4
"""The disc goes from x = 20 in frame 2 to x = 26 in frame 4."""


def rough(up: int = 8, size: tuple[int, int] = (48, 64), at: tuple[int, int] = (23, 24)) -> np.ndarray:
    """The disc between, higher than its chord."""
    picture = np.full(size, 255, np.uint8)
    cv2.circle(picture, (at[0], at[1] - up), 8, 0, 1)
    return picture


def png(picture: np.ndarray) -> bytes:
    return cv2.imencode(".png", picture)[1].tobytes()


def claiming(width: int, height: int) -> bytes:
    """A PNG that says that it is larger than it is."""
    data = png(rough())
    head = b"IHDR" + struct.pack(">II", width, height) + data[24:29]
    return data[:12] + head + struct.pack(">I", zlib.crc32(head)) + data[33:]


def hand_in(page: Page, project: str, data: bytes, query: str = "t=1-2&name=rough.png") -> dict[str, Any]:
    """What came of a picture: {"picture"} or {"error"}."""
    answer = page.client.put(f"/api/projects/{project}/pairs/{TARGET}/guide?{query}", content=data)
    if answer.status_code != 202:
        assert answer.status_code == 400, answer.text
        return dict(answer.json())
    job = page.wait(answer.json()["job"]["id"])
    return dict(job["result"]) if job["state"] == "done" else {"error": job["error"]}


def set_guide(page: Page, project: str, picture: str | None, t: str = "1/2") -> Any:
    guide = None if picture is None else {"picture": picture, "t": t}
    return page.post(f"projects/{project}/edits", {"edit": "guide", "frame": TARGET, "guide": guide})


@pytest.fixture
def cel(page: Page, project: str) -> str:
    """A project whose pair takes hints."""
    page.post(f"projects/{project}/edits", {"edit": "model", "frame": TARGET, "model": "cel"})
    return project


def height(picture: np.ndarray) -> float:
    """Of the middle of the disc."""
    return float(np.argwhere(picture[..., 0].astype(int) - picture[..., 2] > 100)[:, 0].mean())


def test_a_rough_is_followed_taken_back_and_there_again(page: Page, cel: str) -> None:
    between = f"projects/{cel}/pairs/{TARGET}/at/1-2"
    straight = page.picture(between)
    found = hand_in(page, cel, png(rough()))
    assert set_guide(page, cel, found["picture"]).status_code == 200
    assert page.get(f"projects/{cel}/pairs/{TARGET}").json()["guide"] == {**found, "t": "1/2"}
    bent = page.picture(between)
    assert height(bent) < height(straight) - 5
    kept = page.picture(f"projects/{cel}/guides/{found['picture']}")
    assert (kept[..., 0] == rough()).all()
    page.post(f"projects/{cel}/undo")
    assert (page.picture(between) == straight).all()
    page.post(f"projects/{cel}/redo")
    assert (page.picture(between) == bent).all()
    set_guide(page, cel, found["picture"], "1/4")
    assert height(page.picture(between)) < height(bent)  # a quarter there, it goes on rising
    other = f"projects/{cel}/pairs/{TARGET + 2}"
    assert page.get(other).json()["guide"] is None
    again = Store(page.folder / "state").get(cel).project  # on disk at once
    assert again.guides[TARGET].t == Fraction(1, 4)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (png(np.full((48, 64), 255, np.uint8)), "shows no lines"),
        (png(np.kron(np.indices((12, 16)).sum(0) % 2, np.ones((4, 4))).astype(np.uint8) * 255), "dark in"),
        (png(rough(at=(23, 140), up=100) & rough(at=(55, 140), up=95)), "of the guide's lines"),
        (png(rough(size=(24, 32), up=12)), "rough.png is 32x24; wanted 64x48"),
        (b"not a picture", "rough.png is not an image that can be read"),
        (png(rough())[:60], "rough.png is not an image that can be read"),
        (b"", "rough.png is not an image that can be read"),
        (claiming(1 << 20, 1 << 20), "rough.png says that it has"),
    ],
    ids=["blank", "dark", "other", "size", "junk", "cut off", "nothing", "bomb"],
)
def test_what_cannot_be_followed_is_refused_in_one_line_and_changes_nothing(
    page: Page, cel: str, data: bytes, words: str
) -> None:
    error = hand_in(page, cel, data)["error"]
    assert words in error
    assert "\n" not in error
    assert str(page.folder) not in error
    assert page.get(f"projects/{cel}/pairs/{TARGET}").json()["guide"] is None
    assert not [p for p in (page.folder / "state/projects" / cel / "guides").iterdir() if " " in p.name]


def test_what_is_being_drawn_is_kept_before_it_can_be_followed(page: Page, cel: str) -> None:
    begun = np.zeros((48, 64, 4), np.uint8)
    begun[20, 20:30, 3] = 255
    found = hand_in(page, cel, png(begun), "t=1-2&name=drawn.png&draft")
    assert set_guide(page, cel, found["picture"]).status_code == 200
    job = page.wait(page.get(f"projects/{cel}/pairs/{TARGET}/at/1-2").json()["job"]["id"])
    assert "shows no lines" in job["error"]
    render = page.post(f"projects/{cel}/render", {"output": str(page.folder / "clips/unfinished.mkv")})
    job = page.wait(render.json()["job"]["id"])
    assert "between frames 2 and 4" in job["error"]
    assert not list((page.folder / "clips").glob("unfinished*"))


def test_what_no_rough_can_be_is_refused_at_once(page: Page, cel: str) -> None:
    for query, words in (
        ("t=1-2&name=rough.exe", "no picture that is read here"),
        ("t=2-1&name=rough.png", "between 0 and 1"),
        ("name=rough.png", "N-D"),
    ):
        assert words in hand_in(page, cel, png(rough()), query)["error"]
    assert "larger than 1 MiB" in hand_in(page, cel, bytes((1 << 20) + 1))["error"]
    assert set_guide(page, cel, "0" * 32).status_code == 400
    assert page.get(f"projects/{cel}/guides/..%2fproject").status_code in (400, 404)
    page.post(f"projects/{cel}/edits", {"edit": "model", "frame": TARGET, "model": "classic"})
    assert "follows no rough" in hand_in(page, cel, png(rough()))["error"]


def test_the_plan_and_the_project_file_carry_roughs(page: Page, cel: str, tmp_path: Path) -> None:
    found = hand_in(page, cel, png(rough()))
    set_guide(page, cel, found["picture"])
    plan = tmp_path / "plan.json"
    plan.write_text(page.get(f"projects/{cel}/plan").text)
    assert read_plan(plan).pairs[0].hints["guide"].startswith("data:image/png;base64,")
    out = tmp_path / "out"
    nk.smooth(page.folder / "clips/disc.mkv", out, plan=plan)
    made = [cv2.imread(str(path))[..., ::-1] for path in sorted(out.iterdir())]
    slots = read_plan(plan).slots
    (at,) = [n for n, s in enumerate(slots) if s.target == TARGET and s.t == Fraction(1, 2)]
    assert (made[at] == page.picture(f"projects/{cel}/pairs/{TARGET}/at/1-2")).all()

    file = page.folder / "clips/elsewhere.json"
    file.write_text(page.get(f"projects/{cel}/file").text)
    again = page.open(file)
    assert again != cel
    assert page.get(f"projects/{again}/pairs/{TARGET}").json()["guide"]["picture"] == found["picture"]
    there = page.picture(f"projects/{again}/pairs/{TARGET}/at/1-2")
    assert (there == made[at]).all()


SPOILS: list[Callable[[dict[str, Any], str], object]] = [
    lambda v, n: v.pop("pictures"),
    lambda v, n: v["pictures"].pop(n),
    lambda v, n: v.update(pictures=[n]),
    lambda v, n: v["pictures"].update({n: "%%%"}),
    lambda v, n: v["pictures"].update({n: v["pictures"][n][:-8]}),
]


@pytest.mark.parametrize("spoil", SPOILS)
def test_a_project_file_whose_rough_is_not_whole_is_refused(
    page: Page, cel: str, tmp_path: Path, spoil: Callable[[dict[str, Any], str], object]
) -> None:
    project = page.studio.store.get(cel).project  # type: ignore[attr-defined]
    name = keep(png(rough()), tmp_path)
    text = project_file.write(_with_guide(project, name), tmp_path)
    assert project_file.read(text)[1].keys() == {name}
    values = json.loads(text)
    spoil(values, name)
    with pytest.raises(InputError):
        project_file.read(json.dumps(values))


def _with_guide(project: Project, picture: str) -> Project:
    from nakawari.studio.edits import apply

    return apply(project, {"edit": "guide", "frame": TARGET, "guide": {"picture": picture, "t": "1/2"}})


def test_pictures_that_nothing_names_are_gone_when_it_is_opened_again(page: Page, tmp_path: Path) -> None:
    store = Store(tmp_path / "state")
    write_clip(tmp_path / "disc.mkv")
    project = page.studio.store.get(page.open(page.folder / "clips/disc.mkv")).project  # type: ignore[attr-defined]
    store.add(project)
    old, new = (keep(png(rough(up)), store.guides(project.id)) for up in (5, 8))
    for name in (old, new):
        store.edit(project.id, lambda p, name=name: _with_guide(p, name))  # type: ignore[misc]
    assert len(list(store.guides(project.id).iterdir())) == 2  # undo wants them
    Store(tmp_path / "state").get(project.id)
    assert [p.stem for p in store.guides(project.id).iterdir()] == [new]
