"""What a worker process does: look at a clip, decode frames, draw between them, render.

One process does one thing at a time. What it makes are files; what it says are small messages:
    ("progress", stage, done, total)   ("made", name)   ("done", result)   ("failed", words)   ("cancelled",)
"""

from __future__ import annotations

import json
import logging
import shutil
import signal
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nakawari.errors import InputError, NakawariError
from nakawari.studio.clip import Clip, save, small
from nakawari.studio.guides import FOLDER
from nakawari.studio.hints import told
from nakawari.studio.project import Project

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.synchronize import Event

    from nakawari.models.base import Interpolator, Pair
    from nakawari.video.frames import Frame, Info, Reader

_LOG = logging.getLogger(__name__)

THUMB_PX = 96
"""Height of the pictures in the ribbon."""
KEPT_CLIPS, KEPT_PAIRS = 2, 4


class Cancelled(BaseException):
    """The job is no longer wanted. Not an Exception, so that nothing between takes it for an error."""


class _Left(BaseException):
    """The process shall end now."""


class Worker:
    """What one process keeps between jobs: clips, models and prepared pairs."""

    def __init__(self, send: Callable[[tuple[Any, ...]], None], cancelled: Callable[[], bool]) -> None:
        self._send = send
        self._cancelled = cancelled
        self._clips: OrderedDict[str, Clip] = OrderedDict()
        self._models: dict[str, Interpolator] = {}
        self._pairs: OrderedDict[tuple[Any, ...], Pair] = OrderedDict()

    def progress(self, stage: str, done: int, total: int | None) -> None:
        """Say how far it is; raises Cancelled where nobody wants it any more."""
        if self._cancelled():
            raise Cancelled
        self._send(("progress", stage, done, total))

    def made(self, name: str) -> None:
        """Say that a file is there."""
        self._send(("made", name))

    # -- jobs ------------------------------------------------------------------------------------

    def look(self, path: str, input_rate: str | None, thumbs: str) -> dict[str, Any]:
        """See all of a clip: shots, drawings, times, and a small picture of each drawing."""
        from nakawari.pipeline.analyse import analyse
        from nakawari.video.open import open_reader

        reader = open_reader(path, None if input_rate is None else Fraction(input_rate))
        folder = Path(thumbs)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        seen = analyse(_Thumbs(reader, folder), progress=self.progress)
        wanted = {f"{drawing.first}.jpg" for drawing in seen.drawings}
        for picture in folder.iterdir():
            if picture.name not in wanted:
                picture.unlink()
        return {
            "info": seen.info,
            "pictures": seen.pictures,
            "times": seen.times,
            "durations": seen.durations,
            "shots": seen.shots,
            "drawings": seen.drawings,
        }

    def frame(self, home: str, number: int, height: int | None, output: str) -> None:
        """Write frame `number` as a picture, at most `height` pixels high."""
        rgb = self._clip(home).frame(number).rgb()
        save(rgb if height is None else small(rgb, height), Path(output))

    def draw(self, home: str, ask: dict[str, Any], wanted: list[tuple[str, str]]) -> None:
        """Draw between two frames: `wanted` are t and the file for each."""
        from nakawari.pipeline.artist import hard

        self.progress("prepare", 0, len(wanted))
        artist, pair, keys = self._pair(home, ask)
        for number, (t, output) in enumerate(wanted):
            self.progress("draw", number, len(wanted))
            picture: Any = artist.at(pair, Fraction(t))
            save(hard(picture, keys[0].rgb(), keys[1].rgb()), Path(output))
            self.made(Path(output).name)
        self.progress("draw", len(wanted), len(wanted))

    def how(self, home: str, ask: dict[str, Any], kind: str, outputs: list[str]) -> None:
        """Write how a pair was made, for its first key and for its second; `outputs` are the two files."""
        from nakawari.studio.how import found_out, pictures

        self.progress("prepare", 0, None)
        artist, pair, _ = self._pair(home, ask)
        for picture, output in zip(
            pictures(found_out(artist, pair), kind, artist.name), outputs, strict=True
        ):
            save(picture, Path(output))

    def check(self, home: str, ask: dict[str, Any], times: list[str], output: str) -> None:
        """Write what is wrong with the drawings at `times`, as JSON: flags and numbers for each."""
        from nakawari.metrics.cels import examine, lines_of
        from nakawari.pipeline.artist import hard
        from nakawari.pipeline.sureness import doubt_of

        artist, pair, frames = self._pair(home, ask)
        keys = frames[0].rgb(), frames[1].rgb()
        lines = lines_of(keys[0]), lines_of(keys[1])
        confidence = 1 - doubt_of(artist, pair, keys)
        rows = []
        for number, t in enumerate(times):
            self.progress("check", number, len(times))
            drawn: Any = artist.at(pair, Fraction(t))
            seen = examine(hard(drawn, *keys), *keys, float(Fraction(t)), lines)
            rows.append({"t": t, "flags": seen.flags(confidence), **asdict(seen)})
        text = json.dumps({"confidence": confidence, "drawings": rows})
        path = Path(output)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(path.name + ".part")
        part.write_text(text, encoding="utf-8")
        part.replace(path)

    def guide(self, home: str, ask: dict[str, Any], upload: str, whole: bool) -> dict[str, Any]:
        """Keep a picture as the rough of a pair.

        Args:
            home: the project.
            ask: how the pair is to be drawn; its rough has a time and no picture yet.
            upload: the file that was handed in; it is gone afterwards.
            whole: see as well whether the pair can be drawn so. What somebody begins to draw cannot yet.
        """
        from nakawari.studio.guides import take_in

        self.progress("prepare", 0, None)
        path = Path(upload)
        try:
            size = self._clip(home).reader.info
            picture = take_in(path, Path(home) / FOLDER, (size.width, size.height))
        finally:
            path.unlink(missing_ok=True)
        if whole:
            self._pair(home, ask | {"guide": ask["guide"] | {"picture": picture}})
        return {"picture": picture}

    def render(self, home: str, guided: list[dict[str, Any]], **words: Any) -> dict[str, Any]:
        """Write the whole clip; see `studio.export.render`.

        `guided`: the pairs that have roughs; whether they fit is seen before anything is written.
        """
        from nakawari.studio.export import render

        for number, ask in enumerate(guided):
            self.progress("check", number, len(guided))
            try:
                self._pair(home, ask)
            except InputError as error:
                where = f"between frames {ask['source']} and {ask['target']}"
                raise InputError(f"{where}: {error} Mend the rough, or remove it.") from error
        return render(self._model, self.progress, **words)

    # -- what is kept ----------------------------------------------------------------------------

    def _clip(self, home: str) -> Clip:
        """The clip of the project that lies in `home`; its times never change."""
        if home not in self._clips:
            project = Project.from_json((Path(home) / "project.json").read_text(encoding="utf-8"))
            source = project.source
            self._clips[home] = Clip(source.path, source.input_rate, project.reading.times)
            while len(self._clips) > KEPT_CLIPS:
                self._clips.popitem(last=False)
        self._clips.move_to_end(home)
        return self._clips[home]

    def _model(self, name: str) -> Interpolator:
        if name not in self._models:
            from nakawari.models import load

            self._models[name] = load(name)
        return self._models[name]

    def _pair(self, home: str, ask: dict[str, Any]) -> tuple[Interpolator, Pair, tuple[Frame, Frame]]:
        """The model, the prepared pair, and its keys."""
        artist = self._model(ask["model"])
        clip = self._clip(home)
        keys = clip.frame(ask["source"]), clip.frame(ask["target"])
        key = (home, *(repr(ask[word]) for word in sorted(ask)))
        if key not in self._pairs:
            told_besides = told(ask, Path(home) / FOLDER)
            self._pairs[key] = artist.prepare(keys[0].rgb(), keys[1].rgb(), **told_besides)
            while len(self._pairs) > KEPT_PAIRS:
                self._pairs.popitem(last=False)
        self._pairs.move_to_end(key)
        return artist, self._pairs[key], keys


