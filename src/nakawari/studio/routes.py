"""Addresses → answers. Nothing here takes long: what does is a job, and the page hears when it is done.

GET    /api/state                            what may be opened, models, projects, jobs
GET    /api/events                           changes of jobs, a line of JSON each, as long as one listens
GET    /api/files?path=                      what a folder holds
POST   /api/open                             {path, rate, fresh} → {id} and a job that looks at the clip
PUT    /api/uploads/BATCH/NAME               the bytes of a dropped file → {path}
GET    /api/projects/ID                      all that the ribbon shows
DELETE /api/projects/ID                      forget it (the clip stays)
POST   /api/projects/ID/edits                one edit → the project
POST   /api/projects/ID/undo, …/redo         → the project
GET    /api/projects/ID/plan, …/file         the plan for `smooth --plan`; the project's own file
GET    /api/projects/ID/shots/N              the output frames of a shot
GET    /api/projects/ID/frames/N?size=       a picture, or 202 and the job that decodes it
GET    /api/projects/ID/pairs/TARGET         ticks, model, chart, hints
GET    /api/projects/ID/pairs/TARGET/at/N-D  the picture at t = N/D, or 202 and the job that draws it
GET    …/pairs/TARGET/how/KIND/SIDE          what is laid over key SIDE: regions, flow or occlusion
PUT    …/pairs/TARGET/guide?t=N-D&name=      the bytes of a rough → a job whose result names it; with
                                             `draft` it is being drawn and need not be whole yet
GET    /api/projects/ID/guides/PICTURE       a rough
GET    …/pairs/TARGET/check                  what is wrong with its in-betweens, or 202 and the job
POST   /api/projects/ID/render               {output, …} → a job
DELETE /api/jobs/N                           leave a job
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from fractions import Fraction
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from nakawari import __version__
from nakawari.errors import InputError, ModelError, NakawariError
from nakawari.studio import edits, project_file, views
from nakawari.studio.crew import Job
from nakawari.studio.guides import file_of
from nakawari.studio.studio import Studio
from nakawari.studio.uploads import receive, receive_guide

MOST_JSON = 1 << 20
"""Bytes of a JSON body, at most."""
HEARTBEAT_S = 15.0
Endpoint = Callable[[Studio, Request], Awaitable[Response]]


def routes(studio: Studio) -> list[Route]:
    """All addresses under /api."""
    return [Route(f"/api/{path}", _safe(studio, end), methods=[method]) for method, path, end in TABLE]


def _safe(studio: Studio, endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
    """The endpoint, with what is wrong as one line of JSON."""

    async def answer(request: Request) -> Response:
        try:
            return await endpoint(studio, request)
        except (InputError, ModelError) as error:
            return JSONResponse({"error": " ".join(str(error).split())}, 400)
        except NakawariError as error:
            return JSONResponse({"error": " ".join(str(error).split())}, 500)

    return answer


async def _state(studio: Studio, request: Request) -> Response:
    recent = await asyncio.to_thread(studio.store.recent)
    return JSONResponse(
        {
            "version": __version__,
            "roots": [str(place) for place in studio.roots.places],
            "first": studio.first,
            "exports": str(studio.store.folder / "exports"),
            "upload_limit": studio.upload_limit,
            "models": studio.models(),
            "projects": recent,
            "jobs": [job.to_dict() for job in studio.crew.all()],
        }
    )


async def _events(studio: Studio, request: Request) -> Response:
    async def lines() -> AsyncIterator[bytes]:
        with studio.listen() as heard:
            for job in studio.crew.all():
                yield _line({"job": job.to_dict()})
            while True:
                try:
                    event = await asyncio.wait_for(heard.get(), HEARTBEAT_S)
                except TimeoutError:
                    yield b"\n"
                    continue
                if event is None:
                    return
                yield _line(event)

    return StreamingResponse(lines(), media_type="application/x-ndjson")


async def _files(studio: Studio, request: Request) -> Response:
    return JSONResponse(await asyncio.to_thread(studio.roots.list, request.query_params.get("path")))


async def _open(studio: Studio, request: Request) -> Response:
    words = await _body(request)
    rate = words.get("rate")
    found, job = await asyncio.to_thread(
        studio.opening.open, str(words.get("path", "")), None if rate is None else str(rate),
        words.get("fresh") is True,
    )  # fmt: skip
    return JSONResponse({"id": found, "job": None if job is None else job.to_dict()})


async def _upload(studio: Studio, request: Request) -> Response:
    batch, name = request.path_params["batch"], request.path_params["name"]
    try:
        path = await receive(studio, request, batch, name)
    except ClientDisconnect as error:
        raise InputError("the upload was cut off.") from error
    return JSONResponse({"path": str(path), "folder": str(path.parent)})


async def _project(studio: Studio, request: Request) -> Response:
    entry = await asyncio.to_thread(studio.store.get, request.path_params["id"])
    wrong = await asyncio.to_thread(studio.opening.check, entry.project)
    return JSONResponse(views.whole(entry) | {"wrong": wrong})


async def _forget(studio: Studio, request: Request) -> Response:
    await asyncio.to_thread(studio.store.remove, request.path_params["id"])
    return JSONResponse({})


async def _edit(studio: Studio, request: Request) -> Response:
    words = await _body(request)
    entry = await asyncio.to_thread(
        studio.store.edit, request.path_params["id"], lambda project: edits.apply(project, words)
    )
    return JSONResponse(views.whole(entry))


async def _undo(studio: Studio, request: Request) -> Response:
    return JSONResponse(views.whole(studio.store.step(request.path_params["id"], back=True)))


async def _redo(studio: Studio, request: Request) -> Response:
    return JSONResponse(views.whole(studio.store.step(request.path_params["id"], back=False)))


async def _plan(studio: Studio, request: Request) -> Response:
    made = studio.store.get(request.path_params["id"]).project
    text = await asyncio.to_thread(lambda: studio.plan(made).to_json())
    return _download(text, f"{made.name}.plan.json")


async def _project_file(studio: Studio, request: Request) -> Response:
    made = studio.store.get(request.path_params["id"]).project
    text = await asyncio.to_thread(project_file.write, made, studio.store.guides(made.id))
    return _download(text, f"{made.name}.nakawari.json")


async def _shot(studio: Studio, request: Request) -> Response:
    made = studio.store.get(request.path_params["id"]).project
    number = request.path_params["number"]
    if not number < len(made.reading.shots):
        raise InputError(f"there is no shot {number}.")
    return JSONResponse({"slots": views.timing(made, number)})


async def _frame(studio: Studio, request: Request) -> Response:
    made = studio.store.get(request.path_params["id"]).project
    number = request.path_params["number"]
    if not number < len(made.reading.times):
        raise InputError(f"there is no frame {number}.")
    return _picture(*studio.frame(made, number, thumb=request.query_params.get("size") == "thumb"))


async def _pair(studio: Studio, request: Request) -> Response:
    made = studio.store.get(request.path_params["id"]).project
    return JSONResponse(views.pair(made, request.path_params["target"]))


async def _between(studio: Studio, request: Request) -> Response:
    made = studio.store.get(request.path_params["id"]).project
    t, query = _time(request.path_params["t"]), request.query_params
    found = studio.between(
        made, request.path_params["target"], t, model=query.get("model"), ahead="ahead" in query
    )
    return _picture(*found)


async def _how(studio: Studio, request: Request) -> Response:
    made = studio.store.get(request.path_params["id"]).project
    words = request.path_params
    return _picture(*studio.how(made, words["target"], words["kind"], words["side"]))


async def _guide(studio: Studio, request: Request) -> Response:
    made = studio.store.get(request.path_params["id"]).project
    query, target = request.query_params, request.path_params["target"]
    t = _time(query.get("t", ""))
    views.pair(made, target)  # that there is one is known before anything is written
    try:
        upload = await receive_guide(studio, request, made.id, query.get("name", ""))
    except ClientDisconnect as error:
        raise InputError("the upload was cut off.") from error
    try:
        job = studio.guide(made, target, t, upload, whole="draft" not in query)
    except InputError:
        upload.unlink(missing_ok=True)
        raise
    return JSONResponse({"job": job.to_dict()}, 202)


async def _guide_picture(studio: Studio, request: Request) -> Response:
    made = studio.store.get(request.path_params["id"]).project
    path = studio.store.guides(made.id) / file_of(request.path_params["picture"])
    if not path.is_file():
        raise InputError("there is no such picture.")
    return _picture(path, None)


async def _check(studio: Studio, request: Request) -> Response:
    made = studio.store.get(request.path_params["id"]).project
    return _picture(*studio.check(made, request.path_params["target"]))


async def _render(studio: Studio, request: Request) -> Response:
    made = studio.store.get(request.path_params["id"]).project
    job = await asyncio.to_thread(studio.render, made, await _body(request))
    return JSONResponse({"job": job.to_dict()})


async def _leave(studio: Studio, request: Request) -> Response:
    return JSONResponse({"job": studio.crew.cancel(request.path_params["number"]).to_dict()})


TABLE: tuple[tuple[str, str, Endpoint], ...] = (
    ("GET", "state", _state),
    ("GET", "events", _events),
    ("GET", "files", _files),
    ("POST", "open", _open),
    ("PUT", "uploads/{batch}/{name}", _upload),
    ("GET", "projects/{id}", _project),
    ("DELETE", "projects/{id}", _forget),
    ("POST", "projects/{id}/edits", _edit),
    ("POST", "projects/{id}/undo", _undo),
    ("POST", "projects/{id}/redo", _redo),
    ("GET", "projects/{id}/plan", _plan),
    ("GET", "projects/{id}/file", _project_file),
    ("GET", "projects/{id}/shots/{number:int}", _shot),
    ("GET", "projects/{id}/frames/{number:int}", _frame),
    ("GET", "projects/{id}/pairs/{target:int}", _pair),
    ("GET", "projects/{id}/pairs/{target:int}/at/{t}", _between),
    ("GET", "projects/{id}/pairs/{target:int}/how/{kind}/{side:int}", _how),
    ("PUT", "projects/{id}/pairs/{target:int}/guide", _guide),
    ("GET", "projects/{id}/guides/{picture}", _guide_picture),
    ("GET", "projects/{id}/pairs/{target:int}/check", _check),
    ("POST", "projects/{id}/render", _render),
    ("DELETE", "jobs/{number:int}", _leave),
)


async def _body(request: Request) -> dict[str, Any]:
    """The JSON object that was sent.

    Raises:
        InputError: it is none, or too long.
    """
    data = b""
    async for part in request.stream():
        data += part
        if len(data) > MOST_JSON:
            raise InputError(f"more than {MOST_JSON} bytes of JSON were sent.")
    try:
        words = json.loads(data or b"{}")
    except (ValueError, RecursionError) as error:
        raise InputError("what was sent is not JSON.") from error
    if not isinstance(words, dict):
        raise InputError("what was sent is not a JSON object.")
    return words


def _time(text: str) -> Fraction:
    """A time between two keys, as it stands in addresses.

    Raises:
        InputError: it is none.
    """
    top, _, bottom = text.partition("-")
    try:
        t = Fraction(int(top), int(bottom))
    except (ValueError, ZeroDivisionError) as error:
        raise InputError("t is not N-D, such as 1-2.") from error
    if not 0 < t < 1 or t.denominator > 10**6:
        raise InputError(f"t is {t}; wanted between 0 and 1.")
    return t


def _picture(path: Any, job: Job | None) -> Response:
    if job is not None:
        return JSONResponse({"job": job.to_dict()}, 202)
    return FileResponse(path, headers={"cache-control": "private, max-age=3600"})


def _download(text: str, name: str) -> Response:
    kept = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "_" for c in name)
    headers = {"content-disposition": f'attachment; filename="{kept}"'}
    return Response(text, media_type="application/json", headers=headers)


def _line(event: dict[str, Any]) -> bytes:
    return json.dumps(event).encode() + b"\n"
