"""Sound, subtitles and what else is copied."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import pytest

from nakawari.errors import OutputError
from nakawari.video.encoders import EncodeOptions
from nakawari.video.frames import Retime
from nakawari.video.open import open_reader, open_writer

from .media import SRT, hear, pictures, read_subtitles, write_video

FAST = EncodeOptions(codec="libx264", preset="ultrafast")


def rewrite(source, target, options=FAST, **more):
    """Write a file's frames anew at twice their rate, its sound beside them."""
    reader = open_reader(source)
    rate = reader.info.rate * 2
    writer = open_writer(target, reader.info, rate, options, source, **more)
    try:
        for frame in reader:
            writer.copy(frame, frame.pts)
            writer.copy(frame, frame.pts + 1 / rate)
        writer.finish()
    finally:
        writer.abort()
    return target


@pytest.mark.parametrize("start", [Fraction(0), Fraction(1, 2)], ids=str)
@pytest.mark.parametrize("target", ["out.mp4", "out.mov", "out.mkv"])
@pytest.mark.parametrize(
    ("name", "codec"),
    [("in.mp4", "aac"), ("in.mp4", "libmp3lame"), ("in.mkv", "flac"), ("in.mkv", "pcm_s16le"),
     ("in.mkv", "aac"), ("in.mkv", "libopus")],
)  # fmt: skip
def test_sound_is_the_same_to_the_sample(tmp_path, name, codec, target, start):
    if target.endswith("mov") and codec in ("flac", "libopus"):
        pytest.skip("not held by mov")
    source = write_video(tmp_path / name, pictures(30, 32, 32), start=start, sound=codec)
    rewrite(source, tmp_path / target)
    began, samples, rate = hear(source)
    again, copied, _ = hear(tmp_path / target)
    lead = 0
    if name == "in.mkv" and target != "out.mkv":
        # a delay of the encoder that is not before time zero, and what is cut off the last packet,
        # can be said in Matroska but not in MP4: both are heard, in their places
        lead = 1024 if codec == "aac" and start else 0
        copied = copied[:, : lead + samples.shape[1]]
    tick = Fraction(1, 1000) if "in.mkv" in (name, target.replace("out", "in")) else 0
    assert abs(again + Fraction(lead, rate) - began) <= Fraction(1, rate) + tick
    np.testing.assert_array_equal(copied[:, lead:], samples)


def test_sound_and_picture_stay_together_when_the_sound_starts_early(tmp_path):
    """The encoder's delay before time zero does not push the picture."""
    source = write_video(tmp_path / "in.mp4", pictures(30, 32, 32), sound="aac")
    for name in ("out.mkv", "out.mp4"):
        result = open_reader(rewrite(source, tmp_path / name))
        assert next(iter(result)).pts == 0
        assert hear(tmp_path / name)[0] == 0


@pytest.mark.parametrize("codec", ["aac", "libmp3lame", "flac", "pcm_s16le", "ac3"])
@pytest.mark.parametrize("start", [Fraction(1, 3), Fraction(11, 16)], ids=str)
def test_an_edit_list_is_kept_to_the_sample(tmp_path, codec, start):
    """A cut that begins amid a packet: what lies before it is decoded, and not heard."""
    suffix = ".mp4" if codec == "flac" else ".mov"
    whole = write_video(tmp_path / f"whole{suffix}", pictures(50, 32, 32), sound=codec)
    cut = tmp_path / f"cut{suffix}"
    reader = open_reader(whole)
    zero = Retime(start)
    writer = open_writer(cut, reader.info, Fraction(25), FAST, whole, span=(start, None), retime=zero)
    for frame in reader:
        if frame.pts >= start:
            writer.copy(frame, zero(frame.pts))
    writer.finish()
    began, samples, rate = hear(cut)
    again, copied, _ = hear(rewrite(cut, tmp_path / "out.mkv"))
    assert abs(again - began) <= Fraction(1, rate)
    np.testing.assert_array_equal(copied, samples)


@pytest.mark.parametrize("codec", ["aac", "libmp3lame", "ac3"])
@pytest.mark.parametrize("start", [Fraction(1, 3), Fraction(11, 16)], ids=str)
def test_the_sound_of_a_part_begins_to_the_sample(tmp_path, codec, start):
    whole = write_video(tmp_path / "whole.mov", pictures(50, 32, 32), sound=codec)
    heard = []
    for name in ("cut.mov", "cut.mkv"):
        reader = open_reader(whole)
        zero = Retime(start)
        span = {"span": (start, None), "retime": zero}
        writer = open_writer(tmp_path / name, reader.info, Fraction(25), FAST, whole, **span)
        for frame in reader:
            if frame.pts >= start:
                writer.copy(frame, zero(frame.pts))
        writer.finish()
        heard.append(hear(tmp_path / name))
    assert heard[0][0] == heard[1][0] == 0
    np.testing.assert_array_equal(heard[1][1], heard[0][1])


