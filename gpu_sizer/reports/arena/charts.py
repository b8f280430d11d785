"""The Arena's findings handed to the charts."""

from __future__ import annotations

import re
from datetime import date
from functools import partial

from gpu_sizer.arena.frontier import Capability, Need
from gpu_sizer.arena.progress import Frontier, Progress
from gpu_sizer.arena.sentences import basis, progress_sentences
from gpu_sizer.arena.standings import Standing, Table
from gpu_sizer.reports.arena.listings import capability_rows, progress_rows
from gpu_sizer.reports.charts import frontier as frontier_drawing
from gpu_sizer.reports.charts import progress as progress_drawing
from gpu_sizer.reports.charts.frontier import Fewer, Placed
from gpu_sizer.reports.charts.progress import Dot, Series, Span
from gpu_sizer.reports.charts.style import Chart

#: Whose chart the article that this one belongs to showed, and where it is.
TRACKER = "after Andrew Reed’s progress tracker"
TRACKER_URL = "https://huggingface.co/spaces/andrewrreed/closed-vs-open-arena-elo"
#: Organisations of a kind that have a shade of their own: more would not be told apart.
MOST_SHADES = 3


def _source(table: Table) -> str:
    rights = f" ({table.rights})" if table.rights else ""
    return f"Source: {basis(table)}{rights}; release dates: gpu_sizer."


def short_name(name: str) -> str:
    """A model's name without the word for its chat version, which every rated model is."""
    return re.sub(r" (Instruct|Chat|IT)( v0\.\d)?(?= |$)", "", name)


def _day(standing: Standing) -> date:
    assert standing.released is not None, "only models with a date have a place in time"
    return standing.released


def _told(standing: Standing) -> str:
    return standing.name + (f" ({standing.organization})" if standing.organization else "")


def _shades(frontier: Frontier) -> dict[str | None, int]:
    """Steps of shade by organisation, for those that led more than once, most often first; all others have none."""
    led: dict[str | None, int] = {}
    for one in frontier.leaders:
        led[one.organization] = led.get(one.organization, 0) + 1
    several = sorted((o for o, n in led.items() if o and n > 1), key=lambda o: -led[o])
    return {name: step for step, name in enumerate(several[:MOST_SHADES], 1)}


def _dot(standing: Standing, shades: dict[str | None, int], by: str = "") -> Dot:
    step = shades.get(standing.organization, 0)
    return Dot(_day(standing), standing.rating, short_name(standing.name), _told(standing), by, step)


def _leaders(frontier: Frontier, shades: dict[str | None, int]) -> tuple[Dot, ...]:
    """The leaders; the first of each organisation bears its name, unless its own says it."""
    dots: list[Dot] = []
    seen: set[str] = set()
    for one in frontier.leaders:
        by = one.organization or ""
        named = by in seen or by.casefold() in one.name.casefold()
        dots.append(_dot(one, shades, "" if named else by))
        seen.add(by)
    return tuple(dots)


def _series(name: str, frontier: Frontier, standings: tuple[Standing, ...], progress: Progress) -> Series:
    trend = frontier.trend
    line: tuple[tuple[date, float], ...] = ()
    if trend is not None:
        line = tuple((day, trend.at(day)) for day in (trend.begins, progress.table.as_of))
    shades = _shades(frontier)
    dots = tuple(_dot(s, shades) for s in standings)
    level = None
    if frontier.best is not None and not frontier.dated:
        level = (frontier.best.rating, f"{name}: {short_name(frontier.best.name)}, release date not known")
    tied = tuple(_dot(s, shades) for s in frontier.tied)
    return Series(name, dots, _leaders(frontier, shades), tied, line, level)


def _progress_title(progress: Progress) -> str:
    if progress.gap is None:
        return "Whether open or proprietary models lead the Arena cannot be told"
    verb = "trails" if progress.gap >= 0 else "leads"
    return f"The best open model {verb} the best proprietary one by {abs(progress.gap):.0f} points"


