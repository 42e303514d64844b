"""Downloads that are whole or not there: resumed where they broke off, checked, renamed at the end.

What has come lies under NAME.part, with the server's validator (ETag or date) beside it: a second attempt
asks for the rest only if the server still has the same file.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from nakawari.errors import ModelError, OutputError
from nakawari.models.sources import BLOCK, Source, digest_of, note_digest, weights_folder
from nakawari.optional import need

if TYPE_CHECKING:
    import requests

Progress = Callable[[str, int, "int | None"], None]
"""Is told (stage, bytes that are here, bytes of the whole or None)."""

TIMEOUT_S = (10, 60)
"""To connect, and between two blocks."""


def get(source: Source, progress: Progress) -> Path:
    """Download a file into the weights folder, unless it is there.

    Args:
        source: what, and where from.
        progress: is told the stage "download".

    Returns:
        where it lies.

    Raises:
        ModelError: it has no public address, the server has no such file, the network fails, or what came
            is not what was published. What came of a broken download stays, and the next attempt goes on.
        OutputError: the folder cannot be written to.
    """
    path = weights_folder() / source.file
    if path.is_file():
        return path
    if source.url is None:
        raise ModelError(
            f"{source.name} cannot be downloaded: {source.note}; then use it with --weights FILE."
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = _fetch(source.url, path, progress)
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror or error}.") from error
    if source.digest:
        found = digest_of(part, source.digest.partition(":")[0])
        if found != source.digest:
            _forget(part)
            raise ModelError(
                f"{source.url} gave a file whose digest is {found}; wanted {source.digest}. It was deleted."
            )
    part.replace(path)
    _validator(part).unlink(missing_ok=True)
    note_digest(path)
    return path


def _fetch(url: str, path: Path, progress: Progress) -> Path:
    """Bring `path`.part to its full length."""
    requests: Any = need("requests")
    part = path.with_name(path.name + ".part")
    have = part.stat().st_size if part.is_file() and _validator(part).is_file() else 0
    headers = {"Accept-Encoding": "identity"}  # or lengths would be those of something else
    if have:
        headers |= {"Range": f"bytes={have}-", "If-Range": _validator(part).read_text(encoding="utf-8")}
    try:
        with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT_S) as answer:
            if answer.status_code == 416:
                _forget(part)
                raise ModelError(f"{url} is shorter than what lies in {part}, which was deleted; try again.")
            _check(answer, url)
            resumed = answer.status_code == 206
            have = have if resumed else 0
            length = answer.headers.get("Content-Length")
            total = None if length is None else have + int(length)
            _note_validator(part, answer)
            progress("download", have, total)
            with part.open("ab" if resumed else "wb") as file:
                for block in answer.iter_content(BLOCK):
                    file.write(block)
                    have += len(block)
                    progress("download", have, total)
    except requests.RequestException as error:
        raise ModelError(f"{urlsplit(url).hostname} {_fault(error)} {_left(part)}") from error
    if total is not None and have != total:
        raise ModelError(f"{url} broke off after {have} of {total} bytes. {_left(part)}")
    return part


def _fault(error: requests.RequestException) -> str:
    """What a host did, in a few words: what the libraries below say fills lines (`--debug` shows it)."""
    faults = need("requests").exceptions
    for kind, words in (
        (faults.ProxyError, "cannot be reached: the proxy does not answer."),
        (faults.SSLError, "cannot be trusted: its certificate is not valid here."),
        (faults.Timeout, "does not answer."),
        (faults.ChunkedEncodingError, "broke off."),
        (faults.ConnectionError, "cannot be reached; is there a network?"),
    ):
        if isinstance(error, kind):
            return words
    return f"cannot be asked ({type(error).__name__})."


def _check(answer: requests.Response, url: str) -> None:
    if answer.status_code not in (200, 206):
        raise ModelError(f"{url} cannot be downloaded: the server says {answer.status_code} {answer.reason}.")
    if answer.headers.get("Content-Type", "").startswith("text/html"):
        raise ModelError(f"{url} gave a web page, not a file; open it in a browser and use --weights FILE.")


def _left(part: Path) -> str:
    kept = part.stat().st_size if part.is_file() else 0
    return f"{kept} bytes are kept; the same command goes on from there." if kept else "Nothing came."


def _validator(part: Path) -> Path:
    return part.with_name(part.name + ".tag")


def _note_validator(part: Path, answer: requests.Response) -> None:
    tag = answer.headers.get("ETag") or answer.headers.get("Last-Modified")
    if tag and not tag.startswith("W/"):
        _validator(part).write_text(tag, encoding="utf-8")
    else:  # nothing to ask with whether it is still the same file: no resuming
        _validator(part).unlink(missing_ok=True)


def _forget(part: Path) -> None:
    part.unlink(missing_ok=True)
    _validator(part).unlink(missing_ok=True)
