"""Tables as a spreadsheet (the extra ``xlsx``): numbers as numbers, nothing taken for a formula."""

from __future__ import annotations

import io
import re
import zipfile
from typing import Any

from gpu_sizer.errors import RequestError
from gpu_sizer.reports.tables.grid import Cell, Column, Grid, notes

ENDING = ".xlsx"

#: Columns are no wider than this, in letters.
WIDEST = 48
#: The time that every entry of the file bears: the same table is the same file.
_TIME = (1980, 1, 1, 0, 0, 0)


def write(grid: Grid) -> bytes:
    """One sheet: title, heading, rows, notes.

    Raises:
        RequestError: openpyxl is not installed.
    """
    try:
        from openpyxl import Workbook
        from openpyxl.styles import Alignment, Font
        from openpyxl.utils import get_column_letter
    except ImportError:
        raise RequestError("spreadsheets need openpyxl: pip install 'gpu-sizer[xlsx]'") from None
    book: Any = Workbook()
    sheet = book.active
    sheet.title = "Models"
    known = notes(grid)
    bold = Font(bold=True)

    def put(row: int, column: int, value: Any) -> Any:
        cell = sheet.cell(row, column)
        if isinstance(value, str):
            cell.value = value[:32767]
            # A text stays a text, whatever it begins with.
            cell.data_type = "s"
        else:
            cell.value = value
        return cell

    put(1, 1, grid.title).font = Font(bold=True, size=14)
    first = 3
    for i, column in enumerate(grid.columns, 1):
        cell = put(first, i, _marked(column.title, known.marks(column)))
        cell.font = bold
        cell.alignment = Alignment(horizontal="right" if column.right else "left", vertical="bottom", wrap_text=True)
    at = first
    for group in grid.groups:
        if group.title is not None:
            at += 1
            put(at, 1, group.title).font = bold
        for row in group.rows:
            at += 1
            for i, (column, c) in enumerate(zip(grid.columns, row.cells, strict=True), 1):
                _cell(put(at, i, _value(column, c, known.marks(c))), column, c, known.marks(c), Alignment)
    sheet.freeze_panes = sheet.cell(first + 1, 2)
    for i, column in enumerate(grid.columns, 1):
        longest = max((len(row.cells[i - 1].text) for row in grid.rows), default=0)
        title = max(len(word) for word in column.title.split() or [""])
        sheet.column_dimensions[get_column_letter(i)].width = min(WIDEST, max(longest, title, 6) + 2)
    at += 1
    for mark, note in known:
        at += 1
        put(at, 1, f"{mark}  {note}")
    for remark in grid.remarks:
        at += 1
        put(at, 1, remark)
    stream = io.BytesIO()
    book.save(stream)
    return _timeless(stream.getvalue())


def _marked(text: str, marks: str) -> str:
    return f"{text} {marks}" if marks else text


def _value(column: Column, cell: Cell, marks: str) -> Any:
    """A number in the unit of the heading, else the text; marks of numbers are shown by their format."""
    if isinstance(cell.value, int | float) and not isinstance(cell.value, bool):
        return cell.value if column.scale == 1 else cell.value / column.scale
    return _marked(cell.text, marks)


def _cell(target: Any, column: Column, cell: Cell, marks: str, alignment: Any) -> None:
    number = isinstance(cell.value, int | float) and not isinstance(cell.value, bool)
    if number and (column.number != "General" or marks):
        shown = "0" if column.number == "General" else column.number
        target.number_format = f'{shown}" {marks}"' if marks else shown
    target.alignment = alignment(horizontal="right" if column.right else "left")


def _timeless(data: bytes) -> bytes:
    """The file without the time of its making."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "docProps/core.xml":
                content = re.sub(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", b"1980-01-01T00:00:00Z", content)
            entry = zipfile.ZipInfo(name, _TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(entry, content)
    return made.getvalue()
