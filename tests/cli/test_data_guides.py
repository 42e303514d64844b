"""`nakawari data guides`: all pairs, once, resumed, on several cores, and the pictures."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from nakawari.cli.verbs import run
from nakawari.data.guides import FILE, find_guide, read_guide
from nakawari.models.animeinterp.sgm import SegmentGuidedMatching


def draw(left):
    picture = np.full((90, 140, 3), 225, np.uint8)
    cv2.rectangle(picture, (left, 30), (left + 26, 56), (60, 80, 200), -1)
    cv2.rectangle(picture, (left, 30), (left + 26, 56), (20, 20, 20), 2)
    return picture


@pytest.fixture
def triplets(tmp_path):
    for k in range(3):
        place = tmp_path / "set" / f"pair{k}"
        place.mkdir(parents=True)
        for number, left in ((1, 12), (2, 30), (3, 48 + k)):
            cv2.imwrite(str(place / f"frame{number}.png"), draw(left))
    return tmp_path / "set"


def guides(folder, *words):
    return run(["data", "guides", str(folder), "--no-vgg", "--contours", "anime", "--workers", "0", *words])


def test_guides_are_made_once_and_hold_what_matching_found(triplets, capsys):
    assert guides(triplets) == 0
    said = capsys.readouterr().err
    assert "3/3 pair2" in said
    assert "descriptor paint" in said
    assert "3 of them new" in said
    frames = [cv2.imread(str(triplets / "pair1" / f"frame{k}.png"))[..., ::-1] for k in (1, 3)]
    live = SegmentGuidedMatching(contours="anime", vgg=None)(*frames)
    found = find_guide(triplets / "pair1")
    assert abs(float(live[0][0, 43, 25]) - 37) < 1
    for one, other in zip(live, (found.flow01, found.flow10), strict=True):
        both = (other != 0).any(0)
        assert both.sum() > 500
        assert np.hypot(*(one.numpy() - other))[both].mean() < 0.2
    assert guides(triplets) == 0
    assert "0 of them new" in capsys.readouterr().err


def test_a_run_goes_on_where_it_stopped(triplets, capsys):
    assert guides(triplets) == 0
    (triplets / "pair1" / FILE).unlink()
    (triplets / "pair1" / (FILE + ".part")).write_bytes(b"half")
    before = (triplets / "pair0" / FILE).stat().st_mtime_ns
    capsys.readouterr()
    assert guides(triplets) == 0
    assert "1 of them new" in capsys.readouterr().err
    assert (triplets / "pair0" / FILE).stat().st_mtime_ns == before
    assert read_guide(triplets / "pair1" / FILE).flow01.any()


def test_guides_made_in_another_way_are_refused(triplets, tmp_path, capsys):
    assert guides(triplets) == 0
    capsys.readouterr()
    assert guides(triplets, "--preset", "paper") == 1
    assert "was made with preset 'official'; wanted 'paper'" in capsys.readouterr().err
    assert guides(triplets, "--preset", "paper", "-o", str(tmp_path / "other")) == 0
    assert (tmp_path / "other" / "pair2" / FILE).is_file()


def test_the_published_layout_resized_and_resumed(triplets, capsys):
    words = ("--layout", "published", "--size", "70x46")
    assert guides(triplets, *words) == 0
    assert np.load(triplets / "pair0" / "guide_flo13.npy").shape == (2, 46, 70)
    capsys.readouterr()
    assert guides(triplets, *words) == 0
    assert "0 of them new" in capsys.readouterr().err


def test_pictures_of_every_pair(triplets, tmp_path):
    assert guides(triplets, "--debug-dir", str(tmp_path / "seen")) == 0
    names = {path.name for path in (tmp_path / "seen").iterdir()}
    kinds = ("frames", "segments", "matches", "flow01", "flow10")
    assert names == {f"pair{k}-{kind}.png" for k in range(3) for kind in kinds}
    assert cv2.imread(str(tmp_path / "seen" / "pair0-matches.png")).shape == (90, 280, 3)


def test_processes_make_the_same(triplets, tmp_path):
    assert guides(triplets, "-o", str(tmp_path / "one")) == 0
    words = ["data", "guides", str(triplets), "--no-vgg", "--contours", "anime", "--workers", "2"]
    assert run([*words, "-o", str(tmp_path / "two")]) == 0
    for k in range(3):
        place = f"pair{k}/{FILE}"
        assert (tmp_path / "one" / place).read_bytes() == (tmp_path / "two" / place).read_bytes()


@pytest.mark.parametrize(
    ("harm", "complaint"),
    [
        (lambda place: (place / "frame3.png").unlink(), "lacks frame3"),
        (lambda place: (place / "frame3.png").write_bytes(b"no picture"), "frame3.png"),
        (lambda place: cv2.imwrite(str(place / "frame3.png"), draw(9)[:50]), "differs in size"),
        (lambda place: (place / FILE).write_bytes(b"broken"), "not a whole guide"),
    ],
)
def test_wrong_input_is_one_line(triplets, harm, complaint, capsys):
    harm(triplets / "pair1")
    assert guides(triplets) == 1
    message = [line for line in capsys.readouterr().err.splitlines() if "pieces" not in line]
    assert len(message) == 1
    assert complaint in message[0]


def test_no_triplets_and_no_weights_are_one_line(tmp_path, triplets, capsys):
    assert run(["data", "guides", str(tmp_path / "absent")]) == 1
    assert "no folder" in capsys.readouterr().err
    assert (
        run(["data", "guides", str(triplets), "--vgg", str(tmp_path / "absent.pth"), "--workers", "0"]) == 1
    )
    assert "no weight file" in capsys.readouterr().err
