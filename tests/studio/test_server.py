"""What a page can do, against running workers."""

from __future__ import annotations

import io
import json
import os
import signal
from pathlib import Path

import numpy as np
import pytest

import nakawari as nk
from tests.studio.conftest import CUT, FRAMES, Page, pictures, until


def test_a_clip_is_opened_and_known_again(page: Page) -> None:
    first = page.open(page.folder / "clips" / "disc.mkv")
    assert page.open(page.folder / "clips" / "disc.mkv") == first
    found = page.get(f"projects/{first}").json()
    assert found["frames"] == FRAMES
    assert [shot[0] for shot in found["shots"]] == [0, CUT]
    assert len(found["drawings"]) == FRAMES // 2
    assert found["wrong"] == ""
    assert first in [row["id"] for row in page.get("state").json()["projects"]]


def test_a_file_of_layers_is_refused(page: Page) -> None:
    layers = page.folder / "clips" / "cut.psd"
    layers.write_bytes(b"8BPS")
    refused = page.post("open", {"path": str(layers)})
    layers.unlink()
    assert refused.status_code == 400
    assert "`inbetween` does" in refused.json()["error"]


def test_frames_and_thumbs(page: Page, project: str) -> None:
    picture = page.picture(f"projects/{project}/frames/5")
    assert np.abs(picture.astype(int) - pictures()[5]).mean() < 4
    assert page.get(f"projects/{project}/frames/0?size=thumb").headers["content-type"] == "image/jpeg"
    assert page.picture(f"projects/{project}/frames/5?size=thumb").shape[0] <= 96
    assert page.get(f"projects/{project}/frames/99").status_code == 400


def test_in_betweens_are_those_of_the_model(page: Page, project: str) -> None:
    page.post(f"projects/{project}/edits", {"edit": "model", "model": "blend"})
    pair = page.get(f"projects/{project}/pairs/4").json()
    assert pair["source"] == 2
    assert [tick["t"] for tick in pair["ticks"]] == ["1/4", "1/2", "3/4"]
    keys = [page.picture(f"projects/{project}/frames/{n}") for n in (2, 4)]
    made = page.picture(f"projects/{project}/pairs/4/at/1-2")
    assert np.array_equal(made, nk.load("blend")(*keys, t=0.5))
    quarter = f"projects/{project}/pairs/4/at/1-4"
    assert page.get(quarter).status_code == 200  # drawn with it
    assert page.get(f"projects/{project}/pairs/{CUT}/at/1-2").status_code == 400


def test_models_stand_side_by_side(page: Page, project: str) -> None:
    one, other = (page.picture(f"projects/{project}/pairs/4/at/1-2?model={m}") for m in ("blend", "classic"))
    assert not np.array_equal(one, other)
    assert page.get(f"projects/{project}/pairs/4/at/1-2?model=clasic").status_code == 400


def test_edits_undo_and_the_plan_that_smooth_takes(page: Page, project: str, tmp_path: Path) -> None:
    cut = page.post(f"projects/{project}/edits", {"edit": "cut", "frame": 6, "there": True}).json()
    assert [shot[0] for shot in cut["shots"]] == [0, 6, CUT]
    page.post(f"projects/{project}/edits", {"edit": "model", "model": "blend"})
    text = page.get(f"projects/{project}/plan").text
    plan = nk.Plan.from_json(text)
    assert not any(s.target is not None and s.source < 6 <= s.target for s in plan.slots)
    file = tmp_path / "plan.json"
    file.write_text(text)
    report = nk.smooth(page.folder / "clips" / "disc.mkv", tmp_path / "o.mkv", plan=file, model="blend")
    assert len(report.plan.slots) == len(plan.slots)
    assert page.post(f"projects/{project}/undo").json()["redo"] == 1
    assert len(page.post(f"projects/{project}/undo").json()["shots"]) == 2
    assert len(page.post(f"projects/{project}/redo").json()["shots"]) == 3
    refused = page.post(f"projects/{project}/edits", {"edit": "cut", "frame": 6, "there": True})
    assert (refused.status_code, "already" in refused.json()["error"]) == (400, True)


def test_a_render_has_the_pairs_own_models(page: Page, project: str) -> None:
    page.post(f"projects/{project}/edits", {"edit": "model", "model": "blend"})
    page.post(f"projects/{project}/edits", {"edit": "model", "frame": 4, "model": "classic"})
    output = page.folder / "clips" / "frames"
    job = page.post(f"projects/{project}/render", {"output": f"{output}/"}).json()["job"]
    done = page.wait(job["id"])
    assert done["state"] == "done", done["error"]
    assert len(list(output.iterdir())) == 2 * FRAMES
    from nakawari.video.images import read_image

    shown = [read_image(path) for path in sorted(output.iterdir())]
    for number, target, model in ((6, 4, "classic"), (10, 6, "blend")):
        wanted = page.picture(f"projects/{project}/pairs/{target}/at/1-2?model={model}")
        assert np.array_equal(shown[number], wanted)
    again = page.post(f"projects/{project}/render", {"output": f"{output}/"}).json()["job"]
    assert "already" in page.wait(again["id"])["error"]


