"""The contract of all readers and writers: what goes in comes out, at its time."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from nakawari.errors import OutputError
from nakawari.video.encoders import EncodeOptions
from nakawari.video.open import open_reader, open_writer

from .media import pictures, planes, write_video

FAST = EncodeOptions(preset="ultrafast")
LOSSLESS = EncodeOptions(codec="ffv1")
TARGETS = [
    ("out.mp4", FAST),
    ("out.mov", FAST),
    ("out.mkv", LOSSLESS),
    ("out.webm", EncodeOptions(extra={"deadline": "realtime", "cpu-used": "8"})),
    ("out", None),
    ("out/a_%03d.png", None),
]
NTSC, PAL, FAST_RATE = Fraction(24000, 1001), Fraction(25), Fraction(60)


def rewrite(source: Path, target: Path, options: EncodeOptions | None, rate: Fraction | None = None):
    """Copy every frame of a file into another; gives the frames that went in and the reader of the result."""
    reader = open_reader(source, rate)
    writer = open_writer(target, reader.info, reader.info.rate, options, reader.info.path)
    frames = list(reader)
    try:
        for frame in frames:
            writer.copy(frame, frame.pts)
        writer.finish()
    finally:
        if not target.exists():
            writer.abort()
    images = target.suffix in ("", ".png")
    return frames, open_reader(target, reader.info.rate if images else None)


@pytest.mark.parametrize(("name", "options"), TARGETS, ids=[t[0] for t in TARGETS])
@pytest.mark.parametrize("rate", [NTSC, PAL, FAST_RATE], ids=str)
def test_count_and_times(tmp_path, name, options, rate):
    source = write_video(tmp_path / "in.mp4", pictures(11, 34, 26), rate)
    (tmp_path / "out").mkdir()
    frames, result = rewrite(source, tmp_path / name, options)
    assert [frame.pts for frame in frames] == [k / rate for k in range(11)]
    again = list(result)
    assert [frame.pts for frame in again] == [frame.pts for frame in frames]
    assert [frame.index for frame in again] == list(range(11))
    assert all(frame.duration == 1 / rate for frame in again)
    assert result.info.rate == rate
    for before, after in zip(frames, again, strict=True):
        assert after.rgb().shape == (26, 34, 3)
        assert np.abs(before.rgb().astype(int) - after.rgb()).mean() < 6


@pytest.mark.parametrize("size", [(35, 27), (34, 27), (35, 26), (1, 1), (2, 3)], ids=str)
@pytest.mark.parametrize(("name", "options"), TARGETS, ids=[t[0] for t in TARGETS])
def test_odd_sizes(tmp_path, name, options, size):
    if size[0] < 16 and name.endswith((".mp4", ".mov", ".webm")):
        size = (size[0] + 16, size[1] + 16)
    images = tmp_path / "in"
    images.mkdir()
    _save(images, pictures(3, max(size[0], 8), max(size[1], 8)), size)
    _, result = rewrite(images, tmp_path / name, options, PAL) if "/" not in name else (None, None)
    if result is None:
        (tmp_path / "out").mkdir()
        _, result = rewrite(images, tmp_path / name, options, PAL)
    again = list(result)
    assert len(again) == 3
    assert (result.info.width, result.info.height) == size
    assert again[0].rgb().shape == (size[1], size[0], 3)


def _save(folder: Path, frames: list[np.ndarray], size: tuple[int, int]) -> None:
    import cv2

    for number, frame in enumerate(frames):
        cv2.imwrite(str(folder / f"{number}.png"), frame[: size[1], : size[0], ::-1])


@pytest.mark.parametrize("start", [Fraction(1, 2), Fraction(37, 25), Fraction(1001, 24000)], ids=str)
@pytest.mark.parametrize("name", ["out.mp4", "out.mkv"])
def test_start_offsets_are_kept(tmp_path, name, start):
    source = write_video(tmp_path / "in.mp4", pictures(7, 32, 32), NTSC, start=start, sound="aac")
    frames, result = rewrite(source, tmp_path / name, FAST)
    assert [frame.pts for frame in frames] == [start + k / NTSC for k in range(7)]
    slack = Fraction(0) if name.endswith("mp4") else Fraction(1, 2000)
    again = list(result)
    assert len(again) == 7
    assert all(abs(a.pts - b.pts) <= slack for a, b in zip(again, frames, strict=True))


def test_matroska_times_of_a_fractional_rate_are_exact(tmp_path):
    rate = Fraction(60000, 1001)
    source = write_video(tmp_path / "in.mkv", pictures(40, 16, 16), rate, codec="ffv1")
    reader = open_reader(source)
    assert reader.info.time_base == Fraction(1, 1000)
    assert reader.info.rate == rate
    assert [frame.pts for frame in reader] == [k / rate for k in range(40)]


@pytest.mark.parametrize("rate", [Fraction(2997, 50), Fraction(1199, 50), Fraction(1000, 7)], ids=str)
def test_unusual_rates_are_not_taken_for_usual_ones(tmp_path, rate):
    frames, result = rewrite(
        write_video(tmp_path / "in.mp4", pictures(90, 16, 16), rate), tmp_path / "out.mp4", FAST
    )
    assert [frame.pts for frame in frames] == [k / rate for k in range(90)]
    assert [frame.pts for frame in result] == [k / rate for k in range(90)]
    assert result.info.rate == rate


def test_times_rounded_to_milliseconds_in_a_fine_clock(tmp_path):
    """What a remux from Matroska to MP4 leaves behind."""
    times = [Fraction(round(1000 * k / NTSC), 1000) for k in range(60)]
    source = write_video(tmp_path / "in.mp4", pictures(60, 16, 16), NTSC, times=times)
    assert [frame.pts for frame in open_reader(source)] == [k / NTSC for k in range(60)]


def test_variable_rate_keeps_its_times(tmp_path):
    times = [Fraction(n, 100) for n in (0, 4, 9, 10, 30, 31, 50)]
    rate = Fraction(100)
    source = write_video(tmp_path / "in.mp4", pictures(7, 32, 32), rate, times=times)
    assert [frame.pts for frame in open_reader(source)] == times


def test_times_between_source_frames(tmp_path):
    """A plan at a rate that is no multiple of the source's: every output time is exact."""
    source = write_video(tmp_path / "in.mp4", pictures(12, 32, 32), NTSC)
    reader = open_reader(source)
    rate = Fraction(60)
    writer = open_writer(tmp_path / "out.mp4", reader.info, rate, FAST, source)
    frames = list(reader)
    times = [k / rate for k in range(30)]
    for time in times:
        writer.copy(frames[int(time * NTSC)], time)
    writer.finish()
    result = open_reader(tmp_path / "out.mp4")
    assert [frame.pts for frame in result] == times
    assert result.info.rate == rate


