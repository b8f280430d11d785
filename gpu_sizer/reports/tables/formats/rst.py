"""Tables as reStructuredText: a grid table that reads well as it stands."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gpu_sizer.reports.tables.grid import Cell, Column, Grid, notes
from gpu_sizer.reports.tables.text import padded, width

ENDING = ".rst"

_MARKUP = re.compile(r"([\\*`_|])")
#: What begins a list, a field, a comment or a block of its own: a sign, or an enumeration such as ``4.`` or ``(i)``.
_BLOCK = re.compile(r"^([^\w\s]|[\w#]+[.)](?=\s|$))")


def escape(text: str) -> str:
    """A text that reStructuredText shows as it stands, at the beginning of a cell or paragraph too."""
    escaped = _MARKUP.sub(r"\\\1", text).replace("::", r":\:")
    # An escaped space is nothing, so that what follows does not begin the line.
    return f"\\ {escaped}" if _BLOCK.match(escaped) else escaped


def write(grid: Grid) -> str:
    """A ``table`` directive, then notes and remarks as paragraphs."""
    return "\n".join(_lines(grid)).rstrip() + "\n"


def _lines(grid: Grid) -> Iterator[str]:
    known = notes(grid)

    def text(of: Cell | Column, content: str) -> str:
        marks = known.marks(of)
        return escape(content) + (f"\\ :sup:`{marks}`" if marks else "")

    head = [text(c, c.title) for c in grid.columns]
    body: list[list[str] | str] = []
    for group in grid.groups:
        if group.title is not None:
            body.append(f"**{escape(group.title)}**")
        body += [[text(c, c.text) for c in row.cells] for row in group.rows]
    widths = [
        max(1, width(head[i]), *(width(row[i]) for row in body if not isinstance(row, str))) for i in range(len(head))
    ]
    # A heading over all columns must fit: the last column makes the room.
    needed = max((width(row) for row in body if isinstance(row, str)), default=0)
    widths[-1] += max(0, needed - (sum(widths) + 3 * (len(widths) - 1)))

    def rule(sign: str = "-") -> str:
        return "+" + "+".join(sign * (w + 2) for w in widths) + "+"

    def line(row: list[str] | str) -> str:
        if isinstance(row, str):
            return f"| {padded(row, sum(widths) + 3 * (len(widths) - 1), False)} |"
        filled = [padded(c, w, column.right) for c, w, column in zip(row, widths, grid.columns, strict=True)]
        return f"| {' | '.join(filled)} |"

    yield f".. table:: {escape(grid.title)}"
    yield ""
    for text_line in (rule(), line(head), rule("="), *(x for row in body for x in (line(row), rule()))):
        yield f"   {text_line}"
    for mark, note in known:
        yield ""
        yield f":sup:`{mark}` {escape(note)}"
    for remark in grid.remarks:
        yield ""
        yield escape(remark)
