"""Tables as HTML: a figure to paste into a page, with classes of its own, or a whole page."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from gpu_sizer.reports.tables.grid import Cell, Column, Grid, Notes, notes

ENDING = ".html"
OTHER_ENDINGS = (".htm",)
#: It can be a page or document of its own.
STANDALONE = True

_STYLE = """\
:root { color-scheme: light dark; --ink: #1b1f24; --muted: #5a626b; --line: #d5d9de; --paper: #fff; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #eceff2; --muted: #a3abb4; --line: #363d45; --paper: #14171b; }
}
body { margin: 2rem auto; width: max-content; min-width: min(40rem, 100% - 2rem); max-width: calc(100% - 2rem);
       font: 16px/1.45 system-ui, sans-serif; color: var(--ink); background: var(--paper); }
.gpu-sizer { margin: 0; overflow-x: auto; }
.gpu-sizer-table { border-collapse: collapse; font-size: .875rem; font-variant-numeric: tabular-nums; }
.gpu-sizer-table caption { text-align: left; font-weight: 700; font-size: 1.15rem; padding-bottom: .6rem; }
.gpu-sizer-table th, .gpu-sizer-table td { padding: .3rem 1rem .3rem 0; text-align: left; vertical-align: top; }
.gpu-sizer-table tr > :last-child { padding-right: .3rem; }
.gpu-sizer-table thead th { vertical-align: bottom; background: var(--paper); box-shadow: inset 0 -2px var(--ink); }
.gpu-sizer-table tbody th, .gpu-sizer-table td { white-space: nowrap; }
.gpu-sizer-table .gpu-sizer-flow { white-space: normal; min-width: 12rem; }
.gpu-sizer-table tbody th { font-weight: 500; }
.gpu-sizer-table tbody tr { border-bottom: 1px solid var(--line); }
.gpu-sizer-table .gpu-sizer-number { text-align: right; }
.gpu-sizer-table .gpu-sizer-group th { padding-top: 1rem; font-weight: 700; }
.gpu-sizer-notes { color: var(--muted); font-size: .85rem; max-width: 60rem; contain: inline-size; }
.gpu-sizer-notes p { margin: .35rem 0; overflow-wrap: anywhere; }
/* Headings stay in sight where the page is as wide as the table: one that scrolls by itself cannot have both. */
@media (min-width: 80rem) {
  .gpu-sizer { overflow-x: visible; }
  .gpu-sizer-table thead th { position: sticky; top: 0; }
}
@media (max-width: 80rem) {
  .gpu-sizer-table tr:not(.gpu-sizer-group) > :first-child { position: sticky; left: 0; background: var(--paper); }
  .gpu-sizer-table tbody th { white-space: normal; min-width: 8rem; }
}
.gpu-sizer sup { line-height: 0; }
.gpu-sizer a { color: inherit; }
"""


def write(grid: Grid, *, standalone: bool = False) -> str:
    """A figure; ``standalone`` makes it a page."""
    fragment = "\n".join(_figure(grid)) + "\n"
    if not standalone:
        return fragment
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(grid.title)}</title>\n<style>\n{_STYLE}</style>\n</head>\n<body>\n{fragment}</body>\n</html>\n"
    )


def _marks(of: Cell | Column, known: Notes) -> str:
    links = (f'<a href="#gpu-sizer-note-{m}">{m}</a>' for m in known.marks(of).split(",") if m)
    text = ",".join(links)
    return f"<sup>{text}</sup>" if text else ""


def _figure(grid: Grid) -> Iterator[str]:
    known = notes(grid)
    kinds = ("gpu-sizer-number" if c.right else "gpu-sizer-flow" if c.flow else "" for c in grid.columns)
    classes = [f' class="{kind}"' if kind else "" for kind in kinds]
    yield '<figure class="gpu-sizer">'
    yield '<table class="gpu-sizer-table">'
    yield f"<caption>{escape(grid.title)}</caption>"
    yield "<thead>"
    yield "<tr>"
    for column, kind in zip(grid.columns, classes, strict=True):
        yield f'<th scope="col"{kind}>{escape(column.title)}{_marks(column, known)}</th>'
    yield "</tr>"
    yield "</thead>"
    for group in grid.groups:
        yield "<tbody>"
        if group.title is not None:
            span = f'colspan="{len(grid.columns)}" scope="rowgroup"'
            yield f'<tr class="gpu-sizer-group"><th {span}>{escape(group.title)}</th></tr>'
        for row in group.rows:
            cells = [
                f"<td{kind}>{escape(c.text)}{_marks(c, known)}</td>"
                for c, kind in zip(row.cells[1:], classes[1:], strict=True)
            ]
            first = row.cells[0]
            yield f'<tr><th scope="row">{escape(first.text)}{_marks(first, known)}</th>{"".join(cells)}</tr>'
        yield "</tbody>"
    yield "</table>"
    yield '<figcaption class="gpu-sizer-notes">'
    for mark, note in known:
        yield f'<p id="gpu-sizer-note-{mark}"><sup>{mark}</sup> {escape(note)}</p>'
    for remark in grid.remarks:
        yield f"<p>{escape(remark)}</p>"
    yield "</figcaption>"
    yield "</figure>"
