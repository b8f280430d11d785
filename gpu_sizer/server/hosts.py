"""The names by which a server is asked: a page in a browser reaches it by no other.

A page of elsewhere whose own name was made to lead here (DNS rebinding) sends that name as the host.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable
from http import HTTPStatus
from ipaddress import ip_address

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from gpu_sizer.server.errors import error_object

#: The addresses that only this machine reaches.
LOOPBACK = ("127.0.0.1", "::1", "localhost")
#: Listens on every address of the machine: any of them may be asked.
EVERY_ADDRESS = ("0.0.0.0", "::", "")
#: The names of the server, for workers that are started from the environment.
HOSTS_VARIABLE = "GPU_SIZER_SERVER_HOSTS"
#: Stands for any address of figures.
ANY_ADDRESS = "*"


def host_names(host: str, others: Iterable[str] = ()) -> tuple[str, ...]:
    """The names by which a server may be asked that listens on a host; ``others`` are those of a proxy before it."""
    names = [*LOOPBACK] if host in (*LOOPBACK, *EVERY_ADDRESS) else [host]
    if host in EVERY_ADDRESS:
        names += [ANY_ADDRESS, socket.gethostname(), socket.getfqdn()]
    return tuple(dict.fromkeys(n.lower().rstrip(".") for n in (*names, *others) if n))


def told_hosts() -> tuple[str, ...]:
    """The names that the environment tells; none where any will do."""
    return tuple(h for h in os.environ.get(HOSTS_VARIABLE, "").split(",") if h)


def _name(header: str) -> str:
    """A host without its port and brackets."""
    name, colon, port = header.strip().lower().rpartition(":")
    whole = name if colon and port.isdigit() and not name.endswith(":") else header.strip().lower()
    return whole.removeprefix("[").removesuffix("]").rstrip(".")


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


class HostCheck:
    """ASGI middleware that refuses requests to another host; one that names none (HTTP/1.0) asks whom it reaches."""

    def __init__(self, app: ASGIApp, names: tuple[str, ...]) -> None:
        self._app, self._names = app, frozenset(names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        told = [value.decode("latin-1") for key, value in scope.get("headers", ()) if key == b"host"]
        if scope["type"] != "http" or all(self._is_ours(_name(host)) for host in told):
            await self._app(scope, receive, send)
            return
        message = f"this server is not called {told[0][:60]!r}; --allow-host adds a name to those that it answers to"
        await JSONResponse(error_object("invalid", message), HTTPStatus.MISDIRECTED_REQUEST)(scope, receive, send)

    def _is_ours(self, name: str) -> bool:
        return name in self._names or (ANY_ADDRESS in self._names and _is_address(name))
