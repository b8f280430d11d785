"""Scores over time in two colours: points, the frontier of each kind as a step line, its trend, the gap and the lag."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from typing import Any

from gpu_sizer.records import dataclass
from gpu_sizer.reports.charts.dots import dots
from gpu_sizer.reports.charts.labels import IF_ROOM, LINES, POINTS, Label, place
from gpu_sizer.reports.charts.style import Theme, shade, shortened

#: Points between the middle of a measured distance and its text at most.
SPAN_REACH = 14.0


@dataclass(frozen=True, slots=True)
class Dot:
    """A model: when it came, and its score."""

    day: date
    score: float
    name: str
    told: str = ""
    """Name and organisation, for whoever points at the dot."""
    by: str = ""
    """The organisation, where it is named beside the dot."""
    shade: int = 0
    """Steps from the colour of its kind: one for each organisation that led more than once."""

    @property
    def label(self) -> str:
        """What stands beside the dot."""
        return shortened(self.name) + (f" · {self.by}" if self.by else "")


@dataclass(frozen=True, slots=True)
class Series:
    """One kind of models."""

    name: str
    dots: tuple[Dot, ...]
    """All of them."""
    leaders: tuple[Dot, ...]
    """Those that were the best when they came, by day."""
    tied: tuple[Dot, ...]
    """Those that tied with the best of their day."""
    trend: tuple[tuple[date, float], ...] = ()
    """Two ends of the fitted line."""
    level: tuple[float, str] | None = None
    """The score and the name of the best of all, where its day is not known: a line across, and no dot."""


@dataclass(frozen=True, slots=True)
class Span:
    """A measured distance: between two days at one score (a lag), or two scores on one day (a gap)."""

    begin: tuple[date, float]
    end: tuple[date, float]
    text: str


def steps(leaders: Sequence[Dot], until: date) -> list[tuple[date, float]]:
    """The corners of a step line."""
    corners: list[tuple[date, float]] = []
    for dot in leaders:
        if corners:
            corners.append((dot.day, corners[-1][1]))
        corners.append((dot.day, dot.score))
    if corners:
        corners.append((until, corners[-1][1]))
    return corners


def _limits(series: Sequence[Series], until: date) -> tuple[date, date, float, float]:
    dots = [d for s in series for d in s.dots]
    days = [d.day for d in dots] or [until]
    scores = [*(d.score for d in dots), *(s.level[0] for s in series if s.level)]
    span = max(60, (until - min(days)).days)
    low, high = min(scores), max(scores)
    room = max(20.0, high - low)
    begin = min(days) - timedelta(days=round(span * 0.03))
    return begin, until + timedelta(days=round(span * 0.13)), low - room * 0.06, high + room * 0.09


def _inks(shown: Sequence[Dot], look: Theme, color: str) -> list[str]:
    """The colour of each dot: that of its kind, in the shade of its organisation."""
    return [shade(color, look, dot.shade) for dot in shown]


def _by_importance(series: Series, look: Theme, color: str) -> Iterator[Label]:
    """The newest leaders first: they are what a reader looks for."""
    for dot in reversed(series.leaders):
        yield Label(dot.day, dot.score, dot.label, shade(color, look, dot.shade), size=9.0, halo=look.paper)
    for dot in reversed(series.tied):
        ink = shade(color, look, dot.shade)
        yield Label(dot.day, dot.score, shortened(dot.name), ink, size=9.0, halo=look.paper, worth=IF_ROOM)


def draw(axes: Any, look: Theme, series: Sequence[Series], until: date, spans: Sequence[Span], y_label: str) -> None:
    """Draws the chart into axes.

    Args:
        axes: matplotlib axes.
        look: the theme.
        series: two kinds at most stay legible.
        until: the day up to which the frontiers go on.
        spans: lags and gaps to mark.
        y_label: what scores are.
    """
    from matplotlib import dates

    made: Any = dates
    begin, end, low, high = _limits(series, until)
    axes.set_xlim(begin, end)
    axes.set_ylim(low, high)
    locator = made.AutoDateLocator(minticks=5, maxticks=10)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(_month(until))
    axes.set_ylabel(y_label)
    lines: list[list[tuple[Any, float]]] = []
    faint: list[list[tuple[Any, float]]] = []
    points: list[tuple[Any, float]] = []
    specks: list[tuple[Any, float]] = []
    labels: list[Label] = []
    for index, one in enumerate(series):
        color = look.series[index]
        named = {(d.day, d.name) for d in (*one.leaders, *one.tied)}
        rest = [d for d in one.dots if (d.day, d.name) not in named]
        dots(axes, _named(rest), s=14, color=_inks(rest, look, color), alpha=0.45, linewidths=0, zorder=POINTS)
        specks += [(d.day, d.score) for d in rest]
        if one.level is not None:
            score, name = one.level
            axes.axhline(score, color=color, linewidth=1.2, linestyle=(0, (1, 2)), zorder=2)
            faint.append([(begin, score), (end, score)])
            middle = begin + (until - begin) / 3
            labels.append(Label(middle, score, name, color, "bold", 9.0, look.paper))
        corners = steps(one.leaders, until)
        axes.plot([x for x, _ in corners], [y for _, y in corners], color=color, linewidth=2.0, zorder=LINES)
        lines.append([*corners])
        if one.trend:
            axes.plot(
                [x for x, _ in one.trend],
                [y for _, y in one.trend],
                color=color,
                linewidth=1.0,
                linestyle=(0, (5, 4)),
                alpha=0.75,
                zorder=2,
            )
            faint.append([*one.trend])
        dots(axes, _named(one.leaders), s=34, color=_inks(one.leaders, look, color), zorder=POINTS)
        rims = _inks(one.tied, look, color)
        dots(axes, _named(one.tied), s=30, facecolors=look.paper, edgecolors=rims, linewidths=1.3, zorder=POINTS)
        points += [(d.day, d.score) for d in (*one.leaders, *one.tied)]
        if corners:
            labels.append(Label(*corners[-1], one.name, color, "bold", 11.0, look.paper))
    # Labels of both kinds take turns, so that neither takes all the room.
    queues = [list(_by_importance(one, look, look.series[i])) for i, one in enumerate(series)]
    for turn in range(max((len(q) for q in queues), default=0)):
        labels += [q[turn] for q in queues if turn < len(q)]
    measured = [_span(axes, look, span, lines) for span in spans]
    place(axes, [*measured, *labels], points=points, specks=specks, lines=lines, faint=faint)


def _named(shown: Sequence[Dot]) -> list[tuple[Any, float, str]]:
    """Dots with what a pointer over them shows."""
    return [(d.day, d.score, f"{d.told or d.name}: {d.score:.0f} ({d.day})") for d in shown]


def _span(axes: Any, look: Theme, span: Span, lines: list[list[tuple[Any, float]]]) -> Label:
    """Draws a measured distance; its text as a label of the middle."""
    style: Any = {"arrowstyle": "<->", "color": look.ink, "linewidth": 1.1, "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", xy=span.begin, xytext=span.end, arrowprops=style, zorder=POINTS)
    lines.append([span.begin, span.end])
    middle = span.begin[0] + (span.end[0] - span.begin[0]) / 2
    return Label(
        middle, (span.begin[1] + span.end[1]) / 2, span.text, look.ink, "bold", 9.0, look.paper, reach=SPAN_REACH
    )


def _month(until: date) -> Callable[[float, int], str]:
    """Labels of the time axis up to a day: months, with the year below the first and below each January."""
    from matplotlib import dates

    made: Any = dates

    def text(value: float, position: int) -> str:
        day = made.num2date(value)
        if day.date() > until:
            return ""
        shows_year = position == 0 or day.month == 1
        return f"{day:%b}\n{day.year}" if shows_year else f"{day:%b}"

    return text
