"""The command ``engines``."""

from __future__ import annotations

from gpu_sizer.cli import options as o
from gpu_sizer.cli.output import print_json, print_prose
from gpu_sizer.engines.registry import engine, engine_names

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
    print_prose(lines)
