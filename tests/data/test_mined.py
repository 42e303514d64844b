"""What is said of a triplet is near to what is true of it, on scenes whose motion is known exactly."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from nakawari.data.cartoon import write
from nakawari.data.cartoon.render import render
from nakawari.data.mined.captions import caption_rows
from nakawari.data.mined.look import Look, as_drawing, likeness, look_at
from nakawari.data.mined.motion import (
    MOTIONS,
    Motion,
    coverage,
    estimate,
    fault,
    flow_between,
    motion_type,
    unevenness,
)

SIZE = (150, 260)


def looks(frames) -> list[Look]:
    return [look_at(frame) for frame in frames]


def scene(seed: int, number: int, t: float = 0.5) -> tuple[list[Look], Motion]:
    """Drawings of a scene, and its true motion on the middle one."""
    sample = render([write(seed, number, SIZE, graded=False)], [t])[0]
    frames = [f.permute(1, 2, 0).numpy() for f in (sample.frame0, sample.framet, sample.frame1)]
    assert sample.flowt0 is not None
    assert sample.flowt1 is not None
    true = Motion(sample.flowt0.permute(1, 2, 0).numpy(), sample.flowt1.permute(1, 2, 0).numpy())
    return looks(frames), true


def measured(three: list[Look]) -> Motion:
    return Motion(flow_between(three[1], three[0]), flow_between(three[1], three[2]))


def test_unevenness_agrees_with_the_truth() -> None:
    agreed = []
    for number in range(12):
        three, true = scene(21, number, t=(0.5, 0.15)[number % 2])
        motion = measured(three)
        covered = coverage(motion)
        if coverage(true).mean() < 0.01 or covered.mean() < 0.01:
            continue
        late = unevenness(three[1], motion, covered) >= 0.3
        agreed.append(late == (number % 2 == 1))
    assert len(agreed) >= 6
    assert np.mean(agreed) >= 0.8


def test_the_box_holds_what_moves() -> None:
    shares = []
    for number in range(12):
        three, true = scene(11, number)
        way = true.forth - true.back
        ground = np.median(way.reshape(-1, 2), axis=0)
        mask = np.linalg.norm(way - ground, axis=2) > 1.5
        if mask.mean() < 0.01:
            continue
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        motion = measured(three)
        returns = (flow_between(three[0], three[1]), flow_between(three[2], three[1]))
        x, y, w, h = estimate(*three, motion, returns).roi
        found, wanted = np.zeros(SIZE, bool), np.zeros(SIZE, bool)
        found[y : y + h, x : x + w] = True
        wanted[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] = True
        shares.append((found & wanted).sum() / (found | wanted).sum())
    assert len(shares) >= 6
    assert np.mean(shares) > 0.75


@pytest.mark.parametrize("kind", MOTIONS)
def test_the_largest_part_of_motion_names_it(kind: str) -> None:
    y, x = np.mgrid[: SIZE[0], : SIZE[1]].astype(np.float32)
    dx, dy = x - 130, y - 75
    mask = np.hypot(dx, dy) < 60
    flow = {
        "translation": (np.full_like(x, 9), np.full_like(x, 4)),
        "rotation": (-0.1 * dy, 0.1 * dx),
        "scaling": (0.1 * dx, 0.1 * dy),
        "deformation": (6 * np.sin(dy / 9), np.zeros_like(x)),
    }[kind]
    forth = np.stack(flow, -1) / 2
    assert motion_type(Motion(-forth, forth), mask) == kind


def still_and_shifted(shift: float) -> list[Look]:
    rng = np.random.default_rng(0)
    lines = np.full((180, 320 + 60, 3), 230, np.uint8)
    for _ in range(40):
        one, other = rng.integers(0, 180, (2, 2)) * (2, 1)
        cv2.line(lines, tuple(map(int, one)), tuple(map(int, other)), (30, 40, 60), 2, cv2.LINE_AA)
    frames = []
    for step in range(3):
        matrix = np.array(((1, 0, -step * shift), (0, 1, 0)), np.float64)
        frames.append(cv2.warpAffine(lines, matrix, (320, 180), borderMode=cv2.BORDER_REPLICATE))
    return looks(frames)


def test_pans_and_stillness_have_their_names() -> None:
    pan = still_and_shifted(4)
    assert fault(pan[1], measured(pan)) == "pan"
    still = still_and_shifted(0)
    assert fault(still[1], measured(still)) == "still"


def test_nothing_that_does_not_move_has_flow() -> None:
    """A figure over empty paper: the paper stands still."""
    frames = [np.full((*SIZE, 3), 250, np.uint8) for _ in range(2)]
    for frame, x in zip(frames, (100, 108), strict=True):
        cv2.circle(frame, (x, 90), 30, (200, 120, 90), -1)
    one, other = looks(frames)
    flow = flow_between(one, other)
    assert np.hypot(*flow[90, 100]) > 4
    assert not flow[:, :40].any()
    assert not flow[:, 200:].any()


def test_likeness_is_one_for_equals_and_falls() -> None:
    three, _ = scene(5, 3)
    assert likeness(three[0], three[0]) == pytest.approx(1, abs=1e-5)
    other, _ = scene(6, 4)
    assert likeness(three[0], other[0]) < 0.7


def captioned(frame: np.ndarray, text: str, size: int = 22) -> np.ndarray:
    from PIL import Image, ImageDraw, ImageFont

    picture = Image.fromarray(frame)
    pen = ImageDraw.Draw(picture)
    face = ImageFont.load_default(size)
    width = pen.textlength(text, font=face)
    place = ((frame.shape[1] - width) / 2, frame.shape[0] - 44)
    pen.text(place, text, font=face, fill=(255, 255, 255), stroke_width=2, stroke_fill=(0, 0, 0))
    return np.asarray(picture)


def test_lines_of_text_are_seen_and_drawings_are_not() -> None:
    lines = ("I told you not to go there alone!", "The festival begins tonight, doesn't it?")
    seen, taken_for = 0, 0
    for number in range(10):
        drawn = write(31, number, (360, 640), cast=("bodies", "view")[number % 2], graded=False)
        frame = render([drawn], [0.5])[0].framet.permute(1, 2, 0).numpy().copy()
        taken_for += bool(caption_rows(look_at(frame).grey))  # some scenes have captions of their own
        seen += bool(caption_rows(look_at(captioned(frame, lines[number % 2])).grey))
    assert seen >= 8
    assert taken_for <= 2


def test_a_small_line_of_low_letters_is_seen() -> None:
    ground = np.full((360, 640, 3), (96, 140, 91), np.uint8)
    for size in (11, 12, 13):
        assert caption_rows(
            look_at(captioned(ground, "even so we can run as soon as we see more", size)).grey
        )


def test_drawings_of_any_kind_are_brought_to_paper() -> None:
    clear = np.zeros((8, 8, 4), np.uint8)
    clear[:4] = (10, 20, 30, 255)
    drawing = as_drawing(clear)
    assert drawing[0, 0].tolist() == [10, 20, 30]
    assert drawing[7, 7].tolist() == [255, 255, 255]
    deep = np.full((8, 8, 3), 65535, np.uint16)
    assert (as_drawing(deep, (4, 4)) == 255).all()


def test_small_pictures_are_looked_at_too(tmp_path: Path) -> None:
    tiny = look_at(np.zeros((3, 5, 3), np.uint8))
    assert likeness(tiny, tiny) == pytest.approx(1)
