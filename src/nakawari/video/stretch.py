"""Sound that lasts longer at its own pitch: decoded, stretched by ffmpeg's `atempo`, and encoded again."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from nakawari.errors import OutputError
from nakawari.video.frames import Array

if TYPE_CHECKING:
    from nakawari.video.encoders import Muxer
    from nakawari.video.frames import Retime

_ENCODERS = {"mp3": "libmp3lame", "opus": "libopus", "vorbis": "libvorbis"}
"""Encoders whose names are not those of what they make."""
_SLOWEST = Fraction(1, 2)
"""The least tempo that one `atempo` takes."""
_BIT_RATE = 192_000


class StretchedSound:
    """A track of an output, made from one of a source; in the source's codec where the container takes it.

    Args:
        output, muxer: where the track is added.
        stream: the track of the source.
        retime: how the source's clock becomes the output's.
        span: only what is heard between these times of the source is taken, to the sample.

    Raises:
        OutputError: the container holds no sound that can be encoded here.
    """

    def __init__(
        self,
        output: Any,
        muxer: Muxer,
        stream: Any,
        retime: Retime,
        span: tuple[Fraction | None, Fraction | None],
    ) -> None:
        self._source, self._retime, self._span = stream, retime, span
        self.target = self._add(output, muxer)
        self._graph: Any = None
        self._shown = 0
        """The sample, on the output's clock, that comes next."""
        self._end = Fraction(0)
        """The sample before which what was taken ends: `atempo` keeps its last window unless more follows."""
        self._last: Any = None

    def _add(self, output: Any, muxer: Muxer) -> Any:
        import av

        context = self._source.codec_context
        own = context.codec.canonical_name
        for name in (_ENCODERS.get(own, own), muxer.sound):
            rate = 48000 if name == "libopus" else context.sample_rate
            try:
                stream = output.add_stream(name, rate=rate, layout=context.layout.name)
            except (
                ValueError,
                av.FFmpegError,
            ):  # there is no such encoder, or the container holds none of it
                continue
            if not name.startswith(("pcm_", "flac", "alac")):
                stream.bit_rate = context.bit_rate or _BIT_RATE
            return stream
        raise OutputError(f"{muxer.name} holds no sound that can be stretched here. Leave it out (-an).")

    def feed(self, packet: Any) -> Iterator[Any]:
        """Packets of the output that come out for one of the source; None in: all that are left."""
        frames = self._source.codec_context.decode(packet)
        for frame in frames:
            part = self._part(frame)
            if part is not None:
                if self._graph is None:
                    self._begin(part)
                self._graph.push(part)
                self._end += part.samples * self._retime.slow
                self._last = part
                yield from self._ready()
        if packet is None:
            if self._graph is not None:
                self._graph.push(_silence(self._last))
                self._graph.push(None)
                yield from self._ready()
            yield from self._labelled(self.target.encode(None))

    def _part(self, frame: Any) -> Any | None:
        """What of a decoded frame lies within the span; None where nothing does."""
        begin, rate = Fraction(frame.pts) * Fraction(frame.time_base), frame.sample_rate
        start, end = self._span
        first = 0 if start is None else max(0, round((start - begin) * rate))
        last = frame.samples if end is None else min(frame.samples, round((end - begin) * rate))
        if first >= last:
            return None
        if self._graph is None:
            self._shown = round(self._retime(begin + Fraction(first, rate)) * rate)
            self._end = Fraction(self._shown)
        return _cut(frame, first, last)

    def _begin(self, frame: Any) -> None:
        import av

        graph = av.filter.Graph()
        node = graph.add_abuffer(
            sample_rate=frame.sample_rate,
            format=frame.format.name,
            layout=frame.layout.name,
            time_base=Fraction(frame.time_base),
        )
        left = 1 / self._retime.slow
        while left < 1:
            tempo = max(left, _SLOWEST)
            left /= tempo
            following = graph.add("atempo", f"{float(tempo):.9f}")
            node.link_to(following)
            node = following
        node.link_to(graph.add("abuffersink"))
        graph.configure()
        self._graph = graph

    def _ready(self) -> Iterator[Any]:
        import av

        while True:
            try:
                frame = self._graph.pull()
            except (av.BlockingIOError, av.EOFError):
                return
            kept = min(frame.samples, round(self._end) - self._shown)
            if kept > 0:
                part = _cut(frame, 0, kept)
                part.pts, part.time_base = self._shown, Fraction(1, part.sample_rate)
                self._shown += kept
                yield from self._labelled(self.target.encode(part))

    def _labelled(self, packets: list[Any]) -> Iterator[Any]:
        for packet in packets:
            packet.stream = self.target
            yield packet


def _cut(frame: Any, first: int, last: int) -> Any:
    """Samples `first` to `last` of a frame."""
    if (first, last) == (0, frame.samples):
        return frame
    step = 1 if frame.format.is_planar else len(frame.layout.channels)
    return _framed(frame.to_ndarray()[:, first * step : last * step].copy(), frame)


def _silence(like: Any) -> Any:
    """Half a second in which nothing is heard."""
    samples = like.to_ndarray()
    step = 1 if like.format.is_planar else len(like.layout.channels)
    level = 128 if samples.dtype == np.uint8 else 0
    return _framed(np.full((samples.shape[0], like.sample_rate // 2 * step), level, samples.dtype), like)


def _framed(samples: Array, like: Any) -> Any:
    import av

    made: Any = av.AudioFrame.from_ndarray(samples, format=like.format.name, layout=like.layout.name)
    made.sample_rate, made.time_base, made.pts = like.sample_rate, like.time_base, like.pts
    return made
