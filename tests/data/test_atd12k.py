"""ATD-12K as published: what is found, how it is brought to size, and what is refused in one line."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from nakawari.data.atd12k import SIZE, Annotation, find_triplets, read_annotation
from nakawari.data.atd12k_write import write_set
from nakawari.data.guides import FILE, write_guide
from nakawari.errors import InputError


@pytest.fixture(scope="module")
def test_set(tmp_path_factory):
    folder = tmp_path_factory.mktemp("atd12k")
    assert len(list(write_set(folder, "test", 3))) == 3
    return folder


def write_frames(place, size=(72, 128), suffix=".jpg"):
    place.mkdir(parents=True)
    for number in (1, 2, 3):
        picture = np.full((*size, 3), 60 * number, np.uint8)
        cv2.imwrite(str(place / f"frame{number}{suffix}"), picture)


def test_the_test_part_comes_with_frames_guides_and_notes(test_set):
    triplets = find_triplets(test_set, "test")
    assert [triplet.name for triplet in triplets] == sorted(triplet.name for triplet in triplets)
    assert {triplet.read_annotation().level for triplet in triplets} == {"easy", "medium", "hard"}
    for triplet in triplets:
        frames = triplet.read_frames()
        assert all(frame.shape == (*SIZE, 3) and frame.dtype == np.uint8 for frame in frames)
        guide, note = triplet.read_guide(), triplet.read_annotation()
        assert guide.flow01.shape == guide.flow10.shape == (2, *SIZE)
        assert 0 < np.abs(guide.flow01).max() < 960
        crop = slice(100, 180), slice(300, 420)
        np.testing.assert_array_equal(triplet.read_guide(crop).flow10, guide.flow10[:, *crop])
        rows, columns = note.box()
        changed = (frames[0] != frames[2]).any(2)
        inside = changed[rows, columns].sum() / max(1, changed.sum())
        assert inside > 0.5
        assert len(note.tags) == 2


def test_the_coarse_flow_leads_from_frame_1_to_frame_3(test_set):
    for triplet in find_triplets(test_set, "test"):
        frame1, _, frame3 = (frame.astype(int) for frame in triplet.read_frames())
        flow = triplet.read_guide().flow01
        rows, columns = np.nonzero((np.abs(flow) > 2).any(0))
        to_y = np.rint(rows + flow[1, rows, columns]).astype(int).clip(0, SIZE[0] - 1)
        to_x = np.rint(columns + flow[0, rows, columns]).astype(int).clip(0, SIZE[1] - 1)
        moved = np.abs(frame1[rows, columns] - frame3[to_y, to_x]).mean()
        stayed = np.abs(frame1[rows, columns] - frame3[rows, columns]).mean()
        assert moved < stayed


def test_boxes_round_down_at_each_number():
    note = Annotation("easy", (1920, 1080), (101, 7, 301, 203), (), ())
    assert note.box() == (slice(3, 104), slice(50, 200))
    note = Annotation("easy", (1280, 720), (100, 50, 200, 100), (), ())
    assert note.box() == (slice(37, 112), slice(75, 225))


def test_train_frames_are_brought_to_size_and_find_their_guides(tmp_path):
    for name in ("Japan_v1_10_000001_s1", "Japan_v1_2_000001_s1"):
        write_frames(tmp_path / "train_10k" / name)
    first, last = find_triplets(tmp_path, "train")
    assert first.name == "Japan_v1_2_000001_s1"
    assert first.guide is first.annotation is first.read_guide() is first.read_annotation() is None
    assert [frame.shape for frame in first.read_frames(None)] == [(72, 128, 3)] * 3
    assert [int(frame.mean().round()) for frame in first.read_frames((36, 64))] == [60, 120, 180]
    flow, pieces = np.ones((2, 8, 8), np.float32), np.ones((8, 8), np.int32)
    write_guide(last.frames[0].parent / FILE, (flow, flow), (pieces, pieces), {})
    elsewhere = tmp_path / "made" / first.name
    elsewhere.mkdir(parents=True)
    write_guide(elsewhere / FILE, (2 * flow, flow), (pieces, pieces), {})
    first, last = find_triplets(tmp_path, "train", guides=tmp_path / "made")
    assert first.read_guide().flow01.max() == 2
    assert last.read_guide().flow01.max() == 1  # beside its frames


def test_originals_serve_where_there_is_nothing_smaller(tmp_path):
    write_frames(tmp_path / "test_2k_original" / "Disney_v1_0_000001_s1", (540, 720))
    (triplet,) = find_triplets(tmp_path, "test")
    assert triplet.read_frames()[1].shape == (*SIZE, 3)


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"level": 3}, "wanted level 0 to 2"),
        ({"level": None}, "wanted level 0 to 2"),
        ({"motion_RoI": {"x": 1, "y": 2, "width": 3}}, "height"),
        ({"motion_RoI": {"x": 1, "y": 2, "width": 1, "height": 1}}, "no pixels"),
        ({"motion_RoI": {"x": 1920, "y": 2, "width": 9, "height": 9}}, "no pixels"),
        ({"motion_RoI": {"x": -40, "y": 2, "width": 99, "height": 9}}, "no pixels"),
        ({"image_size": [0, 1080]}, "wanted level 0 to 2"),
        ({"image_size": 5}, "wanted level 0 to 2"),
    ],
)
def test_broken_notes_are_refused(tmp_path, values, complaint):
    box = {"x": 0, "y": 0, "width": 100, "height": 100}
    path = tmp_path / "note.json"
    path.write_text(json.dumps({"level": 1, "image_size": [1920, 1080], "motion_RoI": box} | values))
    with pytest.raises(InputError, match=complaint):
        read_annotation(path)


def test_what_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match="wanted train_10k/NAME/frame1, frame2, frame3"):
        find_triplets(tmp_path, "train")
    with pytest.raises(InputError, match=r"test_2k_540p/NAME.* or test_2k_original"):
        find_triplets(tmp_path, "test")
    (tmp_path / "train_10k").mkdir()
    with pytest.raises(InputError, match="holds no triplets"):
        find_triplets(tmp_path, "train")
    write_frames(tmp_path / "train_10k" / "a")
    (tmp_path / "train_10k" / "a" / "frame2.jpg").unlink()
    with pytest.raises(InputError, match="lacks frame2"):
        find_triplets(tmp_path, "train")
    with pytest.raises(InputError, match=r"no folder .* of guides"):
        find_triplets(tmp_path, "train", guides=tmp_path / "none")
    (tmp_path / "broken.json").write_text("{")
    with pytest.raises(InputError, match="not an annotation that can be read"):
        read_annotation(tmp_path / "broken.json")


def test_frames_of_several_sizes_are_refused(tmp_path):
    place = tmp_path / "train_10k" / "a"
    write_frames(place)
    cv2.imwrite(str(place / "frame3.jpg"), np.zeros((10, 10, 3), np.uint8))
    (triplet,) = find_triplets(tmp_path, "train")
    with pytest.raises(InputError, match="128x72, 128x72, 10x10"):
        triplet.read_frames(None)
