"""The command ``table``: models and what they take, in the format that an editor takes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gpu_sizer.cli import completion
from gpu_sizer.cli import options as o
from gpu_sizer.cli.output import is_terminal, print_aside, print_lines
from gpu_sizer.errors import RequestError
from gpu_sizer.load import ENGINE, LIMITS, LOAD

if TYPE_CHECKING:
    from gpu_sizer.reports.tables.grid import Grid
    from gpu_sizer.reports.tables.spec import TableSpec

Models = Annotated[
    list[str] | None,
    typer.Option(
        "--models",
        metavar="ID,...",
        help="Models, separated by commas (may be repeated). Default: all.",
        autocompletion=completion.listed(completion.models),
    ),
]
Gpus = Annotated[
    list[str] | None,
    typer.Option(
        "--gpu",
        metavar="ID,...",
        help="GPUs, separated by commas (may be repeated); all is every one.",
        autocompletion=completion.listed(completion.gpus),
    ),
]
Filter = Annotated[str | None, typer.Option("--filter", help="Part of an id, name or organization.")]
Organization = Annotated[str | None, typer.Option("--organization", help="Part of the organization's name.")]
AsOf = Annotated[
    str | None, typer.Option(metavar="DATE", help="Only models released by this day: 2024-05-15, 2024-05, 2024.")
]
Since = Annotated[
    str | None, typer.Option("--since", metavar="DATE", help="Only models released on this day or later.")
]
MinParams = Annotated[str | None, typer.Option("--min-params", metavar="SIZE", help="At least so many parameters: 7b.")]
MaxParams = Annotated[str | None, typer.Option("--max-params", metavar="SIZE", help="At most so many parameters: 80b.")]


#: Which models a table or a chart is about, by the keys of a table's spec.
SELECTION: dict[str, tuple[Any, Any]] = {
    "models": (Models, None),
    "filter": (Filter, None),
    "organization": (Organization, None),
    "min_params": (MinParams, None),
    "max_params": (MaxParams, None),
    "since": (Since, None),
    "as_of": (AsOf, None),
}


@o.takes(*LOAD, ENGINE, *LIMITS, unset=True)
@o.gathers("selection", SELECTION)
def table(
    selection: o.Given,
    load: o.Given,
    gpus: Gpus = None,
    machine: o.Machine = None,
    columns: Annotated[
        list[str] | None,
        typer.Option(
            "--columns",
            metavar="KEY,...",
            help="What to show; help lists the columns.",
            autocompletion=completion.listed(completion.columns),
        ),
    ] = None,
    sort: Annotated[
        list[str] | None,
        typer.Option(
            "--sort",
            metavar="KEY,...",
            help="Columns or GPUs; -KEY: the largest first.",
            autocompletion=completion.either_way(completion.columns),
        ),
    ] = None,
    license: Annotated[str | None, typer.Option(help="Part of the licence's name: apache.")] = None,
    open: Annotated[bool, typer.Option("--open", help="Only models under an open-source licence.")] = False,
    moe: Annotated[bool, typer.Option("--moe", help="Only mixtures of experts.")] = False,
    group_by: Annotated[
        str | None, typer.Option(help="organization or year.", autocompletion=completion.of(("organization", "year")))
    ] = None,
    provider: Annotated[
        str | None,
        typer.Option(
            help="Whose machines are priced. Default: the cheapest of all.", autocompletion=completion.providers
        ),
    ] = None,
    transpose: Annotated[bool, typer.Option("--transpose", help="Models as columns.")] = False,
    title: Annotated[str | None, typer.Option(help="The caption.")] = None,
    spec: Annotated[
        Path | None, typer.Option("--spec", metavar="FILE.yaml", help="All of this from a file; options come on top.")
    ] = None,
    format: Annotated[
        str | None,
        typer.Option(
            "--format",
            "-f",
            help=f"{o.table_formats()}. Default: by -o, else rich.",
            autocompletion=completion.formats(),
        ),
    ] = None,
    standalone: Annotated[
        bool, typer.Option("--standalone", help="A whole page (html) or document (latex), not a part of one.")
    ] = False,
    output: Annotated[Path | None, o.written_to("Write the table here. Default: stdout.")] = None,
    engines: Annotated[
        list[str] | None,
        typer.Option(
            "--engines",
            metavar="NAME,...",
            help="A column of counts for each, or all.",
            autocompletion=completion.listed(completion.engines),
        ),
    ] = None,
) -> None:
    """A table of models: sizes, dates, and the GPUs that each takes."""
    from gpu_sizer.reports.tables.formats import format_of, render
    from gpu_sizer.reports.tables.spec import TableSpec, keys_of, make_spec, read_spec
    from gpu_sizer.words.uncounted import uncounted_lines

    keys = o.names(columns)
    if engines is not None:
        from gpu_sizer.reports.tables.engine_columns import with_engines
        from gpu_sizer.reports.tables.spec import DEFAULT_COLUMNS

        keys = list(with_engines(keys or DEFAULT_COLUMNS, o.names(engines) or ()))
    if keys == ["help"]:
        from gpu_sizer.reports.tables.columns import help_rows

        print_lines(f"{key:<14}{what}" for key, what in help_rows())
        return
    given: dict[str, Any] = {
        **selection,
        "title": title,
        "models": o.names(selection.get("models")),
        "license": license,
        "open": open or None,
        "moe": moe or None,
        "gpus": o.names(gpus),
        "machine": machine,
        "columns": keys,
        "sort": o.names(sort),
        "group_by": group_by,
        "provider": provider,
        "transpose": transpose or None,
        **keys_of(load),
    }
    form = format_of(format, output.suffix if output else None)
    wanted = make_spec(given, read_spec(spec) if spec is not None else TableSpec())
    if form == "xlsx" and output is None:
        raise RequestError("a spreadsheet goes to a file: add -o table.xlsx")
    grid = made(wanted)
    if form == "csv":
        print_aside(uncounted_lines(grid.uncounted))
    if output is not None:
        from gpu_sizer.files import write_file

        write_file(output, render(grid, form, standalone=standalone))
        typer.echo(f"gpu-sizer: wrote {output}", err=True)
    elif form == "rich" and not standalone:
        show(grid)
    else:
        sys.stdout.write(render(grid, form, standalone=standalone).decode())


def show(grid: Grid) -> None:
    """Prints a table: in colour where a person reads it."""
    if is_terminal():
        from gpu_sizer.reports.tables import terminal

        terminal.show(grid)
    else:
        from gpu_sizer.reports.tables.formats import render

        sys.stdout.write(render(grid, "rich").decode())


def made(spec: TableSpec) -> Grid:
    """The grid of a spec, with the Arena's ratings where it asks for them."""
    from gpu_sizer.cli.bar import bar
    from gpu_sizer.fast.forks import cores
    from gpu_sizer.reports.tables.build import build_table

    cards = o.cards()
    ratings: dict[str, float] | None = None
    basis: str | None = None
    if "arena" in spec.columns:
        from gpu_sizer.arena.scores import arena_table, scores
        from gpu_sizer.arena.sentences import basis as where_from

        found = arena_table(cards, spec.as_of)
        ratings, basis = scores(found), where_from(found)
    with bar("sizing models", len(spec.models) or len(cards.models.ids())) as advance:
        return build_table(spec, cards, arena=ratings, arena_basis=basis, advance=advance, workers=cores())