@pytest.mark.parametrize("seconds", [Fraction(1, 5), Fraction(4)], ids=str)
def test_sound_shorter_or_longer_than_the_picture(tmp_path, seconds):
    source = write_video(tmp_path / "in.mkv", pictures(30, 32, 32), sound="pcm_s16le", sound_seconds=seconds)
    rewrite(source, tmp_path / "out.mkv")
    assert hear(tmp_path / "out.mkv")[1].shape[1] == seconds * 48000
    assert len(list(open_reader(tmp_path / "out.mkv"))) == 60


def test_tracks_keep_their_names(tmp_path):
    source = write_video(tmp_path / "in.mkv", pictures(10, 32, 32), sound="aac", subtitles=True)
    rewrite(source, tmp_path / "out.mkv")
    assert read_subtitles(tmp_path / "out.mkv") == read_subtitles(source)
    assert read_subtitles(source)[1] == (Fraction(3, 10), SRT + b" 1")
    with av.open(str(tmp_path / "out.mkv")) as container:
        assert container.metadata["title"] == "a test"
        (sound,) = container.streams.audio
        assert (sound.metadata["language"], sound.metadata["title"]) == ("jpn", "voices")
        assert container.streams.subtitles[0].metadata["language"] == "eng"
        assert "DURATION" not in sound.metadata or sound.metadata["DURATION"].startswith("00:00:00.4")


def test_several_tracks_chapters_and_fonts(tmp_path):
    plain = write_video(tmp_path / "plain.mkv", pictures(10, 32, 32), sound="aac")
    source = tmp_path / "in.mkv"
    with av.open(str(plain)) as given, av.open(str(source), "w") as out:
        streams = [out.add_stream_from_template(given.streams[n], opaque=True) for n in (0, 1, 1)]
        streams[1].metadata["title"], streams[2].metadata["title"] = "voices", "comments"
        out.add_attachment("font.ttf", "font/ttf", b"not really a font")
        out.set_chapters(
            [{"id": 1, "start": 0, "end": 200, "time_base": Fraction(1, 1000), "metadata": {"title": "A"}}]
        )
        for packet in given.demux():
            if packet.size:
                for number in (0,) if packet.stream.type == "video" else (1, 2):
                    copy = av.Packet(bytes(packet))
                    copy.pts, copy.dts, copy.time_base = packet.pts, packet.dts, packet.time_base
                    copy.duration, copy.is_keyframe = packet.duration, packet.is_keyframe
                    copy.stream = streams[number]
                    out.mux(copy)
    rewrite(source, tmp_path / "out.mkv")
    with av.open(str(tmp_path / "out.mkv")) as container:
        assert [s.metadata.get("title") for s in container.streams.audio] == ["voices", "comments"]
        assert container.streams.attachments[0].name == "font.ttf"
        assert [c["metadata"]["title"] for c in container.chapters()] == ["A"]
    np.testing.assert_array_equal(hear(tmp_path / "out.mkv", 1)[1], hear(source, 1)[1])


def test_what_a_container_cannot_hold_is_refused_before_the_work(tmp_path):
    source = write_video(tmp_path / "in.mkv", pictures(3, 32, 32), sound="aac", subtitles=True)
    info = open_reader(source).info
    with pytest.raises(OutputError, match=r"webm cannot hold the subtitle.*srt.*-sn"):
        open_writer(tmp_path / "out.webm", info, Fraction(25), EncodeOptions(sound=False), source)
    with pytest.raises(OutputError, match=r"webm cannot hold the sound.*aac.*-an"):
        open_writer(tmp_path / "out.webm", info, Fraction(25), None, source)
    with pytest.raises(OutputError, match="webm cannot hold what libx264"):
        open_writer(tmp_path / "out.webm", info, Fraction(25), FAST)
    flac = write_video(tmp_path / "flac.mkv", pictures(3, 32, 32), sound="flac")
    with pytest.raises(OutputError, match=r"mov cannot hold.*flac"):
        open_writer(tmp_path / "out.mov", info, Fraction(25), FAST, flac)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["flac.mkv", "in.mkv"]


