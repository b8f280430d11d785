"""The Arena's answers in the formats that a person can ask for: sentences and lists, and those of every table."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from gpu_sizer.errors import RequestError
from gpu_sizer.records import dataclass
from gpu_sizer.reports.tables.formats import FORMATS as TABLE_FORMATS
from gpu_sizer.reports.tables.formats.md import escape
from gpu_sizer.reports.tables.grid import Cell, Column, Grid, Group, Row

TABLE, JSON = "table", "json"
#: The list with its sentences, for people; everything, for programs; and the main list in a format of tables.
FORMATS = (TABLE, *(name for name in TABLE_FORMATS if name != "rich"))
_SHORT = {"markdown": "md", "rich": TABLE}

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


def grid_of(parts: Sequence[Part], rows: Rows) -> Grid:
    """The rows for programs as a table that every format writes; the sentences are its remarks."""
    header, body = rows
    cells = [tuple(row) for row in body]
    numeric = [all(_number(row[i]) is not None for row in cells if row[i]) for i in range(len(header))]
    columns = tuple(
        Column(key, key.replace("_", " "), right=number) for key, number in zip(header, numeric, strict=True)
    )
    made = tuple(
        Row(
            str(n),
            tuple(Cell(text, _number(text) if number else None) for text, number in zip(row, numeric, strict=True)),
        )
        for n, row in enumerate(cells)
    )
    sentences = [s.strip() for told, _ in parts for s in told]
    return Grid(sentences[0] if sentences else "", columns, (Group(None, made),), tuple(sentences[1:]))


def _number(text: str) -> int | float | None:
    if not re.fullmatch(r"[-+]?\d+(\.\d+)?", text):
        return None
    return float(text) if "." in text else int(text)


def markdown_table(listing: Listing) -> Iterator[str]:
    """A list as a table of Markdown."""
    yield "| " + " | ".join(escape(title) for title, _ in listing.columns) + " |"
    yield "|" + "|".join(" ---: " if right else " --- " for _, right in listing.columns) + "|"
    for row in listing.rows:
        yield "| " + " | ".join(map(escape, row)) + " |"


def markdown(parts: Iterable[Part]) -> Iterator[str]:
    """The whole answer as Markdown."""
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
            yield f"- {escape(sentence.strip())}" if item else escape(sentence)
        if listing is not None:
            yield ""
            yield from markdown_table(listing)
