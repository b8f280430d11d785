"""``gpu-sizer update``: newer data into the user's own folder."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Annotated

import typer

from gpu_sizer.errors import RequestError, printable
from gpu_sizer.files import write_file
from gpu_sizer.own import own_folder
from gpu_sizer.units import amount

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Take newer data into your own folder; nothing else is touched."
)


@app.callback()
def _group() -> None:
    """Each kind of data is a command, one alone as well."""


@app.command()
def arena(
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FILE]",
            help="Tables of the Arena: its dataset as .parquet, .csv or .json, or any history that `arena` reads. "
            "Default: the Arena's dataset, fetched from the Hugging Face hub.",
        ),
    ] = None,
    category: Annotated[str, typer.Option(help="The category of votes to take.")] = "overall",
) -> None:
    """Take newer tables of the Chatbot Arena."""
    from gpu_sizer.arena.own import from_file, from_hub

    place = _own("arena")
    update = from_file(file, category) if file is not None else from_hub(category)
    _keep(place / update.name, update.content)
    days = amount(update.days, "table")
    span = update.last if update.first == update.last else f"{update.first} to {update.last}"
    typer.echo(printable(f"{days} of the Arena ({update.category}, {span}) in {place / update.name}"))


@app.command()
def cards(
    source: Annotated[
        str,
        typer.Argument(metavar="URL-or-FILE", help="An archive of cards (.tar.gz, .zip) with its SHA256SUMS."),
    ],
    sha256: Annotated[
        str | None, typer.Option("--sha256", metavar="HEX", help="The archive's own checksum, as published elsewhere.")
    ] = None,
) -> None:
    """Take newer model cards, GPU specs and re-releases: all of an archive, checked, or nothing of it."""
    from gpu_sizer.cards.updating import taken

    made = taken(source, _own("cards"), checksum=sha256)
    held = f"{made.cards} model cards, {made.gpus} GPU specs and {made.rereleases} re-releases"
    typer.echo(printable(f"{held} in {made.folder}; they go before what this version of the program ships"))


def _own(kind: str) -> Path:
    """The user's own folder for a kind of data.

    Raises:
        RequestError: there is none.
    """
    if (place := own_folder(kind)) is None:
        raise RequestError("there is no folder of your own to write to: HOME and XDG_DATA_HOME name no absolute path")
    return Path(place)


def _keep(file: Path, content: bytes) -> None:
    """Writes a file of the user's own folder, which is made where it is missing.

    Raises:
        RequestError: it cannot be written.
    """

    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RequestError(f"{file.parent}: {error.strerror or 'cannot be made'}") from None
    write_file(file, content)


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
    from gpu_sizer.cards.fleet import fleet
    from gpu_sizer.cards.folders import MACHINES
    from gpu_sizer.cards.writing import to_yaml
    from gpu_sizer.cli import options as o
    from gpu_sizer.importers.skypilot import read_catalogue
    from gpu_sizer.reports.selecting import last_day

    if str(file).startswith(("http:", "https:")):
        raise RequestError(f"download it first: {str(file)[:80]!r} is an address, and a file is read")
    written = _written(file)
    known, cards = fleet(o.cards()), o.cards()
    name = file.resolve().parent.name if provider is None else provider
    if provider is None and name not in known.providers:
        raise RequestError(f"whose machines are these? --provider P; known: {', '.join(sorted(known.providers))}")
    owner = known.provider(name)
    day = last_day(date) if date is not None else written
    read = read_catalogue(file, owner, known, {s.id: s for s in cards.gpus.all()}, day)
    place = _own(MACHINES) / f"{owner}.yaml"
    _keep(place, to_yaml(read.provider, comments=("Written by gpu-sizer update machines.",)).encode())
    for remark in read.remarks:
        typer.echo(f"gpu-sizer: {printable(remark)}", err=True)
    count = len(read.provider.machines)
    typer.echo(printable(f"{amount(count, 'machine')} of {read.provider.name}, prices of {day}, in {place}"))


def _written(file: Path) -> datetime.date:
    """The day on which a file was written last.

    Raises:
        RequestError: there is no such file.
    """

    try:
        return datetime.date.fromtimestamp(file.stat().st_mtime)
    except OSError as error:
        raise RequestError(f"{file}: {(error.strerror or 'cannot be read').lower()}") from None
