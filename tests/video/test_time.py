"""Time that is uneven is kept to the tick; fields of two times in one frame are refused."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import av
import numpy as np
import pytest

from nakawari.errors import InputError, MediaError
from nakawari.video.open import open_reader
from nakawari.video.reader import VideoReader

from .media import pictures, write_video

UNEVEN_MS = (0, 41, 83, 125, 500, 517, 533, 1999, 2000, 2750)


@pytest.mark.parametrize("codec", ["libx264", "ffv1"])
@pytest.mark.parametrize("start", [0, 417], ids=str)
@pytest.mark.parametrize("name", ["in.mkv", "in.mp4"])
def test_uneven_times_are_exact(tmp_path, name, start, codec):
    times = [Fraction(start + n, 1000) for n in UNEVEN_MS]
    source = write_video(tmp_path / name, pictures(10, 32, 32), Fraction(1000), times=times, codec=codec)
    reader = open_reader(source)
    for _ in range(2):
        frames = list(reader)
        assert [frame.pts for frame in frames] == times
        gaps = [b - a for a, b in pairwise(times)]
        assert [frame.duration for frame in frames[:-1]] == gaps
        assert frames[-1].duration > 0


def test_a_rate_that_changes_midway(tmp_path):
    """Twelve drawings a second, then twenty-four: neither is snapped to the other's grid."""
    times = [Fraction(k, 12) for k in range(24)] + [2 + Fraction(k, 24) for k in range(48)]
    source = write_video(tmp_path / "in.mp4", pictures(72, 16, 16), Fraction(24), times=times)
    assert [frame.pts for frame in open_reader(source)] == times


def woven(path, options, flags=None):
    with av.open(str(path), "w") as out:
        stream = out.add_stream("mpeg2video" if path.suffix == ".mpg" else "libx264", rate=25)
        context = stream.codec_context
        context.width, context.height, context.pix_fmt = 64, 64, "yuv420p"
        context.options = options
        if flags:
            context.flags |= flags
        graph = av.filter.Graph()
        form = av.VideoFormat("yuv420p", 64, 64)
        source = graph.add_buffer(width=64, height=64, format=form, time_base=Fraction(1, 25))
        fields, sink = graph.add("setfield", "tff"), graph.add("buffersink")
        source.link_to(fields)
        fields.link_to(sink)
        graph.configure()
        for number, picture in enumerate(pictures(6, 64, 64)):
            native = av.VideoFrame.from_ndarray(picture, "rgb24").reformat(format="yuv420p")
            native.pts, native.time_base = number, Fraction(1, 25)
            graph.push(native)
            out.mux(stream.encode(graph.pull()))
        out.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("name", ["in.mkv", "in.mp4", "in.mpg"])
def test_interlaced_video_is_refused(tmp_path, name):
    from av.codec.context import Flags

    flags = Flags.interlaced_dct | Flags.interlaced_me
    path = woven(tmp_path / name, {"x264-params": "tff=1"} if name != "in.mpg" else {}, flags)
    with pytest.raises(MediaError, match=r"is interlaced \(frame 0\)") as caught:
        list(open_reader(path))
    assert "\n" not in str(caught.value)


def combed(pictures):
    """How much neighbouring rows differ, beyond rows that are two apart."""
    rows = np.stack(pictures).astype(int)
    return np.abs(rows[:, 1:-1] - rows[:, 2:]).mean() - np.abs(rows[:, :-2] - rows[:, 2:]).mean()


def test_interlaced_video_is_taken_apart_where_that_is_asked_for(tmp_path, monkeypatch):
    from av.codec.context import Flags

    ground = np.zeros((64, 128, 3), np.uint8)
    ground[:, ::8] = 255
    moments = [np.roll(ground, 3 * k, 1)[:, :64] for k in range(12)]
    fields = [np.where(np.arange(64)[:, None, None] % 2 == 0, a, b)
              for a, b in zip(moments[::2], moments[1::2], strict=True)]  # fmt: skip
    monkeypatch.setitem(globals(), "pictures", lambda *_: fields)
    flags = Flags.interlaced_dct | Flags.interlaced_me
    path = woven(tmp_path / "in.mkv", {"x264-params": "tff=1", "crf": "4"}, flags)
    frames = list(open_reader(path, deinterlace=True))
    assert [frame.pts for frame in frames] == [Fraction(k, 25) for k in range(6)]
    assert not any(frame.native.interlaced_frame for frame in frames)
    assert combed(fields) > 40
    assert combed([frame.rgb() for frame in frames[1:-1]]) < 10
    part = list(VideoReader(path, deinterlace=True).since(Fraction(2, 25)))
    assert part[-1].pts == frames[-1].pts


def test_deinterlacing_leaves_whole_frames_as_they_are(tmp_path):
    path = write_video(tmp_path / "in.mkv", pictures(6, 32, 32))
    before, after = list(open_reader(path)), list(open_reader(path, deinterlace=True))
    assert [frame.pts for frame in before] == [frame.pts for frame in after]
    assert all(np.array_equal(a.rgb(), b.rgb()) for a, b in zip(before, after, strict=True))


def test_only_video_files_are_deinterlaced(tmp_path):
    with pytest.raises(InputError, match=r"in\.gif cannot be deinterlaced here"):
        open_reader(tmp_path / "in.gif", deinterlace=True)


def test_progressive_video_is_not_taken_for_interlaced(tmp_path):
    frames = list(open_reader(write_video(tmp_path / "in.mkv", pictures(4, 32, 32))))
    assert len(frames) == 4
    assert np.all([not frame.native.interlaced_frame for frame in frames])
