"""A running studio over a small clip: one for all tests, because its workers take a second to start."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from nakawari.studio.roots import Roots
from nakawari.studio.server import build
from nakawari.studio.store import Store
from nakawari.studio.studio import Studio

PORT = 7860
TOKEN = "a-token-for-tests"
FRAMES, CUT = 24, 12


def pictures() -> list[np.ndarray]:
    """A disc on twos over paper; after the cut, over night."""
    import cv2

    made = []
    for frame in range(FRAMES):
        night = frame >= CUT
        picture = np.full((48, 64, 3), (30, 30, 60) if night else (235, 230, 215), np.uint8)
        step = (frame % CUT) // 2
        cv2.circle(picture, (14 + 6 * step, 24), 8, (220, 70, 50) if not night else (240, 220, 90), -1)
        cv2.circle(picture, (14 + 6 * step, 24), 8, (20, 20, 20), 1)
        made.append(picture)
    return made


def write_clip(path: Path) -> Path:
    from tests.video.media import write_video

    return write_video(path, pictures(), Fraction(24), options={"crf": "4"})


class Page:
    """What a page does: asks, and waits for jobs."""

    def __init__(self, client: TestClient, folder: Path) -> None:
        self.client = client
        self.folder = folder

    def get(self, path: str) -> Any:
        return self.client.get(f"/api/{path}")

    def post(self, path: str, words: dict[str, Any] | None = None) -> Any:
        return self.client.post(f"/api/{path}", json=words or {})

    def wait(self, number: int, seconds: float = 60) -> dict[str, Any]:
        def over() -> dict[str, Any] | None:
            jobs = {job["id"]: job for job in self.get("state").json()["jobs"]}
            return None if jobs[number]["state"] in ("waiting", "running") else jobs[number]

        return until(over, seconds)

    def open(self, path: Path, **words: Any) -> str:
        answer = self.post("open", {"path": str(path), **words})
        assert answer.status_code == 200, answer.text
        found = answer.json()
        if found["job"]:
            job = self.wait(found["job"]["id"])
            assert job["state"] == "done", job["error"]
        return str(found["id"])

    def picture(self, path: str) -> np.ndarray:
        import cv2

        answer = self.get(path)
        while answer.status_code == 202:
            job = self.wait(answer.json()["job"]["id"])
            assert job["state"] == "done", job["error"]
            answer = self.get(path)
        assert answer.status_code == 200, answer.text
        image = cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_UNCHANGED)
        return image[..., [2, 1, 0, *range(3, image.shape[2])]]


def until(look: Callable[[], Any], seconds: float = 30) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = look()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError("it did not happen")


@pytest.fixture(scope="session")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    folder = tmp_path_factory.mktemp("studio")
    (folder / "clips").mkdir()
    write_clip(folder / "clips" / "disc.mkv")
    store = Store(folder / "state")
    studio = Studio(Roots.of([folder / "clips", store.folder]), store, upload_limit=1 << 20)
    app = build(studio, TOKEN, PORT)
    headers = {"authorization": f"Bearer {TOKEN}"}
    with TestClient(app, base_url=f"http://127.0.0.1:{PORT}", headers=headers) as client:
        made = Page(client, folder)
        made.studio = studio  # type: ignore[attr-defined]
        yield made


@pytest.fixture
def project(page: Page) -> str:
    """A fresh project of the clip."""
    return page.open(page.folder / "clips" / "disc.mkv", fresh=True)
