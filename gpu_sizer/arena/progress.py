"""Open against proprietary models over time: frontiers, trends, the gap, and the lag in days.

A headline rests on the whole table. The gap needs the kind of every model that is rated above the lower of the two
bests; the lag and a trend need, besides, the dates of the best. Where one is missing, the figure is null and a reason
stands in its place.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import date
from statistics import median
from typing import Any

from gpu_sizer.arena.standings import Standing, Table
from gpu_sizer.records import dataclass

#: Points within which a model counts as tied with the leader of its day: as wide as the 95 % intervals that the Arena
#: printed for its leaders in 2024 (±3 to ±5).
TIE = 5.0
DAYS_A_YEAR = 365.25
#: Leaders that a trend needs at least.
FEWEST_FOR_A_TREND = 3


@dataclass(frozen=True, slots=True)
class Trend:
    """A straight line fitted to the leaders by least squares."""

    begins: date
    rating: float
    """Points on the day it begins."""
    points_a_year: float

    def at(self, day: date) -> float:
        """Points on a day."""
        return self.rating + self.points_a_year * (day - self.begins).days / DAYS_A_YEAR


@dataclass(frozen=True, slots=True)
class Frontier:
    """The best models of one kind over time."""

    leaders: tuple[Standing, ...]
    """Models that were rated above every earlier one, by release; among those whose release is known."""
    tied: tuple[Standing, ...]
    """Models within the tie margin of the leader on the day of their release."""
    trend: Trend | None
    best: Standing | None = None
    """The highest rated of the kind, whether its date is known or not."""

    @property
    def dated(self) -> bool:
        """Whether the best of the kind is one of the leaders: otherwise who led, and since when, is not known."""
        return self.best is None or (bool(self.leaders) and self.leaders[-1] == self.best)

    @property
    def members(self) -> tuple[Standing, ...]:
        """Leaders and those tied with them, by release."""
        return tuple(sorted((*self.leaders, *self.tied), key=_by_day))


def _by_day(standing: Standing) -> tuple[date, float]:
    assert standing.released is not None, "only models with a date are put in order of it"
    return standing.released, standing.rating


@dataclass(frozen=True, slots=True)
class Lag:
    """How long after the first proprietary model of a score an open one reached it."""

    score: float
    proprietary: Standing
    """The first proprietary model with at least the score."""
    open: Standing | None
    """The first open model with at least the score; null where none has yet."""
    days: int
    """Days between the two releases (negative where the open one came first), or until the day of the table."""

    def model_dump(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "score": round(self.score, 2),
            "proprietary": self.proprietary.id,
            "proprietary_released": str(self.proprietary.released),
            "open": self.open.id if self.open else None,
            "open_released": str(self.open.released) if self.open else None,
            "days": self.days,
            "reached": self.open is not None,
        }


@dataclass(frozen=True, slots=True)
class Progress:
    """The whole picture on one day."""

    table: Table
    open: Frontier
    proprietary: Frontier
    shown: tuple[Standing, ...]
    """The models with a date above the least score asked for."""
    hidden: int
    """How many models lie below it."""
    min_score: float | None
    gap: float | None
    """Points by which the best proprietary model leads the best open one; negative where the open one leads; null where
    the table does not tell."""
    lags: tuple[Lag, ...]
    """One for each proprietary leader; empty where the dates of the best are not known."""
    behind: tuple[Lag, ...]
    """One for each open leader, at its own score, as far as a proprietary model has it too."""
    above: tuple[str, ...] = ()
    """Names of unknown kind that are rated above the lower of the two bests: either may be untrue because of them."""
    undated: tuple[str, ...] = ()
    """Names without a date that are rated above the best dated model of their kind, or above the best open model."""

    @property
    def reason(self) -> str | None:
        """Why there is no gap; null where there is one."""
        if self.gap is not None:
            return None
        if self.above:
            verb = "is" if len(self.above) == 1 else "are"
            return (
                f"whether {some(self.above)} {verb} open or proprietary is not known, and {verb} rated among the best"
            )
        kind = "open" if self.open.best is None else "proprietary"
        return f"the table has no {kind} model" + (f" from {self.min_score:,.0f} points on" if self.min_score else "")

    @property
    def dates_reason(self) -> str | None:
        """Why there is no lag; null where nothing is missing."""
        if self.gap is None:
            return self.reason
        if self.undated:
            dates = "date" if len(self.undated) == 1 else "dates"
            return f"the release {dates} of {some(self.undated)} {_are(self.undated)} not known"
        return None

    @property
    def lag_days(self) -> int | None:
        """Days that the newest open leader came after the first proprietary model of its score."""
        best = self.open.best
        return self.behind[-1].days if self.behind and self.behind[-1].open is best else None

    @property
    def median_lag_days(self) -> float | None:
        """The median over the open leaders."""
        return median(lag.days for lag in self.behind) if self.behind else None

    def model_dump(self) -> dict[str, Any]:
        """Plain data."""
        t = self.table
        return {
            "as_of": t.as_of.isoformat(),
            "listed": t.listed.isoformat(),
            "rated": t.rated.isoformat(),
            "method": t.method,
            "category": t.category,
            "source": t.source,
            "open": _frontier_dump(self.open),
            "proprietary": _frontier_dump(self.proprietary),
            "control": t.control,
            "gap": None if self.gap is None else round(self.gap, 2),
            "reason": self.reason,
            "lag_reason": self.dates_reason,
            "of_unknown_kind": list(self.above),
            "lag_days": self.lag_days,
            "median_lag_days": self.median_lag_days,
            "lags": [lag.model_dump() for lag in self.lags],
            "behind": [lag.model_dump() for lag in self.behind],
            "models": [s.model_dump() for s in self.shown],
            "hidden": self.hidden,
            "joined": t.joined,
            "unjoined": list(t.unjoined),
            "undated": list(t.undated),
            "unrated": list(t.unrated),
        }


def _frontier_dump(frontier: Frontier) -> dict[str, Any]:
    trend = frontier.trend
    return {
        "best": frontier.best.model_dump() if frontier.best else None,
        "leaders": [s.model_dump() for s in frontier.leaders],
        "tied": [s.model_dump() for s in frontier.tied],
        "points_a_year": None if trend is None else round(trend.points_a_year, 1),
    }


def some(names: Sequence[str], most: int = 6) -> str:
    """Some names and how many more."""
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + rest


def _are(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"


def frontier(standings: Iterable[Standing], tie: float = TIE, best: Standing | None = None) -> Frontier:
    """Leaders, those tied with them, and the trend of the leaders.

    Args:
        standings: of one kind, each with a date.
        tie: points within which a model counts as tied with its day's leader.
        best: the highest rated of the kind, if one without a date is; there is no trend then.
    """
    leaders: list[Standing] = []
    tied: list[Standing] = []
    # On one day the best comes first, so that it leads and the others can only tie.
    for standing in sorted(standings, key=lambda s: (_by_day(s)[0], -s.rating, s.id or s.name)):
        if not leaders or standing.rating > leaders[-1].rating:
            leaders.append(standing)
        elif standing.rating >= leaders[-1].rating - tie:
            tied.append(standing)
    if best is None or (leaders and leaders[-1].rating >= best.rating):
        best = leaders[-1] if leaders else None
    known = best is None or (bool(leaders) and leaders[-1] is best)
    return Frontier(tuple(leaders), tuple(tied), fit_trend(leaders) if known else None, best)


def fit_trend(leaders: Sequence[Standing]) -> Trend | None:
    """The least-squares line through some models; null for fewer than three, or all on one day."""
    if len(leaders) < FEWEST_FOR_A_TREND:
        return None
    begins = min(_by_day(s)[0] for s in leaders)
    days = [(_by_day(s)[0] - begins).days for s in leaders]
    mean_day, mean_rating = sum(days) / len(days), sum(s.rating for s in leaders) / len(leaders)
    spread = sum((d - mean_day) ** 2 for d in days)
    if not spread:
        return None
    slope = sum((d - mean_day) * (s.rating - mean_rating) for d, s in zip(days, leaders, strict=True)) / spread
    return Trend(begins, mean_rating - slope * mean_day, slope * DAYS_A_YEAR)


def first_with(standings: Iterable[Standing], score: float) -> Standing | None:
    """The first released of the models rated at least so high."""
    able = [s for s in standings if s.rating >= score]
    return min(able, key=lambda s: (_by_day(s)[0], -s.rating)) if able else None


def progress(table: Table, *, min_score: float | None = None, tie: float = TIE) -> Progress:
    """Frontiers, trends, gap and lags of one table.

    Args:
        table: who stood in it, from :func:`gpu_sizer.arena.standings.table`.
        min_score: models rated lower are left out, of trends too.
        tie: points within which a model counts as tied with its day's leader.
    """
    shown = tuple(s for s in table.standings if min_score is None or s.rating >= min_score)
    opened = [s for s in shown if s.open]
    closed = [s for s in shown if not s.open]
    bests = [b if b and (min_score is None or b.rating >= min_score) else None for b in map(table.best, (True, False))]
    open_frontier, closed_frontier = frontier(opened, tie, bests[0]), frontier(closed, tie, bests[1])
    best_open, best_closed = open_frontier.best, closed_frontier.best
    lower = min((b.rating for b in (best_open, best_closed) if b), default=None)
    above = tuple(name for name, rating in table.outside if lower is not None and rating > lower)
    gap = best_closed.rating - best_open.rating if best_open and best_closed and not above else None
    undated = _undated(table, open_frontier, closed_frontier)
    if above:
        open_frontier, closed_frontier = (
            Frontier(f.leaders, f.tied, None, f.best) for f in (open_frontier, closed_frontier)
        )
    lags, behind = (
        ([], []) if gap is None or undated else _lags(open_frontier, closed_frontier, opened, closed, table.as_of)
    )
    hidden = len(table.standings) - len(shown)
    return Progress(
        table, open_frontier, closed_frontier, shown, hidden, min_score, gap, tuple(lags), tuple(behind), above, undated
    )


def _undated(table: Table, opened: Frontier, closed: Frontier) -> tuple[str, ...]:
    """Names whose missing date leaves it open who led and when, or which proprietary model first had a score."""
    highest = {f is opened: f.leaders[-1].rating if f.leaders else -math.inf for f in (opened, closed)}
    return tuple(
        s.arena_name for s in table.timeless if s.rating > highest[s.open] or (not s.open and s.rating >= highest[True])
    )


def _lags(
    opened: Frontier, closed: Frontier, open_ones: list[Standing], closed_ones: list[Standing], until: date
) -> tuple[list[Lag], list[Lag]]:
    """For each proprietary leader the first open model as good; for each open leader the first proprietary one."""
    lags = []
    for leader in closed.leaders:
        reached = first_with(open_ones, leader.rating)
        end = _by_day(reached)[0] if reached else until
        lags.append(Lag(leader.rating, leader, reached, (end - _by_day(leader)[0]).days))
    behind = []
    for leader in opened.leaders:
        if (earlier := first_with(closed_ones, leader.rating)) is not None:
            behind.append(Lag(leader.rating, earlier, leader, (_by_day(leader)[0] - _by_day(earlier)[0]).days))
    return lags, behind
