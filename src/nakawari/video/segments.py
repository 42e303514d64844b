"""Video written in pieces of `LENGTH` pictures, so that a render that was cut off can go on.

Each piece comes from an encoder of its own and is kept as the packets that it gave; in the end all packets go
into the container, beside the sound, as they would have come from one encoder. So the file depends on the
pictures alone, and not on when a run was cut off; where every picture is coded by itself (ffv1 as we set it),
it is the very file that is written in one go. Other codecs spend a keyframe on each piece.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from nakawari.errors import OutputError
from nakawari.video.journal import Journal, Piece
from nakawari.video.writer import VideoWriter

LENGTH = 120
"""Pictures of a piece: two seconds at 60 a second."""

_RECORD = struct.Struct("<qqqBI")
"""pts, dts and duration in ticks, 1 for a keyframe, bytes that follow."""
_END = struct.Struct("<4sII")
_MARK = b"end\n"


class SegmentWriter(VideoWriter):
    """A video file that is written in pieces; a `Writer`.

    Args:
        journal: where finished pieces are kept; removed when the file is whole.

    Attributes:
        done: number of pictures that stand already; the first one that is written is the next one.
        pieces: number of pieces that are finished.

    Raises:
        InputError, OutputError: as for `VideoWriter`, or a piece is broken.
    """

    def __init__(self, *arguments: Any, journal: Journal, **keywords: Any) -> None:
        self._journal = journal
        self._tape: _Tape | None = None
        self._shell: Any = None
        self._encoder: Any = None
        self.pieces = self.done = 0
        self.count()  # before anything is opened: a broken piece is an error
        super().__init__(*arguments, **keywords)
        self._last = self.done - 1

    def count(self) -> None:
        """Look for the pieces that stand, also those that another program has laid there."""
        self.pieces = self.done = 0
        while (data := self._journal.read(piece_name(self.pieces))) is not None:
            self.done += self._checked(data, self.pieces)
            self.pieces += 1
        self._last = self.done - 1

    def begin(self, first: Fraction) -> None:
        """Say when the first picture of all is shown, before any is written."""
        self._first = first

    def _encode(self, native: Any, pts: Fraction) -> None:
        with self._errors():
            native = self._place(native, pts)
            if self._tape is None:
                self._tape = _Tape(Piece(self._journal.folder, piece_name(self.pieces)))
                self._open_encoder()
            self._tape.add(self._encoder.encode(native))
            self._tape.pictures += 1
            if self._tape.pictures == LENGTH:
                self._finish_piece()

    def _open_encoder(self) -> None:
        """An encoder like that of the file, in a container that nobody reads."""
        import av

        self._shell = av.open(io.BytesIO(), "w", format=self.muxer.name)
        self._encoder = self._add_stream(self._shell, self.tick)

    def _finish_piece(self) -> None:
        assert self._tape is not None
        self._tape.add(self._encoder.encode(None))
        self._tape.commit()
        self._shell.close()
        self._tape = self._shell = self._encoder = None
        self.pieces += 1

    def seal(self) -> None:
        """Finish the piece that is under way, and write no more.

        Raises:
            OutputError: it cannot be written.
        """
        with self._errors():
            if self._tape is not None:
                self._finish_piece()

    def finish(self) -> None:
        """Join the pieces, pass sound through, and give the file its name.

        Raises:
            OutputError: there was no picture, a piece is broken, or the file cannot be written.
        """
        if self._first is None or self._last < 0:
            raise OutputError(f"{self.path}: there was no frame to write.")
        self.seal()
        with self._errors():
            self._start(self._first)
            last = None
            for number in range(self.pieces):
                for packet in self._packets(number):
                    if last is not None and packet.dts <= last:  # a short piece is not reordered as much
                        packet.dts = min(last + 1, packet.pts)
                    last = packet.dts
                    self._mux([packet])
            self._end()
        self._journal.remove()

    def abort(self) -> None:
        """Drop the piece that is not finished; those that are stay, and the next run goes on from them."""
        tape, shell = self._tape, self._shell
        self._tape = self._shell = self._encoder = None
        if tape is not None:
            tape.discard()
        if shell is not None:
            shell.close()
        super().abort()
        self._journal.release()

    def _checked(self, data: bytes, number: int) -> int:
        """The number of pictures of a piece.

        Raises:
            OutputError: it is broken.
        """
        if len(data) >= _END.size:
            mark, pictures, checksum = _END.unpack(data[-_END.size :])
            if mark == _MARK and checksum == zlib.crc32(memoryview(data)[: -_END.size]):
                return int(pictures)
        raise OutputError(
            f"{self._journal.folder / piece_name(number)} is broken. Remove it and those after it, and go on."
        )

    def _packets(self, number: int) -> Iterator[Any]:
        import av

        data = self._journal.read(piece_name(number)) or b""
        self._checked(data, number)
        at, end = 0, len(data) - _END.size
        while at < end:
            pts, dts, duration, key, size = _RECORD.unpack_from(data, at)
            at += _RECORD.size
            packet = av.Packet(data[at : at + size])
            packet.pts, packet.dts, packet.duration = pts, dts, duration
            packet.time_base, packet.is_keyframe = self.tick, bool(key)
            at += size
            yield packet


class _Tape:
    """Packets on their way into a file."""

    def __init__(self, piece: Piece) -> None:
        self._piece = piece
        self._sum = 0
        self.pictures = 0

    def add(self, packets: list[Any]) -> None:
        """Keep what an encoder gave."""
        for packet in packets:
            data = bytes(packet)
            self._write(
                _RECORD.pack(packet.pts, packet.dts, packet.duration or 0, packet.is_keyframe, len(data))
            )
            self._write(data)

    def commit(self) -> None:
        """Give the file its name."""
        self._piece.file.write(_END.pack(_MARK, self.pictures, self._sum))
        self._piece.commit()

    def discard(self) -> None:
        """Drop the file."""
        self._piece.discard()

    def _write(self, data: bytes) -> None:
        self._piece.file.write(data)
        self._sum = zlib.crc32(data, self._sum)


def piece_name(number: int) -> str:
    """The name of a piece in the journal."""
    return f"{number:06d}.packets"
