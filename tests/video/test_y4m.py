"""Raw video through pipes: what goes in comes out, twice where asked; what is broken is refused."""

from __future__ import annotations

import io
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import av
import numpy as np
import pytest

from nakawari.errors import InputError, MediaError, OutputError
from nakawari.video import spool
from nakawari.video.encoders import EncodeOptions
from nakawari.video.open import open_reader, open_writer
from nakawari.video.y4m import Y4mReader

from .media import pictures, planes, write_video

NTSC = Fraction(24000, 1001)
FORMATS = [
    *("yuv420p", "yuv422p", "yuv444p", "yuva444p", "gray"),
    *("yuv420p10le", "yuv422p10le", "yuv444p10le", "gray10le", "yuv420p12le"),
]


def piped(monkeypatch, data: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BufferedReader(io.BytesIO(data))))


def raw(header: str = "W4 H2 F25:1 Ip A1:1 Cmono", frames: int = 3, size: int = 8) -> bytes:
    body = b"".join(b"FRAME\n" + bytes([10 * n]) * size for n in range(frames))
    return b"YUV4MPEG2 " + header.encode() + b"\n" + body


def copied(reader, target, **given):
    writer = open_writer(target, reader.info, reader.info.rate, **given)
    frames = list(reader)
    for frame in frames:
        writer.copy(frame, frame.pts)
    writer.finish()
    return frames


def assert_same(before, after) -> None:
    before, after = list(before), list(after)
    assert len(before) == len(after)
    for a, b in zip(before, after, strict=True):
        assert a.pts == b.pts
        assert a.native.format.name == b.native.format.name
        for x, y in zip(planes(a.native), planes(b.native), strict=True):
            np.testing.assert_array_equal(x, y)
        np.testing.assert_array_equal(a.rgb(), b.rgb())


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("pix_fmt", FORMATS)
def test_every_kind_is_kept_to_the_bit(tmp_path, pix_fmt, full):
    tags = {"color_range": 2 if full else 1}
    source = write_video(
        tmp_path / "in.mkv", pictures(4, 35, 27), NTSC, codec="ffv1", pix_fmt=pix_fmt, tags=tags
    )
    reader = open_reader(source)
    reader.info = replace(reader.info, sample_aspect=Fraction(4, 3))
    frames = copied(reader, tmp_path / "out.y4m")
    result = open_reader(tmp_path / "out.y4m")
    assert frames[0].native.format.name == pix_fmt
    assert (result.info.rate, result.info.sample_aspect) == (NTSC, Fraction(4, 3))
    assert result.info.colour.full_range is full
    assert_same(frames, result)
    assert_same(frames, result)


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv422p", "yuv444p10le", "gray"])
def test_what_we_write_ffmpeg_reads(tmp_path, pix_fmt):
    source = write_video(tmp_path / "in.mkv", pictures(3, 34, 26), NTSC, codec="ffv1", pix_fmt=pix_fmt)
    frames = copied(open_reader(source), tmp_path / "out.y4m")
    with av.open(str(tmp_path / "out.y4m")) as container:
        assert container.streams.video[0].average_rate == NTSC
        for frame, native in zip(frames, container.decode(video=0), strict=True):
            for a, b in zip(planes(frame.native), planes(native), strict=True):
                np.testing.assert_array_equal(a, b)


def test_what_ffmpeg_writes_we_read(tmp_path):
    shown = pictures(5, 34, 26)
    with av.open(str(tmp_path / "in.y4m"), "w", format="yuv4mpegpipe") as out:
        stream = out.add_stream("wrapped_avframe", rate=NTSC)
        stream.width, stream.height, stream.pix_fmt = 34, 26, "yuv422p"
        natives = [av.VideoFrame.from_ndarray(p, "rgb24").reformat(format="yuv422p") for p in shown]
        for native in natives:
            out.mux(stream.encode(native))
    reader = open_reader(tmp_path / "in.y4m")
    for k, (frame, native) in enumerate(zip(reader, natives, strict=True)):
        assert frame.pts == k / NTSC
        for a, b in zip(planes(frame.native), planes(native), strict=True):
            np.testing.assert_array_equal(a, b)


def test_a_pipe_is_read_twice_through_the_spool(tmp_path, monkeypatch):
    source = write_video(tmp_path / "in.mkv", pictures(6, 35, 27), codec="ffv1", pix_fmt="yuv420p10le")
    frames = copied(open_reader(source), tmp_path / "pipe.y4m")
    data = (tmp_path / "pipe.y4m").read_bytes()
    piped(monkeypatch, data)
    bare = Y4mReader("-")
    assert not bare.replayable
    assert_same(frames, bare)
    with pytest.raises(MediaError, match="only once"):
        next(iter(bare))
    piped(monkeypatch, data)
    reader = open_reader("-")
    assert reader.replayable
    for _, frame in zip(range(2), reader, strict=False):  # given up in the middle, as a look at the start is
        assert frame.index < 2
    one, other = iter(reader), iter(reader)
    for frame in frames[:4]:
        assert_same([frame], [next(one)])
    assert_same(frames, other)
    assert_same(frames[4:], one)
    assert_same(frames, reader)


