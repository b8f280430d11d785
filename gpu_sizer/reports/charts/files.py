"""Charts as files: SVG, PNG, PDF, or an HTML page in both themes; their data as CSV beside them."""

from __future__ import annotations

import csv
import io
import re
from html import escape
from pathlib import Path
from typing import Any

from gpu_sizer.errors import RequestError
from gpu_sizer.files import check_output, write_file
from gpu_sizer.reports.charts.dots import nameless, with_titles
from gpu_sizer.reports.charts.labels import rims_of_text, with_rims
from gpu_sizer.reports.charts.style import DARK, DPI, FONT, LIGHT, STAND_INS, Chart, Theme, figure, settings, theme
from gpu_sizer.reports.tables.formats.csv import safe_cells

SUFFIXES = (".svg", ".png", ".pdf", ".html", ".csv")

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>
body {{ margin: 0 auto; max-width: 72rem; padding: 1rem; font: 15px/1.5 system-ui, sans-serif;
       background: {light_paper}; color: {light_ink}; }}
svg {{ width: 100%; height: auto; }}
.dark {{ display: none; }}
table {{ border-collapse: collapse; font-variant-numeric: tabular-nums; }}
th, td {{ text-align: left; padding: .15rem .9rem .15rem 0; }}
@media (prefers-color-scheme: dark) {{
  body {{ background: {dark_paper}; color: {dark_ink}; }}
  .light {{ display: none; }}
  .dark {{ display: block; }}
}}
</style>
</head>
<body>
<figure style="margin: 0">
<div class="light">{light}</div>
<div class="dark">{dark}</div>
</figure>
<details><summary>The data</summary>
<table>
<thead><tr>{header}</tr></thead>
<tbody>
{rows}
</tbody>
</table>
</details>
</body>
</html>
"""


def csv_text(chart: Chart) -> str:
    """The chart's data."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(safe_cells(chart.header))
    writer.writerows(map(safe_cells, chart.rows))
    return stream.getvalue()


def png_bytes(chart: Chart, look: Theme) -> bytes:
    """The chart as a PNG."""
    stream = io.BytesIO()
    with settings(look):
        metadata: Any = {"Software": None, "Title": chart.title, "Description": chart.alt}
        figure(chart, look).savefig(stream, format="png", dpi=DPI, metadata=metadata)
    return stream.getvalue()


def pdf_bytes(chart: Chart, look: Theme) -> bytes:
    """The chart as a PDF."""
    stream = io.BytesIO()
    with settings(look):
        metadata: Any = {"Title": chart.title, "Subject": chart.alt, "Creator": None, "Producer": None}
        made = figure(chart, look)
        nameless(made)
        # Without a date, the same chart is the same file.
        made.savefig(stream, format="pdf", metadata={**metadata, "CreationDate": None})
    return stream.getvalue()


def _shorter(svg: str) -> str:
    """An SVG whose outlines have two digits behind the point: finer than any screen, and a third smaller."""

    def outline(match: re.Match[str]) -> str:
        return re.sub(r"(\.\d\d)\d+", r"\1", match[0])

    return re.sub(r' d="[^"]*"', outline, svg)


def svg_text(chart: Chart, look: Theme) -> str:
    """The chart as an SVG with its title and alternative text."""
    stream = io.StringIO()
    with settings(look):
        metadata: Any = {"Date": None, "Creator": None, "Format": None, "Type": None}
        made = figure(chart, look)
        rims_of_text(made)
        made.savefig(stream, format="svg", metadata=metadata)
    text = stream.getvalue()
    for name in FONT:
        text = text.replace(f"'{name}'", f"'{name}', {STAND_INS}")
    text = text[text.index("<svg") :]
    key = f"chart-{look.name}"
    opening = re.match(r"<svg[^>]*>", text)
    assert opening is not None
    head = opening[0].replace("<svg", f'<svg role="img" aria-labelledby="{key}-title {key}-alt"', 1)
    told = f'<title id="{key}-title">{escape(chart.title)}</title><desc id="{key}-alt">{escape(chart.alt)}</desc>'
    # Ids of glyphs and clips are per file; on a page with both themes they must differ.
    body = re.sub(r'(id="|xlink:href="#|url\(#)', rf"\g<1>{look.name}-", text[opening.end() :])
    return f"{head}\n{told}{with_rims(with_titles(_shorter(body)))}"


def svg_bytes(chart: Chart, look: Theme) -> bytes:
    """The chart as an SVG file."""
    return ('<?xml version="1.0" encoding="utf-8"?>\n' + svg_text(chart, look)).encode()


def html_text(chart: Chart) -> str:
    """A page with the chart in both themes and its data as a table."""
    header = "".join(f"<th>{escape(c)}</th>" for c in chart.header)
    rows = "\n".join("<tr>" + "".join(f"<td>{escape(c)}</td>" for c in row) + "</tr>" for row in chart.rows)
    return _PAGE.format(
        title=escape(chart.title),
        light=svg_text(chart, LIGHT),
        dark=svg_text(chart, DARK),
        light_paper=LIGHT.paper,
        light_ink=LIGHT.ink,
        dark_paper=DARK.paper,
        dark_ink=DARK.ink,
        header=header,
        rows=rows,
    )


def check_place(output: Path, theme_name: str) -> Theme:
    """The theme of a chart that goes to a file, where both make sense: to be asked before anything is computed.

    Raises:
        RequestError: another ending than a chart's, an unknown theme, or a place that cannot be written.
    """
    if output.suffix.lower() not in SUFFIXES:
        raise RequestError(f"{output}: a chart ends in {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}")
    check_output(output)
    return theme(theme_name)


def write_chart(chart: Chart, output: Path, theme_name: str = "light") -> list[Path]:
    """Writes a chart and, beside it, its data as CSV; the paths written.

    Args:
        chart: what to draw.
        output: ends in .svg, .png, .pdf, .html or .csv (the data alone).
        theme_name: ``light`` or ``dark``; a page has both.

    Raises:
        RequestError: another ending, an unknown theme, no matplotlib, or a place that cannot be written.
    """
    look, suffix = check_place(output, theme_name), output.suffix.lower()
    contents: dict[Path, bytes] = {}
    if suffix == ".png":
        contents[output] = png_bytes(chart, look)
    elif suffix == ".pdf":
        contents[output] = pdf_bytes(chart, look)
    elif suffix == ".svg":
        contents[output] = svg_bytes(chart, look)
    elif suffix == ".html":
        contents[output] = html_text(chart).encode()
    contents[output.with_suffix(".csv")] = csv_text(chart).encode()
    for path, data in contents.items():
        write_file(path, data)
    return list(contents)
