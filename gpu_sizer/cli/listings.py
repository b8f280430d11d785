"""The commands ``models`` and ``gpus``: the catalogue, filtered, sorted, and in the formats of every table."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from gpu_sizer import api
from gpu_sizer.cards.model_card import ModelCard
from gpu_sizer.cli import completion
from gpu_sizer.cli import options as o
from gpu_sizer.cli.output import is_terminal, print_aside, print_json, print_lines, print_prose
from gpu_sizer.errors import RequestError
from gpu_sizer.files import write_file
from gpu_sizer.planning.quantities import some_gpus
from gpu_sizer.reports import selecting
from gpu_sizer.reports.listings import GPU_KEYS, MODEL_KEYS, CatalogueListing, gpu_listing, model_listing

Part = Annotated[str | None, typer.Argument(metavar="[FILTER]", help="Part of an id, name or organization.")]
Search = Annotated[str | None, typer.Option("--search", metavar="TEXT", help="The same as FILTER.")]
Since = Annotated[
    str | None,
    typer.Option("--since", metavar="DATE", help="Released on this day or later: 2024, 2024-01, 2024-01-31."),
]
Format = Annotated[
    str | None,
    typer.Option(
        "--format", "-f", help=f"{o.table_formats()}. Default: by -o, else plain.", autocompletion=completion.formats()
    ),
]
Output = Annotated[Path | None, o.written_to("Write the list here. Default: stdout.")]


def part(filter: str | None, search: str | None) -> str | None:
    """What an entry must hold, by either way to say it.

    Raises:
        RequestError: both are told, and are not the same.
    """
    if filter is not None and search is not None and filter != search:
        raise RequestError(f"FILTER and --search are the same: give one, not {filter!r} and {search!r}")
    return search if filter is None else filter


def print_listing(listing: CatalogueListing, as_json: bool, format: str | None, output: Path | None) -> None:
    """Prints a list: JSON, a format, a table on a terminal, or aligned columns."""
    if as_json and format is None and output is None:
        print_json(listing.records)
    elif format is not None or output is not None:
        _export(listing, format, output)
    elif is_terminal():
        from gpu_sizer.reports.terminal import show_table

        show_table(listing.grid.columns, listing.plain.rows)
        print_prose(listing.grid.remarks)
    else:
        print_lines(listing.lines())


def _export(listing: CatalogueListing, format: str | None, output: Path | None) -> None:
    from gpu_sizer.reports.tables.formats import format_of, render

    form = format_of(format, output.suffix if output else None)
    if form == "xlsx" and output is None:
        raise RequestError("a spreadsheet goes to a file: add -o models.xlsx")
    made = render(listing.grid, form)
    if output is None:
        sys.stdout.write(made.decode())
    else:
        write_file(output, made)
        typer.echo(f"gpu-sizer: wrote {output}", err=True)


def models(
    filter: Part = None,
    search: Search = None,
    moe: Annotated[bool, typer.Option("--moe", help="Only mixtures of experts.")] = False,
    min_params: Annotated[str | None, typer.Option(metavar="SIZE", help="At least this many parameters: 7b.")] = None,
    max_params: Annotated[str | None, typer.Option(metavar="SIZE", help="At most this many parameters: 80b.")] = None,
    since: Since = None,
    until: Annotated[str | None, typer.Option(metavar="DATE", help="Released on this day or earlier.")] = None,
    organization: Annotated[
        str | None, typer.Option(help="Part of the organization's name.", autocompletion=completion.organizations)
    ] = None,
    license: Annotated[
        str | None, typer.Option(help="Part of the licence's name: apache.", autocompletion=completion.licenses)
    ] = None,
    open: Annotated[bool, typer.Option("--open", help="Only models under an open-source licence.")] = False,
    fits: Annotated[
        str | None,
        typer.Option(
            "--fits",
            metavar="NxGPU",
            help="Only models that run on these GPUs at full length: 2xa6000.",
            autocompletion=completion.counted(completion.gpus),
        ),
    ] = None,
    verified: Annotated[
        bool, typer.Option("--verified", help="Only models whose parameters are checked exactly; says how many are.")
    ] = False,
    sort: Annotated[
        str | None,
        typer.Option(
            help=f"{', '.join(MODEL_KEYS)} (the Arena's); -KEY: largest first.",
            autocompletion=completion.either_way(completion.of(MODEL_KEYS)),
        ),
    ] = None,
    format: Format = None,
    output: Output = None,
    as_json: o.Json = False,
) -> None:
    """List the models that are known."""
    wanted = selecting.ModelFilter(
        text=part(filter, search),
        moe=moe,
        least=None if min_params is None else selecting.parameters(min_params),
        most=None if max_params is None else selecting.parameters(max_params),
        since=None if since is None else selecting.first_day(since),
        until=None if until is None else selecting.last_day(until),
        organization=organization,
        license=license,
        open=open,
        exact=verified,
    )
    known = o.cards().models
    # Neither has a place for remarks.
    bare = as_json or format == "csv" or (output is not None and output.suffix == ".csv")

    def ratings() -> tuple[dict[str, float], str]:
        from gpu_sizer.arena.scores import rated_now

        points, rated_by = rated_now(o.cards())
        if bare:
            print_aside([f"ratings: {rated_by}"])
        return points, rated_by

    how: Any = {"sort": sort, "counts": known.counts, "ratings": ratings}
    if fits is None:
        listing = model_listing(known.all(), wanted, **how)
    else:
        count, name = some_gpus(fits)
        gpu = api.load_gpu(name, cards=o.cards())

        def runnable(cards: list[ModelCard]) -> tuple[set[str], list[str]]:
            from gpu_sizer.planning.runnable import what_fits
            from gpu_sizer.words.uncounted import uncounted_lines

            fitting = what_fits(cards, gpu, count, workers=0, counts=known.counts)
            told = list(uncounted_lines(fitting.uncounted))
            if bare:
                print_aside(told)
            return {row.model.id for row in fitting.models if row.fits}, told

        remark = f"on {count} × {gpu.name}: one request at the model's full length, weights as released"
        listing = model_listing(known.all(), wanted, among=runnable, remarks=(remark,), **how)
    print_listing(listing, as_json, format, output)


def gpus(
    filter: Annotated[
        str | None, typer.Argument(metavar="[FILTER]", help="Part of an id, name or architecture.")
    ] = None,
    search: Search = None,
    vendor: Annotated[
        str | None,
        typer.Option(help="As the vendor writes itself: NVIDIA, AMD, Intel, Apple.", autocompletion=completion.vendors),
    ] = None,
    min_memory: Annotated[
        float | None, typer.Option("--min-memory", metavar="GB", help="At least this many gigabytes on the box.")
    ] = None,
    since: Since = None,
    measured: Annotated[
        bool, typer.Option("--measured", help="Only GPUs whose memory was read on a real machine.")
    ] = False,
    sort: Annotated[
        str | None,
        typer.Option(
            help=f"{', '.join(GPU_KEYS)}; -KEY: largest first.",
            autocompletion=completion.either_way(completion.of(GPU_KEYS)),
        ),
    ] = None,
    format: Format = None,
    output: Output = None,
    as_json: o.Json = False,
) -> None:
    """List the GPUs that are known."""
    wanted = selecting.GpuFilter(
        text=part(filter, search),
        vendor=vendor,
        least_gb=min_memory,
        since=None if since is None else selecting.first_day(since),
        measured=measured,
    )
    print_listing(gpu_listing(o.cards().gpus.all(), wanted, sort=sort), as_json, format, output)
