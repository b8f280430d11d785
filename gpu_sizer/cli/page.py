"""``gpu-sizer page``: the static site, for any web server."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gpu_sizer.files import write_file


def page(
    output: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="The folder of the site.")],
    pyodide: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="The folder of Pyodide's npm package (npm i pyodide): its files go beside the page."
        ),
    ] = None,
) -> None:
    """Write the web page as a static site in which the engine runs in the visitor's browser."""
    from gpu_sizer.page.site import site

    files = site(pyodide)
    for name, data in files.items():
        write_file(output / name, data, parents=True)
    size = sum(map(len, files.values()))
    typer.echo(f"gpu-sizer: wrote {len(files)} files ({size / 1e6:.1f} MB) to {output}", err=True)
    if pyodide is None:
        typer.echo(
            "gpu-sizer: without an engine: npm i pyodide, then --pyodide node_modules/pyodide puts it beside the page",
            err=True,
        )
