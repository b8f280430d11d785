"""Starting the HTTP server: one socket, one or several workers that know nothing of one another, an orderly end."""

from __future__ import annotations

import math
import os
import signal
import socket
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from tempfile import TemporaryDirectory

from gpu_sizer.errors import RequestError

#: Seconds beyond the longest answer that a server which ends waits for what is under way.
_GRACE = 2


def listen(host: str, port: int) -> socket.socket:
    """A listening socket.

    Raises:
        RequestError: no such address, or the port is taken or not allowed.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listening = socket.create_server((host, port), family=family)
        # Every connection has it from here: an answer is sent when it is there, not when the last was acknowledged.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listening
    except (OSError, OverflowError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise RequestError(f"cannot listen on {host} port {port}: {reason}") from None


def serve(host: str, port: int, workers: int, seconds: float, names: Sequence[str] = ()) -> None:
    """Serves until it is told to end (SIGTERM, Ctrl-C); answers under way are finished first.

    Args:
        host: address to listen on; 127.0.0.1 is reached from this machine alone.
        port: to listen on; 0 takes a free one.
        workers: processes that share the port.
        seconds: that one answer may take.
        names: by which it is asked beside those of the address, as through a proxy.

    Raises:
        CardError: a card of the operator's own folders that cannot be used.
        RequestError: the server's packages are not installed, or the address cannot be listened on.
    """
    try:
        import uvicorn

        from gpu_sizer.server.connections import BACKLOG, HurriedConnection
        from gpu_sizer.server.hosts import HOSTS_VARIABLE, LOOPBACK, host_names
        from gpu_sizer.server.http import SECONDS_VARIABLE
        from gpu_sizer.server.metrics import SHARED_VARIABLE
    except ModuleNotFoundError as error:
        raise RequestError(f"the server needs {error.name}: pip install 'gpu-sizer[server]'") from None
    from gpu_sizer.server.calls import warm_up

    warm_up()
    with ExitStack() as until_end:
        listening = until_end.enter_context(listen(host, port))
        shown = f"[{host}]" if ":" in host else host
        sys.stderr.write(f"gpu-sizer: serving on http://{shown}:{listening.getsockname()[1]}\n")
        if host not in LOOPBACK:
            sys.stderr.write("gpu-sizer: other machines can reach it, and it asks nobody for a password\n")
        os.environ[SECONDS_VARIABLE] = repr(seconds)
        os.environ[HOSTS_VARIABLE] = ",".join(host_names(host, names))
        if workers > 1:
            folder = until_end.enter_context(TemporaryDirectory(prefix="gpu-sizer-"))
            os.environ[SHARED_VARIABLE] = folder
        # Told to end, a process that ended in order says so; uvicorn raises the signal again when it is done.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        uvicorn.run(
            "gpu_sizer.server.http:from_environment",
            factory=True,
            fd=listening.fileno(),
            http=HurriedConnection,
            backlog=BACKLOG,
            workers=workers,
            access_log=False,
            log_level="warning",
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=math.ceil(seconds) + _GRACE,
        )
