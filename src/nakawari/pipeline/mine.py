"""Films → triplets: read once, drawings found on the way, each triplet judged on whichever core is free.

Candidates are three drawings of one shot with the same number of drawings between them. They are judged in
threads and written down in order, so what comes out does not depend on how many threads there are; and what
was judged before is not judged again, so a run that was cut off goes on (only reading what it has seen).
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from nakawari.data.mined.files import Journal, Rules, Verdict, annotation, film_key, write_triplet
from nakawari.data.mined.look import Array, Look, as_drawing, likeness, look_at
from nakawari.data.mined.motion import Estimate, Floats, Motion, estimate, fault, flow_between
from nakawari.pipeline.drawings import DrawingFinder, Drawn
from nakawari.pipeline.render import Progress, silent
from nakawari.video.frames import Frame, Reader
from nakawari.video.open import open_reader
from nakawari.video.part import hold
from nakawari.video.threads import prefetch

MOSTLY_BLACK = 0.8
"""Share of black pixels from which a frame is left out, as the RRLD pipeline does."""


@dataclass(frozen=True, slots=True)
class Mined:
    """A film that is done.

    Attributes:
        source: the film.
        counts: how many triplets were kept ("kept"), and left out for which reason.
        new: whether anything was looked at; it may have been done before.
    """

    source: str
    counts: Counter[str]
    new: bool


@dataclass(slots=True)
class _Seen:
    """A drawing of the current shot; what is found of it and its pairs is kept as long as it is."""

    drawn: Drawn
    picture: Future[tuple[Array, Look]]
    likes: dict[int, float] = field(default_factory=dict)
    flows: dict[int, Floats] = field(default_factory=dict)

    @property
    def index(self) -> int:
        return self.drawn.frame.index

    @property
    def look(self) -> Look:
        return self.picture.result()[1]

    def like(self, other: _Seen) -> float:
        """Likeness to an earlier drawing."""
        if other.index not in self.likes:
            self.likes[other.index] = likeness(self.look, other.look)
        return self.likes[other.index]

    def flow(self, other: _Seen) -> Floats:
        """Flow to another drawing."""
        if other.index not in self.flows:
            self.flows[other.index] = flow_between(self.look, other.look)
        return self.flows[other.index]


_Three = tuple[_Seen, _Seen, _Seen]


def mine_film(
    source: str | Path, folder: str | Path, rules: Rules, threads: int = 1, progress: Progress = silent
) -> Mined:
    """Mine one film, or go on with it.

    Args:
        source: a video file, a folder or pattern of images.
        folder: gets the triplets; see `data.mined.files`.
        rules: what is kept.
        threads: in which triplets are judged and written.
        progress: is told the stage "mine", in frames.

    Raises:
        MediaError: the film cannot be read.
        InputError: it was mined into this folder by other rules.
        OutputError: something cannot be written, or another run is at it.
    """
    key = film_key(source)
    reader = open_reader(source)  # before the journal, so that what is no film leaves nothing behind
    journal = Journal.opened(Path(folder), key, str(source), rules)
    new = not journal.done
    with journal.path.open("ab") as held:
        hold(held, journal.path)
        if new:
            with ThreadPoolExecutor(threads) as pool:
                _Miner(key, Path(folder), rules, journal, pool, threads).run(reader, progress)
            journal.finish()
    counts = Counter(verdict.why or "kept" for verdict in journal.judged.values())
    return Mined(str(source), counts, new)


class _Miner:
    """One film on its way."""

    def __init__(
        self, key: str, folder: Path, rules: Rules, journal: Journal, pool: ThreadPoolExecutor, threads: int
    ) -> None:
        self.key, self.folder, self.rules, self.journal, self.pool = key, folder, rules, journal, pool
        self.most = 4 * threads
        self.shot: deque[_Seen] = deque(maxlen=2 * (max(rules.gaps) + 1) + 1)
        self.judging: deque[tuple[_Three, int, Future[str | Estimate]]] = deque()
        self.writing: deque[tuple[Verdict, Future[None] | None]] = deque()
        self.kept_of_shot: Counter[int] = Counter()

    def run(self, reader: Reader, progress: Progress) -> None:
        """Read, judge and write."""
        finder = DrawingFinder()
        progress("mine", 0, reader.info.frames)
        done = 0
        with closing(prefetch(reader)) as frames:
            for frame in frames:
                self._take(finder.add(frame))
                done += 1
                progress("mine", done, reader.info.frames)
        self._take(finder.finish())
        self._settle(0)

    def _take(self, drawings: Iterator[Drawn]) -> None:
        for drawn in drawings:
            if self.shot and self.shot[-1].drawn.shot != drawn.shot:
                self.shot.clear()
            self.shot.append(_Seen(drawn, self.pool.submit(_see, drawn.frame, self.rules.size)))
            for gap in self.rules.gaps:
                self._consider(gap)
            self._settle(self.most)

    def _consider(self, gap: int) -> None:
        """Judge the triplet that ends with the last drawing."""
        step = gap + 1
        run = list(self.shot)[-2 * step - 1 :]
        if len(run) < 2 * step + 1 or any(seen.drawn.flash for seen in run):
            return
        three = (run[0], run[step], run[2 * step])
        before = self.journal.judged.get((three[0].index, three[1].index, three[2].index))
        if before is not None:
            self.kept_of_shot[before.shot] += before.why is None
            return
        self.judging.append((three, gap, self.pool.submit(_judge, three, self.rules)))

    def _settle(self, most: int) -> None:
        """Write down what was judged, in order, until no more than `most` are waiting."""
        while len(self.judging) > most:
            three, gap, judged = self.judging.popleft()
            found = judged.result()
            shot = three[0].drawn.shot
            frames = (three[0].index, three[1].index, three[2].index)
            if isinstance(found, Estimate) and self._is_enough(shot):
                found = "enough"
            if isinstance(found, str):
                self.writing.append((Verdict(frames, gap, shot, found), None))
                continue
            self.kept_of_shot[shot] += 1
            name = f"{self.key}_{frames[1]:06d}_s{gap + 1}"
            written = self.pool.submit(self._write, name, three, frames, found)
            self.writing.append((Verdict(frames, gap, shot, None, name), written))
        while len(self.writing) > most:
            verdict, written_ = self.writing.popleft()
            if written_ is not None:
                written_.result()
            self.journal.add(verdict)

    def _is_enough(self, shot: int) -> bool:
        return bool(self.rules.per_shot) and self.kept_of_shot[shot] >= self.rules.per_shot

    def _write(self, name: str, three: _Three, frames: tuple[int, int, int], found: Estimate) -> None:
        pictures = tuple(seen.picture.result()[0] for seen in three)
        height, width = pictures[1].shape[:2]
        note = annotation(found, (height, width), frames, self.key)
        write_triplet(self.folder, name, (pictures[0], pictures[1], pictures[2]), note, self.rules)


def _see(frame: Frame, size: tuple[int, int] | None) -> tuple[Array, Look]:
    picture = as_drawing(frame.rgb(), size)
    return picture, look_at(picture)


def _judge(three: _Three, rules: Rules) -> str | Estimate:
    """Why a triplet is left out, or what is estimated of it; what is cheap to ask is asked first."""
    first, middle, last = three
    if any(seen.look.black >= MOSTLY_BLACK for seen in three):
        return "black"
    if rules.rules != "rrld":
        likes = (middle.like(first), last.like(middle), last.like(first))
        if max(likes) > rules.alike:
            return "alike"
        if min(likes) < rules.unlike:
            return "unlike"
    if not rules.captions and any(seen.look.captioned for seen in three):
        return "caption"
    motion = Motion(middle.flow(first), middle.flow(last))
    wrong = fault(middle.look, motion) if rules.rules != "atd12k" else None
    if wrong is not None:
        return wrong
    looks = (first.look, middle.look, last.look)
    return estimate(*looks, motion, (first.flow(middle), last.flow(middle)))
