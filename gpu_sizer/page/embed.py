"""The page in another page: a frame with a live table, for an article that was written once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from gpu_sizer.errors import RequestError
from gpu_sizer.reports.tables.selection import select_gpus, select_models

if TYPE_CHECKING:
    from gpu_sizer.cards.catalogue import Catalogue
    from gpu_sizer.reports.tables.spec import TableSpec

#: The most models of a live table: as many as the page sizes at once (static/state.js).
MOST_MODELS = 40
#: Settings that the page has a place for in its address, by its own words.
_KEPT = {"context": "context", "users": "users", "engine": "engine", "layouts": "layouts"}
#: Hosts that are the reader's own.
_THIS_MACHINE = ("127.0.0.1", "localhost", "::1")
#: Height of the frame's head, and of each row, in pixels.
_HEAD, _ROW, _TALLEST = 110, 36, 640
#: The heading of an article's table, below which the frame stands.
TABLE = "The table"


def address(page: str, models: Sequence[str], gpus: Sequence[str], load: Mapping[str, Any], *, alone: bool) -> str:
    """Where the page shows the models on the GPUs, as a table.

    Args:
        page: the address of a page, of a server or of a static site.
        models: ids.
        gpus: ids.
        load: the options of a request, of which the page takes what it has controls for.
        alone: the table without what is around it, for a frame.

    Raises:
        RequestError: no address of a page.
    """
    told = urlsplit(page)
    if told.scheme not in ("http", "https") or not told.hostname or told.query or told.fragment:
        raise RequestError(f"{page[:80]!r} is no address of a page of the form https://HOST/PATH/")
    asked = {"model": ",".join(models[:MOST_MODELS]), "gpu": ",".join(gpus)}
    asked |= {_KEPT[key]: str(value) for key, value in load.items() if key in _KEPT and value is not None}
    # Commas stay readable: a browser takes them as they are.
    return f"{page}?{urlencode({**asked, **({'embed': '1'} if alone else {})}, safe=',')}"


def frame(page: str, models: Sequence[str], gpus: Sequence[str], load: Mapping[str, Any], title: str) -> str:
    """A frame with the table, and a link for those who print; HTML that Markdown takes as it stands.

    Args:
        page: as for :func:`address`.
        models: ids.
        gpus: ids.
        load: as for :func:`address`.
        title: what a screen reader says of the frame.
    """
    inside, whole = (escape(address(page, models, gpus, load, alone=alone), quote=True) for alone in (True, False))
    height = min(_TALLEST, _HEAD + _ROW * min(len(models), MOST_MODELS))
    there = "" if urlsplit(page).hostname not in _THIS_MACHINE else " It is there while `gpu-sizer serve` runs."
    return (
        f'<iframe title="{escape(title, quote=True)}" loading="lazy" width="100%" height="{height}" src="{inside}">'
        f'</iframe>\n\n<a href="{whole}">The same table on its own page</a>, where every count leads to its answer.'
        f"{there}\n"
    )


def table_frame(page: str, spec: TableSpec, cards: Catalogue) -> str:
    """The frame of a table's models, the newest first.

    Args:
        page: as for :func:`address`.
        spec: the table.
        cards: models and GPUs.

    Raises:
        GpuSizerError: no address of a page, or an unknown name.
    """
    newest = sorted(select_models(spec, cards).models, key=lambda c: (str(c.released or ""), c.id), reverse=True)
    gpus = [g.id for g in select_gpus(spec.gpus, cards)]
    title = f"Open models and the GPUs that each takes: {', '.join(gpus)}"
    return frame(page, [c.id for c in newest], gpus, spec.load, title)


def with_frame(markdown: str, html: str) -> str:
    """An article with a frame below its table, or at its end where it has none.

    Args:
        markdown: the article.
        html: the frame.
    """
    parts = markdown.split("\n## ")
    for i, part in enumerate(parts):
        if part.startswith(TABLE):
            parts[i] = f"{part.rstrip()}\n\n{html}"
            return "\n## ".join(parts)
    return f"{markdown.rstrip()}\n\n{html}"
