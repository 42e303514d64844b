"""Only the studio's own page, on this machine, with its token, is answered."""

import pytest
from starlette.testclient import TestClient

from tests.studio.conftest import PORT, TOKEN, Page

RIGHT = {"host": f"127.0.0.1:{PORT}", "authorization": f"Bearer {TOKEN}"}


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, 200),
        ({"host": f"localhost:{PORT}"}, 200),
        ({"origin": f"http://127.0.0.1:{PORT}", "sec-fetch-site": "same-origin"}, 200),
        ({"host": f"evil.example:{PORT}"}, 421),  # a name that was made to mean this machine
        ({"host": f"127.0.0.1.evil.example:{PORT}"}, 421),
        ({"host": "127.0.0.1:9999"}, 421),
        ({"host": ""}, 421),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": f"https://127.0.0.1:{PORT}"}, 403),
        ({"origin": "http://127.0.0.1:9999"}, 403),  # another program's page on this machine
        ({"origin": "null"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"authorization": "Bearer wrong"}, 401),
        ({"authorization": f"Basic {TOKEN}"}, 401),
        ({"authorization": ""}, 401),
    ],
)
def test_who_is_answered(page: Page, changes: dict[str, str], status: int) -> None:
    answer = page.client.get("/api/state", headers=RIGHT | changes)
    assert answer.status_code == status
    if status != 200:
        assert set(answer.json()) == {"error"}
        assert TOKEN not in answer.text


def test_the_page_needs_no_token_and_holds_none(page: Page) -> None:
    client = TestClient(page.client.app, base_url=f"http://127.0.0.1:{PORT}")
    for path in ("/", "/static/app.js", "/static/studio.css"):
        answer = client.get(path)
        assert answer.status_code == 200
        assert TOKEN not in answer.text
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "http" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert client.get("/", headers={"host": "evil.example"}).status_code == 421


@pytest.mark.parametrize(
    "path", ["/static/../server.py", "/static/%2e%2e/server.py", "/static/..%2fserver.py"]
)
def test_nothing_but_the_page_is_served(page: Page, path: str) -> None:
    assert page.client.get(path).status_code in (404, 405)


def test_the_page_loads_nothing_from_elsewhere(page: Page) -> None:
    import re

    from nakawari.studio.server import STATIC

    for file in STATIC.iterdir():
        text = file.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?://|//cdn|@import", text), file.name
