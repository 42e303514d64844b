"""Sequences of images: what does not fit is found at the door, what is odd about them is said."""

import logging
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from nakawari.errors import MediaError
from nakawari.video.encoders import EncodeOptions
from nakawari.video.open import open_reader, open_writer
from tests.video.media import pictures, write_video

RATE = Fraction(24)


def images(folder: Path, numbers: list[int], name: str = "%04d.png", size: tuple[int, int] = (8, 8)) -> Path:
    folder.mkdir(exist_ok=True)
    for number in numbers:
        cv2.imwrite(str(folder / (name % number)), np.full((*size, 3), number % 256, np.uint8))
    return folder


@pytest.mark.parametrize("name", ["%04d.png", "%04d.jpg", "%04d.webp", "%04d.bmp", "%04d.tiff"])
def test_a_size_that_changes_is_found_at_the_door(tmp_path: Path, name: str) -> None:
    images(tmp_path, [1, 2], name)
    images(tmp_path, [3], name, (8, 9))
    with pytest.raises(MediaError, match=r"0003.* is 9x8 .*0001.* is 8x8.*one size"):
        open_reader(tmp_path)


def test_a_depth_that_changes_is_found_at_the_door(tmp_path: Path) -> None:
    images(tmp_path, [1, 2])
    cv2.imwrite(str(tmp_path / "0003.png"), np.zeros((8, 8, 3), np.uint16))
    with pytest.raises(MediaError, match=r"0003\.png is 8x8 of 16 bits .*0001\.png is 8x8 of 8 bits"):
        open_reader(tmp_path)


def test_grey_colour_palettes_and_opaque_alpha_go_together(tmp_path: Path) -> None:
    from PIL import Image

    images(tmp_path, [1])
    picture = Image.new("RGB", (8, 8), (1, 2, 3))
    for number, mode in enumerate(("L", "P", "RGBA", "1"), start=2):
        picture.convert(mode).save(tmp_path / f"{number:04d}.png")
    assert len(list(open_reader(tmp_path))) == 5


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        ([1, 2, 3, 7, 8], "from 0003.png to 0007.png;"),
        ([1, 3, 4, 9, 10, 14], "from 0001.png to 0003.png, and at 2 other places;"),
        ([2, 4, 6, 10], "from 0006.png to 0010.png;"),
        ([5, 6, 7], ""),
        ([2, 4, 6, 8], ""),
        ([3], ""),
    ],
)
@pytest.mark.parametrize("pattern", ["", "%04d.png", "*.png"])
def test_gaps_in_the_numbers_are_said(tmp_path: Path, pattern, numbers, said, caplog) -> None:
    images(tmp_path, numbers)
    reader = open_reader(tmp_path / pattern)
    assert len(list(reader)) == len(numbers)
    assert ("the numbers jump" in caplog.text) == bool(said)
    assert said in caplog.text


def test_names_that_are_not_numbered_have_no_gaps(tmp_path: Path, caplog) -> None:
    images(tmp_path, [1, 5], "a%d_b2.png")
    images(tmp_path, [1, 2, 9], "b%d.png")
    open_reader(tmp_path)
    assert caplog.text == ""


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"crf": 18, "codec": "ffv1"}, "no codec and no crf"),
        ({"codec": "libx264"}, "no codec"),
        ({"preset": "slow"}, "no preset"),
        ({"tune": "animation"}, "no tune"),
        ({"pix_fmt": "yuv420p"}, "no pix_fmt"),
    ],
)
def test_options_that_images_do_not_have_are_named(tmp_path: Path, options, named, caplog) -> None:
    info = open_reader(images(tmp_path / "in", [1])).info
    open_writer(tmp_path / "out", info, RATE, EncodeOptions(**options)).abort()
    assert f"images have {named}; left out" in caplog.text


def test_sound_that_images_cannot_hold_is_said(tmp_path: Path, caplog) -> None:
    source = write_video(tmp_path / "in.mkv", pictures(3, 32, 32), sound="aac", subtitles=True)
    info = open_reader(source).info
    with caplog.at_level(logging.WARNING):
        open_writer(tmp_path / "out", info, RATE, None, source).abort()
        assert "images hold no sound and no subtitles" in caplog.text
        caplog.clear()
        mute = EncodeOptions(sound=False, subtitles=False)
        open_writer(tmp_path / "out", info, RATE, mute, source).abort()
        assert caplog.text == ""
