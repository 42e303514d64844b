"""The page in a real Chromium: open a clip, move a cut, bend a chart, see the new picture, render, reopen."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.studio.conftest import CUT, FRAMES, until, write_clip

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
PATIENCE_MS = 90_000
"""A busy machine draws slowly; a quiet one is done in seconds."""

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here")


class Server:
    """A studio as a user starts it."""

    def __init__(self, folder: Path) -> None:
        words = ["studio", str(folder / "clips"), "--port", "0", "--no-browser"]
        words += ["--projects", str(folder / "state")]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "nakawari", *words], stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        found = re.search(r"http://\S+", self.process.stdout.readline())
        assert found
        self.address = found[0]

    def end(self, how: int) -> int:
        self.process.send_signal(how)
        status = self.process.wait(30)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return status


@pytest.fixture
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


def new_page(browser: Any, troubles: list[str]) -> Any:
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    page.set_default_timeout(PATIENCE_MS)
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("console", lambda said: troubles.append(said.text) if said.type == "error" else None)
    page.on(
        "request",
        lambda asked: (
            None if "127.0.0.1" in asked.url or asked.url.startswith("blob:") else troubles.append(asked.url)
        ),
    )
    return page


def picture(page: Any) -> str:
    """The pixels of the canvas, once the picture is there."""
    page.locator("#canvas-note").wait_for(state="hidden")
    page.wait_for_timeout(120)  # a frame of the screen, or some
    return str(page.locator("#canvas").evaluate("canvas => canvas.toDataURL()"))


def stop_words(page: Any) -> str:
    return str(page.locator("#canvas").get_attribute("aria-label"))


def shots(page: Any) -> int:
    page.wait_for_timeout(120)
    return int(page.locator(".cut").count()) + 1


def test_a_session_from_opening_to_reopening(browser: Any, tmp_path: Path) -> None:
    (tmp_path / "clips").mkdir()
    write_clip(tmp_path / "clips" / "disc.mkv")
    troubles: list[str] = []
    server = Server(tmp_path)
    page = new_page(browser, troubles)
    page.goto(server.address)
    assert "#" not in page.url  # the token does not stay in sight

    page.keyboard.press("Control+o")
    page.get_by_label("Path").fill("nothing.mkv")
    page.keyboard.press("Enter")
    page.locator("#open-trouble").get_by_text("does not exist").wait_for()
    page.get_by_role("button", name="Folder").or_(page.locator("#open-list button").first).first.click()
    page.locator("#open-list").get_by_text("disc.mkv").click()
    page.locator(".drawing").first.wait_for()
    assert page.locator(".drawing").first.get_attribute("aria-setsize") == str(FRAMES // 2)
    first = picture(page)

    page.keyboard.press("ArrowRight")  # the first in-between
    assert "in-between at 1/4" in stop_words(page)
    drawn = picture(page)
    assert drawn != first
    page.locator("#pair-model").select_option("blend")
    until(lambda: picture(page) != drawn)

    page.locator("#pair-model").select_option("cel")  # a hint: the disc is gone in the second key
    until(lambda: picture(page) != drawn)
    matched = picture(page)
    page.locator("#how").select_option("regions")
    picture(page)
    page.locator("#hint").select_option("disappears")
    box = page.locator("#canvas").bounding_box()
    page.mouse.click(box["x"] + box["width"] * 0.5 * 14 / 64, box["y"] + box["height"] / 2)
    page.locator(".hints li").wait_for()
    page.locator("#how").select_option("")
    until(lambda: picture(page) != matched)
    page.locator("#how").select_option("regions")
    picture(page)
    page.locator("#hint").select_option("strokes")  # a line, drawn along in one key and in the other
    for share in (0.25, 0.75):
        page.mouse.move(box["x"] + box["width"] * share, box["y"] + box["height"] * 0.4)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] * share, box["y"] + box["height"] * 0.6, steps=5)
        page.mouse.up()
    page.locator(".hints li").get_by_text("same line").wait_for()
    page.locator("#hint").select_option("regions")  # a match, forced from the keyboard
    page.locator("#canvas").focus()
    for key in ("ArrowLeft", "Enter", "Tab", "ArrowRight", "Enter"):
        page.keyboard.press(key)
    page.locator(".hints li").get_by_text("same region").wait_for()
    for _ in range(3):
        count = page.locator(".hints li").count()
        page.get_by_label(f"Remove hint {count}").click()
        until(lambda left=count - 1: page.locator(".hints li").count() == left)
    page.locator("#how").select_option("")
    until(lambda: picture(page) == matched)
    page.locator("#canvas").focus()

    page.locator(".tick").first.press("ArrowRight")  # bends the chart
    until(lambda: "1/4" not in stop_words(page))
    spaced = stop_words(page)
    picture(page)

    assert shots(page) == 2  # the cut moves: from frame 12 to 14
    page.keyboard.press("PageDown")
    until(lambda: f"Drawing {CUT // 2 + 1}," in stop_words(page))
    page.locator("#cut-here").click()
    until(lambda: shots(page) == 1)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("c")
    until(lambda: shots(page) == 2)
    page.keyboard.press("Control+z")
    until(lambda: shots(page) == 1)
    page.keyboard.press("Control+Shift+z")
    until(lambda: shots(page) == 2)

    page.keyboard.press("e")
    with page.expect_download() as plan_file:
        page.locator("#save-plan").click()
    plan = json.loads(Path(plan_file.value.path()).read_text())
    assert [shot["first"] for shot in plan["shots"]] == [0, CUT + 2]
    out = tmp_path / "clips" / "out"
    page.locator("#render-path").fill(f"{out}/")
    page.locator("#render-go").click()
    until(out.exists, 60)
    assert len(list(out.iterdir())) == 2 * FRAMES

    assert server.end(signal.SIGKILL) != 0  # a crash
    page.close()
    again = Server(tmp_path)
    page = new_page(browser, troubles)
    troubles.clear()  # what the page said of the crash
    page.goto(again.address)
    page.locator("#recent").get_by_text("disc.mkv").click()
    page.locator(".drawing").first.wait_for()
    assert shots(page) == 2
    page.keyboard.press("ArrowRight")
    until(lambda: stop_words(page) == spaced)
    unnamed = page.evaluate(
        "[...document.querySelectorAll('button, select, input')].filter(e => e.offsetParent &&"
        " !(e.ariaLabel || e.textContent.trim() || e.labels?.length || e.title)).map(e => e.outerHTML)"
    )
    assert unnamed == []
    assert not troubles
    assert again.end(signal.SIGINT) == 0
