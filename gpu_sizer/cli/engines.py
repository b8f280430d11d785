"""The command ``engines``."""

from __future__ import annotations

from gpu_sizer.cli import options as o
from gpu_sizer.cli.output import is_terminal, print_json, print_prose
from gpu_sizer.engines.registry import engine, engine_names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from gpu_sizer.engines.engine import Engine

#: What ``--engine`` takes for every engine.
ALL = "all"
#: Width of the column of names.
NAMES = 14


def engines(as_json: o.Json = False) -> None:
    """The engines that can be planned for, with versions and sources."""
    known = [engine(name) for name in engine_names()]
    if as_json:
        print_json(
            [
                {
                    "engine": e.name,
                    "title": e.title,
                    "profile": e.label,
                    "describe": e.describe(),
                    "spans_nodes": e.spans_nodes,
                    "takes_mixed": e.takes_mixed,
                    "sources": list(e.sources()),
                }
                for e in known
            ]
        )
        return
    print_prose(_lines(known))


def _lines(engines_known: list[Engine]) -> Iterator[str]:
    """Each engine with its sources; on a terminal those alone that it can show unbroken."""
    width = None
    if is_terminal():
        from gpu_sizer.reports.terminal import made_console

        width = made_console().width
    wider = 0
    for e in engines_known:
        yield f"{e.name:<{NAMES}}{e.describe()}"
        for source in e.sources():
            # Where the column of names leaves too little room, an address begins further left.
            indent = NAMES if width is None or NAMES + len(source) <= width else 2
            if width is not None and indent + len(source) > width:
                wider += 1
            else:
                yield f"{'':<{indent}}{source}"
    if wider:
        yield f"{wider} sources are wider than this terminal (--json has them)."
