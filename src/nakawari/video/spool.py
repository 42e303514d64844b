"""Reading twice what can be read only once: frames are kept on disk as they come, and replayed from there.

The file has no name, so nothing is left over however the process ends. It lies where Python puts temporary
files (`TMPDIR` chooses) and takes what the raw samples take: 3 MB a frame, 4.5 GB a minute, for 1920x1080 in
8-bit 4:2:0 at 24 frames a second, twice that for 10 bits. Memory does not grow with the length.
"""

from __future__ import annotations

import os
import tempfile
import weakref
from collections.abc import Iterator
from fractions import Fraction
from threading import Lock

from nakawari.errors import OutputError
from nakawari.video.frames import Frame, Reader
from nakawari.video.y4m import blank, views


class Spool:
    """A replayable `Reader` over one that is not.

    Iterators share one file: each replays what any of them has drawn from the source, and draws on.

    Args:
        source: its frames are planar `av.VideoFrame`s, all of the size and pixel format of its `info`.
    """

    replayable = True

    def __init__(self, source: Reader) -> None:
        self.info = source.info
        self._source = iter(source)
        self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - lives as long as the reader
        weakref.finalize(self, self._file.close)
        self._times: list[tuple[Fraction, Fraction]] = []
        self._size = sum(view.nbytes for view in views(blank(self.info)))
        self._lock = Lock()

    def __iter__(self) -> Iterator[Frame]:
        """Every frame in order, each time from the first.

        Raises:
            MediaError: the source is broken.
            OutputError: the frames cannot be kept, such as on a full disk.
        """
        index = 0
        while True:
            with self._lock:
                frame = self._kept(index) if index < len(self._times) else self._drawn()
            if frame is None:
                return
            yield frame
            index += 1

    def _drawn(self) -> Frame | None:
        frame = next(self._source, None)
        if frame is None:
            return None
        at = len(self._times) * self._size
        try:
            for view in views(frame.native):
                data = view.tobytes()
                while data:  # a nearly full disk takes a part, and refuses only the rest
                    done = os.pwrite(self._file.fileno(), data, at)
                    data, at = data[done:], at + done
        except OSError as error:
            raise OutputError(
                f"the frames of {self.info.path} cannot be kept in {tempfile.gettempdir()} after "
                f"{at / 1e9:.1f} GB ({error.strerror}). Set TMPDIR to a folder with more room."
            ) from error
        self._times.append((frame.pts, frame.duration))
        return frame

    def _kept(self, index: int) -> Frame:
        native, at = blank(self.info), index * self._size
        for view in views(native):
            for row in view:
                os.preadv(self._file.fileno(), [row.data.cast("B")], at)
                at += row.nbytes
        pts, duration = self._times[index]
        return Frame(index, pts, duration, native, self.info.colour)
