"""Sound that decodes a little before it is to be heard, in Matroska.

MP4 trims what an encoder or a cut puts before the start by an edit list. Matroska has `CodecDelay`, which
the muxer takes from a stream's parameters, and PyAV sets no such parameter; but a stream that is copied
brings it along. So the header of a file that holds nothing but the track is written in memory, gets the
element, and is read again: its stream is the template.
"""

from __future__ import annotations

import io
from fractions import Fraction
from typing import Any

_TRACKS, _ENTRY, _DELAY = b"\x16\x54\xae\x6b", b"\xae", b"\x56\xaa"
_EMPTY_CLUSTER = b"\x1f\x43\xb6\x75\x83\xe7\x81\x00"


def delayed_template(stream: Any, delay: Fraction) -> Any:
    """The container of a stream like `stream` that decodes `delay` seconds before it is heard.

    It has to be closed after the stream has been used as a template.
    """
    import av

    buffer = io.BytesIO()
    with av.open(buffer, "w", format="matroska", container_options={"fflags": "+bitexact"}) as output:
        output.add_stream_from_template(stream, opaque=True)
        output.start_encoding()
        header = buffer.getvalue()  # before it is closed, without sizes and checksums of the whole
    begin = header.index(_TRACKS)
    entry = _element(_element(header[begin:], _TRACKS), _ENTRY)
    entry += _DELAY + _sized(round(delay * 10**9).to_bytes(8, "big"))  # the last one counts
    tracks = _TRACKS + _sized(_ENTRY + _sized(entry))
    return av.open(io.BytesIO(header[:begin] + tracks + _EMPTY_CLUSTER))


def _element(data: bytes, name: bytes) -> bytes:
    """The content of the first element called `name` (EBML: name, length of the size, size, content)."""
    at = data.index(name) + len(name)
    length = 9 - data[at].bit_length()
    size = int.from_bytes(data[at : at + length], "big") & ((1 << 7 * length) - 1)
    return data[at + length : at + length + size]


def _sized(content: bytes) -> bytes:
    """The size of `content` in eight bytes, and it."""
    return (len(content) | 1 << 56).to_bytes(8, "big") + content
