"""Release dates against what models take: the records, their trend, and small models that are as good."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from functools import partial
from typing import Any

from gpu_sizer.records import dataclass
from gpu_sizer.reports.charts.dots import dots
from gpu_sizer.reports.charts.geometry import least_ratio, ticks
from gpu_sizer.reports.charts.growth import Growth, Measured, growth, records
from gpu_sizer.reports.charts.labels import IF_ROOM, LINES, MUST, POINTS, Label, place
from gpu_sizer.reports.charts.style import Chart, Theme, shortened

#: Models that get a name beside records and exceptions, the most demanding first.
MOST_NAMES = 26
#: Exceptions that are explained in words; the others bear the star alone.
MOST_EXCEPTIONS = 5
#: Models above what was searched that the subtitle names.
MOST_BEYOND = 2
#: Inches between the marks of the other axis at least.
MARK = 0.19
#: Days that the time axis spans at least, and marks of the other at most.
SHORTEST_SPAN, MOST_MARKS = 180, 9
#: Days from which the time axis counts in years alone.
YEARS_ALONE = 1500


@dataclass(frozen=True, slots=True)
class Exceptional:
    """A model that is as good as ``instead`` was on far fewer GPUs."""

    name: str
    gpus: int
    instead: str
    instead_gpus: int
    day: date
    """On which the release that scored so high came."""
    score: float
    release: str
    """What that is called: it may be a fine-tune of the model's shape."""


@dataclass(frozen=True, slots=True)
class Demand:
    """What the chart shows."""

    models: tuple[Measured, ...]
    records: tuple[Measured, ...]
    trend: Growth | None
    exceptions: tuple[Exceptional, ...]
    until: date
    unit: str
    """What is counted: ``RTX A6000s`` or ``GiB``."""
    load: str
    """Under which load, in words."""
    beyond: tuple[str, ...] = ()
    """Models that no number searched carries."""
    above: tuple[str, ...] = ()
    """Those of them that are too large for it."""


def demand(
    models: Sequence[Measured],
    unit: str,
    load: str,
    *,
    exceptions: Sequence[Exceptional] = (),
    until: date | None = None,
    beyond: Sequence[str] = (),
    above: Sequence[str] = (),
) -> Demand:
    """The findings of the chart.

    Args:
        models: what each takes; at least one.
        unit: what is counted.
        load: under which load, in words.
        exceptions: models that broke the trend.
        until: the day on which the time axis ends; null is that of the newest model.
        beyond: names of models that no number searched carries.
        above: names of those that are too large for it.
    """
    best = records(models)
    shown = {m.name for m in models}
    kept = tuple(e for e in exceptions if e.name in shown)
    last = until or max(m.day for m in models)
    return Demand(tuple(models), best, growth(best), kept, last, unit, load, tuple(beyond), tuple(above))


def months(value: float) -> str:
    """``5 months``, or ``1.4 years`` from two years on."""
    if value >= 23.5:
        return f"{value / 12:.1f} years"
    rounded = f"{value:.1f}" if value < 10 else f"{value:.0f}"
    return f"{rounded} months"


def title(demand: Demand) -> str:
    """The finding as a headline."""
    if demand.trend is None:
        last = demand.records[-1]
        unit = "" if demand.unit == "GiB" else f" {demand.unit}"
        return f"{shortened(last.name)} takes most: {_figure(last.value, demand.unit)}{unit}"
    what = "memory" if demand.unit == "GiB" else "GPUs"
    return f"The largest open models double their {what} every {months(demand.trend.doubling_months)}"


def sentences(demand: Demand) -> list[str]:
    """What the chart shows, in words."""
    names = ", ".join(f"{m.name} ({m.day}, {_figure(m.value, demand.unit)})" for m in demand.records)
    told = [f"Records in {demand.unit}: {names}."]
    if demand.trend is not None:
        told.append(
            f"The line through the logarithms of these {demand.trend.points} records doubles every "
            f"{months(demand.trend.doubling_months)}."
        )
    told += [
        f"{e.name} scored as high on {e.gpus} as {e.instead}, the least demanding before it, did on {e.instead_gpus}."
        for e in demand.exceptions
    ]
    return told


