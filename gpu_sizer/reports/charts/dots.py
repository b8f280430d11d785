"""Dots, bars and cells that bear their names: a pointer over one of a page or an SVG shows it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from typing import Any
from urllib.parse import quote, unquote

#: How a name travels through matplotlib's SVG writer, which knows links of dots and no titles.
_MARK = "name:"
_NAMED = re.compile(rf'<a xlink:href="{_MARK}([^"]*)"[^>]*>(.*?)</a>', re.DOTALL)


def dots(axes: Any, points: Sequence[tuple[Any, float, str]], **style: Any) -> None:
    """Draws dots with names.

    Args:
        axes: matplotlib axes.
        points: where each dot is, and its name.
        style: of ``axes.scatter``.
    """
    drawn = axes.scatter([x for x, _, _ in points], [y for _, y, _ in points], **style)
    drawn.set_urls([_MARK + quote(name, safe="") for _, _, name in points])


def named(patch: Any, name: str) -> None:
    """Gives a bar or a cell its name."""
    patch.set_url(_MARK + quote(name, safe=""))


def nameless(figure: Any) -> None:
    """Takes the names off again, for formats that would make links of them."""
    for artist in figure.findobj():
        if hasattr(artist, "set_urls"):
            artist.set_urls([None])
        if (artist.get_url() or "").startswith(_MARK):
            artist.set_url(None)


def with_titles(svg: str) -> str:
    """An SVG of matplotlib's in which everything named has its name as ``<title>``."""

    def titled(match: re.Match[str]) -> str:
        return f"<g><title>{escape(unquote(match[1]))}</title>{match[2]}</g>"

    return _NAMED.sub(titled, svg)
