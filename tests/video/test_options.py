"""Encoder options: defaults, what is refused, and that all of it happens before the work."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from nakawari.errors import InputError
from nakawari.video.colour import TAGS, layout, resolve
from nakawari.video.encoders import MUXERS, EncodeOptions
from nakawari.video.encoding import decide
from nakawari.video.frames import Info
from nakawari.video.open import open_reader, open_writer

from .media import pictures, write_video


def info(pix_fmt: str, width: int = 64, height: int = 48) -> Info:
    colour = resolve({**dict.fromkeys(TAGS, 2), "color_range": 0}, pix_fmt, width, height)
    form = layout(pix_fmt)
    return Info("in", width, height, Fraction(25), Fraction(1, 25), pix_fmt, form.bits, colour, form.alpha)


@pytest.mark.parametrize(
    ("suffix", "codec", "source", "width", "codec_out", "pix_fmt"),
    [
        (".mp4", None, "yuv420p", 64, "libx264", "yuv420p"),
        (".mp4", None, "yuv420p10le", 64, "libx264", "yuv420p10le"),
        (".mp4", None, "yuv422p12le", 64, "libx264", "yuv422p10le"),
        (".mp4", None, "yuv420p", 65, "libx264", "yuv444p"),
        (".mp4", None, "yuvj420p", 64, "libx264", "yuvj420p"),
        (".mp4", None, "rgb24", 64, "libx264", "yuv420p"),
        (".mp4", None, "rgb48le", 65, "libx264", "yuv444p10le"),
        (".mp4", None, "nv12", 64, "libx264", "yuv420p"),
        (".mkv", "ffv1", "rgb24", 65, "ffv1", "bgr0"),
        (".mkv", "ffv1", "rgba", 64, "ffv1", "bgra"),
        (".mkv", "ffv1", "rgb48le", 64, "ffv1", "rgb48le"),
        (".mkv", "ffv1", "yuvj444p", 65, "ffv1", "yuv444p"),
        (".mkv", "libx265", "yuv420p10le", 64, "libx265", "yuv420p10le"),
        (".webm", None, "yuv420p", 65, "libvpx-vp9", "yuv420p"),
        (".webm", None, "gray", 64, "libvpx-vp9", "yuv420p"),
        (".webm", "libsvtav1", "yuv420p10le", 64, "libsvtav1", "yuv420p10le"),
    ],
)
def test_choices(suffix, codec, source, width, codec_out, pix_fmt):
    made = decide(MUXERS[suffix], info(source, width), EncodeOptions(codec=codec))
    assert (made.codec, made.pix_fmt) == (codec_out, pix_fmt)
    tags = {**dict.fromkeys(TAGS, 2), "color_range": 0, **dict(made.colour.tags)}
    if not layout(pix_fmt).rgb:
        assert resolve(tags, pix_fmt, width, 48).full_range == made.colour.full_range


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (EncodeOptions(codec="nope"), "no encoder 'nope'.*libx264"),
        (EncodeOptions(codec="aac"), "encodes audio"),
        (EncodeOptions(crf=99), "crf is 99; libx264 takes 0 to 51"),
        (EncodeOptions(crf=-1), "crf is -1"),
        (EncodeOptions(preset="fats"), "takes ultrafast"),
        (EncodeOptions(tune="anime"), "takes film, animation"),
        (EncodeOptions(codec="ffv1", crf=3), "ffv1 has no crf"),
        (EncodeOptions(pix_fmt="yuv420p10"), r"Did you mean yuv420p10le\? It takes yuv420p"),
        (EncodeOptions(pix_fmt="foo"), "no pixel format 'foo'. It takes yuv420p"),
        (EncodeOptions(pix_fmt="rgb24"), "no pixel format 'rgb24'. It takes yuv420p"),
        (EncodeOptions(pix_fmt="yuv430p"), "no pixel format 'yuv430p'"),
        (EncodeOptions(extra={"nothing": "1"}), "no option 'nothing'"),
    ],
)
def test_wrong_options_are_refused_before_the_work(tmp_path, options, words):
    with pytest.raises(InputError, match=words) as caught:
        open_writer(tmp_path / "out.mkv", info("yuv420p"), Fraction(25), options)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_a_value_that_the_encoder_refuses_is_found_before_the_work(tmp_path):
    with pytest.raises(InputError, match=r"libx264 refuses .*profile=nonsense"):
        open_writer(
            tmp_path / "out.mkv", info("yuv420p"), Fraction(25), EncodeOptions(extra={"profile": "nonsense"})
        )
    assert not list(tmp_path.iterdir())


def test_halving_an_odd_size_is_refused():
    with pytest.raises(InputError, match="halves an odd size"):
        decide(MUXERS[".mp4"], info("yuv420p", 65), EncodeOptions(pix_fmt="yuv420p"))
    with pytest.raises(InputError, match="try another encoder"):
        decide(MUXERS[".mkv"], info("yuv420p", 65), EncodeOptions(codec="libsvtav1"))


@pytest.mark.parametrize(
    "name", ["out.avi", "out.xyz", "out.%d.mkv", "%d_%d.png", "%d.gif", "out.png", "*.png"]
)
def test_names_that_we_do_not_write(tmp_path, name):
    with pytest.raises(InputError):
        open_writer(tmp_path / name, info("yuv420p"), Fraction(25))


def test_options_reach_the_encoder(tmp_path):
    frames = pictures(12, 96, 64)
    source = write_video(tmp_path / "in.mkv", frames, codec="ffv1")
    sizes = []
    for crf in (5, 45):
        reader = open_reader(source)
        options = EncodeOptions(crf=crf, preset="veryfast", tune="animation", extra={"g": "6"})
        writer = open_writer(tmp_path / f"{crf}.mp4", reader.info, Fraction(25), options)
        for frame in reader:
            writer.copy(frame, frame.pts)
        writer.finish()
        sizes.append((tmp_path / f"{crf}.mp4").stat().st_size)
    assert sizes[0] > 1.5 * sizes[1]


def test_a_bit_rate_takes_the_place_of_the_default_crf():
    made = decide(MUXERS[".mp4"], info("yuv420p"), EncodeOptions(extra={"b": "2000000"}))
    assert "crf" not in made.options
    assert decide(MUXERS[".mp4"], info("yuv420p"), EncodeOptions()).options["crf"] == "16"


def test_ten_bits_stay_ten(tmp_path):
    source = write_video(tmp_path / "in.mkv", pictures(3, 32, 32), codec="ffv1", pix_fmt="yuv420p10le")
    reader = open_reader(source)
    assert reader.info.bits == 10
    assert next(iter(reader)).rgb().dtype == "uint16"
    writer = open_writer(tmp_path / "out.mp4", reader.info, Fraction(25), EncodeOptions(preset="ultrafast"))
    for frame in reader:
        writer.copy(frame, frame.pts)
    writer.finish()
    assert open_reader(tmp_path / "out.mp4").info.pix_fmt == "yuv420p10le"


def test_mp4_can_be_played_while_it_loads(tmp_path):
    reader = open_reader(write_video(tmp_path / "in.mkv", pictures(3, 32, 32), codec="ffv1"))
    writer = open_writer(tmp_path / "out.mp4", replace(reader.info), Fraction(25))
    for frame in reader:
        writer.copy(frame, frame.pts)
    writer.finish()
    data = (tmp_path / "out.mp4").read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


@pytest.mark.parametrize("rate", [Fraction(0), Fraction(-25), Fraction(2**40 + 1, 2**33)], ids=str)
def test_rates_that_no_file_can_hold(tmp_path, rate):
    with pytest.raises(InputError, match="rate"):
        open_writer(tmp_path / "out.mp4", info("yuv420p"), rate)
    assert not list(tmp_path.iterdir())


def test_alpha_that_is_lost_is_said(tmp_path, caplog):
    open_writer(tmp_path / "out.mp4", info("rgba"), Fraction(25)).abort()
    assert "alpha is dropped" in caplog.text


@pytest.mark.parametrize(("source", "asked"), [("yuv420p", "nv12"), ("yuv420p10le", "p010le")])
def test_semi_planar_formats_hold_the_same_samples(tmp_path, source, asked):
    """What encoders of graphics cards want; libx264 takes NV12 as well, and stands in for them."""
    info = open_reader(
        write_video(tmp_path / "in.mkv", pictures(4, 48, 32), codec="ffv1", pix_fmt=source)
    ).info
    if asked == "p010le":
        for name in ("hevc_nvenc", "hevc_qsv", "hevc_amf"):
            encoding = decide(MUXERS[".mkv"], info, EncodeOptions(codec=name, crf=20))
            assert (encoding.pix_fmt, encoding.packed) == (source, asked)
            assert "20" in encoding.options.values()
            assert "crf" not in encoding.options
        return
    results = []
    for pix_fmt in (source, asked):
        reader = open_reader(tmp_path / "in.mkv")
        options = EncodeOptions(codec="libx264", crf=0, preset="ultrafast", pix_fmt=pix_fmt)
        writer = open_writer(tmp_path / f"{pix_fmt}.mkv", reader.info, Fraction(25), options)
        for frame in reader:
            writer.copy(frame, frame.pts)
        writer.finish()
        results.append([frame.rgb() for frame in open_reader(tmp_path / f"{pix_fmt}.mkv")])
    for a, b in zip(*results, strict=True):
        np.testing.assert_array_equal(a, b)


def test_an_encoder_of_a_card_that_is_not_there_refuses_in_one_line(tmp_path):
    source = write_video(tmp_path / "in.mkv", pictures(2, 160, 160))
    with pytest.raises(InputError, match="h264_nvenc refuses yuv420p 160x160 with"):
        open_writer(
            tmp_path / "o.mkv", open_reader(source).info, Fraction(25), EncodeOptions(codec="h264_nvenc")
        )
    assert [path.name for path in tmp_path.iterdir()] == ["in.mkv"]


def test_an_odd_size_that_changes_the_pixel_format_is_said(caplog):
    decide(MUXERS[".mp4"], info("yuv420p", 64), EncodeOptions())
    assert caplog.text == ""
    assert decide(MUXERS[".mp4"], info("yuv420p", 65), EncodeOptions()).pix_fmt == "yuv444p"
    assert "odd size 65x48 as yuv420p does, so it is written as yuv444p" in caplog.text
    caplog.clear()
    made = decide(MUXERS[".mp4"], info("yuv420p", 65), EncodeOptions(codec="libvpx-vp9"))
    assert (made.pix_fmt, caplog.text) == ("yuv420p", "")


@pytest.mark.parametrize("name", ["out.mp4", "out.mov", "out.mkv"])
@pytest.mark.parametrize("codec", ["libx264", "libx265"])
@pytest.mark.parametrize("full", [False, True])
def test_the_range_is_written_when_nothing_else_is_known(tmp_path, name, codec, full):
    tags = {"color_range": 2 if full else 1}
    source = open_reader(write_video(tmp_path / "in.mkv", pictures(3, 32, 32), codec="ffv1", tags=tags))
    assert source.info.colour.tags == tuple(tags.items())
    options = EncodeOptions(codec=codec, preset="ultrafast")
    writer = open_writer(tmp_path / name, source.info, Fraction(25), options)
    for frame in source:
        writer.copy(frame, frame.pts)
    writer.finish()
    assert open_reader(tmp_path / name).info.colour == source.info.colour
