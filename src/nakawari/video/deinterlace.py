"""Woven frames taken apart: each becomes one whole picture, of its first moment."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nakawari.errors import MediaError

FILTER, HOW = "bwdif", "mode=send_frame:deint=interlaced"
"""ffmpeg's filter; frames that are not woven pass through it as they are."""


def deinterlaced(frames: Iterator[Any]) -> Iterator[Any]:
    """Decoded frames, those that say that they are interlaced as whole pictures; times stay.

    Raises:
        MediaError: this ffmpeg has no such filter, or it cannot take these frames.
    """
    import av

    graph: Any = None
    try:
        for frame in frames:
            if graph is None:
                graph = _graph(frame)
            graph.push(frame)
            yield from _ready(graph)
        if graph is not None:
            graph.push(None)
            yield from _ready(graph)
    except av.FFmpegError as error:
        raise MediaError(f"the frames cannot be deinterlaced ({error.strerror}).") from error
    finally:
        close = getattr(frames, "close", None)
        if close is not None:
            close()


def _graph(first: Any) -> Any:
    import av

    if FILTER not in av.filter.filters_available:
        raise MediaError(f"PyAV's ffmpeg was built without {FILTER}; deinterlace the file first.")
    graph = av.filter.Graph()
    source = graph.add_buffer(
        width=first.width, height=first.height, format=first.format, time_base=first.time_base
    )
    middle, sink = graph.add(FILTER, HOW), graph.add("buffersink")
    source.link_to(middle)
    middle.link_to(sink)
    graph.configure()
    return graph


def _ready(graph: Any) -> Iterator[Any]:
    """What the filter has finished."""
    import av

    while True:
        try:
            yield graph.pull()
        except (av.BlockingIOError, av.EOFError):
            return
