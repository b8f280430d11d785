"""Tables for a terminal, as plain text."""

from __future__ import annotations

from gpu_sizer.reports.tables.grid import Grid

ENDING = ".txt"


def write(grid: Grid) -> str:
    """The table as plain text, as wide as it is."""
    from gpu_sizer.reports.tables.terminal import write as drawn

    return drawn(grid)