def test_a_time_off_the_grid_is_refused_or_needs_a_finer_tick(tmp_path):
    source = write_video(tmp_path / "in.mp4", pictures(3, 32, 32), PAL)
    reader = open_reader(source)
    first, second, third = reader
    writer = open_writer(tmp_path / "out.mp4", reader.info, PAL, FAST, source)
    writer.copy(first, Fraction(0))
    with pytest.raises(OutputError, match="finer tick"):
        writer.copy(second, Fraction(1, 26))
    with pytest.raises(OutputError, match="later"):
        writer.copy(second, Fraction(0))
    writer.abort()
    writer = open_writer(tmp_path / "out.mp4", reader.info, PAL, FAST, source, tick=Fraction(1, 1300))
    times = [Fraction(0), Fraction(1, 26), Fraction(1, 13)]
    for frame, time in zip((first, second, third), times, strict=True):
        writer.copy(frame, time)
    writer.finish()
    assert [frame.pts for frame in open_reader(tmp_path / "out.mp4")] == times


@pytest.mark.parametrize(
    "pix_fmt",
    ["yuv420p", "yuv422p", "yuv444p", "yuv420p10le", "yuvj420p", "gray", "bgr0", "gbrp10le", "yuva420p"],
)
def test_copies_are_bit_identical_in_ffv1(tmp_path, pix_fmt):
    codec = "mjpeg" if pix_fmt == "yuvj420p" else "ffv1"
    tags = {"color_range": 2} if codec == "mjpeg" else None
    source = write_video(tmp_path / "in.mkv", pictures(4, 35, 27), codec=codec, pix_fmt=pix_fmt, tags=tags)
    frames, result = rewrite(source, tmp_path / "out.mkv", LOSSLESS)
    assert frames[0].native.format.name == pix_fmt
    for before, after in zip(frames, result, strict=True):
        for a, b in zip(planes(before.native), planes(after.native), strict=True):
            np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(before.rgb(), after.rgb())


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (5, 3), (1, 64)])
@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv420p10le", "bgr0"])
def test_the_smallest_pictures_are_written_too(tmp_path, pix_fmt, size):
    import cv2

    (tmp_path / "in").mkdir()
    for number in range(3):
        cv2.imwrite(str(tmp_path / f"in/{number}.png"), np.full((*size, 3), 80 * number, np.uint8))
    _, result = rewrite(
        tmp_path / "in", tmp_path / "out.mkv", EncodeOptions(codec="ffv1", pix_fmt=pix_fmt), PAL
    )
    assert [frame.native.format.name for frame in result] == [pix_fmt] * 3
    for number, frame in enumerate(result):
        assert frame.rgb().shape[:2] == size
        one = 257 if "10" in pix_fmt else 1
        assert abs(int(frame.rgb().max()) - 80 * number * one) <= 2 * one


