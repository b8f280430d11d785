"""Tables for a terminal, with rich; without colour or wrapping where nobody looks on."""

from __future__ import annotations

import io
from collections.abc import Sequence

from rich.console import Console, RenderableType
from rich.text import Text

from gpu_sizer.records import replace
from gpu_sizer.reports.tables.grid import Cell, Column, Grid, notes
from gpu_sizer.reports.terminal import table_view

#: Columns of a pipe or file: no table is wider.
_UNBOUNDED = 100_000


def view(grid: Grid, width: int) -> tuple[RenderableType, list[Text]]:
    """The table within a width, and the lines below it."""
    known = notes(grid)

    def text(of: Cell | Column, content: str) -> Text:
        marks = known.marks(of)
        return Text(content) + Text(f" {marks}", style="yellow") if marks else Text(content)

    rows: list[Sequence[RenderableType]] = []
    for group in grid.groups:
        if group.title is not None:
            rows += [(), (Text(group.title, style="bold cyan"),)]
        rows += [[text(c, c.text) for c in row.cells] for row in group.rows]
    columns = [replace(c, title=text(c, c.title).plain) for c in grid.columns]
    table = table_view(columns, rows, width)
    below = [Text(f"{mark}  ", style="yellow") + Text(note) for mark, note in known]
    return table, [*below, *(Text(remark, style="dim") for remark in grid.remarks)]


def write(grid: Grid) -> str:
    """The table as plain text, as wide as it is."""
    stream = io.StringIO()
    _print(grid, Console(file=stream, width=_UNBOUNDED, color_system=None, highlight=False))
    return "\n".join(line.rstrip() for line in stream.getvalue().split("\n"))


def show(grid: Grid) -> None:
    """Prints the table in colour, as wide as the terminal."""
    _print(grid, Console(highlight=False))


def _print(grid: Grid, console: Console) -> None:
    table, below = view(grid, console.width)
    # Above the table, not in it: there it would be broken to the table's width.
    console.print(Text(grid.title, style="bold"))
    console.print(table)
    if below:
        console.print()
    for line in below:
        console.print(line)
