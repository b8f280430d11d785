"""Tables as Markdown: a pipe table with aligned source, as GitHub and CommonMark's extensions read it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gpu_sizer.reports.tables.grid import Cell, Column, Grid, notes
from gpu_sizer.reports.tables.text import padded, width

ENDING = ".md"
OTHER_ENDINGS = (".markdown",)

#: Punctuation that would begin markup inside a line. Every one may be written with a backslash (CommonMark 2.4).
_MARKUP = re.compile(r"([\\`*_\[\]|~$!#])")


def escape(text: str) -> str:
    """A text that Markdown shows as it stands."""
    return _MARKUP.sub(r"\\\1", text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))


def write(grid: Grid) -> str:
    """The table: title, rows, remarks, notes."""
    return "\n".join(_lines(grid)) + "\n"


def _lines(grid: Grid) -> Iterator[str]:
    known = notes(grid)

    def text(of: Cell | Column, content: str) -> str:
        marks = known.marks(of)
        return escape(content) + (f"<sup>{marks}</sup>" if marks else "")

    body: list[list[str]] = []
    for group in grid.groups:
        if group.title is not None:
            body.append([f"**{escape(group.title)}**"] + [""] * (len(grid.columns) - 1))
        body += [[text(c, c.text) for c in row.cells] for row in group.rows]
    head = [text(c, c.title) for c in grid.columns]
    widths = [max(3, *(width(row[i]) for row in (head, *body))) for i in range(len(head))]

    def line(cells: list[str]) -> str:
        filled = [padded(c, w, column.right) for c, w, column in zip(cells, widths, grid.columns, strict=True)]
        return f"| {' | '.join(filled)} |"

    yield f"**{escape(grid.title)}**"
    yield ""
    yield line(head)
    yield (
        "|"
        + "|".join(
            f" {'-' * (w - 1)}: " if c.right else f" {'-' * w} " for w, c in zip(widths, grid.columns, strict=True)
        )
        + "|"
    )
    for row in body:
        yield line(row)
    for mark, note in known:
        yield ""
        yield f"<sup>{mark}</sup> {escape(note)}"
    for remark in grid.remarks:
        yield ""
        yield _unlisted(escape(remark))


def _unlisted(text: str) -> str:
    """A paragraph whose first letters begin no list, heading or quotation."""
    return re.sub(r"^([-+=]|\d+(?=[.)]))", lambda m: f"\\{m[1]}" if not m[1].isdigit() else f"&#8203;{m[1]}", text)