class _Thumbs:
    """A reader that leaves a small picture of each frame that it passes on; a `Reader`."""

    replayable = True

    def __init__(self, reader: Reader, folder: Path) -> None:
        self._reader = reader
        self._folder = folder
        self.info: Info = reader.info

    def __iter__(self) -> Iterator[Frame]:
        for frame in self._reader:
            save(small(frame.rgb(), THUMB_PX), self._folder / f"{frame.index}.jpg")
            yield frame


JOBS = ("look", "frame", "draw", "how", "check", "guide", "render")


def serve(channel: Connection, cancelled: Event) -> None:
    """Do the jobs that come through `channel`, until it is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # ctrl-C is for the server, which closes the channel
    signal.signal(signal.SIGTERM, _leave)
    with suppress(_Left, Cancelled):
        _serve(channel, cancelled)


def _serve(channel: Connection, cancelled: Event) -> None:
    worker = Worker(channel.send, cancelled.is_set)
    while True:
        try:
            name, words = channel.recv()
        except EOFError:
            return
        try:
            assert name in JOBS, name
            channel.send(("done", getattr(worker, name)(**words)))
        except Cancelled:
            channel.send(("cancelled",))
        except NakawariError as error:
            channel.send(("failed", " ".join(str(error).split())))
        except (BrokenPipeError, ConnectionResetError):
            return
        except Exception as error:  # noqa: BLE001 - whatever a job does, the next one is served
            _LOG.exception("studio job %s", name)
            channel.send(("failed", f"unforeseen {type(error).__name__}: {' '.join(str(error).split())}"))


def _leave(_signal: int, _frame: object) -> None:
    """Unwind, so that nothing half-written stays."""
    raise _Left
