"""The command ``sweep``: counts for every pairing of models, GPUs, lengths, users, types and utilizations."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gpu_sizer import api
from gpu_sizer.cli import completion
from gpu_sizer.cli import options as o
from gpu_sizer.cli.output import is_terminal, print_aside, print_prose
from gpu_sizer.errors import RequestError
from gpu_sizer.files import whole_file
from gpu_sizer.load import ENGINE, LIMITS, LOAD, VARIED
from gpu_sizer.planning.uncounted import Uncounted
from gpu_sizer.words.uncounted import uncounted_lines

if TYPE_CHECKING:
    from gpu_sizer.planning.sweep import Block

ALL = "all"
#: Rows of a table that a person may still look through.
MOST_ROWS = 200
#: Settings that are axes written in a way of their own.
_SPACED = ("context", "users")


@o.takes(*VARIED, into="several", several=True)
@o.takes(*(s for s in (*LOAD, ENGINE, *LIMITS) if s.name not in _SPACED and not s.axis))
def sweep(
    models: Annotated[
        list[str],
        typer.Option(
            "--models",
            metavar="ID,...",
            help="Models; all is every one.",
            autocompletion=completion.listed(completion.models),
        ),
    ],
    several: o.Given,
    load: o.Given,
    gpus: Annotated[
        list[str] | None,
        typer.Option(
            "--gpu",
            metavar="ID,...",
            help="GPUs; all is every one.",
            autocompletion=completion.listed(completion.gpus),
        ),
    ] = None,
    machine: o.Machine = None,
    context: Annotated[
        str, typer.Option(metavar="AXIS", help="Tokens: 8k,32k, or 1k:128k:log8 (equal ratios), 1k:9k:lin9.")
    ] = "1k:128k:log8",
    users: Annotated[str, typer.Option(metavar="AXIS", help="Requests at once, written the same way.")] = "1",
    format: Annotated[
        str | None,
        typer.Option(
            "--format",
            "-f",
            help="csv, json or parquet. Default: by -o, else csv (a table on a terminal).",
            autocompletion=completion.of(("csv", "json", "parquet")),
        ),
    ] = None,
    output: Annotated[Path | None, o.written_to("Write the sweep here. Default: stdout.")] = None,
) -> None:
    """The fewest GPUs for every pairing of models, GPUs, lengths, users, types and utilizations, one row a cell."""
    from gpu_sizer.planning.sweep import sweep_blocks
    from gpu_sizer.planning.sweep_axes import setting_values
    from gpu_sizer.reports.sweep_files import WRITERS, format_of

    form = format_of(format, output.suffix if output else None)
    if form == "parquet" and output is None:
        raise RequestError("Parquet goes to a file: add -o sweep.parquet")
    cards, wanted, kinds = o.cards(), o.names(models) or [], o.names(gpus) or []
    if machine is not None:
        spec, offer = api.hardware(kinds[0] if kinds else None, machine, cards)
        kinds = [spec.id]
        load.setdefault("gpus_per_node", offer.machine.gpu_count if offer is not None else None)
    elif not kinds:
        raise RequestError("on which GPUs? --gpu ID,... or --machine NAME", about="gpu")
    axes = api.sweep_axes(
        cards.models.all() if ALL in wanted else wanted,
        cards.whole_gpus() if ALL in kinds else kinds,
        contexts=context,
        users=users,
        cards=cards,
        **{s.axis: setting_values(s, several[s.name]) for s in VARIED},
    )
    blocks = sweep_blocks(axes, **load)
    write = WRITERS[form]
    from gpu_sizer.cli.bar import bar

    uncounted: dict[Uncounted, None] = {}
    if output is None and format is None and is_terminal():
        _show(blocks, axes.size, uncounted)
        return
    with bar("sweeping", axes.size) as advance:
        told = _told(blocks, advance, uncounted)
        if output is None:
            write(_begun(told), sys.stdout.buffer)
        else:
            with whole_file(output) as stream:
                write(told, stream)
    print_aside(uncounted_lines(uncounted))
    if output is not None:
        typer.echo(f"gpu-sizer: wrote {output} ({axes.size:,} cells)", err=True)


def _show(blocks: Iterator[Block], cells: int, uncounted: dict[Uncounted, None]) -> None:
    """The first cells as a table; no more is computed than is shown."""
    from gpu_sizer.cli.bar import bar
    from gpu_sizer.reports.sweep_view import sweep_table
    from gpu_sizer.reports.terminal import show_table

    with bar("sweeping", min(cells, MOST_ROWS)) as advance:
        told = _told(blocks, advance, uncounted)
        columns, rows = sweep_table(islice((record for block in told for record in block.records()), MOST_ROWS))
    show_table(columns, rows)
    if cells > len(rows):
        print_prose([f"{len(rows)} of {cells:,} cells: a pipe or a file (-o sweep.csv) has them all"])
    print_aside(uncounted_lines(uncounted))


def _begun(blocks: Iterator[Block]) -> Iterator[Block]:
    """The blocks, the first of which is there before anything is written: what is wrong with the axes shows in it."""
    first = next(blocks, None)
    return blocks if first is None else chain([first], blocks)


def _told(blocks: Iterable[Block], advance: Callable[[int], None], uncounted: dict[Uncounted, None]) -> Iterator[Block]:
    """The blocks, each told to the progress bar once it is written; pairs that cannot be counted are kept."""
    for block in blocks:
        if block.uncounted is not None:
            uncounted[block.uncounted] = None
        yield block
        advance(block.cells.size)
