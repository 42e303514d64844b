"""Animated images: every picture comes back, for as long as it was shown."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from nakawari.errors import InputError, MediaError, OutputError
from nakawari.video.encoders import EncodeOptions
from nakawari.video.open import open_reader, open_writer

from .media import pictures, write_video

NAMES = ["out.gif", "out.apng", "out.webp"]
CENTI = Fraction(1, 100)


def read_images(folder: Path, images: list[np.ndarray], rate: Fraction = Fraction(25)):
    folder.mkdir()
    for number, image in enumerate(images):
        order = [2, 1, 0, 3][: image.shape[2]]
        cv2.imwrite(str(folder / f"{number:03d}.png"), image[:, :, order])
    return open_reader(folder, rate)


def written(reader, target: Path, times: list[Fraction], rate: Fraction, tick: Fraction | None = None):
    writer = open_writer(target, reader.info, rate, tick=tick)
    for frame, time in zip(reader, times, strict=True):
        writer.copy(frame, time)
    writer.finish()
    assert not list(target.parent.glob("*.part"))
    return open_reader(target)


def flat(count: int, size: tuple[int, int] = (26, 34)) -> list[np.ndarray]:
    """Drawings in few colours, so that a palette holds them."""
    return [(p // 64 * 80).astype(np.uint8) for p in pictures(count, size[1], size[0])]


@pytest.mark.parametrize("name", NAMES)
def test_uneven_times_and_durations_are_exact(tmp_path, name):
    times = [n * CENTI for n in (0, 4, 10, 13, 50)]
    reader = read_images(tmp_path / "in", flat(5))
    result = written(reader, tmp_path / name, times, Fraction(10), tick=CENTI)
    again = list(result)
    assert [frame.pts for frame in again] == times
    assert [frame.duration for frame in again] == [n * CENTI for n in (4, 6, 3, 37, 10)]
    assert [frame.pts for frame in result] == times


@pytest.mark.parametrize("rate", [Fraction(24000, 1001), Fraction(24), Fraction(60), Fraction(100)], ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_rounded_times_do_not_drift(tmp_path, name, rate):
    times = [k / rate for k in range(70)]
    result = written(read_images(tmp_path / "in", flat(70, (8, 16))), tmp_path / name, times, rate)
    slack = {"out.gif": CENTI / 2, "out.webp": Fraction(1, 2000), "out.apng": Fraction(0)}[name]
    again = list(result)
    assert len(again) == 70
    assert name != "out.apng" or result.info.rate == rate
    assert all(abs(frame.pts - time) <= slack for frame, time in zip(again, times, strict=True))


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize(
    ("name", "dtype"), [("out.apng", np.uint8), ("out.apng", np.uint16), ("out.webp", np.uint8)]
)
def test_lossless_kinds_are_lossless(tmp_path, name, dtype, channels):
    rng = np.random.default_rng(1)
    images = [rng.integers(0, np.iinfo(dtype).max + 1, (9, 13, channels)).astype(dtype) for _ in range(3)]
    if channels == 4:
        for image in images:
            image[:, :, 3] |= 1  # colour under no opacity at all may be dropped by an encoder
    times = [k / Fraction(25) for k in range(3)]
    result = written(read_images(tmp_path / "in", images), tmp_path / name, times, Fraction(25))
    for image, frame in zip(images, result, strict=True):
        np.testing.assert_array_equal(frame.rgb()[:, :, :channels], image)
        assert frame.rgb().dtype == dtype


def test_a_gif_keeps_flat_colours_and_shades_within_reason(tmp_path):
    reader = read_images(tmp_path / "flat", flat(5))
    times = [k / Fraction(25) for k in range(5)]
    for before, after in zip(reader, written(reader, tmp_path / "a.gif", times, Fraction(25)), strict=True):
        assert np.abs(before.rgb().astype(int) - after.rgb()).max() <= 1
    reader = read_images(tmp_path / "shades", pictures(5, 160, 90))
    for before, after in zip(reader, written(reader, tmp_path / "b.gif", times, Fraction(25)), strict=True):
        assert np.abs(before.rgb().astype(int) - after.rgb()).mean() < 5


def test_a_gif_keeps_transparency(tmp_path):
    images = [np.dstack([p, np.full(p.shape[:2], 255, np.uint8)]) for p in flat(3)]
    for image in images:
        image[:5, :7, 3] = 0
    times = [k / Fraction(25) for k in range(3)]
    result = written(read_images(tmp_path / "in", images), tmp_path / "out.gif", times, Fraction(25))
    assert result.info.alpha
    for image, frame in zip(images, result, strict=True):
        np.testing.assert_array_equal(frame.rgb()[:, :, 3], image[:, :, 3])


def test_what_the_formats_cannot_count_is_refused(tmp_path, caplog):
    reader = read_images(tmp_path / "in", flat(2))
    with pytest.raises(InputError, match="at most 100"):
        open_writer(tmp_path / "out.gif", reader.info, Fraction(120))
    with pytest.raises(InputError, match="no crf"):
        open_writer(tmp_path / "out.gif", reader.info, Fraction(25), EncodeOptions(crf=3))
    writer = open_writer(tmp_path / "out.gif", reader.info, Fraction(60))
    assert "browsers" in caplog.text
    first, second = reader
    writer.copy(first, Fraction(0))
    with pytest.raises(OutputError, match="does not come after"):
        writer.copy(second, Fraction(1, 300))
    writer.abort()
    assert [p.name for p in tmp_path.iterdir()] == ["in"]


def test_broken_webp(tmp_path):
    reader = read_images(tmp_path / "in", pictures(6, 64, 64))
    times = [k / Fraction(25) for k in range(6)]
    written(reader, tmp_path / "out.webp", times, Fraction(25))
    data = (tmp_path / "out.webp").read_bytes()
    for share in (0.2, 0.5, 0.9):
        (tmp_path / "cut.webp").write_bytes(data[: int(len(data) * share)])
        with pytest.raises(MediaError):
            list(open_reader(tmp_path / "cut.webp"))


def test_sound_that_is_left_out_is_said(tmp_path, caplog):
    source = write_video(tmp_path / "in.mkv", pictures(3, 32, 32), sound="aac", subtitles=True)
    info = open_reader(source).info
    for name in ("out.gif", "out.y4m"):
        caplog.clear()
        open_writer(tmp_path / name, info, Fraction(25), None, source).abort()
        assert "holds no sound and no subtitles" in caplog.text


def test_a_hold_at_the_end_of_a_webp_lasts(tmp_path):
    """The encoder joins equal pictures: the sum of the durations must stay."""
    images = flat(3)
    images = [images[0], images[1], images[1], images[1]]
    times = [k / Fraction(25) for k in range(4)]
    result = written(read_images(tmp_path / "in", images), tmp_path / "out.webp", times, Fraction(25))
    assert result.info.duration == Fraction(4, 25)


def test_broken_apng(tmp_path):
    reader = read_images(tmp_path / "in", pictures(6, 64, 64))
    times = [k / Fraction(25) for k in range(6)]
    written(reader, tmp_path / "out.apng", times, Fraction(25))
    data = (tmp_path / "out.apng").read_bytes()
    (tmp_path / "still.apng").write_bytes((tmp_path / "in" / "000.png").read_bytes())
    with pytest.raises(MediaError, match="does not move"):
        open_reader(tmp_path / "still.apng")
    with pytest.raises(MediaError, match="does not exist"):
        open_reader(tmp_path / "none.apng")
    for length in (60, len(data) // 2, len(data) * 9 // 10):
        (tmp_path / "cut.apng").write_bytes(data[:length])
        with pytest.raises(MediaError):
            list(open_reader(tmp_path / "cut.apng"))
