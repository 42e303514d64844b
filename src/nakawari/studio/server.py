"""The studio as a web server on this machine: the page, its guard, and its life."""

from __future__ import annotations

import secrets
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from nakawari.errors import OutputError
from nakawari.studio.guard import Guard
from nakawari.studio.routes import routes
from nakawari.studio.studio import Studio

STATIC = Path(__file__).parent / "static"


def build(studio: Studio, token: str, port: int) -> ASGIApp:
    """The application; it closes the studio when it ends."""

    @asynccontextmanager
    async def life(_app: Starlette) -> AsyncIterator[None]:
        yield
        studio.close()

    async def page(_request: Request) -> Response:
        return FileResponse(STATIC / "index.html")

    app = Starlette(
        routes=[Route("/", page), *routes(studio), Mount("/static", StaticFiles(directory=STATIC))],
        lifespan=life,
    )
    return Guard(app, token, port)


def serve(studio: Studio, port: int, ready: Callable[[str], None]) -> None:
    """Serve until interrupted.

    Args:
        studio: what is served; closed at the end.
        port: on 127.0.0.1; 0: any that is free.
        ready: is told the address to open, once it answers.

    Raises:
        OutputError: the port is taken.
    """
    # Named, so that asyncio sends small answers at once (it looks for TCP by this number).
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError as error:
        listener.close()
        studio.close()
        raise OutputError(
            f"port {port} cannot be used ({error.strerror}). Choose another: --port 0 takes one that is free."
        ) from error
    with listener:
        port = listener.getsockname()[1]
        token = secrets.token_urlsafe(24)
        config = uvicorn.Config(
            build(studio, token, port),
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=2,
        )
        server = _Server(config, studio, lambda: ready(f"http://127.0.0.1:{port}/#{token}"))
        server.run(sockets=[listener])


class _Server(uvicorn.Server):
    """Says when it answers, and lets those go who listen, before it ends."""

    def __init__(self, config: uvicorn.Config, studio: Studio, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._studio = studio
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._studio.hush()
        await super().shutdown(sockets)
