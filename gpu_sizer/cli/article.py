"""The command ``article``: one folder with the table, the charts, the data, and a draft whose numbers are computed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gpu_sizer.cli import completion
from gpu_sizer.cli import options as o
from gpu_sizer.cli import table as t
from gpu_sizer.load import ENGINE, LIMITS, LOAD
from gpu_sizer.reports.article.asked import BEGINS, COLUMNS, COMPANY, SMALLEST, asked, known


@o.takes(*LOAD, ENGINE, *LIMITS, unset=True)
def article(
    load: o.Given,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FOLDER", help="The folder to fill.")],
    as_of: Annotated[
        str | None, typer.Option(metavar="DATE", help="As it would have stood on a day: models released by then.")
    ] = None,
    gpus: Annotated[
        list[str] | None,
        typer.Option(
            "--gpu",
            metavar="ID,...",
            help="The first is what the text counts in.",
            autocompletion=completion.listed(completion.gpus),
        ),
    ] = None,
    models: t.Models = None,
    filter: t.Filter = None,
    organization: t.Organization = None,
    min_params: Annotated[
        str | None,
        typer.Option("--min-params", metavar="SIZE", help=f"Default: {SMALLEST}, unless models are named; 0 is all."),
    ] = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="DATE", help=f"Default: {BEGINS}, unless models are named.")
    ] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option("--columns", metavar="KEY,...", help="Further columns of the table: price, month, watts ..."),
    ] = None,
    provider: Annotated[
        str | None, typer.Option(help=f"Whose machines are priced in such columns. Default: {COMPANY}.")
    ] = None,
    title: Annotated[str | None, typer.Option(help="The headline.")] = None,
    dark: Annotated[bool, typer.Option("--dark", help="Also each chart for dark pages.")] = False,
    live: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS", help="Also a live table: the page at this address, in a frame below the table."
        ),
    ] = None,
) -> None:
    """The article itself: table in every format, charts, data, and a Markdown draft with methods and footnotes."""
    from gpu_sizer.cli.bar import bar
    from gpu_sizer.files import check_output
    from gpu_sizer.reports.article.folder import pictures, texts, write
    from gpu_sizer.reports.article.made import drafted, work
    from gpu_sizer.reports.tables.spec import keys_of

    check_output(output / "article.md", parents=True)
    cards = o.cards()
    wanted, unknown = known(o.names(models), cards)
    spec = asked(
        models=wanted,
        filter=filter,
        organization=organization,
        min_params=min_params,
        as_of=as_of,
        since=since,
        gpus=o.names(gpus),
        columns=None if columns is None else [*COLUMNS, *(o.names(columns) or ())],
        provider=provider,
        title=title,
        **keys_of(load),
    )
    frame = None
    if live is not None:
        from gpu_sizer.page.embed import table_frame

        frame = table_frame(live, spec, cards)
    with bar("sizing models", work(cards)) as advance:
        made, kept = drafted(spec, cards, unknown, advance)
    files = texts(made, kept, dark, _tell) | pictures(made, dark)
    if frame is not None:
        from gpu_sizer.page.embed import with_frame

        files["article.md"] = with_frame(files["article.md"].decode(), frame).encode()
    for path in write(output, files):
        _tell(f"wrote {path}")


def _tell(line: str) -> None:
    typer.echo(f"gpu-sizer: {line}", err=True)
