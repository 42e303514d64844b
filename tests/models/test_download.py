"""`models get` against a server with the faults of servers: no such file, half of it, another, nothing."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests

from nakawari.cli import main
from nakawari.errors import ModelError, OutputError
from nakawari.models import CATALOG, sources
from nakawari.models.download import get
from nakawari.models.sources import SOURCES, Source, check_digest, weights_of

CONTENT = bytes(range(256)) * 9000
"""More than two blocks."""


class Served(BaseHTTPRequestHandler):
    """Ranges, validators, and the faults that `server.fault` names."""

    def do_GET(self) -> None:
        server = self.server
        server.asked.append(dict(self.headers))
        content, tag = server.content, f'"{hashlib.md5(server.content).hexdigest()}"'
        if server.fault == "absent":
            self.send_error(404)
            return
        begin = 0
        wanted = self.headers.get("Range")
        if wanted and self.headers.get("If-Range") == tag:
            begin = int(wanted.removeprefix("bytes=").rstrip("-"))
        if wanted and server.fault == "short":
            self.send_error(416)
            return
        self.send_response(206 if begin else 200)
        self.send_header(
            "Content-Type", "text/html" if server.fault == "page" else "application/octet-stream"
        )
        self.send_header("Content-Length", str(len(content) - begin))
        if server.fault != "untagged":
            self.send_header("ETag", tag)
        self.end_headers()
        body = content[begin:]
        self.wfile.write(body[: len(body) // 2] if server.fault in ("cut", "untagged") else body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server(tmp_path, monkeypatch):
    monkeypatch.setenv("NAKAWARI_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.setenv("NO_PROXY", "*")
    made = ThreadingHTTPServer(("127.0.0.1", 0), Served)
    made.content, made.fault, made.asked = CONTENT, "", []
    thread = threading.Thread(target=made.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()
    thread.join()


@pytest.fixture
def source(server):
    digest = "sha256:" + hashlib.sha256(CONTENT).hexdigest()
    return Source("animeinterp", "w.ckpt", f"http://127.0.0.1:{server.server_port}/w", digest, "MIT", "note")


def silent(*_: object) -> None:
    pass


def left(tmp_path):
    folder = tmp_path / "weights"
    return {path.name: path.stat().st_size for path in folder.iterdir()} if folder.is_dir() else {}


def test_a_file_comes_whole_once_and_tells_how_far_it_is(server, source, tmp_path):
    steps = []
    path = get(source, lambda *step: steps.append(step))
    assert path.read_bytes() == CONTENT
    assert set(left(tmp_path)) == {"w.ckpt", "w.ckpt.sha256"}
    assert steps[0] == ("download", 0, len(CONTENT))
    assert steps[-1] == ("download", len(CONTENT), len(CONTENT))
    assert [step[1] for step in steps] == sorted(step[1] for step in steps)
    assert get(source, silent) == path
    assert len(server.asked) == 1
    assert check_digest(path, source) == ""


def test_git_digests_are_those_of_git(server, source, tmp_path):
    digest = hashlib.sha1(b"blob %d\0" % len(CONTENT) + CONTENT).hexdigest()
    assert get(replace(source, digest=f"git:{digest}"), silent).is_file()


def test_no_such_file(server, source, tmp_path):
    server.fault = "absent"
    with pytest.raises(ModelError, match="the server says 404"):
        get(source, silent)
    assert left(tmp_path) == {}


def test_half_a_file_is_kept_and_the_next_attempt_goes_on(server, source, tmp_path):
    server.fault = "cut"
    with pytest.raises(ModelError, match=r"\d+ bytes are kept; the same command goes on from there"):
        get(source, silent)
    half = left(tmp_path)["w.ckpt.part"]
    assert 0 < half < len(CONTENT)
    assert "w.ckpt" not in left(tmp_path)
    server.fault = ""
    steps = []
    path = get(source, lambda *step: steps.append(step))
    assert path.read_bytes() == CONTENT
    assert server.asked[-1]["Range"] == f"bytes={half}-"
    assert steps[0] == ("download", half, len(CONTENT))
    assert set(left(tmp_path)) == {"w.ckpt", "w.ckpt.sha256"}


def test_another_file_on_the_server_is_not_joined_to_the_half(server, source, tmp_path):
    server.fault = "cut"
    with pytest.raises(ModelError):
        get(source, silent)
    server.fault, server.content = "", CONTENT[::-1]
    digest = "sha256:" + hashlib.sha256(server.content).hexdigest()
    assert get(replace(source, digest=digest), silent).read_bytes() == server.content


def test_without_a_validator_nothing_is_resumed(server, source, tmp_path):
    server.fault = "untagged"
    with pytest.raises(ModelError):
        get(source, silent)
    server.fault = ""
    assert get(source, silent).read_bytes() == CONTENT
    assert "Range" not in server.asked[-1]


def test_more_than_the_server_has_is_thrown_away(server, source, tmp_path):
    server.fault = "cut"
    with pytest.raises(ModelError):
        get(source, silent)
    server.fault = "short"
    with pytest.raises(ModelError, match="which was deleted; try again"):
        get(source, silent)
    assert left(tmp_path) == {}


def test_a_wrong_digest_leaves_nothing(server, source, tmp_path):
    server.content = CONTENT[:-1] + b"!"
    with pytest.raises(ModelError, match=r"whose digest is sha256:\w+; wanted sha256:\w+\. It was deleted"):
        get(source, silent)
    assert left(tmp_path) == {}


def test_a_web_page_is_no_file(server, source, tmp_path):
    server.fault = "page"
    with pytest.raises(ModelError, match="gave a web page"):
        get(source, silent)
    assert left(tmp_path) == {}


def test_no_network(source, server, tmp_path):
    server.shutdown()
    server.server_close()
    with pytest.raises(
        ModelError, match=r"^127\.0\.0\.1 cannot be reached; is there a network\? Nothing came\.$"
    ):
        get(source, silent)
    assert left(tmp_path) == {}


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (requests.exceptions.ProxyError, "h.org cannot be reached: the proxy does not answer. Nothing came."),
        (
            requests.exceptions.SSLError,
            "h.org cannot be trusted: its certificate is not valid here. Nothing came.",
        ),
        (requests.exceptions.ConnectTimeout, "h.org does not answer. Nothing came."),
        (requests.exceptions.ReadTimeout, "h.org does not answer. Nothing came."),
        (requests.exceptions.ChunkedEncodingError, "h.org broke off. Nothing came."),
        (requests.exceptions.ConnectionError, "h.org cannot be reached; is there a network? Nothing came."),
        (requests.exceptions.InvalidURL, "h.org cannot be asked (InvalidURL). Nothing came."),
    ],
)
def test_what_a_network_does_is_said_in_one_short_line(source, monkeypatch, fault, words):
    def failing(*_, **__):
        raise fault("HTTPSConnectionPool(host='h.org', port=443): Max retries exceeded " * 9)

    monkeypatch.setattr(requests, "get", failing)
    with pytest.raises(ModelError) as caught:
        get(replace(source, url="https://h.org/w.ckpt"), silent)
    assert str(caught.value) == words


def test_what_has_no_address_says_how_to_get_it(source, server):
    with pytest.raises(
        ModelError, match="cannot be downloaded: ask the author; then use it with --weights FILE"
    ):
        get(replace(source, url=None, note="ask the author"), silent)
    for source in SOURCES:
        assert source.url or "download" in source.note
    named = {source.name for source in SOURCES}
    assert {row.name for row in CATALOG if row.weights == "file"} <= named


def test_a_folder_that_cannot_be_written(source, server, tmp_path):
    (tmp_path / "weights").write_text("in the way")
    with pytest.raises(OutputError, match="cannot be written"):
        get(source, silent)


# -- the command ---------------------------------------------------------------------------------------


@pytest.fixture
def listed(source, monkeypatch):
    """`source` and one whose project published no digest, as all that is known."""
    rows = (source, replace(source, name="raft-sintel", file="r.pth", digest=""))
    monkeypatch.setattr(sources, "SOURCES", rows)
    return rows


def test_get_and_verify(listed, server, tmp_path, capsys):
    assert main(["models", "get", "animeinterp", "-q"]) == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "weights" / "w.ckpt")
    assert weights_of("animeinterp") == tmp_path / "weights" / "w.ckpt"
    assert main(["models", "get", "raft-sintel", "-q"]) == 0
    assert "published no digest" in capsys.readouterr().err
    assert main(["models", "verify"]) == 0
    assert capsys.readouterr().out.count("whole") == 2
    for file in ("w.ckpt", "r.pth"):
        path = tmp_path / "weights" / file
        path.write_bytes(path.read_bytes()[:-1])
    assert main(["models", "verify"]) == 1
    heard = capsys.readouterr()
    assert heard.out.count("its digest is") == 2
    assert "2 of the files" in heard.err
    assert main(["models", "get", "animeinterp", "-q"]) == 1
    assert "is damaged" in capsys.readouterr().err


def test_get_fails_in_one_line(listed, server, capsys):
    server.fault = "absent"
    for words, complaint in (
        (["animeinterp"], "404"),
        (["animeinterp", "--variant", "style"], "has no variant 'style'"),
        (["rief"], "no weights of 'rief' are known"),
    ):
        assert main(["models", "get", "-q", *words]) == 1
        message = capsys.readouterr().err
        assert complaint in message
        assert len(message.strip().splitlines()) == 1


def test_a_model_without_its_weights_says_how_to_get_them(listed, server):
    with pytest.raises(ModelError, match=r"`nakawari models get animeinterp` downloads them"):
        weights_of("animeinterp")
