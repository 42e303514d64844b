"""Parts of a clip, and clips that go round."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from nakawari.errors import InputError
from nakawari.video.clip import Loop, Part
from nakawari.video.open import open_reader

from .media import pictures, write_video

NTSC = Fraction(24000, 1001)


@pytest.mark.parametrize("name", ["in.mp4", "in.mkv"])
@pytest.mark.parametrize(
    ("start", "end"),
    [
        (None, Fraction(1)),
        (Fraction(1), None),
        (Fraction(7, 2), Fraction(9, 2)),
        (Fraction(5, 2), Fraction(13, 5)),
    ],
    ids=str,
)
def test_a_part_is_what_lies_between_with_its_own_clock(tmp_path, name, start, end):
    """Also with keyframes far apart, which are where reading begins, and a clock of milliseconds."""
    source = write_video(tmp_path / name, pictures(130, 48, 32), NTSC)
    whole = list(open_reader(source))
    wanted = [f for f in whole if (start is None or f.pts >= start) and (end is None or f.pts < end)]
    assert 0 < len(wanted) < len(whole)
    part = Part(open_reader(source), start, end)
    assert part.zero == wanted[0].pts
    for _ in range(2):
        got = list(part)
        assert [f.pts for f in got] == [f.pts - wanted[0].pts for f in wanted]
        assert [f.index for f in got] == list(range(len(wanted)))
        for a, b in zip(got, wanted, strict=True):
            np.testing.assert_array_equal(a.rgb(), b.rgb())


def test_a_part_begins_on_the_clock_of_the_file(tmp_path):
    source = write_video(tmp_path / "in.mp4", pictures(50, 32, 32), start=Fraction(10))
    part = Part(open_reader(source), Fraction(11), None)
    assert part.zero == 11
    assert len(list(part)) == 25


def test_a_part_with_nothing_in_it_is_refused(tmp_path):
    reader = open_reader(write_video(tmp_path / "in.mp4", pictures(10, 32, 32)))
    with pytest.raises(InputError, match=r"nothing new from 2\.000 s on; it lasts 0\.400 s"):
        Part(reader, Fraction(2), None)
    with pytest.raises(InputError, match="more than the start"):
        Part(reader, Fraction(1, 5), Fraction(1, 5))


def test_a_part_of_images_and_of_a_pipe_like_reader(tmp_path):
    import cv2

    for number in range(6):
        cv2.imwrite(str(tmp_path / f"{number}.png"), np.full((4, 6, 3), 40 * number, np.uint8))
    part = Part(open_reader(tmp_path, Fraction(10)), Fraction(2, 10), Fraction(4, 10))
    assert [frame.rgb()[0, 0, 0] for frame in part] == [80, 120]


def test_a_loop_shows_its_first_picture_again(tmp_path):
    source = write_video(tmp_path / "in.mkv", pictures(5, 32, 32), codec="ffv1")
    frames = list(Loop(open_reader(source)))
    assert [frame.pts for frame in frames] == [Fraction(n, 25) for n in range(6)]
    np.testing.assert_array_equal(frames[5].rgb(), frames[0].rgb())
    part = list(Loop(Part(open_reader(source), Fraction(1, 25), None)))
    assert len(part) == 5
    np.testing.assert_array_equal(part[4].rgb(), frames[1].rgb())
