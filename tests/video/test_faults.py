"""Inputs and outputs that are wrong: one clear line each, nothing left over."""

from __future__ import annotations

import os
import subprocess
import sys
import wave
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest

from nakawari.errors import InputError, MediaError, OutputError
from nakawari.video.encoders import EncodeOptions
from nakawari.video.frames import Frame
from nakawari.video.open import open_reader, open_writer

from .media import hear, pictures, write_video

RATE = Fraction(25)
FAST = EncodeOptions(preset="ultrafast")
X265 = EncodeOptions(codec="libx265", preset="ultrafast")
SVT = EncodeOptions(codec="libsvtav1", preset="12")


def read_all(path) -> list[Frame]:
    return list(open_reader(path))


def refused(path, words: str) -> None:
    with pytest.raises(MediaError, match=words) as caught:
        read_all(path)
    assert "\n" not in str(caught.value)
    assert path.name in str(caught.value)


def test_missing_and_empty(tmp_path):
    refused(tmp_path / "no.mp4", "does not exist")
    refused(tmp_path / "no.png", "does not exist")
    (tmp_path / "empty.mkv").touch()
    refused(tmp_path / "empty.mkv", "empty")
    (tmp_path / "folder").mkdir()
    refused(tmp_path / "folder", "holds no images")
    refused(tmp_path / "%05d.png", "holds no images")


@pytest.mark.parametrize("name", ["text.mp4", "text.mkv", "text.png", "text"])
def test_not_a_video(tmp_path, name):
    (tmp_path / name).write_text("once upon a time " * 400)
    refused(tmp_path / name, "read")


def test_only_sound(tmp_path):
    with wave.open(str(tmp_path / "voice.wav"), "wb") as out:
        out.setparams((1, 2, 8000, 0, "NONE", ""))
        out.writeframes(bytes(8000))
    refused(tmp_path / "voice.wav", "only sound")


@pytest.mark.parametrize("name", ["in.mp4", "in.mkv", "in.webm"])
@pytest.mark.parametrize("share", [0.1, 0.6])
def test_cut_off(tmp_path, name, share):
    codec = "libvpx-vp9" if name.endswith("webm") else "libx264"
    frames = [np.random.default_rng(n).integers(0, 256, (64, 64, 3)).astype(np.uint8) for n in range(40)]
    path = write_video(tmp_path / name, frames, codec=codec)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    refused(path, "cut off|read|broken|no frame")


def test_cut_off_behind_its_index(tmp_path):
    frames = [np.random.default_rng(n).integers(0, 256, (64, 64, 3)).astype(np.uint8) for n in range(40)]
    reader = open_reader(write_video(tmp_path / "in.mkv", frames, codec="ffv1"))
    writer = open_writer(tmp_path / "fast.mp4", reader.info, RATE, FAST)
    for frame in reader:
        writer.copy(frame, frame.pts)
    writer.finish()
    path = tmp_path / "fast.mp4"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    refused(path, "cut off|broken")


def test_longer_sound_is_not_a_cut_off_picture(tmp_path):
    path = write_video(tmp_path / "in.mkv", pictures(5, 32, 32), sound="flac", sound_seconds=Fraction(5))
    assert len(read_all(path)) == 5


def test_a_size_that_changes(tmp_path):
    raw = b""
    for width in (64, 96):
        with av.open(str(tmp_path / "one.h264"), "w") as out:
            stream = out.add_stream("libx264", rate=25)
            stream.width, stream.height, stream.pix_fmt = width, 64, "yuv420p"
            for picture in pictures(8, width, 64):
                out.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
            out.mux(stream.encode(None))
        raw += (tmp_path / "one.h264").read_bytes()
    (tmp_path / "two.h264").write_bytes(raw)
    refused(tmp_path / "two.h264", "changes size at frame 8, from 64x64 to 96x64")


def test_frames_without_times_follow_the_rate(tmp_path, caplog):
    with av.open(str(tmp_path / "raw.h264"), "w") as out:
        stream = out.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for picture in pictures(8, 64, 64):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        out.mux(stream.encode(None))
    assert [frame.pts for frame in read_all(tmp_path / "raw.h264")] == [k / RATE for k in range(8)]
    assert "without a time" in caplog.text


