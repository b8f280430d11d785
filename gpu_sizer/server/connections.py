"""Connections that callers cannot hold: a request's head comes within a time, and there are only so many at once."""

from __future__ import annotations

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

#: Seconds in which the line and the headers of a request must have arrived.
HEAD_SECONDS = 10.0
#: Connections at once.
MOST_CONNECTIONS = 1000
#: Connections that wait to be taken, and are all taken before the first of them is looked at.
BACKLOG = 128
#: Files that a process needs beside its connections.
_OTHER_FILES = 64


def most_connections() -> int:
    """Connections at once: fewer where the system allows a process few files."""
    try:
        from resource import RLIM_INFINITY, RLIMIT_NOFILE, getrlimit
    except ImportError:
        return MOST_CONNECTIONS
    files, _ = getrlimit(RLIMIT_NOFILE)
    if files == RLIM_INFINITY:
        return MOST_CONNECTIONS
    return min(MOST_CONNECTIONS, max(files // 4, files - _OTHER_FILES - BACKLOG))


class HurriedConnection(H11Protocol):
    """A connection of uvicorn's that is cut where the head of its next request does not arrive in time.

    Where there are as many as there may be, the one that has kept us waiting longest makes room for the next.
    """

    #: Connections whose next head has begun, or whose first has not, those first that began first.
    _waiting: dict[HurriedConnection, None] = {}  # noqa: RUF012 - all connections of the process share it

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._cut: asyncio.TimerHandle | None = None
        self._most = most_connections()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Takes a connection, or refuses it."""
        if len(self.connections) >= self._most:
            if (oldest := next(iter(self._waiting), None)) is not None:
                oldest.cut()
            else:
                self.transport = transport
                transport.abort()
                return
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Reads what came."""
        super().data_received(data)
        if self.conn.their_state is h11.IDLE and not self.transport.is_closing():
            self._wait()
        else:
            self._done()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forgets the connection."""
        self._done()
        super().connection_lost(exc)

    def cut(self) -> None:
        """Ends the connection at once."""
        self._done()
        self.connections.discard(self)
        self.transport.abort()

    def _wait(self) -> None:
        if self._cut is None:
            self._cut = self.loop.call_later(HEAD_SECONDS, self.cut)
            self._waiting[self] = None

    def _done(self) -> None:
        if self._cut is not None:
            self._cut.cancel()
            self._cut = None
        self._waiting.pop(self, None)
