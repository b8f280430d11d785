"""Rows of text in aligned columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

#: Heading, and whether its cells stand at the right.
Heading = tuple[str, bool]


def aligned(columns: Sequence[Heading], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """The lines of a table: headings, then rows."""
    table = [[title for title, _ in columns], *rows]
    widths = [max(len(row[i]) for row in table) for i in range(len(columns))]
    for row in table:
        cells = [c.rjust(w) if right else c.ljust(w) for c, w, (_, right) in zip(row, widths, columns, strict=True)]
        yield "  ".join(cells).rstrip()