def test_images_that_do_not_fit(tmp_path):
    for number, size in enumerate([(8, 8), (8, 8), (8, 9)]):
        cv2.imwrite(str(tmp_path / f"{number}.png"), np.zeros((*size, 3), np.uint8))
    with pytest.raises(MediaError, match=r"2\.png is 9x8 .* but 0\.png is 8x8"):
        read_all(tmp_path)
    (tmp_path / "2.png").write_bytes((tmp_path / "1.png").read_bytes()[:40])
    with pytest.raises(MediaError, match=r"2\.png is not an image"):
        read_all(tmp_path)
    cv2.imwrite(str(tmp_path / "2.png"), np.zeros((8, 8, 3), np.uint16))
    with pytest.raises(MediaError, match=r"2\.png is .* of 16 bits"):
        read_all(tmp_path)
    cv2.imwrite(str(tmp_path / "f.tiff"), np.zeros((8, 8, 3), np.float32))
    with pytest.raises(MediaError, match="float32"):
        read_all(tmp_path / "f.tiff")


def test_order_and_kinds_of_images(tmp_path):
    for number in (10, 9, 1):
        cv2.imwrite(str(tmp_path / f"a{number}.png"), np.full((5, 6), number, np.uint8))
    (tmp_path / "notes.txt").write_text("not an image")
    for spec in (tmp_path, tmp_path / "*.png", tmp_path / "a%d.png"):
        frames = read_all(spec)
        assert [int(frame.rgb()[0, 0, 1]) for frame in frames] == [1, 9, 10]
        assert [frame.pts for frame in frames] == [k / Fraction(24) for k in range(3)]
        assert frames[0].rgb().shape == (5, 6, 3)
    assert [frame.pts for frame in open_reader(tmp_path / "a9.png", Fraction(30))] == [0]


def test_rates(tmp_path):
    cv2.imwrite(str(tmp_path / "1.png"), np.zeros((8, 8, 3), np.uint8))
    with pytest.raises(InputError, match="more than 0"):
        open_reader(tmp_path, Fraction(0))
    video = write_video(tmp_path / "in.mkv", pictures(2, 32, 32), codec="ffv1")
    with pytest.raises(InputError, match="its own clock"):
        open_reader(video, Fraction(25))


# -- outputs ---------------------------------------------------------------------------------------


@pytest.fixture
def reader(tmp_path):
    (tmp_path / "given").mkdir()
    return open_reader(
        write_video(tmp_path / "given" / "in.mkv", pictures(5, 32, 32), codec="ffv1", sound="flac")
    )


TARGETS = ["out.mp4", "out.mkv", "out", "out/%03d.png"]


def listing(folder) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if "given" not in p.parts)


@pytest.mark.parametrize("name", TARGETS)
@pytest.mark.parametrize("written", [0, 1, 5])
def test_abort_leaves_nothing(tmp_path, reader, name, written):
    writer = open_writer(tmp_path / name, reader.info, RATE, FAST, reader.info.path)
    for frame in list(reader)[:written]:
        writer.copy(frame, frame.pts)
    writer.abort()
    writer.abort()
    assert listing(tmp_path) == []


@pytest.mark.parametrize("name", TARGETS)
def test_nothing_stands_under_its_name_before_the_end(tmp_path, reader, name):
    writer = open_writer(tmp_path / name, reader.info, RATE, FAST, reader.info.path)
    for frame in reader:
        writer.copy(frame, frame.pts)
        assert not (tmp_path / name.split("/")[0]).exists()
    writer.finish()
    writer.abort()
    wanted = [name] if "." in name else ["out"]
    assert [line for line in listing(tmp_path) if "/" not in line] == [w.split("/")[0] for w in wanted]
    assert not [line for line in listing(tmp_path) if ".part" in line]


@pytest.mark.parametrize("name", TARGETS)
def test_no_frames_is_an_error(tmp_path, reader, name):
    writer = open_writer(tmp_path / name, reader.info, RATE, FAST)
    with pytest.raises(OutputError, match="no frame"):
        writer.finish()
    writer.abort()
    assert listing(tmp_path) == []


@pytest.mark.parametrize("name", ["out.mp4", "out.mkv"])
def test_a_file_is_replaced_only_when_asked_and_only_at_the_end(tmp_path, reader, name):
    target = tmp_path / name
    target.write_text("precious")
    with pytest.raises(OutputError, match=r"exists already.*-y"):
        open_writer(target, reader.info, RATE, FAST)
    writer = open_writer(target, reader.info, RATE, FAST, overwrite=True)
    for frame in reader:
        writer.copy(frame, frame.pts)
    assert target.read_text() == "precious"
    writer.abort()
    assert target.read_text() == "precious"
    writer = open_writer(target, reader.info, RATE, FAST, overwrite=True)
    for frame in reader:
        writer.copy(frame, frame.pts)
    writer.finish()
    assert len(read_all(target)) == 5
    assert listing(tmp_path) == [name]