def _figure(value: float, unit: str) -> str:
    if unit != "GiB":
        return f"{value:,.0f}"
    return f"{value:,.0f} GiB" if value >= 10 else f"{value:.2g} GiB"


def demand_chart(demand: Demand, source: str) -> Chart:
    """The chart."""
    what = "GiB of weights and cache" if demand.unit == "GiB" else demand.unit
    subtitle = f"{what} that open models take, by release date; {demand.load}. Blue: more than any before"
    if demand.trend is not None:
        subtitle += "; dashed: trend of these"
    if demand.exceptions:
        subtitle += "; star: at most half of what its score took before"
    if demand.above:
        names = ", ".join(map(shortened, demand.above[:MOST_BEYOND]))
        more = len(demand.above) - MOST_BEYOND
        subtitle += f". Above what was searched: {names}" + (f" and {more} more" if more > 0 else "")
    leading = {m.name for m in demand.records}
    named = {e.name: e for e in demand.exceptions}
    return Chart(
        title=title(demand),
        subtitle=subtitle,
        source=source,
        alt=" ".join(sentences(demand)),
        header=("released", "model", "gib" if demand.unit == "GiB" else "gpus", "record", "as_good_as", "its_gpus"),
        rows=tuple(
            (
                m.day.isoformat(),
                m.name,
                f"{m.value:.6g}",
                "record" if m.name in leading else "",
                named[m.name].instead if m.name in named else "",
                str(named[m.name].instead_gpus) if m.name in named else "",
            )
            for m in sorted(demand.models, key=lambda m: (m.day, m.name))
        ),
        draw=partial(_draw, demand=demand),
    )


def _draw(axes: Any, look: Theme, demand: Demand) -> None:
    import matplotlib.dates

    color, mark = look.series[0], look.series[1]
    days, values = [m.day for m in demand.models], [m.value for m in demand.models]
    span = (demand.until - min(days)).days
    # A single day stands in the middle of some months.
    aside = max(0, SHORTEST_SPAN - span) // 2
    span = max(span, SHORTEST_SPAN)
    begin = min(days) - timedelta(days=aside + round(span * 0.05))
    end = demand.until + timedelta(days=aside + round(span * 0.06))
    low, high = min(values), max(values)
    axes.set_yscale("log", base=2)
    # Names of exceptions stand below the lowest points.
    bottom = low * (0.42 if demand.exceptions else 0.72)
    room = max(1.6, (high / low) ** 0.1)
    axes.set_ylim(bottom, max(high, low * 2) * room)
    axes.set_xlim(begin, end)
    marks = _marks(axes, demand, low, high * room)
    axes.set_yticks(marks, labels=[f"{m:,.0f}" if m >= 1 else f"{m:g}" for m in marks])
    axes.minorticks_off()
    dates: Any = matplotlib.dates
    axes.xaxis.set_major_locator(dates.AutoDateLocator(minticks=5, maxticks=10))
    axes.xaxis.set_major_formatter(partial(_month, dates.num2date, span > YEARS_ALONE))
    axes.tick_params(labelsize=10.5)
    axes.set_ylabel(f"{demand.unit} needed", fontsize=10.5)
    special = {m.name for m in demand.records} | {e.name for e in demand.exceptions}
    rest = [m for m in demand.models if m.name not in special]
    dots(axes, _named(rest, demand), s=30, color=look.muted, alpha=0.6, linewidths=0, zorder=POINTS)
    lines: list[list[tuple[Any, float]]] = [_steps(demand)]
    axes.plot([x for x, _ in lines[0]], [y for _, y in lines[0]], color=color, linewidth=2.0, zorder=LINES)
    labels: list[Label] = []
    faint: list[list[tuple[Any, float]]] = []
    if demand.trend is not None:
        ends = [(d, demand.trend.at(d)) for d in (demand.records[0].day, demand.until)]
        axes.plot(
            [x for x, _ in ends], [y for _, y in ends], color=color, linewidth=1.2, linestyle=(0, (5, 4)), alpha=0.8
        )
        faint.append([*ends])
        middle = _widest(demand, demand.trend)
        text = f"doubles every {months(demand.trend.doubling_months)}"
        labels.append(
            Label(middle, demand.trend.at(middle), text, color, size=11.0, halo=look.paper, worth=IF_ROOM * 2)
        )
    dots(axes, _named(demand.records, demand), s=62, color=color, zorder=POINTS + 0.1)
    by_name = {m.name: m for m in demand.models}
    stars = [by_name[e.name] for e in demand.exceptions]
    dots(axes, _named(stars, demand), s=150, marker="*", color=mark, zorder=POINTS + 0.2)
    for one in reversed(demand.records):
        if one.name not in {e.name for e in demand.exceptions}:
            text = f"{shortened(one.name)}: {_figure(one.value, demand.unit)}"
            labels.append(Label(one.day, one.value, text, color, "bold", 10.5, look.paper, MUST))
    told = sorted(demand.exceptions, key=lambda e: (-(e.instead_gpus / e.gpus), -by_name[e.name].day.toordinal()))
    for i, e in enumerate(told):
        at, first = by_name[e.name], i < MOST_EXCEPTIONS
        text = f"{shortened(e.name)}: {e.gpus}, not {e.instead_gpus}" if first else shortened(e.name)
        worth = MUST if first else IF_ROOM * 8
        labels.append(Label(at.day, at.value, text, mark, "bold", 10.5 if first else 9.5, look.paper, worth))
    for m in sorted(rest, key=lambda m: -m.value)[:MOST_NAMES]:
        labels.append(Label(m.day, m.value, shortened(m.name), look.muted, size=9.5, halo=look.paper, worth=IF_ROOM))
    place(axes, labels, points=[(m.day, m.value) for m in demand.models], lines=lines, faint=faint)


