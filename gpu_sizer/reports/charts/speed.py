"""Tokens a second for each user against the number of users: a line for each GPU, with its range."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from gpu_sizer.records import dataclass
from gpu_sizer.reports.charts.dots import dots
from gpu_sizer.reports.charts.labels import LINES, POINTS, Label, place
from gpu_sizer.reports.charts.style import Chart, Theme, shortened
from gpu_sizer.units import rounded

#: Lines stay apart up to so many.
MOST_LINES = 5
#: How strong the colour of a range is.
RANGE_ALPHA = 0.16


@dataclass(frozen=True, slots=True)
class SpeedPoint:
    """Tokens a second for each of some users: the estimate, and the range that holds 90 % of what was measured."""

    users: int
    low: float
    about: float
    high: float
    in_all: float
    """Output tokens a second of all users."""


@dataclass(frozen=True, slots=True)
class SpeedLine:
    """One kind of GPU, as many as the model takes."""

    name: str
    """``4 × H100``."""
    points: tuple[SpeedPoint, ...]


def speed_chart(model: str, lines: Sequence[SpeedLine], load: str, source: str) -> Chart:
    """The chart; lines end where cache or engine take no more users at once."""
    told = [
        f"{line.name}: {rounded(line.points[0].about)} for {line.points[0].users}, "
        f"{rounded(line.points[-1].about)} for each of {line.points[-1].users:,}."
        for line in lines
    ]
    return Chart(
        title=_title(shortened(model), lines),
        subtitle=f"{load}. Bands hold 90 % of what was measured on models that no constant had seen",
        source=source,
        alt=" ".join(told),
        header=("gpus", "users", "low", "about", "high", "tokens_per_second_in_all"),
        rows=tuple(
            (line.name, str(p.users), *(f"{v:.4g}" for v in (p.low, p.about, p.high, p.in_all)))
            for line in lines
            for p in line.points
        ),
        draw=partial(_draw, lines=tuple(lines)),
    )


def _title(model: str, lines: Sequence[SpeedLine]) -> str:
    """The finding: what the fastest line gives one user, and each of most."""
    best = max(lines, key=lambda line: line.points[0].about)
    first, last = best.points[0], best.points[-1]
    who = "alone" if first.users == 1 else f"of {first.users:,}"
    text = f"On {best.name} a user of {model} gets {rounded(first.about)} tokens a second {who}"
    return text if first is last else f"{text}, {rounded(last.about)} among {last.users:,}"


def _draw(axes: Any, look: Theme, lines: Sequence[SpeedLine]) -> None:
    most = max(p.users for line in lines for p in line.points)
    low = min(p.low for line in lines for p in line.points)
    high = max(p.high for line in lines for p in line.points)
    axes.set_xscale("log", base=2)
    axes.set_yscale("log", base=2)
    # Room on the right for the names of the lines.
    axes.set_xlim(0.94, max(2, most) ** 1.3)
    axes.set_ylim(low * 0.9, high * 1.15)
    across = [1 << n for n in range(21) if 1 << n <= most]
    axes.set_xticks(across, labels=[f"{n:,}" for n in across])
    up = [m for n in range(-6, 16) for m in (2.0**n, 1.5 * 2.0**n) if low * 0.9 <= m <= high * 1.15]
    axes.set_yticks(up, labels=[f"{n:g}" for n in up])
    axes.minorticks_off()
    axes.tick_params(labelsize=10.5)
    axes.set_xlabel("Users at once", fontsize=10.5)
    axes.set_ylabel("Tokens a second for each user", fontsize=10.5)
    labels, drawn = [], []
    for i, line in enumerate(lines):
        color = look.series[i % len(look.series)]
        xs = [p.users for p in line.points]
        axes.fill_between(
            xs, [p.low for p in line.points], [p.high for p in line.points], color=color, alpha=RANGE_ALPHA, linewidth=0
        )
        axes.plot(xs, [p.about for p in line.points], color=color, linewidth=2.2, zorder=LINES)
        shown = [
            (p.users, p.about, f"{line.name}, {p.users:,} at once: {rounded(p.about)} tokens a second each")
            for p in line.points
        ]
        dots(axes, shown, s=16, color=color, zorder=POINTS)
        last = line.points[-1]
        labels.append(Label(last.users, last.about, line.name, color, "bold", 11.0, look.paper))
        drawn.append([(float(p.users), p.about) for p in line.points])
    place(axes, labels, points=[(x, y) for line in drawn for x, y in line], lines=drawn)