def _first_capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def progress_chart(progress: Progress) -> Chart:
    """Open against proprietary models over time."""
    table = progress.table
    series = (
        _series("Proprietary", progress.proprietary, tuple(s for s in progress.shown if not s.open), progress),
        _series("Open", progress.open, tuple(s for s in progress.shown if s.open), progress),
    )
    spans = []
    best_open, best_closed = progress.open.best, progress.proprietary.best
    if best_open and best_closed and progress.gap:
        ends = (table.as_of, best_open.rating), (table.as_of, best_closed.rating)
        spans.append(Span(*ends, f"{abs(progress.gap):.0f} points"))
    if best_open and progress.lag_days and progress.lag_days > 0:
        lag = progress.behind[-1]
        ends = (_day(lag.proprietary), best_open.rating), (_day(best_open), best_open.rating)
        spans.append(Span(*ends, f"{progress.lag_days} days"))
    draw = partial(
        progress_drawing.draw,
        series=tuple(s for s in series if s.dots or s.level),
        until=table.as_of,
        spans=spans,
        y_label="Arena score",
    )
    header, rows = progress_rows(progress)
    return Chart(
        title=_progress_title(progress),
        subtitle=(
            f"Arena score by release date, as of {table.as_of}. Filled: best of its kind when it came; "
            "ring: tied with it; dashed: trend; shades: organizations that led more than once"
            + (f". {_first_capital(progress.reason)}" if progress.reason else "")
            + (f". Not drawn: {len(table.timeless)} models without a release date" if progress.undated else "")
        ),
        source=f"{_source(table)[:-1]}; {TRACKER}.",
        link=TRACKER_URL,
        alt=" ".join(progress_sentences(progress)),
        header=tuple(header),
        rows=tuple(map(tuple, rows)),
        draw=draw,
    )


def _placed(need: Need) -> Placed:
    return Placed(need.gpus, need.standing.rating, short_name(need.standing.name), _told(need.standing))


def _frontier_title(capability: Capability, gpu: str) -> str:
    """The finding: what the step from the fewest GPUs to the most buys."""
    first, last = capability.pareto[0], capability.pareto[-1]
    name, most = short_name(last.standing.name), f"{last.gpus} {gpu}"
    if first is last:
        return f"No open model is rated above {name}, which runs on {most if last.gpus > 1 else f'1 of the {gpu}'}"
    points = f"{last.standing.rating - first.standing.rating:.0f} points"
    return f"From {short_name(first.standing.name)} on {first.gpus} to {name} on {most}: {points} more"


def frontier_chart(capability: Capability, table: Table, gpu: str, context: str | None) -> Chart:
    """Ratings against the number of one GPU; ``gpu`` is its name in the plural."""
    header, rows = capability_rows(capability)
    length = f"{context} tokens" if context else "full context"
    draw = partial(
        frontier_drawing.draw,
        models=tuple(map(_placed, capability.needs)),
        best=tuple(map(_placed, capability.pareto)),
        fewer=tuple(Fewer(_placed(b.need), _placed(b.before)) for b in capability.breaks),
        x_label=f"{gpu} needed (unquantized, {length}, one request at a time)",
    )
    names = ", ".join(f"{n.standing.name} on {n.gpus} ({n.standing.rating:.0f})" for n in capability.pareto)
    return Chart(
        title=_frontier_title(capability, gpu),
        subtitle=(
            f"The best open model for each number of {gpu}, as of {table.as_of}; blue: nothing better runs on as few; "
            "star: on the day of its release, at most half of what its score took before"
        ),
        source=_source(table),
        alt=f"Arena score against the number of {gpu} needed, as of {table.as_of}. The frontier: {names}.",
        header=tuple(header),
        rows=tuple(map(tuple, rows)),
        draw=draw,
    )
