"""``gpu-sizer page``: the static site, for any web server."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gpu_sizer.errors import RequestError
from gpu_sizer.files import write_file


def page(
    output: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="The folder of the site.")],
    pyodide: Annotated[
        str | None,
        typer.Option(
            metavar="FOLDER|URL",
            help="The folder of Pyodide's npm package (npm i pyodide), whose files go beside the page; or the address"
            " from which they are loaded.",
        ),
    ] = None,
    pinned: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="With an address: a copy of what lies there, to whose hashes it is held."),
    ] = None,
) -> None:
    """Write the web page as a static site in which the engine runs in the visitor's browser."""
    from gpu_sizer.page.site import site, wheels_hint

    address = pyodide if pyodide is not None and "://" in pyodide else None
    if address is not None and pinned is None:
        raise RequestError(
            "what is loaded from an address is held to its hashes: --pinned FOLDER names a copy of it"
            " (npm i pyodide, of the same version)"
        )
    if address is None and pinned is not None:
        raise RequestError("--pinned goes with --pyodide URL, the address from which those files are loaded")
    folder = pinned if address is not None else Path(pyodide) if pyodide is not None else None
    files = site(folder, address)
    for name, data in files.items():
        write_file(output / name, data, parents=True)
    size = sum(map(len, files.values()))
    typer.echo(f"gpu-sizer: wrote {len(files)} files ({size / 1e6:.1f} MB) to {output}", err=True)
    if folder is not None and (hint := wheels_hint(folder)) is not None:
        typer.echo(
            f"gpu-sizer: visitors can drop a config.json or a log; for model cards in YAML, too: {hint}; then again",
            err=True,
        )
    if pyodide is None:
        typer.echo(
            "gpu-sizer: without an engine: npm i pyodide, then --pyodide node_modules/pyodide puts it beside the page",
            err=True,
        )