def _named(shown: Sequence[Measured], demand: Demand) -> list[tuple[Any, float, str]]:
    """Dots with what a pointer over them shows."""
    return [(m.day, m.value, f"{m.name}: {_figure(m.value, demand.unit)} ({m.day})") for m in shown]


def _marks(axes: Any, demand: Demand, low: float, top: float) -> list[float]:
    """Marks of the other axis: every step of the records where there is room, and powers of two between them."""
    powers = [n for n in range(-4, 24) if low * 0.72 <= 2.0**n <= top]
    if demand.unit == "GiB" or len(powers) > MOST_MARKS:
        every = math.ceil(len(powers) / MOST_MARKS)
        return [2.0**n for n in powers if n % every == 0]
    bottom, up = axes.get_ylim()
    inches = axes.get_position().height * axes.figure.get_figheight()
    steps = [round(m.value) for m in demand.records]
    return [float(m) for m in ticks(steps, [2**n for n in powers if n >= 0], least_ratio(bottom, up, inches, MARK))]


def _month(day_of: Callable[[float], Any], years_alone: bool, value: float, position: int) -> str:
    """A mark of the time axis: the month, with the year below the first and below each January; or the year."""
    day = day_of(value)
    if years_alone:
        return f"{day:%Y}"
    return f"{day:%b}\n{day.year}" if position == 0 or day.month == 1 else f"{day:%b}"


def _widest(demand: Demand, trend: Growth) -> date:
    """The day on which the trend is farthest from the steps: there is room for its name."""
    first = demand.records[0].day
    days = [first + (demand.until - first) * n / 20 for n in range(3, 16)]

    def distance(day: date) -> float:
        step = max(m.value for m in demand.records if m.day <= day)
        return abs(math.log2(trend.at(day) / step))

    return max(days, key=distance)


def _steps(demand: Demand) -> list[tuple[Any, float]]:
    """The corners of the records' step line."""
    corners: list[tuple[Any, float]] = []
    for one in demand.records:
        if corners:
            corners.append((one.day, corners[-1][1]))
        corners.append((one.day, one.value))
    return [*corners, (demand.until, corners[-1][1])]
