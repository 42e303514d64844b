"""Who may ask: the studio's own page, on this machine, with the token that was printed at the start.

Any page in the browser may send requests to 127.0.0.1, and a hostile name can be made to mean it. So three
things are asked for, before anything else happens:
    Host      is a loopback name with our port: a page of `evil.example` that resolves to us says its own
    Origin    where a browser sends one, is ours; `Sec-Fetch-Site`, where sent, is that of our own page
    token     for everything under /api, in the Authorization header, which no other page can know or set
The token reaches the page in the fragment of its address, which browsers neither send nor pass on.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "media-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Nothing is loaded from other hosts, nothing runs that is not a file of ours, and nobody frames us."""
HEADERS = {
    b"content-security-policy": POLICY.encode(),
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"no-referrer",
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
}


class Guard:
    """ASGI middleware that lets only our own page through."""

    def __init__(self, app: ASGIApp, token: str, port: int) -> None:
        self._app = app
        self._token = token
        self._hosts = {f"{name}:{port}" for name in LOOPBACK} | (set(LOOPBACK) if port == 80 else set())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it with a refusal."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return  # no websockets here
        refusal = self._refusal(scope)
        if refusal:
            status, words = refusal
            from starlette.responses import JSONResponse

            response = JSONResponse({"error": words}, status)
            await response(scope, receive, _guarded(send))
            return
        await self._app(scope, receive, _guarded(send))

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        if headers.get("host", "") not in self._hosts:
            return 421, "the studio answers only to its own address on this machine."
        origin = headers.get("origin")
        if origin is not None and origin.removeprefix("http://") not in self._hosts:
            return 403, "another site's page may not use the studio."
        api = scope["path"].startswith("/api")
        if api and headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            return 403, "another site's page may not use the studio."
        if api:
            scheme, _, token = headers.get("authorization", "").partition(" ")
            right = secrets.compare_digest(token.encode(), self._token.encode())
            if scheme.lower() != "bearer" or not right:
                return 401, "the token is missing or wrong; open the address that the studio printed."
        return None


def _guarded(send: Send) -> Send:
    """The same `send`, with our headers on every answer."""

    async def add(message: Message) -> None:
        if message["type"] == "http.response.start":
            given = list(message.get("headers", ()))
            names = {name.lower() for name, _ in given}
            given += [(name, value) for name, value in HEADERS.items() if name not in names]
            if b"cache-control" not in names:
                given.append((b"cache-control", b"no-store"))
            message = {**message, "headers": given}
        await send(message)

    return add
