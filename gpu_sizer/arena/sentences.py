"""The Arena's findings in words."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from gpu_sizer.arena.frontier import Capability
from gpu_sizer.arena.progress import Progress, some
from gpu_sizer.arena.standings import Table

#: Days by which a table may be older than what it is asked about before the answer says so.
STALE_DAYS = 60
UPDATE = "`gpu-sizer update arena` takes newer ones"


def joined_sentence(table: Table) -> str:
    """How many of the Arena's names joined to cards, and which did not."""
    text = f"{table.joined} of the {table.names} models in the Arena's table of {table.listed} joined to a card"
    for what, names in (
        ("without a card", table.unjoined),
        ("without a release date", table.undated),
        ("without a settled rating", table.unrated),
    ):
        if names:
            text += f"; {what}: {some(names)}"
    return text


def basis(table: Table) -> str:
    """Where the ratings come from, and of which kind they are."""
    control = f", controlled for {table.control}" if table.control else ""
    day = f"{table.source}, {table.category}, {table.method}{control}"
    if table.listed == table.rated:
        return f"{day} ratings of {table.rated}"
    return f"{day} ratings of {table.rated} for the models listed on {table.listed}"


def stale(table: Table, newest: date | None) -> str | None:
    """What to say of a table that is much older than the day asked for, or than the newest model known; else null."""
    if (days := (table.as_of - table.listed).days) > STALE_DAYS:
        return f"no table of the Arena is at hand between {table.listed} and {table.as_of} ({days} days): {UPDATE}"
    if newest is not None and (days := (newest - table.listed).days) > STALE_DAYS:
        return f"the newest table of the Arena is of {table.listed}, {days} days older than the newest model: {UPDATE}"
    return None


def _days(days: int) -> str:
    return f"{days:,} day{'' if abs(days) == 1 else 's'}"


def _apart(one: float, other: float) -> tuple[str, str, str]:
    """Two ratings and how far they are apart, in as few digits as a reader can subtract them in."""
    digits = next(
        (d for d in range(2) if round(abs(one - other), d) == round(abs(round(one, d) - round(other, d)), d)), 2
    )
    return f"{one:.{digits}f}", f"{other:.{digits}f}", f"{abs(one - other):.{digits}f}"


def progress_sentences(progress: Progress) -> Iterator[str]:
    """Gap, lag and trends; or why there is none."""
    yield f"As of {progress.table.as_of} ({basis(progress.table)}):"
    best_open, best_closed = progress.open.best, progress.proprietary.best
    if best_open and best_closed and progress.gap is not None:
        leads = "trails" if progress.gap >= 0 else "leads"
        lower, upper, apart = _apart(best_open.rating, best_closed.rating)
        yield (
            f"the best open model, {best_open.name} ({lower}), {leads} the best proprietary one, "
            f"{best_closed.name} ({upper}), by {apart} points."
        )
    else:
        yield f"Who leads cannot be told: {progress.reason}."
    if progress.lag_days is not None and best_open:
        first = progress.behind[-1].proprietary
        late = f"{best_open.name} came {_days(progress.lag_days)} after {first.name}"
        lag = f"{late}, the first proprietary one of its score"
        yield f"{lag}; over all open leaders the median lag is {progress.median_lag_days:.0f} days."
    elif progress.gap is not None and progress.dates_reason:
        yield f"How many days that is cannot be told: {progress.dates_reason}."
    trends = [
        f"{kind} {f.trend.points_a_year:.0f}"
        for kind, f in (("open", progress.open), ("proprietary", progress.proprietary))
        if f.trend
    ]
    if trends:
        yield f"Trend of the leaders in points a year: {', '.join(trends)}."
    if progress.hidden:
        models = "1 model is" if progress.hidden == 1 else f"{progress.hidden} models are"
        yield f"{models} left out, below {progress.min_score:,.0f} points."


def frontier_sentences(
    capability: Capability, table: Table, gpu: str, several: str, context: str | None
) -> Iterator[str]:
    """What a GPU buys, and who broke the trend; ``several`` is the name of the GPU in the plural."""
    length = f"{context} of context" if context else "full context length"
    yield f"The best open model for each number of {several}, as of {table.as_of} ({basis(table)}; {length}):"
    for need in capability.pareto:
        yield f"  {need.gpus} × {gpu}: {need.standing.name} ({need.standing.rating:.0f})"
    if capability.breaks:
        yield "Breaks of the trend, each on the day of its release:"
    for b in capability.breaks:
        told = "better than all before; the best of them took" if b.best_yet else "the fewest before for as many:"
        yield (
            f"  {b.need.standing.released} {b.need.standing.name}: {b.need.standing.rating:.0f} points on "
            f"{b.need.gpus}; {told} {b.before.gpus} ({b.before.standing.name}, {b.before.standing.rating:.0f})"
        )
    if capability.unplaced:
        yield f"Not on any number searched: {some(tuple(s.name for s in capability.unplaced))}."
