"""AsciiDoc."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gpu_sizer.reports.tables.grid import Grid

ENDING = ".adoc"


def write(grid: Grid) -> str:
    """The table, its notes left out."""
    rows = [cells for group in grid.groups for cells in ([c.text for c in row.cells] for row in group.rows)]
    lines = [[column.title for column in grid.columns], *rows]
    return "\n".join([f".{grid.title}", "|===", *("".join(f"|{text} " for text in line) for line in lines), "|===", ""])
