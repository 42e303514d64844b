"""How a pair was made: pictures over its keys, and hints in the words of the models that take them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import nakawari as nk
from nakawari.errors import ModelError
from nakawari.models.explanation import Explanation
from nakawari.studio.hints import as_fields, told
from nakawari.studio.how import found_out, pictures
from tests.studio.conftest import Page


def shifted(dx: int = 6) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    key = np.kron(rng.integers(40, 220, (8, 12, 3)), np.ones((8, 8, 1))).astype(np.uint8)
    return key, np.roll(key, dx, 1)


@pytest.mark.parametrize("name", ["classic", "fast", "best"])
def test_models_tell_their_motion_on_the_grid_of_the_keys(name: str) -> None:
    key0, key1 = shifted()
    model = nk.load(name)
    found = found_out(model, model.prepare(key0, key1))
    assert found.flow01.shape == found.flow10.shape == (64, 96, 2)
    inside = found.flow01[16:48, 24:72]
    assert np.median(inside[..., 0]) == pytest.approx(6, abs=0.7)
    assert np.median(found.flow10[16:48, 24:72, 0]) == pytest.approx(-6, abs=0.7)
    assert found_out(model, model.prepare(key0, key0)) is None


def test_cel_tells_its_regions_though_it_can_bend_paths_as_well() -> None:
    model = nk.load("cel", device="cpu")
    key0, key1 = shifted()
    found = found_out(model, model.prepare(key0, key1))
    assert found.labels0.shape == key0.shape[:2]
    assert (found.partners01 >= 0).any()


def test_flow_and_occlusion_are_seen_where_they_are() -> None:
    flow = np.zeros((40, 60, 2), np.float32)
    flow[10:30, 10:30, 0] = 5
    back = np.zeros_like(flow)
    back[10:30, 15:35, 0] = -5
    found = Explanation(flow, back)
    coloured, _ = pictures(found, "flow", "x")
    assert coloured.shape == (40, 60, 4)
    assert (coloured[12:28, 12:28, 3] > 0).all()
    assert (coloured[35:, 40:, 3] == 0).all()
    hidden, uncovered = pictures(found, "occlusion", "x")
    assert hidden[15:25, 30:35, 3].all()  # what the square covers when it has moved
    assert not hidden[15:25, 12:28, 3].any()
    assert uncovered[15:25, 10:15, 3].all()


def test_partners_have_one_colour_and_what_is_alone_is_red() -> None:
    labels0 = np.repeat(np.int32([0, 1, 2]), 4)[None].repeat(8, 0)  # three stripes
    labels1 = np.repeat(np.int32([0, 1, 2]), 4)[None].repeat(8, 0)
    flow = np.zeros((8, 12, 2), np.float32)
    found = Explanation(flow, flow, labels0, labels1, np.array([2, 1, -1]), np.array([-1, 1, 0]))
    one, other = pictures(found, "regions", "x")
    stripes = [[picture[4, x] for x in (2, 6, 10)] for picture in (one, other)]
    assert np.array_equal(stripes[0][0], stripes[1][2])
    assert np.array_equal(stripes[0][1], stripes[1][1])
    assert not np.array_equal(stripes[0][0], stripes[0][1])
    for alone in (stripes[0][2], stripes[1][0]):
        assert alone[0] > 200 > 100 > alone[1]


def test_what_a_model_does_not_tell_is_said(page: Page, project: str) -> None:
    flow = np.zeros((4, 4, 2), np.float32)
    with pytest.raises(ModelError, match="regions"):
        pictures(Explanation(flow, flow), "regions", "classic")
    with pytest.raises(ModelError, match="does not tell"):
        pictures(None, "flow", "blend")
    assert page.get(f"projects/{project}/pairs/4/how/magic/0").status_code == 400
    flow_picture = page.picture(f"projects/{project}/pairs/4/how/flow/1")
    assert flow_picture.shape == (48, 64, 4)
    assert flow_picture[..., 3].any()


def test_in_betweens_are_checked(page: Page, project: str) -> None:
    page.post(f"projects/{project}/edits", {"edit": "model", "model": "blend"})
    answer = page.get(f"projects/{project}/pairs/4/check")
    while answer.status_code == 202:
        assert page.wait(answer.json()["job"]["id"])["state"] == "done"
        answer = page.get(f"projects/{project}/pairs/4/check")
    rows = answer.json()["drawings"]
    assert [row["t"] for row in rows] == ["1/4", "1/2", "3/4"]
    assert "ghost" in rows[1]["flags"]  # that is what a cross-fade is


def test_hints_speak_the_words_of_the_model() -> None:
    hints = [
        {"kind": "regions", "first": [3, 4], "second": [5, 6]},
        {"kind": "apart", "first": [1, 2], "second": [3, 4]},
        {"kind": "appears", "first": None, "second": [7, 8]},
        {"kind": "strokes", "first": [[1, 1], [9, 2]], "second": [[2, 1], [9, 3]]},
    ]
    assert as_fields(hints) == {
        "regions": [[[3, 4], [5, 6]]],
        "apart": [[[1, 2], [3, 4]]],
        "appears": [[7, 8]],
        "strokes": [[[[1, 1], [9, 2]], [[2, 1], [9, 3]]]],
    }
    ask = {"hints": hints, "model": "cel"}
    taken = told(ask, Path())["hints"]
    assert taken.regions == (((3, 4), (5, 6)),)
    assert taken.strokes == ((((1, 1), (9, 2)), ((2, 1), (9, 3))),)
    assert taken.appears == ((7, 8),)
    assert told(ask | {"model": "classic"}, Path()) == {}
