"""The Arena's answers in the formats that a person can ask for: sentences and tables, Markdown, CSV, JSON."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from gpu_sizer.cli.output import is_terminal, print_json, print_lines
from gpu_sizer.errors import RequestError, printable
from gpu_sizer.records import dataclass
from gpu_sizer.reports.tables.csv import safe_cells

TABLE, MARKDOWN, CSV, JSON = "table", "markdown", "csv", "json"
FORMATS = (TABLE, MARKDOWN, CSV, JSON)
_SHORT = {"md": MARKDOWN}

#: Rows for programs: header and cells.
Rows = tuple[Sequence[str], Iterable[Sequence[str]]]


@dataclass(frozen=True, slots=True)
class Listing:
    """A table for people: columns as (title, right-aligned), and rows of text."""

    columns: tuple[tuple[str, bool], ...]
    rows: tuple[tuple[str, ...], ...]

    def lines(self) -> Iterator[str]:
        """The rows in aligned columns."""
        table = [tuple(title for title, _ in self.columns), *self.rows]
        widths = [max(len(row[i]) for row in table) for i in range(len(self.columns))]
        for row in table:
            cells = (
                c.rjust(w) if right else c.ljust(w) for c, w, (_, right) in zip(row, widths, self.columns, strict=True)
            )
            yield "  ".join(cells).rstrip()


#: A part of an answer: its sentences, and the table below them.
Part = tuple[Sequence[str], Listing | None]


def chosen_format(name: str, as_json: bool) -> str:
    """The format asked for.

    Raises:
        RequestError: no such format.
    """
    if as_json:
        return JSON
    known = _SHORT.get(name.lower(), name.lower())
    if known not in FORMATS:
        raise RequestError(f"--format is {', '.join(FORMATS[:-1])} or {FORMATS[-1]}, not {name[:40]!r}")
    return known


def _escaped(cell: str) -> str:
    return printable(cell).replace("\\", "\\\\").replace("|", "\\|")


def markdown_table(listing: Listing) -> Iterator[str]:
    """A list as a table of Markdown."""
    yield "| " + " | ".join(_escaped(title) for title, _ in listing.columns) + " |"
    yield "|" + "|".join(" ---: " if right else " --- " for _, right in listing.columns) + "|"
    for row in listing.rows:
        yield "| " + " | ".join(map(_escaped, row)) + " |"


def _markdown(parts: Iterable[Part]) -> Iterator[str]:
    for number, (sentences, listing) in enumerate(parts):
        if number:
            yield ""
        in_list = False
        for sentence in sentences:
            # An indented sentence is an item of the one above it.
            item = sentence.startswith("  ")
            if item != in_list:
                yield ""
            in_list = item
            yield f"- {_escaped(sentence.strip())}" if item else _escaped(sentence)
        if listing is not None:
            yield ""
            yield from markdown_table(listing)


def _plain(parts: Iterable[Part]) -> None:
    for number, (sentences, found) in enumerate(parts):
        # An ANSI sequence in a model's name must not reach the terminal.
        print_lines([*([""] if number else []), *map(printable, sentences)])
        if found is None:
            continue
        if not number:
            print_lines([""])
        listing = Listing(found.columns, tuple(tuple(map(printable, row)) for row in found.rows))
        if is_terminal():
            from gpu_sizer.reports.terminal import listing as view
            from gpu_sizer.reports.terminal import show

            show(view(listing.columns, listing.rows))
        else:
            print_lines(listing.lines())


def show_answer(form: str, parts: Sequence[Part], rows: Rows, data: dict[str, Any]) -> None:
    """Prints an answer on stdout.

    Args:
        form: from :func:`chosen_format`.
        parts: for people.
        rows: for CSV.
        data: for JSON.
    """
    if form == JSON:
        print_json(data)
    elif form == CSV:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(rows[0])
        writer.writerows(map(safe_cells, rows[1]))
    elif form == MARKDOWN:
        print_lines(_markdown(parts))
    else:
        _plain(parts)