@pytest.mark.parametrize("name", ["out", "out/%06d.png"])
def test_images_are_replaced_only_when_asked(tmp_path, reader, name):
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "notes.txt").write_text("stays")
    for number in (1, 2, 9):
        (folder / f"{number:06d}.png").write_text("old")
    with pytest.raises(OutputError, match=r"holds 000001\.png already"):
        open_writer(tmp_path / name, reader.info, RATE)
    writer = open_writer(tmp_path / name, reader.info, RATE, overwrite=True)
    for frame in reader:
        writer.copy(frame, frame.pts)
    assert (folder / "000001.png").read_text() == "old"
    writer.finish()
    assert sorted(os.listdir(folder)) == [f"{n:06d}.png" for n in range(1, 6)] + ["notes.txt"]
    assert (folder / "notes.txt").read_text() == "stays"
    assert len(read_all(folder)) == 5
    assert "out.part" not in os.listdir(tmp_path)


def test_a_pattern_goes_beside_other_images(tmp_path, reader):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "b_1.png").write_text("another")
    writer = open_writer(tmp_path / "out" / "a_%d.png", reader.info, RATE)
    for frame in reader:
        writer.copy(frame, frame.pts)
    writer.finish()
    assert sorted(os.listdir(tmp_path / "out")) == [f"a_{n}.png" for n in range(1, 6)] + ["b_1.png"]


def test_the_input_is_not_written_over(tmp_path, reader):
    with pytest.raises(OutputError, match="input itself"):
        open_writer(reader.info.path, reader.info, RATE, FAST, overwrite=True)
    images = tmp_path / "images"
    images.mkdir()
    cv2.imwrite(str(images / "000001.png"), np.zeros((8, 8, 3), np.uint8))
    for given in (images, images / "%06d.png", images / "000001.png"):
        for target in (images, images / "%06d.png"):
            with pytest.raises(OutputError, match="input itself"):
                open_writer(target, open_reader(given).info, RATE, overwrite=True)
    beside = open_writer(images / "new_%d.png", open_reader(images).info, RATE)
    beside.abort()
    assert os.listdir(images) == ["000001.png"]


def test_folders_that_are_not_there_or_closed(tmp_path, reader):
    with pytest.raises(OutputError, match="does not exist"):
        open_writer(tmp_path / "no" / "out.mp4", reader.info, RATE, FAST)
    with pytest.raises(OutputError, match="does not exist"):
        open_writer(tmp_path / "no" / "out", reader.info, RATE, FAST)
    (tmp_path / "file").write_text("")
    with pytest.raises((OutputError, InputError), match="file"):
        open_writer(tmp_path / "file" / "%d.png", reader.info, RATE, FAST)
    if os.getuid() != 0:
        (tmp_path / "closed").mkdir(mode=0o500)
        with pytest.raises(OutputError, match="cannot be written to"):
            open_writer(tmp_path / "closed" / "out.mp4", reader.info, RATE, FAST)


FULL_DISK = """
import resource, signal, sys
from fractions import Fraction
from nakawari.errors import OutputError
from nakawari.video.encoders import EncodeOptions
from nakawari.video.open import open_reader, open_writer
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, resource.RLIM_INFINITY))
reader = open_reader(sys.argv[1])
writer = open_writer(sys.argv[2], reader.info, Fraction(25), EncodeOptions(codec=sys.argv[3] or None))
try:
    for frame in reader:
        writer.copy(frame, frame.pts)
    writer.finish()
except OutputError as error:
    print(error)
finally:
    writer.abort()
"""


