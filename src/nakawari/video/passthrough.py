"""Sound, subtitles, fonts and chapters: copied packet by packet from the source, in step with the picture.

The source is read a second time, only as far as the picture has been written, so nothing piles up.
Packets keep their times and side data (encoder delay among it), so that sound decodes to the same samples.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from nakawari.errors import MediaError, OutputError
from nakawari.video.codec_delay import delayed_template
from nakawari.video.encoders import EncodeOptions, Muxer
from nakawari.video.frames import SAME_TIME, Retime
from nakawari.video.reader import open_container, reason
from nakawari.video.stretch import StretchedSound

log = logging.getLogger(__name__)

_OF_THE_FILE = ("duration", "encoder", "bps", "number_of_", "_statistics_", "major_brand", "minor_version",
                "compatible_brands", "vendor_id")  # fmt: skip
"""Metadata (by how it starts) that describes the old file and would lie about the new one."""


_TEXTS = ("subrip", "srt", "text", "ass", "ssa", "webvtt")
"""Subtitles that MP4 and MOV get as `mov_text`; of ASS, what is more than bold, italic and such is lost."""


SHORT_S = Fraction(1, 20)
"""Packets of sound that are not longer are decoded from before the start of a part, and not heard there; with
longer ones, a player that knows no such delay would show the picture noticeably early."""


class _SampleClock:
    """Times in whole samples for sound whose source counts in coarser ticks (Matroska: milliseconds)."""

    def __init__(self, stream: Any) -> None:
        self.rate = stream.codec_context.sample_rate
        self.frame = stream.codec_context.frame_size or 0
        self.tick = Fraction(stream.time_base)
        self.next: int | None = None

    def set(self, packet: Any) -> None:
        """Put a packet right after the one before it, if its own time says so but for rounding."""
        said = packet.pts * self.tick
        time = round(said * self.rate)
        skipped, _ = _unheard(packet)
        if self.next is None:
            if skipped and abs(said + Fraction(skipped, self.rate)) < self.tick:
                time = -skipped  # what is heard starts at zero
        elif abs(Fraction(self.next, self.rate) - said) <= self.tick:
            time = self.next
        samples = self.frame or round((packet.duration or 0) * self.tick * self.rate)
        packet.pts = packet.dts = time
        packet.duration = samples
        packet.time_base = Fraction(1, self.rate)
        self.next = time + samples


def _unheard(packet: Any) -> tuple[int, int]:
    """Samples at the start and at the end of a packet that are decoded but not heard."""
    if not packet.has_sidedata("skip_samples"):
        return 0, 0
    data = bytes(packet.get_sidedata("skip_samples"))
    return int.from_bytes(data[:4], "little"), int.from_bytes(data[4:8], "little")


class Passthrough:
    """The other streams of a source on their way into an output.

    Args:
        source: the file to copy from.
        options: whether sound and subtitles are wanted.
        start, end: only what is heard within these times is copied, on the source's clock; None: all.
        retime: how the source's clock becomes the output's; sound is left out where that is slowed down.
    """

    def __init__(
        self,
        source: str | Path,
        options: EncodeOptions,
        start: Fraction | None = None,
        end: Fraction | None = None,
        retime: Retime = SAME_TIME,
    ) -> None:
        self.path = Path(source)
        drops = retime.slow != 1 and not options.stretch
        self.options = replace(options, sound=False) if drops else options
        self.retime = retime
        self.start, self.end = start, end
        self._source = open_container(self.path)
        self._targets: dict[int, Any] = {}
        self._clocks: dict[int, _SampleClock] = {}
        self._texts: set[int] = set()
        """Tracks of text that are converted to MP4's own form."""
        self._packets: Iterator[Any] = iter(())
        self._waiting: Any = None
        self._stretched: dict[int, StretchedSound] = {}
        self._early: set[int] = set()
        """Tracks of Matroska that say so."""
        self._before_zero = False
        """Whether the output says how much of its sound comes before zero."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def add_to(self, output: Any, muxer: Muxer) -> None:
        """Add a stream for each that is copied, with its language, title and disposition.

        Raises:
            OutputError: the container cannot hold one of them.
        """
        streams = self._source.streams
        self._before_zero = muxer.exact_time
        wanted: list[Any] = []
        if self.options.sound:
            wanted += streams.audio
        if self.options.subtitles:
            wanted += streams.subtitles
            if muxer.attachments:
                wanted += streams.attachments
        for stream in wanted:
            target = self._add(output, stream, muxer)
            target.metadata.update(_kept(stream.metadata))
            target.disposition = stream.disposition
            if stream.type != "attachment":
                self._targets[stream.index] = target
            if stream.index in self._stretched:
                continue
            if stream.type == "audio" and muxer.exact_time:
                rate = stream.codec_context.sample_rate
                if Fraction(stream.time_base) > Fraction(1, rate):
                    self._clocks[stream.index] = _SampleClock(stream)
        output.metadata.update(_kept(self._source.metadata))
        chapters = [shown for chapter in self._source.chapters() if (shown := self._chapter(chapter))]
        if chapters:
            output.set_chapters(chapters)
        self._say_what_is_left(muxer)
        copied = [stream for stream in wanted if stream.type != "attachment"]
        self._packets = self._source.demux(*copied) if copied else iter(())

    def _say_what_is_left(self, muxer: Muxer) -> None:
        from av.stream import Disposition

        streams = self._source.streams
        covers = [s for s in streams.video if s.disposition & Disposition.attached_pic]
        fonts = [] if muxer.attachments or not self.options.subtitles else list(streams.attachments)
        for what, found in (("fonts and other attachments", fonts), ("cover pictures", covers)):
            if found:
                log.warning("%s: %s are left out (%d).", self.path, what, len(found))
        for stream in streams.data:
            log.info("%s: data stream %d is not copied.", self.path, stream.index)

    def codecs(self) -> str:
        """The codecs of what is copied, to be named in an error."""
        streams = self._source.streams
        chosen = [*(streams.audio if self.options.sound else ()),
                  *(streams.subtitles if self.options.subtitles else ())]  # fmt: skip
        return ", ".join(s.codec_context.name if s.codec_context else "unknown" for s in chosen)

    def all_rates(self) -> list[int]:
        """Samples a second of each track of sound."""
        if not self.options.sound:
            return []
        return [
            s.codec_context.sample_rate for s in self._source.streams.audio if s.codec_context is not None
        ]

    def _add(self, output: Any, stream: Any, muxer: Muxer) -> Any:
        if (
            stream.type == "audio"
            and stream.codec_context is not None
            and not stream.codec_context.sample_rate
        ):
            raise OutputError(
                f"the sound of {self.path} (stream {stream.index}, {stream.codec_context.name}) is broken: "
                "it has no sample rate. Leave it out (-an)."
            )
        if stream.type == "audio" and self.retime.slow != 1 and stream.codec_context is not None:
            sound = StretchedSound(output, muxer, stream, self.retime, (self.start, self.end))
            self._stretched[stream.index] = sound
            return sound.target
        if stream.type == "audio" and muxer.name == "matroska" and stream.codec_context is not None:
            delayed = self._add_delayed(output, stream)
            if delayed is not None:
                return delayed
        if _is_text(stream) and muxer.exact_time and stream.codec_context.name != "mov_text":
            self._texts.add(stream.index)
            return _add_text(output, stream)
        try:
            if stream.codec_context is None:
                return output.add_stream_from_template(stream)
            return output.add_stream_from_template(stream, opaque=True)
        except ValueError as error:
            codec = stream.codec_context.name if stream.codec_context else "unknown"
            kind, flag = {"audio": ("sound", "-an")}.get(stream.type, (stream.type, "-sn"))
            raise OutputError(
                f"{muxer.name} cannot hold the {kind} of {self.path} (stream {stream.index}, {codec}). "
                f"Write .mkv, or leave it out ({flag})."
            ) from error

    def _add_delayed(self, output: Any, stream: Any) -> Any | None:
        """A Matroska track that says by how much its decoder starts early; None where that need not be said.

        Opus says its delay in its own header.
        """
        if stream.codec_context.codec.canonical_name == "opus":
            return None
        if self.start is None:
            delay = Fraction(self._skipped(stream.index), stream.codec_context.sample_rate)
        else:
            delay = self._begun(stream.index, self.start)
            self._early |= {stream.index} if delay else set()
        if delay == 0:
            return None
        with delayed_template(stream, delay) as template:
            return output.add_stream_from_template(template.streams[0], opaque=True)

    def _skipped(self, index: int) -> int:
        """Samples that a track decodes before any is heard."""
        with open_container(self.path) as container:
            for packet in container.demux(container.streams[index]):
                if packet.size and packet.pts is not None:
                    return _unheard(packet)[0]
        return 0

    def _begun(self, index: int, start: Fraction) -> Fraction:
        """Seconds before `start` at which the packet begins that is heard there; 0 for long packets."""
        import av

        with open_container(self.path) as container:
            stream = container.streams[index]
            with contextlib.suppress(av.FFmpegError):  # what cannot be sought is read from its begin
                container.seek(max(0, int((start - 1) / Fraction(stream.time_base))), stream=stream)
            for packet in container.demux(stream):
                if packet.size == 0 or packet.pts is None:
                    continue
                begin, length = (Fraction(packet.time_base) * n for n in (packet.pts, packet.duration or 0))
                if begin + length > start:
                    return max(Fraction(0), start - begin) if length <= SHORT_S else Fraction(0)
        return Fraction(0)

    def pump(self, output: Any, until: Fraction | None) -> None:
        """Copy what comes before `until` seconds; all that is left where None.

        Raises:
            MediaError: the source is broken.
        """
        while self._waiting is not None or self._read():
            packet = self._waiting
            if packet.pts is None:
                packet.pts = packet.dts
            if packet.size == 0 or packet.pts is None:
                self._waiting = None
                continue
            base = Fraction(packet.time_base)
            time = self.retime(base * (packet.pts if packet.dts is None else packet.dts))
            if until is not None and time > until:
                return
            self._waiting = None
            if self._heard(packet, base):
                self._pass(output, packet, base)
        for sound in self._stretched.values():
            self._mux_all(output, sound.feed(None))
        self._stretched.clear()

    def _read(self) -> bool:
        """Wait for the next packet; False where there is none."""
        import av

        try:
            self._waiting = next(self._packets, None)
        except (av.FFmpegError, IndexError) as error:
            raise MediaError(f"{self.path} is broken ({reason(error)}).") from error
        return self._waiting is not None

    def _pass(self, output: Any, packet: Any, base: Fraction) -> None:
        if packet.stream_index in self._stretched:
            self._mux_all(output, self._stretched[packet.stream_index].feed(packet))
        elif self._moved(packet, base):
            clock = self._clocks.get(packet.stream_index)
            if clock is not None:
                clock.set(packet)
            target = self._targets[packet.stream_index]
            packet = self._converted(packet, target)
            packet.stream = target
            output.mux(packet)

    def _mux_all(self, output: Any, packets: Iterator[Any]) -> None:
        import av

        try:
            for packet in packets:
                output.mux(packet)
        except (av.InvalidDataError, IndexError) as error:
            raise MediaError(f"{self.path} is broken ({reason(error)}).") from error

    def _converted(self, packet: Any, target: Any) -> Any:
        """The packet as its target holds it: MP4 has its own form of text, of which times are kept."""
        if packet.stream_index not in self._texts:
            return packet
        decoder = self._source.streams[packet.stream_index].codec_context
        text = decoder.decode2(packet)
        if text is None:
            raise MediaError(f"{self.path} is broken (a subtitle does not decode).")
        made = target.codec_context.encode_subtitle(text)
        made.pts = made.dts = packet.pts
        made.duration, made.time_base = packet.duration, packet.time_base
        return made

    def _heard(self, packet: Any, base: Fraction) -> bool:
        if self.end is not None and packet.pts * base >= self.end:
            return False
        end = (packet.pts + (packet.duration or 0)) * base
        return self.start is None or end > self.start

    def _moved(self, packet: Any, base: Fraction) -> bool:
        """Put a packet on the output's clock; False where all or part of it would come before its zero.

        Of what began earlier, text is still shown for the rest of its time; MP4 and, of short packets,
        Matroska say by how much sound starts before the picture; others do not hold such sound.
        """
        if self.retime == SAME_TIME:
            return True
        stream = self._source.streams[packet.stream_index]
        begin, end = (self.retime(time * base) for time in (packet.pts, packet.pts + (packet.duration or 0)))
        if begin < 0 and stream.type == "audio":
            if not self._before_zero and stream.index not in self._early:
                return False
        else:
            begin = max(begin, Fraction(0))
        if packet.duration:
            packet.duration = round((end - begin) / base)
        packet.pts = packet.dts = round(begin / base)
        return True

    def _chapter(self, chapter: Any) -> Any | None:
        """A chapter on the output's clock, as far as it lies within the part that is taken."""
        if self.retime == SAME_TIME:
            return chapter
        base = Fraction(chapter["time_base"])
        first, last = chapter["start"] * base, chapter["end"] * base
        if self.end is not None:
            last = min(last, self.end)
        begin, end = max(self.retime(first), Fraction(0)), self.retime(last)
        if end <= begin:
            return None
        return {**chapter, "start": round(begin / base), "end": round(end / base)}

    def close(self) -> None:
        """Close the source."""
        self._packets = iter(())
        self._waiting = None
        self._source.close()


def _is_text(stream: Any) -> bool:
    return stream.codec_context is not None and stream.codec_context.name in _TEXTS


def _add_text(output: Any, stream: Any) -> Any:
    """A track in MP4's own form of text, in the styles of `stream`."""
    target = output.add_stream("mov_text")
    source, context = stream.codec_context, target.codec_context
    source.open(strict=False)
    context.subtitle_header = source.subtitle_header
    context.time_base = stream.time_base
    context.open()
    target.time_base = stream.time_base
    return target


def _kept(metadata: dict[str, str]) -> dict[str, str]:
    return {key: value for key, value in metadata.items() if not key.lower().startswith(_OF_THE_FILE)}