def test_through_real_pipes(tmp_path):
    source = write_video(tmp_path / "in.mkv", pictures(6, 35, 27), codec="ffv1", pix_fmt="yuv420p")
    frames = copied(open_reader(source), tmp_path / "pipe.y4m")
    script = (
        "from nakawari.video.open import open_reader, open_writer\n"
        "reader = open_reader('-'); list(reader)\n"
        "writer = open_writer('-', reader.info, reader.info.rate)\n"
        "for frame in reader: writer.copy(frame, frame.pts)\n"
        "writer.finish()\n"
    )
    with (tmp_path / "pipe.y4m").open("rb") as pipe:
        done = subprocess.run([sys.executable, "-c", script], stdin=pipe, capture_output=True, check=True)
    (tmp_path / "again.y4m").write_bytes(done.stdout)
    assert_same(frames, open_reader(tmp_path / "again.y4m"))


def test_a_full_disk_under_the_spool(monkeypatch):
    piped(monkeypatch, raw())
    full = partial(Path("/dev/full").open, "r+b")
    monkeypatch.setattr(spool.tempfile, "TemporaryFile", full)
    reader = open_reader("-")
    with pytest.raises(OutputError, match=r"No space left.*TMPDIR"):
        list(reader)


@pytest.mark.parametrize("order", "tbm")
def test_interlaced_is_refused(monkeypatch, order):
    piped(monkeypatch, raw(f"W4 H2 F25:1 I{order} Cmono"))
    with pytest.raises(MediaError, match="interlaced"):
        open_reader("-")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "empty"),
        (b"RIFF....AVI ", "not y4m"),
        (b"x" * 9000, "not y4m"),
        (b"MPEG4 W4 H2\n", "not y4m"),
        (raw("W4 H2 F25:1 C411"), "kind C411"),
        (raw("W0 H2 Cmono"), "size of 0x2"),
        (raw("H2 Cmono"), "size of x2"),
        (raw("W-4 H2 Cmono"), "size"),
        (raw("W999999 H999999 C444p16"), "size of 999999x999999"),
        (raw(frames=0), "no frame"),
        (raw()[:-3], "cut off in frame 2"),
        (raw() + b"FRA", "cut off"),
        (raw() + b"FROME\n", "broken after frame 3"),
        (raw("W16000 H16000 F25:1 Cmono"), "cut off in frame 0"),
    ],
    ids=lambda value: value if isinstance(value, str) else str(len(value)),
)
def test_broken_streams(tmp_path, data, message):
    (tmp_path / "in.y4m").write_bytes(data)
    with pytest.raises(MediaError, match=message):
        list(open_reader(tmp_path / "in.y4m"))


def test_frame_parameters_and_unsaid_things(monkeypatch, caplog):
    piped(monkeypatch, raw("W4 H2 F0:0 A0:0 Cmono XYSCSS=MONO").replace(b"FRAME\n", b"FRAME Ip\n"))
    reader = open_reader("-")
    assert (reader.info.rate, reader.info.sample_aspect) == (25, 1)
    assert "does not say its rate" in caplog.text
    assert [int(frame.rgb()[0, 0, 0]) for frame in reader] == [0, 10, 20]


def test_pictures_in_rgb_keep_their_chroma_and_depth(tmp_path):
    source = write_video(tmp_path / "in.mkv", pictures(2, 35, 27), codec="ffv1", pix_fmt="gbrp10le")
    copied(open_reader(source), tmp_path / "out.y4m")
    assert open_reader(tmp_path / "out.y4m").info.pix_fmt == "yuv444p10le"


def test_what_y4m_cannot_hold_is_refused(tmp_path):
    reader = open_reader(write_video(tmp_path / "in.mp4", pictures(3, 34, 26)))
    for given, message in (
        ({"codec": "libx264"}, "no codec"),
        ({"crf": 0.5}, "no crf"),
        ({"pix_fmt": "nv12"}, "no pixel format 'nv12'"),
    ):
        with pytest.raises(InputError, match=message):
            open_writer(tmp_path / "out.y4m", reader.info, Fraction(25), EncodeOptions(**given))
    writer = open_writer(tmp_path / "out.y4m", reader.info, Fraction(25))
    first, second, _ = reader
    writer.copy(first, Fraction(1))
    with pytest.raises(OutputError, match="one rate"):
        writer.copy(second, Fraction(2))
    writer.abort()
    assert [p.name for p in tmp_path.iterdir()] == ["in.mp4"]


def test_made_pictures_keep_what_stands_still(tmp_path):
    reader = open_reader(write_video(tmp_path / "in.mkv", pictures(2, 35, 27), codec="ffv1"))
    first, second = reader
    writer = open_writer(tmp_path / "out.y4m", reader.info, Fraction(25))
    writer.draw(second.rgb().copy(), Fraction(0), (first, second))
    writer.finish()
    (made,) = open_reader(tmp_path / "out.y4m")
    for a, b in zip(planes(made.native), planes(second.native), strict=True):
        np.testing.assert_array_equal(a, b)
