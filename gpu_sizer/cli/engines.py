"""The command ``engines``, and one line an engine for ``--engine all``."""

from __future__ import annotations

import typer

from gpu_sizer.cli import options as o
from gpu_sizer.cli.output import print_json, print_lines
from gpu_sizer.engines.registry import engine, engine_names
from gpu_sizer.exits import exit_code
from gpu_sizer.planning.by_engine import EngineChoices
from gpu_sizer.planning.sentences import by_engine_lines

#: What ``--engine`` takes for every engine.
ALL = "all"


def engines(as_json: o.Json = False) -> None:
    """The engines that can be planned for, with versions and sources."""
    found = [engine(name) for name in engine_names()]
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
                for e in found
            ]
        )
        return
    lines = []
    for e in found:
        lines.append(f"{e.name:<14}{e.describe()}")
        lines += [f"{'':<14}{source}" for source in e.sources()]
    print_lines(lines)


def print_by_engine(found: EngineChoices, as_json: bool) -> None:
    """Prints every engine's answer and leaves with the exit code."""
    if as_json:
        print_json(found.model_dump())
    else:
        print_lines(by_engine_lines(found))
    raise typer.Exit(exit_code(found.fits))
