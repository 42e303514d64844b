"""Files that were dropped on the page: written beside the projects, within limits, whole or not at all."""

from __future__ import annotations

import asyncio
import re
import secrets
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from nakawari.cels.files import SUFFIXES as CELS
from nakawari.cels.files import is_cel
from nakawari.errors import InputError, OutputError
from nakawari.studio.guides import MOST_BYTES
from nakawari.studio.roots import safe_name
from nakawari.video.images import SUFFIXES

if TYPE_CHECKING:
    from starlette.requests import Request

    from nakawari.studio.studio import Studio

VIDEOS = (
    ".mp4",
    ".m4v",
    ".mov",
    ".mkv",
    ".webm",
    ".avi",
    ".gif",
    ".apng",
    ".y4m",
    ".ts",
    ".mpg",
    ".wmv",
    ".flv",
)
MOST_FILES = 20_000
"""Files of one drop."""
LEFT_FREE = 256 << 20
"""Bytes of the disk that uploads leave free."""
_BATCH = re.compile(r"[a-z0-9]{8,32}")


async def receive(studio: Studio, request: Request, batch: str, name: str) -> Path:
    """Write what is sent to a file of its batch.

    Raises:
        InputError: it is no name, no kind that is opened here, or too much.
        OutputError: the disk is full.
    """
    if not _BATCH.fullmatch(batch):
        raise InputError("there is no such batch of uploads.")
    kept = safe_name(name)
    if Path(kept).suffix.lower() not in (*SUFFIXES, *VIDEOS, ".json"):
        raise InputError(f"{kept} is no clip, image or project.")
    folder = studio.store.folder / "uploads" / batch
    folder.mkdir(exist_ok=True)
    files = await asyncio.to_thread(lambda: [p.stat().st_size for p in folder.iterdir()])
    room = studio.upload_limit - sum(files)
    if len(files) >= MOST_FILES or _announced(request) > room:
        raise _too_much(studio)
    if shutil.disk_usage(folder).free - _announced(request) < LEFT_FREE:
        raise OutputError("there is too little room on the disk for what was dropped.")
    await _write(request, folder / kept, room, _too_much(studio))
    return folder / kept


async def receive_guide(studio: Studio, request: Request, project: str, name: str) -> Path:
    """Write a picture that is handed in as a rough to a file of its own beside those of its project.

    Raises:
        InputError: it is no name, no kind of picture that is read here, or too large.
        OutputError: the disk is full.
    """
    kept = safe_name(name)
    if not is_cel(Path(kept)):
        raise InputError(f"{kept} is no picture that is read here; wanted {', '.join(s[1:] for s in CELS)}.")
    room = min(MOST_BYTES, studio.upload_limit)
    refusal = InputError(f"{kept} is larger than {room >> 20} MiB; wanted a picture of one drawing.")
    if _announced(request) > room:
        raise refusal
    folder = studio.store.guides(project)
    folder.mkdir(exist_ok=True)
    target = folder / f"{secrets.token_hex(4)} {kept}"
    await _write(request, target, room, refusal)
    return target


async def _write(request: Request, target: Path, room: int, refusal: InputError) -> None:
    """Write what is sent, whole or not at all; raises `refusal` where it is more than `room` bytes."""
    part = target.with_name(f".{target.name}.part")
    whole = False
    try:
        with part.open("wb") as file:
            async for data in request.stream():
                room -= len(data)
                if room < 0:
                    raise refusal
                await asyncio.to_thread(file.write, data)
        part.replace(target)
        whole = True
    except OSError as error:
        raise OutputError(f"{target.name} cannot be kept ({error.strerror}).") from error
    finally:
        if not whole:
            part.unlink(missing_ok=True)


def _announced(request: Request) -> int:
    text = request.headers.get("content-length", "0")
    return int(text) if text.isdigit() else 0


def _too_much(studio: Studio) -> InputError:
    limit = studio.upload_limit >> 20
    return InputError(
        f"more than {limit} MiB were dropped; open them by their path, or raise --upload-limit."
    )
