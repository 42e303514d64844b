"""Reviews: what two keep is kept, dropped triplets can come back, and the page shows what is there."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nakawari.cli.verbs import run
from nakawari.data.atd12k import find_triplets, read_annotation
from nakawari.data.mined.files import Rules, annotation, write_triplet
from nakawari.data.mined.motion import Estimate
from nakawari.data.mined.review import FORMAT, Merged, merge, page
from nakawari.data.mined.statistics import Statistics, html, measure
from nakawari.errors import InputError

SIZE = (96, 160)
NAMES = [f"film-0a1b2c_{number:06d}_s1" for number in (4, 8, 12, 16)]


@pytest.fixture
def mined(tmp_path: Path) -> Path:
    """Four triplets: a square that moves by 2, 4, 6 and 8 pixels."""
    folder = tmp_path / "mined"
    for place, name in enumerate(NAMES):
        frames = []
        for step in range(3):
            frame = np.full((*SIZE, 3), 230, np.uint8)
            x = 40 + step * 2 * (place + 1)
            frame[30:60, x : x + 30] = (40, 90, 160)
            frames.append(frame)
        found = Estimate(1, (40, 30, 40, 30), "translation", 5.0, 0.01)
        note = annotation(found, SIZE, (0, 4, 8), "film-0a1b2c")
        write_triplet(folder, name, (frames[0], frames[1], frames[2]), note, Rules())
    return folder


def answers(folder: Path, reviewer: str, kept: dict[int, bool | None], **changes: Any) -> Path:
    one = {"level": 1, "roi": [40, 30, 40, 30], "motion": ["translation"], "behavior": [], **changes}
    said = {NAMES[place]: {**one, "keep": keep} for place, keep in kept.items()}
    path = folder.parent / f"{reviewer}.json"
    content = {"format": FORMAT, "set": folder.name, "reviewer": reviewer, "answers": said}
    path.write_text(json.dumps(content))
    return path


def test_two_keep_and_the_rest_goes_and_may_come_back(mined: Path) -> None:
    anna = answers(mined, "anna", {0: True, 1: True, 2: False}, level=2, behavior=["walking"])
    ben = answers(mined, "ben", {0: True, 1: False, 2: False, 3: None}, roi=[50, 30, 30, 20])
    assert merge(mined, [anna, ben]) == Merged(kept=1, dropped=2, open=1)
    assert [t.name for t in find_triplets(mined, "train")] == [NAMES[0], NAMES[3]]
    assert (mined / "dropped" / "train_10k" / NAMES[1] / "frame2.png").is_file()
    note = read_annotation(mined / "test_2k_annotations" / NAMES[0] / f"{NAMES[0]}.json")
    assert (note.level, note.roi, note.behaviour) == ("hard", (45, 30, 35, 25), ("walking",))
    said = json.loads((mined / "test_2k_annotations" / NAMES[0] / f"{NAMES[0]}.json").read_text())
    assert said["estimated"] == []
    assert said["reviewed_by"] == ["anna", "ben"]
    cleo = answers(mined, "cleo", {1: True, 2: True})
    assert merge(mined, [anna, ben, cleo]) == Merged(kept=2, dropped=1, open=1)
    assert [t.name for t in find_triplets(mined, "train")] == [NAMES[0], NAMES[1], NAMES[3]]


def test_answers_that_make_no_sense_change_nothing(mined: Path) -> None:
    anna, ben = answers(mined, "anna", {0: False}), answers(mined, "ben", {0: False}, level=7)
    with pytest.raises(InputError, match="wanted those of 2 people"):
        merge(mined, [anna])
    with pytest.raises(InputError, match="one reviewer"):
        merge(mined, [anna, anna, answers(mined, "cleo", {})])
    with pytest.raises(InputError, match="cannot be understood"):
        merge(mined, [anna, ben])
    ben.write_text(json.dumps(json.loads(anna.read_text()) | {"set": "other", "reviewer": "ben"}))
    with pytest.raises(InputError, match="of the set 'other'"):
        merge(mined, [anna, ben])
    ben.write_text("{}")
    with pytest.raises(InputError, match="no answers of a review"):
        merge(mined, [anna, ben])
    assert len(find_triplets(mined, "train")) == len(NAMES)


class Reader(HTMLParser):
    """Finds the page's data."""

    def __init__(self) -> None:
        super().__init__()
        self.inside, self.data = False, ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.inside = tag == "script" and ("id", "data") in attrs

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.data += data

    def handle_endtag(self, tag: str) -> None:
        self.inside = False


def test_the_page_names_pictures_as_seen_from_it(mined: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = mined.parent / "pages & more" / "look.html"
    assert run(["data", "review", str(mined), "-o", str(output)]) == 1
    assert "does not exist" in capsys.readouterr().err
    output.parent.mkdir()
    assert run(["data", "review", str(mined), "-o", str(output)]) == 0
    reader = Reader()
    reader.feed(output.read_text())
    data = json.loads(reader.data)
    assert [row["name"] for row in data["triplets"]] == NAMES
    for row in data["triplets"]:
        assert row["size"] == [SIZE[1], SIZE[0]]
        assert all((output.parent / frame).is_file() for frame in row["frames"])


def test_nothing_in_a_name_ends_the_script(mined: Path) -> None:
    note = mined / "test_2k_annotations" / NAMES[0] / f"{NAMES[0]}.json"
    note.write_text(json.dumps(json.loads(note.read_text()) | {"behavior": "</script><b>"}))
    text = page(mined, mined / "review.html")
    assert "</script><b>" not in text
    assert len(re.findall("</script>", text)) == 2


def test_statistics_measure_what_moves(mined: Path) -> None:
    *counts, found = measure(mined)
    assert counts == [1, 2, 3, 4]
    assert isinstance(found, Statistics)
    assert found.flows.shape == (8, 2)
    means = found.flows[:, 0].reshape(4, 2).mean(1)
    assert (np.diff(means) > 0).all()
    # the square is 900 of 15360 pixels and moves 4 to 16 pixels, six times as many at 960 wide
    exact = np.array([4, 8, 12, 16]) * 6 * 900 / (96 * 160)
    assert np.allclose(means, exact, rtol=0.6)
    assert found.levels == {"medium": 4}
    assert found.estimated == 4
    assert found.histogram(0).sum() == pytest.approx(1)
    text = html([found, found])
    assert text.count("<figure>") == 4
    assert "NaN" not in text


def test_stats_from_the_command_line(mined: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["data", "stats", str(mined), "--json", str(tmp_path / "a.json")]) == 0
    assert "4 triplets" in capsys.readouterr().out
    said = json.loads((tmp_path / "a.json").read_text())[0]
    assert said["tags"] == {"translation": 4}
    assert run(["data", "stats", str(tmp_path)]) == 1
    assert "no set of triplets" in capsys.readouterr().err
