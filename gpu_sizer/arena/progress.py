"""Open against proprietary models over time: frontiers, trends, the gap, and the lag in days."""

from __future__ import annotations

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
    """Models that were rated above every earlier one, by release."""
    tied: tuple[Standing, ...]
    """Models within the tie margin of the leader on the day of their release."""
    trend: Trend | None

    @property
    def best(self) -> Standing | None:
        """The highest rated."""
        return self.leaders[-1] if self.leaders else None

    @property
    def members(self) -> tuple[Standing, ...]:
        """Leaders and those tied with them, by release."""
        return tuple(sorted((*self.leaders, *self.tied), key=lambda s: (s.released, s.rating)))


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
            "proprietary_released": self.proprietary.released.isoformat(),
            "open": self.open.id if self.open else None,
            "open_released": self.open.released.isoformat() if self.open else None,
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
    """The models above the least score asked for."""
    hidden: int
    """How many models lie below it."""
    min_score: float | None
    gap: float | None
    """Points by which the best proprietary model leads the best open one; negative where the open one leads."""
    lags: tuple[Lag, ...]
    """One for each proprietary leader."""
    behind: tuple[Lag, ...]
    """One for each open leader, at its own score, as far as a proprietary model has it too."""

    @property
    def above(self) -> tuple[str, ...]:
        """Names without a card or a date that are rated above the best of either kind: gap and lag may be untrue."""
        bests = [f.best.rating for f in (self.open, self.proprietary) if f.best]
        return tuple(name for name, rating in self.table.outside if bests and rating > min(bests))

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
            "gap": None if self.gap is None else round(self.gap, 2),
            "above_without_card": list(self.above),
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


def frontier(standings: Iterable[Standing], tie: float = TIE) -> Frontier:
    """Leaders, those tied with them, and the trend of the leaders."""
    leaders: list[Standing] = []
    tied: list[Standing] = []
    # On one day the best comes first, so that it leads and the others can only tie.
    for standing in sorted(standings, key=lambda s: (s.released, -s.rating, s.id)):
        if not leaders or standing.rating > leaders[-1].rating:
            leaders.append(standing)
        elif standing.rating >= leaders[-1].rating - tie:
            tied.append(standing)
    return Frontier(tuple(leaders), tuple(tied), fit_trend(leaders))


def fit_trend(leaders: Sequence[Standing]) -> Trend | None:
    """The least-squares line through some models; null for fewer than three, or all on one day."""
    if len(leaders) < FEWEST_FOR_A_TREND:
        return None
    begins = min(s.released for s in leaders)
    days = [(s.released - begins).days for s in leaders]
    mean_day, mean_rating = sum(days) / len(days), sum(s.rating for s in leaders) / len(leaders)
    spread = sum((d - mean_day) ** 2 for d in days)
    if not spread:
        return None
    slope = sum((d - mean_day) * (s.rating - mean_rating) for d, s in zip(days, leaders, strict=True)) / spread
    return Trend(begins, mean_rating - slope * mean_day, slope * DAYS_A_YEAR)


def first_with(standings: Iterable[Standing], score: float) -> Standing | None:
    """The first released of the models rated at least so high."""
    able = [s for s in standings if s.rating >= score]
    return min(able, key=lambda s: (s.released, -s.rating)) if able else None


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
    open_frontier, closed_frontier = frontier(opened, tie), frontier(closed, tie)
    lags = []
    for leader in closed_frontier.leaders:
        reached = first_with(opened, leader.rating)
        until = reached.released if reached else table.as_of
        lags.append(Lag(leader.rating, leader, reached, (until - leader.released).days))
    behind = []
    for leader in open_frontier.leaders:
        if (earlier := first_with(closed, leader.rating)) is not None:
            behind.append(Lag(leader.rating, earlier, leader, (leader.released - earlier.released).days))
    best_open, best_closed = open_frontier.best, closed_frontier.best
    gap = best_closed.rating - best_open.rating if best_open and best_closed else None
    hidden = len(table.standings) - len(shown)
    return Progress(table, open_frontier, closed_frontier, shown, hidden, min_score, gap, tuple(lags), tuple(behind))
