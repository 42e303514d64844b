"""Which of two do people prefer? A blind page, and the table of their answers, as the paper's user study.

The page is static and whole in one file. Each triplet is asked about once: two of the systems, chosen and put
left and right by chance, between the drawings before and after. Names of systems stand in it only in base64,
so that nobody sees one by accident; whoever wants to look can.

Source: Li et al. 2021, section 5.3 (user study).
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from itertools import combinations
from pathlib import Path
from string import Template
from typing import Any
from zlib import crc32

import cv2
import numpy as np

from nakawari.errors import InputError
from nakawari.evaluation.bootstrap import intervals
from nakawari.evaluation.data import Triplet
from nakawari.evaluation.run import Sample
from nakawari.metrics.image import unit
from nakawari.tensors import Array

FORMAT = "nakawari-votes/1"
QUALITY = 95
CHOICES = {"left": 1.0, "same": 0.5, "right": 0.0}


class VotePage:
    """Collects triplets while they are measured (`add` is a `run.Watch`), then writes the page."""

    def __init__(self, count: int, seed: int = 0) -> None:
        """Keep `count` triplets, each as likely as any other; the same seed and data give the same page."""
        self._count = count
        self._rng = np.random.default_rng(seed)
        self._kept: list[dict[str, Any]] = []
        self._seen = 0

    def add(self, triplet: Triplet, made: Mapping[str, Array], samples: Mapping[str, Sample]) -> None:
        """Look at one triplet, and perhaps keep it."""
        self._seen += 1
        place = len(self._kept) if len(self._kept) < self._count else int(self._rng.integers(self._seen))
        sides = [str(name) for name in self._rng.permutation(list(made))[:2]]
        if place >= self._count:
            return
        pair = {
            "triplet": triplet.name,
            "sides": [b64encode(side.encode()).decode() for side in sides],
            "left": _uri(made[sides[0]]),
            "right": _uri(made[sides[1]]),
            "frame0": _uri(triplet.frame0),
            "frame1": _uri(triplet.frame1),
        }
        self._kept[place:] = [pair, *self._kept[place + 1 :]]

    def html(self, title: str) -> str:
        """The page."""
        asked = "".join(pair["triplet"] + "".join(pair["sides"]) for pair in self._kept)
        which = f"{title} {crc32(asked.encode()):08x}"
        data = {"format": FORMAT, "id": which, "pairs": self._kept}
        inline = json.dumps(data).replace("<", "\\u003c")
        template = Template(files("nakawari.evaluation").joinpath("vote.html").read_text(encoding="utf-8"))
        return template.substitute(title=escape(title), data=inline)


def check_voted_on(names: Sequence[str]) -> None:
    """Raise InputError unless there are two systems to choose from."""
    if len(names) < 2:
        raise InputError(f"there is only {', '.join(names)} to vote on; wanted two systems or more (-m).")


def _uri(frame: Array) -> str:
    pixels = np.rint(unit(frame) * 255).clip(0, 255).astype(np.uint8)
    options = [cv2.IMWRITE_JPEG_QUALITY, QUALITY,
               cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]  # fmt: skip
    _, data = cv2.imencode(".jpg", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), options)
    return "data:image/jpeg;base64," + b64encode(data.tobytes()).decode("ascii")


@dataclass(frozen=True, slots=True)
class Preference:
    """What people think of `a` beside `b`.

    Attributes:
        a, b: the systems; `b` is None where all others are meant.
        answers, people: how many.
        better, same, worse: answers by kind, seen from `a`.
        share: how often `a` is preferred, where no difference counts half.
        interval: its 95 % bootstrap interval. People are resampled where there are two or more, for answers
            of one person are alike; else answers.
    """

    a: str
    b: str | None
    answers: int
    people: int
    better: int
    same: int
    worse: int
    share: float
    interval: tuple[float, float]


_Vote = tuple[str, str, str, float]
"""Who, `a`, `b`, and how much `a` was preferred: 0, ½ or 1."""


def read_votes(paths: Sequence[str | Path]) -> list[Preference]:
    """The preferences of all pairs of systems, and of each system beside all others.

    Args:
        paths: files that the page saved, one a person.

    Raises:
        InputError: a file is broken, there are no answers, or two files are of one person and page.
    """
    votes: list[_Vote] = []
    seen: set[tuple[str, str]] = set()
    for path in paths:
        who, answers = _read(Path(path))
        if who in seen:
            raise InputError(f"{path} is a second file of {who[1]!r} on the same page; give one of each.")
        seen.add(who)
        votes += answers
    if not votes:
        raise InputError("nobody has answered anything.")
    names = list(dict.fromkeys(name for _, a, b, _ in votes for name in (a, b)))
    both = [*votes, *((who, b, a, 1 - value) for who, a, b, value in votes)]
    found = []
    for a, b in combinations(names, 2):
        mine = [vote for vote in both if vote[1:3] == (a, b)]
        if mine:
            found.append(_preference(a, b, mine))
    if len(names) > 2:
        found += [_preference(name, None, [vote for vote in both if vote[1] == name]) for name in names]
    return found


def _preference(a: str, b: str | None, votes: Sequence[_Vote]) -> Preference:
    values = np.array([vote[3] for vote in votes])
    people = list(dict.fromkeys(vote[0] for vote in votes))
    if len(people) > 1:
        # a person's sum and number of answers are resampled together: means of people who answered little
        # do not weigh as much
        sums = [(sum(v[3] for v in votes if v[0] == who), sum(v[0] == who for v in votes)) for who in people]
        low, high = _of_people(np.array(sums, np.float64))
    else:
        low, high = (float(end) for end in intervals(values[:, None])[0])
    better, same, worse = (int((values == kind).sum()) for kind in (1.0, 0.5, 0.0))
    share = float(values.mean())
    return Preference(a, b, len(values), len(people), better, same, worse, share, (low, high))


def _of_people(sums: Any) -> tuple[float, float]:
    rng = np.random.default_rng(0)
    count = len(sums)
    drawn = rng.multinomial(count, np.full(count, 1 / count), 2000) @ sums
    low, high = np.quantile(drawn[:, 0] / drawn[:, 1], (0.025, 0.975))
    return float(low), float(high)


def _read(path: Path) -> tuple[tuple[str, str], list[_Vote]]:
    """Page and person, and their votes."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as answers: {error}.") from error
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise InputError(f"{path} holds no answers to a vote (format {FORMAT}).")
    try:
        who = (str(found["id"]), str(found["voter"]))
        return who, list(_votes(who[1], found["answers"]))
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path} has an answer that cannot be understood ({error!r}).") from error


def _votes(who: str, answers: Sequence[Any]) -> Iterator[_Vote]:
    for answer in answers:
        left, right = (b64decode(side, validate=True).decode() for side in answer["sides"])
        yield who, left, right, CHOICES[answer["choice"]]


def markdown_votes(found: Sequence[Preference]) -> str:
    """The table of preferences."""
    lines = [
        "| preferred | to | answers | people | better | no difference | worse | share [95 % interval] |",
        "|---|---|--:|--:|--:|--:|--:|--:|",
    ]
    for each in found:
        low, high = each.interval
        other = each.b if each.b is not None else "all others"
        lines.append(
            f"| {each.a} | {other} | {each.answers} | {each.people} | {each.better} | {each.same} | "
            f"{each.worse} | {100 * each.share:.0f} % [{100 * low:.0f}, {100 * high:.0f}] |"
        )
    return "\n".join(lines) + "\n"
