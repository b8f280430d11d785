"""``gpu-sizer update``: newer data into the user's own folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gpu_sizer.errors import RequestError, printable

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
    from gpu_sizer.arena.own import folder, from_file, from_hub
    from gpu_sizer.files import write_file

    place = folder()
    if place is None:
        raise RequestError("there is no folder of your own to write to: HOME and XDG_DATA_HOME name no absolute path")
    update = from_file(file, category) if file is not None else from_hub(category)
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RequestError(f"{place}: {error.strerror or 'cannot be made'}") from None
    write_file(place / update.name, update.content)
    days = "1 table" if update.days == 1 else f"{update.days} tables"
    span = update.last if update.first == update.last else f"{update.first} to {update.last}"
    typer.echo(printable(f"{days} of the Arena ({update.category}, {span}) in {place / update.name}"))
