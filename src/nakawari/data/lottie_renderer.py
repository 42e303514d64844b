"""rlottie in a process of its own, so that a file that crashes it costs that file alone.

`python -m nakawari.data.lottie_renderer ARCHIVE` answers lines of JSON, [file, [frame, ...], side], on its
input with the raw bytes of [n, side, side, 4] premultiplied RGBA on its output. It imports no torch, and
starts fast.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path
from threading import Timer

import numpy as np
import numpy.typing as npt

from nakawari.errors import BackendError
from nakawari.optional import need

_PATIENCE_S = 20.0
_FAILURES = 5
"""So many files in a row are not the files' fault."""
_log = logging.getLogger(__name__)


class Renderer:
    """Draws frames of animations in another process, which is started again when a file kills it.

    Args:
        archive: the zip archive of animations.

    Raises:
        MissingExtraError: rlottie is not installed.
    """

    def __init__(self, archive: str | Path) -> None:
        need("rlottie_python", "lottie")
        self.archive = str(archive)
        self.process: subprocess.Popen[bytes] | None = None
        self._failures = 0

    def frames(self, name: str, numbers: Sequence[int], side: int) -> npt.NDArray[np.uint8] | None:
        """[n, side, side, 4] premultiplied RGBA; None: the file cannot be drawn.

        Raises:
            BackendError: nothing can be drawn at all.
        """
        raw = self._ask(json.dumps([name, list(numbers), side]), len(numbers) * side * side * 4)
        if raw is not None:
            self._failures = 0
            return np.frombuffer(raw, np.uint8).reshape(len(numbers), side, side, 4)
        self.close()
        self._failures += 1
        if self._failures >= _FAILURES:
            raise BackendError(f"rlottie failed on {_FAILURES} animations in a row; is {self.archive} whole?")
        _log.warning("%s cannot be drawn and is left out", name)
        return None

    def _ask(self, question: str, size: int) -> bytes | None:
        if self.process is None:
            command = [sys.executable, "-m", __spec__.name, self.archive]
            pipe, null = subprocess.PIPE, subprocess.DEVNULL
            self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=null)  # noqa: S603 - ours
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        timer = Timer(_PATIENCE_S, self.process.kill)
        timer.start()
        try:
            self.process.stdin.write(question.encode() + b"\n")
            self.process.stdin.flush()
            raw = self.process.stdout.read(size)
        except OSError:
            return None
        finally:
            timer.cancel()
        return raw if len(raw) == size else None

    def close(self) -> None:
        """End the process."""
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.process = None

    def __del__(self) -> None:
        self.close()


def serve(archive: str) -> None:
    """Answer questions until there are no more."""
    lottie = need("rlottie_python", "lottie")
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what the renderer prints is no answer
    with zipfile.ZipFile(archive) as files:
        for line in sys.stdin:
            name, numbers, side = json.loads(line)
            animation = lottie.LottieAnimation.from_data(data=files.read(name).decode())
            for number in numbers:
                raw = animation.lottie_animation_render(number, width=side, height=side)
                frame = np.frombuffer(raw, np.uint8).reshape(side, side, 4)
                answers.write(frame[..., (2, 1, 0, 3)].tobytes())
            answers.flush()


if __name__ == "__main__":
    serve(sys.argv[1])
