"""Scores against the GPUs needed: points, the frontier as a step line, and the models that broke the trend."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gpu_sizer.records import dataclass
from gpu_sizer.reports.charts.dots import dots
from gpu_sizer.reports.charts.geometry import ticks
from gpu_sizer.reports.charts.labels import IF_ROOM, LINES, MUST, POINTS, Label, place
from gpu_sizer.reports.charts.style import Theme, shortened

#: Models below the frontier whose saving is told in figures.
MOST_FIGURES = 4


@dataclass(frozen=True, slots=True)
class Placed:
    """A model: the GPUs it needs and its score."""

    gpus: int
    score: float
    name: str
    told: str = ""
    """Name and organisation, for whoever points at the dot."""


@dataclass(frozen=True, slots=True)
class Fewer:
    """A model that needs fewer GPUs than ``before`` did for its score."""

    model: Placed
    before: Placed


def _named(shown: Sequence[Placed]) -> list[tuple[Any, float, str]]:
    """Dots with what a pointer over them shows."""
    return [(m.gpus, m.score, f"{m.told or m.name}: {m.score:.0f} on {m.gpus}") for m in shown]


def draw(
    axes: Any, look: Theme, models: Sequence[Placed], best: Sequence[Placed], fewer: Sequence[Fewer], x_label: str
) -> None:
    """Draws the chart into axes.

    Args:
        axes: matplotlib axes.
        look: the theme.
        models: all of them.
        best: the frontier, by GPUs.
        fewer: models that broke the trend.
        x_label: what is counted.
    """
    color, mark = look.series[0], look.series[1]
    most = max(m.gpus for m in models)
    scores = [m.score for m in models]
    room = max(20.0, max(scores) - min(scores))
    axes.set_xscale("log", base=2)
    axes.set_xlim(0.8, most * 1.6)
    axes.set_ylim(min(scores) - room * 0.06, max(scores) + room * 0.1)
    marks = ticks([m.gpus for m in best], [m.gpus for m in models])
    axes.set_xticks(marks, labels=[str(t) for t in marks])
    axes.minorticks_off()
    axes.set_xlabel(x_label)
    axes.set_ylabel("Arena score")
    dots(axes, _named(models), s=20, color=look.muted, alpha=0.55, linewidths=0, zorder=POINTS)
    corners: list[tuple[float, float]] = []
    for one in best:
        if corners:
            corners.append((one.gpus, corners[-1][1]))
        corners.append((one.gpus, one.score))
    corners.append((most * 1.6, corners[-1][1]))
    axes.plot([x for x, _ in corners], [y for _, y in corners], color=color, linewidth=2.0, zorder=LINES)
    dots(axes, _named(best), s=42, color=color, zorder=POINTS + 0.1)
    dots(axes, _named([f.model for f in fewer]), s=110, marker="*", color=mark, zorder=POINTS + 0.2)
    leading = {m.name for m in best}
    named = {f.model.name: f for f in fewer}
    labels = []
    for one in reversed(best):
        text, ink = shortened(one.name), color
        if one.name in named:
            text, ink = f"{text}: {one.gpus}, not {named[one.name].before.gpus}", mark
        labels.append(Label(one.gpus, one.score, text, ink, "bold", 9.5, look.paper, MUST))
    # Those that saved most are told in figures.
    others = sorted((f for f in fewer if f.model.name not in leading), key=lambda f: -f.before.gpus / f.model.gpus)
    for i, f in enumerate(others):
        text = shortened(f.model.name) + (f": {f.model.gpus}, not {f.before.gpus}" if i < MOST_FIGURES else "")
        worth = MUST if i < MOST_FIGURES else IF_ROOM * 8
        labels.append(Label(f.model.gpus, f.model.score, text, mark, "bold", 9.5, look.paper, worth))
    taken = leading | set(named)
    rest = sorted((m for m in models if m.name not in taken), key=lambda m: -m.score)
    labels += [
        Label(m.gpus, m.score, shortened(m.name), look.muted, size=9.0, halo=look.paper, worth=IF_ROOM) for m in rest
    ]
    place(axes, labels, points=[(m.gpus, m.score) for m in models], lines=[corners])
