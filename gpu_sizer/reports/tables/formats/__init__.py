"""The formats of tables: each module here is one, by its name, with an ``ENDING`` and ``write``."""

from __future__ import annotations

from gpu_sizer.discovery import modules_with
from gpu_sizer.errors import RequestError
from gpu_sizer.reports.tables.grid import Grid

_MODULES = {module.__name__.rpartition(".")[2]: module for module in modules_with(__name__, "ENDING")}
#: Endings of files by name of a format.
FORMATS: dict[str, str] = {name: module.ENDING for name, module in _MODULES.items()}
_ENDINGS = {
    ending: name
    for name, module in _MODULES.items()
    for ending in (module.ENDING, *getattr(module, "OTHER_ENDINGS", ()))
}
#: Formats that can be a page or document of their own.
STANDALONE = tuple(name for name, module in _MODULES.items() if getattr(module, "STANDALONE", False))


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
    writer = _MODULES[name]
    made: str | bytes = writer.write(grid, standalone=True) if standalone else writer.write(grid)
    return made if isinstance(made, bytes) else made.encode()
