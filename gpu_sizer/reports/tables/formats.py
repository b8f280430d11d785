"""The formats of tables by name and by ending of a file."""

from __future__ import annotations

from importlib import import_module

from gpu_sizer.errors import RequestError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gpu_sizer.reports.tables.grid import Grid

#: Name -> (module, ending).
FORMATS = {
    "md": ("markdown", ".md"),
    "html": ("html", ".html"),
    "latex": ("latex", ".tex"),
    "csv": ("csv", ".csv"),
    "json": ("json", ".json"),
    "rst": ("rst", ".rst"),
    "xlsx": ("xlsx", ".xlsx"),
    "rich": ("terminal", ".txt"),
}
_ENDINGS = {ending: name for name, (_, ending) in FORMATS.items()} | {".htm": "html", ".markdown": "md"}
#: Formats that can be a page or document of their own.
STANDALONE = ("html", "latex")


def format_of(name: str | None, suffix: str | None) -> str:
    """The format asked for: by name, else by the ending of the file, else for the terminal.

    Raises:
        RequestError: no such format.
    """
    if name is not None:
        if name not in FORMATS:
            raise RequestError(f"the format is one of {', '.join(FORMATS)}, not {name[:40]!r}")
        return name
    if suffix is None:
        return "rich"
    if suffix.lower() not in _ENDINGS:
        raise RequestError(f"{suffix or 'no ending'!s} says no format; name one with --format: {', '.join(FORMATS)}")
    return _ENDINGS[suffix.lower()]


def render(grid: Grid, name: str, *, standalone: bool = False) -> bytes:
    """The table in a format, as the bytes of a file.

    Raises:
        RequestError: the format needs a package that is not installed, or cannot stand alone.
    """
    if standalone and name not in STANDALONE:
        raise RequestError(f"--standalone is for {' and '.join(STANDALONE)}, not {name}")
    writer: Any = import_module(f"gpu_sizer.reports.tables.{FORMATS[name][0]}")
    made = writer.write(grid, standalone=True) if standalone else writer.write(grid)
    return made if isinstance(made, bytes) else made.encode()
