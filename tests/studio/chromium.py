"""A studio as a user starts it, and a real Chromium that looks at it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
PATIENCE_MS = 90_000
"""A busy machine draws slowly; a quiet one is done in seconds."""

needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here")


class Server:
    """The process."""

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


@contextmanager
def launched() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


def new_page(browser: Any, troubles: list[str]) -> Any:
    """A window; errors but refusals, and requests for anything elsewhere, become `troubles`."""
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    page.set_default_timeout(PATIENCE_MS)
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on(
        "console",
        lambda said: (
            troubles.append(said.text) if said.type == "error" and "status of 400" not in said.text else None
        ),
    )
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
    """Where one is."""
    return str(page.locator("#canvas").get_attribute("aria-label"))
