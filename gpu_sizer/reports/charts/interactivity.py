"""What a GPU gives in all against what each user gets: the frontier over layouts and users, a line for each GPU."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from gpu_sizer.records import dataclass
from gpu_sizer.reports.charts.dots import dots
from gpu_sizer.reports.charts.labels import LINES, POINTS, Label, place
from gpu_sizer.reports.charts.style import Chart, Theme, shortened
from gpu_sizer.units import rounded


@dataclass(frozen=True, slots=True)
class FrontierPoint:
    """A layout under some users who all run at once."""

    gpus: int
    layout: str
    users: int
    each: float
    """Tokens a second for each user."""
    per_gpu: float
    """Output tokens a second of all users, for each GPU."""
    held: float
    """Requests of full length that the cache holds."""


@dataclass(frozen=True, slots=True)
class FrontierLine:
    """The frontier of one kind of GPU."""

    name: str
    points: tuple[FrontierPoint, ...]


def frontier(points: Iterable[FrontierPoint]) -> tuple[FrontierPoint, ...]:
    """The points that no other beats in both, the fastest for a user first."""
    kept: list[FrontierPoint] = []
    for p in sorted(points, key=lambda p: (-p.each, -p.per_gpu, p.gpus)):
        if not kept or p.per_gpu > kept[-1].per_gpu:
            kept.append(p)
    return tuple(kept)


def frontier_chart(model: str, lines: Sequence[FrontierLine], load: str, source: str) -> Chart:
    """The chart; a line ends where the cache holds no more users."""
    told = [
        f"{line.name}: {rounded(a.each)} tokens a second for each of {a.users:,} on {a.gpus}, "
        f"{rounded(b.per_gpu)} a GPU with {b.users:,} on {b.gpus}."
        for line in lines
        for a, b in [(line.points[0], line.points[-1])]
    ]
    return Chart(
        title=_title(shortened(model), lines),
        subtitle=f"{load}. Dots are layouts with so many users that the cache holds them all; estimates",
        source=source,
        alt=" ".join(told),
        header=("gpu", "gpus", "layout", "users", "each", "per_gpu", "requests_held"),
        rows=tuple(
            (line.name, str(p.gpus), p.layout, str(p.users), f"{p.each:.4g}", f"{p.per_gpu:.4g}", f"{p.held:.4g}")
            for line in lines
            for p in line.points
        ),
        draw=partial(_draw, lines=tuple(lines)),
    )


def _title(model: str, lines: Sequence[FrontierLine]) -> str:
    """The finding: what the best GPU gives at most in all, and what it costs each user."""
    best = max(lines, key=lambda line: line.points[-1].per_gpu)
    first, last = best.points[0], best.points[-1]
    text = f"Each {best.name} gives {rounded(last.per_gpu)} tokens a second of {model}"
    return text if first is last else f"{text}; one user alone gets {rounded(first.each)}"


def _draw(axes: Any, look: Theme, lines: Sequence[FrontierLine]) -> None:
    every = [p for line in lines for p in line.points]
    low, high = min(p.per_gpu for p in every), max(p.per_gpu for p in every)
    left, right = min(p.each for p in every), max(p.each for p in every)
    axes.set_xscale("log", base=2)
    axes.set_yscale("log", base=2)
    axes.set_xlim(left * 0.9, right * 1.8)
    axes.set_ylim(low * 0.8, high * 1.25)
    for ends, ticks in (((left, right), axes.set_xticks), ((low, high), axes.set_yticks)):
        at = [2.0**n for n in range(-4, 20) if ends[0] * 0.9 <= 2.0**n <= ends[1] * 1.1]
        ticks(at, labels=[f"{n:,.4g}" for n in at])
    axes.minorticks_off()
    axes.tick_params(labelsize=10.5)
    axes.set_xlabel("Tokens a second for each user", fontsize=10.5)
    axes.set_ylabel("Tokens a second in all, for each GPU", fontsize=10.5)
    labels, drawn = [], []
    for i, line in enumerate(lines):
        color = look.series[i % len(look.series)]
        path = [(p.each, p.per_gpu) for p in line.points]
        axes.plot([x for x, _ in path], [y for _, y in path], color=color, linewidth=2.2, zorder=LINES)
        shown = [
            (
                p.each,
                p.per_gpu,
                f"{p.gpus} × {line.name}, {p.layout}, {p.users:,} at once: {rounded(p.each)} each, "
                f"{rounded(p.per_gpu)} a GPU",
            )
            for p in line.points
        ]
        dots(axes, shown, s=16, color=color, zorder=POINTS)
        labels.append(Label(*path[0], line.name, color, "bold", 11.0, look.paper))
        drawn.append(path)
    place(axes, labels, points=[point for path in drawn for point in path], lines=drawn)