def test_sound_and_subtitles_can_be_left_out(tmp_path):
    source = write_video(tmp_path / "in.mkv", pictures(3, 32, 32), sound="aac", subtitles=True)
    quiet = EncodeOptions(preset="ultrafast", sound=False, subtitles=False)
    result = open_reader(rewrite(source, tmp_path / "out.mp4", quiet))
    assert (result.info.audio, result.info.subtitles) == (0, 0)
    assert open_reader(source).info.audio == 1
    assert open_reader(source).info.subtitles == 1


def test_only_the_sound_of_a_span_is_copied(tmp_path):
    source = write_video(tmp_path / "in.mkv", pictures(50, 32, 32), sound="pcm_s16le")
    span = (Fraction(1, 2), Fraction(3, 2))
    rewrite(source, tmp_path / "out.mkv", span=span)
    start, samples, rate = hear(tmp_path / "out.mkv")
    assert Fraction(1, 2) - Fraction(1, 20) < start <= Fraction(1, 2)
    assert 0 <= start + Fraction(samples.shape[1], rate) - Fraction(3, 2) < Fraction(1, 20)


@pytest.mark.parametrize("name", ["out.mp4", "out.mov"])
def test_text_becomes_that_of_mp4(tmp_path, name):
    source = write_video(tmp_path / "in.mkv", pictures(20, 32, 32), sound="aac", subtitles=True)
    rewrite(source, tmp_path / name)
    with av.open(str(tmp_path / name)) as container:
        stream = container.streams.subtitles[0]
        assert stream.codec_context.name == "mov_text"
        assert stream.metadata["language"] == "eng"
        shown = [
            (p.pts * Fraction(p.time_base), p.duration * Fraction(p.time_base), bytes(p)[2:])
            for p in container.demux(stream)
            if p.size > 2
        ]
    assert shown == [
        (Fraction(1, 10), Fraction(15, 100), SRT + b" 0"),
        (Fraction(3, 10), Fraction(15, 100), SRT + b" 1"),
    ]
    again = rewrite(tmp_path / name, tmp_path / f"again{tmp_path.joinpath(name).suffix}")
    with av.open(str(again)) as container:
        assert container.streams.subtitles[0].codec_context.name == "mov_text"


def test_sound_that_is_announced_and_never_comes(tmp_path):
    """Found by benchmarks/fuzz.py: such a track has no sample rate."""
    with av.open(str(tmp_path / "in.ts"), "w", format="mpegts") as out:
        stream = out.add_stream("mpeg2video", rate=25)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
        out.add_stream("libmp3lame", rate=48000, layout="mono")
        for number, picture in enumerate(pictures(6, 32, 32)):
            frame = av.VideoFrame.from_ndarray(picture, "rgb24").reformat(format="yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    info = open_reader(tmp_path / "in.ts").info
    assert info.audio == 1
    with pytest.raises(OutputError, match=r"stream 1, mp3\w*\) is broken: it has no sample rate.*-an"):
        open_writer(tmp_path / "out.mkv", info, Fraction(25), FAST, tmp_path / "in.ts")
    open_writer(
        tmp_path / "out.mkv", info, Fraction(25), EncodeOptions(sound=False), tmp_path / "in.ts"
    ).abort()


def test_styled_subtitles_of_matroska_become_text_in_mp4(tmp_path):
    """ASS, whose header and styles MP4 does not hold, must not end the work."""
    head = (b"[Script Info]\nScriptType: v4.00+\n\n[V4+ Styles]\nFormat: Name, Fontname, Fontsize, Bold\n"
            b"Style: Default,Arial,20,0\n\n[Events]\n"
            b"Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n")  # fmt: skip
    plain = write_video(tmp_path / "plain.mkv", pictures(30, 32, 32))
    with av.open(str(plain)) as given, av.open(str(tmp_path / "in.mkv"), "w") as out:
        picture = out.add_stream_from_template(given.streams.video[0], opaque=True)
        text = out.add_stream("ass")
        text.codec_context.subtitle_header = head
        text.codec_context.time_base = text.time_base = Fraction(1, 1000)
        text.codec_context.open()
        for packet in given.demux():
            if packet.size:
                packet.stream = picture
                out.mux(packet)
        line = av.Packet(rb"0,0,Default,,0,0,0,,{\b1}loud{\b0} and quiet")
        line.stream, line.time_base = text, Fraction(1, 1000)
        line.pts = line.dts = 200
        line.duration = 400
        out.mux(line)
    rewrite(tmp_path / "in.mkv", tmp_path / "out.mp4")
    with av.open(str(tmp_path / "out.mp4")) as container:
        shown = [bytes(p) for p in container.demux(container.streams.subtitles[0]) if p.size > 2]
    assert len(shown) == 1
    assert b"loud and quiet" in shown[0]
