"""The page in a real Chromium: a session by keys alone, that is only heard; and one by mouse and pen."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from math import cos, pi, sin
from pathlib import Path
from typing import Any

import cv2
import pytest

from tests.studio.chromium import Server, launched, needs_chromium, new_page, picture, stop_words
from tests.studio.conftest import CUT, FRAMES, until, write_clip
from tests.studio.test_guides import rough

pytestmark = needs_chromium

MIDDLE = (17, 24)
"""Of the disc, half the way to the second drawing."""


class Run:
    """A studio that can be started again, and the page that looks at it."""

    def __init__(self, browser: Any, folder: Path) -> None:
        self.browser, self.folder = browser, folder
        self.troubles: list[str] = []
        self.start()

    def start(self) -> None:
        self.server = Server(self.folder)
        self.page = new_page(self.browser, self.troubles)
        self.page.goto(self.server.address)
        self.page.evaluate(
            "() => { window.heard = []; const said = document.getElementById('said');"
            " new MutationObserver(() => heard.push(said.textContent)).observe(said, {childList: true}) }"
        )

    def home(self) -> Path:
        """Where the project lies that was changed last."""
        found = (self.folder / "state/projects").glob("*/project.json")
        return max(found, key=lambda path: path.stat().st_mtime_ns).parent

    def rough(self) -> tuple[str, float]:
        """Of which moment the rough on disk is, and how much of it is drawn."""
        guide = json.loads((self.home() / "project.json").read_text())["guides"]["2"]
        picture = cv2.imread(str(self.home() / "guides" / f"{guide['picture']}.png"), cv2.IMREAD_UNCHANGED)
        return guide["t"], float(picture[..., 3].mean())

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def hears(self, words: str) -> None:
        """Waits until it is said, and forgets what was said before."""
        self.page.wait_for_function("words => heard.some((one) => one.includes(words))", arg=words)
        self.page.evaluate("heard.length = 0")

    def focused(self) -> str:
        return str(self.page.evaluate("document.activeElement.id"))

    def tree(self) -> list[dict[str, Any]]:
        """The accessibility tree: what a screen reader is told."""
        session = self.page.context.new_cdp_session(self.page)
        nodes = session.send("Accessibility.getFullAXTree")["nodes"]
        session.detach()
        return [node for node in nodes if not node["ignored"]]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    folder = tmp_path_factory.mktemp("browser")
    (folder / "clips").mkdir()
    for name in ("disc", "keys"):
        write_clip(folder / "clips" / f"{name}.mkv")
    with launched() as browser:
        made = Run(browser, folder)
        yield made
        made.page.close()
        assert made.server.end(signal.SIGINT) == 0


def opened(run: Run, name: str) -> None:
    run.press("Control+o")
    run.page.locator("#open-path").fill(str(run.folder / "clips" / name))
    run.press("Enter")
    run.page.locator("#project-name").get_by_text(name).wait_for()
    until(lambda: run.focused() == "ribbon-list")


def nameless(tree: list[dict[str, Any]]) -> list[str]:
    """Roles of what can be used and has no name."""
    return [
        node["role"]["value"]
        for node in tree
        if any(one["name"] == "focusable" and one["value"]["value"] for one in node.get("properties", ()))
        and not node.get("name", {}).get("value")
    ]


def with_pen(run: Run, force: float, *, up: int = 8) -> None:
    """A circle around the disc between, higher than its way."""
    session = run.page.context.new_cdp_session(run.page)
    box = run.page.locator("#canvas").bounding_box()
    scale = min(box["width"] / 64, box["height"] / 48)
    left, top = box["x"] + (box["width"] - 64 * scale) / 2, box["y"] + (box["height"] - 48 * scale) / 2
    for step in range(26):
        x, y = (8 * f(2 * pi * step / 24) for f in (cos, sin))
        words = {
            "type": "mousePressed" if step == 0 else "mouseReleased" if step == 25 else "mouseMoved",
            "x": left + scale * (MIDDLE[0] + 0.5 + x),
            "y": top + scale * (MIDDLE[1] + 0.5 - up + y),
            "button": "left",
            "buttons": int(step < 25),
            "force": force,
            "pointerType": "pen",
            "clickCount": int(step in (0, 25)),
        }
        session.send("Input.dispatchMouseEvent", words)
    session.detach()


def test_a_session_by_keys_alone_is_heard_and_never_loses_the_focus(run: Run) -> None:
    page = run.page
    assert not nameless(run.tree())
    opened(run, "keys.mkv")
    tree = run.tree()
    assert not nameless(tree)
    roles = {node["role"]["value"] for node in tree}
    assert {"main", "banner", "complementary", "region", "listbox", "slider", "status", "heading"} <= roles
    names = [n.get("name", {}).get("value") for n in tree if n["role"]["value"] == "option"]
    assert "Drawing 2, frames 2 to 3, moves" in names

    run.press("ArrowRight")
    run.hears("In-between 1 of 3, at 1/4")
    run.press("PageDown", "c")  # the cut goes one drawing on
    run.hears("No cut before frame 12")
    run.press("ArrowDown", "c")
    run.hears("Cut before frame 14")
    run.press("Home", "h")
    run.hears("Held until just before the next")
    run.press("Control+z")
    run.hears("Taken back")
    assert run.focused() == "ribbon-list"

    run.press("m", "End")
    run.hears("This pair is drawn with cel")
    assert run.focused() == "pair-model"
    run.press("Escape", "t", "ArrowRight")
    run.hears("Spaced at 4/15, 1/2, 3/4")
    assert run.focused() == "tick-0"

    run.press("Escape", "i")  # a match is forced
    run.hears("How: regions")
    page.locator("#hint").focus()
    run.press("ArrowDown")
    run.hears("Click in one key: same region")
    page.locator("#canvas").focus()
    (canvas,) = (n for n in run.tree() if n["role"]["value"] == "application")
    assert "Arrow keys move a cross" in canvas["name"]["value"]
    run.press("ArrowLeft", "Enter")
    run.hears("Now click in the second key")
    run.press("Tab", "ArrowRight", "Enter")
    run.hears("1 hint")
    page.locator("#hint-1").focus()
    run.press("Enter")
    run.hears("No hints")
    assert run.focused() == "check"
    run.press("Escape", "i", "i", "i")

    cv2.imwrite(str(run.folder / "rough.png"), rough(at=MIDDLE))
    cv2.imwrite(str(run.folder / "small.png"), rough(size=(24, 32)))
    run.press("Shift+G", "Tab")
    assert run.focused() == "rough-choose"
    # The browser's own dialog is left out: where the machine is busy, its interception misses some.
    page.evaluate(
        "document.getElementById('rough-file').addEventListener('click', () => heard.push('dialog'))"
    )
    for name in ("small", "rough"):
        assert run.focused() == "rough-choose"
        run.press("Enter")
        run.hears("dialog")
        page.locator("#rough-file").set_input_files(run.folder / f"{name}.png")
        if name == "small":
            page.locator("#trouble").get_by_text("small.png is 32x24").wait_for()
    run.hears("The rough at 1/2 is followed")
    assert run.focused() == "rough-choose"
    run.press("Shift+Tab", "Shift+Tab", "ArrowDown")
    run.hears("The rough is of 3/4")
    assert run.focused() == "rough-t"
    page.locator("#rough-remove").focus()
    run.press("Enter")
    run.hears("The rough is removed")
    assert run.focused() == "rough-choose"

    run.press("Escape", "e", "Control+a")
    page.keyboard.type(str(run.folder / "clips/out.mkv"))
    assert not nameless(run.tree())
    run.press("Enter")
    run.hears("Rendering out.mkv…")
    assert run.focused() == "ribbon-list"
    run.hears("Rendering out.mkv: done")
    assert (run.folder / "clips/out.mkv").exists()
    run.press("?")
    assert not nameless(run.tree())
    run.press("Escape")
    assert run.focused() == "ribbon-list"
    assert not run.troubles


def shots(page: Any) -> int:
    page.wait_for_timeout(120)
    return int(page.locator(".cut").count()) + 1


def test_a_session_by_mouse_and_pen_outlives_a_crash(run: Run) -> None:
    page = run.page
    assert "#" not in page.url  # the token does not stay in sight

    page.keyboard.press("Control+o")
    page.get_by_label("Path").fill("nothing.mkv")
    page.keyboard.press("Enter")
    page.locator("#open-trouble").get_by_text("does not exist").wait_for()
    page.get_by_role("button", name="Folder").or_(page.locator("#open-list button").first).first.click()
    page.locator("#open-list").get_by_text("disc.mkv").click()
    page.locator("#project-name").get_by_text("disc.mkv").wait_for()
    until(lambda: run.focused() == "ribbon-list")
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
    for _ in range(2):
        count = page.locator(".hints li").count()
        page.get_by_label(f"Remove hint {count}").click()
        until(lambda left=count - 1: page.locator(".hints li").count() == left)
    page.locator("#how").select_option("")
    until(lambda: picture(page) == matched)
    page.locator("#canvas").focus()

    page.keyboard.press("ArrowRight")  # a rough of the in-between in the middle
    until(lambda: "in-between at 1/2" in stop_words(page))
    straight = picture(page)
    run.press("p")
    run.hears("Pencil")
    with_pen(run, 0.3)
    run.hears("The rough is of 1/2")
    t, thin = run.rough()
    assert t == "1/2"
    with_pen(run, 1)
    run.hears("The rough is of 1/2")
    assert run.rough()[1] > 1.5 * thin
    run.press("Escape", "g")
    bent = picture(page)
    assert bent != straight
    run.press("Control+z", "Control+z")
    until(lambda: picture(page) == straight)
    run.press("Control+y", "Control+y")
    until(lambda: picture(page) == bent)
    run.press("p", "Shift+P")
    run.hears("Eraser")
    with_pen(run, 1)
    page.locator(".refused").get_by_text("shows no lines").wait_for()
    page.locator("#pencil-undo").click()
    page.locator(".refused").wait_for(state="detached")
    page.locator("#pencil-done").click()
    assert run.focused() == "rough-draw"

    page.locator(".tick").first.press("ArrowRight")  # bends the chart
    run.hears("Spaced at 4/15, 1/2, 3/4")
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
    (pair,) = plan["pairs"]
    assert pair["hints"]["guide"].startswith("data:image/png;base64,")
    out = run.folder / "clips" / "out"
    page.locator("#render-path").fill(f"{out}/")
    page.locator("#render-go").click()
    until(out.exists, 60)
    assert len(list(out.iterdir())) == 2 * FRAMES

    assert not run.troubles
    assert run.server.end(signal.SIGKILL) != 0  # a crash
    page.close()
    run.start()
    page = run.page
    run.troubles.clear()  # what the page said of the crash
    page.locator("#recent").get_by_text("disc.mkv").click()
    until(lambda: run.focused() == "ribbon-list")
    assert shots(page) == 2
    run.press("ArrowRight")
    run.hears("at 4/15")
    run.press("ArrowRight", "g")
    until(lambda: picture(page) == bent)
    assert not run.troubles


def test_a_clip_that_is_looked_at_before_that_is_answered_opens(run: Run) -> None:
    projects = run.folder / "state/projects"
    write_clip(run.folder / "clips" / "short.mkv")

    def late(route: Any) -> None:
        answer = route.fetch()
        until(lambda: any("short.mkv" in project.read_text() for project in projects.glob("*/project.json")))
        time.sleep(0.5)  # the page hears of it
        route.fulfill(response=answer)

    run.page.route("**/api/open", late)
    opened(run, "short.mkv")
    run.page.unroute("**/api/open")
    assert not run.troubles