def test_small_pictures_are_coded_alike_each_time(tmp_path):
    """x264 does not by itself at this size: its threads race, and its macroblock tree differs."""
    source = write_video(tmp_path / "in.mkv", pictures(23, 48, 32))
    options = EncodeOptions(preset="fast", extra={"x264-params": "lookahead-threads=1"})
    files = set()
    for number in range(40):
        path = tmp_path / f"{number}.mp4"
        rewrite(source, path, options)
        files.add(path.read_bytes())
    assert len(files) == 1


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("name", ["out", "out.mkv", "out/%d.tiff"])
def test_images_are_copied_bit_identical(tmp_path, dtype, channels, name):
    import cv2

    rng = np.random.default_rng(3)
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()
    images = [rng.integers(0, np.iinfo(dtype).max + 1, (9, 13, channels)).astype(dtype) for _ in range(3)]
    for number, image in enumerate(images):
        cv2.imwrite(str(tmp_path / "in" / f"{number}.png"), image)
    frames, result = rewrite(tmp_path / "in", tmp_path / name, LOSSLESS, PAL)
    order = [2, 1, 0, 3][:channels]
    for image, before, after in zip(images, frames, result, strict=True):
        np.testing.assert_array_equal(before.rgb(), image[:, :, order])
        np.testing.assert_array_equal(after.rgb(), before.rgb())


def test_a_frame_can_be_written_many_times(tmp_path):
    source = write_video(tmp_path / "in.mkv", pictures(2, 32, 32), codec="ffv1")
    reader = open_reader(source)
    one, two = reader
    writer = open_writer(tmp_path / "out.mkv", reader.info, PAL, LOSSLESS)
    for k, frame in enumerate([one, one, two, one]):
        writer.copy(frame, k / PAL)
    writer.finish()
    shown = [frame.rgb() for frame in open_reader(tmp_path / "out.mkv")]
    for frame, picture in zip([one, one, two, one], shown, strict=True):
        np.testing.assert_array_equal(frame.rgb(), picture)


def test_readers_can_be_read_again(tmp_path):
    source = write_video(tmp_path / "in.mp4", pictures(5, 32, 32))
    reader = open_reader(source)
    once = [frame.rgb() for frame in reader]
    partly = iter(reader)
    next(partly)
    partly.close()
    for a, b in zip(once, reader, strict=True):
        np.testing.assert_array_equal(a, b.rgb())


def test_shape_of_the_picture_is_carried(tmp_path):
    turned = [0, 65536, 0, -65536, 0, 0, 0, 0, 1 << 30]
    source = write_video(tmp_path / "in.mp4", pictures(3, 32, 32), matrix=turned, aspect=Fraction(4, 3))
    _, result = rewrite(source, tmp_path / "out.mp4", FAST)
    assert result.info.display_matrix == tuple(turned)
    assert result.info.sample_aspect == Fraction(4, 3)


@pytest.mark.parametrize("clear", [False, True])
def test_a_gif_has_alpha_only_where_it_shows_through(tmp_path, clear):
    from PIL import Image

    frames = [Image.fromarray(picture).convert("P") for picture in pictures(3, 20, 16)]
    more = {"transparency": frames[0].getpixel((0, 0)), "disposal": 2} if clear else {}
    frames[0].save(tmp_path / "in.gif", save_all=True, append_images=frames[1:], duration=100, **more)
    reader = open_reader(tmp_path / "in.gif")
    assert reader.info.alpha == clear
    assert [frame.rgb().shape for frame in reader] == [(16, 20, 4 if clear else 3)] * 3
    assert [frame.pts for frame in reader] == [Fraction(k, 10) for k in range(3)]
