"""Media that the tests make for themselves, through PyAV and OpenCV."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np

SRT = b"nakawari"


def pictures(count: int, width: int, height: int, seed: int = 0) -> list[np.ndarray]:
    """Smooth random pictures with a square that moves: every one is different from the others."""
    rng = np.random.default_rng(seed)
    ground = cv2.resize(rng.integers(30, 220, (4, 5, 3)).astype(np.float32), (width, height))
    result = []
    for number in range(count):
        picture = ground.copy()
        left = (3 * number) % max(1, width - 6)
        picture[2:8, left : left + 6] = (40 * number % 256, 200, 60)
        result.append(np.clip(picture, 0, 255).astype(np.uint8))
    return result


def write_video(
    path: Path,
    frames: list[np.ndarray] | list[av.VideoFrame],
    rate: Fraction = Fraction(25),
    *,
    start: Fraction = Fraction(0),
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    tags: dict[str, int] | None = None,
    sound: str | None = None,
    subtitles: bool = False,
    sound_seconds: Fraction | None = None,
    matrix: list[int] | None = None,
    aspect: Fraction | None = None,
    times: list[Fraction] | None = None,
    options: dict[str, str] | None = None,
) -> Path:
    """Write frames with plain PyAV, not through the writer that is tested."""
    clock = int(np.lcm.reduce([rate.numerator, start.denominator, *(t.denominator for t in times or ())]))
    layout = {"avoid_negative_ts": "disabled"}
    if path.suffix in (".mp4", ".mov"):
        layout = {"video_track_timescale": str(clock), "movie_timescale": str(np.lcm(clock, 48000))}
    with av.open(str(path), "w", container_options=layout) as out:
        stream = out.add_stream(codec, rate=rate)
        natives = [_native(frame, pix_fmt) for frame in frames]
        context = stream.codec_context
        context.width, context.height, context.pix_fmt = natives[0].width, natives[0].height, pix_fmt
        context.time_base = Fraction(1, clock)
        if codec == "libx264":
            context.options = {"preset": "ultrafast", "bf": "2", "crf": "10", **(options or {})}
        for name, value in (tags or {}).items():
            setattr(context, name, value)
        if aspect is not None:
            context.sample_aspect_ratio = aspect
        if matrix is not None:
            stream.set_display_matrix(matrix)
        voice = _sound(out, sound) if sound else None
        out.metadata["title"] = "a test"
        if subtitles:
            _subtitles(out)
        times = times or [start + k / rate for k in range(len(natives))]
        for native, time in zip(natives, times, strict=True):
            native.pts = int(time * clock)
            native.time_base = Fraction(1, clock)
            out.mux(stream.encode(native))
        out.mux(stream.encode(None))
        if voice is not None:
            _tone(out, voice, sound_seconds or len(natives) / rate, start)
    return path


def _native(frame: Any, pix_fmt: str) -> av.VideoFrame:
    if isinstance(frame, av.VideoFrame):
        return frame
    return av.VideoFrame.from_ndarray(frame, "rgb24").reformat(format=pix_fmt)


def _sound(out: Any, codec: str) -> Any:
    stream = out.add_stream(codec, rate=48000, layout="mono")
    stream.metadata["language"] = "jpn"
    stream.metadata["title"] = "voices"
    return stream


def _tone(out: Any, stream: Any, seconds: Fraction, start: Fraction) -> None:
    count = int(seconds * 48000)
    wave = (np.sin(np.arange(count) * 2 * np.pi * 440 / 48000) * 0.4).astype(np.float32)
    kind = stream.codec_context.format.name
    for at in range(0, count, 1024):
        part = wave[at : at + 1024][None]
        if kind in ("s16", "s16p"):
            part = (part * 32767).astype(np.int16)
        elif kind in ("s32", "s32p"):
            part = (part.astype(np.float64) * 2**30).astype(np.int32)
        frame = av.AudioFrame.from_ndarray(part, format=kind, layout="mono")
        frame.sample_rate = 48000
        frame.pts = int(start * 48000) + at
        frame.time_base = Fraction(1, 48000)
        out.mux(stream.encode(frame))
    out.mux(stream.encode(None))


def _subtitles(out: Any) -> None:
    stream = out.add_mux_stream("subrip")
    stream.time_base = Fraction(1, 1000)
    stream.metadata["language"] = "eng"
    for number in range(2):
        packet = av.Packet(SRT + b" %d" % number)
        packet.stream = stream
        packet.time_base = Fraction(1, 1000)
        packet.pts = packet.dts = 100 + 200 * number
        packet.duration = 150
        out.mux(packet)


def hear(path: Path, track: int = 0) -> tuple[Fraction, np.ndarray, int]:
    """Decode a sound track: time of its first sample, samples [channels, n], samples a second."""
    with av.open(str(path)) as container:
        stream = container.streams.audio[track]
        start, parts = None, []
        for frame in container.decode(stream):
            if start is None:
                start = Fraction(frame.pts) * Fraction(frame.time_base)
            samples = frame.to_ndarray()
            channels = len(frame.layout.channels)
            parts.append(samples if frame.format.is_planar else samples.reshape(-1, channels).T)
        assert start is not None
        return start, np.concatenate(parts, 1), stream.codec_context.sample_rate


def read_subtitles(path: Path) -> list[tuple[Fraction, bytes]]:
    """Times and texts of the first subtitle track."""
    with av.open(str(path)) as container:
        stream = container.streams.subtitles[0]
        return [(p.pts * Fraction(p.time_base), bytes(p)) for p in container.demux(stream) if p.size]


def planes(native: av.VideoFrame) -> list[np.ndarray]:
    """The native samples, without padding."""
    deep = max(part.bits for part in native.format.components) > 8
    result = []
    for number, plane in enumerate(native.planes):
        flat = np.frombuffer(plane, np.uint16 if deep else np.uint8).reshape(plane.height, -1)
        parts = [c for c in native.format.components if c.plane == number]
        step = 4 if native.format.name in ("bgr0", "bgra", "rgba") else len(parts)
        result.append(flat[:, : parts[0].width * step].copy())
    return result
