"""The command ``update``: newer data into the user's own folder."""

from __future__ import annotations

import datetime
import os
from pathlib import Path
from typing import Annotated

import typer

from gpu_sizer.cards.catalogue import MACHINES
from gpu_sizer.cards.fleet import fleet, user_folder
from gpu_sizer.cards.writing import to_yaml, write_atomically
from gpu_sizer.cli import options as o
from gpu_sizer.cli.output import print_lines
from gpu_sizer.errors import RequestError
from gpu_sizer.reports.selecting import last_day

app = typer.Typer(no_args_is_help=True, help="Newer data into your own folder, without a release of ours.")


@app.callback()
def _update() -> None:
    """Newer data into your own folder, without a release of ours."""


@app.command()
def machines(
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", help="A cloud's vms.csv in SkyPilot's catalogue format.")],
    provider: Annotated[
        str | None, typer.Option("--provider", metavar="P", help="Whose it is. Default: the name of its folder.")
    ] = None,
    date: Annotated[
        str | None, typer.Option("--date", metavar="DATE", help="When its prices held. Default: the file's own date.")
    ] = None,
) -> None:
    """Take machines and prices from a catalogue file, such as ~/.sky/catalogs/v8/aws/vms.csv."""
    from gpu_sizer.importers.skypilot import read_catalogue

    if str(file).startswith(("http:", "https:")):
        raise RequestError(f"download it first: {str(file)[:80]!r} is an address, and a file is read")
    if not file.is_file():
        raise RequestError(f"{file}: {'not a file' if file.exists() else 'no such file'}")
    known, cards = fleet(o.cards()), o.cards()
    if provider is None:
        folder = file.resolve().parent.name
        if folder not in known.providers:
            raise RequestError(f"whose machines are these? --provider P; known: {', '.join(sorted(known.providers))}")
        provider = folder
    elif provider.isidentifier() and provider.islower() and provider not in known.providers:
        pass  # one that is not known yet
    else:
        provider = known.provider(provider)
    day = last_day(date) if date is not None else datetime.date.fromtimestamp(file.stat().st_mtime)
    read = read_catalogue(file, provider, known, {s.id: s for s in cards.gpus.all()}, day)
    place = Path(user_folder()) / MACHINES / f"{provider}.yaml"
    try:
        os.makedirs(place.parent, exist_ok=True)
        write_atomically(place, to_yaml(read.provider, comments=("Written by gpu-sizer update machines.",)))
    except OSError as error:
        raise RequestError(f"{place}: {error.strerror or error}") from None
    for remark in read.remarks:
        typer.echo(f"gpu-sizer: {remark}", err=True)
    print_lines([f"{len(read.provider.machines)} machines of {read.provider.name}, prices of {day}: {place}"])
