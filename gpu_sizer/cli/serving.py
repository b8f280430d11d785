"""The commands ``serve`` and ``mcp``: the library's calls over HTTP, and as tools of assistants."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from gpu_sizer.cards.catalogue import PATH_VARIABLE
from gpu_sizer.cli.shared import STATE


def _share_folders() -> None:
    """Tells the folders of ``--cards`` to what serves, worker processes included."""
    folders = [os.environ.get(PATH_VARIABLE, ""), *(os.path.abspath(folder) for folder in STATE.folders)]
    os.environ[PATH_VARIABLE] = os.pathsep.join(f for f in folders if f)


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on. Default: this machine alone.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")] = 8080,
    workers: Annotated[int, typer.Option(min=1, max=256, help="Processes that share the port.")] = 1,
    timeout: Annotated[float, typer.Option(min=0.1, max=3600, help="Seconds that one answer may take.")] = 30.0,
    allow_host: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="A further name by which it is asked (may be repeated).")
    ] = None,
) -> None:
    """Serve the page at /, and the calls under /v1: size, fit, speed, ask, rent, deploy, models, gpus, machines."""
    from gpu_sizer.server.running import serve as run

    _share_folders()
    run(host, port, workers, timeout, allow_host or ())


def mcp() -> None:
    """Serve the calls as tools of the Model Context Protocol, over stdin and stdout."""
    from gpu_sizer.server.mcp import serve_stdio

    _share_folders()
    serve_stdio()
