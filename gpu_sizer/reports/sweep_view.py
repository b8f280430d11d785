"""What a notebook shows of a sweep."""

from __future__ import annotations

from html import escape
from itertools import islice

from gpu_sizer.planning import sweep as swept

#: Rows of a sweep that are shown; all are in its records.
SHOWN = 20


class Sweep(swept.Sweep):
    """A whole sweep in memory: ``counts``, ``layouts`` and ``free_bytes`` have the shape of the axes."""

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        return sweep_html(self)


def sweep_html(sweep: swept.Sweep) -> str:
    """The first cells of a sweep as a table, and how many there are."""
    rows = list(islice((record for block in sweep.blocks() for record in block.records()), SHOWN))
    # A column in which no cell says anything is a default that nobody asked about.
    columns = [key for key in rows[0] if any(row[key] is not None for row in rows)]
    head = "".join(f"<th>{escape(key)}</th>" for key in columns)
    cells = (
        "".join(f"<td>{escape('' if row[key] is None else str(row[key]))}</td>" for key in columns) for row in rows
    )
    body = "".join(f"<tr>{row}</tr>" for row in cells)
    rest = f"<p>{len(rows)} of {sweep.axes.size:,} cells</p>" if sweep.axes.size > len(rows) else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{rest}"
