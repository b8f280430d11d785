"""Tables as CSV: values in base units, one column for marks and one for what was assumed."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from gpu_sizer.reports.tables.grid import Cell, Grid

ENDING = ".csv"

#: Letters with which spreadsheets begin a formula, their full-width twins included.
_FORMULA = tuple("=+-@\t\r＝＋－＠")


def safe(text: str) -> str:
    """A text that no spreadsheet takes for a formula: one that begins like one gets an apostrophe before it."""
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) or text.startswith(("\t", "\r")) else text


def safe_cells(cells: Iterable[str]) -> list[str]:
    """A row whose numbers stay as they are and whose texts no spreadsheet takes for formulas."""
    return [c if _is_number(c) else safe(c) for c in cells]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _field(cell: Cell) -> str | int | float:
    value = cell.value
    if value is None:
        return safe(cell.text)
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, int | float) else safe(value)


def write(grid: Grid) -> str:
    """Comma-separated values with a heading (RFC 4180, lines end in a line feed).

    Sizes are in bytes and parameters are whole numbers. Behind the columns of the table stand ``notes`` (column: text)
    and ``assumed``; a table in groups begins with the group.
    """
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    grouped = [grid.group_key] if grid.group_key else []
    writer.writerow([*grouped, *(safe(c.key) for c in grid.columns), "notes", "assumed"])
    for group in grid.groups:
        for row in group.rows:
            told = [
                f"{column.key}: {mark}"
                for column, cell in zip(grid.columns, row.cells, strict=True)
                for mark in (*column.marks, *cell.marks)
            ]
            own = [safe(group.title or "")] if grid.group_key else []
            writer.writerow([*own, *map(_field, row.cells), safe(" ".join(told)), safe(grid.assumed)])
    return stream.getvalue()
