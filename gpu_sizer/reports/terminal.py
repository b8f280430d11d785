"""Answers for a terminal, with rich: a bold sentence, a bar of what fills the GPU, and what was assumed."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from gpu_sizer.memory.estimate import RankMemory
from gpu_sizer.planning.plan import Fit, Plan
from gpu_sizer.planning.sentences import (
    alternatives,
    assumptions,
    by_context,
    capacity_line,
    capacity_sentence,
    fit_headline,
    free_row,
    headline,
    rows,
    why_not_fewer,
)
from gpu_sizer.units import gib

_COLOURS = {"weights": "blue", "KV cache": "cyan", "activations": "magenta", "overhead": "yellow", "free": "green"}
_VERDICTS = {"fits": "bold green", "tight": "bold yellow", "does_not_fit": "bold red"}


def _whole_bar(memory: RankMemory, width: int) -> Text:
    """One bar of the whole GPU, a colour for each use."""
    text, used = Text(), 0
    for name, size in rows(memory):
        cells = round(size / memory.capacity_bytes * width)
        text.append("█" * cells, style=_COLOURS[name])
        used += cells
    free = max(0, round(memory.budget_bytes / memory.capacity_bytes * width) - used)
    text.append("█" * free, style=_COLOURS["free"])
    text.append("░" * max(0, width - used - free), style="dim")
    return text


def memory_table(memory: RankMemory, band: int, utilization: float, title: str) -> RenderableType:
    """What fills one GPU."""
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column()
    table.add_column(justify="right")
    table.add_column()
    for name, size in rows(memory):
        table.add_row(Text("■ ", style=_COLOURS[name]) + Text(name), gib(size), f"{size / memory.budget_bytes:.0%}")
    name, size = free_row(memory)
    table.add_row(Text("■ ", style=_COLOURS["free"]) + Text(name), gib(size), f"± {gib(band)}")
    return Group(Text(f"{title}: {capacity_line(memory)}"), _whole_bar(memory, 60), table)


def plan_view(plan: Plan, sentence: str | None = None) -> RenderableType:
    """A plan as a person reads it."""
    parts: list[RenderableType] = [Text(sentence or headline(plan), style=_VERDICTS[plan.verdict]), Text()]
    if plan.memory is not None and plan.per_gpu is not None:
        title = "The fullest GPU" if plan.memory.layout.pipeline_parallel_size > 1 else "Each GPU"
        parts.append(memory_table(plan.per_gpu, plan.band_bytes, plan.settings.gpu_memory_utilization, title))
        if (text := capacity_sentence(plan)) is not None:
            parts.append(Text(text))
    parts += _block("Why not fewer", [f"{count}: {reason}" for count, reason in why_not_fewer(plan)])
    parts += _block("Also", alternatives(plan))
    if plan.context_counts:
        parts += [Text(), Text(by_context(plan))]
    parts += [Text(), Text(f"Assumed: {assumptions(plan)}", style="dim")]
    parts += [Text(f"Note: {w}", style="yellow") for w in plan.warnings]
    return Group(*parts)


def _block(title: str, lines: Sequence[str]) -> list[RenderableType]:
    return [Text(), Text(title, style="bold"), *(Text(f"  {line}") for line in lines)] if lines else []


def fit_view(fit: Fit) -> RenderableType:
    """The answer about one layout."""
    return plan_view(fit.as_plan(), fit_headline(fit))


def listing(columns: Sequence[tuple[str, bool]], body: Sequence[Sequence[str]]) -> Table:
    """A table of the catalogue: columns as (title, right-aligned)."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for title, right in columns:
        table.add_column(title, justify="right" if right else "left", overflow="fold")
    for row in body:
        table.add_row(*(Text(cell) for cell in row))
    return table


def show(view: RenderableType) -> None:
    """Prints a view on stdout, without colour where ``NO_COLOR`` is set."""
    Console(soft_wrap=False, highlight=False).print(view)