def test_a_project_file_is_opened_elsewhere(page: Page, project: str) -> None:
    page.post(f"projects/{project}/edits", {"edit": "cut", "frame": 6, "there": True})
    file = page.folder / "clips" / "mine.json"
    file.write_bytes(page.get(f"projects/{project}/file").content)
    again = page.open(file)
    assert again != project
    assert len(page.get(f"projects/{again}").json()["shots"]) == 3
    values = json.loads(file.read_text())
    values["source"]["path"] = "/etc/passwd"
    file.write_text(json.dumps(values))
    assert "outside" in page.post("open", {"path": str(file)}).json()["error"]


def test_a_clip_that_changed_is_noticed(page: Page) -> None:
    from tests.studio.conftest import write_clip

    clip = write_clip(page.folder / "clips" / "changing.mkv")
    opened = page.open(clip)
    os.utime(clip, (1, 1))
    assert "changed" in page.get(f"projects/{opened}").json()["wrong"]
    clip.unlink()
    assert "not exist" in page.get(f"projects/{opened}").json()["wrong"]
    output = str(page.folder / "clips" / "no.mkv")
    assert page.post(f"projects/{opened}/render", {"output": output}).status_code == 400


@pytest.mark.parametrize("content", [b"", b"not a video", b"#EXTM3U\nfile:///etc/passwd\n"])
def test_hostile_files_are_a_failed_job_and_a_line(page: Page, content: bytes) -> None:
    clip = page.folder / "clips" / "bad.mkv"
    clip.write_bytes(content)
    answer = page.post("open", {"path": str(clip), "fresh": True}).json()
    job = page.wait(answer["job"]["id"])
    assert job["state"] == "failed"
    assert "bad.mkv" in job["error"]
    assert "\n" not in job["error"]


def test_a_worker_that_dies_fails_its_job_and_is_replaced(page: Page) -> None:
    lane = page.studio.crew._lanes["whole"]  # type: ignore[attr-defined]
    page.open(page.folder / "clips" / "disc.mkv", fresh=True)
    before = lane._process.pid
    answer = page.post("open", {"path": str(page.folder / "clips" / "disc.mkv"), "fresh": True}).json()
    os.kill(lane._process.pid, signal.SIGKILL)
    job = page.wait(answer["job"]["id"])
    assert job["state"] in ("failed", "done")  # done, where it was quicker than the kill
    if job["state"] == "failed":
        assert "memory" in job["error"]
    until(lambda: not lane._process or not lane._process.is_alive())
    page.open(page.folder / "clips" / "disc.mkv", fresh=True)
    assert lane._process.pid != before


def test_jobs_are_cancelled(page: Page, project: str) -> None:
    output = page.folder / "clips" / "cancelled.mkv"
    first, second = (
        page.post(f"projects/{project}/render", {"output": str(path)}).json()["job"]["id"]
        for path in (output, output.with_name("second.mkv"))
    )
    for number in (second, first):
        assert page.client.delete(f"/api/jobs/{number}").status_code == 200
    assert page.wait(second)["state"] == "cancelled"
    assert page.wait(first)["state"] == "cancelled"
    assert not list(output.parent.glob("cancelled*"))
    assert page.client.delete("/api/jobs/99999").status_code == 400


def test_uploads(page: Page) -> None:
    clip = (page.folder / "clips" / "disc.mkv").read_bytes()
    put = page.client.put
    kept = put("/api/uploads/0123456789abcdef/my%20clip.mkv", content=clip).json()
    assert Path(kept["path"]).read_bytes() == clip
    assert page.get(f"projects/{page.open(Path(kept['path']))}").json()["name"] == "my clip.mkv"
    for name, batch, words in (
        ("..%2f..%2fx.mkv", "0123456789abcdef", None),
        ("run.sh", "0123456789abcdef", "no clip"),
        ("x.mkv", "../../etc", None),
        ("x.mkv", "UPPER", "no such batch"),
    ):
        answer = put(f"/api/uploads/{batch}/{name}", content=b"x")
        assert answer.status_code in (200, 400, 404, 405)
        if words:
            assert words in answer.json()["error"]
        if answer.status_code == 200:
            assert Path(answer.json()["path"]).parent.name == batch
    large = io.BytesIO(bytes((1 << 20) + 1))
    assert "dropped" in put("/api/uploads/fedcba98/large.mkv", content=large.read()).json()["error"]
    assert not list((page.folder / "state" / "uploads" / "fedcba98").iterdir())


@pytest.mark.parametrize("body", [b"{", b"[]", b"[" * 100_000, b'{"path": 1}', b"x" * (2 << 20)])
def test_broken_bodies_are_one_line(page: Page, body: bytes) -> None:
    answer = page.client.post("/api/open", content=body)
    assert answer.status_code == 400
    assert "\n" not in answer.json()["error"]


def test_answers_are_quick(page: Page, project: str) -> None:
    from time import perf_counter

    paths = [f"projects/{project}", f"projects/{project}/pairs/4", f"projects/{project}/shots/0", "state"]
    for path in paths:
        page.get(path)
        times = []
        for _ in range(3):
            begin = perf_counter()
            page.get(path)
            times.append(perf_counter() - begin)
        assert min(times) < 0.1, path