@pytest.mark.parametrize(("name", "codec"), [("out.mkv", "ffv1"), ("out.mp4", "libx264"), ("out", "")])
def test_a_full_disk_is_one_line(tmp_path, name, codec):
    """A limit on the size of files stands in for a disk that is full."""
    size = (64, 64) if name != "out" else (160, 200)
    frames = [np.random.default_rng(n).integers(0, 256, (*size, 3)).astype(np.uint8) for n in range(40)]
    (tmp_path / "given").mkdir()
    source = write_video(tmp_path / "given" / "in.mkv", frames, codec="ffv1", pix_fmt="yuv444p")
    command = [sys.executable, "-c", FULL_DISK, str(source), str(tmp_path / name), codec]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert "cannot be written" in result.stdout
    assert result.stdout.count("\n") == 1
    assert result.stderr == ""
    assert listing(tmp_path) == []


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "tiff", "bmp"])
def test_half_an_image_is_refused_quietly(tmp_path, suffix, capfd):
    path = tmp_path / f"x.{suffix}"
    cv2.imwrite(str(path), np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    refused(path, "not an image that can be read")
    assert capfd.readouterr() == ("", "")


def test_encoders_do_not_speak_on_stderr(tmp_path, reader, capfd):
    (tmp_path / "text.mp4").write_text("not a video")
    with pytest.raises(MediaError):
        open_reader(tmp_path / "text.mp4")
    for name, options in (("x.mp4", FAST), ("y.mkv", X265), ("z.mkv", SVT)):
        writer = open_writer(tmp_path / name, reader.info, RATE, options, reader.info.path)
        for frame in reader:
            writer.copy(frame, frame.pts)
        writer.finish()
        hear(tmp_path / name)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("given", ["in/a.exr", "in", "in/%d.exr", "in/*.hdr"])
def test_floating_point_is_refused_by_name(tmp_path, given):
    (tmp_path / "in").mkdir()
    for name in ("a.exr", "1.exr", "b.hdr"):
        (tmp_path / "in" / name).write_bytes(b"v/1\x01")
    with pytest.raises(MediaError, match="floating point"):
        open_reader(tmp_path / given)


@pytest.mark.parametrize("name", ["out.exr", "out/%d.exr"])
def test_floating_point_is_not_written(tmp_path, name):
    cv2.imwrite(str(tmp_path / "in.png"), np.zeros((4, 4, 3), np.uint8))
    info = open_reader(tmp_path / "in.png").info
    with pytest.raises(InputError, match="wanted a"):
        open_writer(tmp_path / name, info, Fraction(25))
    assert [p.name for p in tmp_path.iterdir()] == ["in.png"]


def test_hostile_images_are_refused_before_room_is_made_for_them(tmp_path):
    """Found by benchmarks/fuzz.py."""
    import struct
    import zlib

    def chunk(kind, body, length=None):
        size = len(body) if length is None else length
        return struct.pack(">I", size) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    def png(width, height, lie=None):
        head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
        extra = b"" if lie is None else chunk(b"zTXt", b"a\0\0b", lie)
        return (b"\x89PNG\r\n\x1a\n" + head + extra + chunk(b"IDAT", zlib.compress(bytes(9000)))
                + chunk(b"IEND", b""))  # fmt: skip

    for name, data, words in (
        ("huge.png", png(60000, 60000), "far too many pixels"),
        ("large.png", png(16000, 9000), "144000000 pixels; wanted at most"),
        ("lie.png", png(40, 40, 0x7FFFFFFF), "longer than the file"),
    ):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(MediaError, match=words):
            open_reader(tmp_path / name)


@pytest.mark.parametrize(
    "data",
    [b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nsecret.mkv\n#EXT-X-ENDLIST\n",
     b"ffconcat version 1.0\nfile secret.mkv\n"],
)  # fmt: skip
def test_a_file_does_not_make_us_open_others(tmp_path, data):
    write_video(tmp_path / "secret.mkv", pictures(3, 32, 32))
    (tmp_path / "in.mkv").write_bytes(data)
    with pytest.raises(MediaError, match="not a video that can be read"):
        open_reader(tmp_path / "in.mkv")


@pytest.mark.parametrize(
    "name", ["concat:a|b.mkv", "http:in%d.mkv", "a b\n'c' $(touch owned).mkv", "--no_flag.mkv", "in[1].mkv"]
)
def test_names_are_names_of_files(tmp_path, monkeypatch, name):
    from nakawari.cli import main

    write_video(tmp_path / "plain.mkv", pictures(4, 32, 32)).rename(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    targets = ["out.mkv", f"o {name}".replace("%d", "")]  # a number in the name of an output is a pattern
    for target in targets:
        words = ["smooth", "-m", "blend", "-q", f"--output={target}", "--", name]
        assert main(words) == 0
        assert len(list(open_reader(tmp_path / target))) == 8
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([name, *targets])
