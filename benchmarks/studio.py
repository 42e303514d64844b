"""How long the studio takes to answer, with an episode open: 24 minutes at 24 frames a second, on twos.

    python benchmarks/studio.py [--rounds N]

Nothing here draws: what draws is a job, of which the answer (202) is measured. Prints Markdown, milliseconds;
processor time tells more than the clock where the machine is busy.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from itertools import count
from pathlib import Path

import cv2
import numpy as np
from starlette.testclient import TestClient

from nakawari.studio.guides import keep
from nakawari.studio.project import Project, Source
from nakawari.studio.roots import Roots
from nakawari.studio.server import build
from nakawari.studio.store import Store, new_id
from nakawari.studio.studio import Studio
from nakawari.timeline.edit import Reading
from nakawari.timeline.plan import Drawing, Shot

FRAMES, SHOT = 24 * 60 * 24, 96
PORT, TOKEN = 7860, "a-token"


def episode(clip: Path) -> Project:
    """A project of an episode; the clip is a stand-in of which nothing is decoded."""
    step = Fraction(1, 24)
    times = tuple(step * frame for frame in range(FRAMES))
    shots = tuple(Shot(first, min(first + SHOT, FRAMES) - 1, 2) for first in range(0, FRAMES, SHOT))
    drawings = tuple(Drawing(first, first + 1) for first in range(0, FRAMES, 2))
    reading = Reading(times, (step,) * FRAMES, shots, drawings)
    stat = clip.stat()
    source = Source(
        str(clip),
        stat.st_size,
        stat.st_mtime_ns,
        None,
        1920,
        1080,
        Fraction(24),
        8,
        False,
        Fraction(1),
        1,
        "",
    )
    return Project(new_id(), "episode.mkv", source, reading, reading)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder, "episode.mkv")
        clip.write_bytes(b"")
        store = Store(Path(folder, "state"))
        project = store.add(episode(clip)).project
        studio = Studio(Roots.of([Path(folder)]), store)
        headers = {"authorization": f"Bearer {TOKEN}"}
        with TestClient(
            build(studio, TOKEN, PORT), base_url=f"http://127.0.0.1:{PORT}", headers=headers
        ) as page:
            measure(page, replace(project), args.rounds, keep(rough(), store.guides(project.id)))


def rough() -> bytes:
    """A drawing of 1080 lines as the page's pencil makes it: a PNG."""
    rng = np.random.default_rng(1)
    picture = np.zeros((1080, 1920, 4), np.uint8)
    for _ in range(200):
        places = np.cumsum(rng.normal(0, 25, (12, 2)), 0) + rng.uniform((0, 0), (1920, 1080))
        cv2.polylines(picture, [places.astype(np.int32)], False, (0, 0, 0, 255), 3, cv2.LINE_AA)
    return cv2.imencode(".png", picture)[1].tobytes()


def measure(page: TestClient, project: Project, rounds: int, picture: str) -> None:
    base, number = f"/api/projects/{project.id}", count(1)
    drawn = rough()
    page.post(f"{base}/edits", json={"edit": "model", "frame": 2, "model": "cel"})

    def edit(**words: object) -> object:
        return page.post(f"{base}/edits", json=words)

    rows: dict[str, Callable[[], object]] = {
        "all of the project": lambda: page.get(base),
        "a pair": lambda: page.get(f"{base}/pairs/{2 * next(number)}"),
        "a shot's output frames": lambda: page.get(f"{base}/shots/{next(number)}"),
        "a picture that is to be drawn": lambda: page.get(f"{base}/pairs/{2 * next(number)}/at/1-2"),
        "edit: chart": lambda: edit(edit="chart", frame=2 * next(number), chart=[["1/4", "1/3"]]),
        "edit: hold": lambda: edit(edit="hold", frame=2 * next(number), held=True),
        "edit: cut": lambda: edit(edit="cut", frame=20_000 + 4 * next(number), there=True),
        "edit: cadence": lambda: edit(edit="cadence", shot=next(number), cadence=3),
        "edit: rough": lambda: edit(
            edit="guide", frame=2 * next(number), guide={"picture": picture, "t": "1/2"}
        ),
        "a rough that is drawn": lambda: page.put(
            f"{base}/pairs/2/guide?t=1-2&name=drawn.png&draft", content=drawn
        ),
        "a rough that is shown": lambda: page.get(f"{base}/guides/{picture}"),
        "project file with roughs": lambda: page.get(f"{base}/file"),
        "undo": lambda: page.post(f"{base}/undo", json={}),
        "files of a folder": lambda: page.get("/api/files"),
    }
    print("| | processor, median | clock, median | clock, worst |\n| --- | ---: | ---: | ---: |")
    for name, act in rows.items():
        took, worked = [], []
        for _ in range(rounds):
            start, work = time.perf_counter(), time.process_time()
            answer = act()
            took.append(1e3 * (time.perf_counter() - start))
            worked.append(1e3 * (time.process_time() - work))
            assert answer.status_code < 300 or answer.status_code == 400, answer.text  # type: ignore[attr-defined]
        print(f"| {name} | {np.median(worked):.0f} | {np.median(took):.0f} | {max(took):.0f} |")


if __name__ == "__main__":
    main()
