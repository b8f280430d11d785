"""What a notebook shows of an answer: HTML in which every name is text."""

from __future__ import annotations

from html import escape
from itertools import islice

from gpu_sizer.planning.sentences import details, fit_headline, fit_lines, headline

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from gpu_sizer.planning.plan import Fit, Plan
    from gpu_sizer.planning.sweep import Sweep

#: Rows of a sweep that are shown; all are in its records.
SHOWN = 20


def _answer(first: str, rest: Iterable[str]) -> str:
    body = "\n".join(rest).strip("\n")
    return f"<p><strong>{escape(first)}</strong></p>\n<pre>{escape(body)}</pre>"


def plan_html(plan: Plan) -> str:
    """A plan: its sentence, and below it the rest as it stands in a terminal."""
    return _answer(headline(plan), details(plan))


def fit_html(fit: Fit) -> str:
    """One layout, likewise."""
    return _answer(fit_headline(fit), islice(fit_lines(fit), 1, None))


def sweep_html(sweep: Sweep) -> str:
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
