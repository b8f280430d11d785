"""Texts of cells: one line, no control characters, and how wide they stand in a fixed-width font."""

from __future__ import annotations

import unicodedata
from functools import lru_cache


@lru_cache(maxsize=1 << 12)
def one_line(text: str) -> str:
    """A text on one line: line breaks and tabs become spaces, other control characters go."""
    spaced = "".join(" " if c.isspace() else c for c in text)
    return " ".join("".join(c for c in spaced if c.isprintable()).split())


def width(text: str) -> int:
    """Columns that a text takes in a fixed-width font: East Asian wide characters two, combining ones none."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    return len(text) + wide - sum(unicodedata.combining(c) != 0 for c in text)


def padded(text: str, columns: int, right: bool) -> str:
    """A text filled up with spaces to so many columns."""
    room = " " * max(0, columns - width(text))
    return room + text if right else text + room
