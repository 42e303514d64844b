"""Time that is uneven is kept to the tick; fields of two times in one frame are refused."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import av
import numpy as np
import pytest

from nakawari.errors import MediaError
from nakawari.video.open import open_reader

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


def test_progressive_video_is_not_taken_for_interlaced(tmp_path):
    frames = list(open_reader(write_video(tmp_path / "in.mkv", pictures(4, 32, 32))))
    assert len(frames) == 4
    assert np.all([not frame.native.interlaced_frame for frame in frames])
