"""Votes: the page is blind, whole and fair; the table says what was answered."""

import json
import re
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nakawari.cli.verbs import run
from nakawari.errors import InputError
from nakawari.evaluation.data import Triplet
from nakawari.evaluation.vote import FORMAT, VotePage, markdown_votes, read_votes


def page_data(text: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert found
    return json.loads(found[1])


def filled(
    count: int, of: int, systems: tuple[str, ...] = ("ours", "theirs", "old"), seed: int = 0
) -> VotePage:
    page = VotePage(count, seed)
    frame = np.zeros((8, 12, 3), np.uint8)
    for number in range(of):
        triplet = Triplet(f"t{number}", frame, frame, frame)
        page.add(triplet, {name: frame + n for n, name in enumerate(systems)}, {})
    return page


def sides(pair: dict[str, Any]) -> tuple[str, str]:
    left, right = (b64decode(side).decode() for side in pair["sides"])
    return left, right


def test_pairs_and_sides_and_triplets_are_drawn_by_chance() -> None:
    data = page_data(filled(300, 400).html("set"))
    pairs = data["pairs"]
    assert len(pairs) == 300
    assert len({pair["triplet"] for pair in pairs}) == 300
    assert sum(int(pair["triplet"][1:]) >= 300 for pair in pairs) > 40  # not the first 300
    counts = {s: sum(sides(pair) == s for pair in pairs) for s in {sides(pair) for pair in pairs}}
    assert len(counts) == 6
    assert min(counts.values()) > 25
    assert all(a != b for a, b in counts)


def test_the_page_names_nobody_and_is_the_same_again() -> None:
    text = filled(5, 5, ("ours", "theirs")).html("a <set>")
    assert "ours" not in text.replace("hours", "")
    assert "theirs" not in text
    assert "a &lt;set&gt;" in text
    assert "http" not in re.sub(r"</?[a-z][^>]*>", "", text.replace("http-equiv", ""))
    assert filled(5, 5, ("ours", "theirs")).html("a <set>") == text
    assert filled(5, 5, ("ours", "theirs"), seed=1).html("a <set>") != text
    pair = page_data(text)["pairs"][0]
    assert {"left", "right", "frame0", "frame1"} <= set(pair)
    assert all(
        pair[name].startswith("data:image/jpeg;base64,") for name in ("left", "right", "frame0", "frame1")
    )


def saved(path: Path, voter: str, votes: list[tuple[str, str, str]], page: str = "p") -> Path:
    answers = [
        {
            "triplet": f"t{n}",
            "sides": [b64encode(s.encode()).decode() for s in (left, right)],
            "choice": choice,
        }
        for n, (left, right, choice) in enumerate(votes)
    ]
    file = path / f"{voter}.json"
    file.write_text(json.dumps({"format": FORMAT, "id": page, "voter": voter, "answers": answers}))
    return file


def test_preferences_are_counted_from_either_side(tmp_path: Path) -> None:
    anna = saved(
        tmp_path, "anna", [("a", "b", "left"), ("b", "a", "right"), ("b", "a", "same"), ("a", "b", "right")]
    )
    (one,) = read_votes([anna])
    assert (one.a, one.b, one.answers, one.people) == ("a", "b", 4, 1)
    assert (one.better, one.same, one.worse) == (2, 1, 1)
    assert one.share == 0.625
    assert 0 <= one.interval[0] <= 0.625 <= one.interval[1] <= 1


def test_people_are_what_varies(tmp_path: Path) -> None:
    """Fifty answers of each of two people who disagree say less than a hundred answers of one."""
    always, never = ([("a", "b", side)] * 50 for side in ("left", "right"))
    two = [saved(tmp_path, "anna", always), saved(tmp_path, "ben", never)]
    (apart,) = read_votes(two)
    assert apart.share == 0.5
    assert apart.interval == (0, 1)
    (alone,) = read_votes([saved(tmp_path, "cleo", [*always, *never])])
    assert alone.share == 0.5
    assert alone.interval[1] - alone.interval[0] < 0.25


def test_more_than_two_systems_are_compared_with_all_others_too(tmp_path: Path) -> None:
    votes = [("a", "b", "left"), ("c", "a", "right"), ("b", "c", "left")]
    found = read_votes([saved(tmp_path, "anna", votes)])
    shares = {(each.a, each.b): each.share for each in found}
    assert shares == {
        ("a", "b"): 1,
        ("a", "c"): 1,
        ("b", "c"): 1,
        ("a", None): 1,
        ("b", None): 0.5,
        ("c", None): 0,
    }
    table = markdown_votes(found)
    assert "| a | all others | 2 | 1 | 2 | 0 | 0 | 100 % [100, 100] |" in table


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda d: d.update(format="x"), "holds no answers"),
        (lambda d: d["answers"][0].update(choice="both"), "cannot be understood"),
        (lambda d: d["answers"][0].update(sides=["?", "?"]), "cannot be understood"),
        (lambda d: d.update(answers=[]), "nobody has answered"),
    ],
)
def test_broken_answers_are_named(tmp_path: Path, spoil, said: str) -> None:
    file = saved(tmp_path, "anna", [("a", "b", "left")])
    data = json.loads(file.read_text())
    spoil(data)
    file.write_text(json.dumps(data))
    with pytest.raises(InputError, match=said):
        read_votes([file])


def test_one_file_a_person(tmp_path: Path) -> None:
    file = saved(tmp_path, "anna", [("a", "b", "left")])
    with pytest.raises(InputError, match="second file of 'anna'"):
        read_votes([file, file])


def test_from_the_command_line(
    triplets: Path, averages: Path, truths: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page, sheet = tmp_path / "vote.html", tmp_path / "sheet.html"
    words = ["evaluate", "--data", f"triplets:{triplets}", "-q"]
    both = ["-m", f"predictions:{averages}", "-m", f"predictions:{truths}"]
    assert run([*words, *both, "--vote", str(page), "--html", str(sheet)]) == 0
    assert {pair["triplet"] for pair in page_data(page.read_text())["pairs"]} == {"clip_2", "clip_10", "deep"}
    assert sheet.is_file()
    capsys.readouterr()
    assert run([*words, *both[:2], "--vote", str(page)]) == 1
    assert "wanted two systems" in capsys.readouterr().err
    file = saved(tmp_path, "anna", [("mean", "oracle", "right")] * 3)
    assert run(["evaluate", "--votes", str(file)]) == 0
    assert "| mean | oracle | 3 | 1 | 0 | 0 | 3 | 0 % [0, 0] |" in capsys.readouterr().out
    assert run(["evaluate", "-q"]) == 2
    assert "--data" in capsys.readouterr().err
