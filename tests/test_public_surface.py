"""Every public name answers, twice, after a load."""

from pathlib import Path

import cv2
import numpy as np
import pytest

import nakawari as nk


def test_names_answer_twice() -> None:
    model = nk.load("blend")
    frame = np.zeros((6, 8, 3), np.uint8)
    model(frame, frame)
    for _ in range(2):
        for name in nk.__all__:
            assert getattr(nk, name) is getattr(nk, name)
        assert [row.name for row in nk.list_models()]
        assert nk.load("blend").name == "blend"
    assert set(nk.__all__) <= set(dir(nk))


def test_verbs_answer_twice(tmp_path: Path) -> None:
    nk.load("blend")
    for name, places in {"film": ("1", "2", "3"), "triplets/a": ("frame1", "frame2", "frame3")}.items():
        folder = tmp_path / name
        folder.mkdir(parents=True)
        for index, place in enumerate(places):
            picture = np.full((24, 32, 3), 255, np.uint8)
            picture[6:18, 4 + 6 * index : 16 + 6 * index] = 0
            cv2.imwrite(str(folder / f"{place}.png"), picture)
    film = tmp_path / "film"
    for turn in ("first", "second"):
        plan = nk.plan(film, factor=2)
        assert isinstance(plan, nk.Plan)
        assert all(isinstance(slot, nk.Slot) for slot in plan.slots)
        assert len(plan.slots) == 6
        report = nk.smooth(film, tmp_path / f"{turn}-smooth", factor=2, model="blend")
        assert isinstance(report, nk.Report)
        assert len(list((tmp_path / f"{turn}-smooth").iterdir())) == 6
        nk.inbetween(
            [film / "1.png", film / "3.png"], tmp_path / f"{turn}-drawn", chart="1/4 1/2 3/4", model="blend"
        )
        assert len(list((tmp_path / f"{turn}-drawn").iterdir())) == 5
        rows = nk.evaluate(["blend", "classic"], f"triplets:{tmp_path / 'triplets'}")
        assert [row["model"] for row in rows] == ["blend", "classic"]
    with pytest.raises(nk.NakawariError, match="does not exist"):
        nk.plan(tmp_path / "absent.mp4", fps=60)


def test_unknown_names_are_refused() -> None:
    with pytest.raises(AttributeError, match="no attribute 'smoth'"):
        nk.smoth  # noqa: B018
