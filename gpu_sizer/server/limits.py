"""The limits of a request's body: how large it is and how long it takes to arrive."""

from __future__ import annotations

import asyncio
from http import HTTPStatus

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gpu_sizer.server.errors import error_object

#: Largest body, in bytes: a hundred times what any request needs.
MOST_BYTES = 64 * 1024
#: Seconds in which a body must have arrived.
SENDING_SECONDS = 10.0


class BodyLimit:
    """ASGI middleware that reads a body whole before anything else sees it, up to a size and within a time."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            async with asyncio.timeout(SENDING_SECONDS):
                body = await _read(receive)
        except TimeoutError:
            message = f"the body did not arrive within {SENDING_SECONDS:g} seconds"
            await _refuse(HTTPStatus.REQUEST_TIMEOUT, message)(scope, receive, send)
            return
        if body is None:
            message = f"the body is larger than {MOST_BYTES:,} bytes"
            await _refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, message)(scope, receive, send)
            return
        if body and not any(key == b"content-type" and value.strip() for key, value in scope["headers"]):
            # What else could it be; a page of elsewhere in a browser names another type, and is refused.
            kept = [(key, value) for key, value in scope["headers"] if key != b"content-type"]
            scope = {**scope, "headers": [*kept, (b"content-type", b"application/json")]}
        told = False

        async def replay() -> Message:
            nonlocal told
            if told:
                return await receive()
            told = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self._app(scope, replay, send)


async def _read(receive: Receive) -> bytes | None:
    """The body, null where it is too large; what a client that left had sent."""
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > MOST_BYTES:
            return None
        if not message.get("more_body", False):
            return bytes(body)


def _refuse(status: HTTPStatus, message: str) -> JSONResponse:
    # The rest of the body is not read, so the connection cannot be used again.
    return JSONResponse(error_object("invalid", message), status, {"Connection": "close"})
