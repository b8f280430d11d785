"""Prints the Arena's answers."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from gpu_sizer.cli.output import is_terminal, print_json, print_lines, print_prose
from gpu_sizer.errors import printable
from gpu_sizer.reports.arena.formats import JSON, TABLE, Listing, Part, Rows, grid_of, markdown
from gpu_sizer.reports.tables.formats import render
from gpu_sizer.reports.tables.formats.csv import safe_cells


def _clean(parts: Iterable[Part]) -> list[Part]:
    """The same without control characters: an ANSI sequence in a model's name must reach no terminal and no file."""
    return [
        (
            tuple(map(printable, sentences)),
            None
            if listing is None
            else Listing(listing.columns, tuple(tuple(map(printable, row)) for row in listing.rows)),
        )
        for sentences, listing in parts
    ]


def _plain(parts: Iterable[Part]) -> None:
    for number, (sentences, listing) in enumerate(parts):
        print_prose([*([""] if number else []), *sentences])
        if listing is None:
            continue
        if not number:
            print_lines([""])
        if is_terminal():
            from gpu_sizer.reports.terminal import show_table
            from gpu_sizer.words.blocks import Column

            show_table([Column(title, right) for title, right in listing.columns], listing.rows)
        else:
            print_lines(listing.lines())


def show_answer(form: str, parts: Sequence[Part], rows: Rows, data: dict[str, Any]) -> None:
    """Prints an answer on stdout.

    Args:
        form: from :func:`gpu_sizer.reports.arena.formats.chosen_format`.
        parts: for people.
        rows: for CSV and the other formats of tables.
        data: for JSON.
    """
    shown = _clean(parts)
    if form == JSON:
        print_json(data)
    elif form == TABLE:
        _plain(shown)
    elif form == "md":
        print_lines(markdown(shown))
    elif form == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(rows[0])
        # A program gets names as they are; a terminal gets none of their control characters.
        writer.writerows(safe_cells(map(printable, row) if is_terminal() else row) for row in rows[1])
    else:
        made = render(grid_of(shown, (rows[0], [tuple(map(printable, row)) for row in rows[1]])), form)
        sys.stdout.flush()
        sys.stdout.buffer.write(made)
